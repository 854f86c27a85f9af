//! What one of several processes does.

use async_trait::async_trait;
use infra_state::{Backend, Env};

use super::{Each, Part, Parts, Run, Shard, fleet};
use crate::{Cancel, Result, command::watch::Audience, drift::Report, report::formats::Totals};

/// What became of one process's share.
#[derive(Debug)]
pub enum Shared {
    /// It is done, and others are not, or another one tells what all have found.
    Part(Part),
    /// All are done, and it is this process that tells what all have found.
    Whole {
        /// Its own part.
        own: Part,
        /// All of them, in their order.
        parts: Vec<Part>,
        /// What they come to.
        totals: Totals,
        /// It was told by an earlier attempt.
        again: bool,
    },
}

/// Looks at the stacks of this shard, and leaves what it found in the place, unless an earlier attempt has. `audience`
/// hears of its own stacks.
#[expect(clippy::too_many_arguments, reason = "each says another thing of the run")]
pub async fn share(
    place: &dyn Backend,
    run: Run<'_>,
    shard: Shard,
    parallel: usize,
    each: &dyn Each,
    env: &dyn Env,
    cancel: &Cancel,
    audience: &mut dyn Audience,
) -> Result<Shared> {
    run.refuse_if_over(env.now()).await?;
    let own = if let Some(part) = run.part(shard).await? {
        part
    } else {
        let mut filing = Filing { parts: run.begin(shard, env), audience };
        fleet(place, shard, parallel, each, env, cancel, &mut filing).await?;
        filing.parts.end(env.now()).await?
    };
    let Some(parts) = run.whole(shard.of()).await? else { return Ok(Shared::Part(own)) };
    let mut totals = Totals::default();
    for part in &parts {
        totals.merge(&part.totals);
    }
    if run.claim(shard, &totals, env.now()).await? {
        let again = run.was_told().await?;
        Ok(Shared::Whole { own, parts, totals, again })
    } else {
        Ok(Shared::Part(own))
    }
}

/// Files every report that is heard.
struct Filing<'a, 'r> {
    parts: Parts<'r>,
    audience: &'a mut dyn Audience,
}

#[async_trait]
impl Audience for Filing<'_, '_> {
    async fn hear(&mut self, report: Report) -> Result<()> {
        self.parts.add(&report).await?;
        self.audience.hear(report).await
    }
}
