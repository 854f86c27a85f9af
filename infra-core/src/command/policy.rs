//! The least-privilege policies of a stack.

mod assumed;
mod gather;

use gather::Gather;

use infra_state::{Snapshot, StackName};

use crate::{
    Engine, Error, ErrorKind, Result,
    graph::Graph,
    provider::{Policies, Purpose},
};

/// What to grant.
#[derive(Clone, Debug, Default)]
pub struct PolicyOptions {
    /// What for.
    pub purpose: Purpose,
    /// Names that the stack had before it was renamed.
    pub formerly: Vec<StackName>,
    /// Where the state is, as the settings say it: what is done there is granted too.
    pub state: Option<String>,
    /// What seals its secrets, as the settings say it.
    pub key: Option<String>,
}

/// The policies that allow exactly what the stack needs. Calls no cloud but for reading the state; a stack that was never
/// made is told from its program alone.
pub async fn policy(engine: &Engine, options: &PolicyOptions) -> Result<Policies> {
    let view = engine.state.read().await?;
    let graph = engine.graph()?;
    policy_of(engine, &graph, view.as_ref().map(|view| &view.snapshot), options)
}

/// The policies of a graph, and of what is remembered beside it.
pub(crate) fn policy_of(
    engine: &Engine,
    graph: &Graph,
    snapshot: Option<&Snapshot>,
    options: &PolicyOptions,
) -> Result<Policies> {
    let gather = Gather::new(engine, graph, snapshot);
    let mut all = None;
    for (kind, needs) in gather.needs(options)? {
        let Some(connector) = engine.connectors.get(&kind) else { continue };
        let failed =
            |e: crate::provider::Error| Error::new(ErrorKind::Failed, e.to_string()).because(e);
        let Some(found) = connector.policies(&needs).map_err(failed)? else { continue };
        let all: &mut Policies = all.get_or_insert_default();
        all.documents.extend(found.documents);
        all.implied.extend(found.implied);
    }
    all.ok_or_else(|| {
        let message = format!(
            "nothing of {} is in a cloud that has policies, or the cloud `{}` has none",
            engine.state.name(),
            engine.cloud
        );
        Error::new(ErrorKind::Usage, message)
    })
}
