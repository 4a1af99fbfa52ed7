//! The socket of a bus, with a bound on what one message may hold.
//!
//! The library makes room for a whole message as soon as it has its head, up to 128 MiB: more than the
//! exporter may have. So the head is looked at before the library sees it.

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

#[derive(Debug)]
pub struct Reader {
    stream: OwnedReadHalf,
    head: [u8; HEAD],
}

#[derive(Debug)]
pub struct Writer(OwnedWriteHalf);

impl Socket for Bounded {
    type ReadHalf = Reader;
    type WriteHalf = Writer;

    fn split(self) -> Split<Reader, Writer> {
        let (stream, writer) = self.0.into_split();
        Split::new(Reader { stream, head: [0; HEAD] }, Writer(writer))
    }
}

#[async_trait]
impl ReadHalf for Reader {
    async fn recvmsg(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        let read = self.stream.read(buffer).await?;
        // A head is asked for alone, its rest as well if it does not come at once.
        if let Some(at) = HEAD.checked_sub(buffer.len()) {
            let came = buffer.iter().take(read);
            self.head.iter_mut().skip(at).zip(came).for_each(|(kept, byte)| *kept = *byte);
            if read == buffer.len() && length(&self.head).is_some_and(|length| length > LARGEST) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a message is too large"));
            }
        }
        Ok((read, Vec::new()))
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

/// How long the message is that begins so; nothing of a line of the log-in.
fn length(head: &[u8; HEAD]) -> Option<u64> {
    let [endian, _, _, _, b0, b1, b2, b3, _, _, _, _, f0, f1, f2, f3] = *head;
    let number: fn([u8; 4]) -> u32 = match endian {
        b'l' => u32::from_le_bytes,
        b'B' => u32::from_be_bytes,
        _ => return None,
    };
    Some(u64::from(number([b0, b1, b2, b3])) + u64::from(number([f0, f1, f2, f3])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_that_is_too_large_is_refused_by_its_head() {
        for (endian, body, refused) in
            [(b'l', [0, 0, 0, 7], true), (b'B', [7, 0, 0, 0], true), (b'l', [0, 0, 1, 0], false)]
        {
            for chunk in [16, 5] {
                let (ours, mut theirs) = UnixStream::pair().unwrap();
                let mut reader = Bounded(ours).split().take().0;
                let mut head = vec![endian, 1, 0, 1];
                head.extend(body);
                head.extend([0; 8]);
                let mut got = Vec::new();
                let mut failed = false;
                for part in head.chunks(chunk) {
                    theirs.write_all(part).await.unwrap();
                    let mut room = vec![0; HEAD - got.len()];
                    match reader.recvmsg(&mut room).await {
                        Ok((read, _)) => got.extend_from_slice(&room[..read]),
                        Err(_) => failed = true,
                    }
                }
                assert_eq!(failed, refused, "{endian} {body:?} in parts of {chunk}");
            }
        }
    }
}
