//! The province: every centre on one page, in groups, what needs attention first.
//!
//! Built for a phone at half past six: the groups that need nobody come last, and the counts on top
//! narrow the list to them. Pages hold [`PER_PAGE`] centres; `q`, `area`, `isp` and `standing` narrow
//! the list.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use proto::ids::slug;
use proto::thresholds::RTT;

use super::asked::matter_in_words;
use super::path::outcome_name;
use super::{
    Page, Visitor, alarm, loss_recent, mark, morning, query_of, segment_name, standing_texts, top,
};
use crate::registry::Centre;
use crate::web::Web;
use crate::web::format;
use crate::web::lang::fill;
use crate::web::view::{CentreNow, Counts, Failing, Standing, judge};

const PER_PAGE: usize = 100;

/// Above this many areas or ISPs, a list of them helps nobody: the search field finds them too.
const MOST_CHOICES: usize = 40;

/// Failing services, and centres of one of them, that have room above the list.
const MOST_FAILING: usize = 5;

/// `GET /`
pub(in crate::web) async fn show(State(web): State<Arc<Web>>, visitor: Visitor) -> Response {
    let texts = visitor.texts();
    let all = web.centres_now();
    let body = if all.is_empty() {
        no_centres(&web, &visitor)
    } else {
        let wanted: Vec<_> = all.iter().filter(|now| wants(&visitor, now)).collect();
        let chosen = visitor.parameter("standing");
        let listed: Vec<_> = wanted
            .iter()
            .filter(|now| chosen.is_empty() || now.standing.code() == chosen)
            .copied()
            .collect();
        html! {
            h1 {
                (top(&web, &visitor))
                @if !web.province.is_empty() { " " small { (texts.province_heading) } }
            }
            (alarm::stuck(&web, &visitor))
            (morning::teaser(&web, &visitor))
            (alarm::open(&web, &visitor, None))
            (overview(&visitor, &wanted))
            (failing_services(&visitor, &all))
            (troubles(&visitor, &all))
            (filter(&visitor, &all))
            @if listed.is_empty() {
                p.empty { (texts.nothing_matches) }
            } @else {
                (list(&web, &visitor, &listed))
            }
        }
    };
    let urgent = all.iter().filter(|now| now.standing < Standing::Notice);
    let title = match urgent.count() {
        0 => top(&web, &visitor).to_owned(),
        count => format!("({count}) {}", top(&web, &visitor)),
    };
    let page = Page {
        web: &web,
        visitor: &visitor,
        title: &title,
        trail: &[],
        body,
    };
    page.respond()
}

fn no_centres(web: &Web, visitor: &Visitor) -> Markup {
    let texts = visitor.texts();
    html! {
        h1 { (top(web, visitor)) }
        section.empty {
            h2 { (texts.no_centres_title) }
            p { (texts.no_centres_what) }
            pre { code { "dawnwatch-collector centre import centres.csv" } }
        }
    }
}

/// Whether the visitor's filter lets a centre through: every word in its name, area, ISP or id,
/// accents apart.
fn wants(visitor: &Visitor, now: &CentreNow) -> bool {
    let centre = &now.centre;
    let is = |parameter: &str, value: &Option<String>| {
        let wanted = visitor.parameter(parameter);
        wanted.is_empty() || value.as_deref() == Some(wanted)
    };
    if !is("area", &centre.area) || !is("isp", &centre.isp) {
        return false;
    }
    let words = visitor.parameter("q");
    if words.is_empty() {
        return true;
    }
    let texts = [
        Some(&centre.name),
        centre.area.as_ref(),
        centre.isp.as_ref(),
    ];
    // Each text by itself: a slug has a bound on its length.
    let mut searched: Vec<String> = texts
        .into_iter()
        .flatten()
        .filter_map(|t| slug(t))
        .collect();
    searched.push(centre.id.to_string());
    words
        .split_whitespace()
        .map(|word| slug(word).unwrap_or_else(|| word.to_lowercase()))
        .all(|word| searched.iter().any(|text| text.contains(&word)))
}

/// How many centres stand how, and how many devices are there.
fn overview(visitor: &Visitor, wanted: &[&CentreNow]) -> Markup {
    let texts = visitor.texts();
    let devices = wanted.iter().fold(Counts::default(), |sum, now| Counts {
        live: sum.live + now.counts.live,
        silent: sum.silent + now.counts.silent,
        goodbye: sum.goodbye + now.counts.goodbye,
        never: sum.never + now.counts.never,
    });
    let chosen = visitor.parameter("standing");
    let count_of = |standing| wanted.iter().filter(|now| now.standing == standing).count();
    html! {
        ul.tiles {
            @for standing in Standing::ALL {
                @let count = count_of(standing);
                @let (name, meaning) = standing_texts(visitor.language, standing);
                @if count > 0 {
                    li class=(standing.code()) title=(meaning) {
                        a href=(narrowed(visitor, standing)) aria-current=[(standing.code() == chosen).then_some("true")] { (mark(standing)) b { (count) } " " (name) }
                    }
                }
            }
        }
        p.sum {
            (texts.devices) ": " (number(visitor, devices.live)) " " (texts.presence_live)
            @for (count, name) in others(visitor, devices) {
                " · " (number(visitor, count)) " " (name)
            }
        }
    }
}

/// What fails in many centres at once, so that nobody looks for the fault at each.
fn failing_services(visitor: &Visitor, all: &[CentreNow]) -> Markup {
    let failing = Failing::in_any_of(all);
    let hidden = failing.len().saturating_sub(MOST_FAILING);
    html! {
        @for one in failing.iter().take(MOST_FAILING) { (failing_service(visitor, one)) }
        @if hidden > 0 { p.note { (fill(visitor.texts().others_too, &[&hidden.to_string()])) } }
    }
}

fn failing_service(visitor: &Visitor, failing: &Failing<'_>) -> Markup {
    let texts = visitor.texts();
    let standing = if failing.is_widespread() {
        Standing::Poor
    } else {
        Standing::Notice
    };
    let counts = [failing.fails_in.len(), failing.used_in].map(|count| count.to_string());
    let [fails_in, used_in] = counts.each_ref().map(String::as_str);
    let how = failing.outcomes.failures();
    let how = how.first().map(|(word, _)| outcome_name(texts, word));
    html! {
        p.verdict.(standing.code()) {
            (mark(standing))
            b { (fill(texts.portal_fails, &[failing.service, fails_in, used_in])) }
            @if failing.is_widespread() {
                @if let Some(how) = how { ": " (how) } ". "
                (texts.portal_wide)
            } @else {
                @for (centre, how) in failing.fails_in.iter().take(MOST_FAILING) {
                    " · " a href={ "/centres/" (centre.id) } { (centre.name) } ": " (outcome_name(texts, how))
                }
            }
        }
    }
}

/// Printers and the like that keep people from their work: one line, since each is a walk for somebody.
fn troubles(visitor: &Visitor, all: &[CentreNow]) -> Markup {
    let texts = visitor.texts();
    let mut places: Vec<_> = all.iter().filter(|now| !now.troubles.is_empty()).collect();
    places.sort_by_key(|now| (now.open == Some(false), Reverse(now.troubles.len())));
    let hidden = places.len().saturating_sub(MOST_FAILING);
    html! {
        @if !places.is_empty() {
            p.verdict.notice {
                (mark(Standing::Notice))
                b { (fill(texts.things_trouble, &[&places.len().to_string()])) }
                @for now in places.iter().take(MOST_FAILING) {
                    " · " a href={ "/centres/" (now.centre.id) } { (now.centre.name) }
                    @for trouble in now.troubles.iter().take(1) {
                        ": " (trouble.device) " " (matter_in_words(visitor.language, &trouble.matter))
                    }
                    @if now.troubles.len() > 1 { " (+" (now.troubles.len() - 1) ")" }
                }
                @if hidden > 0 { " · " (fill(texts.places_others_too, &[&hidden.to_string()])) }
            }
        }
    }
}

/// The list narrowed to one standing; the one it is narrowed to leads back to all.
fn narrowed(visitor: &Visitor, standing: Standing) -> String {
    let kept = ["q", "area", "isp"]
        .map(|name| (name, visitor.parameter(name)))
        .into_iter()
        .filter(|(_, value)| !value.is_empty());
    let code = standing.code();
    let standing = (visitor.parameter("standing") != code).then_some(("standing", code));
    format!("/{}", query_of(kept.chain(standing)))
}

fn number(visitor: &Visitor, count: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "counts of devices")]
    format::number(visitor.language, count as f64, 0)
}

/// Devices that are not live, by what they are instead.
fn others(visitor: &Visitor, counts: Counts) -> impl Iterator<Item = (usize, &'static str)> {
    let texts = visitor.texts();
    [
        (counts.silent, texts.presence_silent),
        (counts.goodbye, texts.presence_goodbye),
        (counts.never, texts.presence_never),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
}

fn filter(visitor: &Visitor, all: &[CentreNow]) -> Markup {
    let texts = visitor.texts();
    let choices = |of: fn(&Centre) -> Option<&String>| -> BTreeSet<&String> {
        all.iter().filter_map(|now| of(&now.centre)).collect()
    };
    let areas = choices(|centre| centre.area.as_ref());
    let isps = choices(|centre| centre.isp.as_ref());
    let filtered = ["q", "area", "isp", "standing"]
        .into_iter()
        .any(|name| !visitor.parameter(name).is_empty());
    html! {
        form.filter role="search" {
            input type="search" name="q" value=(visitor.parameter("q"))
                aria-label=(texts.filter_label) placeholder=(texts.filter_placeholder);
            (choice(visitor, "area", texts.filter_area, &areas))
            (choice(visitor, "isp", texts.filter_isp, &isps))
            button { (texts.filter_button) }
            @if filtered { a href="/" { (texts.filter_clear) } }
        }
    }
}

fn choice(visitor: &Visitor, name: &str, label: &str, values: &BTreeSet<&String>) -> Markup {
    let chosen = visitor.parameter(name);
    html! {
        @if (2..=MOST_CHOICES).contains(&values.len()) {
            select name=(name) aria-label=(label) {
                option value="" { (label) ": " (visitor.texts().filter_any) }
                @for value in values {
                    option selected[value.as_str() == chosen] { (value) }
                }
            }
        }
    }
}

fn list(web: &Web, visitor: &Visitor, wanted: &[&CentreNow]) -> Markup {
    let texts = visitor.texts();
    let pages = wanted.len().div_ceil(PER_PAGE);
    let page = visitor.parameter("page").parse().unwrap_or(1_usize);
    let page = page.clamp(1, pages.max(1));
    let shown: Vec<_> = wanted
        .iter()
        .skip((page - 1) * PER_PAGE)
        .take(PER_PAGE)
        .collect();
    html! {
        table.centres {
            // On a phone, where the headings have no room for it.
            caption { (texts.gateway_and_line) }
            thead { tr {
                th scope="col" { (texts.column_centre) }
                th scope="col" { (texts.column_devices) }
                th scope="col" { (texts.column_loss) small { (loss_recent(texts)) } }
                th scope="col" title=(texts.gateway_and_line) {
                    (texts.column_delay) small { (texts.column_delay_short) }
                }
            } }
            @for group in shown.chunk_by(|one, other| one.standing == other.standing) {
                @if let Some(standing) = group.first().map(|now| now.standing) {
                    @let (name, meaning) = standing_texts(visitor.language, standing);
                    tbody #(standing.code()) {
                        tr.group.(standing.code()) {
                            th colspan="4" scope="rowgroup" { (mark(standing)) (name) small { (meaning) } }
                        }
                        @for now in group { (row(web, visitor, now)) }
                    }
                }
            }
        }
        @if pages > 1 { (pager(visitor, page, pages)) }
    }
}

fn pager(visitor: &Visitor, page: usize, pages: usize) -> Markup {
    let texts = visitor.texts();
    let link = |to: usize| visitor.link_with("page", &to.to_string());
    let said = fill(texts.pages, &[&page.to_string(), &pages.to_string()]);
    html! {
        nav.pager aria-label=(said) {
            @if page > 1 { a rel="prev" href=(link(page - 1)) { "‹ " (texts.previous_page) } }
            span { (said) }
            @if page < pages { a rel="next" href=(link(page + 1)) { (texts.next_page) " ›" } }
        }
    }
}

fn row(web: &Web, visitor: &Visitor, now: &CentreNow) -> Markup {
    let (texts, language, centre) = (visitor.texts(), visitor.language, &now.centre);
    let place = [
        centre.area.as_deref(),
        centre.isp.as_deref(),
        now.open
            .map(|open| if open { texts.open } else { texts.closed }),
    ];
    let place: Vec<&str> = place.into_iter().flatten().collect();
    html! {
        tr {
            th scope="row" {
                a href={ "/centres/" (centre.id) } { (centre.name) }
                small { (place.join(" · ")) }
                @if let Some(word) = &now.names_fail {
                    small.poor { (fill(texts.names_fail, &[outcome_name(texts, word)])) }
                }
            }
            (devices_cell(web, visitor, now))
            @match &now.loss {
                Some(loss) => {
                    td class=[worry(loss.standing)] {
                        (format::percent(language, loss.ratio))
                        @if loss.standing != Standing::Good {
                            small { (segment_name(texts, &loss.segment)) }
                        }
                        (unanswered(visitor, now))
                    }
                }
                None => td { "–" (unanswered(visitor, now)) }
            }
            (delay_cell(visitor, now))
        }
    }
}

fn devices_cell(web: &Web, visitor: &Visitor, now: &CentreNow) -> Markup {
    let texts = visitor.texts();
    let rest: Vec<String> = others(visitor, now.counts)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    html! {
        td {
            (now.counts.live) "/" (now.counts.total())
            @if !rest.is_empty() { small { (rest.join(", ")) } }
            @if now.is_dark() && now.counts.silent == 0 {
                small { (texts.all_off_while_open) }
            } @else if (now.standing == Standing::Lost || now.is_dark()) && let Some(at) = now.last_report {
                small { (format::ago(visitor.language, (web.now)(), at)) }
            }
        }
    }
}

fn unanswered(visitor: &Visitor, now: &CentreNow) -> Markup {
    html! {
        @if let Some(target) = &now.unanswered {
            small { (target) " " (visitor.texts().no_answer) }
        }
    }
}

/// Both delays of a centre in milliseconds, coloured by the worse.
fn delay_cell(visitor: &Visitor, now: &CentreNow) -> Markup {
    let delays = [now.gateway_delay, now.line_delay];
    let worst = delays.into_iter().flatten().fold(0.0, f64::max);
    let shown = delays.map(|delay| match delay {
        Some(delay) => format::short_milliseconds(visitor.language, delay),
        None => "–".to_owned(),
    });
    html! {
        td class=[worry(judge(&RTT, worst))] {
            @if delays == [None, None] { "–" } @else { (shown.join(" / ")) "\u{a0}ms" }
        }
    }
}

/// The class of a value that is not as it should be; it also sets a mark before it.
fn worry(standing: Standing) -> Option<&'static str> {
    (standing != Standing::Good).then(|| standing.code())
}
