//! One centre: what is known of it, its devices, and the links they measure.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use proto::metrics as catalogue;
use proto::thresholds::RTT;

use super::asked::Things;
use super::path::{Picture, Start, outcome_name, target_name};
use super::{
    Page, Visitor, alarm, blind, fact, loss_recent, mark, morning, not_found, outside, place_name,
    presence_badge, segment_name, standing_texts, top,
};
use crate::calendar::Hours;
use crate::latest::Presence;
use crate::web::Web;
use crate::web::format;
use crate::web::lang::{Texts, fill, verdict};
use crate::web::view::{
    CentreNow, DeviceNow, Link, Path as Way, Resolver, Service, Standing, judge,
};

/// `GET /centres/{id}`
pub(in crate::web) async fn show(
    State(web): State<Arc<Web>>,
    id: Result<Path<String>, PathRejection>,
    visitor: Visitor,
) -> Response {
    let found = id.ok().and_then(|Path(id)| web.centre_now(&id));
    let Some((now, devices)) = found else {
        return not_found(&web, &visitor);
    };
    let texts = visitor.texts();
    let asked = web.asked_in(&now.centre.id);
    let waiting = web.waiting_in(&now.centre.id);
    let things = Things {
        web: &web,
        visitor: &visitor,
        asked: &asked,
        scout: web.scout_of(&now.centre.id),
        waiting: &waiting,
    };
    let (standing, meaning) = standing_texts(visitor.language, now.standing);
    let attention = html! {
        p.verdict.(now.standing.code()) {
            (mark(now.standing))
            b { (standing) }
            @match reasons(&web, &visitor, &now) {
                Some(reasons) => { ": " (reasons) }
                None => { ". " (meaning) }
            }
        }
    };
    let gaps = blind::of_centre(&web, &visitor, &now.centre.id).await;
    let body = html! {
        h1 { (now.centre.name) }
        (alarm::open(&web, &visitor, Some(now.centre.id.as_str())))
        (morning::needs(&web, &visitor, &now.centre.id))
        // What is the worse news comes first.
        @if now.standing <= Standing::Poor { (attention) (things.urgent()) } @else { (things.urgent()) (attention) }
        (facts(&web, &visitor, &now))
        (things.news())
        (gaps)
        @if devices.is_empty() { (no_devices(texts, &now)) }
        @if now.counts.live > 0 { (picture(&web, &visitor, &now, &devices)) }
        (things.list())
        (things.waiting())
        @if !devices.is_empty() { (device_list(&web, &visitor, &devices)) }
        @if now.counts.live > 0 { (link_list(&visitor, &devices)) }
    };
    let page = Page {
        web: &web,
        visitor: &visitor,
        title: &now.centre.name,
        trail: &[("/".to_owned(), top(&web, &visitor))],
        body,
    };
    page.respond()
}

/// What of this very centre deserves attention, in figures.
fn reasons(web: &Web, visitor: &Visitor, now: &CentreNow) -> Option<String> {
    let (texts, language) = (visitor.texts(), visitor.language);
    let mut reasons = Vec::new();
    if now.is_dark() && now.counts.silent > 0 {
        let counts = [now.counts.silent, now.counts.goodbye].map(|count| count.to_string());
        let [silent, off] = counts.each_ref().map(String::as_str);
        reasons.push(fill(texts.silent_among_off, &[silent, off]));
    } else if now.counts.silent > 0 && now.standing < Standing::Unknown {
        reasons.push(format!("{} {}", now.counts.silent, texts.presence_silent));
    }
    if (now.standing == Standing::Lost || now.is_dark())
        && let Some(at) = now.last_report
    {
        reasons.push(format!(
            "{} {}",
            texts.last_report,
            format::ago(language, (web.now)(), at)
        ));
    }
    if let Some(loss) = &now.loss
        && loss.standing != Standing::Good
    {
        let ratio = format::percent(language, loss.ratio);
        let segment = segment_name(texts, &loss.segment);
        reasons.push(format!("{} {ratio} ({segment})", texts.loss));
    }
    for (delay, segment) in [
        (now.gateway_delay, texts.segment_gateway),
        (now.line_delay, texts.segment_line),
    ] {
        if let Some(delay) = delay.filter(|delay| judge(&RTT, *delay) != Standing::Good) {
            let delay = format::seconds(language, delay);
            reasons.push(format!("{} {delay} ({segment})", texts.delay));
        }
    }
    if let Some(word) = &now.names_fail {
        reasons.push(fill(texts.names_fail, &[outcome_name(texts, word)]));
    }
    if let Some(target) = &now.unanswered {
        reasons.push(format!("{target} {}", texts.no_answer));
    }
    if now.is_dark() && now.counts.silent == 0 {
        reasons.push(texts.all_off_while_open.to_owned());
    }
    (!reasons.is_empty()).then(|| reasons.join(" · "))
}

fn facts(web: &Web, visitor: &Visitor, now: &CentreNow) -> Markup {
    let (texts, centre) = (visitor.texts(), &now.centre);
    let open = match now.open {
        Some(true) => texts.open,
        Some(false) => texts.closed,
        None => texts.hours_unset,
    };
    let hours = centre
        .hours
        .as_ref()
        .map(|hours| hours_in_words(texts, hours));
    html! {
        dl.facts {
            @if let Some(ready) = morning::of_centre(web, visitor, &centre.id) {
                (fact(visitor.say(verdict::MORNING), ready))
            }
            (fact(texts.hours, html! { @if let Some(hours) = hours { (hours) " · " } (open) }))
            (outside::facts(web, visitor, &centre.id))
            @if let Some(area) = &centre.area { (fact(texts.area, area)) }
            @if let Some(isp) = &centre.isp { (fact(texts.isp, isp)) }
            @if let (Some(north), Some(east)) = (centre.latitude, centre.longitude) {
                (fact(texts.position, format!("{north:.4}, {east:.4}")))
            }
            @if let Some(notes) = &centre.notes { (fact(texts.notes, notes)) }
        }
    }
}

/// `T2-T6 07:30-11:30 13:30-17:00`
fn hours_in_words(texts: &Texts, hours: &Hours) -> String {
    let mut days = hours.days();
    let short = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    for (code, name) in short.into_iter().zip(texts.weekdays.split(' ')) {
        days = days.replace(code, name);
    }
    format!(
        "{} {}",
        days.replace('-', "–"),
        hours.hours().replace('-', "–")
    )
}

fn no_devices(texts: &Texts, now: &CentreNow) -> Markup {
    html! {
        section.empty {
            h2 { (texts.no_devices_title) }
            p { (texts.no_devices_what) }
            pre { code { "dawnwatch-collector token create --centre " (now.centre.id) } }
            p { (texts.no_devices_next) }
        }
    }
}

/// The path as the middle of all devices sees it.
fn picture(web: &Web, visitor: &Visitor, now: &CentreNow, devices: &[DeviceNow]) -> Markup {
    let texts = visitor.texts();
    let links = Link::middle(devices.iter().flat_map(|device| &device.links));
    let services = Service::middle(devices.iter().flat_map(|device| &device.services));
    let resolvers = Resolver::middle(devices.iter().flat_map(|device| &device.resolvers));
    let mut routes: Vec<_> = devices.iter().flat_map(|device| &device.routes).collect();
    // One of each target, of those that swallow large packets if there are such.
    routes.sort_by_key(|route| (&route.target, !route.black_hole));
    routes.dedup_by_key(|route| &route.target);
    let standing = if now.counts.silent > 0 {
        Standing::Notice
    } else {
        Standing::Good
    };
    let live = now.counts.live;
    let picture = Picture {
        web,
        visitor,
        start: Start {
            name: texts.machines.to_owned(),
            standing,
            lines: vec![fill(texts.machines_measure, &[&live.to_string()])],
        },
        path: Way::of(&links),
        routes,
        services: &services,
        resolvers: &resolvers,
        devices: live,
        fails: None,
    };
    picture.show()
}

fn device_list(web: &Web, visitor: &Visitor, devices: &[DeviceNow]) -> Markup {
    let texts = visitor.texts();
    // What needs a look comes first; names decide the rest.
    let mut devices: Vec<_> = devices.iter().collect();
    devices.sort_by_key(|device| match device.presence {
        Presence::Silent => 0,
        Presence::Never => 1,
        Presence::Live => 2,
        Presence::Goodbye => 3,
    });
    html! {
        section {
            h2 { (texts.devices) }
            table.cards {
                thead { tr {
                    th scope="col" { (texts.column_device) }
                    th scope="col" { (texts.column_system) }
                    th scope="col" { (texts.column_memory) }
                    th scope="col" { (texts.column_disk) }
                    th scope="col" { (texts.segment_gateway) }
                } }
                tbody { @for device in devices { (device_row(web, visitor, device)) } }
            }
        }
    }
}

fn device_row(web: &Web, visitor: &Visitor, device: &DeviceNow) -> Markup {
    let (texts, language) = (visitor.texts(), visitor.language);
    let key = &device.key;
    let percent = |value: Option<f64>| value.map(|value| format::percent(language, value));
    let memory = device
        .value(&catalogue::DEVICE_MEMORY_AVAILABLE)
        .map(|bytes| format::bytes(language, bytes));
    let gateway = device.links.iter().find(|link| link.is_gateway());
    html! {
        tr {
            th scope="row" {
                a href={ "/centres/" (key.centre) "/devices/" (key.device) } { (key.device) }
                " " (presence_badge(texts, device.presence))
                @if let Some(at) = device.last_report {
                    small { (texts.last_report) " " (format::ago(language, (web.now)(), at)) }
                }
                @if let Some(offset) = device.wrong_clock() {
                    small.notice { (super::device::wrong_clock(language, offset)) }
                }
            }
            @if device.presence == Presence::Live {
                (cell(texts.column_system, percent(device.value(&catalogue::DEVICE_CPU_USAGE))))
                (cell(texts.column_memory, memory))
                (cell(texts.column_disk, percent(fullest_disk(device))))
                (cell(texts.segment_gateway, gateway.map(|link| delay_and_loss(visitor, link))))
            } @else {
                td.none colspan="4" {}
            }
        }
    }
}

fn cell(label: &str, value: Option<impl maud::Render>) -> Markup {
    html! {
        td data-label=(label) {
            @match value { Some(value) => (value), None => "–" }
        }
    }
}

/// Share in use of the file system with the least space left.
fn fullest_disk(device: &DeviceNow) -> Option<f64> {
    let used = device
        .of_metric(&catalogue::DEVICE_FILESYSTEM_SIZE)
        .filter(|size| size.value > 0.0)
        .filter_map(|size| {
            let free = device.beside(size, &catalogue::DEVICE_FILESYSTEM_AVAILABLE)?;
            Some(1.0 - free / size.value)
        });
    used.reduce(f64::max)
}

fn delay_and_loss(visitor: &Visitor, link: &Link) -> String {
    let (texts, language) = (visitor.texts(), visitor.language);
    if link.never_answered() {
        return texts.no_answer.to_owned();
    }
    let delay = link
        .rtt_median
        .map(|delay| format::seconds(language, delay));
    let loss = link
        .recent_loss
        .map(|loss| format!("{} {}", texts.loss, format::percent(language, loss)));
    let known: Vec<_> = [delay, loss].into_iter().flatten().collect();
    known.join(", ")
}

/// The links to one target, from all devices that measure it.
#[derive(Default)]
struct Shared<'a> {
    links: Vec<&'a Link>,
}

impl Shared<'_> {
    fn fold(&self, of: fn(&Link) -> Option<f64>, with: fn(f64, f64) -> f64) -> Option<f64> {
        self.links.iter().filter_map(|link| of(link)).reduce(with)
    }

    fn median(&self) -> Option<f64> {
        let mut delays: Vec<_> = self
            .links
            .iter()
            .filter_map(|link| link.rtt_median)
            .collect();
        delays.sort_by(f64::total_cmp);
        delays.get(delays.len() / 2).copied()
    }
}

fn link_list(visitor: &Visitor, devices: &[DeviceNow]) -> Markup {
    let texts = visitor.texts();
    let mut shared: BTreeMap<(usize, &str, &str), Shared<'_>> = BTreeMap::new();
    for link in devices.iter().flat_map(|device| &device.links) {
        let key = (link.distance(), link.segment.as_str(), link.target.as_str());
        shared.entry(key).or_default().links.push(link);
    }
    let over_tcp = devices
        .iter()
        .flat_map(|device| &device.links)
        .any(Link::is_over_tcp);
    html! {
        section {
            h2 { (texts.links) }
            @if shared.is_empty() {
                p { (texts.links_none) }
            } @else {
                table.cards {
                    thead { tr {
                        th scope="col" { (texts.column_target) }
                        th scope="col" { (texts.column_answer) }
                        th scope="col" { (texts.jitter) }
                        th scope="col" { (texts.column_loss) small { (loss_recent(texts)) } }
                        th scope="col" { (texts.devices) }
                    } }
                    tbody {
                        @for ((_, segment, target), links) in &shared {
                            (link_row(visitor, segment, target, links))
                        }
                    }
                }
                @if over_tcp { p.note { (texts.over_tcp_note) } }
            }
        }
    }
}

fn link_row(visitor: &Visitor, segment: &str, target: &str, shared: &Shared<'_>) -> Markup {
    let (texts, language) = (visitor.texts(), visitor.language);
    let time = |value: Option<f64>| value.map(|value| format::seconds(language, value));
    let silent = shared.links.iter().all(|link| link.never_answered());
    let worst = shared.links.iter().filter_map(|link| link.standing()).min();
    let worst = worst.filter(|standing| *standing != Standing::Good);
    let loss = shared.fold(|link| link.recent_loss, f64::max);
    html! {
        tr class=[worst.map(Standing::code)] {
            th scope="row" {
                @if let Some(standing) = worst { (mark(standing)) }
                (place_name(visitor, segment)) " → " (shared.links.first().map_or(target, |link| target_name(texts, link)))
                @if shared.links.iter().any(|link| link.is_over_tcp()) {
                    " " span.badge.unknown { (texts.over_tcp) }
                }
            }
            @if silent {
                td data-label=(texts.column_answer) colspan="3" { (texts.no_answer) }
            } @else {
                td data-label=(texts.column_answer) {
                    b { (time(shared.median()).unwrap_or_else(|| "–".to_owned())) }
                    @if let (Some(low), Some(high)) = (
                        time(shared.fold(|link| link.rtt_min, f64::min)),
                        time(shared.fold(|link| link.rtt_max, f64::max)),
                    ) {
                        small { (texts.smallest) " " (low) ", " (texts.largest) " " (high) }
                    }
                }
                (cell(texts.jitter, time(shared.fold(|link| link.jitter, f64::max))))
                (cell(texts.column_loss, loss.map(|loss| format::percent(language, loss))))
            }
            (cell(texts.devices, Some(shared.links.len())))
        }
    }
}
