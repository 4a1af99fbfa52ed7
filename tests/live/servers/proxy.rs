//! A filtering proxy before the Engine's API that notes every request: one request a connection.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::task::JoinHandle;

use super::watchdog;

/// Parts of paths that are answered with 403.
type Denied = Arc<Mutex<Vec<&'static str>>>;

pub struct Proxy {
    engine: PathBuf,
    denied: Denied,
    /// Method and path with its query, as they came.
    seen: Arc<Mutex<Vec<(String, String)>>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Proxy {
    pub fn before(engine: PathBuf) -> Self {
        Self { engine, denied: Arc::default(), seen: Arc::default(), tasks: Mutex::default() }
    }

    /// Listens on a socket; the address as in `DOCKER_HOST`.
    ///
    /// # Panics
    /// When it cannot.
    pub fn on_socket(&self) -> String {
        let socket = watchdog::dir("proxy").join("docker.sock");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let way = self.way();
        self.keep(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(way.clone().serve(stream));
            }
        }));
        format!("unix://{}", socket.display())
    }

    /// Listens on a port, as proxies in containers do.
    ///
    /// # Panics
    /// When it cannot.
    pub async fn on_port(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let way = self.way();
        self.keep(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(way.clone().serve(stream));
            }
        }));
        format!("tcp://{address}")
    }

    /// From now on these are refused, and no others.
    pub fn deny(&self, parts: &[&'static str]) {
        *self.denied.lock().unwrap_or_else(PoisonError::into_inner) = parts.to_vec();
    }

    pub fn requests(&self) -> Vec<(String, String)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn way(&self) -> Way {
        let (engine, denied) = (self.engine.clone(), Arc::clone(&self.denied));
        Way { engine, denied, seen: Arc::clone(&self.seen) }
    }

    fn keep(&self, task: JoinHandle<()>) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        for task in self.tasks.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.abort();
        }
    }
}

#[derive(Clone)]
struct Way {
    engine: PathBuf,
    denied: Denied,
    seen: Arc<Mutex<Vec<(String, String)>>>,
}

impl Way {
    async fn serve(self, mut client: impl AsyncRead + AsyncWrite + Unpin) {
        let Some(head) = head(&mut client).await else { return };
        let mut words = head.split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let (method, path) = (word(), word());
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push((method, path.clone()));
        let denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if denied.iter().any(|part| path.contains(part)) {
            let answer = "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
            let _ = client.write_all(answer.as_bytes()).await;
            return;
        }
        // The Engine then ends the connection after its answer and says so.
        let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        let Ok(mut engine) = UnixStream::connect(&self.engine).await else { return };
        if engine.write_all(head.as_bytes()).await.is_err() {
            return;
        }
        let (mut from_client, mut to_client) = tokio::io::split(client);
        let mut byte = [0];
        // Whichever side ends ends the other; there is no body to be sent.
        tokio::select! {
            _ = async {
                let _ = copy(&mut engine, &mut to_client).await;
                to_client.shutdown().await
            } => {}
            _ = from_client.read(&mut byte) => {}
        }
    }
}

/// The request line and the headers, without those on the connection.
async fn head(client: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(client.read_u8().await.ok()?);
    }
    let text = String::from_utf8(bytes).ok()?;
    let lines = text.split("\r\n").filter(|line| !line.to_lowercase().starts_with("connection:"));
    Some(lines.collect::<Vec<_>>().join("\r\n"))
}
