//! Makes enrolment tokens. Their text is in [`proto::token`]; here are the randomness and the hash.

use std::time::Duration;

use jiff::Timestamp;
use proto::ids::{CentreId, DeviceId};
use proto::token::{Fingerprint, SECRET_BYTES, Secret, Token};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::registry::{NewToken, Registry, RegistryError, TokenHash};

/// How long a token is good for when nobody says otherwise: a working day to walk to the machine.
pub const USUAL_VALIDITY: Duration = Duration::from_hours(24);

/// Who may enrol with a token, and for how long.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Where its bearer will belong.
    pub centre: CentreId,
    /// The bearer's name there; otherwise it is made of the host name.
    pub device: Option<DeviceId>,
    /// Whether more than one machine may use it.
    pub reusable: bool,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum CreateError {
    #[error("the system gave no random numbers")]
    Random,
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Makes a token and keeps its hash. The returned text exists nowhere else.
///
/// # Errors
/// When the centre is unknown, or the registry cannot be written.
pub async fn create(
    registry: &Registry,
    authority: Fingerprint,
    grant: Grant,
) -> Result<Token, CreateError> {
    let mut secret = [0; SECRET_BYTES];
    SystemRandom::new()
        .fill(&mut secret)
        .map_err(|_| CreateError::Random)?;
    let token = Token {
        fingerprint: authority,
        secret: Secret(secret),
    };
    let kept = NewToken {
        hash: hash(&token.secret),
        centre: grant.centre,
        device: grant.device,
        reusable: grant.reusable,
        created_at: Timestamp::now(),
        expires_at: grant.expires_at,
    };
    registry.create_token(kept).await?;
    Ok(token)
}

/// What the registry knows of a secret. A plain hash is enough: a random secret cannot be guessed.
#[must_use]
pub fn hash(secret: &Secret) -> TokenHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, &secret.0).as_ref());
    TokenHash(hash)
}
