//! From the plan's version and credentials to the library's, and keys that are costly to make.
//!
//! A password of SNMPv3 becomes a key by hashing a mebibyte of it (RFC 3414, section 2.6): a matter of
//! milliseconds, and on an old PC of dozens. So keys are kept, for as many credentials as a plan can have, and
//! no longer than a plan has them. Deliberately absent: any way to print them.

use std::io;
use std::sync::{Mutex, PoisonError};

use async_snmp::{Auth, AuthProtocol, DesSaltState, MasterKeys, PersistedDesSaltState};
use async_snmp::{PrivProtocol, UsmConfig};
use proto::limits::DEVICES_PER_PLAN;
use proto::plan::{Authentication, Privacy, Secret, Security};

use super::Trouble;

/// Keys made of passwords, the last used ones last.
#[derive(Default)]
pub(super) struct Keys(Mutex<Vec<(Security, UsmConfig)>>);

impl Keys {
    /// Who asks in this context. Before SNMPv3, that is who knows the community `community@context`.
    pub(super) fn auth(&self, security: &Security, context: &str) -> Result<Auth, Trouble> {
        let community = |Secret(community): &Secret| match context {
            "" => community.clone(),
            _ => format!("{community}@{context}"),
        };
        match security {
            Security::V1 { community: secret } => Ok(Auth::v1(community(secret))),
            Security::V2c { community: secret } => Ok(Auth::v2c(community(secret))),
            Security::V3 { .. } => {
                let user = self.user(security)?;
                Ok(Auth::from(user.context_name(context.to_owned())))
            }
        }
    }

    /// Forgets the others: whoever is asked no more has no secrets here.
    pub(super) fn keep(&self, is_used: impl Fn(&Security) -> bool) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(security, _)| is_used(security));
    }

    fn user(&self, security: &Security) -> Result<UsmConfig, Trouble> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.iter().position(|(known, _)| known == security);
        let entry = match known {
            Some(place) => kept.remove(place),
            None => (security.clone(), make(security)?),
        };
        let user = entry.1.clone();
        kept.push(entry);
        let too_many = kept.len().saturating_sub(DEVICES_PER_PLAN);
        kept.drain(..too_many);
        Ok(user)
    }
}

fn make(security: &Security) -> Result<UsmConfig, Trouble> {
    let Security::V3 {
        user,
        authentication,
        privacy,
    } = security
    else {
        return Err(Trouble::Unusable);
    };
    let config = UsmConfig::new(user.clone());
    let Some((protocol, Secret(password))) = authentication else {
        return Ok(config);
    };
    let keys = MasterKeys::new(signing(*protocol), password.as_bytes());
    let keys = match privacy {
        None => keys,
        Some((protocol, Secret(password))) => {
            keys.and_then(|keys| keys.with_privacy(encrypting(*protocol), password.as_bytes()))
        }
    };
    // What can be wrong is that a password is too short; the error might quote it one day.
    keys.and_then(|keys| config.with_master_keys(keys))
        .map_err(|_| Trouble::Unusable)
}

/// Where salts for DES begin in this process: anywhere, since none is written down. A repeated one
/// would tell whether two requests of ours begin alike, which everybody knows they do.
pub(super) fn des_salts() -> Option<DesSaltState> {
    let boots = rand::random_range(1..=i32::MAX.unsigned_abs() - 1);
    let before = PersistedDesSaltState::new(boots).ok()?;
    DesSaltState::restart(before, |_| Ok::<(), io::Error>(())).ok()
}

fn signing(protocol: Authentication) -> AuthProtocol {
    match protocol {
        Authentication::Md5 => AuthProtocol::Md5,
        Authentication::Sha1 => AuthProtocol::Sha1,
        Authentication::Sha224 => AuthProtocol::Sha224,
        Authentication::Sha256 => AuthProtocol::Sha256,
        Authentication::Sha384 => AuthProtocol::Sha384,
        Authentication::Sha512 => AuthProtocol::Sha512,
    }
}

/// Longer keys are stretched as net-snmp and most others do (draft-blumenthal-aes-usm).
fn encrypting(protocol: Privacy) -> PrivProtocol {
    match protocol {
        Privacy::Des => PrivProtocol::Des,
        Privacy::Aes128 => PrivProtocol::Aes128,
        Privacy::Aes192 => PrivProtocol::Aes192Blumenthal,
        Privacy::Aes256 => PrivProtocol::Aes256Blumenthal,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn keys_of_who_is_asked_no_more_are_forgotten() {
        let user = |name: &str| Security::V3 {
            user: name.to_owned(),
            authentication: Some((Authentication::Sha1, Secret("auctoritas".to_owned()))),
            privacy: None,
        };
        let keys = Keys::default();
        for name in ["stays", "goes", "stays"] {
            keys.auth(&user(name), "").unwrap();
        }
        keys.keep(|security| *security == user("stays"));
        let kept = keys.0.lock().unwrap();
        let users: Vec<_> = kept.iter().map(|(security, _)| security).collect();
        assert_eq!(users, [&user("stays")]);
    }
}
