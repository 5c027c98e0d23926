//! A receiver of Alertmanager's webhooks that prints what came: a start for whoever passes alerts on to something else,
//! and what the tests listen with.
//!
//! `cargo run --example webhook -- [ADDRESS]` listens on 127.0.0.1:9095 unless told otherwise, says where in its first
//! line, and prints one line of JSON for each notification. `dashboards/alerts/alertmanager.yml` sends here. What it
//! prints of an alert that people were sent to their phones would be `summary_vi` and `page_url` of its annotations.
//!
//! Deliberately absent: passing on. Answer with a status of 500 or more, and Alertmanager tries again.

#![allow(clippy::print_stdout, reason = "printing is all it does")]

use std::net::SocketAddr;

use anyhow::Context as _;
use axum::Json;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;

/// Beside Alertmanager's own port.
const USUAL: &str = "127.0.0.1:9095";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let asked = std::env::args().nth(1);
    let address: SocketAddr = asked
        .as_deref()
        .unwrap_or(USUAL)
        .parse()
        .context("usage: webhook [ADDRESS], such as 127.0.0.1:9095")?;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    println!("listening on http://{}/", listener.local_addr()?);
    let router = axum::Router::new().route("/", post(receive));
    axum::serve(listener, router).await?;
    Ok(())
}

/// <https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>
async fn receive(Json(notification): Json<Value>) -> StatusCode {
    println!("{notification}");
    StatusCode::OK
}
