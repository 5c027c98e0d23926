//! What lies at the ends of the path: those who are asked for names, and the services people use, with
//! the phases of an attempt as a bar.

use maud::{Markup, html};

use super::Picture;
use crate::web::format;
use crate::web::lang::{Texts, fill};
use crate::web::pages::mark;
use crate::web::view::{Outcomes, PHASES, Resolver, Service, Standing};

/// Steps of a bar from end to end.
const WIDTH: f64 = 200.0;

/// The shortest time that fills a whole bar: quicker services have shorter ones.
const WHOLE_BAR_SECONDS: f64 = 1.0;

impl Picture<'_> {
    /// Resolvers and services that are not as they should be, and how they stand.
    pub(super) fn failing_ends(&self) -> Vec<(Standing, &str)> {
        let texts = self.visitor.texts();
        let resolvers = self.resolvers.iter().map(|resolver| {
            let name = resolver_name(texts, &resolver.name);
            (resolver.standing(), name)
        });
        let services = self.services.iter();
        let services = services.map(|service| (service.standing(), service.name.as_str()));
        resolvers
            .chain(services)
            .filter_map(|(standing, name)| Some((standing?, name)))
            .filter(|(standing, _)| standing.is_weak())
            .collect()
    }

    pub(super) fn resolvers(&self) -> Markup {
        let (texts, language) = (self.visitor.texts(), self.visitor.language);
        html! {
            @if !self.resolvers.is_empty() {
                div {
                    h3 { (texts.segment_dns) }
                    ul {
                        @for resolver in self.resolvers {
                            @let standing = resolver.standing().unwrap_or(Standing::Unmeasured);
                            li.(standing.code()) {
                                (mark(standing))
                                b { (resolver_name(texts, &resolver.name)) } " "
                                (outcomes(texts, &resolver.outcomes))
                                @if let Some(took) = resolver.took { " · " span { (format::seconds(language, took)) } }
                            }
                        }
                    }
                }
            }
        }
    }

    pub(super) fn services(&self) -> Markup {
        let texts = self.visitor.texts();
        let longest = self.services.iter().filter_map(Service::took);
        let scale = WIDTH / longest.fold(WHOLE_BAR_SECONDS, f64::max);
        html! {
            @if !self.services.is_empty() {
                div {
                    h3 { (texts.services) }
                    ul { @for service in self.services_worst_first() { (self.service(service, scale)) } }
                    @if self.services.iter().any(|service| service.took().is_some()) { (legend(texts)) }
                }
            }
        }
    }

    fn services_worst_first(&self) -> Vec<&Service> {
        let mut services: Vec<_> = self.services.iter().collect();
        services.sort_by_key(|service| service.standing().unwrap_or(Standing::Unmeasured));
        services
    }

    fn service(&self, service: &Service, scale: f64) -> Markup {
        let (texts, language) = (self.visitor.texts(), self.visitor.language);
        let standing = service.standing().unwrap_or(Standing::Unmeasured);
        let status = service.status.filter(|status| *status >= 400.0);
        let expiry = service.expires.and_then(format::timestamp_of).map(|at| {
            let day = format::day(language, self.web.utc_offset, at);
            fill(texts.certificate_ends, &[&day])
        });
        html! {
            li.(standing.code()) {
                (mark(standing))
                b { (service.name) } " " (outcomes(texts, &service.outcomes))
                @if let Some(status) = status { " (HTTP " (format::number(language, status, 0)) ")" }
                @if let Some(took) = service.took() {
                    " · " span { (format::seconds(language, took)) }
                    @if service.is_slow() { " · " b { (texts.slow) } }
                    (bar(service, scale))
                }
                @let known = [self.phases(service), expiry];
                @let known: Vec<_> = known.into_iter().flatten().collect();
                @if !known.is_empty() { small { (known.join(" · ")) } }
            }
        }
    }

    /// What the bar shows, in figures.
    fn phases(&self, service: &Service) -> Option<String> {
        let names = phase_names(self.visitor.texts());
        let said: Vec<_> = names
            .iter()
            .zip(service.phases)
            .filter_map(|(name, phase)| {
                let phase = format::seconds(self.visitor.language, phase?);
                Some(format!("{name} {phase}"))
            })
            .collect();
        (!said.is_empty()).then(|| said.join(" · "))
    }
}

fn phase_names(texts: &Texts) -> [&str; PHASES.len()] {
    [
        texts.phase_dns,
        texts.phase_connect,
        texts.phase_tls,
        texts.phase_first_byte,
        texts.phase_transfer,
    ]
}

/// The phases one after another, to the same scale for all services of a picture.
fn bar(service: &Service, scale: f64) -> Markup {
    let mut end = 0.0;
    let phases = service.phases.iter().zip(PHASES);
    let parts: Vec<_> = phases
        .filter_map(|(phase, name)| {
            let width = (phase.unwrap_or(0.0) * scale).clamp(0.0, WIDTH);
            let start = end;
            end += width;
            (width >= 0.5).then(|| (name, format!("M{start:.0} 4h{width:.0}")))
        })
        .collect();
    html! {
        svg.phases viewBox={ "0 0 " (WIDTH) " 8" } preserveAspectRatio="none" aria-hidden="true" {
            @for (name, line) in parts { path.(name) d=(line) {} }
        }
    }
}

/// Which colour of the bars is which phase.
fn legend(texts: &Texts) -> Markup {
    html! {
        p.legend aria-hidden="true" {
            @for (class, name) in PHASES.iter().zip(phase_names(texts)) {
                span { i.(class) {} (name) } " "
            }
        }
    }
}

/// How attempts ended, in words for people: of one machine how, of several for how many.
fn outcomes(texts: &Texts, outcomes: &Outcomes) -> String {
    let (devices, answered) = (outcomes.devices(), outcomes.answered());
    let answered_name = outcome_name(texts, "answered");
    let failures = outcomes.failures();
    let first = failures.first().map(|(word, _)| outcome_name(texts, word));
    if devices == 0 {
        return texts.not_measured.to_owned();
    } else if devices == 1 {
        return first.unwrap_or(answered_name).to_owned();
    }
    let said = |name: &str, count: usize| {
        fill(
            texts.outcome_of,
            &[name, &count.to_string(), &devices.to_string()],
        )
    };
    let answered = (answered > 0).then(|| said(answered_name, answered));
    let failures = failures
        .into_iter()
        .map(|(word, count)| said(outcome_name(texts, word), count));
    let parts: Vec<_> = answered.into_iter().chain(failures).collect();
    parts.join(" · ")
}

/// A resolver as people call it.
fn resolver_name<'a>(texts: &'a Texts, name: &'a str) -> &'a str {
    if name == Resolver::SYSTEM {
        texts.resolver_system
    } else {
        name
    }
}

/// How an attempt ended, in words for people. An outcome that we do not know is shown as the agent
/// wrote it.
pub(in crate::web::pages) fn outcome_name<'a>(texts: &'a Texts, word: &'a str) -> &'a str {
    let phrase = diagnosis::sentence::outcome(word);
    phrase.map_or(word, |phrase| texts.language.pick(phrase.vi, phrase.en))
}
