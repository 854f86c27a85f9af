//! The stacks of a program.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use infra_state::{Migrated, Place, Record, StackName, State, Status, View};

use super::{
    outputs::{never_made, remembered},
    state::noted,
};
use crate::{Engine, Error, ErrorKind, Result};

/// A stack of this program.
#[derive(Debug)]
pub struct Listed {
    /// Its name.
    pub name: StackName,
    /// What is there.
    pub found: Found,
}

/// What is found under a stack's name.
#[derive(Debug)]
pub enum Found {
    /// Its state. It is read without the key: what is secret in it may be unknown.
    Here(Box<View>),
    /// A note that it went there.
    Left(Place),
    /// Something that cannot be read.
    Unreadable(Error),
}

/// The stacks of this program in the same place, with what there is to say of each.
pub async fn list(engine: &Engine) -> Result<Vec<Listed>> {
    let mut all = Vec::new();
    for name in stacks(engine).await? {
        let state = engine.state.named(name.clone());
        let found = match state.left_for().await {
            Ok(Some(to)) => Found::Left(to),
            Ok(None) => match state.read_without_key().await {
                Ok(Some((view, _))) => Found::Here(Box::new(view)),
                // Removed just now.
                Ok(None) => continue,
                Err(error) => Found::Unreadable(error.into()),
            },
            Err(error) => Found::Unreadable(error.into()),
        };
        all.push(Listed { name, found });
    }
    Ok(all)
}

/// Gives the stack another name. It stays the same stack: what it has in the cloud keeps its names and tags, and is
/// known by its lineage.
pub async fn rename(engine: &Engine, new: &str, wait: Duration) -> Result<Migrated> {
    let name = StackName::new(&engine.state.name().program, new)?;
    if let Some(view) = engine.state.read_without_key().await.ok().flatten().map(|(view, _)| view)
        && !view.snapshot.open.is_empty()
    {
        let message =
            "an operation is not settled, and its object may carry the old name: run `up` first";
        return Err(Error::new(ErrorKind::Refused, message));
    }
    let there = engine.state.named(name);
    let moved = engine.state.migrate_to(&there, engine.holder("stack rename"), wait).await?;
    if !moved.already {
        noted(engine, &there, &format!("stack rename {new}")).await;
    }
    Ok(moved)
}

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

/// Removes the state of a stack in which nothing is left, with its history; or, by `force`, whatever is left: no object
/// is deleted for it, and what is abandoned is given back.
pub async fn remove(engine: &Engine, force: bool, wait: Duration) -> Result<Vec<Arc<Record>>> {
    let name = engine.state.name();
    // A name that is mistyped is not a stack that is gone.
    if !State::stacks(engine.state.backend()).await?.contains(name)
        && engine.state.read().await?.is_none()
    {
        return Err(never_made(engine));
    }
    let who = engine.holder("stack rm");
    if !force {
        engine.state.remove(who, wait).await?;
        return Ok(Vec::new());
    }
    let snapshot = engine.state.abandon(who, wait).await?;
    let records = snapshot.into_iter().flat_map(|snapshot| snapshot.records.into_values());
    // Of what is only a connection, or pinned, there is no object.
    Ok(records.filter(|record| record.id.is_some() && record.provider.is_some()).collect())
}
