//! A page between looking at the live view and writing it out.
//!
//! The format wants the series of a metric together, the live view has those of a device together.
//! So every value is copied, 16 bytes with where its name is, to the others of its metric; then
//! the text is written from there piece by piece, each into memory that the processor still has at
//! hand. The whole text, which is ten times as large, is never in memory; and nothing is locked while
//! it is written, however slowly it is read.

use std::sync::{Arc, Mutex, PoisonError};

use proto::metrics::{CATALOGUE, Metric, Part};

use super::text;
use crate::latest::{DeviceKey, Name};

/// Bytes of a piece, about. Large enough to be worth a call of the system, small enough for the
/// processor's cache.
const PIECE: usize = 64 << 10;

/// A line may begin while a piece is not full, and most end within this.
const LINE: usize = 1 << 10;

/// What a page took up, for the next one: memory that is new is slow.
#[derive(Debug, Clone, Default)]
pub struct Spare(Arc<Mutex<Option<Content>>>);

impl Spare {
    /// An empty content.
    pub(super) fn take(&self) -> Content {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut content = kept.unwrap_or_default();
        content
            .families
            .resize_with(CATALOGUE.len(), Family::default);
        content
    }

    fn keep(&self, mut content: Content) {
        // Names that nobody has any more may go.
        content.clear();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(content);
    }
}

/// Everything a page shows, ready to be written.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// One per metric of the catalogue.
    families: Vec<Family>,
    /// The names in use, by their numbers. What is here cannot be forgotten, so a number means one
    /// name throughout.
    names: Vec<Option<Arc<Name>>>,
    /// What every line of a device has after the opening brace, of one device after the other.
    devices: String,
    /// Where each of them ends.
    ends: Vec<usize>,
    lines: usize,
}

#[derive(Debug, Default)]
struct Family {
    rows: Vec<Row>,
    /// Lines about centres, written already.
    centres: String,
}

/// A line about a device.
#[derive(Debug)]
struct Row {
    value: f64,
    device: u32,
    name: u32,
}

impl Content {
    /// Empties it; what it takes up stays, for the next page.
    pub(super) fn clear(&mut self) {
        for Family { rows, centres } in &mut self.families {
            rows.clear();
            centres.clear();
        }
        self.names.clear();
        self.devices.clear();
        self.ends.clear();
        self.lines = 0;
    }

    /// Adds a finished line about a centre.
    pub(super) fn centre(&mut self, metric: &'static Metric, line: &str) {
        if let Some(family) = self.families.get_mut(metric.position()) {
            family.centres.push_str(line);
            self.lines += 1;
        }
    }

    /// Begins a device: the lines that follow are about it.
    pub(super) fn begin_device(&mut self, key: &DeviceKey, kind: &str) {
        let (centre, device) = (key.centre.as_str(), key.device.as_str());
        for piece in ["centre=\"", centre, "\",device=\"", device, "\""] {
            self.devices.push_str(piece);
        }
        text::push_label(&mut self.devices, "kind", kind);
        self.ends.push(self.devices.len());
    }

    /// Adds a line about the device that was begun last.
    pub(super) fn line(&mut self, name: &Arc<Name>, value: f64) {
        let Some(family) = self.families.get_mut(name.position) else {
            return;
        };
        let id = usize::try_from(name.id).unwrap_or(usize::MAX);
        match self.names.get_mut(id) {
            Some(Some(_)) => {}
            Some(place) => *place = Some(Arc::clone(name)),
            None => {
                self.names.resize(id + 1, None);
                if let Some(place) = self.names.last_mut() {
                    *place = Some(Arc::clone(name));
                }
            }
        }
        let device = u32::try_from(self.ends.len()).unwrap_or(0);
        family.rows.push(Row {
            value,
            device,
            name: name.id,
        });
        self.lines += 1;
    }

    /// What the lines of a device begin with, after the brace; the first device is number 1.
    fn device(&self, number: u32) -> &[u8] {
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        let end = number.checked_sub(1).and_then(|last| self.ends.get(last));
        let before = number.checked_sub(2).and_then(|last| self.ends.get(last));
        let range = before.copied().unwrap_or(0)..end.copied().unwrap_or(0);
        self.devices.as_bytes().get(range).unwrap_or_default()
    }
}

/// The text of a page, in pieces.
#[derive(Debug)]
pub struct Page {
    content: Content,
    /// Where the content goes when the page is written.
    spare: Spare,
    /// The family that is being written, and which of its rows comes next.
    family: usize,
    row: usize,
}

impl Page {
    pub(super) fn new(content: Content, spare: Spare) -> Self {
        Self {
            content,
            spare,
            family: 0,
            row: 0,
        }
    }

    /// How many series it shows.
    #[must_use]
    pub fn series(&self) -> usize {
        self.content.lines
    }
}

impl Iterator for Page {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut piece = Vec::with_capacity(PIECE + LINE);
        while piece.len() < PIECE {
            let Some(family) = self.content.families.get(self.family) else {
                break;
            };
            let Some(metric) = CATALOGUE.get(self.family) else {
                break;
            };
            if self.row == 0 && !(family.rows.is_empty() && family.centres.is_empty()) {
                text::push_header(&mut piece, metric);
                piece.extend_from_slice(family.centres.as_bytes());
            }
            let rows = family.rows.get(self.row..).unwrap_or_default();
            let written = write_rows(&mut piece, metric, rows, &self.content);
            self.row += written;
            if written == rows.len() {
                self.family += 1;
                self.row = 0;
            }
        }
        (!piece.is_empty()).then_some(piece)
    }
}

/// Writes rows until the piece is full; how many.
fn write_rows(piece: &mut Vec<u8>, metric: &Metric, rows: &[Row], content: &Content) -> usize {
    let heads = [Part::Value, Part::Bucket, Part::Sum, Part::Count]
        .map(|part| (part, format!("{}{}{{", metric.name, part.suffix())));
    let mut written = 0;
    for row in rows {
        if piece.len() >= PIECE {
            break;
        }
        written += 1;
        let name = usize::try_from(row.name).ok();
        let Some(Some(name)) = name.and_then(|name| content.names.get(name)) else {
            continue;
        };
        let part = name.series.part;
        if let Some((_, head)) = heads.iter().find(|(of, _)| *of == part) {
            piece.extend_from_slice(head.as_bytes());
        }
        piece.extend_from_slice(content.device(row.device));
        piece.extend_from_slice(name.tail.as_bytes());
        text::push_value(piece, row.value);
    }
    written
}

impl Drop for Page {
    fn drop(&mut self) {
        self.spare.keep(std::mem::take(&mut self.content));
    }
}
