//! Terms of scouts: whose word on a centre's devices counted when. At most one of a centre is open.

use jiff::Timestamp;
use proto::ids::{AgentId, CentreId};
use proto::limits::SAMPLE_AGE;
use rusqlite::{Connection, TransactionBehavior, params};

use super::{Registry, RegistryError, id, milliseconds, optional_time, time};

/// For how long an agent was the scout of a centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Whose devices it asked.
    pub centre: CentreId,
    /// Who.
    pub agent: AgentId,
    /// From when.
    pub since: Timestamp,
    /// Until when; none for the present scout.
    pub until: Option<Timestamp>,
}

/// A centre gets another scout, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub centre: CentreId,
    /// Who, from now on.
    pub agent: Option<AgentId>,
    /// When the term before ends and this one begins.
    pub at: Timestamp,
}

impl Registry {
    /// All terms of which samples may still come, by centre, the newest last: a clock that was set back makes it begin before others.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn terms(&self) -> Result<Vec<Term>, RegistryError> {
        let from_row = |row: &rusqlite::Row<'_>| {
            Ok(Term {
                centre: id(row, "centre")?,
                agent: id(row, "agent")?,
                since: time(row, "since")?,
                until: optional_time(row, "until")?,
            })
        };
        self.call("list the scouts", move |connection| {
            connection
                .prepare_cached("SELECT * FROM scouts ORDER BY centre, rowid")?
                .query_map([], from_row)?
                .collect()
        })
        .await
    }

    /// Notes who is scout now, and forgets terms of which no sample counts any more. Not a change of
    /// version.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn scouts_changed(&self, changes: Vec<Change>) -> Result<(), RegistryError> {
        self.call("note the scouts", move |connection: &mut Connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for change in &changes {
                let (centre, at) = (change.centre.as_str(), milliseconds(change.at));
                transaction.execute(
                    "UPDATE scouts SET until = ? WHERE centre = ? AND until IS NULL",
                    params![at, centre],
                )?;
                let age = i64::try_from(SAMPLE_AGE.as_millis()).unwrap_or(i64::MAX);
                transaction.execute(
                    "DELETE FROM scouts WHERE until < ?",
                    [at.saturating_sub(age)],
                )?;
                if let Some(agent) = &change.agent {
                    transaction.execute(
                        "INSERT INTO scouts (centre, agent, since) VALUES (?, ?, ?)",
                        params![centre, agent.as_str(), at],
                    )?;
                }
            }
            transaction.commit()
        })
        .await
    }
}
