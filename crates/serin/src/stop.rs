//! The request to end, from the kubelet or a terminal.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// The request to end. Once made it stands. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// A request that SIGTERM and SIGINT make.
    ///
    /// # Errors
    /// The signals cannot be listened to.
    pub fn on_signals() -> io::Result<Self> {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let (sender, receiver) = watch::channel(false);
        tokio::spawn(async move {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            tracing::info!("ending on {name}");
            sender.send_replace(true);
            // Whoever asks later must hear it too.
            sender.closed().await;
        });
        Ok(Self(receiver))
    }

    /// Returns when the request has been made.
    pub async fn requested(mut self) {
        // An error means that the sender is gone with its runtime, which is an end as well.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}
