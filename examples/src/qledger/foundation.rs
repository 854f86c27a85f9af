//! What is there before the system: who may deploy it.

use infra_aws::{
    iam,
    iam::{OidcProvider, Role, Workflow},
};
use infra_core::{
    Engine,
    command::{self, PolicyOptions},
    prelude::*,
    provider::{PolicyDocument, Purpose},
};
use serde::Deserialize;

use super::ha;

/// What `qledger-foundation.toml` decides.
#[derive(Deserialize)]
struct FoundationConfig {
    /// The repository whose workflows deploy: `acme/qledger`.
    repository: String,
    /// The environment of GitHub that guards the deployment.
    environment: String,
    /// The provider of GitHub's identities, if the account has it already.
    github: Option<String>,
}

/// What the workflows need, as `policy` of `qledger-ha` prints it for the stack of the same name.
#[derive(Clone)]
pub struct Needed {
    deploy: Vec<PolicyDocument>,
    drift: Vec<PolicyDocument>,
}

impl Needed {
    /// Asks `qledger-ha` itself. Calls no cloud but for reading that stack's state.
    pub async fn of(stack: &str) -> Result<Self> {
        let app = ha();
        let from = std::env::current_dir().unwrap_or_default();
        let settings = app.settings(stack, None, from, &[])?;
        let engine = app.engine(&settings, super::whole).await?;
        let ask = async |engine: &Engine, purpose| {
            let options = PolicyOptions {
                purpose,
                state: settings.state.clone(),
                key: settings.key.clone(),
                ..PolicyOptions::default()
            };
            command::policy(engine, &options).await.map(|policies| policies.documents)
        };
        Ok(Self {
            deploy: ask(&engine, Purpose::Deploy).await?,
            drift: ask(&engine, Purpose::Drift).await?,
        })
    }
}

/// The roles that deploy and look after `qledger-ha`, with exactly what it needs, for workflows of GitHub without a stored
/// key. A stack of its own: one that made the role it runs with would delete it on its way out.
pub fn foundation(stack: &mut Stack, needed: &Needed) -> Result<()> {
    let config: FoundationConfig = stack.config()?;
    let repository = &config.repository;
    let github = if let Some(arn) = &config.github {
        interpolate!("{}", arn)
    } else {
        interpolate!("{}", &stack.add("github", OidcProvider::github()).arn)
    };
    // What is merged, and agreed to by the rules of the environment, is deployed.
    let workflow = Workflow::environment(&config.environment);
    let deploy = Role::for_github(&github, repository, [workflow]).max_session_duration(3 * 3600);
    let deploy = allowed(stack, "deploy", deploy, &needed.deploy);
    // Whoever opens a pull request sees what it would do, and the schedule looks for drift: reading is enough for both.
    let workflows = [Workflow::pull_request(), Workflow::branch("main")];
    let look = Role::for_github(&github, repository, workflows);
    let look = allowed(stack, "look", look, &needed.drift);
    stack.export("deploy_role", &deploy.arn);
    stack.export("look_role", &look.arn);
    Ok(())
}

fn allowed(
    stack: &mut Stack,
    name: &str,
    role: iam::RoleDecl,
    documents: &[PolicyDocument],
) -> Handle<Role> {
    let role = stack.add(name, role);
    for document in documents {
        let policy = iam::Policy::new(document.json.to_string())
            .description("what `policy` of qledger-ha prints");
        let policy = stack.add(&document.name, policy);
        let attached = iam::PolicyAttachment::new(&role.name, &policy.arn);
        stack.add(&document.name, attached);
    }
    role
}
