//! `state rebuild`.

use async_trait::async_trait;
use infra_state::StackName;

use super::{args::Rebuild, dispatch::Session};
use crate::{
    Error, ErrorKind, Result,
    command::{
        rebuild::{self, ConfirmRebuild, Found, RebuildOptions},
        resolve,
    },
    exit::Exit,
};

pub(super) async fn rebuild(session: &Session<'_>, args: &Rebuild) -> Result<Exit> {
    let engine = &session.engine;
    let program = &engine.state.name().program;
    let former =
        args.formerly.iter().map(|name| Ok(StackName::new(program.clone(), name.clone())?));
    let mut options = RebuildOptions {
        lineage: args.lineage,
        rotate: args.rotate.iter().cloned().collect(),
        formerly: former.collect::<Result<_>>()?,
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
    rebuild::rebuild(engine, &options, &show).await?;
    session
        .say("\nThe state is written again. Look with `preview --refresh` before the next `up`.\n")
        .await;
    Ok(Exit::Done)
}

/// Asks whether to write what is on the screen.
struct Show<'s> {
    session: &'s Session<'s>,
    agreed: bool,
}

#[async_trait]
impl ConfirmRebuild for Show<'_> {
    async fn confirm(&self, _: &Found) -> Result<bool> {
        let session = self.session;
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
