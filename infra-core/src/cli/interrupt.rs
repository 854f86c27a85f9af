//! Ctrl-C.

use crate::{Cancel, exit::Exit};

/// From now on the first Ctrl-C (or a polite kill) stops, the second aborts, the third ends the process.
pub(super) fn listen(cancel: Cancel) {
    tokio::spawn(async move {
        if !asked().await {
            return;
        }
        cancel.stop();
        asked().await;
        cancel.abort();
        asked().await;
        std::process::exit(Exit::Interrupted.code().into());
    });
}

/// Whether somebody asked, or nobody can.
#[cfg(unix)]
async fn asked() -> bool {
    use tokio::signal::unix::{SignalKind, signal};

    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return tokio::signal::ctrl_c().await.is_ok();
    };
    tokio::select! {
        asked = tokio::signal::ctrl_c() => asked.is_ok(),
        _ = terminate.recv() => true,
    }
}

#[cfg(not(unix))]
async fn asked() -> bool {
    tokio::signal::ctrl_c().await.is_ok()
}
