//! The way to the other side, phase by phase: its name, a connection, TLS. A connection is of one
//! probe, and so is the answer of the resolver: what is connected to is what it said.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use rustls::ClientConfig;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::certificate::{Recorder, refusal};
use super::place::Place;
use super::reasons;
use super::trace::{Phase, Session, Trace, Try};
use crate::clients::fresh::Fresh;
use crate::clients::tls::{self, Trust};
use crate::config::Tls;
use crate::failure::{Failure, Reason, lacks_files};

/// Addresses of one name that are tried.
const MOST_ADDRESSES: usize = 8;

/// Asks for the addresses of a host and port. The system's own order holds.
pub type Resolver =
    Arc<dyn Fn(String, u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// As all programs of this machine do: hosts file, name service, DNS.
pub fn system() -> Resolver {
    Arc::new(|host, port| {
        Box::pin(async move { Ok(lookup_host((host.as_str(), port)).await?.collect()) })
    })
}

/// Questions to the resolver of one probe at one time: the reading's, and that of what is held beside.
/// One that hangs cannot be ended, so without a bound each reading would leave a thread behind.
const QUESTIONS: usize = 2;
/// The same of all probes on demand together: each is one of its own, and anybody may ask for many. Who
/// is declared has room of its own, which they cannot fill.
static ROOM: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(32)));

/// How connections are made.
pub struct Dialer {
    questions: Arc<Semaphore>,
    resolver: Resolver,
    tls: Tls,
    trust: Trust,
    made: Fresh<Made>,
    certificate: Option<std::path::PathBuf>,
}

/// What comes of the files.
#[derive(Clone)]
pub struct Made {
    config: Arc<ClientConfig>,
    judge: Arc<WebPkiServerVerifier>,
    /// Who judges hosts that we are led to.
    judge_of_others: Arc<WebPkiServerVerifier>,
    /// Certificates of `ca_file`.
    trusted: Arc<Vec<CertificateDer<'static>>>,
    /// Fingerprint of the certificate on disk.
    on_disk: Option<String>,
}

impl Dialer {
    pub fn new(tls: Tls, certificate: Option<std::path::PathBuf>, resolver: Resolver) -> Self {
        let files = tls.files().map(|(_, file)| file.clone()).chain(certificate.clone());
        let made = Fresh::new(files.collect());
        Self {
            questions: Arc::new(Semaphore::new(QUESTIONS)),
            resolver,
            trust: Trust::new(tls.clone()),
            tls,
            made,
            certificate,
        }
    }

    /// Has it ask the resolver in the room of all that nobody declared.
    pub fn share_room(&mut self) {
        self.questions = Arc::clone(&ROOM);
    }

    /// Reads the files of TLS, before any time of the other side begins.
    pub async fn prepare(&self) -> Result<Made, Failure> {
        let (tls, certificate) = (self.tls.clone(), self.certificate.clone());
        let make = move || {
            let config =
                if tls.files().next().is_none() { Ok(tls::usual()) } else { tls::config(&tls) };
            let wrong = |why| {
                Failure::new(Reason::TLS, why)
                    .hint("write it anew in PEM, for the exporter's user to read: it is read again by itself")
            };
            let config = config.map_err(wrong)?;
            let judge = tls::judge(&tls).map_err(wrong)?;
            let judge_of_others = tls::judge_of_all(&tls).map_err(wrong)?;
            let trusted = tls::trusted(&tls).map_err(wrong)?;
            // That the file cannot be read is no failure of the server.
            let on_disk = certificate.and_then(|file| {
                let first = tls::first_certificate("certificate_file", &file).ok()?;
                Some(super::certificate::fingerprint(&first))
            });
            let (config, trusted) = (Arc::new(config), Arc::new(trusted));
            Ok(Made { config, judge, judge_of_others, trusted, on_disk })
        };
        self.made.get(make).await
    }

    /// A connection to the place, with TLS if it wants that; `own` unless we are led there.
    pub async fn dial(
        &self,
        place: &Place,
        own: bool,
        trace: &mut Trace,
        until: Instant,
    ) -> Result<Stream, Failure> {
        let made = if place.tls {
            trace.enter(Phase::Prepare);
            Some(self.prepare().await?)
        } else {
            None
        };
        let tcp = self.tcp((&place.host, place.port), trace, until).await?;
        match made {
            Some(made) => self.secure(tcp, (&place.host, own), made, trace).await,
            None => Ok(Stream::Plain(tcp)),
        }
    }

    /// Addresses of a name.
    pub async fn resolve(
        &self,
        (host, port): (&str, u16),
        trace: &mut Trace,
    ) -> Result<Vec<SocketAddr>, Failure> {
        trace.enter(Phase::Resolve);
        let unknown = || {
            Failure::new(Reason::DNS, "the host name does not resolve")
                .hint("ask as this machine does: getent ahosts NAME; and look at /etc/resolv.conf")
        };
        let stopped = |_| Failure::new(Reason::OTHER, "the resolver was stopped");
        let place = Arc::clone(&self.questions).acquire_owned().await.map_err(|_| unknown())?;
        let question = (self.resolver)(host.to_owned(), port);
        let asked = tokio::spawn(async move {
            // Kept until there is an answer, also if nobody waits for it any more.
            let _place = place;
            question.await
        });
        let mut found = match asked.await.map_err(stopped)? {
            Ok(found) => found,
            Err(error) if lacks_files(&error) => return Err(Failure::no_files("resolver")),
            Err(_) => return Err(unknown()),
        };
        found.truncate(MOST_ADDRESSES);
        if found.is_empty() { Err(unknown()) } else { Ok(found) }
    }

    /// The first address that lets us in. One that hangs leaves time for the others.
    pub async fn tcp(
        &self,
        host: (&str, u16),
        trace: &mut Trace,
        until: Instant,
    ) -> Result<TcpStream, Failure> {
        let found = self.resolve(host, trace).await?;
        trace.enter(Phase::Connect);
        let mut last = Failure::new(Reason::DNS, "the host name does not resolve");
        for (tried, address) in found.iter().enumerate() {
            trace.protocol = if address.is_ipv4() { 4 } else { 6 };
            let left = until.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(found.len() - tried).unwrap_or(u32::MAX);
            let begun = Instant::now();
            let outcome = tokio::time::timeout(share, TcpStream::connect(address)).await;
            let outcome = outcome.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            let failure = outcome.as_ref().err().map(failure);
            let took = begun.elapsed();
            trace.tries.push(Try { address: *address, took, failure: failure.clone() });
            match (outcome, failure) {
                (Ok(stream), _) => {
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                (Err(_), failure) => last = failure.unwrap_or(last),
            }
        }
        Err(last)
    }

    /// TLS on a connection that is there. A host that is not the one that was declared gets no
    /// certificate of ours, and has a name and a certificate of its own.
    pub async fn secure(
        &self,
        tcp: TcpStream,
        (host, own): (&str, bool),
        made: Made,
        trace: &mut Trace,
    ) -> Result<Stream, Failure> {
        trace.enter(Phase::Tls);
        let name = self.trust.server_name().filter(|_| own).unwrap_or(host).to_owned();
        let name = ServerName::try_from(name)
            .map_err(|_| Failure::new(Reason::TLS, "no certificate can have a name like this"))?;
        let judge = if own { made.judge } else { made.judge_of_others };
        let recorder = Arc::new(Recorder::new(judge, made.trusted));
        let mut config = if own { (*made.config).clone() } else { tls::usual() };
        config.dangerous().set_certificate_verifier(Arc::clone(&recorder) as Arc<_>);
        // With a session taken up again no certificate would be seen.
        config.resumption = Resumption::disabled();
        let handshake = TlsConnector::from(Arc::new(config)).connect(name, tcp).await;
        let mut chain = recorder.take();
        if let Some(chain) = &mut chain {
            chain.on_disk = made.on_disk.filter(|_| own);
        }
        trace.shown(chain);
        let stream = handshake.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                Failure::new(reasons::CUT, "the connection was cut during the TLS handshake")
                    .hint("it may not speak TLS on this port")
            }
            _ => refusal(trace.chain.as_ref(), self.trust.advice()),
        })?;
        trace.session = Some(agreed(stream.get_ref().1));
        Ok(Stream::Tls(Box::new(stream)))
    }
}

/// Version and cipher as blackbox_exporter writes them.
fn agreed(connection: &rustls::ClientConnection) -> Session {
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
        _ => "unknown",
    };
    let suite = connection.negotiated_cipher_suite().map(|suite| suite.suite());
    let suite = suite.and_then(|suite| suite.as_str()).unwrap_or("unknown");
    Session { version, cipher: suite.replacen("TLS13_", "TLS_", 1) }
}

/// Why there is no connection, or why it ended.
pub fn failure(error: &io::Error) -> Failure {
    use io::ErrorKind;
    if lacks_files(error) {
        return Failure::no_files("connection");
    }
    let (reason, why) = match error.kind() {
        ErrorKind::ConnectionRefused => (Reason::REFUSED, "connection refused"),
        ErrorKind::TimedOut => (Reason::TIMEOUT, "no connection in time"),
        ErrorKind::PermissionDenied => (Reason::RIGHTS, "permission denied"),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            (reasons::UNREACHABLE, "there is no way to it")
        }
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => (reasons::CUT, "the connection was cut"),
        _ => (Reason::OTHER, "the connection failed"),
    };
    Failure::new(reason, why)
}

/// That a time limit is over.
pub fn late(limit: Duration) -> Failure {
    Failure::new(Reason::TIMEOUT, format!("no complete answer within {:.1} s", limit.as_secs_f64()))
}

/// A connection.
pub enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
