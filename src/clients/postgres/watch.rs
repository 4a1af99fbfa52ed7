//! A connection that reads along what the server says, and ends it when that is no server.
//!
//! The driver keeps a message in memory until it is whole, notices until the log-in is over, and
//! parameters for as long as the session lives. Whoever answers in the server's place could send
//! any of them without an end. So the lengths of messages are looked at as they come, below the
//! driver and above TLS.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

use super::methods::{LogIn, Refused};

/// A row; the longest text of a query that a server keeps is 1 MiB.
const ROW: usize = 16 << 20;
/// Any other message: 1,600 columns with long names take 200 kB.
const OTHER: usize = 512 << 10;
/// All that comes as the answer to one message of ours; while logging in the same as one message.
const ANSWER: usize = 24 << 20;
/// Notices, parameters and notifications of a session, which nobody asked for.
const ASIDES: u32 = 10_000;

/// A connection and, unless it is encrypted below, what is seen of the messages on it.
pub(super) struct Watched<S> {
    inner: S,
    sight: Sight,
}

enum Sight {
    /// TLS is asked for: one byte says whether it comes.
    Asked(Frames),
    Plain(Frames),
    /// What is encrypted is watched above.
    Encrypted,
}

/// Where in the stream of messages it is.
pub(super) struct Frames {
    log_in: Option<LogIn>,
    /// Kind, length and, while logging in, the code of the message under way.
    head: Vec<u8>,
    /// What is left of it.
    skip: usize,
    asides: u32,
    /// Bytes since the last message of ours.
    since: usize,
}

impl<S> Watched<S> {
    /// Without TLS from the beginning.
    pub fn plain(inner: S, log_in: LogIn) -> Self {
        Self { inner, sight: Sight::Plain(Frames::new(log_in)) }
    }

    /// TLS is asked for, and the server may say no.
    pub fn asked(inner: S, log_in: LogIn) -> Self {
        Self { inner, sight: Sight::Asked(Frames::new(log_in)) }
    }

    /// Nobody reads an answer on it.
    pub fn unwatched(inner: S) -> Self {
        Self { inner, sight: Sight::Encrypted }
    }

    fn see(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let (first, rest) = bytes.split_at(bytes.len().min(1));
        match (std::mem::replace(&mut self.sight, Sight::Encrypted), first) {
            (Sight::Asked(frames), []) => self.sight = Sight::Asked(frames),
            (Sight::Asked(_), b"S") | (Sight::Encrypted, _) => {}
            (Sight::Asked(mut frames), b"N") => {
                let seen = frames.see(rest);
                self.sight = Sight::Plain(frames);
                return seen;
            }
            (Sight::Asked(mut frames) | Sight::Plain(mut frames), _) => {
                let seen = frames.see(bytes);
                self.sight = Sight::Plain(frames);
                return seen;
            }
        }
        Ok(())
    }
}

impl Frames {
    pub fn new(log_in: LogIn) -> Self {
        Self { log_in: Some(log_in), head: Vec::new(), skip: 0, asides: 0, since: 0 }
    }

    #[cfg(test)]
    pub fn is_logging_in(&self) -> bool {
        self.log_in.is_some()
    }

    pub fn see(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        self.since = self.since.saturating_add(bytes.len());
        let most = if self.log_in.is_some() { OTHER } else { ANSWER };
        if self.since > most {
            return Err(Refused::TooMuch);
        }
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            if self.skip > 0 {
                let passed = self.skip.min(rest.len());
                self.skip -= passed;
                rest = rest.get(passed..).unwrap_or_default();
                continue;
            }
            self.head.push(*byte);
            rest = after;
            self.head_grows()?;
        }
        Ok(())
    }

    /// Judges the message under way as soon as enough of it is there.
    fn head_grows(&mut self) -> Result<(), Refused> {
        let number = |from: usize| {
            let bytes = self.head.get(from..from + 4)?;
            bytes.try_into().ok().map(u32::from_be_bytes)
        };
        let (Some(kind), Some(length)) = (self.head.first().copied(), number(1)) else {
            return Ok(());
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length < 4 || length > if kind == b'D' { ROW } else { OTHER } {
            return Err(Refused::Length);
        }
        if let Some(log_in) = self.log_in.as_mut().filter(|_| kind == b'R' && length >= 8) {
            let Some(code) = number(5) else { return Ok(()) };
            if log_in.asked(code)? {
                self.log_in = None;
            }
        }
        if matches!(kind, b'N' | b'S' | b'A') {
            self.asides += 1;
            if self.asides > ASIDES {
                return Err(Refused::Asides);
            }
        }
        // The length counts itself, and not the kind.
        self.skip = (length + 1).saturating_sub(self.head.len());
        self.head.clear();
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        if let Err(refused) = self.see(buffer.filled().get(before..).unwrap_or_default()) {
            // The driver must not see what it would answer.
            buffer.set_filled(before);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::PermissionDenied, refused)));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Sight::Asked(frames) | Sight::Plain(frames) = &mut self.sight {
            frames.since = 0;
        }
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Watched<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.inner.channel_binding()
    }
}

/// TLS whose inside is watched.
pub(super) struct WatchedTls<C> {
    pub inner: C,
    pub log_in: LogIn,
}

impl<C, S> TlsConnect<S> for WatchedTls<C>
where
    C: TlsConnect<S>,
    C::Future: Send + 'static,
    C::Stream: 'static,
    C::Error: 'static,
{
    type Stream = Watched<C::Stream>;
    type Error = C::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, Self::Error>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let Self { inner, log_in } = self;
        let handshake = inner.connect(stream);
        Box::pin(async move { Ok(Watched::plain(handshake.await?, log_in)) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::methods::Methods;
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(4 + body.len()).unwrap();
        [&[kind][..], &length.to_be_bytes(), body].concat()
    }

    fn frames() -> Frames {
        Frames::new(LogIn::new(Methods::default(), true))
    }

    /// The log-in of a server that trusts, up to where it is ready.
    fn logged_in() -> Frames {
        let mut frames = frames();
        let hello = [message(b'R', &[0; 4]), message(b'Z', b"I")].concat();
        frames.see(&hello).unwrap();
        frames
    }

    #[test]
    fn no_message_is_without_an_end() {
        for kind in *b"ENSTRAKCZx\0" {
            let head = [&[kind][..], &0x7fff_ffff_u32.to_be_bytes()].concat();
            assert_eq!(frames().see(&head), Err(Refused::Length), "{kind}");
            assert_eq!(logged_in().see(&head), Err(Refused::Length), "{kind}");
        }
        let row = |length: u32| [&b"D"[..], &length.to_be_bytes()].concat();
        assert_eq!(logged_in().see(&row(8 << 20)), Ok(()));
        assert_eq!(logged_in().see(&row(17 << 20)), Err(Refused::Length));
        assert_eq!(frames().see(b"HTTP/1.1 400 Bad Request\r\n"), Err(Refused::Length));
        assert_eq!(frames().see(b"E\0\0\0\x03"), Err(Refused::Length), "shorter than its length");
    }

    #[test]
    fn neither_is_an_answer() {
        let notice = message(b'N', &[b'x'; 1000]);
        let mut before = frames();
        let count = (0..10_000).take_while(|_| before.see(&notice).is_ok()).count();
        assert!((500..530).contains(&count), "{count}");
        let mut after = logged_in();
        let row = message(b'D', &vec![b'x'; 1 << 20]);
        let count = (0..10_000).take_while(|_| after.see(&row).is_ok()).count();
        assert!((20..24).contains(&count), "{count}");
    }

    #[test]
    fn nor_what_nobody_asked_for() {
        let mut frames = logged_in();
        let parameter = message(b'S', b"a\0b\0");
        for _ in 0..ASIDES {
            frames.since = 0;
            frames.see(&parameter).unwrap();
        }
        assert_eq!(frames.see(&parameter), Err(Refused::Asides));
    }

    #[test]
    fn a_message_is_the_same_in_any_pieces() {
        let hello = [message(b'R', &[0; 4]), message(b'S', b"x\0y\0"), message(b'Z', b"I")];
        let rows =
            [message(b'T', &[0; 99]), message(b'D', &[1; 300]), message(b'C', b"SELECT 1\0")];
        let all = [hello.concat(), rows.concat()].concat();
        for size in 1..all.len() {
            let mut frames = frames();
            all.chunks(size).for_each(|piece| frames.see(piece).unwrap());
            assert!(frames.skip == 0 && frames.head.is_empty() && !frames.is_logging_in());
            assert_eq!(frames.asides, 1);
        }
    }

    #[test]
    fn a_server_that_declines_tls_is_watched_and_one_that_takes_it_is_not() {
        let endless = [&b"E"[..], &u32::MAX.to_be_bytes()].concat();
        let watched = || Watched::asked((), LogIn::new(Methods::default(), false));
        let mut declined = watched();
        declined.see(b"N").unwrap();
        assert_eq!(declined.see(&endless), Err(Refused::Length));
        let mut taken = watched();
        taken.see(b"S").unwrap();
        assert_eq!(taken.see(&endless), Ok(()), "that is cipher text");
        assert_eq!(watched().see(&endless), Err(Refused::Length), "an error before TLS");
    }
}
