//! What commands print: results for people and for pipes.

use std::io::{self, Write as _};

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

/// Prints to stdout, with a line end. A reader that closed its pipe has seen enough.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// Columns beside each other, the header first. Whatever machines and devices say of themselves, it does
/// nothing to a terminal.
pub(super) fn table<const N: usize>(header: [&str; N], rows: Vec<[String; N]>) -> String {
    let mut all = vec![header.map(str::to_owned)];
    let harmless = |cell: String| cell.replace(char::is_control, "\u{fffd}");
    all.extend(rows.into_iter().map(|row| row.map(harmless)));
    let width = |column: usize| {
        let cells = all.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths);
        let line: String = cells
            .map(|(cell, width)| format!("{cell:width$}  "))
            .collect();
        line.trim_end().to_owned()
    };
    all.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A time as people at the collector read it, or `-`.
pub(super) fn time(at: Option<Timestamp>, offset: Offset) -> String {
    at.map_or_else(
        || "-".to_owned(),
        |at| {
            let local = at.to_zoned(TimeZone::fixed(offset));
            local.strftime("%Y-%m-%dT%H:%M%:z").to_string()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_does_nothing_to_a_terminal() {
        let rows = vec![["a\u{1b}[2J\n".to_owned(), "máy in".to_owned()]];
        let told = table(["NAME", "MODEL"], rows);
        assert_eq!(told, "NAME    MODEL\na\u{fffd}[2J\u{fffd}  máy in");
    }
}
