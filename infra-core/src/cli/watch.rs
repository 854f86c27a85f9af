//! `drift --watch`.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use clap::Args;
use infra_state::StackName;
use tokio::{net::TcpListener, sync::OnceCell};

use super::{
    args::time,
    drift::{
        self,
        args::{Drift, Form},
    },
    notify::Tellers,
    sheet::Sheet,
    voice::Voice,
};
use crate::{
    App, Cancel, Engine, Error, ErrorKind, Program, Result,
    command::watch::{self, Audience, Board, Looker, OneStack, Watcher, unopened},
    config::Settings,
    drift::Report,
    event::Events,
    exit::Exit,
    notify::{Digest, Told},
    report,
    state::Env,
};

/// After so many looks in a row that saw nothing somebody is told.
const BLIND: u32 = 3;
/// A place that has not answered after this long is out of reach.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Again and again")]
pub(super) struct Often {
    /// Look again and again, like `15m`, until somebody stops it
    #[arg(long, value_name = "TIME", value_parser = interval, conflicts_with_all = ["fix", "accept"])]
    pub(super) watch: Option<Duration>,
    /// With --watch: serve `/metrics` and `/healthz` at this address
    #[arg(long, value_name = "ADDR", requires = "watch")]
    pub(super) listen: Option<String>,
}

fn interval(text: &str) -> Result<Duration, String> {
    match time(text)? {
        short if short < Duration::from_secs(1) => Err("expected a time from `1s`".to_owned()),
        time => Ok(time),
    }
}

/// Watches one stack.
pub(super) struct One<'a> {
    pub(super) app: &'a App,
    pub(super) settings: &'a Settings,
    pub(super) program: Arc<Program>,
    pub(super) voice: Voice<'a>,
    pub(super) cancel: Cancel,
    pub(super) args: &'a Drift,
}

impl One<'_> {
    pub(super) async fn watch(self) -> Result<Exit> {
        let (app, settings, args) = (self.app, self.settings, self.args);
        let name = StackName::new(app.name(), &*settings.stack)?;
        let tellers = Tellers::open(app, settings, true, &args.telling).await?;
        let watching = Watching {
            args,
            of: name.to_string(),
            voice: self.voice.clone(),
            env: app.clock(),
            cancel: self.cancel.clone(),
            tellers,
        };
        let opening = Opening { of: self, name, opened: OnceCell::new() };
        patient(opening.opened(), &*watching.env, &watching.cancel).await?;
        watching.run(&opening).await
    }

    async fn open(&self) -> Result<OneStack> {
        let program = Arc::clone(&self.program);
        let engine = self.app.assemble(self.settings, program, Events::ignored()).await?;
        let engine = Engine { cancel: self.cancel.clone(), ..engine };
        let options = drift::options(&engine, self.args).await?;
        Ok(OneStack::new(&engine, options))
    }
}

/// What keeps a watch from beginning: what whoever wrote it has to mend. A place that is out of reach may come back.
pub(super) async fn patient<T>(
    opening: impl Future<Output = Result<T>>,
    env: &dyn Env,
    cancel: &Cancel,
) -> Result<()> {
    tokio::select! {
        opened = opening => match opened {
            Err(error) if error.kind() != ErrorKind::Failed => Err(error),
            _ => Ok(()),
        },
        () = env.sleep(PATIENCE) => Ok(()),
        () = cancel.stopped() => Ok(()),
    }
}

/// One stack, whose state may be out of reach when the watch begins.
struct Opening<'a> {
    of: One<'a>,
    name: StackName,
    opened: OnceCell<OneStack>,
}

impl Opening<'_> {
    async fn opened(&self) -> Result<&OneStack> {
        self.opened.get_or_try_init(|| self.of.open()).await
    }
}

#[async_trait]
impl Looker for Opening<'_> {
    async fn look(&self, audience: &mut dyn Audience) -> Result<()> {
        let now = self.of.app.clock().now();
        match self.opened().await {
            Ok(stack) => stack.look(audience).await,
            Err(error) => audience.hear(unopened(&self.name, now, &error)).await,
        }
    }
}

/// What a watch works with.
pub(super) struct Watching<'a> {
    pub(super) args: &'a Drift,
    /// The stack, or the place of many.
    pub(super) of: String,
    pub(super) voice: Voice<'a>,
    pub(super) env: Arc<dyn Env>,
    pub(super) cancel: Cancel,
    pub(super) tellers: Tellers,
}

impl Watching<'_> {
    /// Until somebody stops it.
    pub(super) async fn run(self, looker: &dyn Looker) -> Result<Exit> {
        let every = self.args.often.watch.unwrap_or_default();
        let is_line = |form: Form| matches!(form, Form::Human | Form::Json);
        if self.args.output.is_none() && !self.args.format.is_none_or(is_line) {
            let message =
                "with --watch this form is a file that is written anew: say `--output FILE` too";
            return Err(Error::new(ErrorKind::Usage, message));
        }
        let board = Board::new(Arc::clone(&self.env), every);
        let serving = match &self.args.often.listen {
            Some(address) => {
                let listener = self.listen(address).await?;
                Some(self.env.spawn(Box::pin(watch::serve(board.clone(), listener))))
            }
            None => None,
        };
        let every_text = report::duration(every);
        self.voice
            .say(&format!("Watching {} every {every_text}; Ctrl-C ends it.\n", self.of))
            .await;
        let (env, cancel) = (Arc::clone(&self.env), self.cancel.clone());
        let mut following = Following {
            watching: &self,
            sheet: None,
            digest: Digest::default(),
            shown: Told::default(),
            told: Told::default(),
            blind: 0,
            alarmed: false,
        };
        watch::watch(&env, &cancel, every, &board, looker, &mut following).await;
        drop(serving);
        self.voice.say("Stopped.\n").await;
        Ok(Exit::Done)
    }

    async fn listen(&self, address: &str) -> Result<TcpListener> {
        let failed = |e: std::io::Error| {
            let message =
                format!("cannot listen on {address}: {e}; write it like `--listen 127.0.0.1:9101`");
            Error::new(ErrorKind::Usage, message).because(e)
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let at = listener.local_addr().map_err(failed)?;
        self.voice.say(&format!("Metrics are at http://{at}/metrics.\n")).await;
        Ok(listener)
    }
}

/// Follows the looks: shows what is new, and tells whoever wants to know.
struct Following<'a> {
    watching: &'a Watching<'a>,
    /// The file that is written anew with every look.
    sheet: Option<Sheet>,
    digest: Digest,
    shown: Told,
    told: Told,
    /// How many looks in a row saw nothing.
    blind: u32,
    /// Whether somebody was told that nothing is seen.
    alarmed: bool,
}

#[async_trait]
impl Audience for Following<'_> {
    async fn hear(&mut self, report: Report) -> Result<()> {
        let watching = self.watching;
        self.digest.add(&report);
        if watching.args.output.is_some() {
            if self.sheet.is_none() {
                self.sheet = Sheet::new(watching.args, &watching.voice)?;
            }
            self.sheet.as_mut().map_or(Ok(()), |sheet| sheet.add(&report))?;
        }
        let is_json = watching.args.output.is_none() && watching.args.format == Some(Form::Json);
        let mut own = Digest::default();
        own.add(&report);
        if watching.voice.json || is_json {
            let report = serde_json::to_value(&report).unwrap_or_default();
            watching.voice.document("report", &report);
        } else if self.shown.moves_to(&own) || report.failed.is_some() {
            watching.voice.say(&report::drift(&report)).await;
        }
        Ok(())
    }
}

#[async_trait]
impl Watcher for Following<'_> {
    async fn over(&mut self, how: &Result<()>) -> Result<()> {
        let watching = self.watching;
        let voice = &watching.voice;
        let digest = std::mem::take(&mut self.digest);
        let sheet = self.sheet.take().map_or(Ok(()), Sheet::end);
        let now = watching.env.now().strftime("%Y-%m-%d %H:%M:%S UTC");
        if let Err(error) = how {
            voice.say(&format!("{now}: the look failed: {error}\n")).await;
            if voice.json {
                voice.document("error", &error.to_string().into());
            }
        } else {
            voice.say(&format!("{now}: {}\n", digest.totals())).await;
        }
        let mut told = self.told.clone();
        let new = told.moves_to(&digest);
        let totals = digest.totals();
        let blind = how.is_err() || (totals.stacks > 0 && totals.failed == totals.stacks);
        self.blind = if blind { self.blind.saturating_add(1) } else { 0 };
        let alarm = self.blind >= BLIND;
        let turned = if blind { alarm && !self.alarmed } else { self.alarmed };
        let mut done = sheet;
        if new || turned || watching.args.telling.notify_always {
            let mut what = digest.notification(&watching.of);
            if let Err(error) = how {
                what.subject = format!("drift: {} looks in a row failed", self.blind);
                what.text = format!("{}: the look failed: {error}\n{}", watching.of, what.text);
                what.document["failed"] = error.to_string().into();
            }
            let tell = watching.tellers.tell(&what).await;
            if tell.is_ok() {
                self.told = told;
                self.alarmed = alarm;
            }
            done = tell.and(done);
        }
        if let Err(error) = &done {
            voice.say(&format!("{now}: {error}\n")).await;
        }
        done
    }
}
