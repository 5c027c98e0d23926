//! Which device of Host-Resources (RFC 2790) is the printer, and what it says of it.
//!
//! The index of `hrPrinterTable`, else of the first printer in `hrDeviceType`, else 1: there are printers
//! without a printer row. A computer has a printer row for each of its queues, and is none; so several are
//! counted. Deliberately absent: the other printers of a print server.

use super::super::snmp::{Binding, Oid, Value, oid};
use super::super::table::Table;
use super::status::Errors;

/// `hrDeviceType` and the one looked for, `hrDevicePrinter`.
pub(super) const TYPE: Oid = oid!("1.3.6.1.2.1.25.3.2.1.2");
const PRINTER: Oid = oid!("1.3.6.1.2.1.25.3.1.5");

const STATUS: Oid = oid!("1.3.6.1.2.1.25.3.5.1.1");
const ERRORS: Oid = oid!("1.3.6.1.2.1.25.3.5.1.2");
/// Of `hrPrinterTable`.
pub(super) const COLUMNS: [Oid; 2] = [STATUS, ERRORS];

const DEVICE_DESCR: Oid = oid!("1.3.6.1.2.1.25.3.2.1.3");
const DEVICE_STATUS: Oid = oid!("1.3.6.1.2.1.25.3.2.1.5");
const PRINTER_NAME: Oid = oid!("1.3.6.1.2.1.43.5.1.1.16");
const SERIAL_NUMBER: Oid = oid!("1.3.6.1.2.1.43.5.1.1.17");
const SYS_OBJECT_ID: Oid = oid!("1.3.6.1.2.1.1.2.0");

/// What is known of the printer as a device.
#[derive(Debug, Default)]
pub(super) struct Host {
    pub(super) index: u32,
    /// Printer rows there are.
    pub(super) rows: usize,
    /// `hrPrinterStatus`.
    pub(super) printer: Option<i64>,
    /// `hrPrinterDetectedErrorState`.
    pub(super) errors: Option<Errors>,
    /// Whether `hrDeviceTable` may have something else at this index.
    is_guessed: bool,
    /// `hrDeviceStatus`.
    pub(super) device: Option<i64>,
    pub(super) model: Option<String>,
    pub(super) name: Option<String>,
    pub(super) serial: Option<String>,
    /// `sysObjectID`.
    pub(super) object: Option<Oid>,
}

impl Host {
    /// By `hrPrinterTable`. `None` when that is empty.
    pub(super) fn of_printers(table: &Table) -> Option<Self> {
        let row = table.rows().next()?;
        Some(Self {
            index: *row.index.first()?,
            rows: table.rows().count(),
            printer: row.i64(&STATUS),
            errors: row.get(&ERRORS).and_then(errors),
            ..Self::default()
        })
    }

    /// By `hrDeviceType`, or the usual index.
    pub(super) fn of_types(table: &Table) -> Self {
        let is_printer = |value: Option<&Value>| value == Some(&Value::Oid(PRINTER));
        let mut printers = table.rows().filter(|row| is_printer(row.get(&TYPE)));
        let first = printers.next().and_then(|row| row.index.first().copied());
        Self {
            index: first.unwrap_or(1),
            rows: usize::from(first.is_some()) + printers.count(),
            is_guessed: first.is_none() && !table.is_empty(),
            ..Self::default()
        }
    }

    /// What else to ask for, of the printer as a whole.
    pub(super) fn instances(&self) -> Vec<Oid> {
        let columns = [DEVICE_STATUS, DEVICE_DESCR, PRINTER_NAME, SERIAL_NUMBER];
        let mut instances: Vec<Oid> = columns
            .iter()
            .map(|column| column.child(&[self.index]))
            .collect();
        instances.push(SYS_OBJECT_ID);
        instances
    }

    /// Takes in what it said to that.
    pub(super) fn learn(&mut self, answers: &[Binding]) {
        let value = |oid: &Oid| {
            let mut answers = answers.iter();
            answers
                .find(|answer| answer.oid == *oid)
                .map(|answer| &answer.value)
        };
        let of_printer = |column: &Oid| value(&column.child(&[self.index]));
        if !self.is_guessed {
            self.device = of_printer(&DEVICE_STATUS).and_then(Value::as_i64);
            // Some tell their options too: "Xerox WorkCentre 7845; Net 75.4, …".
            let model = of_printer(&DEVICE_DESCR).and_then(Value::as_text);
            self.model = model.and_then(|model| Some(model.split(';').next()?.trim().to_owned()));
        }
        self.name = of_printer(&PRINTER_NAME).and_then(Value::as_text);
        self.serial = of_printer(&SERIAL_NUMBER).and_then(Value::as_text);
        if let Some(Value::Oid(object)) = value(&SYS_OBJECT_ID) {
            self.object = Some(object.clone());
        }
    }
}

fn errors(value: &Value) -> Option<Errors> {
    value.as_bytes().map(|octets| Errors(octets.to_vec()))
}
