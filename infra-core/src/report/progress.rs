//! The event stream for a person: the plan, what is running, and how it ended.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    io::Write,
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use infra_state::{HolderInfo, Urn};

use super::{
    duration::duration,
    paint::{added, changed, dim, loud, removed, sign, warning},
    plan::plan,
    rebuilt::rebuilt,
    summary::summary,
    target::target,
};
use crate::{
    event::Event,
    plan::{Action, StepId},
};

/// How many running steps get a line of their own.
const LINES: usize = 16;

/// Where a person's text goes. On a terminal the lines of what runs stay below it.
pub struct Sink {
    out: Box<dyn Write + Send>,
    live: Option<MultiProgress>,
}

impl Sink {
    /// Plain lines.
    pub fn plain(out: Box<dyn Write + Send>) -> Self {
        Self { out, live: None }
    }

    /// Lines on the terminal behind standard error, with live lines below.
    pub fn live(out: Box<dyn Write + Send>) -> Self {
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        Self { out, live: Some(multi) }
    }

    /// Writes text as it is.
    pub fn write(&mut self, text: &str) {
        let out = &mut self.out;
        // A terminal that is gone wants no more text.
        let mut write = || drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
        match &self.live {
            Some(live) => live.suspend(write),
            None => write(),
        }
    }
}

/// Shows events to a person.
pub struct Human {
    sink: Sink,
    details: bool,
    notice: Option<String>,
    steps: usize,
    over: usize,
    running: BTreeMap<StepId, (Urn, Action)>,
    bars: HashMap<StepId, ProgressBar>,
    total: Option<ProgressBar>,
}

impl Human {
    /// Shows events in `sink`; with `details` plans show every property.
    pub fn new(sink: Sink, details: bool) -> Self {
        Self {
            sink,
            details,
            notice: None,
            steps: 0,
            over: 0,
            running: BTreeMap::new(),
            bars: HashMap::new(),
            total: None,
        }
    }

    /// Shows one event.
    pub fn show(&mut self, event: &Event) {
        match event {
            Event::Target(what) => {
                self.notice.clone_from(&what.notice);
                self.sink.write(&target(what));
            }
            Event::Notice(text) => self.line(&format!("{} {text}", changed("note:"))),
            Event::InProgress { holder } => self.line(&in_progress(holder.as_ref())),
            Event::Waiting { holder } => {
                self.line(&format!("{} for the lock, held by {holder}", changed("waiting")));
            }
            Event::Reading { objects } => {
                let plural = if *objects == 1 { "" } else { "s" };
                self.line(&dim(&format!("reading {objects} object{plural}")));
            }
            Event::Planned(what) => self.sink.write(&plan(what, self.details)),
            Event::Drift(report) => self.sink.write(&super::drift(report)),
            Event::Found(found) => self.sink.write(&rebuilt(found)),
            Event::Recovered { urn, how } => {
                self.line(&format!("{} {}: {how}", changed("recovered"), urn.name()));
            }
            Event::Started { steps, .. } => self.started(*steps),
            Event::StepStarted { step, urn, action } => self.step_started(*step, urn, *action),
            Event::StepProgress { step, urn, text } => {
                if let Some(bar) = self.bars.get(step) {
                    bar.set_message(text.clone());
                } else if self.sink.live.is_none() {
                    self.line(&format!("  {} {}: {}", dim("…"), urn.name(), dim(text)));
                }
            }
            Event::StepDone { step, urn, action, elapsed } => {
                self.ended(*step);
                self.line(&done(*action, urn, *elapsed));
            }
            Event::StepFailed { step, urn, action, message, elapsed, .. } => {
                self.ended(*step);
                let verb = words(*action).0;
                let mut text = format!(
                    "  {} {} {verb} failed after {}",
                    loud("✗"),
                    urn.name(),
                    duration(*elapsed)
                );
                for line in message.lines() {
                    let _ = write!(text, "\n      {line}");
                }
                self.line(&text);
            }
            Event::StepSkipped { step, urn, because } => {
                self.ended(*step);
                let why = because.as_ref().map_or_else(
                    || "interrupted".to_owned(),
                    |because| format!("because {} failed", because.name()),
                );
                self.line(&dim(&format!("  · {} not begun, {why}", urn.name())));
            }
            Event::Stopping => self.line(&warning(
                "stopping: what runs is finished, nothing new starts (Ctrl-C again stops waiting)",
            )),
            Event::Finished(what) => {
                self.clear();
                self.sink.write(&summary(what));
            }
        }
    }

    /// The last line, after everything.
    pub fn end(&mut self) {
        self.clear();
        if let Some(notice) = self.notice.take() {
            self.line(&warning(&notice));
        }
    }

    /// Writes text between events.
    pub fn write(&mut self, text: &str) {
        self.sink.write(text);
    }

    fn line(&mut self, text: &str) {
        self.sink.write(&format!("{text}\n"));
    }

    fn started(&mut self, steps: usize) {
        self.steps = steps;
        self.over = 0;
        if steps == 0 {
            return;
        }
        self.sink.write("\n");
        if let Some(live) = &self.sink.live {
            let total = live.add(ProgressBar::new(steps as u64));
            if let Ok(style) = ProgressStyle::with_template(
                "{elapsed_precise:.dim} {wide_bar:.green/dim} {pos}/{len} · {msg}",
            ) {
                total.set_style(style);
            }
            total.enable_steady_tick(Duration::from_millis(250));
            self.total = Some(total);
        }
    }

    fn step_started(&mut self, step: StepId, urn: &Urn, action: Action) {
        self.running.insert(step, (urn.clone(), action));
        let Some(live) = &self.sink.live else {
            let text = format!("  {} {} {}", sign(action, false), urn.name(), dim(words(action).1));
            return self.line(&text);
        };
        if self.bars.len() < LINES {
            let bar = match &self.total {
                Some(total) => live.insert_before(total, ProgressBar::new_spinner()),
                None => live.add(ProgressBar::new_spinner()),
            };
            if let Ok(style) =
                ProgressStyle::with_template("  {prefix} {elapsed:>4.dim} {wide_msg:.dim}")
            {
                bar.set_style(style);
            }
            bar.set_prefix(format!("{} {}", sign(action, false), urn.name()));
            bar.set_message(words(action).1);
            bar.enable_steady_tick(Duration::from_millis(250));
            self.bars.insert(step, bar);
        }
        self.count();
    }

    fn ended(&mut self, step: StepId) {
        self.running.remove(&step);
        self.over += 1;
        if let (Some(bar), Some(live)) = (self.bars.remove(&step), &self.sink.live) {
            bar.finish_and_clear();
            live.remove(&bar);
        }
        self.count();
    }

    fn count(&self) {
        if let Some(total) = &self.total {
            total.set_position(self.over as u64);
            total.set_message(format!("{} running", self.running.len()));
        }
    }

    fn clear(&mut self) {
        for (_, bar) in self.bars.drain() {
            bar.finish_and_clear();
        }
        if let Some(total) = self.total.take() {
            total.finish_and_clear();
        }
    }
}

fn in_progress(holder: Option<&HolderInfo>) -> String {
    match holder {
        Some(holder) => {
            format!("{} a deployment is in progress: {holder}", changed("note:"))
        }
        None => format!(
            "{} the last deployment was cut off; the next `up` finishes what it began",
            changed("note:")
        ),
    }
}

fn done(action: Action, urn: &Urn, elapsed: Duration) -> String {
    let word = match action {
        Action::Create => added("created"),
        Action::Update => changed("updated"),
        Action::Import => added("taken over"),
        Action::Delete => removed("deleted"),
        Action::DeleteOld => removed("old one deleted"),
        Action::Read => "looked up".to_owned(),
        Action::Forget => "forgotten".to_owned(),
        Action::Keep => "unchanged after all".to_owned(),
    };
    let time = dim(&format!("in {}", duration(elapsed)));
    format!("  {} {} {word} {time}", added("✓"), urn.name())
}

/// What is done, as a noun and as what is going on.
fn words(action: Action) -> (&'static str, &'static str) {
    match action {
        Action::Create => ("create", "creating"),
        Action::Update => ("update", "updating"),
        Action::Import => ("import", "taking over"),
        Action::Delete => ("delete", "deleting"),
        Action::DeleteOld => ("delete of the old object", "deleting the old one"),
        Action::Read => ("lookup", "looking up"),
        Action::Forget => ("forget", "forgetting"),
        Action::Keep => ("check", "checking"),
    }
}
