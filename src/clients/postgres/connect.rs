//! Logging in: one server after the other, over a socket of our own that reads along how the
//! password is asked for.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use rustix::net::sockopt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{CancelToken, Client, Config, Connection, NoTls, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Address;
use super::encryption::{Mode, Way};
use super::failure::Open;
use super::methods::LogIn;
use super::server::{Place, Wanted};
use super::session::{Plans, Session};
use super::tls_probe;
use super::watch::{Watched, WatchedTls};
use crate::config::Secret;
use crate::failure::{Failure, Reason};

/// From the first packet to the end of the log-in.
pub(super) const CONNECT: Duration = Duration::from_secs(2);
const KEEPALIVE: Duration = Duration::from_mins(1);

/// A connection to a server: by TCP or by a socket of this machine.
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Where a connection led, to lead another one there.
#[derive(Clone)]
pub(super) enum End {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// What ends a query on the server.
#[derive(Clone)]
pub(super) struct Cancel {
    token: CancelToken,
    end: End,
    /// Also the name that the certificate must have.
    tls: Option<(MakeRustlsConnect, String)>,
}

/// What is known of the server before.
#[derive(Clone, Copy)]
pub(super) struct Hello {
    /// Start-up options are taken: no pooler stands between.
    pub limits: bool,
    /// The last connection was encrypted.
    pub encrypted: bool,
}

/// Logs in to the first server that is wanted and lets us in.
pub(super) async fn open(at: &Address, password: &Secret, terms: Hello) -> Result<Session, Open> {
    let work = async {
        let first = try_all(at, at.wanted, password, terms).await;
        match first {
            // Rather any other one than none.
            Err(Open::Unwanted(_)) if at.wanted == Wanted::PreferStandby => {
                try_all(at, Wanted::Any, password, terms).await
            }
            outcome => outcome,
        }
    };
    tokio::time::timeout(CONNECT, work).await.unwrap_or(Err(Open::Late))
}

async fn try_all(
    at: &Address,
    wanted: Wanted,
    password: &Secret,
    terms: Hello,
) -> Result<Session, Open> {
    let config = at.config(password, terms.limits);
    let (begun, mut left) = (Instant::now(), u32::try_from(at.places.len()).unwrap_or(u32::MAX));
    let mut last = Open::Late;
    for place in &at.places {
        let one = try_ways(at, place, wanted, &config, terms.encrypted);
        // One that hangs must leave time for the others; one that refuses leaves them its own.
        let share = CONNECT.saturating_sub(begun.elapsed()) / left.max(1);
        left -= 1;
        match tokio::time::timeout(share, one).await {
            Ok(Ok(session)) => return Ok(session),
            // All would say so, and a wrong password is not to be tried on each of them.
            Ok(Err(open @ Open::Options)) => return Err(open),
            Ok(Err(open)) if open.is_about_us() => {
                let elsewise = at.encryption.mode == Mode::Disable && open.is_for_want_of_a_line();
                let wants_tls = elsewise && tls_probe::would_let_in(&config, place).await;
                return Err(if wants_tls { Open::Unencrypted } else { open });
            }
            Ok(Err(open)) => last = open,
            Err(_) => last = Open::Late,
        }
    }
    Err(last)
}

/// Encrypted or not, and the other way where the server wants it so.
async fn try_ways(
    at: &Address,
    place: &Place,
    wanted: Wanted,
    config: &Config,
    encrypted: bool,
) -> Result<Session, Open> {
    // Nothing is encrypted on a socket, whatever is asked for: as `libpq` does.
    let ways = if place.is_socket() {
        (Way::Plain, None)
    } else {
        at.encryption.ways(place.is_near(), encrypted)
    };
    let first = try_one(at, place, wanted, config, ways.0).await;
    match (first, ways.1) {
        (Err(open), Some(other)) if open.is_for_want_of_a_line() || open.is_about_tls() => {
            // That it does not offer the other way is less than what it has said first.
            match try_one(at, place, wanted, config, other).await {
                Err(second) if second.is_about_tls() => Err(open),
                outcome => outcome,
            }
        }
        (outcome, _) => outcome,
    }
}

async fn try_one(
    at: &Address,
    place: &Place,
    wanted: Wanted,
    config: &Config,
    way: Way,
) -> Result<Session, Open> {
    let (stream, end) = reach(place).await.map_err(Open::Io)?;
    let mut config = config.clone();
    config.ssl_mode(way.mode());
    let mut session = match way {
        Way::Encrypted | Way::Offered => {
            // Within TLS nobody else listens, and before it nothing is told.
            let log_in = |private| LogIn::new(at.methods, private);
            let tls = at.encryption.connector();
            let tls = tls.map_err(|why| Open::Failed(Failure::new(Reason::TLS, why)))?;
            let inner = connector(&tls, &place.host)?;
            let connector = WatchedTls { inner, log_in: log_in(at.encryption.is_verified()) };
            let stream = Watched::asked(stream, log_in(false));
            let connected = config.connect_raw(stream, connector).await;
            let (client, connection) = connected.map_err(Open::of)?;
            session(client, connection, end, Some((tls, place.host.clone())))
        }
        Way::Plain => {
            let stream = Watched::plain(stream, LogIn::new(at.methods, end.is_private()));
            let connected = config.connect_raw(stream, NoTls).await;
            let (client, connection) = connected.map_err(Open::of)?;
            session(client, connection, end, None)
        }
    };
    session.place = place.to_string();
    let Some((question, answer)) = wanted.question() else { return Ok(session) };
    let messages = session.client.simple_query(question).await.map_err(Open::of)?;
    let right = messages.iter().any(
        |message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some(answer)),
    );
    if right { Ok(session) } else { Err(Open::Unwanted(wanted)) }
}

pub(super) type Connector = <MakeRustlsConnect as MakeTlsConnect<Watched<Stream>>>::TlsConnect;

pub(super) fn connector(tls: &MakeRustlsConnect, host: &str) -> Result<Connector, Open> {
    let mut tls = tls.clone();
    MakeTlsConnect::<Watched<Stream>>::make_tls_connect(&mut tls, host).map_err(|_| Open::Name)
}

pub(super) async fn reach(place: &Place) -> io::Result<(Stream, End)> {
    if place.is_socket() {
        let path = PathBuf::from(&place.host).join(format!(".s.PGSQL.{}", place.port));
        let end = End::Unix(path);
        return Ok((end.reach().await?, end));
    }
    let found: Vec<SocketAddr> = match place.address {
        Some(address) => vec![SocketAddr::new(address, place.port)],
        None => lookup_host((place.host.as_str(), place.port)).await.map_err(unknown)?.collect(),
    };
    let mut last = unknown(io::ErrorKind::NotFound.into());
    for address in found {
        let end = End::Tcp(address);
        match end.reach().await {
            Ok(stream) => return Ok((stream, end)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The host's name is not known: told apart from a socket that is not there.
fn unknown(error: io::Error) -> io::Error {
    io::Error::new(io::ErrorKind::AddrNotAvailable, error)
}

impl End {
    async fn reach(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                sockopt::set_socket_keepalive(&stream, true)?;
                sockopt::set_tcp_keepidle(&stream, KEEPALIVE)?;
                Ok(Stream::Tcp(stream))
            }
            Self::Unix(path) => Ok(Stream::Unix(UnixStream::connect(path).await?)),
        }
    }

    /// Whether only the server itself can be at the other end. A port of this machine is anybody's
    /// while the server is down.
    const fn is_private(&self) -> bool {
        matches!(self, Self::Unix(_))
    }
}

impl Cancel {
    pub const fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    pub async fn send(&self) {
        let Ok(stream) = self.end.reach().await else { return };
        let stream = Watched::unwatched(stream);
        // Nobody is left to tell of a failure; the server's own limits hold anyway.
        let _ = match &self.tls {
            Some((tls, host)) => match connector(tls, host) {
                Ok(connector) => self.token.cancel_query_raw(stream, connector).await,
                Err(_) => return,
            },
            None => self.token.cancel_query_raw(stream, NoTls).await,
        };
    }
}

fn session<T>(
    client: Client,
    connection: Connection<Watched<Stream>, T>,
    end: End,
    tls: Option<(MakeRustlsConnect, String)>,
) -> Session
where
    T: tokio_postgres::tls::TlsStream + Unpin + Send + 'static,
{
    let version = connection.parameter("server_version").unwrap_or_default();
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    let cancel = Cancel { token: client.cancel_token(), end, tls };
    let major = digits.parse().unwrap_or(0);
    // Its error reaches the query that waits, too.
    let driver = tokio::spawn(async move { drop(connection.await) });
    let (since, place) = (Instant::now(), String::new());
    Session {
        client,
        driver,
        cancel,
        since,
        used: since,
        major,
        place,
        permit: None,
        plans: Plans::default(),
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    /// The end is when the server has closed its side: until then our session counts there, and a new
    /// one beside it could be one too many.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(match self.as_mut().get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        })?;
        loop {
            let mut rest = [0; 512];
            let mut rest = ReadBuf::new(&mut rest);
            let read = ready!(self.as_mut().poll_read(cx, &mut rest));
            if read.is_err() || rest.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
