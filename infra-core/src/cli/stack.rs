//! `stack …`.

use std::fmt::Write;

use serde_json::json;

use super::{args::Stack, dispatch::Session, print::outcome, state::in_file};
use crate::{
    Result,
    command::stack::{self, Found, Listed},
    exit::Exit,
    report::duration,
};

pub(super) async fn stack(session: &Session<'_>, args: &Stack) -> Result<Exit> {
    let engine = &session.engine;
    match args {
        Stack::List => list(session, &stack::list(engine).await?),
        Stack::Show => show(session, &stack::show(engine).await?),
        Stack::Rename { new, locking } => {
            let wait = locking.lock_timeout.unwrap_or_default();
            let moved = stack::rename(engine, new, wait).await?;
            let (old, new) = (&moved.from.stack.stack, &moved.to.stack.stack);
            session
                .say(&format!(
                    "The stack `{old}` is `{new}` now: {} records, {} deployments. What it has in the cloud keeps its names \
                     and tags (a `state rebuild` would need `--formerly {old}`). Rename `[stack.{old}]` to `[stack.{new}]`{}, and say `--stack {new}`; who still says `{old}` \
                     is told.\n",
                    moved.records,
                    moved.deployments,
                    in_file(session)
                ))
                .await;
        }
        Stack::Rm { force, locking } => {
            let wait = locking.lock_timeout.unwrap_or_default();
            let left = stack::remove(engine, *force, wait).await?;
            let mut text = format!("The state of {} is removed.\n", engine.state.name());
            if !left.is_empty() {
                let _ = writeln!(
                    text,
                    "{} objects stay where they are, and nobody remembers them any more:",
                    left.len()
                );
            }
            for record in left {
                let id = record.id.as_deref().unwrap_or("(no id known)");
                let _ = writeln!(text, "  {} {id}", record.urn);
            }
            session.say(&text).await;
        }
    }
    Ok(Exit::Done)
}

fn list(session: &Session<'_>, stacks: &[Listed]) {
    let ago = |at: &jiff::Timestamp| {
        duration(session.engine.env.now().duration_since(*at).try_into().unwrap_or_default())
    };
    if session.json {
        let stacks: Vec<_> = stacks.iter().map(document).collect();
        return session.document(json!({ "stacks": stacks }));
    }
    let width = stacks.iter().map(|listed| listed.name.stack.len()).max().unwrap_or(0);
    for Listed { name, found } in stacks {
        let what = match found {
            Found::Left(to) => format!("moved to {to}"),
            Found::Unreadable(error) => format!("cannot be read: {error}"),
            Found::Here(view) => {
                let snapshot = &view.snapshot;
                let mut parts = vec![match snapshot.records.len() {
                    1 => "1 record".to_owned(),
                    n => format!("{n} records"),
                }];
                if let Some(last) = &snapshot.deployment {
                    let how = snapshot.outcome.map_or("not ended", outcome);
                    let (number, command, by) = (last.number, &last.command, &last.by);
                    parts.push(format!(
                        "deployment {number} `{command}` by {by}, {} ago: {how}",
                        ago(&last.at)
                    ));
                }
                parts.extend(view.holder.as_ref().map(|holder| format!("locked by {holder}")));
                if view.interrupted {
                    parts.push("cut off: the next `up` finishes it".to_owned());
                }
                parts.join(", ")
            }
        };
        session.data(&format!("{:width$}  {what}", name.stack));
    }
}

fn document(Listed { name, found }: &Listed) -> serde_json::Value {
    let stack = &name.stack;
    match found {
        Found::Left(to) => json!({"stack": stack, "moved_to": to}),
        Found::Unreadable(error) => json!({"stack": stack, "error": error.to_string()}),
        Found::Here(view) => {
            let snapshot = &view.snapshot;
            let last = snapshot.deployment.as_ref();
            json!({
                "stack": stack,
                "lineage": snapshot.identity.lineage.to_string(),
                "records": snapshot.records.len(),
                "deployment": last.map(|d| json!({"number": d.number, "command": d.command, "by": d.by, "began": d.at.to_string()})),
                "outcome": snapshot.outcome.map(outcome),
                "holder": view.holder.as_ref().map(ToString::to_string),
                "interrupted": view.interrupted,
            })
        }
    }
}

fn show(session: &Session<'_>, what: &stack::Shown) {
    let snapshot = &what.view.snapshot;
    let identity = &snapshot.identity;
    let deployment = snapshot.deployment.as_ref();
    if session.json {
        let unsettled = what
            .unsettled
            .iter()
            .map(|(status, n)| (format!("{status:?}").to_lowercase(), json!(n)));
        let value = json!({
            "stack": identity.stack.to_string(),
            "lineage": identity.lineage.to_string(),
            "state": session.engine.state.url(),
            "cloud": deployment.and_then(|deployment| deployment.cloud.as_ref()),
            "position": what.view.position.to_string(),
            "kinds": what.kinds,
            "unsettled": serde_json::Value::Object(unsettled.collect()),
            "open": snapshot.open.len(),
            "deployment": deployment.map(|d| json!({"number": d.number, "command": d.command, "by": d.by, "began": d.at.to_string()})),
            "outcome": snapshot.outcome.map(outcome),
            "holder": what.view.holder.as_ref().map(ToString::to_string),
            "interrupted": what.view.interrupted,
        });
        return session.document(value);
    }
    let line = |key: &str, value: String| session.data(&format!("{key:<12} {value}"));
    line("stack", identity.stack.to_string());
    line("lineage", identity.lineage.to_string());
    line("state", session.engine.state.url());
    if let Some(cloud) = deployment.and_then(|deployment| deployment.cloud.clone()) {
        line("cloud", cloud);
    }
    line("position", what.view.position.to_string());
    if let Some(deployment) = deployment {
        let how = match snapshot.outcome {
            Some(how) => outcome(how).to_owned(),
            None if what.view.holder.is_some() => "in progress".to_owned(),
            None => "cut off: the next `up` finishes it".to_owned(),
        };
        let age = session.engine.env.now().duration_since(deployment.at);
        let age = duration(age.try_into().unwrap_or_default());
        line(
            "deployment",
            format!(
                "{} `{}` by {}, {age} ago: {how}",
                deployment.number, deployment.command, deployment.by
            ),
        );
    }
    if let Some(holder) = &what.view.holder {
        line("locked by", holder.to_string());
    }
    if !snapshot.open.is_empty() {
        line("open", format!("{} operations that are not settled", snapshot.open.len()));
    }
    for (status, n) in &what.unsettled {
        line(&format!("{status:?}").to_lowercase(), n.to_string());
    }
    line("resources", what.kinds.values().sum::<usize>().to_string());
    for (kind, n) in &what.kinds {
        session.data(&format!("  {n:>4} {kind}"));
    }
}
