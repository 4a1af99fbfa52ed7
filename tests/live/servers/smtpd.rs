//! A mail server that keeps what it takes: STARTTLS, one user, and nothing before both.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// One mail: receivers, head and text.
#[derive(Clone, Debug, Default)]
pub struct Mail {
    pub to: Vec<String>,
    pub text: String,
}

pub struct Smtpd {
    pub port: u16,
    seen: Arc<Mutex<Vec<Mail>>>,
    task: JoinHandle<()>,
}

impl Smtpd {
    /// With the certificate `server.pem` of the folder, for one user.
    pub async fn start(folder: &Path, user: &'static str, password: &'static str) -> Self {
        let chain = CertificateDer::pem_file_iter(folder.join("server.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(folder.join("server-key.pem")).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain.map(Result::unwrap).collect(), key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Vec<Mail>>> = Arc::default();
        let kept = Arc::clone(&seen);
        let login = STANDARD.encode(format!("\0{user}\0{password}"));
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let (acceptor, kept, login) = (acceptor.clone(), Arc::clone(&kept), login.clone());
                tokio::spawn(async move {
                    let _ = greeted(stream, acceptor, &login, &kept).await;
                });
            }
        });
        Self { port, seen, task }
    }

    /// All mails so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Smtpd {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// In clear text: only until TLS begins.
async fn greeted(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    login: &str,
    seen: &Mutex<Vec<Mail>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 test ESMTP\r\n").await?;
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let answer: &[u8] = match line.to_ascii_uppercase().trim_end() {
            "STARTTLS" => {
                stream.write_all(b"220 go ahead\r\n").await?;
                let stream = acceptor.accept(stream.into_inner()).await?;
                return secured(BufReader::new(stream), login, seen).await;
            }
            command if command.starts_with("EHLO") => b"250-test\r\n250 STARTTLS\r\n",
            _ => b"530 Must issue a STARTTLS command first\r\n",
        };
        stream.write_all(answer).await?;
        line.clear();
    }
    Ok(())
}

async fn secured<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: BufReader<S>,
    login: &str,
    seen: &Mutex<Vec<Mail>>,
) -> std::io::Result<()> {
    let (mut line, mut known, mut mail) = (String::new(), false, Mail::default());
    while stream.read_line(&mut line).await? > 0 {
        let command = line.trim_end().to_owned();
        let upper = command.to_ascii_uppercase();
        let answer: &[u8] = if upper.starts_with("EHLO") {
            b"250-test\r\n250 AUTH PLAIN\r\n"
        } else if let Some(given) = command.strip_prefix("AUTH PLAIN ") {
            known = given == login;
            if known { b"235 ok\r\n" } else { b"535 5.7.8 Authentication failed\r\n" }
        } else if !known {
            b"530 5.7.0 Authentication required\r\n"
        } else if upper.starts_with("RCPT TO:") {
            mail.to.push(command.clone());
            b"250 ok\r\n"
        } else if upper == "DATA" {
            stream.write_all(b"354 go ahead\r\n").await?;
            loop {
                line.clear();
                stream.read_line(&mut line).await?;
                if line == ".\r\n" || line.is_empty() {
                    break;
                }
                mail.text += &line;
            }
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut mail));
            b"250 taken\r\n"
        } else {
            b"250 ok\r\n"
        };
        stream.write_all(answer).await?;
        line.clear();
    }
    Ok(())
}
