//! The network card that leads out: of several, one that has a link, and of those the busiest.

use diagnosis::record::{Medium, NicState};

use super::counts::Counted;
use super::roles::Of;

/// A network card, as it was told last, and what it did in the minute at hand.
#[derive(Debug, Default)]
pub(super) struct Card {
    up: Option<bool>,
    speed: Option<f64>,
    full_duplex: Option<bool>,
    has_signal: bool,
    received: Counted,
    sent: Counted,
    errors: Counted,
    minute: Minute,
}

#[derive(Debug, Default, Clone, Copy)]
struct Minute {
    received: Option<(f64, i64)>,
    sent: Option<(f64, i64)>,
    errors: Option<f64>,
}

/// The card that leads out, in one minute.
#[derive(Debug)]
pub(super) struct Leading {
    pub(super) nic: NicState,
    pub(super) received_bps: Option<f64>,
    pub(super) sent_bps: Option<f64>,
}

impl Card {
    pub(super) fn take(&mut self, of: Of, at: i64, value: f64) {
        let add = |sum: &mut Option<(f64, i64)>, grew: Option<(f64, i64)>| {
            if let Some((bytes, milliseconds)) = grew {
                let (had, over) = sum.unwrap_or_default();
                *sum = Some((had + bytes, over + milliseconds));
            }
        };
        match of {
            Of::Up => self.up = Some(value > 0.0),
            Of::Speed => self.speed = Some(value),
            Of::FullDuplex => self.full_duplex = Some(value > 0.0),
            Of::Signal => self.has_signal = true,
            Of::Received => add(&mut self.minute.received, self.received.grew(at, value)),
            Of::Sent => add(&mut self.minute.sent, self.sent.grew(at, value)),
            Of::Errors => {
                if let Some((grew, _)) = self.errors.grew(at, value) {
                    *self.minute.errors.get_or_insert(0.0) += grew;
                }
            }
        }
    }

    fn traffic(&self) -> f64 {
        let bytes = |sum: Option<(f64, i64)>| sum.map_or(0.0, |(bytes, _)| bytes);
        bytes(self.minute.received) + bytes(self.minute.sent)
    }
}

/// The card that leads out; the minute is over for all of them.
pub(super) fn leading(cards: &mut [Card], names: &[Box<str>]) -> Option<Leading> {
    let standing = |card: &Card| (card.up == Some(true), card.traffic());
    let found = cards.iter().zip(names).max_by(|(one, _), (other, _)| {
        let ((one_up, one), (other_up, other)) = (standing(one), standing(other));
        one_up.cmp(&other_up).then(one.total_cmp(&other))
    });
    let leading = found.map(|(card, name)| Leading {
        nic: NicState {
            up: card.up,
            medium: Some(if card.has_signal || name.starts_with("wl") {
                Medium::Wifi
            } else {
                Medium::Wired
            }),
            speed_mbps: card.speed.map(|speed| speed / 1e6),
            full_duplex: card.full_duplex,
            errors: card.minute.errors,
        },
        received_bps: bits_per_second(card.minute.received),
        sent_bps: bits_per_second(card.minute.sent),
    });
    for card in cards {
        card.minute = Minute::default();
    }
    leading
}

fn bits_per_second(sum: Option<(f64, i64)>) -> Option<f64> {
    let (bytes, milliseconds) = sum?;
    let seconds = super::super::seconds(milliseconds);
    (seconds > 0.0).then(|| bytes * 8.0 / seconds)
}
