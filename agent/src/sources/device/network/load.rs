//! How busy the processors of a device are: `hrProcessorLoad` (RFC 2790) where there is one, else the
//! maker's own figure, from a table.
//!
//! Deliberately absent: load averages, which are no share of anything.

use super::super::said::Said;
use super::super::snmp::{Oid, Session, Trouble, Value, oid};
use super::super::system::SYS_OBJECT_ID;
use super::go_on;

/// Percent of the last minute, one row for each processor.
const HR_PROCESSOR_LOAD: Oid = oid!("1.3.6.1.2.1.25.3.3.1.2");

/// Rows that are read.
const MOST: usize = 64;

/// What a figure in percent is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Percent {
    Used,
    /// Used, of every part of the device, those without a processor with 0.
    UsedOrZero,
    Idle,
}

/// Makers by `sysObjectID`, with the column or scalar that tells: the first that is there counts.
static FIGURES: [(Oid, Oid, Percent); 21] = [
    // Cisco: the last minute by CISCO-PROCESS-MIB, then the older ones, then small business switches.
    cisco(oid!("1.3.6.1.4.1.9.9.109.1.1.1.1.7")),
    cisco(oid!("1.3.6.1.4.1.9.9.109.1.1.1.1.4")),
    cisco(oid!("1.3.6.1.4.1.9.2.1.57")),
    cisco(oid!("1.3.6.1.4.1.9.6.1.101.1.8")),
    // HP ProCurve: hpSwitchCpuStat.
    (
        oid!("1.3.6.1.4.1.11"),
        oid!("1.3.6.1.4.1.11.2.14.11.5.1.9.6.1"),
        Percent::Used,
    ),
    // D-Link: one minute, of DLINKSW-ENTITY-EXT-MIB and of the older agents.
    (
        oid!("1.3.6.1.4.1.171"),
        oid!("1.3.6.1.4.1.171.14.5.1.7.1.4"),
        Percent::Used,
    ),
    (
        oid!("1.3.6.1.4.1.171"),
        oid!("1.3.6.1.4.1.171.12.1.1.6.2"),
        Percent::Used,
    ),
    // Dell: the same agent as Cisco's small business switches.
    (
        oid!("1.3.6.1.4.1.674"),
        oid!("1.3.6.1.4.1.89.1.8"),
        Percent::Used,
    ),
    // Zyxel: sysMgmtCPUUsage of switches, then of gateways.
    (
        oid!("1.3.6.1.4.1.890"),
        oid!("1.3.6.1.4.1.890.1.15.3.2.4"),
        Percent::Used,
    ),
    (
        oid!("1.3.6.1.4.1.890"),
        oid!("1.3.6.1.4.1.890.1.6.22.1.1"),
        Percent::Used,
    ),
    // Huawei: hwEntityCpuUsage, a row for each board, module and port.
    (
        oid!("1.3.6.1.4.1.2011"),
        oid!("1.3.6.1.4.1.2011.5.25.31.1.1.1.1.5"),
        Percent::UsedOrZero,
    ),
    // Juniper: jnxOperatingCPU, a row for each part.
    (
        oid!("1.3.6.1.4.1.2636"),
        oid!("1.3.6.1.4.1.2636.3.1.13.1.8"),
        Percent::UsedOrZero,
    ),
    // ZTE: zxAnCardCpuLoad.
    (
        oid!("1.3.6.1.4.1.3902"),
        oid!("1.3.6.1.4.1.3902.1015.2.1.1.3.1.9"),
        Percent::UsedOrZero,
    ),
    // Ruijie: the last minute.
    (
        oid!("1.3.6.1.4.1.4881"),
        oid!("1.3.6.1.4.1.4881.1.1.10.2.36.1.1.2"),
        Percent::Used,
    ),
    // net-snmp and what is made of it: ssCpuIdle.
    (
        oid!("1.3.6.1.4.1.8072"),
        oid!("1.3.6.1.4.1.2021.11.11"),
        Percent::Idle,
    ),
    // TP-Link switches: the last minute.
    (
        oid!("1.3.6.1.4.1.11863"),
        oid!("1.3.6.1.4.1.11863.6.4.1.1.1.1.3"),
        Percent::Used,
    ),
    // Fortinet: fgSysCpuUsage.
    (
        oid!("1.3.6.1.4.1.12356"),
        oid!("1.3.6.1.4.1.12356.101.4.1.3"),
        Percent::Used,
    ),
    // Aruba: wlsxSysExtSwitchProcessor's load.
    (
        oid!("1.3.6.1.4.1.14823"),
        oid!("1.3.6.1.4.1.14823.2.2.1.2.1.13.1.3"),
        Percent::Used,
    ),
    // Ruckus: ruckusZDSystemCPUUtil.
    (
        oid!("1.3.6.1.4.1.25053"),
        oid!("1.3.6.1.4.1.25053.1.2.1.1.1.15.13"),
        Percent::Used,
    ),
    // H3C: hh3cEntityExtCpuUsage, a row for each part.
    (
        oid!("1.3.6.1.4.1.25506"),
        oid!("1.3.6.1.4.1.25506.2.6.1.1.1.1.6"),
        Percent::UsedOrZero,
    ),
    // Ubiquiti switches: agentSwitchCpuProcess is text, ssCpuIdle is there too.
    (
        oid!("1.3.6.1.4.1.4413"),
        oid!("1.3.6.1.4.1.2021.11.11"),
        Percent::Idle,
    ),
];

const fn cisco(figure: Oid) -> (Oid, Oid, Percent) {
    (oid!("1.3.6.1.4.1.9"), figure, Percent::Used)
}

/// Reads it into `said.cpu_usage_ratio`.
pub(super) async fn read(session: &mut dyn Session, said: &mut Said) -> Result<(), Trouble> {
    said.cpu_usage_ratio = average(session, said, &HR_PROCESSOR_LOAD, Percent::Used).await?;
    if said.cpu_usage_ratio.is_some() {
        return Ok(());
    }
    let told = session.get(&[SYS_OBJECT_ID]).await?;
    let Some(Value::Oid(object)) = told.first().map(|told| &told.value) else {
        return Ok(());
    };
    let of_it = FIGURES.iter().filter(|(make, ..)| object.starts_with(make));
    for (_, figure, percent) in of_it {
        said.cpu_usage_ratio = average(session, said, figure, *percent).await?;
        if said.cpu_usage_ratio.is_some() {
            break;
        }
    }
    Ok(())
}

/// Over all processors. Numbers beyond 100 are none.
async fn average(
    session: &mut dyn Session,
    said: &mut Said,
    figure: &Oid,
    percent: Percent,
) -> Result<Option<f64>, Trouble> {
    let walked = session.walk(figure, MOST).await;
    go_on(
        said,
        "of its processors not all could be read",
        walked.trouble,
    )?;
    let told = walked.rows.iter().filter_map(|row| row.value.as_u64());
    let told = told.filter_map(|told| u8::try_from(told).ok().filter(|told| *told <= 100));
    let mut busy: Vec<f64> = told.map(f64::from).collect();
    match percent {
        Percent::Used => {}
        Percent::Idle => busy.iter_mut().for_each(|part| *part = 100.0 - *part),
        // Where all are 0 they are told as they are.
        Percent::UsedOrZero if busy.iter().any(|part| *part > 0.0) => {
            busy.retain(|part| *part > 0.0);
        }
        Percent::UsedOrZero => {}
    }
    let count = f64::from(u32::try_from(busy.len()).unwrap_or(u32::MAX));
    Ok((!busy.is_empty()).then(|| busy.iter().sum::<f64>() / count / 100.0))
}
