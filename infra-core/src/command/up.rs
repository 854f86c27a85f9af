//! Plan, confirm, execute.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{Engine, Result, event::Summary, plan::{Plan, PlanOptions}};

/// So many steps run at once unless somebody says otherwise: nearly all of a step's time is waiting.
pub const DEFAULT_PARALLEL: usize = 256;

/// How to execute.
#[derive(Clone, Debug)]
pub struct UpOptions {
    /// What to plan.
    pub plan: PlanOptions,
    /// Instead of planning: a plan that was made and looked at before.
    pub saved: Option<Arc<crate::plan::Plan>>,
    /// How many steps run at once.
    pub parallel: usize,
    /// How long to wait for a lock that somebody else holds.
    pub lock_timeout: Duration,
    /// A delete that failed does not keep the deletes that wait for it from being tried.
    pub continue_on_error: bool,
}

impl Default for UpOptions {
    fn default() -> Self {
        Self {
            plan: PlanOptions::default(),
            saved: None,
            parallel: DEFAULT_PARALLEL,
            lock_timeout: Duration::ZERO,
            continue_on_error: false,
        }
    }
}

/// Asks the person.
#[async_trait]
pub trait Confirm: Send + Sync {
    /// Whether to execute this plan. It has something to do.
    async fn confirm(&self, plan: &Plan) -> Result<bool>;
}

/// Confirms everything: `--yes`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Confirmed;

#[async_trait]
impl Confirm for Confirmed {
    async fn confirm(&self, _: &Plan) -> Result<bool> {
        Ok(true)
    }
}

/// Brings the stack to what the program declares.
pub async fn up(engine: &Engine, options: &UpOptions, confirm: &dyn Confirm) -> Result<Summary> {
    let _ = (engine, options, confirm);
    Err(crate::Error::new(crate::ErrorKind::Failed, "being written"))
}
