//! What a printer says by SNMP: the Printer-MIB (RFC 3805) and what Host-Resources (RFC 2790) has of it.
//!
//! In reading order: `host` (which device it is), `status` (what it does, and the bits of what is the
//! matter), `alerts` (more of that), `supplies` and `trays` with `level` and `colours`, `pages`, `vendors`
//! (what their own MIBs add). Reading an idle printer takes about 20 requests of SNMPv2c; small tables
//! are walked column by column, and those that are mostly empty by their first column alone. What was
//! read in full before a printer stopped answering is told. Deliberately absent: jobs, and other states of trays
//! and covers than open, which the bits and alerts tell in the printer's own order of importance.

mod alerts;
pub(crate) mod colours;
mod host;
mod level;
mod pages;
mod status;
mod supplies;
#[cfg(test)]
mod tests;
mod trays;
mod vendors;

use proto::plan::Kind;

use self::alerts::Alert;
use self::host::Host;
use super::said::{Said, Supply};
use super::snmp::{Binding, Oid, Session, Trouble, Value};
use super::table::Table;

/// Rows that are read of each table; more is a fault of the device.
const SUPPLIES: usize = 128;
const TRAYS: usize = 64;
const ALERTS: usize = 128;
const COVERS: usize = 32;
const LINES: usize = 16;
const MARKERS: usize = 16;
const COLORANTS: usize = 128;
const PRINTERS: usize = 16;
const DEVICES: usize = 128;

/// Alerts that are looked at, the newest: indexes grow, and some printers keep what is over.
const NEWEST: usize = 32;

/// What is said of problems and messages in all.
const PROBLEMS: usize = 16;
const MESSAGES: usize = 16;

/// `prtConsoleDisplayBufferText`.
const CONSOLE: Oid = super::snmp::oid!("1.3.6.1.2.1.43.16.5.1.2");

/// Fills in what the printer says; nothing where the device is none. Trouble with single tables is a
/// problem in `said`; an error is that it stopped answering.
pub(crate) async fn read(session: &mut dyn Session, said: &mut Said) -> Result<(), Trouble> {
    let mut asking = Asking {
        session,
        problems: Vec::new(),
        gone: None,
    };
    let mut heard = Heard {
        host: asking.host().await,
        ..Heard::default()
    };
    if let Some(trouble) = asking.gone {
        return Err(trouble);
    }
    asking.supplies(&mut heard).await;
    let trays = asking.table("trays", &trays::COLUMNS, TRAYS).await;
    let (trays, problems) = trays::trays(&trays);
    asking.problems.extend(problems);
    let life = asking.table("pages", &pages::COLUMNS, MARKERS).await;
    heard.pages = pages::total(&life);
    // A computer has a row for each of its queues, and nothing of the Printer-MIB.
    let is_printer = !heard.supplies.is_empty() || !trays.is_empty() || !life.is_empty();
    if is_printer || heard.host.rows == 1 {
        asking.matter(&mut heard).await;
        asking.vendors_own(&mut heard).await;
        said.trays.extend(trays);
        heard.tell(said);
        if is_printer {
            said.kind = said.kind.or(Some(Kind::Printer));
        }
        asking.problems.truncate(PROBLEMS);
        said.problems.append(&mut asking.problems);
    }
    asking.gone.map_or(Ok(()), Err)
}

/// All that was heard, before it is told.
#[derive(Default)]
struct Heard {
    host: Host,
    supplies: Vec<Supply>,
    pages: Option<u64>,
    alerts: Vec<Alert>,
    has_open_cover: bool,
    console: Vec<String>,
}

/// A printer that is asked for one table after the other until it stops answering.
struct Asking<'s> {
    session: &'s mut dyn Session,
    problems: Vec<String>,
    gone: Option<Trouble>,
}

impl Asking<'_> {
    /// A whole table. One that was cut short by silence is left out: without its names, its rows would be
    /// told as others than they are.
    async fn table(&mut self, what: &str, columns: &[Oid], most: usize) -> Table {
        if self.gone.is_some() {
            return Table::default();
        }
        let (table, trouble) = Table::read(&mut *self.session, columns, most).await;
        self.note(what, trouble);
        if self.gone.is_some() {
            return Table::default();
        }
        table
    }

    /// The texts or numbers of one column.
    async fn column(&mut self, what: &str, column: &Oid, most: usize) -> Vec<Value> {
        if self.gone.is_some() {
            return Vec::new();
        }
        let walked = self.session.walk(column, most).await;
        self.note(what, walked.trouble);
        walked.rows.into_iter().map(|row| row.value).collect()
    }

    async fn get(&mut self, what: &str, instances: &[Oid]) -> Vec<Binding> {
        if self.gone.is_some() || instances.is_empty() {
            return Vec::new();
        }
        match self.session.get(instances).await {
            Ok(answers) => answers,
            Err(trouble) => {
                self.note(what, Some(trouble));
                Vec::new()
            }
        }
    }

    fn note(&mut self, what: &str, trouble: Option<Trouble>) {
        match trouble {
            None => {}
            Some(trouble) if trouble.is_final() => self.gone = Some(trouble),
            Some(trouble) => self.problems.push(format!("{what}: {trouble}")),
        }
    }

    async fn host(&mut self) -> Host {
        let printers = self.table("status", &host::COLUMNS, PRINTERS).await;
        let mut host = match Host::of_printers(&printers) {
            Some(host) => host,
            None => Host::of_types(&self.table("devices", &[host::TYPE], DEVICES).await),
        };
        let answers = self.get("device", &host.instances()).await;
        host.learn(&answers);
        host
    }

    async fn supplies(&mut self, heard: &mut Heard) {
        let mut table = self.table("supplies", &supplies::COLUMNS, SUPPLIES).await;
        let context = vendors::context(heard.host.object.as_ref());
        let context = context.filter(|_| table.is_empty() && self.gone.is_none());
        if let Some(context) = context {
            self.session.in_context(context);
            // Most do not have it and do not answer then, which says nothing of the rest.
            if self.session.get(&[supplies::FIRST]).await.is_ok() {
                table = self.table("supplies", &supplies::COLUMNS, SUPPLIES).await;
            }
        }
        if !table.is_empty() {
            let columns = [supplies::COLORANT_VALUE];
            let colorants = self.table("colours", &columns, COLORANTS).await;
            if self.gone.is_none() {
                let (supplies, problems) = supplies::supplies(&table, &colorants);
                heard.supplies = supplies;
                self.problems.extend(problems);
            }
        }
        self.session.in_context("");
    }

    /// What is the matter with it, in more words than bits.
    async fn matter(&mut self, heard: &mut Heard) {
        let severities = [alerts::SEVERITY];
        let alerts = self.table("alerts", &severities, ALERTS).await;
        let newest = alerts::newest(&alerts, NEWEST);
        let cells = newest.iter().flat_map(Alert::cells);
        let told = self.get("alerts", &cells.collect::<Vec<Oid>>()).await;
        if self.gone.is_none() {
            let with = |alert: Alert| alert.with(&told);
            heard.alerts = newest.into_iter().map(with).collect();
        }
        let covers = self.column("covers", &alerts::COVER_STATUS, COVERS).await;
        let mut covers = covers.iter().filter_map(Value::as_i64);
        heard.has_open_cover = covers.any(|cover| alerts::OPEN.contains(&cover));
        let lines = self.column("console", &CONSOLE, LINES).await;
        heard.console = lines.iter().filter_map(Value::as_text).collect();
    }

    /// What only its vendor's MIB has.
    async fn vendors_own(&mut self, heard: &mut Heard) {
        let object = heard.host.object.as_ref();
        let pages = vendors::pages(object).filter(|_| heard.pages.is_none());
        let has_unknown = |supply: &Supply| supply.level.ratio().is_none();
        let maintenance = vendors::maintenance(object);
        let maintenance = maintenance.filter(|_| heard.supplies.iter().any(has_unknown));
        let wanted: Vec<Oid> = pages.into_iter().chain(maintenance).cloned().collect();
        if wanted.is_empty() {
            return;
        }
        for answer in self.get("vendor", &wanted).await {
            if Some(&answer.oid) == pages {
                heard.pages = answer.value.as_u64();
            } else if let Some(records) = answer.value.as_bytes() {
                vendors::add_maintenance(records, &mut heard.supplies);
            }
        }
    }
}

impl Heard {
    fn tell(self, said: &mut Said) {
        let host = self.host;
        let errors = host.errors.as_ref();
        said.status = status::status(host.device, host.printer, errors);
        said.conditions =
            alerts::conditions(host.device, errors, &self.alerts, self.has_open_cover);
        said.supplies.extend(self.supplies);
        said.pages_total = self.pages;
        // What the device calls itself as a printer is better than what its network card is called.
        said.model = host.model.or(said.model.take());
        // What looks go by comes first: a device has one serial number, whoever reads it.
        said.serial = said.serial.take().or(host.serial);
        said.name = said.name.take().or(host.name);
        // Where there are too many, the newest.
        let old = self.alerts.len().saturating_sub(MESSAGES);
        let alerts = self.alerts.into_iter().skip(old);
        let alerts = alerts.filter_map(|alert| alert.description);
        for message in alerts.chain(self.console) {
            if said.messages.len() < MESSAGES && !said.messages.contains(&message) {
                said.messages.push(message);
            }
        }
    }
}
