//! How a token turns into an agent: checked, used up and answered in one transaction.
//!
//! * The same key again is the same agent again: a lost answer or a repeated `enroll` makes no
//!   second device, and may repeat with a token that this very key has used up. In another centre it
//!   is the same agent, moved.
//! * A new key gets a name of its own: `pc-03`, then `pc-03-2`. So a stranger never takes over the
//!   history of a known device, unless the administrator said so with a token that names the device;
//!   then the agent before it is revoked.
//! * A revoked key never comes back.
//! * No agent has the name of a device without one: their series would be the same.

use jiff::Timestamp;
use proto::ids::{CentreId, DeviceId, slug};
use proto::limits::ID_BYTES;
use rusqlite::{Connection, Transaction, TransactionBehavior, named_params, params};

use super::{
    Agent, Host, KeptToken, KeyHash, Registry, RegistryError, TokenHash, agents, devices,
    milliseconds, tokens,
};

/// Agents of one centre: a reusable token that leaked must not fill the registry.
pub const AGENTS_PER_CENTRE: usize = 500;

/// A machine that shows a token.
#[derive(Debug, Clone)]
pub struct NewAgent {
    /// The key that its certificate will be for.
    pub key: KeyHash,
    /// What it says of itself.
    pub host: Host,
    /// Now.
    pub at: Timestamp,
    /// Expiry of the certificate that it will get.
    pub certificate_until: Timestamp,
}

/// Why a machine cannot enrol.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum EnrolError {
    #[error(
        "the collector does not know this token: make one with `dawnwatch-collector token create`"
    )]
    UnknownToken,
    #[error("this token was used already: make another with `dawnwatch-collector token create`")]
    UsedToken,
    #[error("this token has expired: make another with `dawnwatch-collector token create`")]
    ExpiredToken,
    #[error("the key of this machine was revoked: delete the agent's data folder and enrol again")]
    RevokedKey,
    #[error(
        "{device} is the name of a device without an agent in {centre}: make a token with another --device, or \
         run `dawnwatch-collector device remove {centre} {device}`"
    )]
    NameTaken { centre: CentreId, device: DeviceId },
    #[error("centre {centre} has {AGENTS_PER_CENTRE} agents already: revoke some")]
    CentreFull { centre: CentreId },
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl Registry {
    /// Turns a token into an agent; see the rules at the top of this file.
    ///
    /// # Errors
    /// When the token or the key is not good (then nothing is changed), or the file cannot be
    /// written.
    pub async fn enroll(&self, token: TokenHash, agent: NewAgent) -> Result<Agent, EnrolError> {
        let enrol = move |connection: &mut Connection| match enrol(connection, token, &agent) {
            Ok(enrolled) => Ok(Ok(enrolled)),
            Err(Failure::Refused(error)) => Ok(Err(error)),
            Err(Failure::Query(error)) => Err(error),
        };
        self.run("enrol an agent", enrol, Result::is_ok).await?
    }
}

/// Why a transaction is rolled back.
enum Failure {
    Refused(EnrolError),
    Query(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Query(error)
    }
}

impl From<EnrolError> for Failure {
    fn from(error: EnrolError) -> Self {
        Self::Refused(error)
    }
}

fn enrol(connection: &mut Connection, hash: TokenHash, agent: &NewAgent) -> Result<Agent, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let token = use_up(&transaction, hash, agent)?;
    let known = agents::by_key(&transaction, agent.key)?;
    if known
        .as_ref()
        .is_some_and(|known| known.revoked_at.is_some())
    {
        return Err(EnrolError::RevokedKey.into());
    }
    let device = device_of(&transaction, &token, known.as_ref(), agent)?;
    store(&transaction, &token.centre, &device, agent)?;
    let enrolled = agents::by_key(&transaction, agent.key)?;
    transaction.commit()?;
    Ok(enrolled.ok_or(rusqlite::Error::QueryReturnedNoRows)?)
}

fn use_up(
    transaction: &Transaction<'_>,
    hash: TokenHash,
    agent: &NewAgent,
) -> Result<KeptToken, Failure> {
    let token = tokens::by_hash(transaction, hash)?.ok_or(EnrolError::UnknownToken)?;
    if token.expires_at <= agent.at {
        return Err(EnrolError::ExpiredToken.into());
    }
    if !token.reusable && token.used_by.is_some_and(|key| key != agent.key) {
        return Err(EnrolError::UsedToken.into());
    }
    transaction.execute(
        "UPDATE tokens SET used_by = ? WHERE hash = ?",
        params![agent.key.0, hash.0],
    )?;
    Ok(token)
}

/// The name that the machine will have in the token's centre.
fn device_of(
    transaction: &Transaction<'_>,
    token: &KeptToken,
    known: Option<&Agent>,
    agent: &NewAgent,
) -> Result<DeviceId, Failure> {
    if let Some(device) = &token.device {
        if devices::is_known(transaction, &token.centre, device)? {
            let (centre, device) = (token.centre.clone(), device.clone());
            return Err(EnrolError::NameTaken { centre, device }.into());
        }
        replace(transaction, &token.centre, device, agent)?;
        return Ok(device.clone());
    }
    if let Some(known) = known.filter(|known| known.centre == token.centre) {
        return Ok(known.device.clone());
    }
    let agents: u32 = transaction
        .prepare_cached("SELECT count(*) FROM agents WHERE centre = ? AND revoked_at IS NULL")?
        .query_row([token.centre.as_str()], |row| row.get(0))?;
    let taken = devices::taken(transaction, &token.centre)?;
    let wanted = slug(&agent.host.hostname).unwrap_or_else(|| agent.host.kind.clone());
    let free = ((agents as usize) < AGENTS_PER_CENTRE).then(|| free_name(&wanted, &taken));
    free.flatten().ok_or_else(|| {
        let centre = token.centre.clone();
        EnrolError::CentreFull { centre }.into()
    })
}

/// Revokes whoever else has this name.
fn replace(
    transaction: &Transaction<'_>,
    centre: &CentreId,
    device: &DeviceId,
    agent: &NewAgent,
) -> rusqlite::Result<usize> {
    transaction.execute(
        "UPDATE agents SET revoked_at = ?
         WHERE centre = ? AND device = ? AND key_hash <> ? AND revoked_at IS NULL",
        params![
            milliseconds(agent.at),
            centre.as_str(),
            device.as_str(),
            agent.key.0
        ],
    )
}

/// `pc-03`, or the first of `pc-03-2`, `pc-03-3` … that nobody has.
pub(super) fn free_name(wanted: &str, taken: &[String]) -> Option<DeviceId> {
    (1..=taken.len() + 1)
        .map(|number| {
            if number == 1 {
                return wanted.to_owned();
            }
            let suffix = format!("-{number}");
            let base: String = wanted.chars().take(ID_BYTES - suffix.len()).collect();
            format!("{}{suffix}", base.trim_end_matches('-'))
        })
        .find(|name| !taken.contains(name))?
        .parse()
        .ok()
}

/// A new row with a new id, or the row of a key that is known already.
fn store(
    transaction: &Transaction<'_>,
    centre: &CentreId,
    device: &DeviceId,
    agent: &NewAgent,
) -> rusqlite::Result<usize> {
    transaction.execute(
        "INSERT INTO agents (id, centre, device, kind, hostname, os, arch, version, key_hash,
                             enrolled_at, certificate_until)
         VALUES (lower(hex(randomblob(8))), :centre, :device, :kind, :hostname, :os, :arch,
                 :version, :key, :at, :until)
         ON CONFLICT (key_hash) DO UPDATE SET
             centre = :centre, device = :device, kind = :kind, hostname = :hostname, os = :os,
             arch = :arch, version = :version, enrolled_at = :at, certificate_until = :until",
        named_params! {
            ":centre": centre.as_str(),
            ":device": device.as_str(),
            ":kind": agent.host.kind,
            ":hostname": agent.host.hostname,
            ":os": agent.host.os,
            ":arch": agent.host.arch,
            ":version": agent.host.version,
            ":key": agent.key.0,
            ":at": milliseconds(agent.at),
            ":until": milliseconds(agent.certificate_until),
        },
    )
}
