//! `preview`, `up`, `destroy`.

use std::{collections::BTreeSet, sync::Arc};

use infra_state::Urn;

use super::{
    args::{Destroy, Executing, Planning, Preview, Rollback, Towards, Up},
    dispatch::Session,
};
use crate::{
    Engine, Error, ErrorKind, Result,
    command::{
        self, Confirm, Confirmed, DEFAULT_PARALLEL, PreviewOptions, UpOptions, resolve, saved,
    },
    exit::Exit,
    plan::{Plan, PlanOptions, Refresh},
};

/// Plans and shows.
pub(super) async fn preview(session: &Session<'_>, args: &Preview) -> Result<Exit> {
    let engine = &session.engine;
    let mut plan = options(engine, &args.planning, &args.towards).await?;
    plan.destroy = args.destroy;
    let preview = command::preview(engine, &PreviewOptions { plan }).await?;
    obeys(&preview.plan)?;
    if let Some(path) = &args.save {
        saved::save(engine, &preview, args.destroy, path).await?;
        session
            .say(&format!(
                "\nThe plan is in {}. To execute it: `up --plan {}`\n",
                path.display(),
                path.display()
            ))
            .await;
    }
    Ok(if args.exit_code && !preview.plan.is_empty() { Exit::Changes } else { Exit::Done })
}

/// Refuses a plan that `up` would refuse for what it violates: who asks before they merge wants to know then.
fn obeys(plan: &Plan) -> Result<()> {
    plan.violated().map_or(Ok(()), Err)
}

/// No command on a real cloud: a preview, and how to go on.
pub(super) async fn look(session: &Session<'_>) -> Result<Exit> {
    let preview = command::preview(&session.engine, &PreviewOptions::default()).await?;
    obeys(&preview.plan)?;
    if !preview.plan.is_empty() {
        let stack = &session.settings.stack;
        session
            .say(&format!("\nNothing was changed. To perform this: `up --stack {stack}`\n"))
            .await;
    }
    Ok(Exit::Done)
}

/// Plans, asks, executes.
pub(super) async fn up(session: &Session<'_>, args: &Up) -> Result<Exit> {
    let agreed = args.executing.yes || args.plan.is_some();
    session.may_ask(agreed, "up")?;
    let engine = &session.engine;
    let plan = options(engine, &args.planning, &args.towards).await?;
    let mut options = executing(plan, &args.executing);
    options.new_lineage = args.new_lineage;
    if let Some(path) = &args.plan {
        let saved = saved::load(engine, path).await?;
        options.plan.destroy = saved.destroy;
        options.saved = Some(Arc::new(saved));
    }
    let confirm = session.confirm(agreed);
    let summary = command::up(engine, &options, &*confirm).await?;
    Ok(Exit::from(&summary))
}

/// No command on a simulated cloud: nothing real is touched, so nobody is asked.
pub(super) async fn try_out(session: &Session<'_>) -> Result<Exit> {
    let summary = command::up(&session.engine, &UpOptions::default(), &Confirmed).await?;
    Ok(Exit::from(&summary))
}

/// Plans to remove everything, asks, executes.
pub(super) async fn destroy(session: &Session<'_>, args: &Destroy) -> Result<Exit> {
    session.may_ask(args.executing.yes, "destroy")?;
    let engine = &session.engine;
    let mut plan = options(engine, &args.planning, &Towards::default()).await?;
    plan.exclude_protected = args.exclude_protected;
    let confirm = session.confirm(args.executing.yes);
    let summary = command::destroy(engine, &executing(plan, &args.executing), &*confirm).await?;
    Ok(Exit::from(&summary))
}

/// Plans to go back to an earlier deployment, asks, executes.
pub(super) async fn rollback(session: &Session<'_>, args: &Rollback) -> Result<Exit> {
    let (engine, number) = (&session.engine, args.number);
    if !args.preview {
        session.may_ask(args.executing.yes, &format!("rollback {number}"))?;
    }
    let mut known: BTreeSet<Urn> =
        command::declared_then(engine, number).await?.into_iter().collect();
    known.extend(remembered(engine).await?);
    let known: Vec<Urn> = known.into_iter().collect();
    let plan = chosen(&known, &args.planning, &Towards::default())?;
    if args.preview {
        let preview = command::preview_rollback(engine, number, &PreviewOptions { plan }).await?;
        obeys(&preview.plan)?;
        return Ok(Exit::Done);
    }
    let options = executing(plan, &args.executing);
    let confirm = session.confirm(args.executing.yes);
    let summary = command::rollback(engine, number, &options, &*confirm).await?;
    Ok(Exit::from(&summary))
}

fn executing(plan: PlanOptions, args: &Executing) -> UpOptions {
    UpOptions {
        plan,
        parallel: args.parallel.unwrap_or(DEFAULT_PARALLEL),
        lock_timeout: args.lock_timeout.unwrap_or_default(),
        continue_on_error: args.continue_on_error,
        ..UpOptions::default()
    }
}

async fn options(engine: &Engine, planning: &Planning, towards: &Towards) -> Result<PlanOptions> {
    let named = [&planning.target, &planning.exclude, &planning.allow_data_loss, &towards.replace];
    let known =
        if named.iter().all(|list| list.is_empty()) { Vec::new() } else { known(engine).await? };
    chosen(&known, planning, towards)
}

/// The options, with what was named looked for in `known`.
fn chosen(known: &[Urn], planning: &Planning, towards: &Towards) -> Result<PlanOptions> {
    let urns = |texts: &[String]| -> Result<BTreeSet<Urn>> {
        texts.iter().map(|text| resolve(text, known)).collect()
    };
    // Said again after a run that was cut off, a whole urn may be gone already.
    let lost = |text: &String| resolve(text, known).or_else(|e| text.parse().map_err(|_| e));
    Ok(PlanOptions {
        targets: urns(&planning.target)?,
        excludes: urns(&planning.exclude)?,
        replaces: urns(&towards.replace)?,
        allow_data_loss: planning.allow_data_loss.iter().map(lost).collect::<Result<_>>()?,
        refresh: match (planning.refresh, planning.no_refresh) {
            (true, _) => Refresh::All,
            (_, true) => Refresh::Nothing,
            _ => Refresh::Touched,
        },
        refresh_lookups: towards.refresh_lookups,
        allow_mass_absence: planning.allow_mass_absence,
        ..PlanOptions::default()
    })
}

/// Every resource that is declared or remembered.
async fn known(engine: &Engine) -> Result<Vec<Urn>> {
    let mut known: BTreeSet<Urn> = engine.graph()?.nodes.into_keys().collect();
    known.extend(remembered(engine).await?);
    Ok(known.into_iter().collect())
}

async fn remembered(engine: &Engine) -> Result<Vec<Urn>> {
    let view = engine.state.read().await?;
    let records = view.into_iter().flat_map(|view| view.snapshot.records);
    Ok(records.map(|(key, _)| key.urn).collect())
}

impl Session<'_> {
    /// Stops at once where nobody could answer.
    pub(super) fn may_ask(&self, agreed: bool, command: &str) -> Result<()> {
        if agreed || self.interactive {
            return Ok(());
        }
        let message = format!(
            "nobody is at a terminal to confirm. Look with `{}`, then say `{command} --yes`{}",
            if command.starts_with("rollback") {
                format!("{command} --preview")
            } else if command.starts_with("drift") {
                "drift".to_owned()
            } else {
                "preview".to_owned()
            },
            if command == "up" { ", or `preview --save FILE` and `up --plan FILE`" } else { "" }
        );
        Err(Error::new(ErrorKind::Refused, message))
    }

    pub(super) fn confirm(&self, agreed: bool) -> Box<dyn Confirm + '_> {
        if agreed { Box::new(Confirmed) } else { Box::new(self.ask()) }
    }
}
