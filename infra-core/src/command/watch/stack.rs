//! Looking at one stack.

use async_trait::async_trait;
use infra_state::StackName;
use jiff::Timestamp;

use super::{Audience, Looker};
use crate::{
    Engine, Error, Result,
    command::drift::{DriftOptions, look},
    drift::Report,
    event::Events,
    panics::caught_in,
};

/// One stack.
pub struct OneStack {
    engine: Engine,
    options: DriftOptions,
}

impl OneStack {
    /// The stack of this engine. Its events are not told: the report is.
    pub fn new(engine: &Engine, options: DriftOptions) -> Self {
        Self { engine: Engine { events: Events::ignored(), ..engine.clone() }, options }
    }

    /// Its report, whatever happens.
    pub async fn report(&self) -> Report {
        let engine = &self.engine;
        let (at, began) = (engine.env.now(), engine.env.monotonic());
        // The program and the drivers are caught where they are called; this is for what nobody thought of.
        let looked = caught_in(look(engine, &self.options)).await;
        let why = match looked {
            Ok(Ok(report)) => return report,
            Ok(Err(error)) => why(&error),
            Err(panic) => format!("the look panicked: {panic}"),
        };
        let seconds = engine.env.monotonic().saturating_sub(began).as_secs_f64();
        Report { seconds, ..blind(engine, at, why) }
    }

    /// The report of a look that failed.
    pub(crate) fn failed(engine: &Engine, error: &Error) -> Report {
        blind(engine, engine.env.now(), why(error))
    }
}

/// What an error says, with every mistake that it is about.
fn why(error: &Error) -> String {
    let mistakes = error.mistakes().iter().map(|mistake| mistake.message.clone());
    std::iter::once(error.to_string()).chain(mistakes).collect::<Vec<_>>().join("; ")
}

/// The report of a stack whose state cannot be opened.
pub(crate) fn unopened(stack: &StackName, at: Timestamp, error: &Error) -> Report {
    unseen(stack, at, why(error))
}

fn blind(engine: &Engine, at: Timestamp, why: String) -> Report {
    let report = unseen(engine.state.name(), at, why);
    Report { cloud: engine.cloud.clone(), state: engine.state.url(), ..report }
}

#[async_trait]
impl Looker for OneStack {
    async fn look(&self, audience: &mut dyn Audience) -> Result<()> {
        audience.hear(self.report().await).await
    }
}

/// The report of a stack of which nothing is known, and why.
pub fn unseen(stack: &StackName, at: Timestamp, why: String) -> Report {
    Report {
        stack: stack.to_string(),
        cloud: String::new(),
        state: String::new(),
        at,
        seconds: 0.0,
        in_progress: None,
        checked: 0,
        findings: Vec::new(),
        unchecked: Vec::new(),
        notices: Vec::new(),
        calls: std::collections::BTreeMap::new(),
        failed: Some(why),
    }
}
