//! `drift --all-stacks`.

use std::sync::Arc;

use async_trait::async_trait;
use clap::Args;
use jiff::SignedDuration;
use tokio::sync::OnceCell;

use super::{
    args::parallel,
    drift::args::Drift,
    notify::Tellers,
    sheet::Sheet,
    voice::Voice,
    watch::{Watching, patient},
};
use crate::{
    App, Cancel, Error, ErrorKind, Program, Result,
    app::Onlooker,
    command::{
        drift::DriftOptions,
        fleet::{Part, Role, Run, Shard, Shared, fleet, share, sweep},
        watch::{Audience, Looker},
    },
    config::Settings,
    drift::{Report, Severity},
    exit::Exit,
    notify::Digest,
    report::{self, formats::Totals},
};

/// How long the runs of several processes are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(48);
/// How many stacks are looked at at once.
const AT_ONCE: usize = 4;

/// Which stacks.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Many stacks")]
pub(super) struct Many {
    /// Look at every stack of the place where this stack's state lives, whoever's it is
    #[arg(long, conflicts_with_all = ["only", "fix", "accept"])]
    pub(super) all_stacks: bool,
    /// Only the stacks of this shard of several, counted from 0: `0/4`; `auto`: what an indexed Kubernetes Job says
    #[arg(long, value_name = "INDEX/COUNT", value_parser = shard, requires = "all_stacks")]
    pub(super) shard: Option<Shard>,
    /// The run that all shards are of: the last one to finish writes the report of all (or the variable `INFRA_DRIFT_RUN`)
    #[arg(long, value_name = "ID", requires = "shard", conflicts_with = "watch")]
    pub(super) run: Option<String>,
    /// How many stacks are looked at at once
    #[arg(long, value_name = "N", value_parser = parallel, requires = "all_stacks")]
    pub(super) parallel: Option<usize>,
    /// The role in which each stack is looked at, like `arn:aws:iam::{account}:role/drift`; also known: `{region}`,
    /// `{program}`, `{stack}`
    #[arg(long, value_name = "TEMPLATE", requires = "all_stacks")]
    pub(super) assume_role: Option<Role>,
}

fn shard(text: &str) -> Result<Shard, String> {
    match text {
        "auto" => Shard::of_job(|name| std::env::var(name).ok()),
        text => text.parse(),
    }
}

/// What looking at many stacks works with.
pub(super) struct Fleet<'a> {
    pub(super) app: &'a App,
    pub(super) settings: &'a Settings,
    /// What `--set` says.
    pub(super) sets: &'a [String],
    pub(super) program: Arc<Program>,
    pub(super) voice: Voice<'a>,
    pub(super) cancel: Cancel,
    pub(super) args: &'a Drift,
}

impl Fleet<'_> {
    /// Looks at all of them.
    pub(super) async fn run(self) -> Result<Exit> {
        let (app, args) = (self.app, self.args);
        let tellers = Tellers::open(app, self.settings, false, &args.telling).await?;
        if args.often.watch.is_some() {
            return self.watch(tellers).await;
        }
        let (onlooker, parallel) = (self.onlooker().await?, self.parallel());
        let place = Arc::clone(&onlooker.place);
        let of = all_in(&place.url());
        let digest = match args.many.shard {
            None => {
                let mut screen = Screen::new(args, &self.voice)?;
                fleet(
                    &*place,
                    Shard::WHOLE,
                    parallel,
                    &onlooker,
                    &*app.clock(),
                    &self.cancel,
                    &mut screen,
                )
                .await?;
                screen.end().await?
            }
            Some(shard) => match self.shared(&onlooker, shard, parallel).await? {
                Some((digest, false)) => digest,
                // What there was to tell was told before, and need not be tried again.
                None | Some((_, true)) => return Ok(Exit::Done),
            },
        };
        if digest.totals().stacks == 0 {
            let message = format!("there is no stack in {}", place.url());
            return Err(Error::new(ErrorKind::Failed, message));
        }
        let told = if digest.is_of_interest() || args.telling.notify_always {
            tellers.tell(&digest.notification(&of)).await
        } else {
            Ok(())
        };
        if let Some(shard) = args.many.shard {
            let id = self.run_id()?;
            let run = Run::new(&*place, &id)?;
            // What nobody could be told of the next attempt tells.
            if told.is_ok() {
                run.told(app.clock().now()).await?;
            }
            if let Err(error) = sweep(&*place, &id, app.clock().now() - KEPT).await {
                let text = format!("Old runs could not be removed by shard {shard}: {error}\n");
                self.voice.say(&text).await;
            }
        }
        told?;
        Ok(exit(digest.totals(), args.fail_on))
    }

    /// What looks at each of them, when their place is open.
    async fn onlooker(&self) -> Result<Onlooker> {
        let (app, args) = (self.app, self.args);
        Ok(Onlooker {
            app: app.clone(),
            settings: self.settings.clone(),
            sets: self.sets.to_vec(),
            program: Arc::clone(&self.program),
            place: app.place(self.settings).await?,
            options: DriftOptions {
                recorded_only: args.recorded_only,
                severity: args.severity,
                orphans: args.orphans.into(),
                unmanaged: args.unmanaged,
                actors: !args.no_actors,
                policies: args.policies,
                ..DriftOptions::default()
            },
            role: args.many.assume_role.clone(),
            cancel: self.cancel.clone(),
        })
    }

    fn parallel(&self) -> usize {
        self.args.many.parallel.unwrap_or(AT_ONCE)
    }

    /// Looks at all of them again and again.
    async fn watch(self, tellers: Tellers) -> Result<Exit> {
        let (args, voice, env) = (self.args, self.voice.clone(), self.app.clock());
        let (cancel, settings) = (self.cancel.clone(), self.settings);
        let all = All { of: self, onlooker: OnceCell::new() };
        patient(all.onlooker(), &*env, &cancel).await?;
        let url = all.onlooker.get().map(|onlooker| onlooker.place.url());
        let said = || settings.state.clone().unwrap_or_else(|| "this folder".to_owned());
        let of = all_in(&url.unwrap_or_else(said));
        Watching { args, of, voice, env, cancel, tellers }.run(&all).await
    }

    /// The share of this process, and all of it if it is the one that tells it; and whether that was told before.
    async fn shared(
        &self,
        onlooker: &Onlooker,
        shard: Shard,
        parallel: usize,
    ) -> Result<Option<(Digest, bool)>> {
        let (id, place, env) = (self.run_id()?, &*onlooker.place, self.app.clock());
        let run = Run::new(place, &id)?;
        let done =
            share(place, run, shard, parallel, onlooker, &*env, &self.cancel, &mut Nobody).await?;
        match done {
            Shared::Part(own) => {
                self.say_part(&own, "the report of all is written by another shard").await;
                Ok(None)
            }
            Shared::Whole { own, parts, again, .. } => {
                self.say_part(&own, "all shards are done").await;
                let mut screen = Screen::new(self.args, &self.voice)?;
                for part in &parts {
                    run.reports(part, &mut screen).await?;
                }
                Ok(Some((screen.end().await?, again)))
            }
        }
    }

    async fn say_part(&self, part: &Part, then: &str) {
        let (shard, totals) = (part.shard, &part.totals);
        self.voice.say(&format!("Shard {shard}: {totals}; {then}.\n")).await;
    }

    fn run_id(&self) -> Result<String> {
        let said = self.args.many.run.clone();
        let said =
            said.or_else(|| std::env::var("INFRA_DRIFT_RUN").ok().filter(|id| !id.is_empty()));
        said.ok_or_else(|| {
            let message = "several shards need to know that they are of one run: say the same `--run ID` to all of them \
                           (in Kubernetes `drift schedule --fleet` does, by the name of the Job)";
            Error::new(ErrorKind::Usage, message)
        })
    }
}

/// How the process ends after many looks.
fn exit(totals: &Totals, fail_on: Option<Severity>) -> Exit {
    let from = fail_on.unwrap_or_default();
    if !totals.is_whole() {
        Exit::Failed
    } else if totals.worst().is_some_and(|worst| fail_on.is_none() || worst >= from) {
        Exit::Changes
    } else {
        Exit::Done
    }
}

fn all_in(place: &str) -> String {
    format!("all stacks in {place}")
}

/// All stacks of a place, again and again. It may be out of reach when the watch begins.
struct All<'a> {
    of: Fleet<'a>,
    onlooker: OnceCell<Onlooker>,
}

impl All<'_> {
    async fn onlooker(&self) -> Result<&Onlooker> {
        self.onlooker.get_or_try_init(|| self.of.onlooker()).await
    }
}

#[async_trait]
impl Looker for All<'_> {
    async fn look(&self, audience: &mut dyn Audience) -> Result<()> {
        let onlooker = self.onlooker().await?;
        let (of, env) = (&self.of, self.of.app.clock());
        let shard = of.args.many.shard.unwrap_or(Shard::WHOLE);
        let (place, parallel) = (&*onlooker.place, of.parallel());
        fleet(place, shard, parallel, onlooker, &*env, &of.cancel, audience).await.map(drop)
    }
}

/// Shows reports as they come.
struct Screen<'a> {
    voice: &'a Voice<'a>,
    sheet: Option<Sheet>,
    /// People are told of every stack of which there is something to say.
    people: bool,
    digest: Digest,
}

impl<'a> Screen<'a> {
    fn new(args: &Drift, voice: &'a Voice<'a>) -> Result<Self> {
        let sheet = Sheet::new(args, voice)?;
        let people = sheet.is_none() || args.output.is_some();
        Ok(Self { voice, sheet, people, digest: Digest::default() })
    }

    async fn end(self) -> Result<Digest> {
        self.sheet.map_or(Ok(()), Sheet::end)?;
        self.voice.say(&format!("{}\n", self.digest.totals())).await;
        Ok(self.digest)
    }
}

#[async_trait]
impl Audience for Screen<'_> {
    async fn hear(&mut self, report: Report) -> Result<()> {
        self.digest.add(&report);
        self.sheet.as_mut().map_or(Ok(()), |sheet| sheet.add(&report))?;
        let quiet = report.findings.is_empty() && report.is_whole();
        if self.people && !quiet {
            self.voice.say(&report::drift(&report)).await;
        }
        Ok(())
    }
}

/// What a shard finds is shown by the one that shows all.
struct Nobody;

#[async_trait]
impl Audience for Nobody {
    async fn hear(&mut self, _: Report) -> Result<()> {
        Ok(())
    }
}
