//! `state rebuild`.

use async_trait::async_trait;

use super::{args::Rebuild, dispatch::Session};
use crate::{
    Error, ErrorKind, Result,
    command::{
        rebuild::{self, ConfirmRebuild, Found, RebuildOptions},
        resolve,
    },
    exit::Exit,
    report::{rebuilt, rebuilt_json},
};

pub(super) async fn rebuild(session: &Session<'_>, args: &Rebuild) -> Result<Exit> {
    let engine = &session.engine;
    let mut options = RebuildOptions {
        lineage: args.lineage,
        rotate: args.rotate.iter().cloned().collect(),
        forget_unknown: args.forget_unknown,
        lock_timeout: args.locking.lock_timeout.unwrap_or_default(),
        ..RebuildOptions::default()
    };
    if !args.current.is_empty() {
        let graph = engine.graph()?;
        for (name, id) in &args.current {
            options.current.insert(resolve(name, graph.nodes.keys())?, id.clone());
        }
    }
    let show = Show { session, agreed: args.yes };
    let found = rebuild::rebuild(engine, &options, &show).await?;
    if session.json {
        session.document(rebuilt_json(&found));
    }
    session
        .say("\nThe state is written again. Look with `preview --refresh` before the next `up`.\n")
        .await;
    Ok(Exit::Done)
}

/// Shows what was found, and asks.
struct Show<'s> {
    session: &'s Session<'s>,
    agreed: bool,
}

#[async_trait]
impl ConfirmRebuild for Show<'_> {
    async fn confirm(&self, found: &Found) -> Result<bool> {
        let session = self.session;
        session.say(&rebuilt(found)).await;
        if self.agreed {
            return Ok(true);
        }
        if !session.interactive {
            let message = "nobody is at a terminal to confirm. If this is the stack, say `state rebuild --yes`; nothing \
                           was written";
            return Err(Error::new(ErrorKind::Refused, message));
        }
        session.ask().asked("write this state").await
    }
}
