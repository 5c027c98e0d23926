//! Being written.
/// When a centre is open.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Hours;
