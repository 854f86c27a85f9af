//! What was not known when the plan was made is checked against the policies before its step calls anything.

use infra_state::Value;

use super::run::Run;
use crate::{
    Error, ErrorKind, Result,
    event::Event,
    graph::Node,
    plan::Step,
    policy::{self, Violation},
};

impl Run {
    /// Refuses a step that turns out to violate a policy. What the plan has shown already is not said again.
    pub(super) fn obeys(&self, step: &Step, node: &Node, want: &Value) -> Result<()> {
        let known = Step { inputs: want.clone().into(), ..step.clone() };
        let failed = |message| Error::new(ErrorKind::Failed, message);
        let found = policy::of_step(&self.policies, &known, node, &self.scrub).map_err(failed)?;
        let is_new = |it: &Violation| !self.plan.violations.iter().any(|old| it.repeats(old));
        let mut refused = Vec::new();
        for violation in found.into_iter().filter(is_new) {
            let path =
                violation.path.as_ref().map(|path| format!("`{path}`: ")).unwrap_or_default();
            let text = format!("policy `{}`: {path}{}", violation.policy, violation.message);
            match &violation.allowed {
                None if violation.stops() => refused.push(text),
                None => self.events.send(Event::Notice(format!("{}: {text}", step.urn))),
                Some(why) => {
                    self.events
                        .send(Event::Notice(format!("{}: {text} (allowed: {why})", step.urn)));
                }
            }
        }
        if refused.is_empty() { Ok(()) } else { Err(failed(refused.join("; "))) }
    }
}
