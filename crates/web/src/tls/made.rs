//! A certificate of one's own: nobody vouches for it, so whoever connects compares its fingerprint once.

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};
use sha2::{Digest as _, Sha256};

/// From when on it counts: before any clock that is only a little wrong.
const BEGINS: (i32, u8, u8) = (2024, 1, 1);

/// Until when: nobody has to look after it for as long as this program is used; its key never leaves the machine.
const ENDS: (i32, u8, u8) = (2049, 12, 31);

/// A certificate that was made here.
pub struct MadeCertificate {
    /// In PEM.
    pub certificate: String,
    /// Its key, in PEM. A secret.
    pub key: String,
    /// SHA-256 of the certificate as browsers show it: pairs of hex digits between colons.
    pub fingerprint: String,
}

/// The key is a secret.
impl std::fmt::Debug for MadeCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MadeCertificate").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// Makes one for these names and addresses.
///
/// # Errors
/// A name that no certificate can be made out for, or a machine that gives no chance.
pub fn made(names: &[String]) -> Result<MadeCertificate, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "Ostoja on this machine");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.not_before = date_time_ymd(BEGINS.0, BEGINS.1, BEGINS.2);
    params.not_after = date_time_ymd(ENDS.0, ENDS.1, ENDS.2);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(MadeCertificate {
        fingerprint: fingerprint(certificate.der()),
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}

fn fingerprint(certificate: &[u8]) -> String {
    let pairs: Vec<String> = Sha256::digest(certificate).iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}
