//! Ctrl-C: once to finish what is under way, twice to stop at once. Layer 10.

use tokio::sync::watch;

use crate::{apply::Stop, cli::printer::Printer};

/// Listens from now on; whoever receives is told how much haste there is.
pub fn listen(printer: Printer) -> watch::Receiver<Stop> {
    let (sender, receiver) = watch::channel(Stop::No);
    tokio::spawn(async move {
        for (stop, said) in [
            (Stop::Gently, "Stopping: what is under way is finished and saved. Press Ctrl-C again to stop at once."),
            (Stop::AtOnce, "Stopping at once: what is known is saved; the next run finds out about the rest."),
        ] {
            asked().await;
            printer.whisper(said);
            if sender.send(stop).is_err() {
                return;
            }
        }
        sender.closed().await;
    });
    receiver
}

#[cfg(unix)]
async fn asked() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut end) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => {
            if pressed.is_err() {
                std::future::pending::<()>().await;
            }
        }
        _ = end.recv() => {}
    }
}

#[cfg(not(unix))]
async fn asked() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
