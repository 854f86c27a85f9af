//! The one stream of events that every report consumes.

use std::{collections::BTreeMap, panic::Location, sync::Arc, time::Duration};

use infra_state::{HolderInfo, Outcome, Urn, Value};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::{
    command::rebuild::Found,
    plan::{Action, Plan, StepId},
};

/// Something that happened in a command. Nothing in it is secret in plain text.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// What the command works on. Before it may come only what is in the way: [`Event::InProgress`],
    /// [`Event::Waiting`], [`Event::Recovered`] and a [`Event::Notice`] about them.
    Target(Box<Target>),
    /// Something to know that is not an error.
    Notice(String),
    /// A deployment by somebody else is in progress, or was cut off.
    InProgress {
        /// Who holds the lock; `None` if the deployment was cut off and nobody works on it.
        holder: Option<HolderInfo>,
    },
    /// Waiting for the lock that somebody else holds.
    Waiting {
        /// Who holds it.
        holder: HolderInfo,
    },
    /// Objects are being read.
    Reading {
        /// How many.
        objects: usize,
    },
    /// The plan is made.
    Planned(Arc<Plan>),
    /// What a look found, before something is done about it.
    Drift(Box<crate::drift::Report>),
    /// What a state that was lost is about to be written again from.
    Found(Box<Found>),
    /// An operation that an earlier run left open is settled.
    Recovered {
        /// The resource.
        urn: Urn,
        /// What was found and done.
        how: String,
    },
    /// Execution begins.
    Started {
        /// How many steps there are to do.
        steps: usize,
        /// The deployment's number.
        deployment: u64,
    },
    /// A step begins.
    StepStarted {
        /// Which.
        step: StepId,
        /// The resource.
        urn: Urn,
        /// What is done.
        action: Action,
    },
    /// A step is waiting for something.
    StepProgress {
        /// Which.
        step: StepId,
        /// The resource.
        urn: Urn,
        /// For what: `pending: creating`, `throttled, again in 2 s`.
        text: String,
    },
    /// A step ended well.
    StepDone {
        /// Which.
        step: StepId,
        /// The resource.
        urn: Urn,
        /// What was done in the end: weaker than planned where an unknown turned out unchanged.
        action: Action,
        /// How long it took.
        elapsed: Duration,
    },
    /// A step failed.
    StepFailed {
        /// Which.
        step: StepId,
        /// The resource.
        urn: Urn,
        /// What was attempted.
        action: Action,
        /// Why, for the person who must act.
        message: String,
        /// Where the program declares the resource, if it does.
        at: Option<&'static Location<'static>>,
        /// How long it took.
        elapsed: Duration,
    },
    /// A step is not done because one it waits for failed or was skipped, or the command was interrupted.
    StepSkipped {
        /// Which.
        step: StepId,
        /// The resource.
        urn: Urn,
        /// The resource that failed; `None` after an interruption.
        because: Option<Urn>,
    },
    /// The person asked to stop: what runs is finished, nothing new starts.
    Stopping,
    /// The command is over.
    Finished(Box<Summary>),
}

/// What a command works on.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// Program and stack, `qledger-ha/dev`.
    pub stack: String,
    /// The command.
    pub command: String,
    /// The cloud's name.
    pub cloud: String,
    /// Where the state lives.
    pub state: String,
    /// Where the providers point: account, region, endpoint.
    pub providers: BTreeMap<String, BTreeMap<String, String>>,
    /// A line to show first and last if the cloud is not a real one.
    pub notice: Option<String>,
}

/// A step that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The resource.
    pub urn: Urn,
    /// Why, for the person who must act.
    pub message: String,
    /// Where the program declares the resource, if it does.
    pub at: Option<&'static Location<'static>>,
}

/// How a command ended.
#[derive(Clone, Debug)]
pub struct Summary {
    /// How.
    pub outcome: Outcome,
    /// Steps that were done, by action.
    pub done: BTreeMap<Action, usize>,
    /// Steps that failed.
    pub failed: Vec<Failure>,
    /// Steps that were not begun.
    pub skipped: usize,
    /// Steps that were begun and not waited for, because the person asked twice: the next run settles them.
    pub unfinished: usize,
    /// From the first step to the last.
    pub elapsed: Duration,
    /// The chain of steps that took longest, each with its own time: nothing could have been faster than their sum.
    pub critical_path: Vec<(Urn, Action, Duration)>,
    /// What the stack exports now; secrets marked.
    pub exports: BTreeMap<String, Value>,
}

/// Where a command sends its events. Cheap to clone; sending never blocks and never fails.
#[derive(Clone, Debug)]
pub struct Events(Option<UnboundedSender<Event>>);

impl Events {
    /// A stream and its end.
    pub fn channel() -> (Self, UnboundedReceiver<Event>) {
        let (sender, receiver) = unbounded_channel();
        (Self(Some(sender)), receiver)
    }

    /// A stream that nobody reads.
    pub fn ignored() -> Self {
        Self(None)
    }

    /// Sends one event.
    pub fn send(&self, event: Event) {
        if let Some(sender) = &self.0 {
            // A reader that is gone wants no more events.
            drop(sender.send(event));
        }
    }
}
