//! A connection of its own for one reading: TCP, TLS or a socket of this machine.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::clients::tls::Trust;
use crate::config::{Dur, Tls, Url};
use crate::failure::{Failure, Reason};

/// Deadline of a reading unless it is configured.
const DEADLINE: Duration = Duration::from_secs(5);
/// Addresses of one name that are tried.
const MOST_ADDRESSES: usize = 4;

/// Both directions of a connection.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

enum Place {
    Host(String, u16),
    Socket(PathBuf),
}

/// The way to a server, and how long all of a reading may take.
pub struct Way {
    place: Place,
    /// By what the server's certificate is judged, where it has one.
    trust: Option<Trust>,
    deadline: Duration,
}

impl Way {
    /// To the host of an address, or to its socket.
    pub fn new(url: Option<&Url>, port: u16, tls: Option<Tls>, deadline: Option<Dur>) -> Self {
        let host = url.and_then(|url| url.hosts.first());
        let place = match (url, host) {
            (Some(url), _) if url.scheme == "unix" => Place::Socket(PathBuf::from(&url.path)),
            (_, Some(host)) => Place::Host(host.name.clone(), host.port.unwrap_or(port)),
            // A mistake, which is told before anybody goes this way.
            _ => Place::Host(String::new(), port),
        };
        let deadline = deadline.map_or(DEADLINE, Dur::get);
        Self { place, trust: tls.map(Trust::new), deadline }
    }

    /// The result of a conversation on a new connection, which ends a little before the deadline of the
    /// reading, so that there is time left to say what happened.
    pub async fn within<T, F>(&self, talk: impl FnOnce(Box<dyn Stream>) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let late = |what: &str| Failure::new(Reason::TIMEOUT, what.to_owned());
        let connected = timeout(self.deadline.mul_f64(0.4), self.connect()).await;
        let stream = connected.map_err(|_| late("no connection in time"))??;
        let talked = timeout(self.deadline.mul_f64(0.4), talk(stream)).await;
        talked.map_err(|_| late("it took the connection and gave no complete answer in time"))?
    }

    async fn connect(&self) -> Result<Box<dyn Stream>, Failure> {
        let (host, port) = match &self.place {
            Place::Socket(path) => {
                let stream = UnixStream::connect(path).await;
                let stream = stream.map_err(|error| Failure::io("the socket", &error))?;
                return Ok(Box::new(stream));
            }
            Place::Host(host, port) => (host.as_str(), *port),
        };
        let trust = match &self.trust {
            Some(trust) => Some((trust, trust.now().await?)),
            None => None,
        };
        let tcp = tcp(host, port).await?;
        let Some((trust, config)) = trust else { return Ok(Box::new(tcp)) };
        let name = trust.server_name().unwrap_or(host).trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(name)
            .map_err(|_| Failure::new(Reason::TLS, "no certificate can have a name like this"))?;
        let stream = TlsConnector::from(Arc::clone(&config)).connect(name, tcp).await;
        let stream = stream.map_err(|_| {
            Failure::new(Reason::TLS, "the TLS handshake failed").hint(trust.advice())
        })?;
        Ok(Box::new(stream))
    }
}

/// The first address of a host that lets us in.
async fn tcp(host: &str, port: u16) -> Result<TcpStream, Failure> {
    let unknown = || Failure::new(Reason::DNS, "the host name does not resolve");
    let found = lookup_host((host.trim_matches(['[', ']']), port)).await;
    let found = found.map_err(|error| {
        if crate::failure::lacks_files(&error) { Failure::no_files("resolver") } else { unknown() }
    })?;
    let mut last = unknown();
    for address in found.take(MOST_ADDRESSES) {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = refused(&error),
        }
    }
    Err(last)
}

fn refused(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Failure::new(Reason::REFUSED, "connection refused")
            .hint("does it run, and is its port published? docker ps -a; ss -ltn"),
        _ => Failure::io("the connection", error),
    }
}

/// Why nothing more comes, or nothing can be sent.
pub fn cut(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::InvalidData => Failure::new(Reason::PROTOCOL, "the answer is no answer"),
        _ => {
            Failure::new(Reason::PROTOCOL, "the connection was cut before the answer was complete")
                .hint("is this the right port, with TLS or without, as the server has it?")
        }
    }
}
