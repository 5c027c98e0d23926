//! The lines of a centre as the province sees them from outside.

use proto::ids::CentreId;
use proto::metrics as catalogue;
use proto::plan::Segment;

use super::median;
use crate::latest::{Device, Slot};
use crate::web::Web;

/// One line, by what those who look at it measured last.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::web) struct Outside {
    pub(in crate::web) address: String,
    /// The least of those who look. None where nobody does just now.
    pub(in crate::web) loss: Option<f64>,
    pub(in crate::web) delay: Option<f64>,
    /// Whether it answered anything since they look.
    pub(in crate::web) was_answered: bool,
}

impl Web {
    /// The lines of a centre, as seen from outside.
    pub(in crate::web) fn outside(&self, centre: &CentreId) -> Vec<Outside> {
        let Some(reverse) = &self.reverse else {
            return Vec::new();
        };
        let lines = reverse.lines.iter().filter(|line| line.centre == *centre);
        let of = |line: &crate::reverse::Line| {
            let (mut losses, mut delays, mut answers) = (Vec::new(), Vec::new(), 0.0_f64);
            self.latest.visit(Some(&reverse.from), |device| {
                for slot in to(device, &line.target) {
                    let metric = slot.series().metric;
                    if metric == &catalogue::LINK_LOSS {
                        losses.push(slot.value);
                    } else if metric == &catalogue::LINK_RTT_MEDIAN {
                        delays.push(slot.value);
                    } else if metric == &catalogue::LINK_RECEIVED {
                        answers += slot.value;
                    }
                }
            });
            Outside {
                address: line.address.clone(),
                loss: losses.into_iter().reduce(f64::min),
                delay: median(delays),
                was_answered: answers > 0.0,
            }
        };
        lines.map(of).collect()
    }
}

/// What a device measures of a line.
fn to<'d>(device: &'d Device, target: &'d str) -> impl Iterator<Item = &'d Slot> {
    device.live().filter(move |slot| {
        let is_link = matches!(slot.series().metric.labels, ["segment", "target", ..]);
        is_link
            && slot.label("segment") == Segment::Reverse.as_str()
            && slot.label("target") == target
    })
}
