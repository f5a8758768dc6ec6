//! Credentials, from files alone: nothing in an environment's file names them.

use super::{Credentials, error};
use crate::signal::{MeasureError, MeasureFailure};
use http::HeaderValue;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// The most that a file of credentials may hold.
const MOST_BYTES: u64 = 1 << 20;

/// What tells that files have changed: when each was written, and how long it is.
pub(super) type Stamp = Vec<Option<(SystemTime, u64)>>;

impl Credentials {
    /// What the files of the TLS client are like now.
    pub(super) fn stamp(&self) -> Stamp {
        let files = [&self.ca, &self.certificate, &self.key];
        let stamp = |path: &Path| {
            let found = fs::metadata(path).ok()?;
            Some((found.modified().ok()?, found.len()))
        };
        files.into_iter().map(|path| stamp(path.as_deref()?)).collect()
    }

    /// The header that proves who we are; none without a token.
    pub(super) fn authorization(&self) -> Result<Option<HeaderValue>, MeasureError> {
        let Some(path) = &self.token else { return Ok(None) };
        let text = read(path, "the token")?;
        let token = text.trim_ascii();
        let mut header = [b"Bearer ", token].concat();
        let plain = !token.is_empty() && token.iter().all(u8::is_ascii_graphic);
        let value = plain.then(|| HeaderValue::from_bytes(&header).ok()).flatten();
        header.fill(0);
        let mut value = value.ok_or_else(|| {
            unusable(format!("{} holds no token: one line of plain characters", path.display()))
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// The TLS client with what the files hold now.
    pub(super) fn tls(&self) -> Result<ClientConfig, MeasureError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|why| unusable(format!("no TLS can be spoken: {why}")))?
            .with_root_certificates(self.roots()?);
        match (&self.certificate, &self.key) {
            (None, None) => Ok(builder.with_no_client_auth()),
            (Some(certificate), Some(key)) => {
                let chain = certificates(certificate)?;
                let bytes = read(key, "the private key")?;
                // What is wrong with a key is not quoted.
                let key_der = PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| {
                    unusable(format!("{} holds no private key in PEM", key.display()))
                })?;
                builder.with_client_auth_cert(chain, key_der).map_err(|why| {
                    let (certificate, key) = (certificate.display(), key.display());
                    unusable(format!("{certificate} and {key} do not go together: {why}"))
                })
            }
            _ => Err(unusable("a certificate and its private key go together".to_owned())),
        }
    }

    fn roots(&self) -> Result<RootCertStore, MeasureError> {
        let mut roots = RootCertStore::empty();
        match &self.ca {
            Some(path) => {
                for certificate in certificates(path)? {
                    roots.add(certificate).map_err(|why| {
                        unusable(format!("{} holds no authority: {why}", path.display()))
                    })?;
                }
            }
            None => {
                let found = rustls_native_certs::load_native_certs();
                roots.add_parsable_certificates(found.certs);
            }
        }
        Ok(roots)
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, MeasureError> {
    let bytes = read(path, "the certificate")?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(unusable(format!("{} holds no certificate in PEM", path.display()))),
    }
}

fn read(path: &Path, what: &str) -> Result<Vec<u8>, MeasureError> {
    let cannot = |why: &dyn std::fmt::Display| {
        unusable(format!("{what} cannot be read from {}: {why}", path.display()))
    };
    let length = fs::metadata(path).map_err(|why| cannot(&why))?.len();
    if length > MOST_BYTES {
        return Err(cannot(&"it is too large"));
    }
    fs::read(path).map_err(|why| cannot(&why))
}

fn unusable(message: String) -> MeasureError {
    error(MeasureFailure::Denied, message, None)
}
