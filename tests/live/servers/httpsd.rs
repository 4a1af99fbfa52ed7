//! A web server with TLS that wants a client's certificate and gives one answer.

use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub struct Httpsd {
    pub port: u16,
    task: JoinHandle<()>,
}

impl Httpsd {
    /// With the certificate of this name in the folder; clients need one of the authority there.
    pub async fn start(folder: &Path, name: &str, answer: &'static str) -> Self {
        let certificates = |name: &str| -> Vec<CertificateDer<'static>> {
            let file = folder.join(format!("{name}.pem"));
            CertificateDer::pem_file_iter(file).unwrap().map(Result::unwrap).collect()
        };
        let mut roots = RootCertStore::empty();
        for authority in certificates("ca") {
            roots.add(authority).unwrap();
        }
        let clients = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
        let key = PrivateKeyDer::from_pem_file(folder.join(format!("{name}-key.pem"))).unwrap();
        let config = ServerConfig::builder()
            .with_client_cert_verifier(clients)
            .with_single_cert(certificates(name), key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let _ = serve(acceptor, stream, answer).await;
                });
            }
        });
        Self { port, task }
    }
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream, answer: &str) -> io::Result<()> {
    let mut stream = match acceptor.accept(stream).into_fallible().await {
        Ok(stream) => stream,
        Err((error, mut stream)) => {
            // What is unread at the end would take the alert with it.
            stream.shutdown().await?;
            tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
            return Err(error);
        }
    };
    let mut head = vec![0; 4096];
    let _ = stream.read(&mut head).await?;
    let length = answer.len();
    let text = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{answer}"
    );
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await
}

impl Drop for Httpsd {
    fn drop(&mut self) {
        self.task.abort();
    }
}
