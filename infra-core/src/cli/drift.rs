//! `drift`.

use std::{collections::BTreeSet, fs};

use async_trait::async_trait;
use infra_state::Urn;
use serde_json::json;

use super::{confirm::Ask, dispatch::Session, notify::Tellers};
use crate::{
    App, Engine, Error, ErrorKind, Result,
    command::{
        Confirmed, DEFAULT_PARALLEL, drift,
        drift::{AcceptOptions, ConfirmAccept, DriftOptions, FixOptions},
        resolve,
        watch::OneStack,
    },
    drift::Report,
    event::Events,
    exit::Exit,
    notify::Digest,
    report,
};

pub(super) mod args;

use args::{Drift, Form};

pub(super) async fn drift(app: &App, session: &Session<'_>, args: &Drift) -> Result<Exit> {
    if args.repair.fix {
        return fix(session, args).await;
    }
    if args.repair.accept {
        return accept(session, args).await;
    }
    let tellers = Tellers::open(app, session.settings, true, &args.telling).await?;
    let options = options(&session.engine, args).await;
    // What is printed is one document.
    let quiet = Engine { events: Events::ignored(), ..session.engine.clone() };
    let engine = if session.json { &quiet } else { &session.engine };
    let looked = match options {
        Ok(options) => drift::look(engine, &options).await,
        Err(error) => Err(error),
    };
    let (report, ended) = match looked {
        Ok(report) => {
            let shown = show(session, args, &report).await;
            (report, shown)
        }
        // Whoever does not sit here wants to know that, too.
        Err(error) if tells_of(&error) => (OneStack::failed(engine, &error), Err(error)),
        Err(error) => return Err(error),
    };
    let mut digest = Digest::default();
    digest.add(&report);
    let told = if digest.is_of_interest() || args.telling.notify_always {
        tellers.tell(&digest.notification(&report.stack)).await
    } else {
        Ok(())
    };
    ended.and(told)?;
    Ok(exit(&report, args))
}

/// Whether somebody is told of an error: not of a stop, which a person asked for, and not of what whoever wrote the
/// command mistook.
fn tells_of(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::Usage)
}

/// Puts right what was found.
async fn fix(session: &Session<'_>, args: &Drift) -> Result<Exit> {
    let (engine, repair) = (&session.engine, &args.repair);
    session.may_ask(repair.yes, "drift --fix")?;
    let options = FixOptions {
        drift: options(engine, args).await?,
        allow_data_loss: or_orphans(engine, &repair.allow_data_loss).await?,
        delete_orphans: repair.delete_orphans,
        allow_mass_absence: repair.allow_mass_absence,
        parallel: DEFAULT_PARALLEL,
        lock_timeout: repair.lock_timeout.unwrap_or_default(),
    };
    let confirm = session.confirm(repair.yes);
    let fixed = drift::fix(engine, &options, &*confirm).await?;
    file(args, &fixed.report)?;
    if fixed.summary.is_none() && !fixed.report.findings.is_empty() {
        session.say("Nothing of it is repaired; nothing was changed.\n").await;
    }
    match fixed.summary.as_ref().map(Exit::from) {
        Some(Exit::Done) | None => {}
        Some(ended) => return Ok(ended),
    }
    Ok(if !fixed.report.is_whole() {
        Exit::Failed
    } else if fixed.left > 0 {
        Exit::Changes
    } else {
        Exit::Done
    })
}

/// Takes what was found into the state.
async fn accept(session: &Session<'_>, args: &Drift) -> Result<Exit> {
    let (engine, repair) = (&session.engine, &args.repair);
    session.may_ask(repair.yes, "drift --accept")?;
    let options = AcceptOptions {
        drift: options(engine, args).await?,
        allow_mass_absence: repair.allow_mass_absence,
        lock_timeout: repair.lock_timeout.unwrap_or_default(),
    };
    let ask: Box<dyn ConfirmAccept + '_> =
        if repair.yes { Box::new(Confirmed) } else { Box::new(session.ask()) };
    let accepted = drift::accept(engine, &options, &*ask).await?;
    file(args, &accepted.report)?;
    let (taken, forgotten) = (&accepted.taken, &accepted.forgotten);
    if session.json {
        let left = accepted.left;
        session.document(json!({"taken": taken, "forgotten": forgotten, "left": left}));
    } else if taken.is_empty() && forgotten.is_empty() {
        session.say("Nothing of it can be recorded; nothing was changed.\n").await;
    } else {
        let counts = format!("{} recorded as they are", taken.len());
        let gone = match forgotten.len() {
            0 => String::new(),
            count => format!(", {count} that are gone forgotten"),
        };
        let next = "Where the program says otherwise, the next `preview` shows it.";
        session.say(&format!("{counts}{gone}. {next}\n")).await;
    }
    Ok(if !accepted.report.is_whole() {
        Exit::Failed
    } else if accepted.left > 0 {
        Exit::Changes
    } else {
        Exit::Done
    })
}

#[async_trait]
impl ConfirmAccept for Ask<'_> {
    async fn confirm_accept(&self, _: &Report) -> Result<bool> {
        self.asked("take this into the state").await
    }
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
        policies: args.policies,
        allow_replace: urns(engine, &args.repair.allow_replace).await?,
        allow_shrink: args.repair.allow_shrink,
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

/// The recorded resources that are meant, and orphans, which no state knows, by their whole URN.
async fn or_orphans(engine: &Engine, named: &[String]) -> Result<BTreeSet<Urn>> {
    let whole = |text: &String| text.parse::<Urn>().ok();
    let (whole, rest): (Vec<_>, Vec<_>) =
        named.iter().map(|text| whole(text).ok_or_else(|| text.clone())).partition(Result::is_ok);
    let rest: Vec<String> = rest.into_iter().filter_map(Result::err).collect();
    let mut urns = urns(engine, &rest).await?;
    urns.extend(whole.into_iter().flatten());
    Ok(urns)
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
    let json = session.json.then_some(Form::Json);
    let form = args.format.or(json).unwrap_or(Form::Human);
    file(args, report)?;
    match form.format() {
        Some(_) if args.output.is_some() && session.json => {}
        Some(format) if args.output.is_none() => {
            session.data(report::formats::render(std::slice::from_ref(report), format).trim_end());
        }
        _ => session.say(&report::drift(report)).await,
    }
    Ok(())
}

/// Writes the report to the file that was asked for.
fn file(args: &Drift, report: &Report) -> Result<()> {
    let Some(path) = &args.output else { return Ok(()) };
    let text = match args.format.unwrap_or(Form::Json).format() {
        Some(format) => report::formats::render(std::slice::from_ref(report), format),
        None => anstream::adapter::strip_str(&report::drift(report)).to_string(),
    };
    fs::write(path, text).map_err(|e| {
        Error::new(ErrorKind::Failed, format!("cannot write {}: {e}", path.display())).because(e)
    })
}
