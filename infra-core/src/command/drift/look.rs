//! The look.

use std::collections::BTreeSet;

use infra_state::{Record, Snapshot, Status, Urn, View};

use super::{
    compare::{Compared, Comparing, Drifted},
    options::DriftOptions,
    read::{Known, Pass, Reading},
    strangers::is_remembered,
    wanted::Wanted,
};
use crate::{
    Engine, Result,
    command::{outputs::never_made, planning::same_cloud},
    drift::{Report, Rules, Unchecked, What},
    execute::Connections,
    plan::Seen,
    scrub::Scrub,
};

/// Fewer objects than this may all be gone: somebody deleted them.
const FEW: usize = 3;
/// More objects than this are not gone by accident, however many there are.
const MANY: usize = 10;

/// Looks where the cloud is not what is recorded. Takes no lock, changes nothing.
///
/// One bulk pass: what cannot be read, or is of a kind that the program does not know, is in
/// [`Report::unchecked`], and everything else is compared all the same. What a deployment in progress works on is no
/// drift. An error is returned where nothing is known of the stack: there is no state, or the program is wrong.
pub async fn look(engine: &Engine, options: &DriftOptions) -> Result<Report> {
    let view = read(engine, options).await?;
    let connections = Connections::new(engine);
    Ok(Look::at(engine, options, &view, &connections, None).await?.report)
}

/// The state, with or without its key.
async fn read(engine: &Engine, options: &DriftOptions) -> Result<View> {
    let view = if options.without_key {
        engine.state.read_without_key().await?.map(|(view, _)| view)
    } else {
        engine.state.read().await?
    };
    view.ok_or_else(|| never_made(engine))
}

/// A look, with what it was made from.
pub(super) struct Look {
    pub(super) report: Report,
    /// What was found, in the order of the report.
    pub(super) drifted: Vec<Drifted>,
    /// How many recorded objects are gone, whatever was asked for.
    pub(super) gone: usize,
    pub(super) wanted: Option<Wanted>,
    /// Everything that could be read.
    pub(super) seen: Vec<(Known, Seen)>,
}

/// What a look works with.
pub(super) struct Looking<'a> {
    pub(super) engine: &'a Engine,
    pub(super) options: &'a DriftOptions,
    pub(super) snapshot: &'a Snapshot,
    pub(super) wanted: Option<&'a Wanted>,
    pub(super) rules: &'a Rules,
    pub(super) scrub: &'a Scrub,
    pub(super) notices: Vec<String>,
    /// What could not be listed.
    pub(super) unlisted: Vec<Unchecked>,
}

impl Look {
    /// Whether so many objects are gone at once that something else is likelier.
    pub(super) fn is_massacre(&self) -> bool {
        is_massacre(self.gone, self.report.checked)
    }

    /// Looks at what a view of the state has. `locked`: the command that holds the
    /// lock, so that nobody else can be at work.
    pub(super) async fn at(
        engine: &Engine,
        options: &DriftOptions,
        view: &View,
        connections: &Connections,
        locked: Option<&str>,
    ) -> Result<Self> {
        let (started, at) = (engine.env.monotonic(), engine.env.now());
        let snapshot = &view.snapshot;
        if !options.recorded_only {
            same_cloud(engine, snapshot)?;
        }
        let wanted = if options.recorded_only { None } else { Some(Wanted::of(engine)?) };
        let scrub = Scrub::default();
        scrub.learn_snapshot(snapshot);
        connections.remember(&engine.registry, snapshot);
        if let Some(wanted) = &wanted {
            scrub.learn_graph(&wanted.graph);
            wanted.configure(snapshot, connections);
        }
        let busy: BTreeSet<&Urn> =
            snapshot.open.values().map(|open| &open.intent.record.urn).collect();
        let at_work = view.holder.is_some();
        let asked = |record: &Record| {
            options.is_asked(&record.urn)
                && !busy.contains(&record.urn)
                && !(at_work && record.status != Status::Ready)
        };
        let command = locked.unwrap_or("drift");
        let reading =
            Reading { engine, command, connections, snapshot, scrub: &scrub, asked: &asked };
        let mut pass = reading.all().await;
        let rules = Rules {
            program: engine.rules.clone(),
            clouds: engine.connectors.values().flat_map(|connector| connector.rules()).collect(),
        };
        let mut looking = Looking {
            engine,
            options,
            snapshot,
            wanted: wanted.as_ref(),
            rules: &rules,
            scrub: &scrub,
            notices: std::mem::take(&mut pass.notices),
            unlisted: Vec::new(),
        };
        let mut found = looking.compared(&pass);
        looking.confirm(&reading, &mut pass, &mut found).await;
        found.extend(looking.orphans(&pass).await);
        let strangers = looking.unmanaged(&pass, &found).await;
        found.extend(strangers);
        found.extend(looking.violations(&pass.seen)?);
        let mut in_progress = in_progress(view);
        if locked.is_none() {
            in_progress = looking.settle(view, &mut found).await.or(in_progress);
        }
        let gone = found.iter().filter(|it| it.finding.what == What::Deleted).count();
        looking.tell(&pass, gone);
        found.retain(|it| it.finding.severity >= options.severity);
        looking.actors(&mut found).await;
        found.sort_by(|a, b| {
            let by = |it: &Drifted| {
                let finding = &it.finding;
                let id = finding.id.clone();
                (std::cmp::Reverse(finding.severity), finding.what, finding.urn.clone(), id)
            };
            by(a).cmp(&by(b))
        });
        let mut calls = std::collections::BTreeMap::new();
        for (_, connection) in pass.connections.values() {
            for (service, count) in connection.calls.so_far() {
                *calls.entry(service).or_default() += count;
            }
        }
        pass.unchecked.append(&mut looking.unlisted);
        pass.unchecked.sort_by(|a, b| a.urn.cmp(&b.urn));
        let report = Report {
            stack: snapshot.identity.stack.to_string(),
            cloud: engine.cloud.clone(),
            state: engine.state.url(),
            at,
            seconds: engine.env.monotonic().saturating_sub(started).as_secs_f64(),
            in_progress,
            checked: pass.seen.len(),
            findings: found.iter().map(|it| it.finding.clone()).collect(),
            unchecked: pass.unchecked,
            notices: looking.notices,
            calls,
            failed: None,
        };
        Ok(Self { report, drifted: found, gone, wanted, seen: pass.seen })
    }
}

/// Whether so many objects are gone at once that something else is likelier.
fn is_massacre(gone: usize, checked: usize) -> bool {
    gone > MANY || (gone >= FEW && gone * 5 > checked)
}

/// Who works on the stack, or that somebody stopped in the middle.
fn in_progress(view: &View) -> Option<String> {
    if let Some(info) = &view.holder {
        let holder = &info.holder;
        return Some(format!("{} runs `{}` since {}", holder.who, holder.command, info.since));
    }
    view.interrupted.then(|| "the last deployment was cut off; `up` finishes it".to_owned())
}

impl Looking<'_> {
    pub(super) fn comparing(&self) -> Comparing<'_> {
        Comparing {
            snapshot: self.snapshot,
            wanted: self.wanted,
            rules: self.rules,
            options: self.options,
        }
    }

    /// Compares everything that was read.
    fn compared(&mut self, pass: &Pass) -> Vec<Drifted> {
        let mut found = Vec::new();
        for (known, seen) in &pass.seen {
            match self.comparing().compare(known, seen) {
                Compared::Same => {}
                Compared::Moving(why) => {
                    let urn = &known.record.urn;
                    self.notices.push(format!("{urn} is on its way and was not compared: {why}"));
                }
                Compared::Drifted(drifted) => found.push(*drifted),
            }
        }
        found
    }

    /// Reads the state again: what somebody deployed since the look began is no drift.
    async fn settle(&mut self, view: &View, found: &mut Vec<Drifted>) -> Option<String> {
        if found.is_empty() {
            return None;
        }
        let now = match read(self.engine, self.options).await {
            Ok(now) => now,
            Err(error) => {
                let why = self.scrub.clean(error.to_string());
                self.notices.push(format!("the state could not be read a second time: {why}"));
                return None;
            }
        };
        if now.position == view.position {
            return None;
        }
        let ids = super::read::recorded_ids(&now.snapshot);
        let begun: BTreeSet<&Urn> =
            now.snapshot.open.values().map(|open| &open.intent.record.urn).collect();
        let before = found.len();
        found.retain(|it| match (&it.known, &it.finding.id) {
            (Some(known), _) => {
                let key = known.record.key();
                let then = self.snapshot.records.get(&key);
                !begun.contains(&key.urn) && now.snapshot.records.get(&key) == then
            }
            // An object is known before it is made.
            (None, Some(id)) => {
                let object = it.seen.as_deref();
                let word = object.and_then(|seen| seen.owner.as_ref()?.get("infra:instance"));
                let of = now.snapshot.open.values().map(|open| &open.intent.record.instance);
                let mut of = of.chain(now.snapshot.records.keys().map(|key| &key.instance));
                let listed = object.zip(it.driver.as_ref());
                !ids.contains(id)
                    && !of.any(|it| word.is_some_and(|word| word == it.as_str()))
                    && !listed.is_some_and(|(object, driver)| {
                        is_remembered(&now.snapshot, driver, object)
                    })
            }
            (None, None) => true,
        });
        let left = before - found.len();
        if left > 0 {
            self.notices.push(format!("{left} objects changed hands meanwhile and were left out"));
        }
        in_progress(&now).or_else(|| Some("somebody deployed during the look".to_owned()))
    }

    /// Says what is to know and is no drift.
    fn tell(&mut self, pass: &Pass, gone: usize) {
        let sealed = |record: &&std::sync::Arc<Record>| record.inputs.has_unknown();
        let sealed = self.snapshot.records.values().filter(sealed).count();
        if sealed > 0 {
            self.notices.push(format!(
                "secret fields of {sealed} resources are sealed with a key that is not here, and were not compared"
            ));
        }
        if is_massacre(gone, pass.seen.len()) {
            self.notices.push(format!(
                "{gone} of {} objects are gone at once: the wrong account, region or endpoint is likelier than that \
                 somebody deleted them",
                pass.seen.len()
            ));
        }
    }
}
