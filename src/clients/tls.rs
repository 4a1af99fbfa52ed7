//! TLS settings of all clients: one provider, and certificates from files.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

/// The same for all clients, and dear to make.
static USUAL: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
});

/// Trusts the public certificate authorities.
pub fn usual() -> ClientConfig {
    (**USUAL).clone()
}

/// Trusts the authorities of this file alone; `Err` says what is wrong with it.
pub fn trusting(file: &Path, identity: Option<(&Path, &Path)>) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder().with_root_certificates(roots(file)?);
    let Some((certificate, key)) = identity else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates(certificate)?;
    let unusable = |_| format!("{}: no usable private key", key.display());
    let key = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(unusable)?;
    let refused = |_| "the client certificate and its key do not fit".to_owned();
    builder.with_client_auth_cert(chain, key).map_err(refused)
}

fn roots(file: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|_| "not a usable certificate".to_owned())?;
    }
    Ok(roots)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = read(file)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(format!("{}: no certificate in it, or a broken one", file.display())),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    let text = crate::files::read_small(file);
    text.map(String::into_bytes).map_err(|error| format!("{}: {error}", file.display()))
}
