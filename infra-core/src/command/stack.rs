//! The stacks of a program.

use std::{collections::BTreeMap, time::Duration};

use infra_state::{StackName, State, Status, View};

use super::outputs::{never_made, remembered};
use crate::{Engine, Result};

/// The stacks of this program in the same place, by name.
pub async fn stacks(engine: &Engine) -> Result<Vec<StackName>> {
    let program = &engine.state.name().program;
    let mut stacks = State::stacks(engine.state.backend()).await?;
    stacks.retain(|stack| stack.program == *program);
    stacks.sort();
    Ok(stacks)
}

/// What there is to say of a stack.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its state.
    pub view: View,
    /// How many objects of each kind.
    pub kinds: BTreeMap<String, usize>,
    /// How many are not [`Status::Ready`], by status.
    pub unsettled: BTreeMap<Status, usize>,
}

/// Shows the stack.
pub async fn show(engine: &Engine) -> Result<Shown> {
    let view = remembered(engine).await?;
    let (mut kinds, mut unsettled) = (BTreeMap::new(), BTreeMap::new());
    for record in view.snapshot.records.values() {
        *kinds.entry(record.urn.kind().to_owned()).or_default() += 1;
        if record.status != Status::Ready {
            *unsettled.entry(record.status).or_default() += 1;
        }
    }
    Ok(Shown { view, kinds, unsettled })
}

/// Removes the state of a stack in which nothing is left, with its history.
pub async fn remove(engine: &Engine, wait: Duration) -> Result<()> {
    let name = engine.state.name();
    // A name that is mistyped is not a stack that is gone.
    if !State::stacks(engine.state.backend()).await?.contains(name)
        && engine.state.read().await?.is_none()
    {
        return Err(never_made(engine));
    }
    Ok(engine.state.remove(engine.holder("stack rm"), wait).await?)
}
