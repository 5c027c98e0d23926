//! What becomes known of a province, one record at a time: the lines of the replay format, as types.
//!
//! A record has the time it is about (`t`) and the time it arrived; the diagnosis lives by the first and never by the
//! second. [`Line`] is the text as it stands in a file, where everything may be absent and unknown keys are ignored;
//! [`Line::records`] makes [`Record`]s of it, which are whole. Words that this version does not know are [`Other`]
//! things that failed, never an error: what is recorded by a newer agent must still replay.
//!
//! [`Other`]: DnsWord::Other

use serde::{Deserialize, Serialize};

/// One thing that became known.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// When it reached the collector, Unix seconds.
    pub arrived: f64,
    /// What it is; nothing when only time passed.
    pub what: Option<What>,
}

/// What became known, of which centre, and when it was true.
#[derive(Debug, Clone, PartialEq)]
pub struct What {
    /// When it was measured, Unix seconds; that of a [`Kind::Hello`] is when the machine started.
    pub t: f64,
    /// The centre's id.
    pub centre: String,
    /// The agent that says so; empty for what the province's side measured.
    pub agent: String,
    /// What it says.
    pub kind: Kind,
}

/// The kinds of record. With centre, agent and time a kind is a record's identity: the same again is a duplicate.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "each type says it")]
pub enum Kind {
    Measured(Box<Measured>),
    Hello(Hello),
    Goodbye(Goodbye),
    ReversePing(ReversePing),
    Printer(Printer),
}

/// What one machine measured in the round or minute that ends at the record's time. Absent is not measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measured {
    /// Echoes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<LinkRound>,
    /// Questions to resolvers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns: Vec<DnsRound>,
    /// Attempts to use services.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceRound>,
    /// Large packets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mtu: Vec<MtuRound>,
    /// The card that leads out. Absent: as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nic: Option<NicState>,
    /// The machine itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<HostState>,
}

/// Echoes to one address.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LinkRound {
    /// Where on the way it is.
    pub segment: Place,
    /// A LAN peer's agent name, or an address.
    pub target: String,
    /// Of a hop: counted from the gateway as 0, so that 1 is the far end of the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hop: Option<u8>,
    /// Echoes sent.
    pub sent: u32,
    /// Echoes answered.
    pub received: u32,
    /// Median round trip, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
    /// 95 of 100 are not longer, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_p95_ms: Option<f64>,
}

/// Where on the way an address is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words of the format")]
pub enum Place {
    Lan,
    Gateway,
    Hop,
    Collector,
    Anchor,
    #[default]
    #[serde(other)]
    Other,
}

/// Questions to one resolver.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DnsRound {
    /// Its name: `isp` is the one the centre depends on.
    pub resolver: String,
    /// How they ended.
    pub outcome: DnsWord,
    /// How long the answer took, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms: Option<f64>,
}

/// How questions to a resolver ended.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words of the format")]
pub enum DnsWord {
    Answered,
    Timeout,
    Servfail,
    Nxdomain,
    Wrong,
    #[default]
    #[serde(other)]
    Other,
}

/// Attempts to use one service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceRound {
    /// Its name.
    pub service: String,
    /// The worst phase the failed attempts reached, or answered.
    pub outcome: ServiceWord,
    /// The phase that failed: dns, connect, tls, `first_byte`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// How long the whole took, when something answered, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_ms: Option<f64>,
    /// Attempts; 0 where the line does not say stands for one.
    pub attempts: u32,
    /// Those of them that failed.
    pub failed: u32,
}

/// How attempts to use a service ended.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words of the format")]
pub enum ServiceWord {
    Answered,
    DnsFailed,
    Refused,
    Timeout,
    Unreachable,
    TlsFailed,
    CertificateExpired,
    HttpError,
    Captive,
    #[default]
    #[serde(other)]
    Other,
}

/// Large packets to one address.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MtuRound {
    /// Its name.
    pub target: String,
    /// Whether they arrive, or somebody says that they are too large.
    pub ok: bool,
}

/// A network card.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NicState {
    /// Whether it has a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up: Option<bool>,
    /// What it is connected by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub medium: Option<Medium>,
    /// Its speed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed_mbps: Option<f64>,
    /// Whether it sends and receives at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_duplex: Option<bool>,
    /// Damaged frames in this round or minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<f64>,
}

/// What a card is connected by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words of the format")]
pub enum Medium {
    Wired,
    Wifi,
    #[serde(other)]
    Other,
}

/// The machine itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostState {
    /// Share of the processors in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<f64>,
    /// How late a program gets its turn, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_ms: Option<f64>,
    /// Whether it runs on its battery. Absent: as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_battery: Option<bool>,
    /// Whether somebody works at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_user: Option<bool>,
    /// Received, bits per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rx_bps: Option<f64>,
    /// Sent, bits per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tx_bps: Option<f64>,
    /// How far its clock is ahead, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_offset_s: Option<f64>,
}

/// How a machine came to say hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words of the format")]
pub enum Hello {
    CleanBoot,
    PowerLossBoot,
    Wake,
    Restart,
    #[serde(other)]
    Other,
}

/// Why a machine said goodbye.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words of the format")]
pub enum Goodbye {
    Shutdown,
    Sleep,
    Stop,
    #[serde(other)]
    Other,
}

/// Echoes from the province to the public address a centre had last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReversePing {
    /// Sent.
    pub sent: u32,
    /// Answered.
    pub received: u32,
}

/// What the scout of a centre says of one printer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Printer {
    /// Its name.
    pub device: String,
    /// Whether it answered.
    pub reachable: bool,
    /// Words such as `jam` and `toner_low`.
    pub conditions: Vec<String>,
}

/// One line of a replay file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the keys of the format")]
pub struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub t: Option<f64>,
    pub arrived: f64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub centre: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub agent: String,
    #[serde(flatten)]
    pub measured: Measured,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hello: Option<Hello>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goodbye: Option<Goodbye>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverse_ping: Option<ReversePing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub printer: Option<Printer>,
}

impl Line {
    /// The records in a line: usually one.
    #[must_use]
    pub fn records(self) -> Vec<Record> {
        let Self {
            t,
            arrived,
            centre,
            agent,
            measured,
            hello,
            goodbye,
            reverse_ping,
            printer,
        } = self;
        let measured =
            (measured != Measured::default()).then(|| Kind::Measured(Box::new(measured)));
        let kinds = [
            measured,
            hello.map(Kind::Hello),
            goodbye.map(Kind::Goodbye),
            reverse_ping.map(Kind::ReversePing),
            printer.map(Kind::Printer),
        ];
        let whats = kinds.into_iter().flatten().map(|kind| What {
            t: t.unwrap_or(arrived),
            centre: centre.clone(),
            agent: agent.clone(),
            kind,
        });
        let mut records: Vec<Record> = whats
            .map(|what| Record {
                arrived,
                what: Some(what),
            })
            .collect();
        if records.is_empty() {
            records.push(Record {
                arrived,
                what: None,
            });
        }
        records
    }
}

impl From<&Record> for Line {
    fn from(record: &Record) -> Self {
        let mut line = Self {
            arrived: record.arrived,
            ..Self::default()
        };
        let Some(what) = &record.what else {
            return line;
        };
        line.t = Some(what.t);
        line.centre.clone_from(&what.centre);
        line.agent.clone_from(&what.agent);
        match &what.kind {
            Kind::Measured(measured) => line.measured.clone_from(measured),
            Kind::Hello(hello) => line.hello = Some(*hello),
            Kind::Goodbye(goodbye) => line.goodbye = Some(*goodbye),
            Kind::ReversePing(ping) => line.reverse_ping = Some(*ping),
            Kind::Printer(printer) => line.printer = Some(printer.clone()),
        }
        line
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn read(text: &str) -> Vec<Record> {
        serde_json::from_str::<Line>(text).unwrap().records()
    }

    #[test]
    fn a_line_of_each_kind_is_read_and_written_back() {
        for text in [
            r#"{"t":60.0,"arrived":62.0,"centre":"cong-son","agent":"pc-03","links":[{"segment":"hop","target":"10.0.0.1","hop":1,"sent":25,"received":25,"rtt_ms":1.2,"rtt_p95_ms":2.0}],"nic":{"up":true,"medium":"wired"}}"#,
            r#"{"t":60.0,"arrived":62.0,"centre":"cong-son","agent":"pc-03","hello":"power_loss_boot"}"#,
            r#"{"t":60.0,"arrived":62.0,"centre":"cong-son","agent":"pc-03","goodbye":"sleep"}"#,
            r#"{"t":60.0,"arrived":62.0,"centre":"cong-son","reverse_ping":{"sent":5,"received":4}}"#,
            r#"{"t":60.0,"arrived":62.0,"centre":"cong-son","agent":"pc-01","printer":{"device":"mfp-1","reachable":true,"conditions":["jam"]}}"#,
            r#"{"arrived":62.0}"#,
        ] {
            let records = read(text);
            assert_eq!(records.len(), 1, "{text}");
            let line = Line::from(&records[0]);
            assert_eq!(serde_json::to_string(&line).unwrap(), text);
        }
    }

    #[test]
    fn what_is_new_is_not_refused() {
        let records = read(
            r#"{"t":1,"arrived":2,"centre":"a","agent":"b","services":[{"service":"portal","outcome":"melted","colour":1}],"later":[]}"#,
        );
        let Some(Kind::Measured(measured)) = records[0].what.as_ref().map(|what| &what.kind) else {
            panic!("{records:?}");
        };
        assert_eq!(measured.services[0].outcome, ServiceWord::Other);
    }
}
