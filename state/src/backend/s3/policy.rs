//! The bucket policy: nothing without TLS.

use serde_json::{Value, json};

use crate::{Error, ErrorKind, Result};

const SID: &str = "InfraStateTlsOnly";

/// A bucket's policy; `null` if it has none.
#[derive(Clone, Debug)]
pub(super) struct Policy(Value);

impl Policy {
    pub(super) fn read(text: Option<&str>) -> Result<Self> {
        let Some(text) = text else { return Ok(Self(Value::Null)) };
        serde_json::from_str(text).map(Self).map_err(|e| {
            Error::new(ErrorKind::Invalid, "the bucket's policy is no JSON").because(e)
        })
    }

    /// Whether every call to the bucket without TLS is refused.
    pub(super) fn denies_plain_text(&self, bucket: &str) -> bool {
        self.statements().iter().any(|statement| denies_plain_text(statement, bucket))
    }

    /// The policy with a statement more; those that are there stay as they are.
    pub(super) fn with_tls_only(&self, bucket: &str, region: &str) -> String {
        let mut statements = self.statements();
        // An earlier one of ours that no longer says what it should.
        statements.retain(|statement| statement["Sid"] != SID);
        let arn = format!("arn:{}:s3:::{bucket}", partition(region));
        statements.push(json!({
            "Sid": SID, "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": [arn, format!("{arn}/*")],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }));
        let mut policy = match &self.0 {
            Value::Object(_) => self.0.clone(),
            _ => json!({"Version": "2012-10-17"}),
        };
        policy["Statement"] = statements.into();
        policy.to_string()
    }

    fn statements(&self) -> Vec<Value> {
        match &self.0["Statement"] {
            Value::Array(statements) => statements.clone(),
            Value::Null => Vec::new(),
            one => vec![one.clone()],
        }
    }
}

fn partition(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

fn denies_plain_text(statement: &Value, bucket: &str) -> bool {
    let has = |value: &Value, wanted: &dyn Fn(&str) -> bool| match value {
        Value::String(one) => wanted(one),
        Value::Array(all) => all.iter().filter_map(Value::as_str).any(wanted),
        _ => false,
    };
    let everybody = |it: &str| it == "*";
    let principal = &statement["Principal"];
    let whose = has(principal, &everybody) || has(&principal["AWS"], &everybody);
    let what = has(&statement["Action"], &|action| matches!(action, "s3:*" | "*"));
    let (itself, inside) = (format!(":s3:::{bucket}"), format!(":s3:::{bucket}/*"));
    let resource = &statement["Resource"];
    let all = has(resource, &everybody);
    let on = |end: &str| all || has(resource, &|arn| arn.ends_with(end));
    let conditions = statement["Condition"].as_object().filter(|kinds| kinds.len() == 1);
    let plain = conditions.and_then(|kinds| kinds.get("Bool")).and_then(Value::as_object);
    let plain = plain.filter(|keys| keys.len() == 1).is_some_and(|keys| {
        keys.iter().all(|(key, value)| {
            key.eq_ignore_ascii_case("aws:SecureTransport")
                && (*value == json!(false) || has(value, &|value| value == "false"))
        })
    });
    statement["Effect"] == "Deny" && whose && what && on(&itself) && on(&inside) && plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Policy {
        Policy::read(Some(text)).unwrap()
    }

    #[test]
    fn a_statement_is_added_and_none_is_lost() {
        let foreign = r#"{"Version":"2008-10-17","Id":"x","Statement":{"Sid":"a","Effect":"Allow","Principal":"*",
            "Action":"s3:GetObject","Resource":"arn:aws:s3:::b/public/*"}}"#;
        let before = policy(foreign);
        assert!(!before.denies_plain_text("b"));
        let after = policy(&before.with_tls_only("b", "eu-west-1"));
        assert!(after.denies_plain_text("b"));
        assert!(!after.denies_plain_text("c"));
        assert_eq!(after.statements()[0], before.statements()[0]);
        assert_eq!((&after.0["Id"], &after.0["Version"]), (&json!("x"), &json!("2008-10-17")));
        assert_eq!(policy(&after.with_tls_only("b", "eu-west-1")).statements().len(), 2);
        let fresh = policy(&Policy::read(None).unwrap().with_tls_only("b", "cn-north-1"));
        assert!(fresh.denies_plain_text("b"));
        assert_eq!(fresh.statements()[0]["Resource"][0], "arn:aws-cn:s3:::b");
    }

    #[test]
    fn half_of_a_denial_is_none() {
        let with = |change: &dyn Fn(&mut Value)| {
            let mut all = policy(&Policy(Value::Null).with_tls_only("b", "eu-west-1")).0;
            change(&mut all["Statement"][0]);
            Policy(all).denies_plain_text("b")
        };
        assert!(with(&|_| {}));
        assert!(with(&|it| it["Principal"] = json!({"AWS": "*"})));
        assert!(!with(&|it| it["Effect"] = json!("Allow")));
        assert!(!with(&|it| it["Action"] = json!("s3:GetObject")));
        assert!(!with(&|it| it["Resource"] = json!("arn:aws:s3:::b/*")));
        assert!(!with(&|it| it["Principal"] = json!({"AWS": "arn:aws:iam::1:root"})));
        assert!(!with(&|it| it["Condition"]["StringEquals"] = json!({"a": "b"})));
    }
}
