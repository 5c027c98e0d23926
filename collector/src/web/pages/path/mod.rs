//! The path as a picture: from the machine over gateway, line and ISP to what lies beyond, each stretch
//! with its figures, and the first weak one marked; names and services beside it.
//!
//! An ordered list that style turns into a ladder on a phone and into a row on a wide screen, so that it
//! is read aloud as it is seen, needs no script, and says nothing by colour alone.

mod ends;
mod verdict;

use maud::{Markup, html};

use super::{Visitor, mark, segment_name};
use crate::web::Web;
use crate::web::format;
use crate::web::lang::{Texts, fill};
use crate::web::view::{Link, Path, Resolver, Route, Service, Stage, Standing};

pub(super) use self::ends::outcome_name;
pub(super) use self::verdict::bare;

/// Links of one stretch that have room in the picture.
const MOST_LINKS: usize = 4;

/// What agents call the way to us.
const COLLECTOR: &str = "collector";

/// What the picture shows.
pub(super) struct Picture<'a> {
    pub(super) web: &'a Web,
    pub(super) visitor: &'a Visitor,
    /// Where the path begins.
    pub(super) start: Start,
    pub(super) path: Path<'a>,
    /// Whose largest packets are known.
    pub(super) routes: Vec<&'a Route>,
    pub(super) services: &'a [Service],
    pub(super) resolvers: &'a [Resolver],
    /// Whose middle it is, when it is that of several machines.
    pub(super) devices: usize,
    /// Where the diagnosis says that it fails: that counts, and not what looks weak.
    pub(super) fails: Option<Fails<'a>>,
}

/// A verdict on the path.
pub(super) struct Fails<'a> {
    /// The segment; nothing where that is not known.
    pub(super) segment: Option<&'a str>,
    /// What there is to say of the figures.
    pub(super) note: String,
}

/// The machine, or the machines, at which the path begins.
pub(super) struct Start {
    pub(super) name: String,
    pub(super) standing: Standing,
    pub(super) lines: Vec<String>,
}

impl Picture<'_> {
    pub(super) fn show(&self) -> Markup {
        let texts = self.visitor.texts();
        let weak = self.path.weak_from;
        let starts = self.start_badge();
        html! {
            section {
                h2 { (texts.path) }
                figure.path {
                    (self.summary())
                    ol.stages {
                        (stage(&self.start.name, self.standing("device", self.start.standing), starts, html! {
                            @for line in &self.start.lines { p { (line) } }
                        }))
                        @for (place, shown) in self.path.stages.iter().enumerate() {
                            (self.stage(shown, weak == Some(place)))
                        }
                    }
                    (self.black_holes())
                    div.ends {
                        (self.resolvers())
                        (self.services())
                    }
                }
            }
        }
    }

    /// The picture in one sentence.
    fn summary(&self) -> Markup {
        let texts = self.visitor.texts();
        if let Some(fails) = &self.fails {
            return verdict::summary(self.visitor, fails);
        }
        let (standing, said) = match self.path.weak() {
            Some(weak) => {
                let name = segment_name(texts, weak.segment);
                (weak.standing, fill(texts.path_weak, &[name]))
            }
            None if self.path.is_judged() => (Standing::Good, texts.path_good.to_owned()),
            None => (Standing::Unmeasured, texts.path_unmeasured.to_owned()),
        };
        let ends = self.failing_ends();
        // What is weak on the way comes first: what lies behind it suffers from that.
        let standing = match ends.iter().map(|(standing, _)| *standing).min() {
            Some(worst) if !standing.is_weak() => worst,
            _ => standing,
        };
        let ends: Vec<_> = ends.into_iter().map(|(_, name)| name).collect();
        html! {
            figcaption.(standing.code()) {
                (mark(standing)) b { (said) }
                @if !ends.is_empty() { " " b { (fill(texts.ends_fail, &[&ends.join(", ")])) } }
                @if self.devices > 1 {
                    " " (fill(texts.path_of_devices, &[&self.devices.to_string()]))
                }
            }
        }
    }

    fn stage(&self, shown: &Stage<'_>, weak: bool) -> Markup {
        let texts = self.visitor.texts();
        let hidden = shown.links.len().saturating_sub(MOST_LINKS);
        let excused = shown.links.iter().any(|link| link.excused);
        let badge = match &self.fails {
            Some(fails) => verdict::badge(self.visitor, fails, shown.segment),
            None => weak.then_some(texts.weak_here),
        };
        let name = segment_name(texts, shown.segment);
        let body = html! {
            @if shown.links.is_empty() { p { (texts.not_measured) } }
            @for link in shown.links.iter().take(MOST_LINKS) { (self.link(link)) }
            @if hidden > 0 { p { (fill(texts.others_too, &[&hidden.to_string()])) } }
            @if excused { p.note { (texts.excused_note) } }
        };
        stage(
            name,
            self.standing(shown.segment, shown.standing),
            badge,
            body,
        )
    }

    /// How a stretch stands; what is said to fail never looks well, whatever was last measured there.
    fn standing(&self, segment: &str, measured: Standing) -> Standing {
        let fails = self.fails.as_ref().and_then(|fails| fails.segment);
        if fails == Some(segment) && !measured.is_weak() {
            Standing::Lost
        } else {
            measured
        }
    }

    fn start_badge(&self) -> Option<&'static str> {
        let fails = self.fails.as_ref()?;
        verdict::badge(self.visitor, fails, "device")
    }

    fn link(&self, link: &Link) -> Markup {
        let texts = self.visitor.texts();
        let standing = link.standing();
        let reduced = self.routes.iter().find(|route| route.target == link.target);
        let reduced = reduced.and_then(|route| route.reduced_mtu());
        html! {
            p class=[standing.map(Standing::code)] {
                b {
                    @if let Some(standing) = standing.filter(|standing| standing.is_weak()) { (mark(standing)) }
                    (target_name(texts, link))
                }
                " " span.figures { (self.figures(link)) }
                @if let Some(bytes) = reduced { " " span { (texts.mtu) " " (self.bytes(bytes)) } }
            }
        }
    }

    /// Delay, loss and how much the delay varies.
    fn figures(&self, link: &Link) -> Markup {
        let (texts, language) = (self.visitor.texts(), self.visitor.language);
        if link.never_answered() {
            return html! { (texts.no_answer) };
        }
        let loss = link.recent_loss.map(|loss| {
            let loss = format::percent(language, loss);
            format!("{} {loss}", texts.loss)
        });
        let varies = link.spread.or(link.jitter).map(|spread| {
            let spread = format::seconds(language, spread);
            format!("± {spread}")
        });
        html! {
            @if let Some(delay) = link.rtt_median { b { (format::seconds(language, delay)) } " " }
            @for said in [varies, loss].into_iter().flatten() { span { (said) } " " }
        }
    }

    fn bytes(&self, bytes: f64) -> String {
        format!("{} B", format::number(self.visitor.language, bytes, 0))
    }

    fn black_holes(&self) -> Markup {
        let texts = self.visitor.texts();
        let swallowing = self.routes.iter().filter(|route| route.black_hole);
        let targets: Vec<_> = swallowing
            .map(|route| {
                let passes = route.mtu.map(|bytes| format!(" ({})", self.bytes(bytes)));
                traced_name(texts, route).to_owned() + &passes.unwrap_or_default()
            })
            .collect();
        html! {
            @if !targets.is_empty() {
                p.verdict.notice {
                    (mark(Standing::Notice))
                    (fill(texts.black_hole, &[&targets.join(", ")]))
                }
            }
        }
    }
}

fn stage(name: &str, standing: Standing, badge: Option<&str>, body: Markup) -> Markup {
    html! {
        li.(standing.code()).weakest[badge.is_some()] {
            h3 {
                (mark(standing)) (name)
                @if let Some(badge) = badge { " " span.badge { (badge) } }
            }
            (body)
        }
    }
}

/// What a target is called to which the way is known.
pub(super) fn traced_name<'a>(texts: &'a Texts, route: &'a Route) -> &'a str {
    if route.target == COLLECTOR {
        texts.collector_name
    } else {
        &route.target
    }
}

/// What a target is called; one that is called like its stretch goes by its address.
pub(super) fn target_name<'a>(texts: &'a Texts, link: &'a Link) -> &'a str {
    if link.target == COLLECTOR {
        texts.collector_name
    } else if link.target == link.segment && !link.address.is_empty() {
        &link.address
    } else {
        &link.target
    }
}
