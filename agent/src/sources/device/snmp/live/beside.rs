//! Walking columns of one table side by side: a table of few rows takes one request, not one a column.
//!
//! An answer is read by place, a row of it after the other, as RFC 3416 (section 4.2.3) has it. With a device
//! that chokes on this, or answers it otherwise, columns are walked one by one, for the rest of the session.
//! Deliberately absent: SNMPv1, which has no GETBULK.

use super::super::wire::Wire;
use super::super::{Oid, Trouble, Walked};
use super::walk::{REPETITIONS, Step};
use super::{Live, Request};

/// Values asked for at once: of texts, an answer is then still of one packet or two.
const VALUES: usize = 32;

/// One column, as far as it was walked.
struct Column {
    root: async_snmp::Oid,
    last: async_snmp::Oid,
    walked: Walked,
    is_open: bool,
}

impl<W: Wire> Live<W> {
    /// These columns in their order, each to at most so many rows. The last has the trouble after which
    /// it is no use to ask on; columns behind it are left out.
    pub(super) async fn walk_columns(&mut self, columns: &[Oid], most: usize) -> Vec<Walked> {
        let mut walked = Vec::with_capacity(columns.len());
        for some in columns.chunks(VALUES / 4) {
            // A device that went along with all so far.
            let can_beside = some.len() > 1 && self.repetitions == REPETITIONS;
            let beside = match can_beside {
                true => self.walk_beside(some, most).await,
                false => None,
            };
            match beside {
                Some(beside) => walked.extend(beside),
                None => {
                    for column in some {
                        walked.push(self.walk_column(column, most).await);
                        if self.gone.is_some() {
                            return walked;
                        }
                    }
                }
            }
            if self.gone.is_some() {
                return walked;
            }
        }
        walked
    }

    /// `None` where the device does not go along.
    async fn walk_beside(&mut self, columns: &[Oid], most: usize) -> Option<Vec<Walked>> {
        let mut columns: Vec<Column> = columns.iter().map(Column::new).collect();
        loop {
            let open = columns.iter().filter(|column| column.is_open);
            let after: Vec<async_snmp::Oid> = open.map(|column| column.last.clone()).collect();
            if after.is_empty() {
                break;
            }
            let rows = u32::try_from(VALUES / after.len()).unwrap_or(1);
            let request = Request::Bulk(&after, rows.clamp(1, REPETITIONS));
            let told = self.exchange(request).await;
            let told = told.map_err(super::super::convert::Refusal::trouble);
            let told = told.and_then(|told| match told.len() < after.len() {
                true => Err(Trouble::Unreadable),
                false => self.count(told.len()).map(|()| told),
            });
            let told = match told {
                Ok(told) => told,
                Err(trouble) => {
                    let trouble = self.gone.or_else(|| self.with_fewer(trouble))?;
                    let mut open = columns.iter_mut().filter(|column| column.is_open);
                    open.next()?.walked.trouble = Some(trouble);
                    break;
                }
            };
            let mut open: Vec<_> = columns.iter_mut().filter(|one| one.is_open).collect();
            let places = open.len();
            for (place, told) in told.into_iter().enumerate() {
                let Some(column) = open.get_mut(place % places).filter(|one| one.is_open) else {
                    continue;
                };
                let Column {
                    walked, root, last, ..
                } = &mut **column;
                // What is not behind what was asked for answers something else.
                let is_astray = told.oid < *last;
                let taken = walked.take(told, root, last, most);
                match taken.and_then(|step| {
                    if is_astray {
                        Err(Trouble::Loop)
                    } else {
                        Ok(step)
                    }
                }) {
                    Ok(Step::On) => {}
                    Ok(Step::End) => column.is_open = false,
                    Err(Trouble::TooMany) => {
                        column.is_open = false;
                        column.walked.trouble = Some(Trouble::TooMany);
                    }
                    Err(trouble) => {
                        self.with_fewer(trouble);
                        return None;
                    }
                }
            }
        }
        Some(columns.into_iter().map(|column| column.walked).collect())
    }
}

impl Column {
    fn new(column: &Oid) -> Self {
        let root = async_snmp::Oid::from(column);
        Self {
            last: root.clone(),
            root,
            walked: Walked::default(),
            is_open: true,
        }
    }
}
