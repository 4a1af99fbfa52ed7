//! Settings of TLS for a server, from the section `tls_server_config` and its files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, SupportedKxGroup, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, SupportedCipherSuite, SupportedProtocolVersion, version};

use super::client;
use crate::config::Secret;
use crate::config::web_file::{CURVES, SUITES, TlsServer, Version};
use crate::files;

/// A mistake at a key of the section.
pub(super) type Wrong = (&'static str, String);

/// All that can be said of the files is said at once. Reads them; relative ones lie in `folder`.
pub(super) fn config(tls: &TlsServer, folder: &Path) -> Result<ServerConfig, Vec<Wrong>> {
    let chain = source(("cert_file", tls.cert_file.as_ref()), ("cert", tls.cert.as_ref()), folder)
        .and_then(|from| from.certificates());
    let key = source(("key_file", tls.key_file.as_ref()), ("key", tls.key.as_ref()), folder)
        .and_then(|from| from.private_key());
    let of_file = ("client_ca_file", tls.client_ca_file.as_ref());
    let authorities = source(of_file, ("client_ca", tls.client_ca.as_ref()), folder);
    let authorities = authorities.and_then(|from| match from.text {
        Some(_) => from.certificates().map(|found| (from.key, found)),
        None => Ok((from.key, Vec::new())),
    });
    let (chain, key, authorities) = match (chain, key, authorities) {
        (Ok(chain), Ok(key), Ok(authorities)) => (chain, key, authorities),
        (chain, key, authorities) => {
            return Err([chain.err(), key.err(), authorities.err()]
                .into_iter()
                .flatten()
                .collect());
        }
    };
    built(tls, (chain, key), authorities).map_err(|wrong| vec![wrong])
}

fn built(
    tls: &TlsServer,
    (chain, key): (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>),
    authorities: (&'static str, Vec<CertificateDer<'static>>),
) -> Result<ServerConfig, Wrong> {
    let provider = Arc::new(provider(tls));
    let judge = client::judge(tls, authorities, &provider)?;
    let none_left = |_| {
        let message = "no suite is left for the versions between `min_version` and `max_version`";
        ("cipher_suites", message.to_owned())
    };
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(tls))
        .map_err(none_left)?;
    let builder = match judge {
        Some(judge) => builder.with_client_cert_verifier(judge),
        None => builder.with_no_client_auth(),
    };
    let at = if tls.cert.is_some() { "cert" } else { "cert_file" };
    let mut config = builder.with_single_cert(chain, key).map_err(|error| {
        let why = match error {
            rustls::Error::InconsistentKeys(_) => "the certificate and the key do not fit",
            _ => "the certificate and the key cannot be used",
        };
        (at, why.to_owned())
    })?;
    config.ignore_client_order = tls.prefer_server_cipher_suites.unwrap_or(true);
    // What is spoken, so that nobody tries HTTP/2.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn versions(tls: &TlsServer) -> Vec<&'static SupportedProtocolVersion> {
    let (least, most) = (tls.min_version.unwrap_or(Version::Tls12), tls.max_version);
    let most = most.unwrap_or(Version::Tls13);
    [(Version::Tls12, &version::TLS12), (Version::Tls13, &version::TLS13)]
        .into_iter()
        .filter_map(|(version, ours)| (least..=most).contains(&version).then_some(ours))
        .collect()
}

/// Suites of TLS 1.3 are always in use, as with Go; in the order of the file, those of TLS 1.2.
fn provider(tls: &TlsServer) -> CryptoProvider {
    let mut provider = ring::default_provider();
    let named = |name: &String| {
        let number = SUITES.iter().find(|(known, _)| known == name)?.1;
        provider.cipher_suites.iter().find(|suite| u16::from(suite.suite()) == number).copied()
    };
    if !tls.cipher_suites.is_empty() {
        let chosen: Vec<SupportedCipherSuite> =
            tls.cipher_suites.iter().filter_map(named).collect();
        let new = |suite: &SupportedCipherSuite| suite.tls13().is_some();
        let always = provider.cipher_suites.iter().filter(|suite| new(suite)).copied();
        provider.cipher_suites = always.chain(chosen).collect();
    }
    if !tls.curve_preferences.is_empty() {
        let named = |name: &String| {
            let number = CURVES.iter().find(|(known, _)| known == name)?.1;
            provider.kx_groups.iter().find(|group| u16::from(group.name()) == number).copied()
        };
        let chosen: Vec<&'static dyn SupportedKxGroup> =
            tls.curve_preferences.iter().filter_map(named).collect();
        provider.kx_groups = chosen;
    }
    provider
}

/// Text in PEM, from a file or out of the section itself; none where neither is set.
struct Source {
    key: &'static str,
    /// The file, for people.
    place: String,
    text: Option<String>,
}

fn source(
    (file_key, file): (&'static str, Option<&PathBuf>),
    (text_key, text): (&'static str, Option<&Secret>),
    folder: &Path,
) -> Result<Source, Wrong> {
    let Some(file) = file else {
        let text = text.map(|text| text.expose().to_owned());
        return Ok(Source { key: text_key, place: String::new(), text });
    };
    let path = folder.join(file);
    let place = format!(" in {}", path.display());
    let text = files::read_small(&path)
        .map_err(|error| (file_key, format!("cannot read {}: {error}", path.display())))?;
    Ok(Source { key: file_key, place, text: Some(text) })
}

impl Source {
    fn text(&self) -> &[u8] {
        self.text.as_deref().unwrap_or_default().as_bytes()
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Wrong> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(self.text()).collect();
        match found {
            Ok(found) if !found.is_empty() => Ok(found),
            _ => Err((self.key, format!("no certificate in PEM{}, or a broken one", self.place))),
        }
    }

    fn private_key(&self) -> Result<PrivateKeyDer<'static>, Wrong> {
        PrivateKeyDer::from_pem_slice(self.text()).map_err(|_| {
            let message = format!(
                "no private key in PEM{} that can be used without a passphrase",
                self.place
            );
            (self.key, message)
        })
    }
}
