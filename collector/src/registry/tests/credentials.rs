//! Credentials of devices: sealed, used and replaced, on real files.

use std::os::unix::fs::MetadataExt as _;

use proto::plan::{Authentication, Plan, Privacy, Secret, Security, Snmp};

use super::devices::{printer, refused, v2c};
use super::*;
use crate::directory::Directory;
use crate::latest::Latest;
use crate::metrics::own::Own;

#[tokio::test]
async fn secrets_are_in_no_file_but_sealed() {
    let f = fixture().await;
    let secrets = ["K0ng-Son-community", "auth-Passw0rd", "priv-Passw0rd"];
    let security = Security::V3 {
        user: "dawnwatch".into(),
        authentication: Some((Authentication::Sha256, Secret(secrets[1].into()))),
        privacy: Some((Privacy::Aes128, Secret(secrets[2].into()))),
    };
    let v3 = Snmp {
        port: 1161,
        security,
    };
    f.set("one", None, v2c(secrets[0])).await.unwrap();
    f.set("two", None, v3.clone()).await.unwrap();
    for entry in std::fs::read_dir(f.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for secret in secrets {
            let is_there = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!is_there, "{secret} in {}", path.display());
        }
    }
    let reopened = Registry::open(&f.path()).unwrap();
    let credentials = reopened.credentials().await.unwrap();
    assert_eq!(credentials.open(&credentials.all[1]).unwrap(), v3);
    let shown = format!("{credentials:?}");
    assert!(
        secrets.iter().all(|secret| !shown.contains(secret)),
        "{shown}"
    );
}

#[tokio::test]
async fn a_lost_key_is_told_of_and_replaced_only_when_wanted() {
    let f = fixture().await;
    f.set("one", None, v2c("public")).await.unwrap();
    let key = f.folder.path().join("registry.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    let credentials = f.registry.credentials().await.unwrap();
    let told = credentials
        .open(&credentials.all[0])
        .unwrap_err()
        .to_string();
    assert!(
        told.contains("registry.key is missing") && told.contains("--new-key"),
        "{told}"
    );
    refused(
        f.set("two", None, v2c("public")).await,
        "restore it from a backup",
    );
    let set = f
        .registry
        .set_credential("two".into(), None, v2c("a"), f.now, LostKey::Replace);
    set.await.unwrap();
    let credentials = f.registry.credentials().await.unwrap();
    let [one, two] = &credentials.all[..] else {
        panic!("{credentials:?}");
    };
    assert_eq!(credentials.open(two).unwrap(), v2c("a"));
    let told = credentials.open(one).unwrap_err().to_string();
    assert!(told.contains("credential set one"), "{told}");
    std::fs::write(&key, kept).unwrap();
    let credentials = f.registry.credentials().await.unwrap();
    assert_eq!(credentials.open(one).unwrap(), v2c("public"));
}

#[tokio::test]
async fn an_unusable_key_stops_neither_revocation_nor_what_needs_no_credential() {
    let f = fixture().await;
    f.set("one", None, v2c("public")).await.unwrap();
    let gone = f.enrol(f.shared_token().await, 1, "pc").await.unwrap();
    let key = f.folder.path().join("registry.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::write(&key, "short").unwrap();
    let own = Arc::new(Own::new(f.now).unwrap());
    let latest = Arc::new(Latest::under(&Plan::default()));
    let directory = Directory::read(f.registry.clone(), latest, own).await;
    let directory = directory.unwrap();
    assert!(directory.find(gone.key).await.is_some());
    // Nothing can be read from a folder either, whoever reads.
    std::fs::remove_file(&key).unwrap();
    std::fs::create_dir(&key).unwrap();
    let token = f.shared_token_again().await;
    let new = f.enrol(token, 2, "pc").await.unwrap();
    f.registry.revoke(gone.id, f.now).await.unwrap();
    assert!(directory.find(new.key).await.is_some());
    assert!(directory.find(gone.key).await.is_none());
    let opened = || {
        let credentials = directory.credentials().borrow().clone();
        credentials.open(&credentials.all[0])
    };
    let told = opened().unwrap_err().to_string();
    assert!(
        told.contains("cannot read") && told.contains("registry.key"),
        "{told}"
    );
    // What is restored counts without another change.
    std::fs::remove_dir(&key).unwrap();
    std::fs::write(&key, kept).unwrap();
    directory.refresh().await.unwrap();
    assert_eq!(opened().unwrap(), v2c("public"));
}

#[tokio::test]
async fn a_damaged_key_is_replaced_when_wanted() {
    let f = fixture().await;
    f.set("one", None, v2c("public")).await.unwrap();
    std::fs::write(f.folder.path().join("registry.key"), "short").unwrap();
    refused(f.set("one", None, v2c("public")).await, "--new-key");
    let set = f
        .registry
        .set_credential("one".into(), None, v2c("a"), f.now, LostKey::Replace);
    set.await.unwrap();
    let credentials = f.registry.credentials().await.unwrap();
    assert_eq!(credentials.open(&credentials.all[0]).unwrap(), v2c("a"));
}

#[tokio::test]
#[allow(clippy::print_stdout, reason = "a test tells why it is skipped")]
async fn a_new_key_belongs_to_the_owner_of_the_registry() {
    let f = fixture().await;
    if std::os::unix::fs::chown(f.path(), Some(65_534), Some(65_534)).is_err() {
        println!("skipped, because files cannot be given to others");
        return;
    }
    let key = f.folder.path().join("registry.key");
    std::fs::remove_file(&key).unwrap();
    f.set("one", None, v2c("public")).await.unwrap();
    let made = std::fs::metadata(&key).unwrap();
    assert_eq!((made.uid(), made.gid()), (65_534, 65_534));
    assert_eq!(made.permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn sealed_bytes_open_in_their_own_row_alone() {
    let f = fixture().await;
    f.set("one", None, v2c("public")).await.unwrap();
    f.set("two", Some("binh-gia"), v2c("other")).await.unwrap();
    let swap = "UPDATE credentials SET sealed = (SELECT sealed FROM credentials WHERE name = 'two')
                WHERE name = 'one'";
    Connection::open(f.path())
        .unwrap()
        .execute(swap, [])
        .unwrap();
    let wider = "UPDATE credentials SET centre = NULL WHERE name = 'two'";
    Connection::open(f.path())
        .unwrap()
        .execute(wider, [])
        .unwrap();
    let credentials = f.registry.credentials().await.unwrap();
    for credential in &credentials.all {
        assert!(credentials.open(credential).is_err(), "{credential:?}");
    }
}

#[tokio::test]
async fn a_credential_in_use_stays() {
    let f = fixture().await;
    f.set("printers", None, v2c("public")).await.unwrap();
    for number in 0..7 {
        let device = NewDevice {
            credential: Some("printers".into()),
            ..printer(&format!("printer-{number}"))
        };
        f.add(device).await.unwrap();
    }
    let remove = |name: &str| f.registry.remove_credential(name.into());
    refused(
        remove("printers").await,
        "used by cong-son printer-0, cong-son printer-1",
    );
    refused(remove("printers").await, "and 2 more");
    refused(
        f.set("printers", Some("binh-gia"), v2c("x")).await,
        "used by",
    );
    refused(
        f.set("x", Some("nowhere"), v2c("x")).await,
        "no centre nowhere",
    );
    f.set("printers", Some("cong-son"), v2c("x")).await.unwrap();
    refused(remove("others").await, "there is no credential others");
    f.set("others", None, v2c("x")).await.unwrap();
    remove("others").await.unwrap();
}
