//! An authority made for one test, and the certificates it gives.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::super::Trust;
use crate::tls::PROVIDER;

/// Midnight of a first of January: years of certificates begin and end then.
pub(in super::super) fn new_year(year: i64) -> i64 {
    let leap_days = (year - 1969) / 4;
    ((year - 1970) * 365 + leap_days) * 86_400
}

/// Somebody who certifies.
pub(in super::super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// Between it and the authority that is trusted.
    between: Vec<CertificateDer<'static>>,
}

/// What a server shows, and holds the key of.
pub(in super::super) struct Identity {
    pub(in super::super) chain: Vec<CertificateDer<'static>>,
    key: PrivatePkcs8KeyDer<'static>,
}

impl Authority {
    pub(in super::super) fn new(name: &str) -> Self {
        let issuer = CertifiedIssuer::self_signed(of_an_authority(name), key()).unwrap();
        let between = Vec::new();
        Self { issuer, between }
    }

    /// One that this one certifies.
    pub(in super::super) fn below(&self, name: &str) -> Self {
        let issuer = CertifiedIssuer::signed_by(of_an_authority(name), key(), &self.issuer);
        let issuer = issuer.unwrap();
        let between = vec![issuer.der().clone()];
        Self { issuer, between }
    }

    /// Trust in this authority alone.
    pub(in super::super) fn trust(&self) -> Trust {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        Trust::new(roots)
    }

    /// A certificate for a name, good from one new year to another.
    pub(in super::super) fn certify(&self, name: &str, from: i32, to: i32) -> Identity {
        let key = key();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let mut chain = vec![certificate.der().clone()];
        chain.extend(self.between.iter().cloned());
        let key = key.serialize_der().into();
        Identity { chain, key }
    }
}

impl Identity {
    pub(in super::super) fn serve(
        self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ServerConfig> {
        let config = ServerConfig::builder_with_provider(Arc::clone(&PROVIDER))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(self.chain, PrivateKeyDer::Pkcs8(self.key))
            .unwrap();
        Arc::new(config)
    }
}

fn of_an_authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2100, 1, 1);
    params
}

fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}
