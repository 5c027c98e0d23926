//! How the system asks the agent to stop.

/// Returns when the process is asked to stop: SIGTERM or Ctrl-C on Unix, Ctrl-C elsewhere. A system
/// that cannot tell never asks.
pub async fn requested() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => return,
                Ok(()) = tokio::signal::ctrl_c() => return,
            }
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
