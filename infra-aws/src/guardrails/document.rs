//! What policy documents allow.

use serde_json::Value as Json;

/// Whether a statement without a condition allows everybody something.
pub(super) fn lets_in_everybody(document: &str) -> bool {
    let everybody = |principal: &Json| {
        is_any(principal) || principal.get("AWS").is_some_and(|of| list(of).any(is_any))
    };
    allowing(document).iter().any(|statement| {
        let bound = statement.get("Condition").and_then(Json::as_object);
        bound.is_none_or(serde_json::Map::is_empty)
            && statement.get("Principal").is_some_and(everybody)
    })
}

/// Whether a statement allows everything on everything.
pub(super) fn allows_everything(document: &str) -> bool {
    let any = |statement: &Json, key: &str| {
        statement.get(key).is_some_and(|of| list(of).any(|one| is_any(one) || *one == "*:*"))
    };
    allowing(document)
        .iter()
        .any(|statement| any(statement, "Action") && any(statement, "Resource"))
}

/// The statements that allow something.
fn allowing(document: &str) -> Vec<Json> {
    // What is no document is reported by its kind.
    let json: Json = serde_json::from_str(document).unwrap_or_default();
    let statements = json.get("Statement").map(|of| list(of).cloned().collect::<Vec<_>>());
    let mut statements = statements.unwrap_or_default();
    statements.retain(|statement| statement.get("Effect").is_some_and(|effect| effect == "Allow"));
    statements
}

/// A list, or the one thing that stands where a list may.
fn list(value: &Json) -> impl Iterator<Item = &Json> {
    let (list, one) = match value {
        Json::Array(list) => (list.as_slice(), None),
        one => (&[][..], Some(one)),
    };
    list.iter().chain(one)
}

fn is_any(value: &Json) -> bool {
    value == "*"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_a_star_that_no_condition_binds() {
        let with = |more: &str| {
            format!(r#"{{"Statement":[{{"Effect":"Allow","Action":"s3:GetObject"{more}}}]}}"#)
        };
        assert!(lets_in_everybody(&with(r#","Principal":"*""#)));
        assert!(lets_in_everybody(&with(r#","Principal":{"AWS":["1","*"]},"Condition":{}"#)));
        let bound = r#","Principal":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#;
        assert!(!lets_in_everybody(&with(bound)));
        assert!(!lets_in_everybody(&with(r#","Principal":{"Service":"sns.amazonaws.com"}"#)));
        let denied = r#"{"Statement":{"Effect":"Deny","Principal":"*","Action":"*"}}"#;
        assert!(!lets_in_everybody(denied));
        assert!(!lets_in_everybody("no document"));
    }

    #[test]
    fn everything_is_a_star_on_a_star() {
        let with = |action: &str, resource: &str| {
            format!(
                r#"{{"Statement":{{"Effect":"Allow","Action":{action},"Resource":{resource}}}}}"#
            )
        };
        assert!(allows_everything(&with(r#""*""#, r#"["*"]"#)));
        assert!(allows_everything(&with(r#"["s3:*","*:*"]"#, r#""*""#)));
        assert!(!allows_everything(&with(r#""s3:*""#, r#""*""#)));
        assert!(!allows_everything(&with(r#""*""#, r#""arn:aws:s3:::a""#)));
    }
}
