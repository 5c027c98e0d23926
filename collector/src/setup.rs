//! A new data folder: its registry and its authority.

use std::path::Path;

use crate::ca::{self, Authority, AuthorityError};
use crate::registry::{self, Registry, RegistryError};

/// Why a folder was not set up.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum SetupError {
    #[error("{folder} is set up already: start `dawnwatch-collector serve`", folder = folder.display())]
    Done { folder: std::path::PathBuf },
    #[error(
        "{folder} has a registry with agents in it, but {file} is missing: restore that file from a \
         backup; a new authority would be a stranger to every agent",
        folder = folder.display(), file = ca::FILE
    )]
    AuthorityLost { folder: std::path::PathBuf },
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Whether `serve` can start on this folder.
#[must_use]
pub fn is_done(folder: &Path) -> bool {
    Authority::exists(folder) && folder.join(registry::FILE).exists()
}

/// Makes what a folder lacks: after a half-finished setup too, and never a second authority.
///
/// # Errors
/// When it is set up already, or cannot be written.
pub async fn init(folder: &Path) -> Result<(Authority, Registry), SetupError> {
    if is_done(folder) {
        let folder = folder.to_owned();
        return Err(SetupError::Done { folder });
    }
    let registry = Registry::create(&folder.join(registry::FILE))?;
    let authority = if Authority::exists(folder) {
        Authority::load(folder)?
    } else if registry.agents().await?.is_empty() {
        Authority::create(folder)?
    } else {
        let folder = folder.to_owned();
        return Err(SetupError::AuthorityLost { folder });
    };
    Ok((authority, registry))
}
