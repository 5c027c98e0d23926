//! The links of a device one by one: delay and loss of the last hour, and what else is known.

use maud::{Markup, html};
use proto::metrics as catalogue;

use super::super::path::target_name;
use super::super::{loss_recent, mark, place_name};
use super::Shown;
use crate::web::chart;
use crate::web::format;
use crate::web::lang::fill;
use crate::web::view::{Link, Standing};

impl Shown<'_> {
    pub(super) fn links(&self) -> Markup {
        let texts = self.visitor.texts();
        let links = &self.device.links;
        html! {
            section {
                h2 { (texts.links) }
                @if links.is_empty() { p { (texts.links_none) } }
                div.columns { @for link in links { (self.link(link)) } }
                @if links.iter().any(Link::is_over_tcp) { p.note { (texts.over_tcp_note) } }
            }
        }
    }

    fn link(&self, link: &Link) -> Markup {
        let texts = self.visitor.texts();
        let standing = link.standing().unwrap_or(Standing::Unmeasured);
        // Delays have no natural top: leave some room above the longest.
        let headroom = chart::range(&link.rtt_history).map_or(0.0, |(_, high)| high * 1.3);
        let loses = chart::range(&link.loss_history).is_some_and(|(_, high)| high > 0.0);
        html! {
            section.card.(standing.code()) {
                h3 {
                    (mark(standing))
                    (place_name(self.visitor, &link.segment)) " → " (target_name(texts, link))
                    @if link.is_over_tcp() { " " span.badge.unknown { (texts.over_tcp) } }
                }
                @if link.never_answered() { p { (texts.no_answer) } }
                @if link.excused { p.note { (texts.excused_note) } }
                (self.history(texts.column_delay, &catalogue::LINK_RTT_MEDIAN, &link.rtt_history, headroom))
                p { (self.delays(link)) }
                @if loses {
                    (self.history(texts.column_loss, &catalogue::LINK_LOSS, &link.loss_history, 0.1))
                }
                p { (self.losses(link)) }
                p.note { (self.counted(link)) }
            }
        }
    }

    /// The delays of the last round, and how much they vary.
    fn delays(&self, link: &Link) -> String {
        let texts = self.visitor.texts();
        let said = |(name, value): (&str, Option<f64>)| {
            let value = format::seconds(self.visitor.language, value?);
            Some(format!("{name} {value}"))
        };
        let delays = [
            (texts.median, link.rtt_median),
            (texts.smallest, link.rtt_min),
            (texts.largest, link.rtt_max),
            (texts.variation, link.jitter),
            (texts.spread, link.spread),
        ];
        let delays: Vec<_> = delays.into_iter().filter_map(said).collect();
        delays.join(" · ")
    }

    /// What gets lost: over the minutes that links are judged by, and of the last round.
    fn losses(&self, link: &Link) -> String {
        let texts = self.visitor.texts();
        let said = |(name, ratio): (&str, Option<f64>)| {
            let share = format::percent(self.visitor.language, ratio?);
            Some(format!("{name} {share}"))
        };
        let recent = format!("{} {}", texts.column_loss, loss_recent(texts));
        let losses = [
            (recent.as_str(), link.recent_loss),
            (texts.loss_now, link.loss),
        ];
        let losses: Vec<_> = losses.into_iter().filter_map(said).collect();
        losses.join(" · ")
    }

    /// Who answers, how it is asked, and what was counted since the agent started.
    fn counted(&self, link: &Link) -> String {
        let (texts, language) = (self.visitor.texts(), self.visitor.language);
        let count = |value: f64| format::number(language, value, 0);
        let sent = link.sent.zip(link.received);
        let sent = sent
            .map(|(sent, received)| fill(texts.sent_received, &[&count(sent), &count(received)]));
        let rare = |name: &str, value: Option<f64>| {
            let value = value.filter(|value| *value > 0.0)?;
            Some(format!("{name} {}", count(value)))
        };
        let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let parts = [
            known(&link.address),
            known(self.method_name(&link.method)),
            sent,
            rare(texts.duplicates, link.duplicates),
            rare(texts.reordered, link.reordered),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        parts.join(" · ")
    }

    /// How a link is probed, in the words of the field.
    fn method_name<'m>(&self, method: &'m str) -> &'m str {
        match method {
            "icmp_datagram" | "icmp_raw" => "ping (ICMP)",
            "icmp_ttl" => self.visitor.texts().by_expiry,
            "tcp_connect" => "TCP",
            other => other,
        }
    }
}
