//! A few centres that measure as real ones do, minute by minute, and can be broken.

use crate::calendar::Centre;
use crate::event::{Event, Incident};
use crate::record::{
    DnsRound, DnsWord, HostState, Kind, LinkRound, Measured, Medium, MtuRound, NicState, Place,
    Record, ReversePing, ServiceRound, ServiceWord, What,
};

/// Tuesday, 24 November 2026, 09:00 in Việt Nam.
pub(super) const NINE: f64 = 1_795_485_600.0;

pub(super) fn centre(id: &str, area: &str, isp: &str) -> Centre {
    Centre {
        id: id.to_owned(),
        name: id.to_owned(),
        area: area.to_owned(),
        isp: isp.to_owned(),
        ..Centre::default()
    }
}

fn echo(segment: Place, hop: Option<u8>, rtt_ms: f64) -> LinkRound {
    LinkRound {
        segment,
        target: format!("{segment:?}{hop:?}"),
        hop,
        sent: 25,
        received: 25,
        rtt_ms: Some(rtt_ms),
        rtt_p95_ms: Some(rtt_ms * 1.5),
    }
}

/// A machine on which all is well.
pub(super) fn well() -> Measured {
    let service = |name: &str| ServiceRound {
        service: name.to_owned(),
        outcome: ServiceWord::Answered,
        total_ms: Some(300.0),
        attempts: 5,
        ..ServiceRound::default()
    };
    let resolver = |name: &str| DnsRound {
        resolver: name.to_owned(),
        outcome: DnsWord::Answered,
        ms: Some(12.0),
    };
    Measured {
        links: vec![
            echo(Place::Lan, None, 0.4),
            echo(Place::Gateway, None, 0.6),
            echo(Place::Hop, Some(1), 4.0),
            echo(Place::Hop, Some(2), 6.0),
            echo(Place::Anchor, None, 20.0),
            echo(Place::Collector, None, 18.0),
        ],
        dns: vec![resolver("isp"), resolver("public")],
        services: vec![service("portal"), service("login"), service("records")],
        mtu: vec![MtuRound {
            target: "anchor-1".to_owned(),
            ok: true,
        }],
        nic: Some(NicState {
            up: Some(true),
            medium: Some(Medium::Wired),
            ..NicState::default()
        }),
        host: Some(HostState {
            cpu: Some(0.2),
            lag_ms: Some(3.0),
            active_user: Some(true),
            rx_bps: Some(100_000.0),
            clock_offset_s: Some(0.1),
            ..HostState::default()
        }),
    }
}

/// Nothing at these places answers, nor anything that needs them.
pub(super) fn silence(measured: &mut Measured, places: &[(Place, Option<u8>)]) {
    for link in &mut measured.links {
        if places.contains(&(link.segment, link.hop)) {
            link.received = 0;
            link.rtt_ms = None;
            link.rtt_p95_ms = None;
        }
    }
}

/// Nobody beyond the router answers.
pub(super) fn line_is_dead(measured: &mut Measured) {
    let beyond = [
        (Place::Hop, Some(1)),
        (Place::Hop, Some(2)),
        (Place::Anchor, None),
        (Place::Collector, None),
    ];
    silence(measured, &beyond);
    services_fail(measured);
}

/// The router and all behind it are gone.
pub(super) fn gateway_is_dead(measured: &mut Measured) {
    line_is_dead(measured);
    silence(measured, &[(Place::Gateway, None)]);
}

fn services_fail(measured: &mut Measured) {
    for asked in &mut measured.dns {
        asked.outcome = DnsWord::Timeout;
        asked.ms = None;
    }
    for service in &mut measured.services {
        service.outcome = ServiceWord::DnsFailed;
        service.failed = service.attempts;
        service.total_ms = None;
    }
    measured.mtu.clear();
}

/// One record of one machine.
pub(super) fn said(centre: &str, agent: &str, t: f64, arrived: f64, kind: Kind) -> Record {
    Record {
        arrived,
        what: Some(What {
            t,
            centre: centre.to_owned(),
            agent: agent.to_owned(),
            kind,
        }),
    }
}

/// Echoes to a centre's public address, once a minute.
pub(super) fn town_is_pinged(centre: &str, from: f64, to: f64, answers: bool) -> Vec<Record> {
    let mut all = Vec::new();
    let mut t = from;
    while t < to {
        let ping = ReversePing {
            sent: 5,
            received: if answers { 5 } else { 0 },
        };
        all.push(said(centre, "", t, t + 1.0, Kind::ReversePing(ping)));
        t += 60.0;
    }
    all
}

/// Minutes of a centre's machines.
pub(super) fn minutes(
    centre: &str,
    agents: usize,
    from: f64,
    to: f64,
    breaks: impl Fn(&str, f64, &mut Measured),
) -> Vec<Record> {
    let mut all = Vec::new();
    for agent in 0..agents {
        let name = format!("pc-{agent:02}");
        let mut t = from + 7.0 * f64::from(u32::try_from(agent % 8).unwrap_or(0)) + 1.0;
        while t < to {
            let mut measured = well();
            breaks(&name, t, &mut measured);
            all.push(said(
                centre,
                &name,
                t,
                t + 2.0,
                Kind::Measured(Box::new(measured)),
            ));
            t += 60.0;
        }
    }
    all
}

/// Whatever was measured in this time arrived so late.
pub(super) fn delayed(all: &mut [Record], centre: &str, from: f64, to: f64, until: f64) {
    let mut late = until;
    for record in all {
        let Some(what) = &record.what else { continue };
        if what.centre == centre && what.t >= from && what.t < to {
            record.arrived = late;
            late += 0.1;
        }
    }
}

/// All that is said of these records, in the order of their arrival, and half an hour on.
pub(super) fn replay(centres: &[Centre], mut all: Vec<Record>) -> (Vec<Event>, Vec<Incident>) {
    all.sort_by(|one, other| one.arrived.total_cmp(&other.arrived));
    let mut engine = crate::engine::Engine::new(centres.to_vec());
    let end = all.last().map_or(0.0, |last| last.arrived);
    let mut events: Vec<Event> = all.iter().flat_map(|record| engine.take(record)).collect();
    let mut now = end;
    while now < end + 3_600.0 {
        now += 5.0;
        events.extend(engine.pass(now));
    }
    (events, engine.incidents())
}
