//! Where makers of UPS keep what their cards do not say by UPS-MIB. A new maker is a few rows.

use super::super::said::Ups;
use super::super::snmp::{Oid, Session, Trouble, oid};
use super::{number, ratio, time};

/// What an object says, and how.
#[derive(Clone, Copy)]
enum Says {
    /// 1 where the number is one of these, 0 where it is one of those, and else it is not known.
    OnBattery(&'static [i64], &'static [i64]),
    Low(&'static [i64], &'static [i64]),
    Replace(&'static [i64], &'static [i64]),
    /// A share of so many.
    Charge(u32),
    Load(u32),
    /// A time in units of so many seconds.
    Runtime(f64),
}

/// Makers by `sysObjectID`. Of two rows that say the same the first that is there counts.
static ROWS: [(Oid, Oid, Says); 35] = [
    // APC, PowerNet-MIB: upsBasicOutputStatus, with bypass, trim and boost on the mains.
    apc(
        oid!("1.3.6.1.4.1.318.1.1.1.4.1.1.0"),
        Says::OnBattery(&[3, 15], &[2, 4, 6, 9, 10, 12, 13, 14, 16, 17, 18, 19]),
    ),
    // upsHighPrecBatteryCapacity in tenths, upsAdvBatteryCapacity.
    apc(oid!("1.3.6.1.4.1.318.1.1.1.2.3.1.0"), Says::Charge(1000)),
    apc(oid!("1.3.6.1.4.1.318.1.1.1.2.2.1.0"), Says::Charge(100)),
    // upsAdvBatteryRunTimeRemaining in TimeTicks.
    apc(oid!("1.3.6.1.4.1.318.1.1.1.2.2.3.0"), Says::Runtime(0.01)),
    // upsHighPrecOutputLoad in tenths, upsAdvOutputLoad.
    apc(oid!("1.3.6.1.4.1.318.1.1.1.4.3.3.0"), Says::Load(1000)),
    apc(oid!("1.3.6.1.4.1.318.1.1.1.4.2.3.0"), Says::Load(100)),
    // upsBasicBatteryStatus, upsAdvBatteryReplaceIndicator.
    apc(oid!("1.3.6.1.4.1.318.1.1.1.2.1.1.0"), Says::Low(&[3], &[2])),
    apc(
        oid!("1.3.6.1.4.1.318.1.1.1.2.2.4.0"),
        Says::Replace(&[2], &[1]),
    ),
    // CyberPower, CPS-MIB, made after APC's.
    cyber_power(
        oid!("1.3.6.1.4.1.3808.1.1.1.4.1.1.0"),
        Says::OnBattery(&[3], &[2, 4, 6, 9, 12]),
    ),
    cyber_power(oid!("1.3.6.1.4.1.3808.1.1.1.2.2.1.0"), Says::Charge(100)),
    cyber_power(oid!("1.3.6.1.4.1.3808.1.1.1.2.2.4.0"), Says::Runtime(0.01)),
    cyber_power(oid!("1.3.6.1.4.1.3808.1.1.1.4.2.3.0"), Says::Load(100)),
    cyber_power(
        oid!("1.3.6.1.4.1.3808.1.1.1.2.1.1.0"),
        Says::Low(&[3], &[2]),
    ),
    cyber_power(
        oid!("1.3.6.1.4.1.3808.1.1.1.2.2.5.0"),
        Says::Replace(&[2], &[1]),
    ),
    // Eaton, XUPS-MIB: xupsOutputSource, xupsBatCapacity, xupsBatTimeRemaining, xupsOutputLoad.
    eaton(
        oid!("1.3.6.1.4.1.534.1.4.5.0"),
        Says::OnBattery(&[5], &[3, 4, 6, 7, 8, 9, 10, 11, 12]),
    ),
    eaton(oid!("1.3.6.1.4.1.534.1.2.4.0"), Says::Charge(100)),
    eaton(oid!("1.3.6.1.4.1.534.1.2.1.0"), Says::Runtime(1.0)),
    eaton(oid!("1.3.6.1.4.1.534.1.4.1.0"), Says::Load(100)),
    // Eaton after MGE, MG-SNMP-UPS-MIB, yes(1) and no(2): upsmgOutputOnBattery, upsmgBatteryLevel,
    // upsmgBatteryRemainingTime, the first phase of upsmgOutputLoadPerPhase.
    mge(oid!("1.3.6.1.4.1.705.1.7.3.0"), Says::OnBattery(&[1], &[2])),
    mge(oid!("1.3.6.1.4.1.705.1.5.2.0"), Says::Charge(100)),
    mge(oid!("1.3.6.1.4.1.705.1.5.1.0"), Says::Runtime(1.0)),
    mge(oid!("1.3.6.1.4.1.705.1.7.2.1.4.1"), Says::Load(100)),
    // upsmgBatteryLowBattery, upsmgBatteryReplacement, upsmgBatteryFaultBattery.
    mge(oid!("1.3.6.1.4.1.705.1.5.14.0"), Says::Low(&[1], &[2])),
    mge(oid!("1.3.6.1.4.1.705.1.5.11.0"), Says::Replace(&[1], &[2])),
    mge(oid!("1.3.6.1.4.1.705.1.5.9.0"), Says::Replace(&[1], &[2])),
    // Delta, DeltaUPS-MIB: dupsOutputSource, dupsBatteryCapacity, dupsBatteryEstimatedTime in minutes,
    // dupsOutputLoad1, dupsBatteryStatus, dupsBatteryCondition.
    delta(
        oid!("1.3.6.1.4.1.2254.2.4.5.1.0"),
        Says::OnBattery(&[1], &[0, 2, 3, 4, 5]),
    ),
    delta(oid!("1.3.6.1.4.1.2254.2.4.7.8.0"), Says::Charge(100)),
    delta(oid!("1.3.6.1.4.1.2254.2.4.7.5.0"), Says::Runtime(60.0)),
    delta(oid!("1.3.6.1.4.1.2254.2.4.5.7.0"), Says::Load(100)),
    delta(oid!("1.3.6.1.4.1.2254.2.4.7.2.0"), Says::Low(&[1, 2], &[0])),
    delta(
        oid!("1.3.6.1.4.1.2254.2.4.7.1.0"),
        Says::Replace(&[2], &[0, 1]),
    ),
    // Megatec and many small ones, XPPC-MIB, made after APC's with tenths of nothing.
    megatec(
        oid!("1.3.6.1.4.1.935.1.1.1.4.1.1.0"),
        Says::OnBattery(&[3], &[2, 4, 6, 8]),
    ),
    megatec(oid!("1.3.6.1.4.1.935.1.1.1.2.2.1.0"), Says::Charge(100)),
    megatec(oid!("1.3.6.1.4.1.935.1.1.1.4.2.3.0"), Says::Load(100)),
    megatec(oid!("1.3.6.1.4.1.935.1.1.1.2.1.1.0"), Says::Low(&[3], &[2])),
];

const fn apc(object: Oid, says: Says) -> (Oid, Oid, Says) {
    (oid!("1.3.6.1.4.1.318"), object, says)
}

const fn cyber_power(object: Oid, says: Says) -> (Oid, Oid, Says) {
    (oid!("1.3.6.1.4.1.3808"), object, says)
}

const fn eaton(object: Oid, says: Says) -> (Oid, Oid, Says) {
    (oid!("1.3.6.1.4.1.534"), object, says)
}

const fn mge(object: Oid, says: Says) -> (Oid, Oid, Says) {
    (oid!("1.3.6.1.4.1.705"), object, says)
}

const fn delta(object: Oid, says: Says) -> (Oid, Oid, Says) {
    (oid!("1.3.6.1.4.1.2254"), object, says)
}

const fn megatec(object: Oid, says: Says) -> (Oid, Oid, Says) {
    (oid!("1.3.6.1.4.1.935"), object, says)
}

/// Adds what this maker's objects say and is not known yet, or is the matter.
pub(super) async fn fill(
    session: &mut dyn Session,
    maker: &Oid,
    ups: &mut Ups,
) -> Result<(), Trouble> {
    let rows = ROWS.iter().filter(|(tree, ..)| maker.starts_with(tree));
    let rows: Vec<(&Oid, Says)> = rows.map(|(_, object, says)| (object, *says)).collect();
    let objects: Vec<Oid> = rows.iter().map(|(object, _)| (*object).clone()).collect();
    if objects.is_empty() {
        return Ok(());
    }
    let told = session.get(&objects).await?;
    for (object, says) in rows {
        let binding = told.iter().find(|binding| binding.oid == *object);
        if let Some(number) = binding.and_then(|binding| number(&binding.value)) {
            says.fill(number, ups);
        }
    }
    Ok(())
}

impl Says {
    fn fill(self, number: i64, ups: &mut Ups) {
        let word = |yes: &[i64], no: &[i64]| match number {
            _ if yes.contains(&number) => Some(true),
            _ if no.contains(&number) => Some(false),
            _ => None,
        };
        match self {
            Self::OnBattery(yes, no) => ups.on_battery = ups.on_battery.or(word(yes, no)),
            Self::Low(yes, no) => ups.battery_low = either(ups.battery_low, word(yes, no)),
            Self::Replace(yes, no) => {
                ups.battery_replace = either(ups.battery_replace, word(yes, no));
            }
            Self::Charge(whole) => ups.battery_ratio = ups.battery_ratio.or(ratio(number, whole)),
            Self::Load(whole) => ups.load_ratio = ups.load_ratio.or(ratio(number, whole)),
            Self::Runtime(unit) => {
                ups.runtime_seconds = ups.runtime_seconds.or(time(number, unit));
            }
        }
    }
}

/// What is the matter is, whoever says so.
fn either(known: Option<bool>, told: Option<bool>) -> Option<bool> {
    match (known, told) {
        (Some(known), Some(told)) => Some(known || told),
        _ => known.or(told),
    }
}
