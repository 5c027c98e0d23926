//! Agents after their enrolment: found by key, renewed, revoked, seen.

use diagnosis::record::Goodbye;
use jiff::Timestamp;
use proto::ids::AgentId;
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};

use super::{Agent, Host, KeyHash, Registry, RegistryError, id, milliseconds, optional_time, time};

impl Registry {
    /// All agents, revoked ones too, by centre and device.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn agents(&self) -> Result<Vec<Agent>, RegistryError> {
        self.call("list the agents", |connection| {
            connection
                .prepare_cached("SELECT * FROM agents ORDER BY centre, device, enrolled_at, id")?
                .query_map([], from_row)?
                .collect()
        })
        .await
    }

    /// The agent with this key, be it revoked.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn agent_by_key(&self, key: KeyHash) -> Result<Option<Agent>, RegistryError> {
        self.call("find an agent", move |connection| by_key(connection, key))
            .await
    }

    /// Notes the expiry of a new certificate in place of the one before. `false`, and nothing noted,
    /// when the newest is another by now.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn renewed(
        &self,
        agent: AgentId,
        before: Timestamp,
        until: Timestamp,
    ) -> Result<bool, RegistryError> {
        let renew = move |connection: &mut Connection| {
            let renewed = connection.execute(
                "UPDATE agents SET certificate_until = ? WHERE id = ? AND certificate_until = ?",
                params![milliseconds(until), agent.as_str(), milliseconds(before)],
            )?;
            Ok(renewed > 0)
        };
        self.run("note a renewal", renew, |renewed| *renewed).await
    }

    /// Shuts an agent out for good. Returns it as it is afterwards: one that was revoked before
    /// keeps the earlier time.
    ///
    /// # Errors
    /// When there is no such agent, or the file cannot be written.
    pub async fn revoke(&self, agent: AgentId, at: Timestamp) -> Result<Agent, RegistryError> {
        let id = agent.clone();
        let revoke = move |connection: &mut Connection| {
            connection
                .query_row(
                    "UPDATE agents SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?
                     RETURNING *",
                    params![milliseconds(at), id.as_str()],
                    from_row,
                )
                .optional()
        };
        let revoked = self.run("revoke an agent", revoke, Option::is_some);
        revoked.await?.ok_or(RegistryError::UnknownAgent { agent })
    }

    /// Notes what a machine said of itself when it opened a stream. Its kind stays as enrolled. Not a
    /// change of version: any agent may do so as often as it connects.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn said_hello(
        &self,
        agent: AgentId,
        host: Host,
        at: Timestamp,
    ) -> Result<(), RegistryError> {
        let note = move |connection: &mut Connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            see(&transaction, &agent, at, None)?;
            transaction.execute(
                "UPDATE agents SET hostname = ?1, os = ?2, arch = ?3, version = ?4
                 WHERE id = ?5 AND (hostname, os, arch, version) <> (?1, ?2, ?3, ?4)",
                params![
                    host.hostname,
                    host.os,
                    host.arch,
                    host.version,
                    agent.as_str()
                ],
            )?;
            transaction.commit()
        };
        self.call("note a greeting", note).await
    }

    /// Notes when agents were last heard, and whether that was a goodbye. Not a change of version.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn last_seen(
        &self,
        seen: Vec<(AgentId, Timestamp, Option<Goodbye>)>,
    ) -> Result<(), RegistryError> {
        if seen.is_empty() {
            return Ok(());
        }
        self.call("note who was seen", move |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for (agent, at, goodbye) in &seen {
                see(&transaction, agent, *at, *goodbye)?;
            }
            transaction.commit()
        })
        .await
    }
}

fn see(
    connection: &Connection,
    agent: &AgentId,
    at: Timestamp,
    goodbye: Option<Goodbye>,
) -> rusqlite::Result<usize> {
    connection
        .prepare_cached("UPDATE agents SET last_seen = ?, goodbye = ? WHERE id = ?")?
        .execute(params![milliseconds(at), number(goodbye), agent.as_str()])
}

/// The reason of a goodbye as it is kept, 0 for none. Older versions kept 1 for any.
fn number(goodbye: Option<Goodbye>) -> u8 {
    match goodbye {
        None => 0,
        Some(Goodbye::Stop | Goodbye::Other) => 1,
        Some(Goodbye::Shutdown) => 2,
        Some(Goodbye::Sleep) => 3,
    }
}

fn goodbye(number: u8) -> Option<Goodbye> {
    match number {
        0 => None,
        2 => Some(Goodbye::Shutdown),
        3 => Some(Goodbye::Sleep),
        _ => Some(Goodbye::Stop),
    }
}

pub(super) fn by_key(connection: &Connection, key: KeyHash) -> rusqlite::Result<Option<Agent>> {
    connection
        .prepare_cached("SELECT * FROM agents WHERE key_hash = ?")?
        .query_row([key.0], from_row)
        .optional()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Agent> {
    Ok(Agent {
        id: id(row, "id")?,
        centre: id(row, "centre")?,
        device: id(row, "device")?,
        kind: row.get("kind")?,
        hostname: row.get("hostname")?,
        os: row.get("os")?,
        arch: row.get("arch")?,
        version: row.get("version")?,
        key: KeyHash(row.get("key_hash")?),
        enrolled_at: time(row, "enrolled_at")?,
        certificate_until: time(row, "certificate_until")?,
        revoked_at: optional_time(row, "revoked_at")?,
        last_seen: optional_time(row, "last_seen")?,
        goodbye: goodbye(row.get("goodbye")?),
    })
}
