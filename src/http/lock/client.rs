//! What is asked of the certificate of a client: who signed it, and which names it has.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::tls::Wrong;
use crate::config::web_file::{ClientAuth, TlsServer};

/// Who judges the certificates of clients; nobody where none is asked for.
pub(super) fn judge(
    tls: &TlsServer,
    (key, authorities): (&'static str, Vec<CertificateDer<'static>>),
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, Wrong> {
    if tls.client_auth_type == ClientAuth::NoClientCert {
        return Ok(None);
    }
    let signed = if tls.client_auth_type.is_verified() {
        let unusable =
            || (key, "has a certificate that is not usable as an authority's".to_owned());
        let mut roots = RootCertStore::empty();
        for certificate in authorities {
            roots.add(certificate).map_err(|_| unusable())?;
        }
        let judge =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        Some(judge.build().map_err(|_| unusable())?)
    } else {
        None
    };
    Ok(Some(Arc::new(Judge {
        signed,
        required: tls.client_auth_type.is_required(),
        names: tls.client_allowed_sans.clone(),
        provider: Arc::clone(provider),
    })))
}

#[derive(Debug)]
struct Judge {
    /// Looks at who signed it; none where that does not matter.
    signed: Option<Arc<dyn ClientCertVerifier>>,
    required: bool,
    /// One of these it must have.
    names: Option<Vec<String>>,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Judge {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.signed.as_ref().map_or(&[], |signed| signed.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if let Some(signed) = &self.signed {
            signed.verify_client_cert(certificate, between, now)?;
        }
        if let Some(allowed) = &self.names
            && !has_one_of(certificate, allowed)
        {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(ClientCertVerified::assertion())
    }

    // Whoever shows a certificate has its key, also where nobody looks at who signed it.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Whether one of its alternative names is to the letter one of these: DNS, address, mail or URI.
fn has_one_of(certificate: &CertificateDer<'_>, allowed: &[String]) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return false };
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return false };
    let is_allowed = |text: &str| allowed.iter().any(|allowed| allowed == text);
    names.value.general_names.iter().any(|name| match name {
        GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) => {
            is_allowed(text)
        }
        GeneralName::IPAddress(bytes) => address(bytes)
            .is_some_and(|found| allowed.iter().any(|allowed| allowed.parse() == Ok(found))),
        _ => false,
    })
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}
