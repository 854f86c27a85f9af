//! `state …`.

use std::{fs, io::Read, time::Duration};

use infra_state::{ExportSecrets, Push, Rebind, Record};
use serde_json::json;

use super::{
    args::{Locking, State},
    dispatch::{Session, here, typed},
    place, rebuild,
};
use crate::{
    App, Error, ErrorKind, Result,
    command::state::{self},
    exit::Exit,
    report::shown,
};

pub(super) async fn state(app: &App, session: &Session<'_>, args: &State) -> Result<Exit> {
    let engine = &session.engine;
    let wait = |locking: &Locking| locking.lock_timeout.unwrap_or_default();
    match args {
        State::List => {
            let records = state::list(engine).await?;
            let mut urns: Vec<_> = records.iter().map(|record| &record.urn).collect();
            urns.dedup();
            if session.json {
                session.document(json!({"resources": urns}));
            } else {
                for urn in urns {
                    session.data(urn.as_str());
                }
            }
        }
        State::Show { urn, show_secrets } => {
            let objects = state::show(engine, urn).await?;
            if session.json {
                let objects: Vec<_> =
                    objects.iter().map(|object| record(object, *show_secrets)).collect();
                session.document(json!({"objects": objects}));
                return Ok(Exit::Done);
            }
            for object in objects {
                let text = serde_json::to_string_pretty(&record(&object, *show_secrets));
                session.data(&text.unwrap_or_default());
            }
        }
        State::Doctor => return place::doctor(session).await,
        State::Mv { from, to, locking } => {
            let to = state::mv(engine, from, to, wait(locking)).await?;
            session.say(&format!("It is {to} now. Write the same name in the program.\n")).await;
        }
        State::Rm { urn, force, locking } => {
            let urn = state::rm(engine, urn, *force, wait(locking)).await?;
            session.say(&format!("{urn} is forgotten; its object is where it was.\n")).await;
        }
        State::Protect { urns, locking } => {
            for urn in state::protect(engine, urns, true, wait(locking)).await? {
                session.say(&format!("{urn} is protected.\n")).await;
            }
        }
        State::Unprotect { urns, locking } => {
            for urn in state::protect(engine, urns, false, wait(locking)).await? {
                session.say(&format!("{urn} is not protected any more. (`.protect()` in the program protects it again.)\n")).await;
            }
        }
        State::Unlock { nonce } => {
            state::unlock(engine, nonce).await?;
            session.say("The lock is free.\n").await;
        }
        State::Pull { show_secrets } => {
            let secrets = if *show_secrets { ExportSecrets::Shown } else { ExportSecrets::Sealed };
            session.data(&state::pull(engine, secrets).await?);
        }
        State::Push { file, force, locking } => {
            let failed = |e: std::io::Error| {
                let message = format!("cannot read {}: {e}", file.display());
                Error::new(ErrorKind::Usage, message).because(e)
            };
            let text = if file.as_os_str() == "-" {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text).map_err(failed)?;
                text
            } else {
                fs::read_to_string(file).map_err(failed)?
            };
            let how = if *force { Push::Forced } else { Push::Checked };
            let position = state::push(engine, &text, how, wait(locking)).await?;
            session.say(&format!("The state is at {position} now.\n")).await;
        }
        State::Rebuild(args) => return rebuild::rebuild(session, args).await,
        State::Migrate { to, key, locking } => {
            migrate(app, session, to, key.as_deref(), wait(locking)).await?;
        }
        State::Rekey { to, locking } => rekey(app, session, to.as_deref(), wait(locking)).await?,
        State::Rebind { moved, locking, .. } => {
            let how = if *moved { Rebind::Moved } else { Rebind::Copied };
            let identity = state::rebind(engine, how, wait(locking)).await?;
            session
                .say(&format!("This is {} now, lineage {}.\n", identity.stack, identity.lineage))
                .await;
        }
    }
    Ok(Exit::Done)
}

async fn migrate(
    app: &App,
    session: &Session<'_>,
    to: &str,
    key: Option<&str>,
    wait: Duration,
) -> Result<()> {
    let here = here()?;
    let (to, new_key) = (typed(to, &here), key.map(|key| typed(key, &here)));
    let there = app.other_place(session.settings, to, new_key.clone(), &session.engine).await?;
    let moved = state::migrate(&session.engine, &there, wait).await?;
    let (old, new) = (&moved.from.url, &moved.to.url);
    let key = new_key.map_or_else(String::new, |key| format!(" and `key = {key:?}`"));
    let text = format!(
        "The state is in {new} now: {} records, {} deployments. Write `state = {new:?}`{key} under `[stack.{}]`{}; who still \
         uses {old} is told where it went.\n",
        moved.records,
        moved.deployments,
        session.settings.stack,
        in_file(session),
    );
    session.say(&text).await;
    Ok(())
}

/// Where the settings stand.
pub(super) fn in_file(session: &Session<'_>) -> String {
    let file = session.settings.file.as_ref();
    file.map_or_else(String::new, |file| format!(" in {}", file.display()))
}

/// A record as JSON.
pub(super) fn record(record: &Record, secrets: bool) -> serde_json::Value {
    let value = |value: &infra_state::Value| if secrets { value.to_json() } else { shown(value) };
    json!({
        "urn": record.urn,
        "instance": record.instance,
        "id": record.id,
        "status": record.status,
        "version": record.version,
        "inputs": value(&record.inputs),
        "outputs": value(&record.outputs),
        "provider": record.provider,
        "dependencies": record.dependencies,
        "options": record.options,
        "holds_data": record.holds_data,
        "created": record.created.to_string(),
        "updated": record.updated.to_string(),
    })
}

async fn rekey(app: &App, session: &Session<'_>, to: Option<&str>, wait: Duration) -> Result<()> {
    let to = match to.and_then(|to| to.strip_prefix("file:")) {
        // What is typed is relative to where it is typed.
        Some(path) => {
            let path = std::path::absolute(path.trim_start_matches("//")).map_err(|e| {
                Error::new(ErrorKind::Usage, format!("there is no current directory: {e}"))
                    .because(e)
            })?;
            Some(format!("file:{}", path.display()))
        }
        None => to.map(str::to_owned),
    };
    let (sealer, url) = app.other_key(session.settings, to.as_deref()).await?;
    let count = state::rekey(&session.engine, sealer, wait).await?;
    let stack = &session.settings.stack;
    let mut text = format!("Sealed anew: {count} objects. The key before opens none of them.\n");
    if to.is_some() {
        let file = session.settings.file.as_ref().map(|file| format!(" in {}", file.display()));
        let file = file.unwrap_or_else(|| " (the program's TOML file)".to_owned());
        text += "Now write this into the settings";
        text += &file;
        text += ", for everybody who works on the stack:\n\n";
        for line in [format!("[stack.{stack}]"), format!("key = \"{url}\"")] {
            text += "  ";
            text += &line;
            text += "\n";
        }
        text += "\n";
    }
    text += "What was copied before (exported states, backups, earlier versions in a versioned bucket) is still sealed with \
             the key before: while that is there, who has both can read it.\n";
    session.say(&text).await;
    Ok(())
}
