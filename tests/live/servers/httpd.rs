//! A small HTTP/1.1 server whose answers a test decides; one request per connection.

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::port::free_port;
use super::wait::{PATIENT, until};

#[derive(Clone, Debug, Default)]
pub struct Request {
    pub method: String,
    /// With the query, as it was sent.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug)]
pub enum Reply {
    Send {
        status: u16,
        content_type: String,
        body: Vec<u8>,
        after: Duration,
    },
    /// Read the request and never answer.
    Hang,
}

impl Reply {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let (content_type, body) = (content_type.to_owned(), body.into());
        Self::Send { status, content_type, body, after: Duration::ZERO }
    }
}

type Handler = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

/// A server on a fixed port, which can be closed and opened again.
pub struct Httpd {
    pub port: u16,
    handler: Handler,
    seen: Arc<Mutex<Vec<Request>>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Httpd {
    pub async fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_on(free_port(), handler).await
    }

    /// On a given port: to stand in the place of a server that was stopped.
    pub async fn start_on(
        port: u16,
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let handler = Arc::new(handler);
        let httpd = Self { port, handler, seen: Arc::default(), task: Mutex::new(None) };
        httpd.open().await;
        httpd
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Listens, unless it does already.
    pub async fn open(&self) {
        if self.task.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return;
        }
        let address = (Ipv4Addr::LOCALHOST, self.port);
        let listener = until("the port", PATIENT, async || TcpListener::bind(address).await).await;
        let task = tokio::spawn(accept(listener, self.handler.clone(), self.seen.clone()));
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    /// Closes the port, and every connection with it: the next one is refused.
    pub async fn close(&self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.abort();
            // The socket closes when the task is dropped, which `abort` only asks for.
            let _ = task.await;
        }
    }
}

impl Drop for Httpd {
    fn drop(&mut self) {
        if let Some(task) = self.task.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

async fn accept(listener: TcpListener, handler: Handler, seen: Arc<Mutex<Vec<Request>>>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        let (handler, seen) = (handler.clone(), seen.clone());
        connections.spawn(async move {
            let _ = serve(stream, handler, seen).await;
        });
    }
}

async fn serve(
    mut stream: TcpStream,
    handler: Handler,
    seen: Arc<Mutex<Vec<Request>>>,
) -> io::Result<()> {
    let request = read(&mut stream).await?;
    let reply = handler(&request);
    seen.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    let Reply::Send { status, content_type, body, after } = reply else {
        return std::future::pending().await;
    };
    tokio::time::sleep(after).await;
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: {content_type}\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), &body].concat()).await?;
    stream.shutdown().await
}

async fn read(stream: &mut TcpStream) -> io::Result<Request> {
    let mut reader = BufReader::new(stream);
    let mut request = Request::default();
    let mut line = String::new();
    reader.read_line(&mut line).await?;
    let mut words = line.split_whitespace().map(str::to_owned);
    request.method = words.next().unwrap_or_default();
    request.path = words.next().unwrap_or_default();
    loop {
        line.clear();
        reader.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = request.headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    request.body.resize(length, 0);
    reader.read_exact(&mut request.body).await?;
    Ok(request)
}
