//! What a device is, where it is, and how it is asked.

use maud::{Markup, html};

use super::{Shown, words};
use crate::web::lang::{device, fill};
use crate::web::pages::device::maybe;
use crate::web::pages::{fact, moment_and_age};
use crate::web::view::Poll;

impl Shown<'_> {
    pub(super) fn identity(&self) -> Markup {
        let (texts, language, asked) = (self.visitor.texts(), self.visitor.language, self.asked);
        let known = &asked.known;
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (one, _) = device::kind(asked.kind());
        html! {
            section.card {
                h2 { (texts.device_facts) }
                dl {
                    (fact(texts.kind, words::pick(language, one)))
                    (maybe(texts.vendor, some(asked.vendor())))
                    (maybe(texts.model, some(asked.model())))
                    (maybe(texts.serial, some(asked.serial())))
                    (maybe(texts.firmware, some(asked.firmware())))
                    (maybe(texts.owner_name, known.name.clone()))
                    (fact(texts.address, known.address.to_string()))
                    (maybe(texts.mac_address, known.mac.map(|mac| spaced(&mac.to_string()))))
                    (self.started())
                    (maybe(texts.how_asked, self.how_asked()))
                    @if let Some(at) = asked.last_report {
                        (fact(texts.last_asked, moment_and_age(self.web, language, at)))
                    }
                    @if let Some(at) = known.approved_at {
                        (fact(texts.asked_from, moment_and_age(self.web, language, at)))
                    }
                }
            }
        }
    }

    /// By which protocols, how that went, and who did.
    fn how_asked(&self) -> Option<String> {
        let language = self.visitor.language;
        let polls = self.asked.said.polls.iter().map(|poll| {
            let Poll { protocol, outcome } = poll;
            let outcome = words::word(language, device::outcome(outcome), outcome);
            format!("{}: {outcome}", protocol.to_uppercase())
        });
        let scout = self.scout();
        let scout = scout.map(|scout| fill(language.texts().asked_by, &[scout.as_str()]));
        let parts: Vec<_> = polls.chain(scout).collect();
        (!parts.is_empty()).then(|| parts.join(" · "))
    }
}

/// `00:1b:a9:01:02:03`, as it is printed on devices.
fn spaced(mac: &str) -> String {
    let octets: Vec<_> = mac
        .as_bytes()
        .chunks(2)
        .map(String::from_utf8_lossy)
        .collect();
    octets.join(":")
}
