//! How much memory a device has, and how much of it programs can still get.
//!
//! From Host-Resources-MIB (RFC 2790): the storage of the type `hrStorageRam`, and, where the device
//! tells them beside it, what buffers and caches hold, which is given back when it is needed. Else from
//! the maker's own tables, as data. What gives a share and no size is no number of bytes and is not
//! told. Deliberately absent: swap and flash.

use super::super::said::Said;
use super::super::snmp::{Binding, Oid, Session, Trouble, Value, oid};
use super::super::system::SYS_OBJECT_ID;
use super::super::table::{Row, Table};
use super::go_on;

const HR_MEMORY_SIZE: Oid = oid!("1.3.6.1.2.1.25.2.2.0");
const HR_STORAGE_TYPE: Oid = oid!("1.3.6.1.2.1.25.2.3.1.2");
const HR_STORAGE_DESCR: Oid = oid!("1.3.6.1.2.1.25.2.3.1.3");
const HR_STORAGE_ALLOCATION_UNITS: Oid = oid!("1.3.6.1.2.1.25.2.3.1.4");
const HR_STORAGE_SIZE: Oid = oid!("1.3.6.1.2.1.25.2.3.1.5");
const HR_STORAGE_USED: Oid = oid!("1.3.6.1.2.1.25.2.3.1.6");
const STORAGE_FIGURES: [Oid; 3] = [
    HR_STORAGE_ALLOCATION_UNITS,
    HR_STORAGE_SIZE,
    HR_STORAGE_USED,
];
const HR_STORAGE_RAM: Oid = oid!("1.3.6.1.2.1.25.2.1.2");

/// What net-snmp calls storage that is used and can be had all the same.
const FREEABLE: [&str; 2] = ["Memory buffers", "Cached memory"];

/// Storage whose size is what the kernel says can be had; newer agents have it.
const AVAILABLE: &str = "Available memory";

/// Rows that are read. Memory comes before file systems.
const MOST: usize = 48;

/// What a column or scalar of a maker's is, in the pool's unit or in percent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Size,
    Used,
    Free,
    PercentUsed,
    /// In use, and given back when it is needed.
    Freeable,
}

/// Where a maker, by `sysObjectID`, tells of memory: any two of size, used, free and percent.
struct Pool {
    make: Oid,
    /// Bytes.
    unit: u64,
    parts: &'static [(Part, Oid)],
}

/// UCD-SNMP-MIB: memTotalReal, memAvailReal, memBuffer, memCached.
static UCD: [(Part, Oid); 4] = [
    (Part::Size, oid!("1.3.6.1.4.1.2021.4.5")),
    (Part::Free, oid!("1.3.6.1.4.1.2021.4.6")),
    (Part::Freeable, oid!("1.3.6.1.4.1.2021.4.14")),
    (Part::Freeable, oid!("1.3.6.1.4.1.2021.4.15")),
];

/// FROGFOOT-RESOURCES-MIB: memTotal, memFree, memBuffer, memCache.
static FROGFOOT: [(Part, Oid); 4] = [
    (Part::Size, oid!("1.3.6.1.4.1.10002.1.1.1.1.1")),
    (Part::Free, oid!("1.3.6.1.4.1.10002.1.1.1.1.2")),
    (Part::Freeable, oid!("1.3.6.1.4.1.10002.1.1.1.1.3")),
    (Part::Freeable, oid!("1.3.6.1.4.1.10002.1.1.1.1.4")),
];

/// Of one maker the first that tells counts.
static POOLS: [Pool; 12] = [
    // Cisco: CISCO-PROCESS-MIB, then CISCO-MEMORY-POOL-MIB.
    Pool {
        make: oid!("1.3.6.1.4.1.9"),
        unit: 1024,
        parts: &[
            (Part::Used, oid!("1.3.6.1.4.1.9.9.109.1.1.1.1.12")),
            (Part::Free, oid!("1.3.6.1.4.1.9.9.109.1.1.1.1.13")),
        ],
    },
    Pool {
        make: oid!("1.3.6.1.4.1.9"),
        unit: 1,
        parts: &[
            (Part::Used, oid!("1.3.6.1.4.1.9.9.48.1.1.1.5")),
            (Part::Free, oid!("1.3.6.1.4.1.9.9.48.1.1.1.6")),
        ],
    },
    // HP ProCurve: hpLocalMemTotalBytes, hpLocalMemFreeBytes.
    Pool {
        make: oid!("1.3.6.1.4.1.11"),
        unit: 1,
        parts: &[
            (Part::Size, oid!("1.3.6.1.4.1.11.2.14.11.5.1.1.2.1.1.1.5")),
            (Part::Free, oid!("1.3.6.1.4.1.11.2.14.11.5.1.1.2.1.1.1.6")),
        ],
    },
    // D-Link: DLINKSW-ENTITY-EXT-MIB, DRAM before flash.
    Pool {
        make: oid!("1.3.6.1.4.1.171"),
        unit: 1024,
        parts: &[
            (Part::Size, oid!("1.3.6.1.4.1.171.14.5.1.4.1.3")),
            (Part::Used, oid!("1.3.6.1.4.1.171.14.5.1.4.1.4")),
        ],
    },
    // Huawei: hwEntityMemSize, hwEntityMemUsage; parts without memory have 0.
    Pool {
        make: oid!("1.3.6.1.4.1.2011"),
        unit: 1,
        parts: &[
            (Part::Size, oid!("1.3.6.1.4.1.2011.5.25.31.1.1.1.1.9")),
            (
                Part::PercentUsed,
                oid!("1.3.6.1.4.1.2011.5.25.31.1.1.1.1.7"),
            ),
        ],
    },
    // Juniper: jnxOperatingMemory, jnxOperatingBuffer.
    Pool {
        make: oid!("1.3.6.1.4.1.2636"),
        unit: 1 << 20,
        parts: &[
            (Part::Size, oid!("1.3.6.1.4.1.2636.3.1.13.1.15")),
            (Part::PercentUsed, oid!("1.3.6.1.4.1.2636.3.1.13.1.11")),
        ],
    },
    Pool {
        make: oid!("1.3.6.1.4.1.8072"),
        unit: 1024,
        parts: &UCD,
    },
    Pool {
        make: oid!("1.3.6.1.4.1.8072"),
        unit: 1024,
        parts: &FROGFOOT,
    },
    Pool {
        make: oid!("1.3.6.1.4.1.10002"),
        unit: 1024,
        parts: &FROGFOOT,
    },
    // Fortinet: fgSysMemCapacity, fgSysMemUsage.
    Pool {
        make: oid!("1.3.6.1.4.1.12356"),
        unit: 1024,
        parts: &[
            (Part::Size, oid!("1.3.6.1.4.1.12356.101.4.1.5")),
            (Part::PercentUsed, oid!("1.3.6.1.4.1.12356.101.4.1.4")),
        ],
    },
    // H3C: hh3cEntityExtMemSize, hh3cEntityExtMemUsage.
    Pool {
        make: oid!("1.3.6.1.4.1.25506"),
        unit: 1,
        parts: &[
            (Part::Size, oid!("1.3.6.1.4.1.25506.2.6.1.1.1.1.10")),
            (Part::PercentUsed, oid!("1.3.6.1.4.1.25506.2.6.1.1.1.1.8")),
        ],
    },
    Pool {
        make: oid!("1.3.6.1.4.1.41112"),
        unit: 1024,
        parts: &FROGFOOT,
    },
];

/// Bytes: of memory, and of it those that can be had, if that is told.
type Memory = (u64, Option<u64>);

/// Reads it into `said.memory_size_bytes` and `said.memory_available_bytes`.
pub(super) async fn read(session: &mut dyn Session, said: &mut Said) -> Result<(), Trouble> {
    let memory = match of_storage(session, said).await? {
        Some(memory) => Some(memory),
        None => of_the_make(session, said).await?,
    };
    said.memory_size_bytes = memory.map(|(size, _)| size);
    said.memory_available_bytes = memory.and_then(|(_, available)| available);
    Ok(())
}

async fn of_storage(session: &mut dyn Session, said: &mut Said) -> Result<Option<Memory>, Trouble> {
    let columns = [HR_STORAGE_TYPE, HR_STORAGE_DESCR];
    let (storage, trouble) = Table::read(session, &columns, MOST).await;
    note(said, trouble)?;
    let is_ram = |row: &Row<'_>| row.get(&HR_STORAGE_TYPE) == Some(&Value::Oid(HR_STORAGE_RAM));
    let of_ram: Vec<Row<'_>> = storage.rows().filter(is_ram).collect();
    if of_ram.is_empty() {
        return Ok(None);
    }
    let called = |names: &[&str]| {
        let is_one = |name: String| names.contains(&name.as_str());
        let rows = storage.rows();
        rows.filter(|row| row.text(&HR_STORAGE_DESCR).is_some_and(is_one))
            .collect::<Vec<Row<'_>>>()
    };
    let (freeable, available) = (called(&FREEABLE), called(&[AVAILABLE]));
    let rows = of_ram.iter().chain(&freeable).chain(&available);
    let cells = rows.flat_map(|row| STORAGE_FIGURES.map(|column| column.child(row.index)));
    let told = session.get(&cells.collect::<Vec<Oid>>()).await?;

    let freeable = (freeable.iter()).filter_map(|row| bytes(&told, row, &HR_STORAGE_USED));
    let freeable = freeable.fold(0, u64::saturating_add);
    let mut available = available.iter();
    let available = available.find_map(|row| bytes(&told, row, &HR_STORAGE_SIZE));
    let of_ram = of_ram.iter().filter_map(|row| {
        let size = bytes(&told, row, &HR_STORAGE_SIZE).filter(|size| *size > 0)?;
        let used = bytes(&told, row, &HR_STORAGE_USED);
        let free = used.map(|used| size.saturating_sub(used).saturating_add(freeable));
        Some((size, available.or(free).map(|free| free.min(size))))
    });
    // Of several the largest: the others are parts of it, or buffers of a card.
    Ok(of_ram.max_by_key(|(size, _)| *size))
}

/// A hundred file systems or line cards are no trouble: memory comes before them.
fn note(said: &mut Said, trouble: Option<Trouble>) -> Result<(), Trouble> {
    let trouble = trouble.filter(|trouble| *trouble != Trouble::TooMany);
    go_on(said, "of its memory not all could be read", trouble)
}

/// What a row of storage says in this column, in bytes.
fn bytes(told: &[Binding], row: &Row<'_>, column: &Oid) -> Option<u64> {
    let units = number(told, &HR_STORAGE_ALLOCATION_UNITS.child(row.index))?;
    number(told, &column.child(row.index))?.checked_mul(units)
}

/// The number of this instance, unless it is negative.
fn number(told: &[Binding], instance: &Oid) -> Option<u64> {
    let binding = told.iter().find(|binding| binding.oid == *instance)?;
    binding.value.as_u64()
}

async fn of_the_make(
    session: &mut dyn Session,
    said: &mut Said,
) -> Result<Option<Memory>, Trouble> {
    let told = session.get(&[SYS_OBJECT_ID, HR_MEMORY_SIZE]).await?;
    // hrMemorySize is in KiB.
    let standard = number(&told, &HR_MEMORY_SIZE).and_then(|kib| kib.checked_mul(1024));
    let standard = standard.filter(|size| *size > 0).map(|size| (size, None));
    let object = told.iter().find(|binding| binding.oid == SYS_OBJECT_ID);
    let Some(Value::Oid(object)) = object.map(|binding| &binding.value) else {
        return Ok(standard);
    };
    let of_it = POOLS.iter().filter(|pool| object.starts_with(&pool.make));
    for pool in of_it {
        let columns: Vec<Oid> = pool.parts.iter().map(|(_, oid)| oid.clone()).collect();
        let (table, trouble) = Table::read(session, &columns, MOST).await;
        note(said, trouble)?;
        let told = table.rows().find_map(|row| pool.memory(&row));
        if told.is_some() {
            return Ok(told);
        }
    }
    Ok(standard)
}

impl Pool {
    /// What a row says; `None` where it is not about memory.
    fn memory(&self, row: &Row<'_>) -> Option<Memory> {
        let of = |part: Part| {
            let parts = self.parts.iter().filter(move |(is, _)| *is == part);
            parts.filter_map(|(_, oid)| row.u64(oid))
        };
        let bytes = |part: Part| of(part).next()?.checked_mul(self.unit);
        let (used, free) = (bytes(Part::Used), bytes(Part::Free));
        let both = used
            .zip(free)
            .and_then(|(used, free)| used.checked_add(free));
        let size = bytes(Part::Size).or(both).filter(|size| *size > 0)?;
        let percent = of(Part::PercentUsed)
            .next()
            .filter(|percent| *percent <= 100);
        let by_percent = percent.map(|percent| size - size / 100 * percent);
        let by_used = used.map(|used| size.saturating_sub(used));
        let free = free.or(by_used).or(by_percent)?;
        let freeable = of(Part::Freeable).fold(0, u64::saturating_add);
        let freeable = freeable.saturating_mul(self.unit);
        Some((size, Some(free.saturating_add(freeable).min(size))))
    }
}
