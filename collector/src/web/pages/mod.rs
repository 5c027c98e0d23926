//! The pages: what they have in common, and who reads them. Rendered on the server; the one script
//! only spares the reader a flicker when the page renews itself.

mod alarm;
mod asked;
mod blind;
pub(super) mod centre;
pub(super) mod device;
pub(super) mod fault;
pub(super) mod morning;
mod outside;
mod path;
pub(super) mod province;
mod steps;

use std::convert::Infallible;
use std::fmt::Write as _;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use diagnosis::sentence::Words;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};
use proto::thresholds::{JUDGED_OVER, LOSS, Levels, RTT};

use super::Web;
use super::assets;
use super::format;
use super::lang::device::Both;
use super::lang::{COOKIE_NAME, Language, Texts, fill, verdict};
use super::view::Standing;
use crate::latest::Presence;

/// How often a page renews itself.
const RENEWAL_SECONDS: u32 = 15;

/// Who asks, in which language, and with which query.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) language: Language,
    /// Whether this very request chose the language: then it is remembered.
    chose: bool,
    /// Without `lang`.
    query: Vec<(String, String)>,
}

impl Visitor {
    pub(super) fn of(parts: &Parts) -> Self {
        let mut query: Vec<(String, String)> = Query::try_from_uri(&parts.uri)
            .map(|Query(pairs)| pairs)
            .unwrap_or_default();
        let chosen = query
            .iter()
            .find(|(name, _)| name == COOKIE_NAME)
            .and_then(|(_, code)| Language::of_code(code));
        query.retain(|(name, _)| name != COOKIE_NAME);
        Self {
            language: chosen.unwrap_or_else(|| Language::of_headers(&parts.headers)),
            chose: chosen.is_some(),
            query,
        }
    }

    pub(super) fn texts(&self) -> &'static Texts {
        self.language.texts()
    }

    /// A text that has both languages side by side.
    pub(super) fn say(&self, (vi, en): Both) -> &'static str {
        self.language.pick(vi, en)
    }

    /// What the diagnosis says, in the visitor's language.
    pub(super) fn words<'a>(&self, words: &'a Words) -> &'a str {
        self.language.pick(&words.vi, &words.en)
    }

    /// A parameter of the query, trimmed, empty when absent.
    pub(super) fn parameter(&self, name: &str) -> &str {
        let found = self.query.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.trim())
    }

    /// This page with one parameter changed: the query alone, since a path such as `//elsewhere/` would
    /// lead there.
    pub(super) fn link_with(&self, name: &str, value: &str) -> String {
        let kept = self.query.iter().filter(|(known, _)| known != name);
        let pairs = kept
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .chain([(name, value)]);
        query_of(pairs)
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

/// `?name=value&…`, percent-encoded.
pub(super) fn query_of<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        query.push(if query.is_empty() { '?' } else { '&' });
        encode(&mut query, name);
        query.push('=');
        encode(&mut query, value);
    }
    query
}

fn encode(to: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            to.push(char::from(byte));
        } else {
            let _ = write!(to, "%{byte:02X}");
        }
    }
}

/// One page, ready to be sent.
pub(super) struct Page<'a> {
    pub(super) web: &'a Web,
    pub(super) visitor: &'a Visitor,
    pub(super) title: &'a str,
    /// Links from the province down to the page above this one.
    pub(super) trail: &'a [(String, &'a str)],
    pub(super) body: Markup,
}

impl Page<'_> {
    /// Renders it, live: the page renews itself.
    pub(super) fn respond(self) -> Response {
        self.respond_with(StatusCode::OK)
    }

    fn respond_with(self, status: StatusCode) -> Response {
        let live = status == StatusCode::OK;
        let mut response = (status, Html(self.render(live).into_string())).into_response();
        if self.visitor.chose {
            let code = self.visitor.language.code();
            let cookie =
                format!("{COOKIE_NAME}={code}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly");
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
        }
        response
    }

    fn render(&self, live: bool) -> Markup {
        let language = self.visitor.language;
        let texts = language.texts();
        let now = (self.web.now)();
        html! {
            (DOCTYPE)
            html lang=(language.code()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width,initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · Dawnwatch" }
                    link rel="icon" href=(assets::ICON.address());
                    link rel="stylesheet" href=(assets::STYLE.address());
                    @if live {
                        noscript { meta http-equiv="refresh" content=(RENEWAL_SECONDS); }
                        script defer src=(assets::RENEW.address()) {}
                    }
                }
                body {
                    a.skip href="#live" { (texts.skip_to_content) }
                    header {
                        a.brand href="/" { b { "Dawnwatch" } span { (texts.tagline) } }
                        nav aria-label=(texts.language_choice) {
                            @for other in Language::ALL {
                                @if other == language {
                                    span aria-current="true" { (other.name()) }
                                } @else {
                                    a href=(self.visitor.link_with(COOKIE_NAME, other.code()))
                                        lang=(other.code()) hreflang=(other.code()) { (other.name()) }
                                }
                            }
                        }
                    }
                    nav.ways aria-label=(self.visitor.say(verdict::PAGES)) {
                        a href="/" { (self.visitor.say(verdict::CENTRES)) }
                        a href="/morning" { (self.visitor.say(verdict::MORNING)) }
                        a href="/faults" { (self.visitor.say(verdict::FAULTS)) }
                    }
                    @if live {
                        p.alarm #unreachable role="alert" hidden { (texts.connection_lost) }
                        p.alarm #failing role="alert" hidden { (texts.renewal_failed) }
                        p.note #waiting role="status" hidden { (texts.renewal_waits) }
                    }
                    main #live data-seconds=[live.then_some(RENEWAL_SECONDS)] {
                        @if !self.trail.is_empty() {
                            nav.trail aria-label=(texts.province_heading) {
                                @for (address, name) in self.trail {
                                    a href=(address) { (name) } " › "
                                }
                            }
                        }
                        (self.body)
                        @if live {
                            p.updated {
                                (fill(texts.updated_at, &[&format::time_of_day(self.web.utc_offset, now)]))
                                " (" (fill(texts.footer, &[&format::utc_offset(self.web.utc_offset)])) "), "
                                (fill(texts.refreshes_itself, &[&RENEWAL_SECONDS.to_string()]))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// There is nothing at this address.
pub(super) fn not_found(web: &Web, visitor: &Visitor) -> Response {
    let texts = visitor.texts();
    failure(
        web,
        visitor,
        StatusCode::NOT_FOUND,
        texts.not_found_title,
        texts.not_found_what,
    )
}

/// Too many readers wait for a page.
pub(super) fn busy(web: &Web, visitor: &Visitor) -> Response {
    let texts = visitor.texts();
    failure(
        web,
        visitor,
        StatusCode::SERVICE_UNAVAILABLE,
        texts.busy_title,
        texts.busy_what,
    )
}

/// A page could not be made.
pub(super) fn failed(web: &Web, visitor: &Visitor) -> Response {
    let texts = visitor.texts();
    failure(
        web,
        visitor,
        StatusCode::INTERNAL_SERVER_ERROR,
        texts.failed_title,
        texts.failed_what,
    )
}

fn failure(web: &Web, visitor: &Visitor, status: StatusCode, title: &str, what: &str) -> Response {
    let body = html! {
        h1 { (title) }
        p { (what) }
        p { a.button href="/" { (visitor.texts().back_home) } }
    };
    let page = Page {
        web,
        visitor,
        title,
        trail: &[],
        body,
    };
    page.respond_with(status)
}

/// The name of a stretch of path. One that we do not know is shown as the agent wrote it.
pub(super) fn segment_name<'a>(texts: &'a Texts, segment: &'a str) -> &'a str {
    match segment {
        "device" => texts.segment_device,
        "lan" => texts.segment_lan,
        "gateway" => texts.segment_gateway,
        "line" => texts.segment_line,
        "isp" => texts.segment_isp,
        "core" => texts.segment_core,
        "dns" => texts.segment_dns,
        "service" => texts.segment_service,
        other => other,
    }
}

/// Where a fault or a link is: a stretch of the path, or one of the few other things.
fn place_name<'a>(visitor: &Visitor, segment: &'a str) -> &'a str {
    match segment {
        "route" => visitor.say(verdict::SEGMENT_ROUTE),
        "power" => visitor.say(verdict::SEGMENT_POWER),
        "printer" => visitor.say(verdict::SEGMENT_PRINTER),
        "reverse" => visitor.say(verdict::FROM_OUTSIDE),
        other => segment_name(visitor.texts(), other),
    }
}

/// What a standing is called, and what that means.
fn standing_texts(language: Language, standing: Standing) -> (&'static str, String) {
    let texts = language.texts();
    let level = |of: fn(&Levels) -> f64| {
        [
            format::level(language, of(&LOSS)),
            format::seconds(language, of(&RTT)),
            judged_minutes(),
        ]
    };
    let (name, meaning, values) = match standing {
        Standing::Lost => (texts.standing_lost, texts.standing_lost_meaning, None),
        Standing::Poor => (
            texts.standing_poor,
            texts.standing_poor_meaning,
            Some(level(|levels| levels.critical)),
        ),
        Standing::Notice => (
            texts.standing_notice,
            texts.standing_notice_meaning,
            Some(level(|levels| levels.warning)),
        ),
        Standing::Unknown => (texts.standing_unknown, texts.standing_unknown_meaning, None),
        Standing::Unmeasured => (
            texts.standing_unmeasured,
            texts.standing_unmeasured_meaning,
            None,
        ),
        Standing::Good => (texts.standing_good, texts.standing_good_meaning, None),
        Standing::Off => (texts.standing_off, texts.standing_off_meaning, None),
    };
    let values = values.unwrap_or_default();
    let values = values.each_ref().map(String::as_str);
    (name, fill(meaning, &values))
}

fn judged_minutes() -> String {
    (JUDGED_OVER.as_secs() / 60).to_string()
}

/// Over which minutes loss is judged.
fn loss_recent(texts: &Texts) -> String {
    fill(texts.loss_recent, &[&judged_minutes()])
}

/// A shape for each standing, so that colour never stands alone. All are in the oldest fonts.
fn mark(standing: Standing) -> Markup {
    let shape = match standing {
        Standing::Lost => "■",
        Standing::Poor => "▲",
        Standing::Notice => "!",
        Standing::Unknown | Standing::Unmeasured => "?",
        Standing::Good => "●",
        Standing::Off => "○",
    };
    html! { i.mark aria-hidden="true" { (shape) } }
}

/// The presence of a device, with its mark.
fn presence_badge(texts: &Texts, presence: Presence) -> Markup {
    let (like, text) = match presence {
        Presence::Live => (Standing::Good, texts.presence_live),
        Presence::Silent => (Standing::Lost, texts.presence_silent),
        Presence::Goodbye => (Standing::Off, texts.presence_goodbye),
        Presence::Never => (Standing::Unknown, texts.presence_never),
    };
    html! { span class={ "badge " (like.code()) } { (mark(like)) (text) } }
}

/// A fact of a description list.
fn fact(name: &str, value: impl maud::Render) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

/// What the page of all centres is called.
fn top<'a>(web: &'a Web, visitor: &Visitor) -> &'a str {
    if web.province.is_empty() {
        visitor.texts().province_heading
    } else {
        &web.province
    }
}

/// A fact named by the system: a disk, an interface. Written as it is.
fn named_fact(name: &str, value: impl maud::Render) -> Markup {
    html! { div { dt.name { (name) } dd { (value) } } }
}

/// A moment, and how long ago that was.
fn moment_and_age(web: &Web, language: Language, at: Timestamp) -> Markup {
    html! {
        (format::moment(language, web.utc_offset, at))
        " (" (format::ago(language, (web.now)(), at)) ")"
    }
}
