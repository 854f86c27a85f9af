//! Who may do what, and who could find out.

use infra_core::policy::Policy;
#[cfg(feature = "iam")]
use infra_core::{
    Resource,
    policy::{Violation, Wanted},
    provider::Field,
};

/// What AWS calls its policy that allows everything.
#[cfg(feature = "iam")]
const ADMINISTRATOR: &str = ":policy/AdministratorAccess";

pub(super) fn admin_policy() -> Policy {
    let policy = Policy::named("aws:admin-policy");
    #[cfg(feature = "iam")]
    let policy = policy
        .also(|it| everything(it, crate::iam::Policy::POLICY))
        .also(|it| everything(it, crate::iam::RolePolicy::POLICY))
        .also::<crate::iam::PolicyAttachment>(|it| {
            use crate::iam::PolicyAttachment;
            let admin = it.known(PolicyAttachment::POLICY);
            let admin = admin.is_some_and(|arn| arn.to_string().ends_with(ADMINISTRATOR));
            it.wrong_if(admin, PolicyAttachment::POLICY, MESSAGE)
        })
        .also::<crate::iam::User>(|it| {
            use crate::iam::User;
            let admin = it.known(User::POLICIES).unwrap_or_default();
            let admin = admin.iter().any(|arn| arn.to_string().ends_with(ADMINISTRATOR));
            it.wrong_if(admin, User::POLICIES, MESSAGE)
        });
    policy.about("no policy of IAM allows everything on everything")
}

pub(super) fn metadata_tokens() -> Policy {
    let policy = Policy::named("aws:imdsv2");
    #[cfg(feature = "ec2")]
    let message =
        "whoever makes a program on it fetch a URL gets its credentials: leave `http_tokens` out";
    #[cfg(feature = "ec2")]
    let open = |metadata: Option<crate::ec2::MetadataOptions>| {
        metadata.is_some_and(|it| it.enabled && it.http_tokens == crate::ec2::HttpTokens::Optional)
    };
    #[cfg(feature = "ec2")]
    let policy = policy
        .also::<crate::ec2::Instance>(move |it| {
            use crate::ec2::Instance;
            it.wrong_if(open(it.known(Instance::METADATA)), Instance::METADATA, message)
        })
        .also::<crate::ec2::LaunchTemplate>(move |it| {
            use crate::ec2::LaunchTemplate;
            it.wrong_if(open(it.known(LaunchTemplate::METADATA)), LaunchTemplate::METADATA, message)
        });
    policy.about("the metadata of an instance is given only against a token (IMDSv2)")
}

pub(super) fn plain_secret() -> Policy {
    let policy = Policy::named("aws:plain-secret");
    #[cfg(feature = "ssm")]
    let policy = policy.also::<crate::ssm::Parameter>(|it| {
        use crate::ssm::{Parameter, ParameterType};
        let named = it.known(Parameter::NAME).is_some_and(|name| sounds_secret(&name));
        let plain =
            it.known(Parameter::KIND).is_some_and(|kind| kind != ParameterType::SecureString);
        let message =
            "whoever may read parameters reads it in clear: declare it with `Parameter::secure`";
        it.wrong_if(named && plain, Parameter::KIND, message)
    });
    policy.about("a parameter whose name says that it is a secret is a secure one")
}

/// Whether a word of the name is one that secrets are called by.
#[cfg(feature = "ssm")]
fn sounds_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let said = |word: &str| {
        ["password", "passwd", "secret", "token", "credential", "credentials", "apikey"]
            .contains(&word)
    };
    words.any(said)
        || ["private_key", "private-key", "api_key", "api-key"].iter().any(|it| name.contains(it))
}

#[cfg(feature = "iam")]
const MESSAGE: &str = "it allows everything on everything: name actions and resources (`-- policy` prints what a stack \
                       needs)";

#[cfg(feature = "iam")]
fn everything<R: Resource>(it: &Wanted<'_, R>, policy: Field<R, String>) -> Vec<Violation> {
    let all = it.known(policy).is_some_and(|text| super::document::allows_everything(&text));
    it.wrong_if(all, policy, MESSAGE)
}
