//! What a server's certificate says, told also when it is not trusted: a verifier that writes down
//! what it is shown before it judges.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use sha2::{Digest as _, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Name};

use super::reasons;
use crate::failure::{Failure, Reason};

/// Certificates of a chain that are looked at, and names of one that are told.
const MOST: usize = 16;

/// One certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// Seconds since 1970.
    pub not_before: i64,
    pub not_after: i64,
    pub subject: String,
    pub issuer: String,
    pub names: Vec<String>,
    /// In hexadecimal digits, as blackbox_exporter has them.
    pub serial: String,
    pub fingerprint: String,
    pub self_signed: bool,
}

impl Certificate {
    /// Reads one, or says that it is none.
    pub fn read(der: &[u8]) -> Option<Self> {
        let (_, read) = X509Certificate::from_der(der).ok()?;
        let (subject, issuer) = (shown(read.subject()), shown(read.issuer()));
        let names = read.subject_alternative_name().ok().flatten();
        let names = names.map(|names| names.value.general_names.iter().filter_map(name).take(MOST));
        Some(Self {
            not_before: read.validity().not_before.timestamp(),
            not_after: read.validity().not_after.timestamp(),
            self_signed: subject == issuer,
            names: names.into_iter().flatten().collect(),
            serial: hex(read.raw_serial()).trim_start_matches('0').to_owned(),
            fingerprint: fingerprint(der),
            subject,
            issuer,
        })
    }
}

pub fn fingerprint(der: &[u8]) -> String {
    hex(&Sha256::digest(der))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    }
}

/// As Go writes names: the last part first.
fn shown(name: &X509Name) -> String {
    let mut parts: Vec<String> = Vec::new();
    for attribute in name.iter_attributes().take(MOST) {
        let oid = attribute.attr_type().to_id_string();
        let kind = match oid.as_str() {
            "2.5.4.3" => "CN",
            "2.5.4.5" => "SERIALNUMBER",
            "2.5.4.6" => "C",
            "2.5.4.7" => "L",
            "2.5.4.8" => "ST",
            "2.5.4.9" => "STREET",
            "2.5.4.10" => "O",
            "2.5.4.11" => "OU",
            other => other,
        };
        parts.push(format!("{kind}={}", attribute.as_str().unwrap_or("?").replace(',', "\\,")));
    }
    parts.reverse();
    parts.join(",")
}

/// What a server has presented.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// The server's own first.
    pub certificates: Vec<Certificate>,
    /// Why it is not trusted.
    pub refused: Option<Reason>,
    /// Whether the server's own is the one in the file on disk; unknown without such a file.
    pub on_disk: Option<bool>,
}

impl Chain {
    /// When the first of them runs out.
    pub fn earliest(&self) -> Option<i64> {
        self.certificates.iter().map(|certificate| certificate.not_after).min()
    }

    fn seen(end: &CertificateDer, others: &[CertificateDer]) -> Self {
        let all = std::iter::once(end).chain(others).take(MOST);
        let certificates = all.filter_map(|der| Certificate::read(der)).collect();
        Self { certificates, ..Self::default() }
    }

    fn why(&self, error: &Error, now: i64) -> Reason {
        let own = self.certificates.first();
        match error {
            Error::InvalidCertificate(error) => match error {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    reasons::CERT_EXPIRED
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    reasons::CERT_EARLY
                }
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => reasons::CERT_NAME,
                // What nobody trusts may have run out as well, and that is the nearer cause.
                _ if own.is_some_and(|own| own.not_after < now) => reasons::CERT_EXPIRED,
                _ if own.is_some_and(|own| own.self_signed) => reasons::CERT_SELF_SIGNED,
                _ => reasons::CERT_UNTRUSTED,
            },
            _ => Reason::TLS,
        }
    }
}

/// Judges as usual, and keeps what it was shown.
#[derive(Debug)]
pub struct Recorder {
    inner: Arc<WebPkiServerVerifier>,
    seen: Mutex<Option<Chain>>,
}

impl Recorder {
    pub fn new(inner: Arc<WebPkiServerVerifier>) -> Self {
        Self { inner, seen: Mutex::default() }
    }

    pub fn take(&self) -> Option<Chain> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut chain = Chain::seen(end, others);
        let verdict = self.inner.verify_server_cert(end, others, name, ocsp, now);
        if let Err(error) = &verdict {
            let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
            chain.refused = Some(chain.why(error, now));
        }
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(chain);
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// What to say of a handshake that failed.
pub fn refusal(chain: Option<&Chain>, advice: String) -> Failure {
    let Some(reason) = chain.and_then(|chain| chain.refused) else {
        return Failure::new(Reason::TLS, "the TLS handshake failed").hint(advice);
    };
    let failure = Failure::new(reason, reason.meaning().trim_end_matches('.').to_lowercase());
    if reason == reasons::CERT_EXPIRED || reason == reasons::CERT_EARLY {
        return failure.hint("renew it, reload the server, and look at the clock of this machine");
    }
    failure.hint(advice)
}
