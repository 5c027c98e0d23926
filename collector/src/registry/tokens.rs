//! Tokens: kept as hashes until a while after they expire, listed, withdrawn. How one is used up is in
//! `enrol`.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use proto::ids::{CentreId, DeviceId};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use super::{KeyHash, Registry, RegistryError, convert, id, milliseconds, time};

/// SHA-256 of a token's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// What people call the token.
    #[must_use]
    pub fn id(&self) -> TokenId {
        let [a, b, c, d, ..] = self.0;
        TokenId([a, b, c, d])
    }
}

/// The first eight hexadecimal digits of a token's hash: enough to tell the tokens of one collector
/// apart, and of no use for enrolling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenId([u8; 4]);

/// Why a text is no id of a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("use eight hexadecimal digits, as `token list` shows them")]
pub struct InvalidTokenId;

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl FromStr for TokenId {
    type Err = InvalidTokenId;

    fn from_str(text: &str) -> Result<Self, InvalidTokenId> {
        let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u32::from_str_radix(text, 16).map_err(|_| InvalidTokenId)?;
        digits
            .then_some(Self(number.to_be_bytes()))
            .ok_or(InvalidTokenId)
    }
}

/// A token to be kept.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What is kept of its secret.
    pub hash: TokenHash,
    /// Where its bearer will belong.
    pub centre: CentreId,
    /// The bearer's name there, when it is decided.
    pub device: Option<DeviceId>,
    /// Whether more than one machine may use it.
    pub reusable: bool,
    /// Now.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A token that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptToken {
    /// What it is withdrawn by.
    pub id: TokenId,
    /// Where its bearer will belong.
    pub centre: CentreId,
    /// The bearer's name there, when it is decided.
    pub device: Option<DeviceId>,
    /// Whether more than one machine may use it.
    pub reusable: bool,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The key that enrolled with it, the newest when there were several.
    pub used_by: Option<KeyHash>,
}

impl Registry {
    /// Keeps a token, and forgets those that expired a while ago.
    ///
    /// # Errors
    /// When its centre is unknown, or the file cannot be written.
    pub async fn create_token(&self, token: NewToken) -> Result<(), RegistryError> {
        let centre = token.centre.clone();
        let create = move |connection: &mut Connection| create(connection, &token);
        let created = self.run("keep a token", create, |created| *created).await?;
        created
            .then_some(())
            .ok_or(RegistryError::UnknownCentre { centre })
    }

    /// All tokens that are kept, expired and used ones too, by centre and end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn tokens(&self) -> Result<Vec<KeptToken>, RegistryError> {
        self.call("list the tokens", |connection| {
            connection
                .prepare_cached("SELECT * FROM tokens ORDER BY centre, expires_at, hash")?
                .query_map([], from_row)?
                .collect()
        })
        .await
    }

    /// Forgets a token, so that nobody enrols with it any more. Agents that did stay. Returns what was
    /// forgotten.
    ///
    /// # Errors
    /// When there is no such token, or the file cannot be written.
    pub async fn revoke_token(&self, token: TokenId) -> Result<KeptToken, RegistryError> {
        let revoke = move |connection: &mut Connection| {
            // One at a time, should two ids ever be alike: what is told is what was done.
            connection
                .query_row(
                    "DELETE FROM tokens WHERE hash =
                         (SELECT hash FROM tokens WHERE substr(hash, 1, 4) = ? LIMIT 1)
                     RETURNING *",
                    [token.0],
                    from_row,
                )
                .optional()
        };
        let revoked = self.run("withdraw a token", revoke, Option::is_some);
        revoked.await?.ok_or(RegistryError::UnknownToken { token })
    }
}

pub(super) fn by_hash(
    connection: &Connection,
    hash: TokenHash,
) -> rusqlite::Result<Option<KeptToken>> {
    connection
        .prepare_cached("SELECT * FROM tokens WHERE hash = ?")?
        .query_row([hash.0], from_row)
        .optional()
}

fn create(connection: &Connection, token: &NewToken) -> rusqlite::Result<bool> {
    // Kept for a week, so that a late machine is told "expired" and not "unknown".
    connection.execute(
        "DELETE FROM tokens WHERE expires_at < ? - 7 * 24 * 3600 * 1000",
        [milliseconds(token.created_at)],
    )?;
    let created = connection.execute(
        "INSERT INTO tokens (hash, centre, device, reusable, created_at, expires_at)
         SELECT :hash, id, :device, :reusable, :created_at, :expires_at
         FROM centres WHERE id = :centre",
        named_params! {
            ":hash": token.hash.0,
            ":centre": token.centre.as_str(),
            ":device": token.device.as_ref().map(DeviceId::as_str),
            ":reusable": token.reusable,
            ":created_at": milliseconds(token.created_at),
            ":expires_at": milliseconds(token.expires_at),
        },
    )?;
    Ok(created > 0)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<KeptToken> {
    let device = |device: Option<String>| device.map(|device| device.parse()).transpose();
    let used_by: Option<[u8; 32]> = row.get("used_by")?;
    Ok(KeptToken {
        id: TokenHash(row.get("hash")?).id(),
        centre: id(row, "centre")?,
        device: convert(row, "device", device)?,
        reusable: row.get("reusable")?,
        expires_at: time(row, "expires_at")?,
        used_by: used_by.map(KeyHash),
    })
}
