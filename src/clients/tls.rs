//! TLS settings of all clients: one provider, and certificates from files.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{WantsClientCert, WebPkiServerVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};

use super::fresh::Fresh;
use crate::config::Tls;
use crate::failure::{Failure, Reason};

/// The same for all clients, and dear to make.
static USUAL: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    Arc::new(ClientConfig::builder().with_root_certificates(public()).with_no_client_auth())
});

fn public() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

/// The same for all who look at the certificates of public authorities themselves.
static JUDGE: LazyLock<Option<Arc<WebPkiServerVerifier>>> =
    LazyLock::new(|| WebPkiServerVerifier::builder(Arc::new(public())).build().ok());

/// What judges the certificate of a server by the same files, for those who want to know more of it
/// than that it is not trusted. Reads them.
pub fn judge(tls: &Tls) -> Result<Arc<WebPkiServerVerifier>, String> {
    let none = || "the public authorities cannot be used".to_owned();
    let Some(file) = tls.ca_file.as_deref() else { return JUDGE.clone().ok_or_else(none) };
    let judge = WebPkiServerVerifier::builder(Arc::new(roots(file)?)).build();
    judge.map_err(|_| format!("`ca_file` ({}): not a usable certificate", file.display()))
}

/// Who judges a host that a target leads to: by the public authorities and those of `ca_file`. Reads
/// the file.
pub fn judge_of_all(tls: &Tls) -> Result<Arc<WebPkiServerVerifier>, String> {
    let Some(file) = tls.ca_file.as_deref() else { return judge(tls) };
    let mut all = roots(file)?;
    all.roots.extend(public().roots);
    let judge = WebPkiServerVerifier::builder(Arc::new(all)).build();
    judge.map_err(|_| format!("`ca_file` ({}): not a usable certificate", file.display()))
}

/// The certificates of `ca_file`. Reads it.
pub fn trusted(tls: &Tls) -> Result<Vec<CertificateDer<'static>>, String> {
    tls.ca_file.as_deref().map_or_else(|| Ok(Vec::new()), |file| certificates("ca_file", file))
}

/// The first certificate of a PEM file, in its binary form.
pub fn first_certificate(key: &str, file: &Path) -> Result<CertificateDer<'static>, String> {
    let none = || format!("`{key}` ({}): no certificate in it", file.display());
    certificates(key, file)?.into_iter().next().ok_or_else(none)
}

/// Trusts the public certificate authorities.
pub fn usual() -> ClientConfig {
    (**USUAL).clone()
}

/// From the files that are named; `Err` says what is wrong with which. Reads them.
pub fn config(tls: &Tls) -> Result<ClientConfig, String> {
    let roots = tls.ca_file.as_deref().map_or_else(|| Ok(public()), roots)?;
    with_us(ClientConfig::builder().with_root_certificates(roots), tls)
}

/// The same with somebody else to judge the server.
pub fn config_by(judge: Arc<dyn ServerCertVerifier>, tls: &Tls) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder().dangerous();
    with_us(builder.with_custom_certificate_verifier(judge), tls)
}

fn with_us(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    tls: &Tls,
) -> Result<ClientConfig, String> {
    let (Some(certificate), Some(key)) = (&tls.cert_file, &tls.key_file) else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates("cert_file", certificate)?;
    let wrong = |why: &str| format!("`key_file` ({}): {why}", key.display());
    let text = crate::files::read_small(key).map_err(|error| wrong(&error.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes())
        .map_err(|_| wrong("no private key in it that can be used"))?;
    let refused = |_| "the certificate of `cert_file` and the key of `key_file` do not fit".into();
    builder.with_client_auth_cert(chain, key).map_err(refused)
}

fn roots(file: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("ca_file", file)? {
        let unusable = |_| format!("`ca_file` ({}): not a usable certificate", file.display());
        roots.add(certificate).map_err(unusable)?;
    }
    Ok(roots)
}

fn certificates(key: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = |why: &str| format!("`{key}` ({}): {why}", file.display());
    let pem = crate::files::read_small(file).map_err(|error| wrong(&error.to_string()))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(wrong("no certificate in it, or a broken one")),
    }
}

/// Whether an error, one of a chain, says that one side has refused the other. With TLS 1.3 a client
/// learns that by the first answer, long after the handshake.
pub fn is_refusal(error: &(dyn std::error::Error + 'static)) -> bool {
    let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    inner.is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
}

/// The settings of one target, made anew when a file changes.
pub struct Trust {
    tls: Tls,
    made: Fresh<Arc<ClientConfig>>,
}

impl Trust {
    pub fn new(tls: Tls) -> Self {
        let made = Fresh::new(tls.files().map(|(_, file)| file.clone()).collect());
        Self { tls, made }
    }

    pub async fn now(&self) -> Result<Arc<ClientConfig>, Failure> {
        if self.tls.files().next().is_none() {
            return Ok(Arc::clone(&USUAL));
        }
        let tls = self.tls.clone();
        let make = move || {
            config(&tls).map(Arc::new).map_err(|why| {
                Failure::new(Reason::TLS, why)
                    .hint("write it anew in PEM, for the exporter's user to read: it is read again by itself")
            })
        };
        self.made.get(make).await
    }

    /// The name that the server's certificate must have, if not the one of the address.
    pub fn server_name(&self) -> Option<&str> {
        self.tls.server_name.as_deref()
    }

    /// What to do where the handshake has failed.
    pub fn advice(&self) -> String {
        let own = self.tls.cert_file.as_ref().map_or_else(String::new, |file| {
            format!(", and that the server accepts `cert_file` ({})", file.display())
        });
        let signed = self.tls.ca_file.as_ref().map_or_else(
            || "a public authority signed the server's certificate, else set `ca_file`".to_owned(),
            |file| format!("`ca_file` ({}) signed the server's certificate", file.display()),
        );
        let named = match &self.tls.server_name {
            Some(_) => "it has the name of `server_name`",
            None => "it has the name of the address, else set `server_name`",
        };
        format!("check that {signed}, that {named}{own}")
    }
}
