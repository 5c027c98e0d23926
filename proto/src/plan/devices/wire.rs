//! Devices, credentials and the search for them as messages, and back.

use super::super::InvalidPlan;
use super::super::check::shown;
use super::super::wire::{all, duration, milliseconds, said};
use super::{Authentication, Credential, Device, Discovery, Kind, Privacy, Secret, Security, Snmp};
use crate::wire;

impl TryFrom<wire::Device> for Device {
    type Error = InvalidPlan;

    fn try_from(device: wire::Device) -> Result<Self, InvalidPlan> {
        let refused = || InvalidPlan::Device {
            name: shown(&device.name),
        };
        let snmp = device.snmp.clone().map(Snmp::try_from);
        let snmp = snmp.transpose().map_err(|_| InvalidPlan::Credentials {
            name: shown(&device.name),
        })?;
        Ok(Self {
            name: device.name.parse().map_err(|_| refused())?,
            kind: Kind::of(&device.kind),
            address: device.address.parse().map_err(|_| refused())?,
            snmp,
            ipp: said(device.ipp).map(|ipp| ipp.parse()).transpose()?,
            serial: said(device.serial),
            mac: said(device.mac).map(|mac| mac.parse()).transpose()?,
        })
    }
}

/// Why credentials cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a version or an algorithm of SNMP that this program does not know: update it")]
pub struct UnknownSecurity;

impl TryFrom<wire::Snmp> for Snmp {
    type Error = UnknownSecurity;

    fn try_from(snmp: wire::Snmp) -> Result<Self, UnknownSecurity> {
        let (authentication, privacy) = (snmp.auth(), snmp.privacy());
        let port = match snmp.port {
            0 => Self::PORT,
            port => u16::try_from(port).map_err(|_| UnknownSecurity)?,
        };
        let security = match snmp.version {
            1 => Security::V1 {
                community: Secret(snmp.community),
            },
            2 => Security::V2c {
                community: Secret(snmp.community),
            },
            3 => Security::V3 {
                user: snmp.user,
                authentication: said(snmp.auth_password)
                    .map(|password| Ok((authentication.try_into()?, Secret(password))))
                    .transpose()?,
                privacy: said(snmp.privacy_password)
                    .map(|password| Ok((privacy.try_into()?, Secret(password))))
                    .transpose()?,
            },
            _ => return Err(UnknownSecurity),
        };
        Ok(Self { port, security })
    }
}

impl TryFrom<wire::Authentication> for Authentication {
    type Error = UnknownSecurity;

    fn try_from(wire: wire::Authentication) -> Result<Self, UnknownSecurity> {
        Ok(match wire {
            wire::Authentication::Md5 => Self::Md5,
            wire::Authentication::Sha1 => Self::Sha1,
            wire::Authentication::Sha224 => Self::Sha224,
            wire::Authentication::Sha256 => Self::Sha256,
            wire::Authentication::Sha384 => Self::Sha384,
            wire::Authentication::Sha512 => Self::Sha512,
            wire::Authentication::Unspecified => return Err(UnknownSecurity),
        })
    }
}

impl From<Authentication> for wire::Authentication {
    fn from(authentication: Authentication) -> Self {
        match authentication {
            Authentication::Md5 => Self::Md5,
            Authentication::Sha1 => Self::Sha1,
            Authentication::Sha224 => Self::Sha224,
            Authentication::Sha256 => Self::Sha256,
            Authentication::Sha384 => Self::Sha384,
            Authentication::Sha512 => Self::Sha512,
        }
    }
}

impl TryFrom<wire::Privacy> for Privacy {
    type Error = UnknownSecurity;

    fn try_from(wire: wire::Privacy) -> Result<Self, UnknownSecurity> {
        Ok(match wire {
            wire::Privacy::Des => Self::Des,
            wire::Privacy::Aes128 => Self::Aes128,
            wire::Privacy::Aes192 => Self::Aes192,
            wire::Privacy::Aes256 => Self::Aes256,
            wire::Privacy::Unspecified => return Err(UnknownSecurity),
        })
    }
}

impl From<Privacy> for wire::Privacy {
    fn from(privacy: Privacy) -> Self {
        match privacy {
            Privacy::Des => Self::Des,
            Privacy::Aes128 => Self::Aes128,
            Privacy::Aes192 => Self::Aes192,
            Privacy::Aes256 => Self::Aes256,
        }
    }
}

impl TryFrom<wire::Discovery> for Discovery {
    type Error = InvalidPlan;

    fn try_from(discovery: wire::Discovery) -> Result<Self, InvalidPlan> {
        Ok(Self {
            interval: duration(discovery.interval_ms),
            credentials: all(discovery.credentials)?,
        })
    }
}

impl TryFrom<wire::Credential> for Credential {
    type Error = InvalidPlan;

    fn try_from(credential: wire::Credential) -> Result<Self, InvalidPlan> {
        let refused = || InvalidPlan::Credentials {
            name: shown(&credential.name),
        };
        let snmp = credential.snmp.clone().ok_or_else(refused)?;
        Ok(Self {
            snmp: snmp.try_into().map_err(|_| refused())?,
            name: credential.name,
        })
    }
}

impl From<&Device> for wire::Device {
    fn from(device: &Device) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Self {
            name: device.name.to_string(),
            kind: device.kind.as_str().to_owned(),
            address: device.address.to_string(),
            snmp: device.snmp.as_ref().map(wire::Snmp::from),
            ipp: text(&device.ipp.as_ref().map(ToString::to_string)),
            serial: text(&device.serial),
            mac: text(&device.mac.as_ref().map(ToString::to_string)),
        }
    }
}

impl From<&Snmp> for wire::Snmp {
    fn from(snmp: &Snmp) -> Self {
        let port = snmp.port.into();
        let usual = Self {
            port,
            ..Self::default()
        };
        match &snmp.security {
            Security::V1 { community } => Self {
                version: 1,
                community: community.0.clone(),
                ..usual
            },
            Security::V2c { community } => Self {
                version: 2,
                community: community.0.clone(),
                ..usual
            },
            Security::V3 {
                user,
                authentication,
                privacy,
            } => {
                let mut v3 = Self {
                    version: 3,
                    user: user.clone(),
                    ..usual
                };
                if let Some((how, password)) = authentication {
                    v3.set_auth((*how).into());
                    v3.auth_password.clone_from(&password.0);
                }
                if let Some((how, password)) = privacy {
                    v3.set_privacy((*how).into());
                    v3.privacy_password.clone_from(&password.0);
                }
                v3
            }
        }
    }
}

impl From<&Discovery> for wire::Discovery {
    fn from(discovery: &Discovery) -> Self {
        let credential = |credential: &Credential| wire::Credential {
            name: credential.name.clone(),
            snmp: Some((&credential.snmp).into()),
        };
        Self {
            interval_ms: milliseconds(discovery.interval),
            credentials: discovery.credentials.iter().map(credential).collect(),
        }
    }
}
