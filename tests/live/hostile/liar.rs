//! A source that says whatever a case wants, byte for byte: any protocol over TCP.

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::servers::port::free_port;

/// What is sent: `first`, then `again` so many times, then `last`, then the end.
#[derive(Clone, Debug, Default)]
pub struct Say {
    first: Vec<u8>,
    again: Vec<u8>,
    times: u64,
    last: Vec<u8>,
    /// Between two of `again`.
    pause: Duration,
    counted: bool,
    /// The connection stays open afterwards.
    stays: bool,
}

impl Say {
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self { first: bytes.into(), ..Self::default() }
    }

    /// An answer of HTTP, ended by its length.
    pub fn http(status: u16, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        Self::bytes([head.as_bytes(), body].concat())
    }

    pub fn json(body: impl AsRef<[u8]>) -> Self {
        Self::http(200, body)
    }

    /// An answer of HTTP that the end of the connection ends.
    pub fn open(body: impl AsRef<[u8]>) -> Self {
        Self::headed("", body)
    }

    /// The same with more headers, each with its line end.
    pub fn headed(headers: &str, body: impl AsRef<[u8]>) -> Self {
        let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{headers}\r\n");
        Self::bytes([head.as_bytes(), body.as_ref()].concat())
    }

    #[must_use]
    pub fn again(mut self, piece: impl AsRef<[u8]>, times: u64) -> Self {
        // In large pieces, so that the liar costs less than the one who listens.
        let piece = piece.as_ref();
        let each = if self.pause.is_zero() { (60_000 / piece.len().max(1)).max(1) } else { 1 };
        self.again = piece.repeat(each);
        self.times = times.div_ceil(each as u64);
        self.last.clear();
        self
    }

    /// `piece` without an end.
    #[must_use]
    pub fn forever(self, piece: impl AsRef<[u8]>) -> Self {
        self.again(piece, u64::MAX)
    }

    #[must_use]
    pub fn last(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.last.extend_from_slice(bytes.as_ref());
        self
    }

    /// All of it a byte at a time.
    #[must_use]
    pub fn drip(mut self, pause: Duration) -> Self {
        let all = std::mem::take(&mut self.first);
        self.last = all;
        self.pause = pause;
        self
    }

    /// With a pause after each `again`.
    #[must_use]
    pub fn paced(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Each run of 16 `@` in `again` is another number each time: ids that never come twice.
    #[must_use]
    pub fn counted(mut self) -> Self {
        self.counted = true;
        self
    }

    #[must_use]
    pub fn stays(mut self) -> Self {
        self.stays = true;
        self
    }

    async fn to(&self, stream: &mut TcpStream) -> io::Result<()> {
        if !self.pause.is_zero() && self.again.is_empty() {
            for byte in &self.last {
                stream.write_all(std::slice::from_ref(byte)).await?;
                tokio::time::sleep(self.pause).await;
            }
            return Ok(());
        }
        stream.write_all(&self.first).await?;
        let mut again = self.again.clone();
        let places = if self.counted { places(&again) } else { Vec::new() };
        let mut number = 0_u64;
        for _ in 0..self.times {
            for place in &places {
                number += 1;
                again[*place..*place + 16].copy_from_slice(format!("{number:016x}").as_bytes());
            }
            stream.write_all(&again).await?;
            if !self.pause.is_zero() {
                tokio::time::sleep(self.pause).await;
            }
        }
        stream.write_all(&self.last).await?;
        if self.stays {
            let mut rest = [0; 4096];
            while stream.read(&mut rest).await? > 0 {}
        }
        stream.shutdown().await
    }
}

/// Pieces by their number, one behind the other.
pub fn joined(count: u32, piece: impl Fn(u32) -> String) -> String {
    (0..count).map(piece).collect::<Vec<_>>().concat()
}

/// Where 16 `@` stand in a row.
fn places(bytes: &[u8]) -> Vec<usize> {
    let mut places = Vec::new();
    let mut at = 0;
    while at + 16 <= bytes.len() {
        if bytes[at..at + 16].iter().all(|byte| *byte == b'@') {
            places.push(at);
            at += 16;
        } else {
            at += 1;
        }
    }
    places
}

/// What the liar does with a connection.
pub type Answer = Arc<dyn Fn(&str) -> Say + Send + Sync>;

#[derive(Clone)]
pub enum Manner {
    /// Reads the head of a request; the answer to its path.
    Http(Answer),
    /// Says it at once, without a look at what is asked.
    Raw(Say),
    /// Reads one message, says the first, reads another, says the second.
    Turns(Say, Say),
    /// Is the real server behind it.
    Forward(u16),
}

/// The beginning of what clients have said in turns.
type Heard = Arc<Mutex<Vec<u8>>>;

struct State {
    manner: Manner,
    /// Connections that are to end when the manner changes.
    open: JoinSet<()>,
}

pub struct Liar {
    pub port: u16,
    heard: Heard,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Liar {
    /// # Panics
    /// When the port cannot be had.
    pub async fn start(manner: Manner) -> Self {
        let port = free_port();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.expect("a port");
        let state = Arc::new(Mutex::new(State { manner, open: JoinSet::new() }));
        let (shared, heard) = (Arc::clone(&state), Heard::default());
        let all = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
                while state.open.try_join_next().is_some() {}
                let (manner, heard) = (state.manner.clone(), Arc::clone(&all));
                state.open.spawn(async move {
                    let _ = serve(stream, manner, &heard).await;
                });
            }
        });
        Self { port, heard, state, task }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Whether a client has said this in turns.
    pub fn has_heard(&self, what: &str) -> bool {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.windows(what.len()).any(|bytes| bytes == what.as_bytes())
    }

    /// From now on so; all connections are cut.
    pub fn set(&self, manner: Manner) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.manner = manner;
        state.open.abort_all();
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, manner: Manner, heard: &Heard) -> io::Result<()> {
    match manner {
        Manner::Http(answer) => {
            let asked = read_head(&mut stream).await?;
            let path = asked.split(' ').nth(1).unwrap_or_default();
            answer(path).to(&mut stream).await
        }
        Manner::Raw(say) => say.to(&mut stream).await,
        Manner::Turns(first, second) => {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await?;
            stream.write_all(&first.first).await?;
            let read = stream.read(&mut buffer).await?;
            {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.truncate(1 << 16);
                heard.extend_from_slice(&buffer[..read]);
            }
            second.to(&mut stream).await
        }
        Manner::Forward(port) => {
            let mut real = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
            copy_bidirectional(&mut stream, &mut real).await.map(|_| ())
        }
    }
}

async fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(&buffer[..read]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
