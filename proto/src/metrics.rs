//! The one list of every metric there is: name, type, unit, labels, help, and who makes it.
//!
//! Agents name what they send from here, the collector checks what it receives and renders
//! `/metrics` from here, dashboards and rules refer to it, and `docs/metrics.md` is generated from
//! it. A metric that nothing produces does not belong here.

use std::collections::HashMap;
use std::sync::LazyLock;

/// One entry of the catalogue. Two entries are the same when they are the same `static`.
#[derive(Debug)]
pub struct Metric {
    /// With the prefix `dawnwatch_`, base unit and `_total` where it counts.
    pub name: &'static str,
    /// How the values behave.
    pub kind: Kind,
    /// What the values mean; also how a page formats them.
    pub unit: Unit,
    /// Who makes it, and thereby which labels it has beside its own.
    pub origin: Origin,
    /// Its own labels, in the order they are rendered.
    pub labels: &'static [&'static str],
    /// One sentence for `# HELP`, the docs page and the tool tip.
    pub help: &'static str,
}

/// How values behave over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, until whoever counts starts again.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts of observations per bucket, with [`Part`]s.
    Histogram,
}

/// What a value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Unit {
    Seconds,
    /// A moment, Unix seconds.
    Timestamp,
    Bytes,
    BitsPerSecond,
    /// 0 to 1.
    Ratio,
    Celsius,
    /// Power, as a logarithm over a milliwatt.
    DecibelMilliwatts,
    /// Things counted.
    Count,
    /// 0 or 1.
    Boolean,
    /// Always 1: the labels carry what there is to know.
    Info,
}

/// Who makes a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Measured by an agent. Also labelled `centre`, `device`, `kind`.
    Agent,
    /// Worked out by the collector about a device. Also labelled `centre`, `device`, `kind`.
    Device,
    /// Worked out by the collector about a centre. Also labelled `centre`.
    Centre,
    /// The collector's own health. No further labels.
    Collector,
}

/// Which part of a metric one series is. Everything but a histogram has one part, its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names of the exposition format")]
pub enum Part {
    Value,
    /// Has the label `le`.
    Bucket,
    Sum,
    Count,
}

impl Part {
    /// What is added to the metric's name.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Value => "",
            Self::Bucket => "_bucket",
            Self::Sum => "_sum",
            Self::Count => "_count",
        }
    }
}

impl Metric {
    /// The parts a series of this metric can be.
    #[must_use]
    pub fn parts(&self) -> &'static [Part] {
        match self.kind {
            Kind::Histogram => &[Part::Bucket, Part::Sum, Part::Count],
            Kind::Counter | Kind::Gauge => &[Part::Value],
        }
    }

    /// Where this metric stands in [`CATALOGUE`].
    #[must_use]
    pub fn position(&'static self) -> usize {
        POSITIONS
            .get(self.name)
            .map_or(CATALOGUE.len(), |(position, _)| *position)
    }
}

impl PartialEq for Metric {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Metric {}

/// Finds a metric and its part by the name a series has.
#[must_use]
pub fn find(name: &str) -> Option<(&'static Metric, Part)> {
    let (position, part) = POSITIONS.get(name)?;
    Some((CATALOGUE.get(*position)?, *part))
}

/// By series name; a histogram's own name is here too, for [`Metric::position`], as its count.
static POSITIONS: LazyLock<HashMap<String, (usize, Part)>> = LazyLock::new(|| {
    let mut positions = HashMap::new();
    for (position, metric) in CATALOGUE.iter().enumerate() {
        positions.insert(metric.name.to_owned(), (position, Part::Value));
        for part in metric.parts() {
            positions.insert(
                format!("{}{}", metric.name, part.suffix()),
                (position, *part),
            );
        }
    }
    positions
});

macro_rules! catalogue {
    ($($id:ident: $kind:ident $unit:ident $origin:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(
            #[doc = $help]
            pub static $id: Metric = Metric {
                name: $name,
                kind: Kind::$kind,
                unit: Unit::$unit,
                origin: Origin::$origin,
                labels: &[$($label),*],
                help: $help,
            };
        )*
        /// Every metric, in the order of `/metrics` and of the docs page.
        pub static CATALOGUE: &[&Metric] = &[$(&$id),*];
    };
}

catalogue! {
    AGENT_UP: Gauge Boolean Device "dawnwatch_agent_up" []
        "Whether the agent is connected and reports. Stays, at 0, when everything else about the device vanishes.";
    AGENT_GOODBYE: Gauge Boolean Device "dawnwatch_agent_goodbye" []
        "Whether the agent announced that it would be silent: its machine was shut down, or it was stopped.";
    AGENT_GOODBYE_REASON: Gauge Boolean Device "dawnwatch_agent_goodbye_reason" ["reason"]
        "1 for why an agent announced that it would be silent: shutdown, sleep or stop. Absent while it is there, or silent without a word.";
    AGENT_INFO: Gauge Info Device "dawnwatch_agent_info" ["version", "os", "arch"]
        "The agent's version and platform.";
    AGENT_LAST_REPORT: Gauge Timestamp Device "dawnwatch_agent_last_report_timestamp_seconds" []
        "When the collector last received measurements, by the collector's clock.";
    AGENT_CLOCK_OFFSET: Gauge Seconds Device "dawnwatch_agent_clock_offset_seconds" []
        "The agent's clock less the collector's at the last exchange; the time a message travels counts as an agent that is slow.";
    AGENT_CERTIFICATE_EXPIRY: Gauge Timestamp Device "dawnwatch_agent_certificate_expiry_timestamp_seconds" []
        "When the agent's newest certificate expires.";
    AGENT_DROPPED_SAMPLES: Counter Count Device "dawnwatch_agent_dropped_samples_total" []
        "Samples the agent dropped because its spool was full or they were too old.";
    AGENT_SPOOL_BYTES: Gauge Bytes Agent "dawnwatch_agent_spool_bytes" []
        "Size of the measurements that wait for the line at the agent; what was sent and awaits its acknowledgement is not counted.";
    AGENT_SPOOL_OLDEST: Gauge Timestamp Agent "dawnwatch_agent_spool_oldest_timestamp_seconds" []
        "When the oldest measurement that waits for the line at the agent was made. Absent while none waits.";
    AGENT_WAKES: Counter Count Agent "dawnwatch_agent_wakes_total" ["outcome"]
        "Machines of its centre that the agent was asked to wake: sent, failed where no network took the frame, or refused as too many. Absent while it was never asked.";
    AGENT_BURSTS: Counter Count Agent "dawnwatch_agent_bursts_total" ["outcome"]
        "Bursts of echoes that the agent was asked for: sent, refused because it probes no such link or was asked too often, or failed because answers took too long. Absent while it was never asked.";
    AGENT_OWN_VERDICT: Gauge Ratio Agent "dawnwatch_agent_own_verdict_confidence_ratio" ["segment", "fault"]
        "What the agent found by itself while it could not reach its collector, and how sure it was. Told afterwards with the time it was true; fault is none where nothing else was wrong.";
    AGENT_SOURCE_SUCCESS: Gauge Boolean Agent "dawnwatch_agent_source_success" ["source"]
        "Whether the source could measure at its last run. A probe that got no answer has measured.";
    AGENT_SOURCE_DURATION: Gauge Seconds Agent "dawnwatch_agent_source_duration_seconds" ["source"]
        "How long a run of the source takes, told again when it changes by a factor of two.";

    DEVICE_UP: Gauge Boolean Device "dawnwatch_device_up" []
        "Whether the device is known to be on.";
    DEVICE_INFO: Gauge Info Agent "dawnwatch_device_info" ["vendor", "model", "serial", "os", "firmware"]
        "Make, model, serial number, operating system and firmware, as far as the device tells.";
    DEVICE_POLL_OUTCOME: Gauge Boolean Agent "dawnwatch_device_poll_outcome" ["protocol", "outcome"]
        "1 for how the last attempt to ask a device that has no agent ended: answered, partly, timeout, refused, unreachable, unauthorized, unreadable, failed, or other_device where something else answers at its address; 0 for how attempts ended before since the scout began.";
    DEVICE_POLL_DURATION: Gauge Seconds Agent "dawnwatch_device_poll_duration_seconds" ["protocol"]
        "How long it takes to ask a device that has no agent, told again when it changes by a factor of two.";
    DEVICE_READING_INFO: Gauge Info Agent "dawnwatch_device_reading_info" ["reading", "origin"]
        "Where a reading of a device that has no agent comes from: snmp or ipp.";
    DEVICE_OS_INFO: Gauge Info Agent "dawnwatch_os_info" ["name", "version", "kernel", "hostname"]
        "Operating system, its version and kernel, and the host name.";
    DEVICE_BOOT_TIME: Gauge Timestamp Agent "dawnwatch_boot_time_seconds" []
        "When the device was started, by its own clock.";
    DEVICE_CPUS: Gauge Count Agent "dawnwatch_cpus" []
        "Logical processors.";
    DEVICE_CPU_USAGE: Gauge Ratio Agent "dawnwatch_cpu_usage_ratio" []
        "Share of time that all processors were busy since the previous sample.";
    DEVICE_LOAD_AVERAGE: Gauge Count Agent "dawnwatch_load_average" ["minutes"]
        "Processes running or waiting to run, averaged over 1, 5 and 15 minutes.";
    DEVICE_TURN_DELAY: Gauge Seconds Agent "dawnwatch_turn_delay_seconds" []
        "How late a program got its turn, at worst: the longest overrun of some short sleeps of the agent.";
    DEVICE_MEMORY_SIZE: Gauge Bytes Agent "dawnwatch_memory_size_bytes" []
        "Installed memory that the operating system can use.";
    DEVICE_MEMORY_AVAILABLE: Gauge Bytes Agent "dawnwatch_memory_available_bytes" []
        "Memory that programs can still get without swapping.";
    DEVICE_SWAP_SIZE: Gauge Bytes Agent "dawnwatch_swap_size_bytes" []
        "Size of the swap space.";
    DEVICE_SWAP_USED: Gauge Bytes Agent "dawnwatch_swap_used_bytes" []
        "Swap space in use.";
    DEVICE_FILESYSTEM_SIZE: Gauge Bytes Agent "dawnwatch_filesystem_size_bytes" ["mountpoint"]
        "Size of the file system.";
    DEVICE_FILESYSTEM_AVAILABLE: Gauge Bytes Agent "dawnwatch_filesystem_available_bytes" ["mountpoint"]
        "Space that ordinary users can still fill.";
    DEVICE_DISK_READ: Counter Bytes Agent "dawnwatch_disk_read_bytes_total" ["disk"]
        "Bytes read from the disk since the device was started.";
    DEVICE_DISK_WRITTEN: Counter Bytes Agent "dawnwatch_disk_written_bytes_total" ["disk"]
        "Bytes written to the disk since the device was started.";
    DEVICE_TEMPERATURE: Gauge Celsius Agent "dawnwatch_temperature_celsius" ["sensor"]
        "Temperature of a sensor.";
    DEVICE_INTERFACE_UP: Gauge Boolean Agent "dawnwatch_interface_up" ["interface"]
        "Whether the network interface has a link.";
    DEVICE_INTERFACE_SPEED: Gauge BitsPerSecond Agent "dawnwatch_interface_speed_bits_per_second" ["interface"]
        "Negotiated speed of the network interface, where it has one.";
    DEVICE_INTERFACE_RECEIVE_BYTES: Counter Bytes Agent "dawnwatch_interface_receive_bytes_total" ["interface"]
        "Bytes received by the network interface.";
    DEVICE_INTERFACE_TRANSMIT_BYTES: Counter Bytes Agent "dawnwatch_interface_transmit_bytes_total" ["interface"]
        "Bytes sent by the network interface.";
    DEVICE_INTERFACE_RECEIVE_ERRORS: Counter Count Agent "dawnwatch_interface_receive_errors_total" ["interface"]
        "Packets that arrived damaged.";
    DEVICE_INTERFACE_TRANSMIT_ERRORS: Counter Count Agent "dawnwatch_interface_transmit_errors_total" ["interface"]
        "Packets that could not be sent.";
    DEVICE_INTERFACE_RECEIVE_DROPS: Counter Count Agent "dawnwatch_interface_receive_drops_total" ["interface"]
        "Packets that arrived and were dropped, for want of buffers or of a receiver.";
    DEVICE_INTERFACE_TRANSMIT_DROPS: Counter Count Agent "dawnwatch_interface_transmit_drops_total" ["interface"]
        "Packets dropped before they were sent.";
    DEVICE_INTERFACE_FULL_DUPLEX: Gauge Boolean Agent "dawnwatch_interface_full_duplex" ["interface"]
        "Whether the network interface sends and receives at the same time. Absent where it does not say.";
    DEVICE_INTERFACE_ENABLED: Gauge Boolean Agent "dawnwatch_interface_enabled" ["interface"]
        "Whether the network interface is switched on by the settings of a device that has no agent.";
    DEVICE_WAN_RATE: Gauge BitsPerSecond Agent "dawnwatch_wan_bits_per_second" ["interface", "direction"]
        "What goes through the interface of a router that leads to the line, since the poll before: receive or transmit.";
    DEVICE_WAN_USAGE: Gauge Ratio Agent "dawnwatch_wan_usage_ratio" ["interface", "direction"]
        "The same as a share of the interface's speed. Absent where it does not say its speed.";
    DEVICE_INTERFACE_CARRIER_CHANGES: Counter Count Agent "dawnwatch_interface_carrier_changes_total" ["interface"]
        "How often the network interface lost or found its link since it exists.";
    DEVICE_WIFI_SIGNAL: Gauge DecibelMilliwatts Agent "dawnwatch_wifi_signal_dbm" ["interface"]
        "How strongly the access point is received.";

    LINK_RTT: Histogram Seconds Agent "dawnwatch_link_rtt_seconds" ["segment", "target"]
        "Round-trip times of the answered echoes since the agent started.";
    LINK_RTT_MIN: Gauge Seconds Agent "dawnwatch_link_rtt_min_seconds" ["segment", "target"]
        "Shortest round-trip time of the last round. Absent when nothing was answered.";
    LINK_RTT_MEDIAN: Gauge Seconds Agent "dawnwatch_link_rtt_median_seconds" ["segment", "target"]
        "Median round-trip time of the last round. Absent when nothing was answered.";
    LINK_RTT_MAX: Gauge Seconds Agent "dawnwatch_link_rtt_max_seconds" ["segment", "target"]
        "Longest round-trip time of the last round. Absent when nothing was answered.";
    LINK_JITTER: Gauge Seconds Agent "dawnwatch_link_jitter_seconds" ["segment", "target"]
        "Mean difference between neighbouring round-trip times of the last round, as in RFC 3550 and without its smoothing. Absent below two answers.";
    LINK_RTT_SPREAD: Gauge Seconds Agent "dawnwatch_link_rtt_spread_seconds" ["segment", "target"]
        "95th percentile less median of the last 100 round-trip times. Absent below 20 answers.";
    LINK_SENT: Counter Count Agent "dawnwatch_link_sent_total" ["segment", "target"]
        "Echoes sent since the agent started.";
    LINK_RECEIVED: Counter Count Agent "dawnwatch_link_received_total" ["segment", "target"]
        "Echoes answered since the agent started.";
    LINK_DUPLICATES: Counter Count Agent "dawnwatch_link_duplicates_total" ["segment", "target"]
        "Answers that came again to an echo of a burst since the agent started.";
    LINK_REORDERED: Counter Count Agent "dawnwatch_link_reordered_total" ["segment", "target"]
        "Answers that came after that of an echo sent later, as in RFC 4737, since the agent started.";
    LINK_LOSS: Gauge Ratio Agent "dawnwatch_link_loss_ratio" ["segment", "target"]
        "Share of the last round's echoes that stayed unanswered. A round is few packets: judge a line by the counters over minutes.";
    LINK_METHOD_INFO: Gauge Info Agent "dawnwatch_link_method_info" ["segment", "target", "address", "method"]
        "The address that is probed and how: icmp_datagram, icmp_raw, icmp_ttl for a router that answers no echo and is asked by packets that expire there, or tcp_connect where the system allows no ICMP.";

    PATH_HOP_INFO: Gauge Info Agent "dawnwatch_path_hop_info" ["target", "hop", "address"]
        "The router at so many hops, the gateway being 1, on the way to a target. A hop that answers nothing has no series.";
    PATH_HOP_RTT: Gauge Seconds Agent "dawnwatch_path_hop_rtt_seconds" ["target", "hop"]
        "Shortest round-trip time to a hop when the path was last discovered.";
    PATH_HOPS: Gauge Count Agent "dawnwatch_path_hops" ["target"]
        "Hops to a target, itself included. Absent when the last discovery did not arrive.";
    PATH_CHANGES: Counter Count Agent "dawnwatch_path_changes_total" ["target"]
        "How often the way to a target was another one than before since the agent started.";
    PATH_MTU: Gauge Bytes Agent "dawnwatch_path_mtu_bytes" ["target"]
        "Largest packet that arrives at a target, IP header included.";
    PATH_MTU_BLACKHOLE: Gauge Boolean Agent "dawnwatch_path_mtu_blackhole" ["target"]
        "Whether larger packets vanish on the way to a target and no router says so.";

    DNS_OUTCOME: Gauge Boolean Agent "dawnwatch_dns_outcome" ["resolver", "outcome"]
        "1 for how the last questions to a resolver ended: answered, timeout, servfail, nxdomain, wrong, refused or unreachable; 0 for what it was before. The system's own resolution is the resolver system.";
    DNS_DURATION: Gauge Seconds Agent "dawnwatch_dns_duration_seconds" ["resolver"]
        "How long the slowest of the last answers of a resolver took. Absent when none came.";

    PROBE_SUCCESS: Gauge Boolean Agent "dawnwatch_probe_success" ["service"]
        "Whether the last attempt to use a service got what it should.";
    PROBE_OUTCOME: Gauge Boolean Agent "dawnwatch_probe_outcome" ["service", "outcome"]
        "1 for how the last attempt to use a service ended, 0 for how attempts ended before since the agent started.";
    PROBE_PHASE: Gauge Seconds Agent "dawnwatch_probe_phase_duration_seconds" ["service", "phase"]
        "How long each phase of the last attempt took: dns, connect, tls, first_byte, transfer. Absent for phases it did not finish.";
    PROBE_STATUS: Gauge Count Agent "dawnwatch_probe_http_status_code" ["service"]
        "The status a service answered with. Absent without an answer.";
    PROBE_TLS_EXPIRY: Gauge Timestamp Agent "dawnwatch_probe_tls_expiry_timestamp_seconds" ["service"]
        "When the first certificate of a service's chain expires. Absent when none was presented.";

    THROUGHPUT: Gauge BitsPerSecond Agent "dawnwatch_throughput_bits_per_second" ["direction"]
        "What the last transfer reached: download from the collector, or upload to it.";
    THROUGHPUT_LOADED_RTT: Gauge Seconds Agent "dawnwatch_throughput_loaded_rtt_seconds" ["direction"]
        "Median round-trip time to the collector during the transfer. Far above that of the idle line, its queue is too long (bufferbloat).";

    PRINTER_SUPPLY_RATIO: Gauge Ratio Agent "dawnwatch_printer_supply_ratio" ["supply", "colour"]
        "How much of a supply is left; of a receptacle for waste, how much space. Absent where the printer gives no number.";
    PRINTER_SUPPLY_STATE: Gauge Boolean Agent "dawnwatch_printer_supply_state" ["supply", "state"]
        "1 for what a printer says of a supply: measured (there is a number), some_remaining, unknown or unlimited; 0 for what it said before.";
    PRINTER_SUPPLY_INFO: Gauge Info Agent "dawnwatch_printer_supply_info" ["supply", "type", "receptacle"]
        "What a supply is: its type as the Printer MIB has it, and whether it is a receptacle that fills up.";
    PRINTER_PAGES: Counter Count Agent "dawnwatch_printer_pages_total" []
        "Pages the printer has made since it was built.";
    PRINTER_STATUS: Gauge Boolean Agent "dawnwatch_printer_status" ["status"]
        "1 for what a printer does: idle, printing, warmup, standby, stopped, other or unknown; 0 for what it did before.";
    PRINTER_CONDITION: Gauge Boolean Agent "dawnwatch_printer_condition" ["condition"]
        "1 for what is the matter with a printer, 0 for what was: jam, cover_open, paper_empty, paper_low, toner_empty, toner_low, offline, service and others.";
    PRINTER_TRAY_LEVEL: Gauge Ratio Agent "dawnwatch_printer_tray_level_ratio" ["tray"]
        "How full a tray is. Absent where the printer gives no number.";
    PRINTER_TRAY_STATE: Gauge Boolean Agent "dawnwatch_printer_tray_state" ["tray", "state"]
        "1 for what a printer says of a tray: measured, some_remaining, unknown or unlimited; 0 for what it said before.";
    PRINTER_JOBS: Gauge Count Agent "dawnwatch_printer_queued_jobs" []
        "Jobs that wait at the printer itself.";

    UPS_ON_BATTERY: Gauge Boolean Agent "dawnwatch_ups_on_battery" []
        "Whether the mains are off and the battery carries the load.";
    UPS_BATTERY: Gauge Ratio Agent "dawnwatch_ups_battery_ratio" []
        "Charge of the battery.";
    UPS_RUNTIME: Gauge Seconds Agent "dawnwatch_ups_runtime_seconds" []
        "How long the battery would carry the present load.";
    UPS_LOAD: Gauge Ratio Agent "dawnwatch_ups_load_ratio" []
        "Share of its power that is drawn; of several outputs the highest.";
    UPS_BATTERY_LOW: Gauge Boolean Agent "dawnwatch_ups_battery_low" []
        "Whether the battery is nearly or quite empty.";
    UPS_BATTERY_REPLACE: Gauge Boolean Agent "dawnwatch_ups_battery_replace" []
        "Whether the battery should be replaced.";

    CENTRE_INFO: Gauge Info Centre "dawnwatch_centre_info" ["name", "area", "isp", "province", "latitude", "longitude"]
        "What the registry knows of the centre.";
    CENTRE_OPEN: Gauge Boolean Centre "dawnwatch_centre_open" []
        "Whether the centre is open now, by its hours. Absent when it has none.";

    CENTRE_SCOUT_INFO: Gauge Info Centre "dawnwatch_centre_scout_info" ["scout"]
        "The machine whose agent asks the centre's printers, routers and the like.";
    CENTRE_FOUND_DEVICES: Gauge Count Centre "dawnwatch_centre_found_devices" []
        "Devices that were found in the centre and wait for somebody to approve or ignore them.";

    FAULT_ACTIVE: Gauge Boolean Centre "dawnwatch_fault_active" ["segment", "fault", "culprit"]
        "1 for every fault that is diagnosed and not over, in each centre it hits; the culprit is a machine, a printer, the ISP, an area or a service, and empty where there is none to name.";
    FAULT_CONFIDENCE: Gauge Ratio Centre "dawnwatch_fault_confidence_ratio" ["segment", "fault", "culprit"]
        "How likely the diagnosis of an active fault is right.";
    CENTRE_LOST_SERVICE: Counter Seconds Centre "dawnwatch_centre_lost_service_seconds_total" ["segment"]
        "Opening hours in which people could not be served because of a fault, by where that was, since the collector was started; also what is known only afterwards.";

    READINESS: Gauge Boolean Centre "dawnwatch_readiness" ["state"]
        "Whether the centre can serve people, as far as is known now: 1 for one of ready, at_risk (with a weakness), not_ready, unknown (nobody is awake there to say so); 0 for the others.";
    CENTRE_WITNESSES: Gauge Count Centre "dawnwatch_centre_witnesses" ["state"]
        "Machines that can say whether the centre is ready: expected (they have an agent), and of them awake.";

    COLLECTOR_BUILD_INFO: Gauge Info Collector "dawnwatch_collector_build_info" ["version"]
        "Version of the collector.";
    COLLECTOR_START_TIME: Gauge Timestamp Collector "dawnwatch_collector_start_time_seconds" []
        "When the collector was started.";
    COLLECTOR_STREAMS: Gauge Count Collector "dawnwatch_collector_streams" []
        "Agents connected now.";
    COLLECTOR_STREAMS_ENDED: Counter Count Collector "dawnwatch_collector_streams_ended_total" ["reason"]
        "Streams that ended, by reason.";
    COLLECTOR_CONNECTIONS_REFUSED: Counter Count Collector "dawnwatch_collector_connections_refused_total" ["reason"]
        "Connections that ended before any call: TLS failures, timeouts, too many at once.";
    COLLECTOR_ENROLMENTS: Counter Count Collector "dawnwatch_collector_enrolments_total" ["outcome"]
        "Enrolments and renewals, by outcome.";
    COLLECTOR_TRANSFERS: Counter Count Collector "dawnwatch_collector_transfers_total" ["outcome"]
        "Transfers that agents asked for to measure throughput, by outcome: finished, broken off, refused because the plan asks for none, another of the centre measures or has measured, or too many run at once.";
    COLLECTOR_BATCHES: Counter Count Collector "dawnwatch_collector_batches_total" ["outcome"]
        "Batches received, by outcome.";
    COLLECTOR_BATCHES_PACED: Counter Count Collector "dawnwatch_collector_batches_paced_total" []
        "Batches that had to wait because their agent sent faster than it may.";
    COLLECTOR_SAMPLES: Counter Count Collector "dawnwatch_collector_samples_total" []
        "Samples accepted.";
    COLLECTOR_SAMPLES_LATE: Counter Count Collector "dawnwatch_collector_samples_late_total" []
        "Samples accepted that were too old on arrival for the live view.";
    COLLECTOR_SAMPLES_CORRECTED: Counter Count Collector "dawnwatch_collector_samples_corrected_total" []
        "Samples whose time was corrected, because the agent's clock was wrong.";
    COLLECTOR_SAMPLES_REJECTED: Counter Count Collector "dawnwatch_collector_samples_rejected_total" ["reason"]
        "Samples refused, by reason.";
    COLLECTOR_SERIES_REJECTED: Counter Count Collector "dawnwatch_collector_series_rejected_total" ["reason"]
        "Series definitions refused, by reason.";
    COLLECTOR_RECEIVED_BYTES: Counter Bytes Collector "dawnwatch_collector_received_bytes_total" []
        "Bytes received from agents, TLS included, TCP and IP headers not.";
    COLLECTOR_SENT_BYTES: Counter Bytes Collector "dawnwatch_collector_sent_bytes_total" []
        "Bytes sent to agents, TLS included, TCP and IP headers not.";
    COLLECTOR_SERIES: Gauge Count Collector "dawnwatch_collector_series" []
        "Series in the live view.";
    COLLECTOR_RENDER_DURATION: Gauge Seconds Collector "dawnwatch_collector_render_duration_seconds" []
        "How long the previous page of /metrics took to render.";
    COLLECTOR_FOUND_REFUSED: Counter Count Collector "dawnwatch_collector_found_refused_total" ["reason"]
        "Devices that were found and not noted, by reason: whoever found them is not the scout, too many at once or of one centre, no address, or the registry failed.";
    COLLECTOR_TURNS: Counter Count Collector "dawnwatch_collector_turns_total" ["outcome"]
        "Comings and goings that agents told with their greeting (boots, losses of power, sleep, restarts): told, or refused because they had no plausible time.";
    COLLECTOR_REGISTRY_ERRORS: Counter Count Collector "dawnwatch_collector_registry_errors_total" []
        "Operations of the registry that failed.";
    COLLECTOR_ALERTMANAGER_UP: Gauge Boolean Collector "dawnwatch_collector_alertmanager_up" []
        "Whether Alertmanager took the newest request; 1 until it did not, and where none is configured.";
    COLLECTOR_ALERTMANAGER_ALERTS: Gauge Count Collector "dawnwatch_collector_alertmanager_alerts" ["state"]
        "Alerts by state: firing, untaken (Alertmanager has not taken them as they are now), without_room (too many at once, not sent).";
    COLLECTOR_ALERTMANAGER_REQUESTS: Counter Count Collector "dawnwatch_collector_alertmanager_requests_total" ["outcome"]
        "Requests to Alertmanager by outcome: taken, refused (something in it is wrong), or to be repeated: unreachable, failing, misconfigured.";
    COLLECTOR_ALERTMANAGER_SENT: Counter Count Collector "dawnwatch_collector_alertmanager_alerts_sent_total" []
        "Alerts that Alertmanager took, those that it knew among them.";
    COLLECTOR_WRITE_UP: Gauge Boolean Collector "dawnwatch_collector_remote_write_up" ["target"]
        "Whether the newest request to a remote write target got an answer about its samples; 1 until one did not.";
    COLLECTOR_WRITE_LAG: Gauge Seconds Collector "dawnwatch_collector_remote_write_lag_seconds" ["target"]
        "How long the measurement that waits longest for a remote write target has waited while the collector ran; 0 when none waits.";
    COLLECTOR_WRITE_QUEUE_BYTES: Gauge Bytes Collector "dawnwatch_collector_remote_write_queue_bytes" ["target"]
        "Size of what waits for a remote write target, on disk and in memory.";
    COLLECTOR_WRITE_QUEUE_SAMPLES: Gauge Count Collector "dawnwatch_collector_remote_write_queue_samples" ["target"]
        "Samples that wait for a remote write target, or are delivered and kept until it is on disk that they came.";
    COLLECTOR_WRITE_QUEUE_DURABLE: Gauge Boolean Collector "dawnwatch_collector_remote_write_queue_durable" ["target"]
        "Whether what waits for a remote write target can be written to disk. While it cannot, it waits in little memory.";
    COLLECTOR_WRITE_SAMPLES: Counter Count Collector "dawnwatch_collector_remote_write_samples_total" ["target", "outcome"]
        "Samples that left the queue of a remote write target: delivered, rejected by it, dropped for their age or number or for damage, unreadable, or repeated (a second one of its moment).";
    COLLECTOR_WRITE_SAMPLES_REJECTED: Counter Count Collector "dawnwatch_collector_remote_write_samples_rejected_total" ["target", "reason"]
        "Samples that a remote write target refused for good, by reason.";
    COLLECTOR_WRITE_REQUESTS: Counter Count Collector "dawnwatch_collector_remote_write_requests_total" ["target", "outcome"]
        "Requests to a remote write target, by outcome: written, refused, or to be repeated since the target was throttled, failing, unreachable or misconfigured.";
    COLLECTOR_WRITE_RETRIES: Counter Count Collector "dawnwatch_collector_remote_write_retries_total" ["target"]
        "Requests to a remote write target that have to be repeated.";
    COLLECTOR_WRITE_SENT_BYTES: Counter Bytes Collector "dawnwatch_collector_remote_write_sent_bytes_total" ["target"]
        "Bytes of requests to a remote write target, compressed, without headers.";
    COLLECTOR_COMMIT_DURATION: Histogram Seconds Collector "dawnwatch_collector_commit_duration_seconds" []
        "How long it took to make the batches of a moment durable in the queues of all remote-write targets.";
    COLLECTOR_COMMIT_FAILURES: Counter Count Collector "dawnwatch_collector_commit_failures_total" []
        "Attempts to write batches, or the note of which were taken, that the disk refused. While they fail, batches are not acknowledged and stay with their agents.";
    COLLECTOR_DIAGNOSIS_RECORDS: Counter Count Collector "dawnwatch_collector_diagnosis_records_total" []
        "Minutes of machines, answers of printers, comings and goings that the diagnosis was told.";
    COLLECTOR_DIAGNOSIS_DROPPED: Counter Count Collector "dawnwatch_collector_diagnosis_records_dropped_total" []
        "Those that the diagnosis was too busy for.";
    COLLECTOR_DIAGNOSIS_SECONDS: Counter Seconds Collector "dawnwatch_collector_diagnosis_seconds_total" []
        "Time that the diagnosis has worked.";
    COLLECTOR_DIAGNOSIS_FEED_SECONDS: Counter Seconds Collector "dawnwatch_collector_diagnosis_feed_seconds_total" []
        "Time that streams have worked to make evidence of what agents measured.";
    COLLECTOR_DIAGNOSIS_EVENTS: Counter Count Collector "dawnwatch_collector_diagnosis_events_total" ["event"]
        "What the diagnosis said of incidents: that one opened, changed, was revised, withdrawn or closed.";
    COLLECTOR_DIAGNOSIS_UNKEPT: Counter Count Collector "dawnwatch_collector_diagnosis_events_unkept_total" []
        "Of those, what could not be written into the registry.";
    COLLECTOR_DIAGNOSIS_EVIDENCE_BYTES: Gauge Bytes Collector "dawnwatch_collector_diagnosis_evidence_bytes" []
        "Size of the evidence that is kept for replay.";
    COLLECTOR_READINESS_VERDICTS: Counter Count Collector "dawnwatch_collector_readiness_verdicts_total" ["check", "score"]
        "Verdicts on openings by check, compared with the first quarter of an hour: right, too_dark (somebody was called for nothing), too_bright (people waited), unanswered (it said that it cannot know), unseen (nobody knows).";
    COLLECTOR_READINESS_UNKEPT: Counter Count Collector "dawnwatch_collector_readiness_unkept_total" []
        "Verdicts on openings that could not be written into the registry.";
    COLLECTOR_WITNESS_WAKES: Counter Count Collector "dawnwatch_collector_witness_wakes_total" ["outcome"]
        "Attempts to have a named witness woken before opening: asked, unknown (how it is woken), nobody (no other machine is there to do it), time.";
    COLLECTOR_BURSTS: Counter Count Collector "dawnwatch_collector_bursts_total" ["outcome"]
        "Attempts of the diagnosis to have an agent look closer, because two causes are about as likely: asked, away, too_often, no_link.";
    COLLECTOR_DIAGNOSIS_EVIDENCE_DROPPED: Counter Count Collector "dawnwatch_collector_diagnosis_evidence_dropped_total" []
        "Records that were diagnosed but not kept for replay, because the disk was too slow or took nothing.";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The conventions of the exposition format, and our own.
    #[test]
    fn names_follow_the_conventions() {
        for metric in CATALOGUE {
            let Metric {
                name, kind, unit, ..
            } = metric;
            assert!(name.starts_with("dawnwatch_"), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            assert!(metric.help.ends_with('.'), "{name}: help is a sentence");
            let stem = name.trim_end_matches("_total");
            let ending = match unit {
                Unit::Seconds => "_seconds",
                Unit::Timestamp => "_seconds",
                Unit::Bytes => "_bytes",
                Unit::BitsPerSecond => "_bits_per_second",
                Unit::Ratio => "_ratio",
                Unit::Celsius => "_celsius",
                Unit::DecibelMilliwatts => "_dbm",
                Unit::Info => "_info",
                Unit::Count | Unit::Boolean => "",
            };
            assert!(stem.ends_with(ending), "{name} measures {unit:?}");
            for label in metric.labels {
                let reserved = ["centre", "device", "kind", "le", "job", "instance"];
                assert!(!reserved.contains(label), "{name}: {label} is reserved");
            }
        }
    }

    #[test]
    fn names_are_unique_and_found() {
        let mut names: Vec<_> = CATALOGUE.iter().map(|metric| metric.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CATALOGUE.len());
        assert_eq!(
            find("dawnwatch_link_rtt_seconds_bucket"),
            Some((&LINK_RTT, Part::Bucket))
        );
        assert_eq!(find("dawnwatch_agent_up"), Some((&AGENT_UP, Part::Value)));
        assert_eq!(find("dawnwatch_nonsense"), None);
        assert_eq!(CATALOGUE.get(LINK_SENT.position()), Some(&&LINK_SENT));
    }
}
