//! A server that answers whatever a test wants, byte for byte.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

use super::address::Address;

/// What goes out, and then.
pub struct Reply {
    pub bytes: Vec<u8>,
    pub then: Then,
}

pub enum Then {
    Close,
    Hang,
    /// These for ever, with this pause.
    Repeat(Vec<u8>, Duration),
}

impl Reply {
    pub fn new(status: u16, body: &[u8]) -> Self {
        let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n", body.len());
        let head = head + "content-type: application/json\r\nconnection: close\r\n\r\n";
        Self { bytes: [head.as_bytes(), body].concat(), then: Then::Close }
    }

    pub fn ok(body: impl AsRef<[u8]>) -> Self {
        Self::new(200, body.as_ref())
    }

    /// An answer without an end begins so; the rest follows.
    pub fn open(then: Then) -> Self {
        Self { bytes: b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec(), then }
    }
}

pub struct Server {
    _folder: tempfile::TempDir,
    pub address: Address,
    heard: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// `answer` gets the path with its query. The version is answered for it.
    pub fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::of(move |path| match path {
            "/version" => Reply::ok(r#"{"Version":"25.0","ApiVersion":"1.44"}"#),
            path => answer(path),
        })
    }

    /// Only the version is asked for.
    pub fn with_version(version: impl Fn() -> Reply + Send + Sync + 'static) -> Self {
        Self::of(move |_| version())
    }

    fn of(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let (answer, heard) = (Arc::new(answer), Arc::<Mutex<Vec<String>>>::default());
        let log = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answer), Arc::clone(&log)));
            }
        });
        Self { _folder: folder, address: Address::Unix(path), heard, task }
    }

    /// First lines of the requests.
    ///
    /// # Panics
    /// When a thread of the server has.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: UnixStream,
    answer: Arc<impl Fn(&str) -> Reply>,
    log: Arc<Mutex<Vec<String>>>,
) {
    let mut buffer = vec![0; 8192];
    let read = stream.read(&mut buffer).await.unwrap_or(0);
    let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
    let line = text.lines().next().unwrap_or_default().to_owned();
    log.lock().unwrap().push(line.clone());
    let path = line.split(' ').nth(1).unwrap_or_default();
    let reply = answer(path);
    if stream.write_all(&reply.bytes).await.is_err() {
        return;
    }
    match reply.then {
        Then::Close => {}
        Then::Hang => std::future::pending().await,
        Then::Repeat(bytes, pause) => {
            while stream.write_all(&bytes).await.is_ok() {
                tokio::time::sleep(pause).await;
            }
        }
    }
}
