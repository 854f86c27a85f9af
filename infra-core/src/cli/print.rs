//! `outputs`, `graph`, `history`, `simulate`: data on standard output.

use std::{fmt::Write as _, fs, path::Path};

use infra_state::{HistoryEntry, Outcome, Value};
use serde_json::json;

use super::{
    args::{Format, Graph, History, Outputs, Simulate},
    dispatch::Session,
};
use crate::{
    Error, ErrorKind, Result,
    command::{self, graph},
    config::nearest,
    exit::Exit,
    report::{
        self,
        graph::{Picture, dot, mermaid, svg},
        inline, shown, whole,
    },
};

pub(super) async fn outputs(session: &Session<'_>, args: &Outputs) -> Result<Exit> {
    let mut exports = command::outputs(&session.engine).await?;
    if args.show_secrets {
        exports = exports.into_iter().map(|(name, value)| (name, value.plain())).collect();
    }
    if let Some(name) = &args.name {
        let Some(value) = exports.get(name) else {
            let hint = nearest(name, exports.keys().map(String::as_str));
            let hint = hint.map_or_else(String::new, |hint| format!("; did you mean `{hint}`?"));
            return Err(Error::new(ErrorKind::Usage, format!("there is no output `{name}`{hint}")));
        };
        if value.has_secret() {
            let message = format!("the output `{name}` is secret; say --show-secrets to print it");
            return Err(Error::new(ErrorKind::Refused, message));
        }
        let text = match value {
            Value::String(text) => text.clone(),
            other => shown(other).to_string(),
        };
        if session.json {
            session.document(json!({"outputs": {name.as_str(): shown(value)}}));
        } else {
            session.data(&text);
        }
        return Ok(Exit::Done);
    }
    if session.json {
        let values = exports.iter().map(|(name, value)| (name.clone(), shown(value)));
        let values = serde_json::Value::Object(values.collect());
        session.document(json!({"outputs": values}));
        return Ok(Exit::Done);
    }
    for (name, value) in &exports {
        let text = match value {
            Value::String(text) if !text.contains('\n') => text.clone(),
            other => whole(other, 100).unwrap_or_else(|| inline(other, 4096)),
        };
        session.data(&format!("{name} = {text}"));
    }
    Ok(Exit::Done)
}

pub(super) async fn graph(session: &Session<'_>, args: &Graph) -> Result<Exit> {
    let picture = if args.remembered {
        graph::recorded(&session.engine).await?
    } else {
        graph::declared(&session.engine)?
    };
    let format = args.format.unwrap_or_else(|| by_extension(args.output.as_deref()));
    let text = draw(&picture, format);
    match &args.output {
        None => session.data(text.trim_end()),
        Some(path) => fs::write(path, text).map_err(|e| {
            let message = format!("cannot write {}: {e}", path.display());
            Error::new(ErrorKind::Failed, message).because(e)
        })?,
    }
    Ok(Exit::Done)
}

fn by_extension(path: Option<&Path>) -> Format {
    match path.and_then(Path::extension).and_then(|extension| extension.to_str()) {
        Some("svg") => Format::Svg,
        Some("mmd" | "mermaid" | "md") => Format::Mermaid,
        _ => Format::Dot,
    }
}

fn draw(picture: &Picture, format: Format) -> String {
    match format {
        Format::Dot => dot(picture),
        Format::Mermaid => mermaid(picture),
        Format::Svg => svg(picture),
    }
}

pub(super) async fn history(session: &Session<'_>, args: &History) -> Result<Exit> {
    let entries = command::history(&session.engine, args.last).await?;
    if session.json {
        let entries: Vec<_> = entries.iter().map(deployment).collect();
        session.document(json!({"deployments": entries}));
    } else if entries.is_empty() {
        session.say("There are no deployments yet.\n").await;
    } else {
        session.data(report::history(&entries).trim_end());
    }
    Ok(Exit::Done)
}

fn deployment(entry: &HistoryEntry) -> serde_json::Value {
    let deployment = &entry.deployment;
    json!({
        "number": deployment.number,
        "command": deployment.command,
        "by": deployment.by,
        "revision": deployment.revision,
        "began": deployment.at.to_string(),
        "ended": entry.ended.to_string(),
        "cloud": deployment.cloud,
        "outcome": outcome(entry.outcome),
        "summary": entry.summary,
    })
}

pub(super) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed => "failed",
        Outcome::Interrupted => "interrupted",
    }
}

pub(super) async fn simulate(session: &Session<'_>, args: &Simulate) -> Result<Exit> {
    let serving = |address: std::net::SocketAddr, environment: Vec<(String, String)>| {
        for (name, value) in environment {
            session.data(&format!("export {name}={value}"));
        }
        session.say_now(&format!(
            "Serving the embedded cloud of {} at http://{address}; Ctrl-C ends it.\n",
            session.engine.state.name()
        ));
    };
    if let Some(file) = &args.plant {
        let planted = command::plant(&session.engine, file).await?;
        let mut text =
            format!("Planted {} objects of {}.\n", planted.planted.len(), file.display());
        for (address, why) in &planted.left {
            let _ = writeln!(text, "  left out: {address}: {why}");
        }
        session.say_now(&text);
    }
    let mut listen = vec![("listen", args.listen.as_str())];
    listen.extend(args.kubernetes.iter().map(|address| ("kubernetes", address.as_str())));
    command::simulate(&session.engine, &listen, serving).await?;
    Ok(Exit::Done)
}
