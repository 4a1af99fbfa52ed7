//! Connections: a socket of this machine, TCP, or TLS over it.

use std::future::Future;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::super::address::Address;
use super::socket::{Bounded, Socket};
use crate::clients::tls::Trust;
use crate::failure::{Failure, Reason, lacks_files};

#[derive(Clone)]
pub struct Connector {
    place: Place,
    most: u64,
    limit: Duration,
}

#[derive(Clone)]
enum Place {
    Unix(PathBuf),
    Tcp(String),
    Tls(String, Arc<Trust>),
}

impl Connector {
    pub fn new(address: &Address, most: u64, limit: Duration) -> Self {
        let place = match address {
            Address::Unix(path) => Place::Unix(path.clone()),
            Address::Tcp(host) => Place::Tcp(host.clone()),
            Address::Tls(host, tls) => Place::Tls(host.clone(), Arc::new(Trust::new(tls.clone()))),
        };
        Self { place, most, limit }
    }
}

type Connecting = Pin<Box<dyn Future<Output = Result<TokioIo<Bounded>, Failure>> + Send>>;

impl Service<Uri> for Connector {
    type Response = TokioIo<Bounded>;
    type Error = Failure;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Connecting {
        let Self { place, most, limit } = self.clone();
        Box::pin(async move {
            let late = |_| Failure::new(Reason::TIMEOUT, "no connection in time");
            let socket = timeout(limit, connect(place)).await.map_err(late)??;
            Ok(TokioIo::new(Bounded::new(socket, most)))
        })
    }
}

async fn connect(place: Place) -> Result<Socket, Failure> {
    match place {
        Place::Unix(path) => {
            let socket = UnixStream::connect(path).await.map_err(|error| failure(&error))?;
            Ok(Socket::Unix(socket))
        }
        Place::Tcp(host) => Ok(Socket::Tcp(tcp(&host).await?)),
        Place::Tls(host, trust) => {
            let config = trust.now().await?;
            // The port is always there: the address was completed when it was read.
            let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
            let name = name.trim_start_matches('[').trim_end_matches(']').to_owned();
            let name = trust.server_name().map_or(name, ToOwned::to_owned);
            let refused =
                || Failure::new(Reason::TLS, "the TLS handshake failed").hint(trust.advice());
            let name = ServerName::try_from(name).map_err(|_| refused())?;
            let handshake = TlsConnector::from(config).connect(name, tcp(&host).await?);
            Ok(Socket::Tls(Box::new(handshake.await.map_err(|_| refused())?)))
        }
    }
}

async fn tcp(host: &str) -> Result<TcpStream, Failure> {
    let unknown = || Failure::new(Reason::DNS, "the host name does not resolve");
    let addresses: Vec<_> = lookup_host(host).await.map_err(|_| unknown())?.collect();
    if addresses.is_empty() {
        return Err(unknown());
    }
    let stream = TcpStream::connect(addresses.as_slice()).await.map_err(|error| failure(&error))?;
    // Requests are small, and each waits for its answer.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

fn failure(error: &std::io::Error) -> Failure {
    if lacks_files(error) {
        return Failure::no_files("connection");
    }
    let (reason, why) = match error.kind() {
        ErrorKind::ConnectionRefused => (Reason::REFUSED, "connection refused"),
        ErrorKind::PermissionDenied => (Reason::RIGHTS, "permission denied"),
        ErrorKind::NotFound => (Reason::NOT_FOUND, "no such socket"),
        ErrorKind::TimedOut => (Reason::TIMEOUT, "no connection in time"),
        _ => (Reason::OTHER, "cannot connect"),
    };
    Failure::new(reason, why)
}
