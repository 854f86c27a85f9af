//! Asking before anything is changed.

use std::{io::BufRead, sync::Mutex};

use async_trait::async_trait;
use tokio::sync::oneshot;

use super::{reporter::Reporter, screen::Shared};
use crate::{Cancel, Error, ErrorKind, Result, command::Confirm, plan::Plan};

/// Asks the person at the terminal.
pub(super) struct Ask<'a> {
    pub(super) reporter: &'a Reporter,
    pub(super) err: Shared,
    /// Taken by the first question; a second one has the same.
    pub(super) input: Mutex<Option<Box<dyn BufRead + Send>>>,
    pub(super) cancel: Cancel,
    /// The stack's name, where it must be typed.
    pub(super) production: Option<String>,
}

#[async_trait]
impl Confirm for Ask<'_> {
    async fn confirm(&self, _: &Plan) -> Result<bool> {
        self.asked("perform these changes").await
    }
}

impl Ask<'_> {
    /// Whether the person wants that: `perform these changes`.
    pub(super) async fn asked(&self, what: &str) -> Result<bool> {
        self.reporter.caught_up().await;
        let question = match &self.production {
            None => {
                let (first, rest) = what.split_at(what.len().min(1));
                format!("\n{}{rest}? [y/N] ", first.to_uppercase())
            }
            Some(name) => {
                format!("\nThis is production. To {what} type the stack's name ({name}): ")
            }
        };
        self.err.clone().text(&question);
        let Some(mut input) = self.input.lock().map_or(None, |mut input| input.take()) else {
            return Err(Error::new(ErrorKind::Refused, "nobody is there to confirm"));
        };
        let (answer, answered) = oneshot::channel();
        // Not a task: reading a line cannot be cut off, and the process must be able to end while one is read.
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = input.read_line(&mut line);
            drop(answer.send((input, read.map(|_| line))));
        });
        let line = tokio::select! {
            answered = answered => match answered {
                Ok((input, line)) => {
                    if let Ok(mut place) = self.input.lock() {
                        *place = Some(input);
                    }
                    line.unwrap_or_default()
                }
                Err(_) => String::new(),
            },
            () = self.cancel.stopped() => {
                self.err.clone().text("\n");
                return Err(Error::new(ErrorKind::Interrupted, "interrupted; nothing was changed"));
            }
        };
        let answer = line.trim();
        Ok(match &self.production {
            None => matches!(answer.to_lowercase().as_str(), "y" | "yes"),
            Some(name) => answer == name,
        })
    }
}
