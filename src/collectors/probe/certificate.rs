//! What a server's certificate says, told also when it is not trusted: a verifier that writes down
//! what it is shown before it judges.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
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
    /// Fingerprint of the certificate in the file on disk; unknown without such a file.
    pub on_disk: Option<String>,
}

impl Chain {
    /// When it begins to fail. What has run out and is trusted all the same nobody needs: servers
    /// present it for old clients.
    pub fn fails_at(&self, now: i64) -> Option<i64> {
        let needed = |at: usize, one: &Certificate| {
            at == 0 || self.refused.is_some() || one.not_after >= now
        };
        let all = self.certificates.iter().enumerate();
        all.filter(|(at, one)| needed(*at, one)).map(|(_, one)| one.not_after).min()
    }

    /// When the first of them runs out, as blackbox_exporter has it.
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
    /// Certificates of `ca_file`.
    trusted: Arc<Vec<CertificateDer<'static>>>,
    seen: Mutex<Option<Chain>>,
}

impl Recorder {
    pub fn new(
        inner: Arc<WebPkiServerVerifier>,
        trusted: Arc<Vec<CertificateDer<'static>>>,
    ) -> Self {
        Self { inner, trusted, seen: Mutex::default() }
    }

    /// A certificate that signed itself and is in `ca_file` byte for byte is trusted as it is. Its name
    /// and its dates count; that it is marked as an authority, as most are, does not.
    fn verdict_on_itself(
        &self,
        end: &CertificateDer<'_>,
        own: &Certificate,
        name: &ServerName<'_>,
        now: i64,
    ) -> Option<Result<ServerCertVerified, Error>> {
        if !own.self_signed || own.fingerprint != fingerprint(end) {
            return None;
        }
        if !self.trusted.iter().any(|one| one.as_ref() == end.as_ref()) {
            return None;
        }
        let wrong = |error| Some(Err(Error::InvalidCertificate(error)));
        if own.not_after < now {
            return wrong(CertificateError::Expired);
        }
        if own.not_before > now {
            return wrong(CertificateError::NotValidYet);
        }
        let named = ParsedCertificate::try_from(end)
            .and_then(|parsed| verify_server_name(&parsed, name))
            .map(|()| ServerCertVerified::assertion());
        Some(named)
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
        let mut verdict = self.inner.verify_server_cert(end, others, name, ocsp, now);
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if verdict.is_err()
            && let Some(own) = chain.certificates.first()
            && let Some(on_itself) = self.verdict_on_itself(end, own, name, now)
        {
            verdict = on_itself;
        }
        if let Err(error) = &verdict {
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
