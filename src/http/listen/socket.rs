//! The socket as the HTTP library uses it, with an eye on what passes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::net::TcpStream;

use super::places::Life;

/// So much is read at once; a request is rarely larger.
const PIECE: usize = 4096;

/// Shared with the connection, which has a last word when the library is done with it.
pub(super) struct Socket {
    pub stream: Arc<TcpStream>,
    pub life: Arc<Life>,
}

impl Read for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut piece = [0; PIECE];
        let room = PIECE.min(into.remaining());
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            match self.stream.try_read(piece.get_mut(..room).unwrap_or_default()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok(count) => {
                    into.put_slice(piece.get(..count).unwrap_or_default());
                    if count > 0 {
                        self.life.heard();
                    }
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl Write for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Called once all that the library had has been written.
        self.life.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        shut(&self.stream);
        Poll::Ready(Ok(()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            let Poll::Ready(writable) = self.stream.poll_write_ready(cx) else {
                self.life.stalled();
                return Poll::Pending;
            };
            writable?;
            match self.stream.try_write_vectored(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => {
                    self.life.moved();
                    return Poll::Ready(done);
                }
            }
        }
    }
}

/// Says that nothing more comes from us. A client that has gone needs not be told.
pub(super) fn shut(stream: &TcpStream) {
    let _ = rustix::net::shutdown(stream, rustix::net::Shutdown::Write);
}
