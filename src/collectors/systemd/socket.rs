//! The socket of a bus, with a bound on what one message may hold.
//!
//! The library makes room for a whole message as soon as it has its head, up to 128 MiB: more than the
//! exporter may have. So the head is looked at before the library sees it. Until the log-in is over it gets
//! one byte at a time, or the first head could come along with the last line of that and be missed.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use zbus::connection::socket::{ReadHalf, Socket, Split, WriteHalf};
use zbus::export::async_trait::async_trait;

/// All units of a large machine take half a megabyte.
const LARGEST: u64 = 4 << 20;
/// Kind, length of the body, serial number, length of the fields: what the library reads first.
const HEAD: usize = 16;

#[derive(Debug)]
pub struct Bounded(pub UnixStream);

/// Bytes of the log-in; the lines of a bus have about a hundred.
const GREETING: usize = 4096;

#[derive(Debug)]
pub struct Reader {
    stream: OwnedReadHalf,
    part: Part,
}

/// What comes next.
#[derive(Debug)]
enum Part {
    /// The lines of the log-in: how many bytes there were, and the last of them.
    Greeting(usize, u8),
    /// A head, of which so many bytes are there.
    Head([u8; HEAD], usize),
    /// So many bytes of a message.
    Rest(u64),
}

#[derive(Debug)]
pub struct Writer(OwnedWriteHalf);

impl Socket for Bounded {
    type ReadHalf = Reader;
    type WriteHalf = Writer;

    fn split(self) -> Split<Reader, Writer> {
        let (stream, writer) = self.0.into_split();
        Split::new(Reader { stream, part: Part::Greeting(0, 0) }, Writer(writer))
    }
}

#[async_trait]
impl ReadHalf for Reader {
    async fn recvmsg(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        // For lines it has more room: the first head that is asked for ends the log-in.
        if buffer.len() <= HEAD && matches!(self.part, Part::Greeting(..)) {
            self.part = Part::Head([0; HEAD], 0);
        }
        let most = match self.part {
            Part::Greeting(..) => 1,
            Part::Head(_, there) => HEAD - there,
            Part::Rest(left) => usize::try_from(left).unwrap_or(usize::MAX),
        };
        let room = buffer.len().min(most);
        let room = buffer.get_mut(..room).unwrap_or_default();
        let read = self.stream.read(room).await?;
        self.part.took(room.get(..read).unwrap_or_default())?;
        Ok((read, Vec::new()))
    }
}

impl Part {
    fn took(&mut self, bytes: &[u8]) -> io::Result<()> {
        let wrong = |why| Err(io::Error::new(io::ErrorKind::InvalidData, why));
        match self {
            Self::Greeting(count, last) => {
                for byte in bytes {
                    // The library looks at what is before the end of a line, also where nothing is.
                    if *byte == b'\n' && *last != b'\r' || *count >= GREETING {
                        return wrong("no log-in of a bus");
                    }
                    (*count, *last) = (*count + 1, *byte);
                }
            }
            Self::Head(head, there) => {
                head.iter_mut().skip(*there).zip(bytes).for_each(|(kept, byte)| *kept = *byte);
                *there += bytes.len();
                if *there == HEAD {
                    match length(head) {
                        None => return wrong("no message of a bus"),
                        Some(length) if length > LARGEST => return wrong("a message is too large"),
                        Some(0) => *self = Self::Head([0; HEAD], 0),
                        Some(length) => *self = Self::Rest(length),
                    }
                }
            }
            Self::Rest(left) => {
                *left = left.saturating_sub(bytes.len() as u64);
                if *left == 0 {
                    *self = Self::Head([0; HEAD], 0);
                }
            }
        }
        Ok(())
    }
}

#[async_trait]
impl WriteHalf for Writer {
    async fn sendmsg(&mut self, buffer: &[u8], _fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
        self.0.write(buffer).await
    }

    async fn close(&mut self) -> io::Result<()> {
        self.0.shutdown().await
    }
}

/// How many bytes of a message come after its head: the fields, filled up to eight, and the body.
fn length(head: &[u8; HEAD]) -> Option<u64> {
    let [endian, _, _, _, b0, b1, b2, b3, _, _, _, _, f0, f1, f2, f3] = *head;
    let number: fn([u8; 4]) -> u32 = match endian {
        b'l' => u32::from_le_bytes,
        b'B' => u32::from_be_bytes,
        _ => return None,
    };
    let fields = u64::from(number([f0, f1, f2, f3])).next_multiple_of(8);
    Some(u64::from(number([b0, b1, b2, b3])) + fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a library that asks for lines, and then for heads and their rests, is told.
    async fn read(sent: &[u8], chunk: usize) -> io::Result<Vec<u8>> {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let sent = sent.to_vec();
        let writer = tokio::spawn(async move {
            for part in sent.chunks(chunk) {
                if theirs.write_all(part).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        });
        let mut reader = Bounded(ours).split().take().0;
        let mut lines = Vec::new();
        while !lines.ends_with(b"\n") {
            let mut room = [0; 1024];
            let (read, _) = reader.recvmsg(&mut room).await?;
            if read == 0 {
                return Ok(lines);
            }
            lines.extend_from_slice(&room[..read]);
        }
        assert_eq!(memchr::memchr_iter(b'\n', &lines).count(), 1, "no more than a line");
        let mut all = Vec::new();
        loop {
            let mut head = Vec::new();
            while head.len() < HEAD {
                let mut room = vec![0; HEAD - head.len()];
                let (read, _) = reader.recvmsg(&mut room).await?;
                if read == 0 {
                    writer.await.unwrap();
                    return Ok(all);
                }
                head.extend_from_slice(&room[..read]);
            }
            let mut left =
                usize::try_from(length(head.as_slice().try_into().unwrap()).unwrap()).unwrap();
            all.extend(head);
            while left > 0 {
                let mut room = vec![0; left];
                let (read, _) = reader.recvmsg(&mut room).await?;
                all.extend_from_slice(&room[..read]);
                left -= read;
            }
        }
    }

    fn message(endian: u8, body: [u8; 4], rest: &[u8]) -> Vec<u8> {
        let mut head = vec![endian, 1, 0, 1];
        head.extend(body);
        head.extend([0; 8]);
        head.extend(rest);
        head
    }

    #[tokio::test]
    async fn a_message_that_is_too_large_is_refused_by_its_head_also_the_first() {
        for chunk in [1000, 16, 5, 1] {
            for (endian, body) in [(b'l', [0, 0, 0, 7]), (b'B', [7, 0, 0, 0]), (b'x', [0; 4])] {
                let mut sent = b"OK 1234\r\n".to_vec();
                sent.extend(message(endian, body, &[]));
                let told = read(&sent, chunk).await;
                assert!(told.is_err(), "{endian} {body:?} in parts of {chunk}: {told:?}");
            }
            // The end of a message looks like the head of a large one, and is none.
            let one = message(b'l', [21, 0, 0, 0], &[0xff; 21]);
            let two = [one.clone(), message(b'l', [0; 4], &[]), one].concat();
            let sent = [b"OK 1234\r\n".as_slice(), &two].concat();
            assert_eq!(read(&sent, chunk).await.unwrap(), two, "in parts of {chunk}");
        }
    }

    #[tokio::test]
    async fn a_log_in_that_is_none_is_refused() {
        for wrong in ["\n", "OK\n", &"x".repeat(GREETING + 1)] {
            assert!(read(wrong.as_bytes(), 7).await.is_err(), "{wrong}");
        }
    }
}
