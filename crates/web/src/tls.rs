//! TLS, without which nobody is listened to off the loopback: a certificate and its key from files, taken over anew when the
//! files change, and a certificate of one's own for who has none.
//!
//! A new certificate counts for connections that begin after it was read; one that can't be read leaves the one before it,
//! and says so in the log once.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, client};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use crate::options::WebError;

mod made;

#[cfg(test)]
mod tests;

pub use made::{MadeCertificate, made};

/// 10 s between two looks at the files: whoever puts a new certificate there sees it served before they have looked up how.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// 1 MiB of a file: a chain of certificates has a few KiB, and what is longer is none.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where the certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// PEM: the certificate, then those that vouch for it.
    pub certificate: PathBuf,
    /// PEM: its key (PKCS#8, PKCS#1 or SEC1).
    pub key: PathBuf,
}

/// Why a certificate can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file can't be read.
    #[error("can't read `{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file is longer than any certificate.
    #[error("`{}` has more than {FILE_BYTES_MAX} bytes", path.display())]
    TooLong {
        /// Which.
        path: PathBuf,
    },
    /// There is no certificate in the one, or no key in the other.
    #[error("there is no {what} in PEM in `{}`", path.display())]
    Missing {
        /// What was looked for.
        what: &'static str,
        /// Where.
        path: PathBuf,
    },
    /// They are none of a kind that is known, or do not belong together.
    #[error("the certificate and the key don't make a pair that is known here")]
    Unfit(#[source] rustls::Error),
}

/// What tells one state of a file from another without reading it: whose inode, when and how long.
type Stamp = (u64, i64, i64, u64);

/// The certificate in force.
#[derive(Debug)]
pub(crate) struct Certificates {
    files: Files,
    present: RwLock<Arc<CertifiedKey>>,
}

impl Certificates {
    /// Reads both files.
    ///
    /// # Errors
    /// [`WebError::Certificate`].
    pub(crate) fn open(files: &Files) -> Result<Arc<Self>, WebError> {
        let present = read(files).map_err(|source| WebError::Certificate { source })?;
        Ok(Arc::new(Self { files: files.clone(), present: RwLock::new(Arc::new(present)) }))
    }

    fn present(&self) -> Arc<CertifiedKey> {
        // One pointer is replaced by another: nothing is ever half done.
        self.present.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the certificate in force was made out for this name or address.
    pub(crate) fn is_for(&self, name: &str) -> bool {
        let present = self.present();
        let Some(parsed) = present.cert.first().and_then(|first| ParsedCertificate::try_from(first).ok())
        else {
            return false;
        };
        let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        let wanted = match bare.parse::<IpAddr>() {
            Ok(address) => ServerName::IpAddress(address.into()),
            Err(_) => match ServerName::try_from(bare) {
                Ok(wanted) => wanted,
                Err(_) => return false,
            },
        };
        client::verify_server_name(&parsed, &wanted).is_ok()
    }

    /// Whoever makes a connection safe.
    ///
    /// # Errors
    /// [`WebError::Certificate`], when the library has not what is asked of it.
    pub(crate) fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, WebError> {
        let unfit = |error| WebError::Certificate { source: CertificateError::Unfit(error) };
        let builder = ServerConfig::builder_with_provider(provider());
        let builder = builder.with_protocol_versions(&[&TLS13, &TLS12]).map_err(unfit)?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Looks at the files again and again, until the process ends.
    pub(crate) async fn keep_fresh(self: Arc<Self>) {
        let mut known = stamps(&self.files);
        loop {
            sleep(LOOK_EVERY).await;
            let found = stamps(&self.files);
            if found == known {
                continue;
            }
            known = found;
            self.renew();
        }
    }

    /// Takes over what the files hold now.
    fn renew(&self) {
        match read(&self.files) {
            Ok(renewed) => {
                *self.present.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(renewed);
                tracing::info!("the certificate was taken over anew");
            }
            Err(error) => {
                tracing::warn!(%error, "the new certificate can't be used; the one before it holds");
            }
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.present())
    }
}

/// The provider is named: with two of them in a program, the library would not choose.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn stamps(files: &Files) -> [Option<Stamp>; 2] {
    let stamp = |path: &Path| {
        let found = fs::metadata(path).ok()?;
        Some((found.ino(), found.mtime(), found.mtime_nsec(), found.len()))
    };
    [stamp(&files.certificate), stamp(&files.key)]
}

fn read(files: &Files) -> Result<CertifiedKey, CertificateError> {
    let missing = |what, path: &Path| CertificateError::Missing { what, path: path.to_owned() };
    let text = read_file(&files.certificate)?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&text).flatten().collect();
    if chain.is_empty() {
        return Err(missing("certificate", &files.certificate));
    }
    let text = read_file(&files.key)?;
    let key = PrivateKeyDer::from_pem_slice(&text).map_err(|_| missing("key", &files.key))?;
    CertifiedKey::from_der(chain, key, &provider()).map_err(CertificateError::Unfit)
}

fn read_file(path: &Path) -> Result<Vec<u8>, CertificateError> {
    let failed = |source| CertificateError::Read { path: path.to_owned(), source };
    let length = fs::metadata(path).map_err(failed)?.len();
    if length > FILE_BYTES_MAX {
        return Err(CertificateError::TooLong { path: path.to_owned() });
    }
    fs::read(path).map_err(failed)
}
