//! `healthcheck`: whether the exporter of this machine answers, for the health check of an image.
//!
//! It starts no runtime and loads no configuration: an image asks every few seconds.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, ClientConnection, Error, StreamOwned};

use super::args::Options;
use super::place::reachable;
use super::tell;
use crate::clients::anybody;
use crate::config::web_file;
use crate::files;
use crate::http::listen::Address;

/// Docker waits for five seconds, as our files say.
const PATIENCE: Duration = Duration::from_secs(3);
const REQUEST: &[u8] = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
/// `HTTP/1.1 200`.
const STATUS: usize = 12;

pub(super) fn run(options: &Options) -> u8 {
    let address = &options.listen_address;
    match connect(address).and_then(|stream| ask(stream, speaks_tls(options))) {
        Ok(()) => 0,
        Err(error) => {
            tell(&format!("the exporter at {address} does not answer as it should: {error}"));
            1
        }
    }
}

/// Whether the file wants TLS. One that cannot be read leaves what was in force before, which
/// nobody here knows: most have none.
pub(super) fn speaks_tls(options: &Options) -> bool {
    let text = options.web_config_file.as_deref().map(files::read_small);
    let Some(Ok(text)) = text else { return false };
    web_file::load("", &text).config.is_some_and(|file| file.tls().is_some())
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

fn connect(address: &Address) -> io::Result<Box<dyn Stream>> {
    match address {
        Address::Tcp(address) => {
            let to = reachable(*address);
            let stream = TcpStream::connect_timeout(&to, PATIENCE).or_else(|error| match to {
                // All addresses may be those of IPv4 only.
                SocketAddr::V6(_) if address.ip().is_unspecified() => {
                    let four = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port());
                    TcpStream::connect_timeout(&four, PATIENCE)
                }
                _ => Err(error),
            })?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            Ok(Box::new(stream))
        }
        Address::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            Ok(Box::new(stream))
        }
    }
}

fn ask(stream: Box<dyn Stream>, tls: bool) -> io::Result<()> {
    if !tls {
        return alive(stream);
    }
    match alive(StreamOwned::new(ours()?, stream)) {
        // He wants to see our certificate, and we have none: he is there.
        Err(error) if is_asking(&error) => Ok(()),
        outcome => outcome,
    }
}

fn alive(mut stream: impl Read + Write) -> io::Result<()> {
    stream.write_all(REQUEST)?;
    let mut status = [0; STATUS];
    stream.read_exact(&mut status)?;
    // A password is wanted: he is there.
    if let Some(b"200" | b"401") = status.strip_prefix(b"HTTP/1.1 ".as_slice()) {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&status).into_owned();
    Err(io::Error::other(format!("the answer begins with `{}`", said.escape_debug())))
}

fn is_asking(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let asks = [AlertDescription::CertificateRequired, AlertDescription::HandshakeFailure];
    matches!(inner, Some(Error::AlertReceived(said)) if asks.contains(said))
}

fn ours() -> io::Result<ClientConnection> {
    // Our own certificate has the name under which others know us, and we tell it nothing.
    let config = anybody::config().map_err(io::Error::other)?;
    let name = ServerName::from(IpAddr::from(Ipv4Addr::LOCALHOST));
    ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_are_asked_where_this_machine_is() {
        let to = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(to("0.0.0.0:1"), "127.0.0.1:1");
        assert_eq!(to("[::]:1"), "[::1]:1");
        assert_eq!(to("10.0.0.7:1"), "10.0.0.7:1");
    }
}
