//! The same records as series: what a Prometheus that scrapes the collector each minute would have.
//!
//! Live values alone, because that is what rules see. A PC that has not reported for two and a half minutes is down and
//! shows nothing else. Text is `OpenMetrics`, one file for each two hours, since that is a block of Prometheus' store.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use diagnosis::calendar::Centre;
use diagnosis::record::{DnsWord, Kind, LinkRound, Measured, Place, Record, ServiceWord, What};

/// Between scrapes, seconds.
pub(super) const STEP: f64 = 60.0;

/// Without a report for so long, seconds, a PC is down.
const SILENT: f64 = 150.0;

/// Older on arrival is late, and not seen by a scrape.
const LIVE: f64 = 180.0;

/// A metric's name and its labels beyond those of the agent.
type Series = (&'static str, String);

/// What the collector would show of one agent.
#[derive(Debug, Default)]
struct Agent {
    reported: f64,
    goodbye: bool,
    values: BTreeMap<Series, f64>,
}

/// Scrapes what records say.
#[derive(Debug)]
pub(super) struct Scraper {
    centres: HashMap<String, Centre>,
    agents: BTreeMap<(String, String), Agent>,
    next: Option<f64>,
    text: String,
    /// The first scrape, and the latest.
    pub(super) span: Option<(f64, f64)>,
}

impl Scraper {
    pub(super) fn new(centres: &[Centre]) -> Self {
        let centres = centres
            .iter()
            .map(|centre| (centre.id.clone(), centre.clone()))
            .collect();
        Self {
            centres,
            agents: BTreeMap::new(),
            next: None,
            text: String::new(),
            span: None,
        }
    }

    /// Takes a record; gives the text of two hours when they are over.
    pub(super) fn take(&mut self, record: &Record) -> Option<String> {
        let mut block = None;
        let mut next = *self
            .next
            .get_or_insert((record.arrived / STEP).ceil() * STEP);
        while next <= record.arrived {
            block = block.or(self.block_before(next));
            self.scrape(next);
            next += STEP;
        }
        self.next = Some(next);
        if let Some(what) = &record.what
            && record.arrived - what.t < LIVE
        {
            self.learn(record.arrived, what);
        }
        block
    }

    /// What was scraped since the last block.
    pub(super) fn rest(&mut self) -> Option<String> {
        let text = std::mem::take(&mut self.text);
        (!text.is_empty()).then(|| text + "# EOF\n")
    }

    fn block_before(&mut self, next: f64) -> Option<String> {
        let is_new = next % 7200.0 < STEP;
        if is_new { self.rest() } else { None }
    }

    fn learn(&mut self, arrived: f64, what: &What) {
        let agent = self
            .agents
            .entry((what.centre.clone(), what.agent.clone()))
            .or_default();
        match &what.kind {
            Kind::Measured(measured) => {
                agent.reported = arrived;
                agent.goodbye = false;
                measure(&mut agent.values, measured);
            }
            Kind::Hello(_) => {
                agent.reported = arrived;
                agent.goodbye = false;
            }
            Kind::Goodbye(_) => agent.goodbye = true,
            Kind::ReversePing(_) => {}
            Kind::Printer(printer) => {
                let ok = printer.reachable
                    && printer.conditions.iter().all(|word| word.ends_with("_low"));
                let labels = format!(",printer=\"{}\"", printer.device);
                agent.values.insert(("printer_ok", labels), f64::from(ok));
            }
        }
    }

    fn scrape(&mut self, at: f64) {
        let first = self.span.map_or(at, |span| span.0);
        self.span = Some((first, at));
        let text = &mut self.text;
        for (id, centre) in &self.centres {
            let open = f64::from(centre.calendar.is_open(at));
            let _ = writeln!(
                text,
                "centre_open{{centre=\"{id}\",isp=\"{}\"}} {open} {at}",
                centre.isp
            );
        }
        for ((id, name), agent) in &mut self.agents {
            let isp = self.centres.get(id).map_or("", |centre| &centre.isp);
            let own = format!("centre=\"{id}\",isp=\"{isp}\",device=\"{name}\"");
            let up = at - agent.reported <= SILENT && !agent.goodbye;
            let goodbye = f64::from(agent.goodbye);
            let _ = writeln!(text, "agent_up{{{own}}} {} {at}", f64::from(up));
            let _ = writeln!(text, "agent_goodbye{{{own}}} {goodbye} {at}");
            if let Some(active) = agent.values.get(&("agent_active", String::new())) {
                let _ = writeln!(text, "agent_active{{{own}}} {active} {at}");
            }
            if !up {
                agent.values.retain(|series, _| series.0 == "agent_active");
            }
            for ((metric, labels), value) in &agent.values {
                if *metric != "agent_active" {
                    let _ = writeln!(text, "{metric}{{{own}{labels}}} {value} {at}");
                }
            }
        }
    }
}

/// The newest values of a machine.
fn measure(values: &mut BTreeMap<Series, f64>, measured: &Measured) {
    links(values, &measured.links);
    for dns in &measured.dns {
        let ok = f64::from(dns.outcome == DnsWord::Answered);
        values.insert(("dns_ok", format!(",resolver=\"{}\"", dns.resolver)), ok);
    }
    for service in &measured.services {
        let label = format!(",service=\"{}\"", service.service);
        let ok = f64::from(service.outcome == ServiceWord::Answered);
        values.insert(("service_ok", label.clone()), ok);
        for (outcome, word) in [
            (ServiceWord::CertificateExpired, "certificate_expired"),
            (ServiceWord::Captive, "captive"),
        ] {
            let is = f64::from(service.outcome == outcome);
            values.insert(
                ("service_outcome", format!("{label},outcome=\"{word}\"")),
                is,
            );
        }
        if let Some(total) = service.total_ms {
            values.insert(("service_seconds", label), total / 1000.0);
        }
    }
    if !measured.mtu.is_empty() {
        let ok = f64::from(measured.mtu.iter().any(|mtu| mtu.ok));
        values.insert(("mtu_ok", String::new()), ok);
    }
    if let Some(errors) = measured.nic.as_ref().and_then(|nic| nic.errors) {
        values.insert(("nic_errors", String::new()), errors);
    }
    let Some(host) = &measured.host else { return };
    for (metric, value) in [
        ("cpu_usage_ratio", host.cpu),
        ("clock_offset_seconds", host.clock_offset_s),
        ("agent_active", host.active_user.map(f64::from)),
    ] {
        if let Some(value) = value {
            values.insert((metric, String::new()), value);
        }
    }
}

fn links(values: &mut BTreeMap<Series, f64>, links: &[LinkRound]) {
    let mut sums: BTreeMap<&'static str, (u32, u32, Option<f64>)> = BTreeMap::new();
    for link in links {
        let Some(segment) = segment(link) else {
            continue;
        };
        let sum = sums.entry(segment).or_default();
        sum.0 += link.sent;
        sum.1 += link.received;
        sum.2 = link.rtt_ms.or(sum.2);
    }
    for (segment, (sent, received, rtt)) in sums {
        let label = format!(",segment=\"{segment}\"");
        if sent > 0 {
            let loss = 1.0 - f64::from(received) / f64::from(sent);
            values.insert(("link_loss_ratio", label.clone()), loss);
        }
        if let Some(rtt) = rtt {
            values.insert(("link_rtt_seconds", label), rtt / 1000.0);
        }
    }
}

fn segment(link: &LinkRound) -> Option<&'static str> {
    match (link.segment, link.hop) {
        (Place::Lan, _) => Some("lan"),
        (Place::Gateway, _) => Some("gateway"),
        (Place::Hop, Some(1)) => Some("line"),
        (Place::Hop, _) => Some("isp"),
        (Place::Collector, _) => Some("collector"),
        (Place::Anchor, _) => Some("anchor"),
        (Place::Other, _) => None,
    }
}
