//! Who may do what.

use infra_core::drift::{Rule, Severity};

use super::lowered::changed;
#[cfg(feature = "iam")]
use super::{
    lowered::{added, is_new, lost},
    openness::{is_admin, is_public},
};

pub(super) fn rules() -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    #[cfg(feature = "iam")]
    rules.extend(identities());
    #[cfg(feature = "kms")]
    rules.extend(keys());
    #[cfg(feature = "eks")]
    rules.push(changed("aws:cluster-access", crate::eks::AccessEntry::POLICIES, Severity::High));
    #[cfg(feature = "eks")]
    rules.push(changed("aws:cluster-access", crate::eks::AccessEntry::GROUPS, Severity::High));
    rules
}

#[cfg(feature = "iam")]
fn identities() -> Vec<Rule> {
    use crate::iam::{Policy, PolicyAttachment, Role, RolePolicy, User};
    let admin = |document: Option<String>| document.is_some_and(|text| is_admin(&text));
    let grown = Rule::of::<RolePolicy>("aws:admin-policy", move |it| {
        let field = RolePolicy::POLICY;
        let grown = admin(it.live(field)) && !admin(it.recorded(field));
        (is_new(it, field) && grown).then_some(Severity::Critical)
    });
    let grown_managed = Rule::of::<Policy>("aws:admin-policy", move |it| {
        let grown = admin(it.live(Policy::POLICY)) && !admin(it.recorded(Policy::POLICY));
        (is_new(it, Policy::POLICY) && grown).then_some(Severity::Critical)
    });
    let public = |document: Option<String>| document.is_some_and(|text| is_public(&text));
    let anybody = Rule::of::<Role>("aws:open-role", move |it| {
        let field = Role::ASSUME_ROLE_POLICY;
        let opened = public(it.live(field)) && !public(it.recorded(field));
        (is_new(it, field) && opened).then_some(Severity::Critical)
    });
    let attached = Rule::of::<PolicyAttachment>("aws:admin-policy", |it| {
        let is_all = is_all(&it.live(PolicyAttachment::POLICY)?);
        (is_new(it, PolicyAttachment::POLICY) && is_all).then_some(Severity::Critical)
    });
    let administrator = Rule::of::<User>("aws:admin-policy", |it| {
        let has = |policies: Option<Vec<crate::types::Arn>>| {
            policies.unwrap_or_default().iter().any(is_all)
        };
        let grown = has(it.live(User::POLICIES)) && !has(it.recorded(User::POLICIES));
        (is_new(it, User::POLICIES) && grown).then_some(Severity::Critical)
    });
    vec![
        grown,
        grown_managed,
        anybody,
        administrator,
        attached,
        added::<PolicyAttachment>("aws:permissions", Severity::High),
        added::<RolePolicy>("aws:permissions", Severity::High),
        changed("aws:permissions", RolePolicy::POLICY, Severity::High),
        changed("aws:permissions", Policy::POLICY, Severity::High),
        changed("aws:permissions", User::POLICIES, Severity::High),
        changed("aws:trust", Role::ASSUME_ROLE_POLICY, Severity::High),
        lost("aws:boundary", Role::PERMISSIONS_BOUNDARY, Severity::High),
        lost("aws:boundary", User::PERMISSIONS_BOUNDARY, Severity::High),
    ]
}

/// Whether it is AWS's policy that allows everything, or the one that allows to write IAM: who may do that may give himself
/// everything.
#[cfg(feature = "iam")]
fn is_all(policy: &crate::types::Arn) -> bool {
    let all = ["/AdministratorAccess", "/IAMFullAccess"];
    all.iter().any(|name| policy.as_str().ends_with(name))
}

#[cfg(feature = "kms")]
fn keys() -> Vec<Rule> {
    use infra_core::drift::What;

    use super::lowered::off;
    use crate::kms::{Key, ReplicaKey};
    let scheduled = Rule::of::<Key>("aws:key-deletion", |it| {
        (it.what() == What::Broken).then_some(Severity::Critical)
    });
    let scheduled_replica = Rule::of::<ReplicaKey>("aws:key-deletion", |it| {
        (it.what() == What::Broken).then_some(Severity::Critical)
    });
    vec![
        scheduled,
        scheduled_replica,
        off("aws:key-disabled", Key::ENABLED, Severity::Critical),
        off("aws:key-disabled", ReplicaKey::ENABLED, Severity::Critical),
        changed("aws:key-policy", Key::POLICY, Severity::Critical),
        changed("aws:key-policy", ReplicaKey::POLICY, Severity::Critical),
        off("aws:key-rotation", Key::ROTATION, Severity::High),
    ]
}
