//! `drift`.

use std::{collections::BTreeSet, fs, path::Path};

use infra_state::Urn;

use super::dispatch::Session;
use crate::{
    Engine, Error, ErrorKind, Result,
    command::{drift, drift::DriftOptions, resolve},
    drift::Report,
    event::Events,
    exit::Exit,
    report,
};

pub(super) mod args;

use args::Drift;

pub(super) async fn drift(session: &Session<'_>, args: &Drift) -> Result<Exit> {
    let options = options(&session.engine, args).await?;
    // What is printed is one document.
    let quiet = Engine { events: Events::ignored(), ..session.engine.clone() };
    let engine = if session.json { &quiet } else { &session.engine };
    let report = drift::look(engine, &options).await?;
    show(session, args, &report).await?;
    Ok(exit(&report, args))
}

/// What is asked for.
pub(super) async fn options(engine: &Engine, args: &Drift) -> Result<DriftOptions> {
    Ok(DriftOptions {
        recorded_only: args.recorded_only,
        only: urns(engine, &args.only).await?,
        severity: args.severity,
        orphans: args.orphans.into(),
        unmanaged: args.unmanaged,
        actors: !args.no_actors,
        ..DriftOptions::default()
    })
}

/// The recorded resources that are meant.
async fn urns(engine: &Engine, named: &[String]) -> Result<BTreeSet<Urn>> {
    if named.is_empty() {
        return Ok(BTreeSet::new());
    }
    let view = engine.state.read().await?;
    let records = view.into_iter().flat_map(|view| view.snapshot.records);
    let known: BTreeSet<Urn> = records.map(|(key, _)| key.urn).collect();
    named.iter().map(|text| resolve(text, &known)).collect()
}

/// How the process ends after a look.
pub(super) fn exit(report: &Report, args: &Drift) -> Exit {
    let from = args.fail_on.unwrap_or_default();
    // Without `--fail-on` everything that is shown counts.
    let counts = report.worst().is_some_and(|worst| args.fail_on.is_none() || worst >= from);
    match report.is_whole() {
        false => Exit::Failed,
        true if counts => Exit::Changes,
        true => Exit::Done,
    }
}

/// Shows the report in the form that was asked for.
pub(super) async fn show(session: &Session<'_>, args: &Drift, report: &Report) -> Result<()> {
    let format = match (args.format, session.json) {
        (Some(form), _) => form.format(),
        (None, true) => Some(report::formats::Format::Json),
        (None, false) => None,
    };
    match (format, &args.output) {
        (Some(format), None) => {
            session.data(report::formats::render(std::slice::from_ref(report), format).trim_end());
        }
        (Some(format), Some(path)) => {
            write(path, &report::formats::render(std::slice::from_ref(report), format))?;
            if !session.json {
                session.say(&report::drift(report)).await;
            }
        }
        (None, output) => {
            let text = report::drift(report);
            session.say(&text).await;
            if let Some(path) = output {
                write(path, &anstream::adapter::strip_str(&text).to_string())?;
            }
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|e| {
        Error::new(ErrorKind::Failed, format!("cannot write {}: {e}", path.display())).because(e)
    })
}
