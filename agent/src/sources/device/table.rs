//! A table of a MIB: columns walked side by side, read by row.
//!
//! A device may leave out cells, columns, or the index one expects to be the next. Deliberately absent:
//! which columns there are, and what they mean; that is the reader's.

use std::collections::BTreeMap;

use super::snmp::{Oid, Session, Trouble, Value};

/// Columns by row. A row is known by its index, the arcs after a column's own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    rows: BTreeMap<Vec<u32>, BTreeMap<Oid, Value>>,
}

/// What a device says in one row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'t> {
    /// The arcs after the column's: `[1, 3]` for `prtMarkerSuppliesLevel.1.3`.
    pub(crate) index: &'t [u32],
    cells: &'t BTreeMap<Oid, Value>,
}

impl Table {
    /// Walks these columns, each to at most this many rows. What was read stays when there is trouble
    /// with one: the others are read all the same, unless the device is gone, and the first trouble is
    /// told.
    pub(crate) async fn read(
        session: &mut dyn Session,
        columns: &[Oid],
        most: usize,
    ) -> (Self, Option<Trouble>) {
        let mut table = Self::default();
        let mut first = None;
        let walked = session.walk_all(columns, most).await;
        for (column, walked) in columns.iter().zip(walked) {
            for row in walked.rows {
                if let Some(index) = row.oid.suffix(column) {
                    table.set(index.to_vec(), column.clone(), row.value);
                }
            }
            first = first.or(walked.trouble);
        }
        (table, first)
    }

    fn set(&mut self, index: Vec<u32>, column: Oid, value: Value) {
        self.rows.entry(index).or_default().insert(column, value);
    }

    /// Whether there is no row at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Its rows in the order of their indexes.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|(index, cells)| Row { index, cells })
    }

    /// The row with this index.
    pub(crate) fn row(&self, index: &[u32]) -> Option<Row<'_>> {
        let (index, cells) = self.rows.get_key_value(index)?;
        Some(Row { index, cells })
    }
}

impl<'t> Row<'t> {
    /// What it has in this column.
    pub(crate) fn get(&self, column: &Oid) -> Option<&'t Value> {
        self.cells.get(column)
    }

    /// The number it has there.
    pub(crate) fn i64(&self, column: &Oid) -> Option<i64> {
        self.get(column)?.as_i64()
    }

    /// The number it has there, unless it is negative.
    pub(crate) fn u64(&self, column: &Oid) -> Option<u64> {
        self.get(column)?.as_u64()
    }

    /// The text it has there, unless it is empty.
    pub(crate) fn text(&self, column: &Oid) -> Option<String> {
        self.get(column)?.as_text()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::super::snmp::oid;
    use super::super::snmp::recorded::Recorded;
    use super::*;

    const NAME: Oid = oid!("1.3.6.1.2.1.43.11.1.1.6");
    const MAX: Oid = oid!("1.3.6.1.2.1.43.11.1.1.8");
    const LEVEL: Oid = oid!("1.3.6.1.2.1.43.11.1.1.9");
    const TEXT: &str = "\
1.3.6.1.2.1.43.11.1.1.6.1.1|4|Black
1.3.6.1.2.1.43.11.1.1.6.1.20|4|Drum
1.3.6.1.2.1.43.11.1.1.9.1.1|2|-3
1.3.6.1.2.1.43.11.1.1.9.1.3|2|40
1.3.6.1.2.1.43.11.1.1.8.1.1|2|100
";

    #[tokio::test]
    async fn cells_that_are_missing_are_missing_and_the_rest_is_there() {
        let mut session = Recorded::parse(TEXT);
        let (table, trouble) = Table::read(&mut session, &[NAME, LEVEL], 10).await;
        assert_eq!(trouble, None);
        let rows: Vec<_> = table
            .rows()
            .map(|row| (row.index.to_vec(), row.text(&NAME), row.i64(&LEVEL)))
            .collect();
        let expected = [
            (vec![1, 1], Some("Black".to_owned()), Some(-3)),
            (vec![1, 3], None, Some(40)),
            (vec![1, 20], Some("Drum".to_owned()), None),
        ];
        assert_eq!(rows, expected);
        let row = table.row(&[1, 1]).unwrap();
        assert_eq!((row.u64(&LEVEL), row.u64(&MAX)), (None, None));
    }

    #[tokio::test]
    async fn trouble_with_one_column_leaves_the_others() {
        let mut session = Recorded::parse(TEXT).failing(LEVEL);
        let (table, trouble) = Table::read(&mut session, &[LEVEL, MAX, NAME], 1).await;
        assert_eq!(trouble, Some(Trouble::Failed("genErr")));
        let row = table.row(&[1, 1]).unwrap();
        assert_eq!(
            (row.u64(&MAX), row.text(&NAME).as_deref()),
            (Some(100), Some("Black"))
        );
    }

    #[tokio::test]
    async fn a_device_that_is_gone_is_asked_no_further() {
        let mut session = Recorded::parse(TEXT);
        session.in_context("nobody");
        let (table, trouble) = Table::read(&mut session, &[NAME, LEVEL], 10).await;
        assert!(table.is_empty());
        assert_eq!(trouble, Some(Trouble::Timeout));
    }
}
