//! What a device measures of its ways and of what lies at their ends, put together from its series in
//! one pass. Bounded: a device that names more than a plan can ask for is not shown whole.

use std::collections::HashMap;

use proto::limits::{RESOLVERS_PER_PLAN, SERVICES_PER_PLAN, TARGETS_PER_PLAN};

use super::{Detail, Link, Resolver, Route, Service};
use crate::latest::{Device, Slot};

/// Links, routes, services and resolvers.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) links: Vec<Link>,
    pub(super) routes: Vec<Route>,
    pub(super) services: Vec<Service>,
    pub(super) resolvers: Vec<Resolver>,
}

/// The machine's own resolvers come beside those of the plan.
const MOST_RESOLVERS: usize = 2 * RESOLVERS_PER_PLAN;

/// Targets whose ways are shown.
const MOST_ROUTES: usize = 8;

impl Measured {
    pub(super) fn by(device: &Device, now_unix_ms: i64, detail: Detail) -> Self {
        let mut measured = Self::default();
        let mut positions: HashMap<(&str, &str), usize> = HashMap::new();
        for slot in device.live() {
            match slot.series().metric.labels {
                ["segment", "target", ..] => {
                    let key = (slot.label("segment"), slot.label("target"));
                    let links = &mut measured.links;
                    if links.len() == TARGETS_PER_PLAN && !positions.contains_key(&key) {
                        continue;
                    }
                    let position = *positions.entry(key).or_insert_with(|| {
                        links.push(Link::to(key.0, key.1));
                        links.len() - 1
                    });
                    if let Some(link) = links.get_mut(position) {
                        link.take(slot, now_unix_ms, detail);
                    }
                }
                ["target", ..] => {
                    let name = slot.label("target");
                    if let Some(route) = named(&mut measured.routes, MOST_ROUTES, name) {
                        route.take(slot);
                    }
                }
                ["service", ..] => {
                    let name = slot.label("service");
                    if let Some(service) = named(&mut measured.services, SERVICES_PER_PLAN, name) {
                        service.take(slot);
                    }
                }
                ["resolver", ..] => {
                    let name = slot.label("resolver");
                    if let Some(resolver) = named(&mut measured.resolvers, MOST_RESOLVERS, name) {
                        resolver.take(slot);
                    }
                }
                _ => {}
            }
        }
        measured.settle();
        measured
    }

    fn settle(&mut self) {
        Link::settle(&mut self.links);
        self.routes.iter_mut().for_each(Route::settle);
        self.routes.sort_by(|a, b| a.target.cmp(&b.target));
        self.services.sort_by(|a, b| a.name.cmp(&b.name));
        self.resolvers.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

/// When a source last told of something. What it does not tell any more is true no longer, while the live
/// view keeps it for some runs more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Run(Option<i64>);

/// Whether a value is of the newest run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OfRun {
    /// Of a newer one than what came before: that is void.
    Newer,
    Same,
    Older,
}

impl Run {
    /// Values of one run are closer together than this, those of two farther apart.
    const WITHIN_MS: i64 = 900;

    pub(super) fn sees(&mut self, slot: &Slot) -> OfRun {
        let time = slot.time_unix_ms;
        let apart = self.0.map(|known| time.saturating_sub(known));
        match apart {
            Some(apart) if apart < -Self::WITHIN_MS => OfRun::Older,
            Some(apart) if apart <= Self::WITHIN_MS => OfRun::Same,
            _ => {
                self.0 = Some(time);
                OfRun::Newer
            }
        }
    }
}

/// What goes by a name.
trait Named: Default {
    fn name(&mut self) -> &mut String;
}

impl Named for Route {
    fn name(&mut self) -> &mut String {
        &mut self.target
    }
}

impl Named for Service {
    fn name(&mut self) -> &mut String {
        &mut self.name
    }
}

impl Named for Resolver {
    fn name(&mut self) -> &mut String {
        &mut self.name
    }
}

/// The one of that name, made when it is new. `None` when there are too many.
fn named<'l, T: Named>(list: &'l mut Vec<T>, most: usize, name: &str) -> Option<&'l mut T> {
    if let Some(place) = list.iter_mut().position(|known| known.name() == name) {
        return list.get_mut(place);
    }
    if list.len() == most {
        return None;
    }
    let mut new = T::default();
    name.clone_into(new.name());
    list.push(new);
    list.last_mut()
}
