//! Sizes and times that both sides must agree on: what one agent may cost the collector, and what a
//! collector may ask of an agent.

use std::time::Duration;

/// The protocol this build speaks. Raised only when a known field changes its meaning.
pub const PROTOCOL: u32 = 2;

/// The oldest protocol a collector of this build still understands.
pub const OLDEST_PROTOCOL: u32 = 2;

/// Bytes of one gRPC message, either way.
pub const MESSAGE_BYTES: usize = 1 << 20;

/// Series one agent may define on one stream; also the bound on their ids.
pub const SERIES_PER_AGENT: usize = 4_000;

/// Series of one batch: half of what a stream may define, so that beside what is live there is always room
/// for a batch that waited, whatever names it has.
pub const SERIES_PER_BATCH: usize = SERIES_PER_AGENT / 2;

/// Series of one device without an agent, whoever tells them.
pub const SERIES_PER_DEVICE: usize = 600;

/// Bytes of a dictionary once it is inflated: more than [`SERIES_PER_AGENT`] long names need.
pub const DICTIONARY_BYTES: usize = 1 << 20;

/// Batches of a killed process that one Hello may ask about.
pub const LOST_PER_HELLO: usize = 64;

/// Rounds (moments) in one batch.
pub const ROUNDS_PER_BATCH: usize = 1_000;

/// Samples in one batch, over all its rounds.
pub const SAMPLES_PER_BATCH: usize = 20_000;

/// Labels of one series, not counting `centre`, `device` and `kind`.
pub const LABELS_PER_SERIES: usize = 8;

/// Bytes of one label value. Longer ones are refused, not cut: two cut values could be equal.
pub const LABEL_BYTES: usize = 128;

/// Bytes of an id: centre, device, agent.
pub const ID_BYTES: usize = 63;

/// Age of the oldest sample that is still of use.
pub const SAMPLE_AGE: Duration = Duration::from_hours(7 * 24);

/// How far ahead of the clock of its own batch a sample may be: rounding, and a clock that was set
/// back between measuring and sending.
pub const SAMPLE_FUTURE: Duration = Duration::from_mins(1);

/// Older than this on arrival, a sample is late: it corrects history, and wakes nobody.
pub const LIVE_WINDOW: Duration = Duration::from_mins(3);

/// Bytes of a host name, version or other text in a Hello.
pub const TEXT_BYTES: usize = 128;

/// Lines of other centres that one plan has pinged from outside: a province has fewer.
pub const LINES_PER_PLAN: usize = 128;

/// Targets of one plan, such lines among them.
pub const TARGETS_PER_PLAN: usize = 64 + LINES_PER_PLAN;

/// Services of one plan.
pub const SERVICES_PER_PLAN: usize = 24;

/// Resolvers of one plan, beside those of the machine.
pub const RESOLVERS_PER_PLAN: usize = 4;

/// Networks of one plan.
pub const NETWORKS_PER_PLAN: usize = 4;

/// Devices without an agent that one scout asks.
pub const DEVICES_PER_PLAN: usize = 64;

/// Credentials that a scout tries on what it finds.
pub const CREDENTIALS_PER_PLAN: usize = 4;

/// Devices of one Found.
pub const FOUND_PER_MESSAGE: usize = 64;

/// The shortest and longest time between two looks for devices.
pub const DISCOVERY_INTERVAL: std::ops::RangeInclusive<Duration> =
    Duration::from_mins(1)..=Duration::from_hours(7 * 24);

/// Addresses that one Hello may tell.
pub const ADDRESSES_PER_HELLO: usize = 4;

/// Comings and goings that one Hello may tell.
pub const TURNS_PER_HELLO: usize = 8;

/// Hardware addresses of itself that one Hello may tell.
pub const MACS_PER_HELLO: usize = 4;

/// Echoes of one burst that a collector asks for.
pub const BURST_ECHOES: u32 = 100;

/// Bursts that one agent sends in an hour because it is asked to: in the long run, and of a sudden half as many.
pub const BURSTS_PER_HOUR: u32 = 12;

/// Machines that an agent may be told to wake, one at a time.
pub const MACHINES_PER_PLAN: usize = 64;

/// Machines that one agent wakes in a day: in the long run, and of a sudden a quarter of that.
pub const WAKES_PER_DAY: u32 = 24;

/// How long after its time a machine is still woken.
pub const WAKE_WINDOW: Duration = Duration::from_mins(15);

/// Echoes of one round to one link.
pub const ECHOES: std::ops::RangeInclusive<u32> = 1..=100;

/// Bytes of a service's URL, and of the text expected in its answer.
pub const URL_BYTES: usize = 512;

/// What one measurement of throughput may transfer each way.
pub const THROUGHPUT_BYTES: std::ops::RangeInclusive<u32> = 65_536..=4_194_304;

/// The least that lies between two measurements of throughput.
pub const THROUGHPUT_INTERVAL: std::ops::RangeInclusive<Duration> =
    Duration::from_mins(1)..=Duration::from_hours(7 * 24);

/// What measurements of throughput may take of a line in the long run, bytes per second each way.
pub const THROUGHPUT_SHARE: u32 = 7_000;

/// The shortest and longest interval a plan may ask for.
pub const INTERVAL: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_hours(1);
