//! What a printer suffers from is shown within one polling interval, and is gone within one when it is mended:
//! no report of the minute is waited for, and nobody has to look at the printer.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tokio::time::Instant;

use crate::harness::asked::CENTRE;
use crate::harness::collector::ONE_CENTRE;
use crate::harness::odd_devices::{Manner, OddDevice};
use crate::harness::scrape::{Page, Wanted};
use crate::harness::settable::Settable;
use crate::harness::snmpsim::COMMUNITY;
use crate::harness::{Agent, Collector, eventually, metric};
use crate::needs;

/// Between two polls.
const INTERVAL: Duration = Duration::from_secs(5);

/// Asking takes some of it, and so does a busy machine.
const ASKING: Duration = Duration::from_secs(2);

/// Between two reports in which nothing is the matter comes more than what an interval and asking take.
const PLAN: &str = "[plan]\ndevice_interval = \"5s\"\nreport_interval = \"30s\"\n";

/// Until what is not the matter is told for the first time.
const FIRST_REPORT: Duration = Duration::from_mins(1);

/// Until nobody believes any more what was told before.
const FORGOTTEN: Duration = Duration::from_mins(4);

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// `hrPrinterDetectedErrorState`, `hrPrinterStatus`, `hrDeviceStatus`: RFC 2790.
const BITS: &str = "1.3.6.1.2.1.25.3.5.1.2.1";
const STATUS: &str = "1.3.6.1.2.1.25.3.5.1.1.1";
const DEVICE: &str = "1.3.6.1.2.1.25.3.2.1.5.1";

/// `prtInputCurrentLevel` of its tray, `prtMarkerSuppliesLevel` of its toner: RFC 3805.
const TRAY: &str = "1.3.6.1.2.1.43.8.2.1.10.1.1";
const TONER: &str = "1.3.6.1.2.1.43.11.1.1.9.1.1";

/// As the recording has them.
const WELL: [[&str; 3]; 5] = [
    [BITS, "x", "0000"],
    [STATUS, "i", "3"],
    [DEVICE, "i", "2"],
    [TRAY, "i", "200"],
    [TONER, "i", "1500"],
];

/// One thing that may be the matter.
struct Trouble {
    /// What a printer says then, other than when it is well.
    says: &'static [[&'static str; 3]],
    condition: &'static str,
    /// In Vietnamese and English, on the pages.
    words: [&'static str; 2],
}

const TROUBLES: [Trouble; 5] = [
    Trouble {
        says: &[[BITS, "x", "0400"], [STATUS, "i", "1"], [DEVICE, "i", "5"]],
        condition: "jam",
        words: ["Kẹt giấy", "Paper jam"],
    },
    Trouble {
        says: &[[BITS, "x", "0800"], [STATUS, "i", "1"], [DEVICE, "i", "5"]],
        condition: "cover_open",
        words: ["Nắp đang mở", "Cover open"],
    },
    Trouble {
        says: &[[BITS, "x", "4004"], [DEVICE, "i", "5"], [TRAY, "i", "0"]],
        condition: "paper_empty",
        words: ["Hết giấy", "Out of paper"],
    },
    Trouble {
        says: &[[BITS, "x", "2000"], [DEVICE, "i", "3"], [TONER, "i", "210"]],
        condition: "toner_low",
        words: ["Mực đen còn 7%", "Black toner: 7% left"],
    },
    Trouble {
        says: &[[BITS, "x", "0200"], [STATUS, "i", "1"], [DEVICE, "i", "5"]],
        condition: "offline",
        words: ["Máy in đang ngoại tuyến", "Printer offline"],
    },
];

/// A printer that is well, may change, and can be switched off; and who has it asked.
struct Watched {
    printer: Settable,
    way: OddDevice,
    collector: Collector,
    _agent: Agent,
}

async fn watched() -> Result<Watched, String> {
    let settable = WELL.map(|[object, ..]| object);
    let printer = Settable::captured("printer/healthy.snmprec", &settable).await?;
    let way = OddDevice::before(printer.address(), HERE, Manner::Well);
    let setup = Collector::with_centres(ONE_CENTRE).with_settings(PLAN);
    let collector = setup.start().await;
    collector
        .asks("may-in", "printer", way.address(), COMMUNITY)
        .await;
    let agent = collector.machine("pc-1").await;
    eventually("the printer is well", FIRST_REPORT, async || {
        is_well(&collector.metrics().await?)
    })
    .await;
    Ok(Watched {
        printer,
        way,
        collector,
        _agent: agent,
    })
}

#[tokio::test]
async fn what_is_the_matter_is_shown_within_an_interval_and_gone_within_one() {
    let watched = needs!(watched().await);
    let (printer, collector) = (&watched.printer, &watched.collector);
    for trouble in &TROUBLES {
        printer.set(trouble.says).await;
        let shown = takes(async || has(trouble, &collector.metrics().await?)).await;
        on_the_pages(collector, trouble, true).await;
        printer.set(&WELL).await;
        let gone = takes(async || is_well(&collector.metrics().await?)).await;
        on_the_pages(collector, trouble, false).await;
        eprintln!(
            "{}: shown after {shown:.1?}, gone after {gone:.1?}",
            trouble.condition
        );
    }
}

/// Off is not down: it is shown as that, and before long nothing of before is beside it.
#[tokio::test]
async fn a_printer_that_is_switched_off_is_told_from_one_in_trouble() {
    let watched = needs!(watched().await);
    let collector = &watched.collector;
    watched.way.becomes(Manner::Silent);
    // Until it is asked, and then until it was given the time to wake up.
    let shown = takes_at_most(2 * INTERVAL, async || {
        let page = collector.metrics().await?;
        of("dawnwatch_device_up").is(0.0).found_in(&page)?;
        let outcome = of("dawnwatch_device_poll_outcome").label("protocol", "snmp");
        outcome
            .label("outcome", "timeout")
            .is(1.0)
            .found_in(&page)?;
        of("dawnwatch_printer_condition").is(1.0).absent_from(&page)
    });
    let shown = shown.await;
    eventually("what it had is not shown", FORGOTTEN, async || {
        let page = collector.metrics().await?;
        of("dawnwatch_device_up").is(0.0).found_in(&page)?;
        of("dawnwatch_printer_supply_ratio").absent_from(&page)
    })
    .await;
    watched.way.becomes(Manner::Well);
    let back = takes(async || is_well(&collector.metrics().await?)).await;
    eprintln!("off: shown after {shown:.1?}, back after {back:.1?}");
}

fn of(name: &str) -> Wanted {
    let wanted = metric(name)
        .label("centre", CENTRE)
        .label("kind", "printer");
    wanted.label("device", "may-in")
}

fn has(trouble: &Trouble, page: &Page) -> Result<(), String> {
    of("dawnwatch_device_up").is(1.0).found_in(page)?;
    let condition = of("dawnwatch_printer_condition").is(1.0);
    condition
        .label("condition", trouble.condition)
        .found_in(page)?;
    let (ratio, label, named) = match trouble.condition {
        "paper_empty" => (
            "dawnwatch_printer_tray_level_ratio",
            "tray",
            ("Tray 1", 0.0),
        ),
        "toner_low" => (
            "dawnwatch_printer_supply_ratio",
            "supply",
            ("Cartridge 100X", 0.07),
        ),
        _ => return Ok(()),
    };
    let level = of(ratio).label(label, named.0).is(named.1);
    level.found_in(page).map(|_| ())
}

/// Nothing is the matter, and its levels are those of the recording.
fn is_well(page: &Page) -> Result<(), String> {
    of("dawnwatch_device_up").is(1.0).found_in(page)?;
    of("dawnwatch_printer_condition")
        .is(1.0)
        .absent_from(page)?;
    let status = of("dawnwatch_printer_status").label("status", "idle");
    status.is(1.0).found_in(page)?;
    let toner = of("dawnwatch_printer_supply_ratio").label("supply", "Cartridge 100X");
    toner.is(0.5).found_in(page)?;
    let tray = of("dawnwatch_printer_tray_level_ratio").label("tray", "Tray 1");
    tray.is(0.8).found_in(page).map(|_| ())
}

/// How long until it is so: an interval at most.
async fn takes(look: impl AsyncFnMut() -> Result<(), String>) -> Duration {
    takes_at_most(INTERVAL, look).await
}

async fn takes_at_most(
    limit: Duration,
    mut look: impl AsyncFnMut() -> Result<(), String>,
) -> Duration {
    let began = Instant::now();
    eventually("it is told", limit + ASKING, &mut look).await;
    began.elapsed()
}

/// Both pages say so, in both languages, or neither does.
async fn on_the_pages(collector: &Collector, trouble: &Trouble, is_there: bool) {
    let centre = format!("/centres/{CENTRE}");
    for path in [format!("{centre}/devices/may-in"), centre] {
        for (language, words) in ["vi", "en"].into_iter().zip(trouble.words) {
            let path = format!("{path}?lang={language}");
            let page = collector.page(&path).await.unwrap();
            assert_eq!(page.contains(words), is_there, "{words} at {path}: {page}");
        }
    }
}
