//! The wire between agent and collector: the only crate that both sides share.
//!
//! In reading order: `dawnwatch/v1/*.proto` (the messages, commented for a reader who has nothing
//! else), [`wire`] (their generated code), [`limits`] (the sizes both sides must agree on), [`ids`],
//! [`metrics`] (every metric there is), [`columns`] (measurements ↔ few bytes), [`stream`] (batches ↔
//! samples, with all validation of input), [`plan`], [`throughput`], [`token`], [`thresholds`] (when a value is cause
//! for worry), [`codec`] (how messages get into gRPC). Deliberately absent: IO, clocks and TLS.

pub mod codec;
pub mod columns;
pub mod ids;
pub mod limits;
pub mod metrics;
pub mod plan;
pub mod stream;
pub mod thresholds;
pub mod throughput;
pub mod token;

/// Generated from `dawnwatch/v1/*.proto`; see `tests/generated.rs`.
#[allow(missing_docs, clippy::all, clippy::pedantic, clippy::indexing_slicing, reason = "generated")]
#[rustfmt::skip]
#[path = "generated/dawnwatch.v1.rs"]
pub mod wire;

/// Semantic version of this build, the same for agent and collector.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
