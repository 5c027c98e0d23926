//! Secrets on disk: sealed with a key that is in a file of its own, beside the registry.
//!
//! So a copy of the registry alone, in a backup or an attachment, gives nobody a password. AES-256-GCM with
//! a random nonce in front; what a secret belongs to is authenticated with it, so that sealed bytes that are
//! moved to another row do not open. Deliberately absent: a passphrase. The collector starts by itself, and
//! whoever may read its folder may read its memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::private;

/// The file in the data folder.
const FILE: &str = "registry.key";

/// Of AES-256.
const BYTES: usize = 32;

/// What seals and opens. Never shown.
#[derive(Clone)]
pub struct Key {
    path: PathBuf,
    key: Arc<LessSafeKey>,
    /// Of the key, to tell one from another.
    digest: [u8; 32],
}

/// What could not be done with the key.
#[derive(Debug, Clone, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum SealingError {
    #[error(
        "{path} is missing, and with it what opens the credentials: restore it from a backup of the data \
         folder; if it is lost, set every credential again, the first with --new-key",
        path = path.display()
    )]
    Missing { path: PathBuf },
    #[error(
        "{path} holds no key: restore it from a backup of the data folder; if it is lost, set every \
         credential again, the first with --new-key",
        path = path.display()
    )]
    Damaged { path: PathBuf },
    #[error(
        "the credential {name} was not sealed with {path}: restore the file that was beside this registry, \
         or set the credential again with `dawnwatch-collector credential set {name}`",
        path = path.display()
    )]
    Foreign { name: String, path: PathBuf },
    #[error(
        "cannot read {path}, which opens the credentials: whoever runs the collector has to own it",
        path = path.display()
    )]
    Read {
        path: PathBuf,
        source: Arc<std::io::Error>,
    },
    #[error("cannot write {path}", path = path.display())]
    Write {
        path: PathBuf,
        source: Arc<std::io::Error>,
    },
    #[error("the system gave no random numbers")]
    Random,
}

impl SealingError {
    /// The registry in this file has no key.
    pub(super) fn missing(registry: &Path) -> Self {
        let path = registry.with_file_name(FILE);
        Self::Missing { path }
    }
}

impl Key {
    /// The key of the registry in this file, if it was made.
    pub(super) fn load(registry: &Path) -> Result<Option<Self>, SealingError> {
        let path = registry.with_file_name(FILE);
        match std::fs::read(&path) {
            Ok(bytes) => Self::of(path, &bytes).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                let source = Arc::new(error);
                Err(SealingError::Read { path, source })
            }
        }
    }

    /// Makes one, for the owner of the registry alone, whoever runs this: `serve` has to read it. The caller sees to it that nobody else does at the same time, and
    /// that none is replaced that is still needed.
    pub(super) fn create(registry: &Path) -> Result<Self, SealingError> {
        let path = registry.with_file_name(FILE);
        let mut bytes = [0; BYTES];
        let random = SystemRandom::new();
        random.fill(&mut bytes).map_err(|_| SealingError::Random)?;
        if let Err(error) = private::write_like(&path, &bytes, registry) {
            let source = Arc::new(error);
            return Err(SealingError::Write { path, source });
        }
        Self::of(path, &bytes)
    }

    fn of(path: PathBuf, bytes: &[u8]) -> Result<Self, SealingError> {
        let hash = digest(&SHA256, bytes);
        match UnboundKey::new(&AES_256_GCM, bytes) {
            Ok(key) => Ok(Self {
                path,
                key: Arc::new(LessSafeKey::new(key)),
                digest: hash.as_ref().first_chunk().copied().unwrap_or_default(),
            }),
            Err(_) => Err(SealingError::Damaged { path }),
        }
    }

    /// Seals a secret that belongs to `owner`.
    pub(super) fn seal(&self, owner: &str, secret: &[u8]) -> Result<Vec<u8>, SealingError> {
        let mut nonce = [0; NONCE_LEN];
        let random = SystemRandom::new();
        random.fill(&mut nonce).map_err(|_| SealingError::Random)?;
        let mut sealed = secret.to_vec();
        let aad = Aad::from(owner.as_bytes());
        let nonce_used = Nonce::assume_unique_for_key(nonce);
        // Fails for secrets of gigabytes alone.
        self.key
            .seal_in_place_append_tag(nonce_used, aad, &mut sealed)
            .map_err(|_| SealingError::Random)?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// The secret, if it was sealed with this key for this owner.
    pub(super) fn open(&self, owner: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut sealed = sealed.to_vec();
        let aad = Aad::from(owner.as_bytes());
        let secret = self.key.open_in_place(nonce, aad, &mut sealed).ok()?;
        Some(secret.to_vec())
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn a_secret_opens_with_its_key_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let registry = folder.path().join("registry.sqlite");
        assert!(Key::load(&registry).unwrap().is_none());
        let key = Key::create(&registry).unwrap();
        let sealed = key.seal("owner", b"public").unwrap();
        assert_ne!(key.seal("owner", b"public").unwrap(), sealed, "never alike");
        assert!(!sealed.windows(6).any(|bytes| bytes == b"public"));
        let again = Key::load(&registry).unwrap().unwrap();
        assert_eq!(again.open("owner", &sealed).unwrap(), b"public");
        assert_eq!(again.open("other", &sealed), None);
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert_eq!(again.open("owner", &changed), None, "{position}");
            assert_eq!(again.open("owner", &sealed[..position]), None);
        }
        let other = Key::create(&registry).unwrap();
        assert_eq!(other.open("owner", &sealed), None);
        assert_eq!(format!("{other:?}"), "…");
    }

    #[test]
    fn what_is_no_key_is_said_to_be_none() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "short").unwrap();
        let error = Key::load(&folder.path().join("registry.sqlite")).unwrap_err();
        let told = error.to_string();
        assert!(told.contains(FILE) && told.contains("restore it"), "{told}");
    }
}
