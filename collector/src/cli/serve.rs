//! `serve`: until it is told to stop.

use anyhow::Context as _;
use dawnwatch_collector::app;
use dawnwatch_collector::config::Config;
use dawnwatch_collector::listen::descriptors;
use tokio::signal::unix::{SignalKind, signal};

use super::output;

pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    descriptors::raise();
    let app = app::build(config).await?;
    output::print(&format!("page     http://{}/", app.http_address()))?;
    output::print(&format!("agents   https://{}", app.grpc_address()))?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            // Without Ctrl-C there is still the other signal.
            Ok(()) = tokio::signal::ctrl_c() => {}
        }
    };
    app.run(shutdown).await
}
