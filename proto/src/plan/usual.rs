//! What a service centre depends on unless somebody knows better: where the collector's settings name no
//! anchors and services of their own, and for `dawnwatch-agent check`, which has no plan.
//!
//! Public addresses only. The state's own network, the population and civil-status databases and a
//! province's procedure-handling system have addresses that differ from place to place: name them in the
//! settings.
//!
//! Deliberately absent: a page over plain HTTP by which systems look for captive portals. Some centres may
//! reach the portals and nothing else, and would have a service down that nobody is served with. A login in
//! a portal's stead shows by its certificate, which is another's.

use super::{Plan, Segment, Service, Target};

/// Public resolvers, which answer echoes from near everywhere.
const ANCHORS: [(&str, &str); 2] = [("cloudflare", "1.1.1.1"), ("google", "8.8.8.8")];

/// The portals that people of every centre are served with.
const SERVICES: [(&str, &str); 3] = [
    ("national-portal", "https://dichvucong.gov.vn/"),
    ("login", "https://xacthuc.dichvucong.gov.vn/"),
    ("vneid", "https://vneid.gov.vn/"),
];

impl Plan {
    /// The plan of a centre of which nothing special is known.
    #[must_use]
    pub fn of_a_service_centre() -> Self {
        Self {
            targets: usual_anchors(),
            services: usual_services(),
            ..Self::default()
        }
    }
}

fn usual_anchors() -> Vec<Target> {
    let anchor = |(name, address): (&str, &str)| Target {
        name: name.to_owned(),
        address: address.to_owned(),
        segment: Segment::Core,
        network: None,
    };
    ANCHORS.map(anchor).into()
}

fn usual_services() -> Vec<Service> {
    let service = |(name, url): (&str, &str)| Service {
        name: name.to_owned(),
        url: url.to_owned(),
        expect: None,
        network: None,
    };
    SERVICES.map(service).into()
}
