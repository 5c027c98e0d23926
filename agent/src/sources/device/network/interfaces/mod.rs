//! The interfaces of a device: IF-MIB (RFC 2863), and duplex from EtherLike-MIB (RFC 3635).
//!
//! Counters of 64 bits go before those of 32, for each interface and each direction by itself: one
//! device may have both. Type and state are walked; the rest is asked for by name, many in one request,
//! so that ten ports take a dozen requests and not two hundred. Of a table that has no end the physical
//! interfaces that are up are read. Deliberately absent: packets by kind of address, which tell no fault.

use std::collections::{BTreeMap, BTreeSet};

use proto::plan::Mac;

use super::super::said::{Interface, Said};
use super::super::snmp::{Binding, Oid, Session, Trouble, Value, oid};
use super::super::table::Table;
use super::go_on;

const IF_DESCR: Oid = oid!("1.3.6.1.2.1.2.2.1.2");
const IF_TYPE: Oid = oid!("1.3.6.1.2.1.2.2.1.3");
const IF_SPEED: Oid = oid!("1.3.6.1.2.1.2.2.1.5");
const IF_PHYS_ADDRESS: Oid = oid!("1.3.6.1.2.1.2.2.1.6");
const IF_ADMIN_STATUS: Oid = oid!("1.3.6.1.2.1.2.2.1.7");
const IF_OPER_STATUS: Oid = oid!("1.3.6.1.2.1.2.2.1.8");
const IF_IN_OCTETS: Oid = oid!("1.3.6.1.2.1.2.2.1.10");
const IF_IN_DISCARDS: Oid = oid!("1.3.6.1.2.1.2.2.1.13");
const IF_IN_ERRORS: Oid = oid!("1.3.6.1.2.1.2.2.1.14");
const IF_OUT_OCTETS: Oid = oid!("1.3.6.1.2.1.2.2.1.16");
const IF_OUT_DISCARDS: Oid = oid!("1.3.6.1.2.1.2.2.1.19");
const IF_OUT_ERRORS: Oid = oid!("1.3.6.1.2.1.2.2.1.20");
const IF_NAME: Oid = oid!("1.3.6.1.2.1.31.1.1.1.1");
const IF_HC_IN_OCTETS: Oid = oid!("1.3.6.1.2.1.31.1.1.1.6");
const IF_HC_OUT_OCTETS: Oid = oid!("1.3.6.1.2.1.31.1.1.1.10");
const IF_HIGH_SPEED: Oid = oid!("1.3.6.1.2.1.31.1.1.1.15");
const IF_ALIAS: Oid = oid!("1.3.6.1.2.1.31.1.1.1.18");
const DOT3_STATS_DUPLEX_STATUS: Oid = oid!("1.3.6.1.2.1.10.7.2.1.19");

/// What is asked for of every interface beside its description, type and state.
static COLUMNS: [Oid; 13] = [
    IF_NAME,
    IF_ALIAS,
    IF_ADMIN_STATUS,
    IF_SPEED,
    IF_HIGH_SPEED,
    IF_PHYS_ADDRESS,
    IF_HC_IN_OCTETS,
    IF_HC_OUT_OCTETS,
    IF_IN_ERRORS,
    IF_OUT_ERRORS,
    IF_IN_DISCARDS,
    IF_OUT_DISCARDS,
    DOT3_STATS_DUPLEX_STATUS,
];

/// Interfaces that are read of one device.
pub(super) const MOST: usize = 128;

/// Rows that are looked at to choose them.
const LOOKED: usize = 512;

/// Interfaces that are asked for at a time. So many cells of a column fill a request.
const TOGETHER: usize = 16;

/// Octets of a name, with room for a number behind it within a label.
const NAME_BYTES: usize = proto::limits::LABEL_BYTES - 8;

/// What the device answered, by instance.
type Cells = BTreeMap<Oid, Value>;

/// Reads them into `said.interfaces`, and the device's own addresses into `said.macs`. Where it stops
/// answering, those interfaces are told of which everything was asked: without its name, one would be told
/// as another than it is. The addresses are not: a device is no other for those that are missing.
pub(super) async fn read(session: &mut dyn Session, said: &mut Said) -> Result<(), Trouble> {
    let columns = [IF_DESCR, IF_TYPE, IF_OPER_STATUS];
    let (about, trouble) = Table::read(session, &columns, LOOKED).await;
    let unread = "of its table of interfaces the rest could not be read";
    go_on(said, unread, trouble)?;
    let chosen = choose(&about);
    if chosen.len() < about.rows().count() {
        let problem = format!("it has more interfaces than the {MOST} that are read");
        said.problems.push(problem);
    }

    let mut asking = Asking {
        session,
        cells: Cells::new(),
        asked: 0,
        failed: None,
    };
    let ended = asking.all(&chosen).await;
    let Asking {
        cells,
        asked,
        failed,
        ..
    } = asking;
    let read = chosen.iter().take(asked);
    let interfaces = read.map(|index| interface(*index, &about, &cells));
    said.interfaces = interfaces.collect();
    name_apart(&mut said.interfaces);
    if cells.iter().any(is_no_number) {
        let problem = "counters of its interfaces are of a kind that is no number";
        said.problems.push(problem.to_owned());
    }
    ended?;
    said.macs = own_addresses(&said.interfaces);
    go_on(said, "of its interfaces not all could be read", failed)
}

/// The indexes that are read, increasing: of too many, the physical ones that are up first.
fn choose(about: &Table) -> Vec<u32> {
    let rows = about.rows().filter_map(|row| {
        let [index] = row.index else { return None };
        let kind = row.u64(&IF_TYPE).and_then(|kind| u32::try_from(kind).ok());
        let is_physical = Interface::is_physical(kind);
        let is_up = row.i64(&IF_OPER_STATUS) == Some(1);
        Some((!is_physical, !is_up, *index))
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_unstable();
    rows.truncate(MOST);
    let mut chosen: Vec<u32> = rows.into_iter().map(|(_, _, index)| index).collect();
    chosen.sort_unstable();
    chosen
}

/// A device that is asked for the cells of its interfaces, some interfaces at a time.
struct Asking<'s> {
    session: &'s mut dyn Session,
    cells: Cells,
    /// Interfaces, from the first on, of which everything was asked.
    asked: usize,
    /// The first trouble after which others could still be read.
    failed: Option<Trouble>,
}

impl Asking<'_> {
    /// With an error it stopped answering. Columns that the first interface does not have are walked: mostly
    /// there are none, and SNMPv1 would take a request for each cell that is not there.
    async fn all(&mut self, indexes: &[u32]) -> Result<(), Trouble> {
        let Some((first, rest)) = indexes.split_first() else {
            return Ok(());
        };
        self.get(&COLUMNS, &[*first]).await?;
        self.narrow_of(&[*first]).await?;
        self.asked = 1;
        if rest.is_empty() {
            return Ok(());
        }
        let has = |column: &&Oid| self.cells.contains_key(&column.child(&[*first]));
        let (there, absent): (Vec<&Oid>, Vec<&Oid>) = COLUMNS.iter().partition(has);
        for column in absent {
            let walked = self.session.walk(column, LOOKED).await;
            self.keep(walked.rows);
            // What is beyond those that are looked at is left out above.
            let trouble = walked.trouble.filter(|one| *one != Trouble::TooMany);
            self.note(trouble)?;
        }
        for some in rest.chunks(TOGETHER) {
            self.get(there.iter().copied(), some).await?;
            self.narrow_of(some).await?;
            self.asked += some.len();
        }
        Ok(())
    }

    /// The narrow counters of those that lack a wide one.
    async fn narrow_of(&mut self, indexes: &[u32]) -> Result<(), Trouble> {
        let lacks_one = |index: &u32| {
            let has = |column: &Oid| self.cells.contains_key(&column.child(&[*index]));
            !(has(&IF_HC_IN_OCTETS) && has(&IF_HC_OUT_OCTETS))
        };
        let narrow: Vec<u32> = indexes.iter().copied().filter(lacks_one).collect();
        self.get(&[IF_IN_OCTETS, IF_OUT_OCTETS], &narrow).await
    }

    async fn get(
        &mut self,
        columns: impl IntoIterator<Item = &Oid>,
        indexes: &[u32],
    ) -> Result<(), Trouble> {
        let of_column = |column: &Oid| -> Vec<Oid> {
            let cells = indexes.iter().map(|index| column.child(&[*index]));
            cells.collect()
        };
        let asked: Vec<Oid> = columns.into_iter().flat_map(of_column).collect();
        if asked.is_empty() {
            return Ok(());
        }
        match self.session.get(&asked).await {
            Ok(told) => {
                self.keep(told);
                Ok(())
            }
            Err(trouble) => self.note(Some(trouble)),
        }
    }

    fn keep(&mut self, told: Vec<Binding>) {
        let cells = told.into_iter().map(|cell| (cell.oid, cell.value));
        self.cells.extend(cells);
    }

    fn note(&mut self, trouble: Option<Trouble>) -> Result<(), Trouble> {
        match trouble {
            Some(trouble) if trouble.is_final() => Err(trouble),
            trouble => {
                self.failed = self.failed.or(trouble);
                Ok(())
            }
        }
    }
}

fn interface(index: u32, about: &Table, cells: &Cells) -> Interface {
    let row = about.row(&[index]);
    let cell = |column: &Oid| cells.get(&column.child(&[index]));
    let number = |column: &Oid| cell(column).and_then(Value::as_u64);
    let status = |value: Option<i64>| match value {
        // ifOperStatus: up(1), unknown(4).
        Some(1) => Some(true),
        None | Some(4) => None,
        Some(_) => Some(false),
    };
    let octets = |wide: &Oid, narrow: &Oid| {
        let value = cell(wide).filter(|value| value.as_u64().is_some());
        let value = value.or_else(|| cell(narrow))?;
        let bits = if matches!(value, Value::Counter64(_)) {
            64
        } else {
            32
        };
        Some((value.as_u64()?, bits))
    };
    let received = octets(&IF_HC_IN_OCTETS, &IF_IN_OCTETS);
    let transmitted = octets(&IF_HC_OUT_OCTETS, &IF_OUT_OCTETS);
    let name = cell(&IF_NAME).and_then(Value::as_text);
    let name = name.or_else(|| row?.text(&IF_DESCR));
    let kind = row.and_then(|row| row.u64(&IF_TYPE));
    Interface {
        index,
        name: name.unwrap_or_else(|| format!("if{index}")),
        alias: cell(&IF_ALIAS).and_then(Value::as_text),
        if_type: kind.and_then(|kind| u32::try_from(kind).ok()),
        up: status(row.and_then(|row| row.i64(&IF_OPER_STATUS))),
        enabled: status(cell(&IF_ADMIN_STATUS).and_then(Value::as_i64)),
        speed_bits_per_second: speed(number(&IF_HIGH_SPEED), number(&IF_SPEED)),
        // dot3StatsDuplexStatus: unknown(1), halfDuplex(2), fullDuplex(3).
        full_duplex: match number(&DOT3_STATS_DUPLEX_STATUS) {
            Some(2) => Some(false),
            Some(3) => Some(true),
            _ => None,
        },
        receive_bytes_total: received.map(|(octets, _)| octets),
        transmit_bytes_total: transmitted.map(|(octets, _)| octets),
        counter_bits: [received, transmitted]
            .into_iter()
            .flatten()
            .map(|(_, bits)| bits)
            .min(),
        receive_errors_total: number(&IF_IN_ERRORS),
        transmit_errors_total: number(&IF_OUT_ERRORS),
        receive_drops_total: number(&IF_IN_DISCARDS),
        transmit_drops_total: number(&IF_OUT_DISCARDS),
        mac: cell(&IF_PHYS_ADDRESS).and_then(address),
        wan: false,
    }
}

/// `ifHighSpeed` is in millions and rounded to 0 where it is less; `ifSpeed` is at its end with what it
/// cannot tell.
fn speed(high: Option<u64>, low: Option<u64>) -> Option<u64> {
    let high = high.filter(|high| *high > 0);
    let high = high.and_then(|high| high.checked_mul(1_000_000));
    high.or_else(|| low.filter(|low| *low < u32::MAX.into()))
}

/// Six octets, or the text of them.
fn address(value: &Value) -> Option<Mac> {
    let bytes = value.as_bytes()?;
    match bytes.try_into() {
        Ok(octets) => Some(Mac(octets)),
        Err(_) => value.as_text()?.parse().ok(),
    }
}

/// Gives interfaces of one name numbers, in the order of their indexes: the first keeps its name.
fn name_apart(interfaces: &mut [Interface]) {
    let mut taken = BTreeSet::new();
    for interface in interfaces {
        let end = interface.name.floor_char_boundary(NAME_BYTES);
        interface.name.truncate(end);
        let numbered = |number: u32| match number {
            1 => interface.name.clone(),
            _ => format!("{} ({number})", interface.name),
        };
        // Bounded: of as many numbers as there are interfaces one is free.
        if let Some(free) = (1..).map(numbered).find(|name| !taken.contains(name)) {
            interface.name.clone_from(&free);
            taken.insert(free);
        }
    }
}

/// What tells this device from others: no loopback, no zeros, no group, each once. Those a maker gave
/// come before those that software made up.
fn own_addresses(interfaces: &[Interface]) -> Vec<Mac> {
    let told = interfaces
        .iter()
        .filter(|interface| interface.if_type != Some(Interface::LOOPBACK))
        .filter_map(|interface| interface.mac);
    let mut own: Vec<Mac> = Vec::new();
    for mac in told {
        let [first, ..] = mac.0;
        let is_group = first & 1 == 1;
        if mac.0 != [0; 6] && !is_group && !own.contains(&mac) {
            own.push(mac);
        }
    }
    own.sort_by_key(|mac| mac.0.first().is_some_and(|first| first & 2 == 2));
    own
}

fn is_no_number((cell, value): (&Oid, &Value)) -> bool {
    let counters = [
        IF_HC_IN_OCTETS,
        IF_HC_OUT_OCTETS,
        IF_IN_OCTETS,
        IF_OUT_OCTETS,
        IF_IN_ERRORS,
        IF_OUT_ERRORS,
        IF_IN_DISCARDS,
        IF_OUT_DISCARDS,
    ];
    value.as_u64().is_none() && counters.iter().any(|column| cell.starts_with(column))
}

#[cfg(test)]
mod tests;
