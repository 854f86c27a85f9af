//! Roles.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_iam::types::Role as SdkRole;
use infra_core::{
    Outputs, Resource,
    program::IntoText,
    provider::{
        Change, Cx, Find, Grant, Managed, Observed, Once, Operation, Partial, Result, Violation,
    },
    state::{StackName, Value},
};

use super::{github, search, tag};
use crate::{
    Aws,
    classify::Classify as _,
    owned,
    policy::{Document, Principal, Statement, Verb, decoded, grants, normalize, problem, subject},
    tags,
    types::{Arn, RoleName},
};

/// An IAM role: permissions that a service, a pod or a person takes on for a time.
///
/// Permissions are resources of their own: [`RolePolicy`](super::RolePolicy) for those of this role only,
/// [`PolicyAttachment`](super::PolicyAttachment) for managed policies. Another name or path replaces it.
///
/// Deploying needs `iam:CreateRole`, `GetRole`, `UpdateRole`, `UpdateAssumeRolePolicy`,
/// `Put/DeleteRolePermissionsBoundary`, `TagRole`, `UntagRole`, `DeleteRole` on the role. (IAM API reference.)
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:iam:Role", outputs = RoleOutputs)]
pub struct Role {
    /// Who may assume it: a policy document with principals and `sts:AssumeRole…` actions.
    #[field(normalize = normalize)]
    pub assume_role_policy: String,
    /// Its name, unique in the account; generated if left out. Another name replaces it.
    #[field(replace, name(max = 64, extra = "-_+=,.@"))]
    pub name: Option<String>,
    /// The path in its ARN, like `/qledger/`. Another path replaces it.
    #[field(replace, default = "/")]
    pub path: String,
    /// What it is for.
    pub description: Option<String>,
    /// The longest session in seconds, 3600 to 43200.
    #[field(default = 3600i32)]
    pub max_session_duration: i32,
    /// A managed policy that bounds what the role can ever do.
    pub permissions_boundary: Option<Arn>,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a role gives.
#[derive(Outputs, Clone, Debug)]
pub struct RoleOutputs {
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// Its name.
    #[output(stable)]
    pub name: RoleName,
    /// Its unique id, `AROA…`: another one when a role of the same name is made again.
    #[output(stable)]
    pub unique_id: String,
}

impl Role {
    /// A role that an AWS service assumes: `Role::for_service("ec2.amazonaws.com")`.
    pub fn for_service(service: impl IntoText) -> RoleDecl {
        Self::new(Document::new().statement(
            Statement::allow().principal(Principal::service(service)).actions(["sts:AssumeRole"]),
        ))
    }

    /// A role that pods take on by EKS Pod Identity. (EKS user guide, "Create IAM role with trust policy".)
    pub fn for_pods() -> RoleDecl {
        Self::new(
            Document::new().statement(
                Statement::allow()
                    .principal(Principal::service("pods.eks.amazonaws.com"))
                    .actions(["sts:AssumeRole", "sts:TagSession"]),
            ),
        )
    }

    fn name_in<'a>(find: &Find<'a, Self>) -> &'a str {
        let named = || find.inputs().and_then(|role| role.name.as_deref());
        find.id().or_else(named).unwrap_or_default()
    }

    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let answer = cx.iam().get_role().role_name(Self::name_in(find)).send().await.found()?;
        Ok(answer.and_then(|answer| answer.role).map(Self::observed))
    }

    fn observed(role: SdkRole) -> Observed<Self> {
        let all = tag::map(role.tags());
        let boundary = role.permissions_boundary().and_then(|b| b.permissions_boundary_arn());
        let live = Self {
            assume_role_policy: decoded(role.assume_role_policy_document().unwrap_or_default()),
            name: Some(role.role_name.clone()),
            path: role.path.clone(),
            description: role.description.clone().filter(|text| !text.is_empty()),
            max_session_duration: role.max_session_duration.unwrap_or(3600),
            permissions_boundary: boundary.map(Arn::trusted),
            tags: tags::visible(&all),
        };
        let outputs = RoleOutputs {
            arn: Arn::trusted(role.arn),
            name: RoleName::trusted(role.role_name.clone()),
            unique_id: role.role_id,
        };
        Observed::ready(role.role_name, live, outputs).owned_by(&all)
    }

    /// The roles of the account by their names, where that is less than asking for each: two lists that have the half
    /// of everything each.
    async fn listed(cx: &Cx<Aws>, asked: usize) -> Result<HashMap<String, SdkRole>> {
        let Some(account) = search::of_many(cx, asked).await? else { return Ok(HashMap::new()) };
        let Some(roles) = search::described(cx).await? else { return Ok(HashMap::new()) };
        let whole = |(name, role): (&String, &SdkRole)| {
            let details = account.role(name)?;
            // Another one of the same name, made between the two calls, is asked for alone.
            let same = details.role_id() == Some(&*role.role_id);
            let mut role = role.clone();
            role.tags.clone_from(&details.tags);
            role.permissions_boundary.clone_from(&details.permissions_boundary);
            same.then(|| (name.clone(), role))
        };
        Ok(roles.iter().filter_map(whole).collect())
    }
}

impl Managed for Role {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        let listed = Self::listed(cx, find.len()).await;
        let in_list = |roles: &HashMap<_, _>, find: &Find<'_, Self>| {
            roles.get(Self::name_in(find)).cloned().map(Self::observed)
        };
        search::each(find, listed.map(Some), in_list, |find| Self::read_one(cx, find)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let account = search::account(cx).await?;
        let names = account.roles_of(stack).filter_map(|role| role.role_name.clone());
        owned::read(cx, names.collect()).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let name = want.name.as_deref().unwrap_or_default();
        let boundary = want.permissions_boundary.as_ref().map(ToString::to_string);
        cx.iam()
            .create_role()
            .role_name(name)
            .path(&want.path)
            .assume_role_policy_document(&want.assume_role_policy)
            .set_description(want.description.clone())
            .max_session_duration(want.max_session_duration)
            .set_permissions_boundary(boundary)
            .set_tags(Some(tag::list(&cx.tags(&want.tags, op))?))
            .send()
            .await
            .classify()?;
        Ok(name.to_owned())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (name, want, iam) = (change.id()?, change.want()?, cx.iam());
        if change.touches(Self::ASSUME_ROLE_POLICY) {
            let update = iam.update_assume_role_policy().role_name(name);
            update.policy_document(&want.assume_role_policy).send().await.classify()?;
        }
        if change.touches(Self::DESCRIPTION) || change.touches(Self::MAX_SESSION_DURATION) {
            // What is left out of this call stays as it is, so an empty text removes a description.
            let description = want.description.clone().unwrap_or_default();
            let update = iam.update_role().role_name(name).description(description);
            update.max_session_duration(want.max_session_duration).send().await.classify()?;
        }
        if change.touches(Self::PERMISSIONS_BOUNDARY) {
            if let Some(boundary) = &want.permissions_boundary {
                let put = iam.put_role_permissions_boundary().role_name(name);
                put.permissions_boundary(boundary.as_str()).send().await.classify()?;
            } else {
                iam.delete_role_permissions_boundary().role_name(name).send().await.gone()?;
            }
        }
        if change.touches(Self::TAGS) {
            let (put, remove) = tags::changes(&change.have()?.live.tags, &want.tags);
            if !remove.is_empty() {
                let untag = iam.untag_role().role_name(name);
                untag.set_tag_keys(Some(remove)).send().await.classify()?;
            }
            if !put.is_empty() {
                let tag = iam.tag_role().role_name(name);
                tag.set_tags(Some(tag::list(&put)?)).send().await.classify()?;
            }
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        cx.iam().delete_role().role_name(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let role = subject(change);
        let (path, name) = role.map_or(("/", "*"), |r| (&r.path, r.name.as_deref().unwrap_or("*")));
        let mut actions = vec!["iam:GetRole"];
        match Verb::of(change) {
            Verb::Search => return search::grants(),
            Verb::Read => {}
            Verb::Create => actions.extend(["iam:CreateRole", "iam:TagRole"]),
            Verb::Delete => actions.push("iam:DeleteRole"),
            Verb::Update => {
                if change.touches(Self::ASSUME_ROLE_POLICY) {
                    actions.push("iam:UpdateAssumeRolePolicy");
                }
                if change.touches(Self::DESCRIPTION) || change.touches(Self::MAX_SESSION_DURATION) {
                    actions.push("iam:UpdateRole");
                }
                if change.touches(Self::TAGS) {
                    actions.extend(["iam:TagRole", "iam:UntagRole"]);
                }
            }
        }
        let bounded = role.is_some_and(|role| role.permissions_boundary.is_some());
        if bounded && Verb::of(change) == Verb::Create {
            // Made with a boundary, it is asked for as if the boundary were put on it later.
            actions.push("iam:PutRolePermissionsBoundary");
        }
        if change.touches(Self::PERMISSIONS_BOUNDARY) {
            actions.extend(["iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary"]);
        }
        let mut all = grants(format!("arn:*:iam::*:role{path}{name}"), actions);
        if Verb::of(change) == Verb::Read {
            all.extend(search::grants());
            all.extend(search::lists("iam:ListRoles"));
        }
        all
    }

    fn foreseen(want: &Self) -> Vec<(&'static str, Value)> {
        let (path, name) = (&want.path, want.name.as_deref().unwrap_or("*"));
        vec![("arn", format!("arn:*:iam::*:role{path}{name}").as_str().into())]
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
        if let Some(document) = want.get(Self::ASSUME_ROLE_POLICY).known()
            && let Some(problem) = problem(&document, 4096).or_else(|| github::problem(&document))
        {
            violations.push(Violation::of(Self::ASSUME_ROLE_POLICY, problem));
        }
        if let Some(path) = want.get(Self::PATH).known()
            && !is_path(&path)
        {
            violations.push(Violation::of(Self::PATH, path_message(&path)));
        }
        if let Some(seconds) = want.get(Self::MAX_SESSION_DURATION).known()
            && !(3600..=43200).contains(&seconds)
        {
            let message = format!("expected 3600 to 43200 seconds, found {seconds}");
            violations.push(Violation::of(Self::MAX_SESSION_DURATION, message));
        }
        violations
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
}

/// The ARNs that a role of this name can have: it may or may not have a path.
pub(super) fn arns(role: &str) -> [String; 2] {
    [format!("arn:*:iam::*:role/{role}"), format!("arn:*:iam::*:role/*/{role}")]
}

pub(super) fn is_path(path: &str) -> bool {
    path.starts_with('/') && path.ends_with('/') && path.len() <= 512
}

pub(super) fn path_message(path: &str) -> String {
    format!("expected a path that begins and ends with `/`, found {path:?}")
}

#[cfg(test)]
mod tests {
    use infra_core::{Data as _, state::Value};

    use super::*;

    fn partial(entries: &[(&str, Value)]) -> Partial<Role> {
        let map = entries.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
        Partial::new(Value::Map(map))
    }

    #[test]
    fn what_iam_would_refuse_is_found_at_preview() {
        let wrong = partial(&[
            ("assume_role_policy", "{".into()),
            ("path", "qledger".into()),
            ("max_session_duration", 60i32.into()),
        ]);
        let messages: Vec<_> = Role::check(&wrong).into_iter().map(|v| v.message).collect();
        assert_eq!(messages.len(), 3, "{messages:?}");
        assert!(Role::check(&partial(&[("assume_role_policy", Value::Unknown)])).is_empty());
    }

    #[test]
    fn grants_are_on_the_role_alone() {
        let value = Value::from([("assume_role_policy", "{}".into()), ("name", "r".into())]);
        let role = Role::from_value(&value).unwrap();
        let change = Change { have: None, recorded: None, want: Some(&role), paths: &[] };
        let found = Role::grants(&change);
        assert!(found.iter().all(|grant| grant.resource == "arn:*:iam::*:role/r"));
        let actions: Vec<_> = found.iter().map(|grant| grant.action.as_str()).collect();
        assert_eq!(actions, ["iam:GetRole", "iam:CreateRole", "iam:TagRole"]);
    }
}
