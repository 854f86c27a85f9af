//! Plans in files: what `preview --save` writes and `up --plan` executes.
//!
//! The head is readable and says what the plan was made from; the rest is sealed as a whole, since what is wanted of a
//! resource may be secret. What the program exports is not in it: the program that executes the plan is the one that
//! made it, and exports may hold closures.

mod read;
mod write;

use infra_state::{Position, Sealed, StackName, State, canonical};
use serde::{Deserialize, Serialize};

use super::Plan;
use crate::{Error, ErrorKind, Result, graph::Graph};

/// The version of the file.
const FORMAT: u32 = 1;

/// Bound to the seal, so that nothing else that was sealed passes for a plan of this stack.
fn context(stack: &StackName) -> Vec<u8> {
    format!("infra saved plan 1 {stack}").into_bytes()
}

/// A plan and what it was made from.
#[derive(Clone, Debug)]
pub struct SavedPlan {
    /// The stack.
    pub stack: StackName,
    /// The digest of the program's executable.
    pub program: String,
    /// [`Graph::hash`].
    pub graph: String,
    /// The state it was made over.
    pub position: Position,
    /// Whether it is a plan to destroy.
    pub destroy: bool,
    /// The plan.
    pub plan: Plan,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    infra_plan: u32,
    stack: StackName,
    program: String,
    graph: String,
    position: Position,
    destroy: bool,
    sealed: Sealed,
}

impl SavedPlan {
    /// The bytes of the file, sealed with the key of the stack's state.
    pub async fn to_bytes(&self, state: &State) -> Result<Vec<u8>> {
        let plain = canonical::to_vec(&write::plan(&self.plan));
        let file = File {
            infra_plan: FORMAT,
            stack: self.stack.clone(),
            program: self.program.clone(),
            graph: self.graph.clone(),
            position: self.position,
            destroy: self.destroy,
            sealed: state.seal(&plain, &context(&self.stack)).await?,
        };
        serde_json::to_vec_pretty(&file)
            .map_err(|e| Error::new(ErrorKind::Failed, "the plan cannot be written").because(e))
    }

    /// The plan of a file. Refused if it was made for another stack, by another program, of another graph or over another
    /// state: the error says which.
    pub async fn from_bytes(
        bytes: &[u8],
        state: &State,
        program: &str,
        graph: &Graph,
        position: Position,
    ) -> Result<Self> {
        let file: File = serde_json::from_slice(bytes).map_err(|e| {
            Error::new(ErrorKind::Usage, "the file is not a saved plan of this version").because(e)
        })?;
        let stack = state.name();
        let outdated = |what: &str| {
            let message =
                format!("the saved plan was made {what}: make a new one with `preview --save`");
            Err(Error::new(ErrorKind::PlanStale, message))
        };
        if file.infra_plan != FORMAT {
            return outdated("by another version of the engine");
        }
        if file.stack != *stack {
            let made = &file.stack;
            let message = format!("the saved plan is one of {made}, and this is {stack}");
            return Err(Error::new(ErrorKind::PlanStale, message));
        }
        if file.program != program {
            return outdated("by another build of the program");
        }
        if file.graph != graph.hash() {
            return outdated("for other declarations (the program's configuration changed?)");
        }
        if file.position != position {
            return outdated("before the stack changed");
        }
        let damaged = || Error::new(ErrorKind::Usage, "the saved plan is damaged");
        let opened = state.open_sealed(&file.sealed, &context(stack)).await?;
        let mut plan = read::plan(&canonical::from_slice(&opened)?).ok_or_else(damaged)?;
        if !file.destroy {
            plan.exports = graph.exports.clone();
        }
        let File { stack, program, graph, position, destroy, .. } = file;
        Ok(Self { stack, program, graph, position, destroy, plan })
    }
}
