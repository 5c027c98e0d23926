//! What scenarios are written with: real programs as real processes, on ports the system chose, in
//! folders that are kept when a test fails.
//!
//! [`collector`], [`agent`], [`prometheus`], [`netns`], [`line`]: the parts · [`process`], [`binaries`]: how they
//! run · [`wait`], [`scrape`], [`ledger`]: how their state is waited for and judged · [`skip`]: when a part is
//! absent · [`backlog`], [`recording`], [`faketime`]: what waits at an agent, what it is made of, and a clock that
//! is wrong · [`stranger`]: a client without manners · [`devices`], [`asked`]: how those
//! without agent are made known · [`snmpsim`], [`snmpd`], [`ippeveprinter`]: such devices, recorded and real ·
//! [`settable`], [`odd_devices`]: those that change, and that misbehave · [`portal`]: what people need.
//! Nothing but [`stranger`] and [`backlog`] knows the crates of agent or collector: scenarios see what a user sees.

pub mod agent;
pub mod alertmanager;
pub mod asked;
pub mod backlog;
pub mod binaries;
pub mod collector;
pub mod devices;
pub mod faketime;
pub mod ippeveprinter;
pub mod ledger;
pub mod line;
pub mod netns;
pub mod odd_devices;
pub mod portal;
pub mod process;
pub mod prometheus;
#[path = "../../../proto/examples/wire_cost/trace.rs"]
#[allow(dead_code, reason = "the example uses all of it")]
pub mod recording;
pub mod scrape;
pub mod settable;
pub mod skip;
pub mod snmpd;
pub mod snmpsim;
pub mod stranger;
pub mod victoria;
pub mod wait;

pub use agent::Agent;
pub use collector::Collector;
pub use portal::portal;
pub use prometheus::Prometheus;
pub use scrape::metric;
pub use victoria::Victoria;
pub use wait::eventually;
