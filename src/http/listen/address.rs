//! Where clients come: an address of TCP, or a socket of this machine.

use std::fmt;
use std::fs;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixStream as BlockingUnixStream;
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tokio::net::{TcpListener, TcpSocket, UnixListener};

use super::stream::Stream;
use crate::http::lock::Peer;

/// What the kernel keeps of a client: a request is small, and an answer waits in our memory, too,
/// until it is taken. It doubles both.
const RECEIVE_BUFFER: u32 = 32 << 10;
const SEND_BUFFER: u32 = 128 << 10;
/// Clients that wait to be accepted.
const BACKLOG: u16 = 1024;
/// Longer paths have no room in the kernel's address of a socket: see unix(7).
const LONGEST_PATH: usize = 107;

/// As `--web.listen-address` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Address {
    /// `127.0.0.1:10188`, `localhost:10188`, `:10188` for all addresses, or `unix:/run/x.sock`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return match path.len() {
                2..=LONGEST_PATH if path.starts_with('/') => Ok(Self::Unix(path.into())),
                0..=LONGEST_PATH => {
                    Err("expected a path such as `unix:/run/stack-exporter/web.sock`".into())
                }
                _ => Err("the path of a socket has at most 107 bytes".into()),
            };
        }
        let full = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
        let found = full.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
        found.map(Self::Tcp).ok_or_else(|| {
            "expected an address such as `127.0.0.1:10188`, `:10188` or `unix:/run/stack-exporter/web.sock`".into()
        })
    }

    /// The port that others can be told.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(address) => Some(address.port()),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Something that clients come to. A socket's file goes when this does.
pub struct Listener {
    door: Door,
    pub address: Address,
}

enum Door {
    Tcp(TcpListener),
    Unix { listener: UnixListener, _file: SocketFile },
}

impl Listener {
    /// Listens at an address; a socket's file has these rights, and one that is left over is
    /// replaced.
    pub fn bind(address: &Address, rights: Mode) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => {
                let listener = bind_tcp(*address)?;
                let address = Address::Tcp(listener.local_addr()?);
                Ok(Self { door: Door::Tcp(listener), address })
            }
            Address::Unix(path) => {
                let (listener, file) = bind_unix(path, rights)?;
                let door = Door::Unix { listener, _file: file };
                Ok(Self { door, address: address.clone() })
            }
        }
    }

    pub(super) async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match &self.door {
            Door::Tcp(listener) => {
                let (stream, from) = listener.accept().await?;
                Ok((Stream::Tcp(stream), Peer(Some(from.ip()))))
            }
            Door::Unix { listener, .. } => {
                Ok((Stream::Unix(listener.accept().await?.0), Peer(None)))
            }
        }
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Else a restart would have to wait until the last connections are forgotten.
    socket.set_reuseaddr(true)?;
    // Accepted sockets inherit these. Each wait has a limit of its own, so they need no keepalive.
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG.into())
}

fn bind_unix(path: &Path, rights: Mode) -> io::Result<(UnixListener, SocketFile)> {
    clear(path)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)
        .map_err(|error| no_folder(path, error.into()))?;
    let file = SocketFile::of(path)?;
    // Nobody can connect before it is listened on, so the rights are there in time.
    rustix::fs::chmod(path, rights)?;
    rustix::net::listen(&socket, BACKLOG.into())?;
    Ok((UnixListener::from_std(socket.into())?, file))
}

/// Takes away what a process that was killed has left, and nothing else.
fn clear(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !found.is_socket() {
        let text = format!(
            "there is {} in the place of the socket; do: move it, or name another path",
            crate::files::kind(found)
        );
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    match BlockingUnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(error),
        _ => {
            let text = format!(
                "another process listens on this socket; do: stop it (`ss -xlp | grep {}` names it), or name another path",
                path.display()
            );
            Err(io::Error::new(io::ErrorKind::AddrInUse, text))
        }
    }
}

fn no_folder(path: &Path, error: io::Error) -> io::Error {
    let folder = path.parent().unwrap_or(path);
    if error.kind() != io::ErrorKind::NotFound {
        return error;
    }
    let text = format!(
        "there is no folder {}; do: make it, or let systemd do so (`RuntimeDirectory=stack-exporter`)",
        folder.display()
    );
    io::Error::new(io::ErrorKind::NotFound, text)
}

/// The file of a socket that is ours, until it is dropped.
struct SocketFile {
    path: PathBuf,
    place: (u64, u64),
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        let found = fs::symlink_metadata(path)?;
        Ok(Self { path: path.to_owned(), place: (found.dev(), found.ino()) })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // By now another process may have put its own there.
        let found = fs::symlink_metadata(&self.path);
        if found.is_ok_and(|found| (found.dev(), found.ino()) == self.place) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        let shown = |text: &str| Address::parse(text).map(|address| address.to_string());
        assert_eq!(shown("127.0.0.1:1").unwrap(), "127.0.0.1:1");
        assert_eq!(shown(":1").unwrap(), "0.0.0.0:1");
        assert_eq!(shown("[::1]:1").unwrap(), "[::1]:1");
        assert_eq!(shown("unix:/run/x.sock").unwrap(), "unix:/run/x.sock");
        let long = format!("unix:/{}", "x".repeat(107));
        for wrong in ["nonsense", "unix:", "unix:/", "unix:x.sock", "127.0.0.1", &long] {
            assert!(shown(wrong).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_socket_that_is_left_over_is_replaced_and_one_in_use_is_not() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("web.sock");
        let address = Address::Unix(path.clone());
        let bind = || Listener::bind(&address, Mode::from(0o660));
        let told = || bind().err().unwrap().to_string();
        let first = bind().unwrap();
        let rights = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(rights & 0o7777, 0o660);
        assert!(told().contains("another process listens on this socket"), "{}", told());
        drop(first);
        assert!(!path.exists(), "it goes with the listener");
        // As a process leaves it that is killed: closed, and there.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let second = bind().unwrap();
        // Another's file in the place of ours stays.
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        drop(second);
        assert!(
            told().contains("there is a regular file in the place of the socket"),
            "{}",
            told()
        );
        let nowhere = Address::Unix(dir.path().join("no/web.sock"));
        let told = Listener::bind(&nowhere, Mode::from(0o660)).err().unwrap().to_string();
        assert!(told.contains("there is no folder") && told.contains("RuntimeDirectory"), "{told}");
    }
}
