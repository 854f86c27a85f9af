//! Roles for GitHub Actions: workflows that deploy without a key that could be lost.

use infra_core::program::IntoText;
use serde_json::Value as Json;

use super::{OidcProvider, OidcProviderDecl, Role, RoleDecl};
use crate::policy::{Condition, Document, Principal, Statement};

/// The issuer of GitHub's tokens, without its scheme.
const ISSUER: &str = "token.actions.githubusercontent.com";
/// Whom the tokens are for that `aws-actions/configure-aws-credentials` asks for.
const AUDIENCE: &str = "sts.amazonaws.com";

/// Which runs of a repository's workflows: what the subject of GitHub's token says after the repository. Names may have
/// `*` and `?`. (GitHub's reference of its tokens, "Example subject claims".)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workflow(String);

impl Workflow {
    /// Runs on a branch: `main`, `release/*`. Not those of a job with an environment: its subject says that instead.
    pub fn branch(name: impl AsRef<str>) -> Self {
        Self(format!("ref:refs/heads/{}", name.as_ref()))
    }

    /// Runs on a tag: `v*`.
    pub fn tag(name: impl AsRef<str>) -> Self {
        Self(format!("ref:refs/tags/{}", name.as_ref()))
    }

    /// Jobs of an environment: `production`. The environment's own rules say which branches get there and who agrees.
    pub fn environment(name: impl AsRef<str>) -> Self {
        // GitHub writes a colon in a name so, because colons part the subject.
        Self(format!("environment:{}", name.as_ref().replace(':', "%3A")))
    }

    /// Runs for pull requests, of whatever branch: for a role that only reads.
    pub fn pull_request() -> Self {
        Self("pull_request".to_owned())
    }

    /// Every run of the repository's workflows, on any branch that anyone who may write to it pushes.
    pub fn any() -> Self {
        Self("*".to_owned())
    }
}

impl OidcProvider {
    /// GitHub's issuer, for roles made by [`Role::for_github`]. An account has it once, so it may be there already.
    pub fn github() -> OidcProviderDecl {
        Self::new(format!("https://{ISSUER}")).client_ids([AUDIENCE])
    }
}

impl Role {
    /// A role that workflows of one GitHub repository take on, and nobody else:
    /// `Role::for_github(&github.arn, "acme/shop", [Workflow::environment("production")])`, where `github` is
    /// [`OidcProvider::github`]. The token must be for AWS, and its subject one of these.
    pub fn for_github(
        provider: impl IntoText,
        repository: impl AsRef<str>,
        workflows: impl IntoIterator<Item = Workflow>,
    ) -> RoleDecl {
        let repository = repository.as_ref();
        let subjects = workflows.into_iter().map(|Workflow(of)| format!("repo:{repository}:{of}"));
        let subjects: Vec<_> = subjects.collect();
        // Where there is no workflow nobody may take the role on: no subject is like that.
        let none = format!("repo:{repository}:none");
        let (first, more) = subjects.split_first().unwrap_or((&none, &[]));
        let subject = Condition::string_like(format!("{ISSUER}:sub"), first).or_any(more);
        Self::new(
            Document::new().statement(
                Statement::allow()
                    .principal(Principal::federated(provider))
                    .actions(["sts:AssumeRoleWithWebIdentity"])
                    .condition(Condition::string_equals(format!("{ISSUER}:aud"), AUDIENCE))
                    .condition(subject),
            ),
        )
    }
}

/// The claims that say whose workflow it is. (AWS STS takes these of GitHub's as condition keys.)
const WHOSE: [&str; 4] = ["sub", "repository", "repository_id", "enterprise_id"];

/// What lets workflows of strangers take the role on: GitHub signs tokens for everyone.
pub(super) fn problem(document: &str) -> Option<String> {
    let document: Json = serde_json::from_str(document).ok()?;
    let statements = match &document["Statement"] {
        Json::Array(list) => list.iter().collect(),
        one => vec![one],
    };
    let open = statements.into_iter().find(|statement| {
        let of_github = each(&statement["Principal"]["Federated"])
            .any(|arn| arn.ends_with(&format!("oidc-provider/{ISSUER}")));
        of_github && statement["Effect"] == "Allow" && !is_closed(&statement["Condition"])
    })?;
    Some(format!(
        "GitHub signs tokens for every repository there is: expected a condition on `{ISSUER}:sub` like \
         `repo:OWNER/NAME:…` that names an owner, found {}",
        open["Condition"]
    ))
}

/// Whether one of the conditions, which all have to hold, names somebody with each of its values.
fn is_closed(conditions: &Json) -> bool {
    let operators = conditions.as_object().into_iter().flatten().filter(|(operator, _)| {
        // `ForAllValues` holds too where there is nothing.
        ["StringEquals", "StringLike"].iter().any(|of| operator.ends_with(of))
            && !operator.starts_with("ForAllValues")
    });
    operators.into_iter().any(|(_, keys)| {
        WHOSE.iter().any(|claim| {
            let mut values = each(&keys[format!("{ISSUER}:{claim}")]).peekable();
            values.peek().is_some() && values.all(|value| names_somebody(claim, value))
        })
    })
}

fn names_somebody(claim: &str, value: &str) -> bool {
    let repository = |value: &str| {
        let owner = value.split_once('/').map(|(owner, _)| owner);
        owner.is_some_and(|owner| !owner.is_empty() && !owner.contains(['*', '?']))
    };
    match (claim, value.strip_prefix("repo:")) {
        ("sub", Some(rest)) => repository(rest),
        ("repository", _) => repository(value),
        // A subject may have another form, and ids have none.
        _ => !value.is_empty() && !value.starts_with(['*', '?']),
    }
}

fn each(value: &Json) -> impl Iterator<Item = &str> {
    let list = match value {
        Json::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    list.iter().filter_map(Json::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_cannot_take_it_on() {
        let trust = |condition: &str| {
            let text = format!(
                r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity",
                "Principal":{{"Federated":"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"}},
                "Condition":{{{condition}}}}}}}"#
            );
            problem(&text)
        };
        let on = |operator: &str, claim: &str, values: &str| {
            trust(&format!(r#""{operator}":{{"{ISSUER}:{claim}":{values}}}"#))
        };
        let sub = |value: &str| on("StringLike", "sub", &format!("{value:?}"));
        assert!(on("StringEquals", "aud", &format!("{AUDIENCE:?}")).is_some());
        for open in ["*", "repo:*", "repo:*/shop:*", "repo:/shop:*", "repo:acme"] {
            assert!(sub(open).is_some(), "{open}");
        }
        assert!(on("StringLike", "sub", r#"["repo:acme/shop:*","*"]"#).is_some());
        assert!(on("ForAllValues:StringLike", "sub", r#""repo:acme/shop:*""#).is_some());
        assert!(on("StringEquals", "environment", r#""production""#).is_some());
        for closed in ["repo:acme/shop:*", "repo:acme/*:ref:refs/heads/main", "repository_id:1:x"] {
            assert_eq!(sub(closed), None);
        }
        assert_eq!(on("StringEquals", "repository_id", r#""1234""#), None);
        assert_eq!(on("StringLike", "repository", r#"["acme/shop","acme/web-*"]"#), None);
        assert_eq!(problem("{}"), None);
    }

    #[test]
    fn subjects_are_as_github_writes_them() {
        assert_eq!(Workflow::branch("main").0, "ref:refs/heads/main");
        assert_eq!(Workflow::tag("v*").0, "ref:refs/tags/v*");
        assert_eq!(Workflow::environment("eu:prod").0, "environment:eu%3Aprod");
        assert_eq!(Workflow::pull_request().0, "pull_request");
    }
}
