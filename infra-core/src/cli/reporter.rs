//! Shows events while a command runs.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    oneshot,
};

use super::screen::Shared;
use crate::{
    event::Event,
    report::{Human, json},
};

/// Shows events, as a task of its own.
pub(super) struct Reporter {
    sync: UnboundedSender<oneshot::Sender<()>>,
    shown: Arc<Mutex<Shown>>,
}

enum Shown {
    Human(Box<Human>),
    Json(Shared),
}

impl Shown {
    fn show(&mut self, event: &Event) {
        match self {
            Self::Human(human) => human.show(event),
            Self::Json(out) => out.line(&json(event).to_string()),
        }
    }
}

impl Reporter {
    /// For a person.
    pub(super) fn human(human: Human, events: UnboundedReceiver<Event>) -> Self {
        Self::start(Shown::Human(Box::new(human)), events)
    }

    /// For a program: one event a line.
    pub(super) fn json(out: Shared, events: UnboundedReceiver<Event>) -> Self {
        Self::start(Shown::Json(out), events)
    }

    fn start(shown: Shown, mut events: UnboundedReceiver<Event>) -> Self {
        let shown = Arc::new(Mutex::new(shown));
        let (sync, mut asked) = unbounded_channel::<oneshot::Sender<()>>();
        let screen = Arc::clone(&shown);
        tokio::spawn(async move {
            let show =
                |event: &Event| screen.lock().unwrap_or_else(PoisonError::into_inner).show(event);
            loop {
                tokio::select! {
                    biased;
                    Some(event) = events.recv() => show(&event),
                    asked = asked.recv() => {
                        while let Ok(event) = events.try_recv() {
                            show(&event);
                        }
                        match asked {
                            Some(answer) => drop(answer.send(())),
                            None => return,
                        }
                    }
                }
            }
        });
        Self { sync, shown }
    }

    /// Returns when everything that was sent before is shown.
    pub(super) async fn caught_up(&self) {
        let (answer, answered) = oneshot::channel();
        if self.sync.send(answer).is_ok() {
            // A task that is gone shows nothing any more.
            let _ = answered.await;
        }
    }

    /// Shows the rest and the last line.
    pub(super) async fn end(&self) {
        self.caught_up().await;
        if let Shown::Human(human) = &mut *self.shown.lock().unwrap_or_else(PoisonError::into_inner)
        {
            human.end();
        }
    }

    /// Writes text for a person between events.
    pub(super) fn write(&self, text: &str) {
        if let Shown::Human(human) = &mut *self.shown.lock().unwrap_or_else(PoisonError::into_inner)
        {
            human.write(text);
        }
    }
}
