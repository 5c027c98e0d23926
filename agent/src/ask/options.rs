//! What `ask` is told on its command line and in its environment.
//!
//! Passwords come by environment or file: arguments are in the list of processes, for everybody to read. A
//! community may be in the address, since it travels in clear text anyway.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use proto::plan::{Authentication, Privacy, Secret, Security, Snmp};

use super::target::{Port, Target};
use crate::check::Language;

/// The community of devices that were never set up.
const COMMUNITY: &str = "public";

/// Where a password may be.
const AUTH_PASSWORD: &str = "DAWNWATCH_SNMP_AUTH_PASSWORD";
const PRIVACY_PASSWORD: &str = "DAWNWATCH_SNMP_PRIVACY_PASSWORD";

/// The longest that may be waited for.
const LONGEST: Duration = Duration::from_secs(600);

/// Of `dawnwatch-agent ask`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// snmp://[community@]HOST[:PORT] or ipp://HOST[:PORT]/PATH; a host alone is asked by both
    #[arg(value_name = "ADDRESS")]
    pub(super) target: Target,
    /// Without it: 3 where a user is named, else 2c and then 1
    #[arg(long, value_name = "1|2c|3")]
    snmp_version: Option<Version>,
    /// Of SNMPv3
    #[arg(long, value_name = "NAME")]
    snmp_user: Option<String>,
    /// md5, sha1, sha224, sha256, sha384 or sha512; sha1 where there is a password alone
    #[arg(long, value_name = "ALGORITHM", value_parser = authentication)]
    snmp_auth: Option<Authentication>,
    /// Instead of DAWNWATCH_SNMP_AUTH_PASSWORD in the environment
    #[arg(long, value_name = "FILE")]
    snmp_auth_password_file: Option<PathBuf>,
    /// des, aes128, aes192 or aes256; aes128 where there is a password alone
    #[arg(long, value_name = "ALGORITHM", value_parser = privacy)]
    snmp_privacy: Option<Privacy>,
    /// Instead of DAWNWATCH_SNMP_PRIVACY_PASSWORD in the environment
    #[arg(long, value_name = "FILE")]
    snmp_privacy_password_file: Option<PathBuf>,
    /// Which of several devices behind one address: a context of SNMPv3, `community@NAME` before
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(super) snmp_context: String,
    /// How long to wait for all of it: 10s, 500ms, 1m
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub(super) timeout: Duration,
    /// As JSON, for programs
    #[arg(long)]
    pub json: bool,
    /// Vietnamese or English, unless the environment's is right
    #[arg(long, value_name = "vi|en")]
    pub lang: Option<Language>,
}

/// Of SNMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2c,
    V3,
}

/// What was said of SNMP does not go together.
#[derive(Debug, thiserror::Error)]
pub enum InvalidOptions {
    /// Version 3 needs one.
    #[error("--snmp-user is missing: SNMPv3 has users, not communities")]
    NoUser,
    /// Of another version.
    #[error(
        "--snmp-user, --snmp-auth and --snmp-privacy are of SNMPv3: leave out --snmp-version, or say 3"
    )]
    NotVersion3,
    /// Who is signed for needs a password.
    #[error(
        "the password is missing: put it into {0} in the environment, or name a file that holds it"
    )]
    NoPassword(&'static str),
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// What is encrypted must be signed.
    #[error("SNMPv3 encrypts only what it signs: give a password for --snmp-auth too")]
    Unsigned,
    /// Too short, too long, or unprintable.
    #[error(
        "the community, user or password cannot be used: a user has at most 32 characters, a password at least 8"
    )]
    Unusable,
}

impl Options {
    /// The ways to be let in, to be tried in turns; none where SNMP is not asked.
    pub(super) fn ways(
        &self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Vec<Snmp>, InvalidOptions> {
        let Some(Port { port, community }) = &self.target.snmp else {
            return Ok(Vec::new());
        };
        let community = || match community {
            Some(community) => community.clone(),
            None => Secret(COMMUNITY.to_owned()),
        };
        let securities = self
            .versions()?
            .iter()
            .map(|version| match version {
                Version::V1 => Ok(Security::V1 {
                    community: community(),
                }),
                Version::V2c => Ok(Security::V2c {
                    community: community(),
                }),
                Version::V3 => self.version3(&environment),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let ways = securities.into_iter().map(|security| Snmp {
            port: *port,
            security,
        });
        let ways: Vec<_> = ways.collect();
        match ways.iter().all(Snmp::is_usable) {
            true => Ok(ways),
            false => Err(InvalidOptions::Unusable),
        }
    }

    fn versions(&self) -> Result<&'static [Version], InvalidOptions> {
        let is_of_3 = self.snmp_user.is_some()
            || self.snmp_auth.is_some()
            || self.snmp_privacy.is_some()
            || self.snmp_auth_password_file.is_some()
            || self.snmp_privacy_password_file.is_some();
        match self.snmp_version {
            Some(Version::V3) => Ok(&[Version::V3]),
            None if is_of_3 => Ok(&[Version::V3]),
            Some(_) if is_of_3 => Err(InvalidOptions::NotVersion3),
            Some(Version::V2c) => Ok(&[Version::V2c]),
            Some(Version::V1) => Ok(&[Version::V1]),
            None => Ok(&[Version::V2c, Version::V1]),
        }
    }

    fn version3(
        &self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Security, InvalidOptions> {
        let user = self.snmp_user.clone().ok_or(InvalidOptions::NoUser)?;
        let password = |variable, file: &Option<PathBuf>, is_needed: bool| {
            let found = match file {
                Some(file) => Some(first_line(file)?),
                None => environment(variable).filter(|password| !password.is_empty()),
            };
            match found {
                None if is_needed => Err(InvalidOptions::NoPassword(variable)),
                found => Ok(found.map(Secret)),
            }
        };
        let signing = password(
            AUTH_PASSWORD,
            &self.snmp_auth_password_file,
            self.snmp_auth.is_some(),
        )?;
        let encrypting = password(
            PRIVACY_PASSWORD,
            &self.snmp_privacy_password_file,
            self.snmp_privacy.is_some(),
        )?;
        if encrypting.is_some() && signing.is_none() {
            return Err(InvalidOptions::Unsigned);
        }
        let authentication = self.snmp_auth.unwrap_or(Authentication::Sha1);
        let privacy = self.snmp_privacy.unwrap_or(Privacy::Aes128);
        Ok(Security::V3 {
            user,
            authentication: signing.map(|secret| (authentication, secret)),
            privacy: encrypting.map(|secret| (privacy, secret)),
        })
    }
}

/// Editors end files with an end of line, which is no part of a password.
fn first_line(path: &Path) -> Result<String, InvalidOptions> {
    let text = std::fs::read_to_string(path).map_err(|cause| InvalidOptions::File {
        path: path.to_owned(),
        cause,
    })?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

impl FromStr for Version {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.trim_start_matches(['v', 'V']) {
            "1" => Ok(Self::V1),
            "2" | "2c" => Ok(Self::V2c),
            "3" => Ok(Self::V3),
            _ => Err("there is 1, 2c and 3"),
        }
    }
}

/// An algorithm, as people and devices write it: `sha`, `SHA-256`, `hmac-sha256`.
fn essence(text: &str) -> String {
    let text = text.to_ascii_lowercase().replace(['-', '_'], "");
    text.trim_start_matches("hmac").to_owned()
}

fn authentication(text: &str) -> Result<Authentication, &'static str> {
    match essence(text).as_str() {
        "md5" => Ok(Authentication::Md5),
        "sha" | "sha1" => Ok(Authentication::Sha1),
        "sha224" => Ok(Authentication::Sha224),
        "sha256" => Ok(Authentication::Sha256),
        "sha384" => Ok(Authentication::Sha384),
        "sha512" => Ok(Authentication::Sha512),
        _ => Err("there is md5, sha1, sha224, sha256, sha384 and sha512"),
    }
}

fn privacy(text: &str) -> Result<Privacy, &'static str> {
    match essence(text).as_str() {
        "des" => Ok(Privacy::Des),
        "aes" | "aes128" => Ok(Privacy::Aes128),
        "aes192" => Ok(Privacy::Aes192),
        "aes256" => Ok(Privacy::Aes256),
        _ => Err("there is des, aes128, aes192 and aes256"),
    }
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or_default();
    let milliseconds = match unit {
        "ms" => 1,
        "s" | "" => 1_000,
        "m" => 60_000,
        _ => return Err("a number with ms, s or m: 10s"),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "a number with ms, s or m: 10s")?;
    let duration = Duration::from_millis(number.saturating_mul(milliseconds));
    match (Duration::from_millis(100)..=LONGEST).contains(&duration) {
        true => Ok(duration),
        false => Err("must be from 100ms to 10m"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn ways(line: &str, environment: &[(&str, &str)]) -> Result<Vec<Snmp>, InvalidOptions> {
        let words = std::iter::once("ask").chain(line.split_whitespace());
        let options = Line::try_parse_from(words).unwrap().options;
        let variable = |name: &str| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        options.ways(variable)
    }

    fn securities(line: &str, environment: &[(&str, &str)]) -> Vec<Security> {
        let ways = ways(line, environment).unwrap();
        ways.into_iter().map(|way| way.security).collect()
    }

    fn secret(text: &str) -> Secret {
        Secret(text.to_owned())
    }

    #[test]
    fn without_a_version_2c_is_tried_and_then_1() {
        let community = || secret("public");
        let both = [
            Security::V2c {
                community: community(),
            },
            Security::V1 {
                community: community(),
            },
        ];
        assert_eq!(securities("snmp://printer", &[]), both);
        let one = [Security::V1 {
            community: secret("own"),
        }];
        assert_eq!(securities("snmp://own@printer --snmp-version 1", &[]), one);
        assert_eq!(securities("ipp://printer", &[]), []);
    }

    #[test]
    fn passwords_come_by_environment_or_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "privatus11\n").unwrap();
        let line = format!(
            "snmp://printer --snmp-user monitor --snmp-auth SHA-256 --snmp-privacy-password-file {}",
            file.display()
        );
        let expected = Security::V3 {
            user: "monitor".to_owned(),
            authentication: Some((Authentication::Sha256, secret("auctoritas1"))),
            privacy: Some((Privacy::Aes128, secret("privatus11"))),
        };
        assert_eq!(
            securities(&line, &[(AUTH_PASSWORD, "auctoritas1")]),
            [expected]
        );
        let open = Security::V3 {
            user: "monitor".to_owned(),
            authentication: None,
            privacy: None,
        };
        assert_eq!(
            securities("snmp://printer --snmp-user monitor", &[]),
            [open]
        );
    }

    #[test]
    fn what_does_not_go_together_says_so() {
        let check = |line: &str, environment: &[(&str, &str)], says: &str| {
            let error = ways(line, environment).unwrap_err().to_string();
            assert!(error.contains(says), "{line}: {error}");
        };
        check("snmp://printer --snmp-version 3", &[], "--snmp-user");
        check(
            "snmp://printer --snmp-version 2c --snmp-user a",
            &[],
            "--snmp-version",
        );
        check(
            "snmp://printer --snmp-user a --snmp-auth md5",
            &[],
            AUTH_PASSWORD,
        );
        check(
            "snmp://printer --snmp-user a",
            &[(PRIVACY_PASSWORD, "privatus11")],
            "signs",
        );
        check(
            "snmp://printer --snmp-user a",
            &[(AUTH_PASSWORD, "short")],
            "at least 8",
        );
        check(
            "snmp://printer --snmp-user a --snmp-auth-password-file /nowhere/at/all",
            &[],
            "/nowhere/at/all",
        );
    }

    #[test]
    fn times_are_numbers_with_units() {
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("7"), Ok(Duration::from_secs(7)));
        for wrong in ["", "s", "0s", "1h", "-1s", "11m", "99999999999999999999s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
