//! A connection that counts what comes, and ends when it is too much for one answer.
//!
//! A request goes out before its answer comes in, so what is written begins the count anew: also
//! heads without an end and interim answers without an end run into the bound. Until the head is
//! there that bound is a small one, whatever the answer may be.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

use crate::failure::{Failure, Reason};

pub enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// What may come until the head of an answer is there, with what was read of its body meanwhile.
const HEAD: u64 = 256 << 10;

pub struct Bounded {
    socket: Socket,
    most: u64,
    /// Since the last request.
    read: u64,
    opened: Opened,
}

/// Says to a connection that the head of the present answer is there. It comes with the answer.
#[derive(Clone, Default)]
pub struct Opened(Arc<AtomicBool>);

impl Opened {
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Bounded {
    pub fn new(socket: Socket, most: u64) -> Self {
        Self { socket, most, read: 0, opened: Opened::default() }
    }

    fn most(&self) -> u64 {
        if self.opened.0.load(Ordering::Acquire) { self.most } else { self.most.min(HEAD) }
    }
}

macro_rules! of_socket {
    ($bounded:ident, $one:ident => $call:expr) => {
        match &mut $bounded.socket {
            Socket::Unix(socket) => {
                let $one = Pin::new(socket);
                $call
            }
            Socket::Tcp(socket) => {
                let $one = Pin::new(socket);
                $call
            }
            Socket::Tls(socket) => {
                let $one = Pin::new(socket);
                $call
            }
        }
    };
}

impl AsyncRead for Bounded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read > self.most() {
            return Poll::Ready(Err(too_much(self.most())));
        }
        let before = buffer.filled().len();
        let outcome = of_socket!(self, one => one.poll_read(context, buffer));
        let came = buffer.filled().len().saturating_sub(before);
        self.read = self.read.saturating_add(came as u64);
        // Of what has come at once some is body, so here is no saying that the head is too long.
        if self.read > self.most { Poll::Ready(Err(too_much(self.most))) } else { outcome }
    }
}

fn too_much(most: u64) -> io::Error {
    let text = format!("the answer is over {} kB", most / 1024);
    io::Error::other(Failure::new(Reason::PROTOCOL, text))
}

impl AsyncWrite for Bounded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.read = 0;
        self.opened.0.store(false, Ordering::Release);
        of_socket!(self, one => one.poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        of_socket!(self, one => one.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        of_socket!(self, one => one.poll_shutdown(context))
    }
}

impl Connection for Bounded {
    fn connected(&self) -> Connected {
        Connected::new().extra(self.opened.clone())
    }
}
