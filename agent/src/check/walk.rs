//! The walk outwards: what is measured, in which order, and where it stops because nothing further out can
//! be reached. What does not depend on each other is measured at the same time and told in order.

use std::sync::Arc;
use std::time::Duration;

use diagnosis::evidence::Place;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::lacking::Lacking;
use super::links;
use super::load::Load;
use super::measured::Measured;
use super::screen::Screen;
use super::seen::Seen;
use super::step::{Figures, Kind, Mark, Step};
use super::tools::Tools;
use super::uses;
use crate::os::{self, Interface};

/// For what ends at the deadline to say so.
const GRACE: Duration = Duration::from_millis(500);

/// Walks, and returns what was seen.
pub(super) async fn outwards(tools: Tools, screen: &mut Screen) -> Seen<'_> {
    let load = Load::watch();
    let tools = Arc::new(tools);
    let mut seen = Seen::new(screen);
    for limitation in tools.surroundings.limitations.clone() {
        seen.limited(Lacking::Files, limitation);
    }
    if card(&tools, &mut seen) {
        let tracing = start(&tools, |tools| async move { links::hops(&tools).await });
        if let Some(gateways) = nearest(&tools, &mut seen).await {
            further(&tools, &mut seen, gateways, tracing).await;
        } else {
            tracing.abort();
        }
    }
    let host = &mut seen.evidence.host;
    (host.cpu, host.lag) = load.end();
    damaged_frames(&tools, &mut seen);
    seen
}

/// Looks at the card. Says whether there is any use in going on.
fn card(tools: &Tools, seen: &mut Seen) -> bool {
    let around = &tools.surroundings;
    seen.evidence.nic = around.nic();
    seen.evidence.has_route = Some(around.has_route);
    let card = around.card.as_ref();
    let up = card.and_then(|card| card.up);
    let (mark, outcome) = match (card, up) {
        (Some(_), Some(false)) => (Mark::Bad, "down"),
        (None, _) if !around.has_route => (Mark::Bad, "absent"),
        _ if !around.has_route => (Mark::Bad, "no_route"),
        (Some(_), Some(true)) => (Mark::Good, "up"),
        _ => (Mark::Neither, "unknown"),
    };
    let name = card.map(|card| card.name.clone()).unwrap_or_default();
    let figures = Figures {
        speed_bits_per_second: card
            .filter(|card| card.up == Some(true))
            .and_then(|card| card.speed),
        signal_dbm: around.signal,
        ..Figures::default()
    };
    seen.tell(Step::new(Kind::Card, name, mark, outcome, figures));
    mark != Mark::Bad
}

/// Looks at gateways and neighbours. The gateways, unless there is no use in going on.
async fn nearest(tools: &Tools, seen: &mut Seen<'_>) -> Option<Vec<Measured>> {
    seen.screen.pending(Kind::Gateway);
    let asked = Instant::now();
    let nearest = links::nearest(tools).await;
    let (gateways, mut neighbours): (Vec<_>, Vec<_>) = nearest
        .into_iter()
        .partition(|one| one.link.place == Place::Gateway);
    seen.show(&neighbours, Mark::Neither);
    let is_there = |one: &Measured| one.link.answers() || one.link.present == Some(true);
    if gateways.is_empty() || gateways.iter().any(is_there) {
        seen.keep(&neighbours);
        return Some(gateways);
    }
    // One that answers nobody may forward all the same.
    let anchors = links::anchors_answer(tools).await;
    if anchors.iter().any(|one| one.link.answers()) {
        seen.keep(&neighbours);
        return Some(gateways);
    }
    links::look_again(tools, &mut neighbours, asked).await;
    seen.keep(&neighbours);
    seen.links(&gateways, Mark::Bad);
    seen.links(&anchors, Mark::Bad);
    None
}

/// Everything further out, started at once and told in the order of the way.
async fn further(
    tools: &Arc<Tools>,
    seen: &mut Seen<'_>,
    mut gateways: Vec<Measured>,
    tracing: JoinHandle<Vec<Measured>>,
) {
    let names = start(tools, |tools| async move { uses::resolvers(&tools).await });
    let services = start(tools, |tools| async move { uses::services(&tools).await });
    let collector = start(tools, |tools| async move { uses::collector(&tools).await });
    seen.screen.pending(Kind::Line);
    let beyond = links::beyond(tools, &mut gateways, tracing).await;
    seen.beyond(&gateways, &beyond);
    seen.screen.pending(Kind::Resolver);
    let (resolvers, limitations) = by_then(tools, names).await.unwrap_or_default();
    seen.resolvers(resolvers);
    for limitation in limitations {
        seen.limited(Lacking::Resolver, limitation);
    }
    seen.screen.pending(Kind::Service);
    let services = by_then(tools, services).await.unwrap_or_default();
    let login_page = uses::login_page(tools, &services).await;
    seen.services(services.into_iter().chain(login_page).collect());
    seen.large_packets(&beyond);
    if let Some(limitation) = tools.trust.limitation() {
        seen.limited(Lacking::Authorities, limitation);
    }
    if let Some(Some(used)) = by_then(tools, collector).await {
        seen.collector(&used, |ip| tools.surroundings.is_near(ip, &tools.root));
    }
}

/// What was measured in time. All that is measured ends by itself then; this is in case it does not.
async fn by_then<T>(tools: &Tools, measuring: JoinHandle<T>) -> Option<T> {
    let by_then = tools.deadline + GRACE;
    timeout_at(by_then, measuring).await.ok()?.ok()
}

fn start<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    tools: &Arc<Tools>,
    measure: impl FnOnce(Arc<Tools>) -> F,
) -> JoinHandle<T> {
    tokio::spawn(measure(Arc::clone(tools)))
}

/// Notes frames that were damaged since the beginning.
fn damaged_frames(tools: &Tools, seen: &mut Seen) {
    let Some(nic) = &mut seen.evidence.nic else {
        return;
    };
    let damaged = |card: &Interface| card.received.errors + card.transmitted.errors;
    let before = tools.surroundings.card.as_ref().map(damaged);
    let now = os::interfaces(&tools.root).unwrap_or_default();
    let now = now.iter().find(|card| card.name == nic.interface);
    if let (Some(before), Some(now)) = (before, now.map(damaged)) {
        nic.errors = now.saturating_sub(before);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proto::plan::{Plan, Segment, Service, Target};

    use super::super::surroundings::Surroundings;
    use super::*;

    /// A machine that knows of nobody but itself.
    fn alone() -> Surroundings {
        let mut surroundings = Surroundings::default();
        surroundings.has_route = true;
        surroundings
    }

    #[tokio::test]
    async fn everything_ends_by_the_deadline() {
        // Takes connections, and never says a word.
        let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let service = |number| Service {
            name: format!("mute-{number}"),
            url: format!("http://{}/", mute.local_addr().unwrap()),
            expect: None,
            network: None,
        };
        let plan = Plan {
            services: (0..3).map(service).collect(),
            targets: vec![Target {
                name: "here".into(),
                address: "127.0.0.1".into(),
                segment: Segment::Core,
                network: None,
            }],
            ..Plan::default()
        };
        let began = Instant::now();
        let tools = Tools::with(plan, alone(), began + Duration::from_secs(2)).await;
        let mut screen = Screen::none();
        let seen = outwards(tools, &mut screen).await;
        let took = began.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?}");
        let mute = seen.steps.iter().filter(|step| step.outcome == "timeout");
        assert_eq!(mute.count(), 3, "{:?}", seen.steps);
    }
}
