//! Policy documents.

use serde_json::Value;

use super::condition::Condition;

/// One policy document.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(super) statements: Vec<Statement>,
}

/// One statement.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) allows: bool,
    pub(super) actions: Words,
    pub(super) resources: Words,
    pub(super) conditions: Vec<Condition>,
}

/// What is meant, or what is not.
#[derive(Clone, Debug)]
pub(super) enum Words {
    Only(Vec<String>),
    AllBut(Vec<String>),
}

impl Words {
    /// Whether one of the patterns is meant.
    pub(super) fn has(&self, like: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Only(words) => words.iter().any(|word| like(word)),
            Self::AllBut(words) => !words.iter().any(|word| like(word)),
        }
    }

    fn read(statement: &Value, name: &str) -> Result<Self, String> {
        let not = format!("Not{name}");
        match (words(&statement[name]), words(&statement[&not])) {
            (Some(only), None) => Ok(Self::Only(only)),
            (None, Some(but)) => Ok(Self::AllBut(but)),
            (None, None) => Err(format!("expected `{name}` or `{not}` with at least one text")),
            (Some(_), Some(_)) => Err(format!("found both `{name}` and `{not}`")),
        }
    }
}

impl Policy {
    /// Reads a document; the error says what is wrong in it.
    pub(crate) fn read(document: &Value) -> Result<Self, String> {
        let version = document["Version"].as_str();
        if !matches!(version, Some("2012-10-17" | "2008-10-17")) {
            return Err(format!(
                "expected `Version` to be `2012-10-17`, found {}",
                document["Version"]
            ));
        }
        let statements = match &document["Statement"] {
            Value::Array(all) if !all.is_empty() => all.iter().map(Statement::read).collect(),
            one @ Value::Object(_) => Statement::read(one).map(|one| vec![one]),
            other => Err(format!("expected `Statement` to be a list, found {other}")),
        };
        Ok(Self { statements: statements? })
    }
}

impl Statement {
    fn read(statement: &Value) -> Result<Self, String> {
        let sid = statement["Sid"].as_str().unwrap_or_default();
        if !sid.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(format!("expected `Sid` of letters and digits, found {sid:?}"));
        }
        let allows = match statement["Effect"].as_str() {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => {
                return Err(format!(
                    "expected `Effect` Allow or Deny, found {}",
                    statement["Effect"]
                ));
            }
        };
        let conditions = statement["Condition"].as_object().into_iter().flatten();
        let conditions = conditions.map(|(operator, keys)| Condition::read(operator, keys));
        let conditions: Vec<Vec<_>> = conditions.collect::<Result<_, _>>()?;
        Ok(Self {
            allows,
            actions: Words::read(statement, "Action")?,
            resources: Words::read(statement, "Resource")?,
            conditions: conditions.into_iter().flatten().collect(),
        })
    }
}

/// One text or several; `None` where there is none.
pub(super) fn words(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Bool(flag) => Some(vec![flag.to_string()]),
        Value::Number(number) => Some(vec![number.to_string()]),
        Value::Array(all) if !all.is_empty() => {
            all.iter().map(|one| one.as_str().map(str::to_owned)).collect()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_iam_would_not_take_is_refused() {
        let statement = json!({"Effect": "Allow", "Action": "a:B", "Resource": "*"});
        let with = |key: &str, value: Value| {
            let mut statement = statement.clone();
            statement[key] = value;
            Policy::read(&json!({"Version": "2012-10-17", "Statement": [statement]}))
        };
        assert!(with("Sid", json!("Fine1")).is_ok());
        for (key, value, said) in [
            ("Sid", json!("not-fine"), "letters and digits"),
            ("Action", json!([]), "`Action` or `NotAction`"),
            ("Effect", json!("allow"), "Allow or Deny"),
            ("NotResource", json!("x"), "both"),
            ("Condition", json!({"StringsEqual": {"a": "b"}}), "StringsEqual"),
        ] {
            let error = with(key, value).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        assert!(Policy::read(&json!({"Statement": [statement]})).unwrap_err().contains("Version"));
        let none = json!({"Version": "2012-10-17", "Statement": []});
        assert!(Policy::read(&none).is_err());
    }
}
