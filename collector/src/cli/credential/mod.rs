//! `credential set`, `credential list`, `credential remove`. Secrets come from `secrets`, never from
//! arguments, which every user of the machine can see; and none is ever shown.

mod secrets;

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};
use dawnwatch_collector::config::Config;
use dawnwatch_collector::registry::{Credentials, LostKey, SealedCredential};
use jiff::Timestamp;
use jiff::tz::Offset;
use proto::ids::{CentreId, DeviceId};
use proto::plan::{Authentication, Privacy, Secret, Security, Snmp};

use self::secrets::Source;
use super::{output, registry};

/// The words of arguments and lists.
const AUTHENTICATIONS: [(&str, Authentication); 6] = [
    ("md5", Authentication::Md5),
    ("sha1", Authentication::Sha1),
    ("sha224", Authentication::Sha224),
    ("sha256", Authentication::Sha256),
    ("sha384", Authentication::Sha384),
    ("sha512", Authentication::Sha512),
];

/// Likewise.
const PRIVACIES: [(&str, Privacy); 4] = [
    ("des", Privacy::Des),
    ("aes128", Privacy::Aes128),
    ("aes192", Privacy::Aes192),
    ("aes256", Privacy::Aes256),
];

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Keep how to ask devices by SNMP, in place of what had this name
    ///
    /// Asks for the secrets, or reads them from a pipe, one a line: the community; of version 3 the password
    /// of --auth, then that of --privacy. They are kept sealed.
    ///
    /// Where a centre looks for devices, every machine of its network that is asked is shown the communities,
    /// readable: use such as only allow reading, and are good for nothing else, or version 3, which is tried
    /// first.
    Set(Set),
    /// List the credentials; never their secrets
    List,
    /// Forget a credential that no device uses
    Remove {
        /// As `credential list` shows it
        #[arg(value_name = "NAME")]
        name: DeviceId,
    },
}

#[derive(Args)]
pub(crate) struct Set {
    /// What devices refer to, such as "public" or "printers"
    #[arg(value_name = "NAME")]
    name: DeviceId,
    /// Of SNMP: 1, 2c or 3
    #[arg(long, value_name = "VERSION", value_parser = ["1", "2c", "3"])]
    version: String,
    /// For one centre alone [default: for all]
    #[arg(long, value_name = "ID")]
    centre: Option<CentreId>,
    /// UDP
    #[arg(long, value_name = "PORT", default_value_t = Snmp::PORT)]
    port: u16,
    /// Of version 3
    #[arg(long, value_name = "NAME", required_if_eq("version", "3"))]
    user: Option<String>,
    /// Of version 3: md5, sha1, sha224, sha256, sha384 or sha512
    #[arg(long, value_name = "HOW", requires = "user", value_parser = AUTHENTICATIONS.map(|(word, _)| word))]
    auth: Option<String>,
    /// Of version 3: des, aes128, aes192 or aes256
    #[arg(long, value_name = "HOW", requires = "auth", value_parser = PRIVACIES.map(|(word, _)| word))]
    privacy: Option<String>,
    /// Read the secrets from a file
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Go on where registry.key is lost: the other credentials have to be set again
    #[arg(long)]
    new_key: bool,
}

impl Command {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let registry = registry(config)?;
        match self {
            Self::Set(set) => {
                let lost = if set.new_key {
                    LostKey::Replace
                } else {
                    LostKey::Refuse
                };
                let (name, centre) = (String::from(set.name.clone()), set.centre.clone());
                let snmp = set.snmp()?;
                let at = Timestamp::now();
                let told = format!("{name} set");
                registry
                    .set_credential(name, centre, snmp, at, lost)
                    .await?;
                output::print(&told)
            }
            Self::List => {
                let credentials = registry.credentials().await?;
                output::print(&list(&credentials, config.utc_offset))
            }
            Self::Remove { name } => {
                registry.remove_credential(name.to_string()).await?;
                output::print(&format!("{name} removed"))
            }
        }
    }
}

impl Set {
    fn snmp(&self) -> anyhow::Result<Snmp> {
        let mut source = Source::open(self.from.as_deref())?;
        let security = if self.version == "3" {
            self.user_security(&mut source)?
        } else {
            if self.user.is_some() {
                bail!(
                    "--user, --auth and --privacy are of version 3: leave them out, or use --version 3"
                );
            }
            let community = source.secret("Community")?;
            if self.version == "1" {
                Security::V1 { community }
            } else {
                Security::V2c { community }
            }
        };
        let port = self.port;
        let snmp = Snmp { port, security };
        if !snmp.is_usable() {
            bail!(
                "this cannot be used: a community has 1 to 128 bytes, a user's name 1 to 32, a password of \
                 version 3 at least 8 characters (RFC 3414), all without control characters, and a port is not 0"
            );
        }
        Ok(snmp)
    }

    fn user_security(&self, source: &mut Source) -> anyhow::Result<Security> {
        let authentication = AUTHENTICATIONS
            .into_iter()
            .find(|(word, _)| self.auth.as_deref() == Some(*word));
        let privacy = PRIVACIES
            .into_iter()
            .find(|(word, _)| self.privacy.as_deref() == Some(*word));
        let mut ask = |prompt| -> anyhow::Result<Secret> { source.secret(prompt) };
        Ok(Security::V3 {
            user: self.user.clone().unwrap_or_default(),
            authentication: authentication
                .map(|(_, how)| Ok::<_, anyhow::Error>((how, ask("Password of --auth")?)))
                .transpose()?,
            privacy: privacy
                .map(|(_, how)| Ok::<_, anyhow::Error>((how, ask("Password of --privacy")?)))
                .transpose()?,
        })
    }
}

fn list(credentials: &Credentials, offset: Offset) -> String {
    let row = |credential: &SealedCredential| {
        let about = credentials.open(credential).ok().map(|snmp| about(&snmp));
        let [version, port, user, auth, privacy] = about.unwrap_or_else(|| {
            let sealed = "cannot be opened: set it again";
            [sealed, "-", "-", "-", "-"].map(str::to_owned)
        });
        let centre = credential.centre.as_ref();
        [
            credential.name.clone(),
            centre.map_or_else(|| "all".to_owned(), ToString::to_string),
            version,
            port,
            user,
            auth,
            privacy,
            output::time(Some(credential.set_at), offset),
        ]
    };
    let header = [
        "NAME", "CENTRE", "VERSION", "PORT", "USER", "AUTH", "PRIVACY", "SET",
    ];
    output::table(header, credentials.all.iter().map(row).collect())
}

/// All that is not secret: version, port, user, authentication, privacy.
fn about(snmp: &Snmp) -> [String; 5] {
    let none = || "-".to_owned();
    let (version, user, auth, privacy) = match &snmp.security {
        Security::V1 { .. } => ("1", none(), none(), none()),
        Security::V2c { .. } => ("2c", none(), none(), none()),
        Security::V3 {
            user,
            authentication,
            privacy,
        } => {
            let auth = authentication.as_ref().and_then(|(how, _)| {
                let mut words = AUTHENTICATIONS.iter();
                words.find(|(_, known)| known == how)
            });
            let privacy = privacy.as_ref().and_then(|(how, _)| {
                let mut words = PRIVACIES.iter();
                words.find(|(_, known)| known == how)
            });
            let auth = auth.map_or_else(none, |(word, _)| (*word).to_owned());
            let privacy = privacy.map_or_else(none, |(word, _)| (*word).to_owned());
            ("3", user.clone(), auth, privacy)
        }
    };
    [
        version.to_owned(),
        snmp.port.to_string(),
        user,
        auth,
        privacy,
    ]
}
