//! Documents that IAM takes.

use std::collections::BTreeMap;

use infra_core::provider::{Error, Result};
use serde_json::{Value, json};

use super::merge::Statement;

/// What a managed policy may have of characters that are not white space. (*IAM and STS quotas*, IAM user guide.)
const LIMIT: usize = 6144;
/// How many managed policies a role has, unless AWS was asked for more. (The same.)
const MANY: usize = 10;

/// The documents of these statements, as few as they fit into.
pub(super) fn documents(name: &str, statements: Vec<Statement>) -> Result<Vec<Value>> {
    split(name, statements, LIMIT)
}

fn split(name: &str, statements: Vec<Statement>, limit: usize) -> Result<Vec<Value>> {
    let room = limit - document(&[]).to_string().len();
    let mut open = statements;
    open.reverse();
    let mut documents: Vec<Vec<Statement>> = Vec::new();
    while let Some(statement) = open.pop() {
        if statement.size() > room {
            let Some(halves) = statement.halves() else {
                let action = statement.actions.first().cloned().unwrap_or_default();
                let message = format!(
                    "one permission ({action}) takes more than the {limit} characters that IAM allows a policy"
                );
                return Err(Error::invalid(message));
            };
            open.extend(halves.into_iter().rev());
            continue;
        }
        let fits = |all: &&mut Vec<Statement>| {
            all.iter().map(Statement::size).sum::<usize>() + statement.size() <= room
        };
        match documents.iter_mut().find(fits) {
            Some(all) => all.push(statement),
            None => documents.push(vec![statement]),
        }
    }
    if documents.len() > MANY {
        let message = format!(
            "the policy `{name}` takes {} documents of {limit} characters, and a role can have {MANY} managed policies: \
             ask AWS for more (the quota goes to 20), or cut the stack in two",
            documents.len()
        );
        return Err(Error::invalid(message));
    }
    Ok(documents.iter().map(|statements| document(statements)).collect())
}

/// A document, with a name for every statement.
fn document(statements: &[Statement]) -> Value {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let named = statements.iter().map(|statement| {
        let name = format!("{}{}", capital(&statement.service), statement.word());
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        let sid = if *count == 1 { name } else { format!("{name}{count}") };
        statement.json(&sid)
    });
    json!({"Version": "2012-10-17", "Statement": named.collect::<Vec<_>>()})
}

/// `elasticloadbalancing` → `Elasticloadbalancing`; a name has letters and digits only.
fn capital(service: &str) -> String {
    let mut letters = service.chars().filter(char::is_ascii_alphanumeric);
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn statement(service: &str, actions: usize) -> Statement {
        Statement {
            service: service.to_owned(),
            conditions: BTreeMap::new(),
            resources: ["*".to_owned()].into(),
            actions: (0..actions).map(|at| format!("{service}:Action{at:03}")).collect(),
        }
    }

    fn actions(documents: &[Value]) -> BTreeSet<String> {
        let statements = documents.iter().flat_map(|it| it["Statement"].as_array().unwrap());
        let words = statements.flat_map(|it| match &it["Action"] {
            Value::Array(all) => all.clone(),
            one => vec![one.clone()],
        });
        words.map(|word| word.as_str().unwrap().to_owned()).collect()
    }

    /// The grammar of the IAM user guide, as far as it is used here.
    fn check(documents: &[Value], limit: usize) {
        for document in documents {
            assert_eq!(document["Version"], "2012-10-17");
            let text = document.to_string();
            assert!(text.len() <= limit && !text.contains(' '), "{}", text.len());
            let statements = document["Statement"].as_array().unwrap();
            assert!(!statements.is_empty());
            let sids: BTreeSet<_> =
                statements.iter().map(|it| it["Sid"].as_str().unwrap()).collect();
            assert_eq!(sids.len(), statements.len(), "names are unique in a document");
            for sid in sids {
                assert!(!sid.is_empty() && sid.chars().all(|c| c.is_ascii_alphanumeric()), "{sid}");
            }
            for statement in statements {
                for key in ["Action", "Resource"] {
                    assert!(statement[key].as_array().is_none_or(|list| !list.is_empty()));
                }
            }
        }
    }

    #[test]
    fn what_fits_is_one_document() {
        let documents = documents("deploy", vec![statement("ec2", 3), statement("s3", 2)]).unwrap();
        assert_eq!(documents.len(), 1);
        check(&documents, LIMIT);
        assert_eq!(documents[0]["Statement"][0]["Sid"], "Ec2Any");
    }

    #[test]
    fn what_does_not_fit_is_cut_and_says_the_same() {
        for limit in [200, 300, 700, 1500] {
            let all = vec![statement("ec2", 40), statement("logs", 3), statement("ec2", 1)];
            let expected = actions(&split("x", all.clone(), 100_000).unwrap());
            let Ok(documents) = split("x", all, limit) else {
                assert!(limit < 700);
                continue;
            };
            check(&documents, limit);
            assert!(limit > 1000 || documents.len() > 1);
            assert_eq!(actions(&documents), expected);
        }
    }

    #[test]
    fn too_many_documents_are_an_error_that_says_what_to_do() {
        let all = (0..40).map(|at| statement(&format!("s{at}"), 300)).collect();
        let error = documents("deploy", all).unwrap_err().to_string();
        assert!(error.contains("a role can have 10") && error.contains("20"), "{error}");
        let long = Statement { resources: ["x".repeat(7000)].into(), ..statement("s3", 1) };
        let error = documents("deploy", vec![long]).unwrap_err().to_string();
        assert!(error.contains("s3:Action000"), "{error}");
    }
}
