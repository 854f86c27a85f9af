//! Looking at many stacks.

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use infra_state::{Backend, Env, StackName};

use super::Shard;
use crate::{
    Cancel, Error, ErrorKind, Result,
    command::watch::{Audience, unseen},
    drift::Report,
    report::formats::Totals,
};

/// Looks at one stack of many.
#[async_trait]
pub trait Each: Send + Sync {
    /// Its report, whatever happens; `None` if there is no such stack (any more).
    async fn report(&self, stack: &StackName) -> Option<Report>;
}

/// Looks at every stack of a place that is this shard's, `parallel` at a time, and gives the reports in the order of the
/// stacks' names. No more than that many are held at any time.
pub async fn fleet(
    place: &dyn Backend,
    shard: Shard,
    parallel: usize,
    each: &dyn Each,
    env: &dyn Env,
    cancel: &Cancel,
    audience: &mut dyn Audience,
) -> Result<Totals> {
    let mine = names(place).await?.into_iter().filter(|stack| shard.has(stack));
    let reports = stream::iter(mine).map(|stack| async move {
        match is_made(place, &stack).await {
            Ok(true) => each.report(&stack).await,
            Ok(false) => None,
            // One that cannot be listed keeps nobody from the others.
            Err(error) => {
                Some(unseen(&stack, env.now(), format!("its state cannot be listed: {error}")))
            }
        }
    });
    let mut reports = std::pin::pin!(reports.buffered(parallel.max(1)));
    let mut totals = Totals::default();
    loop {
        let next = tokio::select! {
            next = reports.next() => next,
            () = cancel.stopped() => {
                let message = format!("interrupted after {} stacks", totals.stacks);
                return Err(Error::new(ErrorKind::Interrupted, message));
            }
        };
        let Some(report) = next else { return Ok(totals) };
        if let Some(report) = report {
            totals.add(&report);
            audience.hear(report).await?;
        }
    }
}

/// What may be stacks, by name: what their folders are called.
async fn names(place: &dyn Backend) -> Result<Vec<StackName>> {
    let mut names = Vec::new();
    for program in folders(place, "").await? {
        // Nothing is a stack in what is no program's folder.
        if StackName::new(&*program, "x").is_err() {
            continue;
        }
        let stacks = folders(place, &program).await?.into_iter();
        names.extend(stacks.filter_map(|stack| StackName::new(&*program, stack).ok()));
    }
    names.sort();
    Ok(names)
}

async fn folders(place: &dyn Backend, folder: &str) -> Result<Vec<String>> {
    let names = place.list(folder, "").await?;
    Ok(names.iter().filter_map(|name| name.strip_suffix('/')).map(str::to_owned).collect())
}

async fn is_made(place: &dyn Backend, stack: &StackName) -> Result<bool> {
    let objects = place.list(&stack.to_string(), "").await?;
    Ok(objects.iter().any(|object| object == "head.json"))
}
