//! SIGTERM and SIGINT ask for an orderly end.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Resolves at the first of the two. Fails if the handlers cannot be installed.
pub(crate) fn asked_to_stop() -> io::Result<impl Future<Output = &'static str>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}
