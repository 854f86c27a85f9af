//! `--notify`.

use std::sync::Arc;

use clap::Args;
use futures_util::future::join_all;

use crate::{
    App, Error, ErrorKind, Result,
    config::Settings,
    notify::{Address, Notification, Notifier},
};

/// Who is told.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Telling somebody")]
pub(super) struct Telling {
    /// Tell somebody what is found: `command:PROGRAM ARGS`, the URL of a webhook, or another scheme that the program plugs
    /// in (may be given several times, beside `notify` in the settings)
    #[arg(long, value_name = "TARGET")]
    pub(super) notify: Vec<String>,
    /// Tell them even if nothing is found, or nothing new
    #[arg(long)]
    pub(super) notify_always: bool,
}

/// Those who are told.
pub(super) struct Tellers(Vec<Arc<dyn Notifier>>);

impl Tellers {
    /// Opens those that the settings of a stack (if they count) and the flags name.
    pub(super) async fn open(
        app: &App,
        settings: &Settings,
        own: bool,
        args: &Telling,
    ) -> Result<Self> {
        let here = super::dispatch::here()?;
        let said = settings.notify.iter().filter(|_| own).map(|url| (url, &settings.directory));
        let mut all: Vec<_> = said.collect();
        for url in &args.notify {
            if !all.iter().any(|(known, _)| *known == url) {
                all.push((url, &here));
            }
        }
        let open = all.into_iter().map(|(url, directory)| {
            app.open_notifier(Address {
                url: url.clone(),
                directory: directory.clone(),
                settings: settings.clouds.clone(),
            })
        });
        Ok(Self(join_all(open).await.into_iter().collect::<Result<_>>()?))
    }

    /// Tells all of them at once. What failed is one error.
    pub(super) async fn tell(&self, what: &Notification) -> Result<()> {
        let told = self.0.iter().map(|notifier| async {
            let told = notifier.notify(what).await;
            told.err().map(|error| format!("{}: {error}", notifier.shows()))
        });
        let failed: Vec<_> = join_all(told).await.into_iter().flatten().collect();
        if failed.is_empty() {
            return Ok(());
        }
        let message = format!("not everybody could be told of it: {}", failed.join("; "));
        Err(Error::new(ErrorKind::Failed, message))
    }
}
