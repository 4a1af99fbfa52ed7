//! Decoding while the answer comes.

use std::io::{self, BufReader, Read};

use memchr::{memchr, memchr2};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Decoded, JsonError, decode, from_slice};

/// An answer up to this length is collected and decoded at once; a longer one by a thread beside.
const SMALL: usize = 256 << 10;
/// No monitoring answer that we read is larger; 10,000 `JetStream` consumers are 9 MB.
const LARGEST: usize = 64 << 20;
/// A word is in memory as a whole before it is cut. An image may have a label of some megabytes, and
/// the other containers are to be seen all the same.
const LONGEST_WORD: usize = 12 << 20;
/// Pieces on their way to the thread: enough that neither waits for the other.
const AHEAD: usize = 2;

type Outcome<T> = Result<Decoded<T>, JsonError>;

/// An answer of which pieces are taken until it has ended.
pub struct Stream<T, B> {
    taken: usize,
    state: State<T, B>,
}

enum State<T, B> {
    Small(Vec<u8>),
    /// The thread ends by itself when the other end of its pipe is dropped.
    Large(mpsc::Sender<B>, JoinHandle<Outcome<T>>),
}

impl<T, B> Default for Stream<T, B> {
    fn default() -> Self {
        Self { taken: 0, state: State::Small(Vec::new()) }
    }
}

impl<T, B> Stream<T, B>
where
    T: DeserializeOwned + Send + 'static,
    B: AsRef<[u8]> + Send + 'static,
{
    /// Takes the next piece. An error says that more is not wanted.
    pub async fn take(&mut self, piece: B) -> Result<(), JsonError> {
        self.taken += piece.as_ref().len();
        if self.taken > LARGEST {
            return Err(JsonError::TooLarge("an answer of over 64 MiB".to_owned()));
        }
        match &mut self.state {
            State::Small(text) if self.taken <= SMALL => {
                text.extend_from_slice(piece.as_ref());
            }
            State::Small(text) => {
                let begin = std::mem::take(text);
                let (pieces, pipe) = mpsc::channel(AHEAD);
                let thread = tokio::task::spawn_blocking(move || {
                    let guarded = Guarded::new(io::Cursor::new(begin).chain(Pipe::new(pipe)));
                    let buffered = BufReader::with_capacity(SMALL / 4, guarded);
                    decode(&mut serde_json::Deserializer::from_reader(buffered))
                });
                // It has just begun to listen.
                let _ = pieces.send(piece).await;
                self.state = State::Large(pieces, thread);
            }
            State::Large(pieces, thread) => {
                if pieces.send(piece).await.is_err() {
                    return Err(match ended(thread).await {
                        Err(error) => error,
                        // It has seen the end of the JSON, and this is more.
                        Ok(_) => JsonError::Unexpected { line: 0, column: 0 },
                    });
                }
            }
        }
        Ok(())
    }

    /// The value, once there are no more pieces.
    pub async fn finish(self) -> Outcome<T> {
        match self.state {
            State::Small(text) => from_slice(&text),
            State::Large(pieces, mut thread) => {
                drop(pieces);
                ended(&mut thread).await
            }
        }
    }
}

async fn ended<T>(thread: &mut JoinHandle<Outcome<T>>) -> Outcome<T> {
    match thread.await {
        Ok(outcome) => outcome,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(JsonError::TooLarge("the process is about to end".to_owned())),
    }
}

/// The pieces as a file that is read.
struct Pipe<B> {
    pieces: mpsc::Receiver<B>,
    piece: Option<B>,
    at: usize,
}

impl<B> Pipe<B> {
    fn new(pieces: mpsc::Receiver<B>) -> Self {
        Self { pieces, piece: None, at: 0 }
    }
}

impl<B: AsRef<[u8]>> Read for Pipe<B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.piece.as_ref().and_then(|piece| piece.as_ref().get(self.at..));
            let mut left = left.unwrap_or_default();
            let count = left.read(buffer)?;
            self.at += count;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            self.piece = self.pieces.blocking_recv();
            self.at = 0;
            if self.piece.is_none() {
                return Ok(0);
            }
        }
    }
}

/// Ends a text with a word that is too long, before it is in memory.
struct Guarded<R> {
    inner: R,
    in_word: bool,
    is_escaped: bool,
    length: usize,
}

impl<R> Guarded<R> {
    fn new(inner: R) -> Self {
        Self { inner, in_word: false, is_escaped: false, length: 0 }
    }

    fn looks_well(&mut self, mut text: &[u8]) -> bool {
        while let Some((_, after)) = text.split_first() {
            if self.is_escaped {
                self.is_escaped = false;
                self.length += 1;
                text = after;
                continue;
            }
            let end = if self.in_word { memchr2(b'"', b'\\', text) } else { memchr(b'"', text) };
            let plain = end.unwrap_or(text.len());
            if self.in_word {
                self.length += plain;
                if self.length > LONGEST_WORD {
                    return false;
                }
            }
            match end.and_then(|end| text.get(end)) {
                Some(b'\\') => self.is_escaped = true,
                Some(_) => {
                    self.in_word = !self.in_word;
                    self.length = 0;
                }
                None => {}
            }
            text = text.get(plain + 1..).unwrap_or_default();
        }
        true
    }
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if self.looks_well(buffer.get(..count).unwrap_or_default()) {
            Ok(count)
        } else {
            Err(io::Error::other("a word of over 12 MiB in the answer"))
        }
    }
}
