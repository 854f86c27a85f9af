//! The other stacks, as far as a reference needs them.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use infra_state::{Outcome, Place, StackName, State, View};

use super::StackReference;
use crate::{
    Data, Error, ErrorKind, Resource, Result,
    event::{Event, Events},
};

/// How many stacks deep a circle of references is looked for.
const DEPTH: usize = 16;

/// Another stack, as a program speaks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Which.
    pub name: StackName,
    /// Where its state lives, if that is said.
    pub at: Option<String>,
    /// What seals its secrets, if that is said.
    pub key: Option<String>,
}

/// Opens the states of other stacks. [`App`](crate::App) knows the places that a program can reach.
#[async_trait]
pub trait Stacks: Send + Sync {
    /// The state of another stack, whether there is one or not; under its key if that can be had.
    async fn open(&self, stack: &Neighbour) -> Result<State>;

    /// What is at a URL, as it is: a file, unless more schemes are known.
    async fn document(&self, url: &str) -> Result<Vec<u8>> {
        let Some(path) = url.strip_prefix("file:") else {
            let message =
                format!("{url:?} is in no place that can be opened; this program knows `file:…`");
            return Err(Error::new(ErrorKind::Usage, message));
        };
        file(std::path::Path::new(path.strip_prefix("//").unwrap_or(path)))
    }
}

/// What is in a file.
pub(crate) fn file(path: &std::path::Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| {
        let message = format!("{} cannot be read: {e}", path.display());
        Error::new(ErrorKind::Usage, message).because(e)
    })
}

/// The stacks that are in the same place as this one, under the same key.
pub struct SamePlace(
    /// The state of one of them.
    pub State,
);

#[async_trait]
impl Stacks for SamePlace {
    async fn open(&self, stack: &Neighbour) -> Result<State> {
        let elsewhere = stack.at.as_ref().is_some_and(|at| *at != self.0.url());
        if elsewhere || stack.key.is_some() {
            let message = "only the stacks in the same place, under the same key, can be reached";
            return Err(Error::new(ErrorKind::Usage, message));
        }
        Ok(self.0.named(stack.name.clone()))
    }
}

/// What the driver of references is given as its connection.
pub(crate) struct Neighbours {
    stacks: Arc<dyn Stacks>,
    pub(super) own: Place,
    events: Events,
    told: Mutex<BTreeSet<String>>,
}

impl Neighbours {
    pub(crate) fn new(stacks: Arc<dyn Stacks>, own: Place, events: Events) -> Self {
        Self { stacks, own, events, told: Mutex::default() }
    }

    /// What is at a URL.
    pub(super) async fn document(&self, url: &str) -> Result<Vec<u8>> {
        self.stacks.document(url).await
    }

    /// What another stack is now. An error says what to do.
    pub(super) async fn visit(&self, neighbour: &Neighbour) -> Result<View> {
        let Neighbour { name, .. } = neighbour;
        let state = self.stacks.open(neighbour).await?;
        if state.place() == self.own {
            return Err(Error::new(ErrorKind::Usage, "a stack cannot refer to itself"));
        }
        let read = state.read_without_key().await?;
        let deployed = read.filter(|(view, _)| view.snapshot.deployment.is_some());
        let Some((view, _)) = deployed else {
            let message = format!(
                "there is no stack {name} in {}. Make it first, with `up --stack {}` of the program `{}`; or, if its \
                 state is elsewhere, say where with `.at(…)`",
                state.url(),
                name.stack,
                name.program
            );
            return Err(Error::new(ErrorKind::Usage, message));
        };
        self.no_circle(&state.place(), &view).await?;
        self.tell(name, &view);
        Ok(view)
    }

    /// Says that what is read may be about to change.
    fn tell(&self, name: &StackName, view: &View) {
        let text = if let Some(holder) = &view.holder {
            format!(
                "{name} is being deployed by {}: what it exports may change. Run again when that is over",
                holder.holder.who
            )
        } else if view.interrupted {
            format!(
                "the last deployment of {name} was cut off: what it exports is what the one before left. `up --stack {}` \
                 there finishes it",
                name.stack
            )
        } else if view.snapshot.outcome == Some(Outcome::Failed) {
            format!(
                "the last deployment of {name} failed: some of what it exports may be older than the rest"
            )
        } else {
            return;
        };
        // A plan may be made twice in a run.
        if self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(text.clone()) {
            self.events.send(Event::Notice(text));
        }
    }

    /// Refuses to be made from what is made from us: neither could be made first, nor settle.
    async fn no_circle(&self, first: &Place, view: &View) -> Result<()> {
        let mut met = BTreeSet::from([first.clone()]);
        let mut open: Vec<(Vec<Place>, Neighbour)> =
            referred(first, view, std::slice::from_ref(first));
        while let Some((chain, neighbour)) = open.pop() {
            // What we cannot reach cannot be looked into; it is not what was asked for either.
            let Ok(state) = self.stacks.open(&neighbour).await else { continue };
            let place = state.place();
            if place == self.own {
                let names = chain.iter().map(|place| format!("{}", place.stack));
                let chain: Vec<_> = names.chain([self.own.stack.to_string()]).collect();
                let message = format!(
                    "{} refers to {}: a circle of references. What both need belongs into one of the two, or into a third",
                    self.own.stack,
                    chain.join(", which refers to ")
                );
                return Err(Error::new(ErrorKind::Usage, message));
            }
            if chain.len() >= DEPTH || !met.insert(place.clone()) {
                continue;
            }
            let Ok(Some((view, _))) = state.read_without_key().await else { continue };
            let chain: Vec<_> = chain.into_iter().chain([place.clone()]).collect();
            open.extend(referred(&place, &view, &chain));
        }
        Ok(())
    }
}

/// Whom a stack refers to, as it remembers it.
fn referred(place: &Place, view: &View, chain: &[Place]) -> Vec<(Vec<Place>, Neighbour)> {
    let records = view.snapshot.records.values();
    let records = records.filter(|record| record.urn.kind() == StackReference::KIND);
    let neighbour = |record: &Arc<infra_state::Record>| {
        let reference = StackReference::from_value(&record.inputs).ok()?;
        let name = reference.target(&place.stack.program).ok()?;
        // What that stack calls its own place is not ours.
        let at = reference.at.or_else(|| Some(place.url.clone()));
        Some((chain.to_vec(), Neighbour { name, at, key: None }))
    };
    records.filter_map(neighbour).collect()
}
