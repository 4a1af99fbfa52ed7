//! One client: its requests one after another, each wait with a limit.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::places::{Life, Order, Phase, Place};
use super::socket::{Socket, Wire};
use super::stream::Stream;
use crate::engine::Refusal;
use crate::http::lock::{Lock, Peer};

/// The head of a request.
const HEAD_BYTES: usize = 16 << 10;
/// A client that sent too much is heard out a little, or it would not come to see our answer.
const LINGER: Duration = Duration::from_millis(250);
const LINGER_BYTES: usize = 512 << 10;

/// Answers that are given without a request having been read.
const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
    content-type: text/plain; charset=utf-8\r\nx-content-type-options: nosniff\r\ncontent-length: 28\r\n\r\ntoo many connections at once";
const LATE: &str = "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\
    content-type: text/plain; charset=utf-8\r\nx-content-type-options: nosniff\r\ncontent-length: 40\r\n\r\nthe request did not come within its time";
/// As other exporters answer one who speaks HTTP where TLS is spoken.
const PLAIN: &str = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\
    content-type: text/plain; charset=utf-8\r\nx-content-type-options: nosniff\r\ncontent-length: 64\r\n\r\n\
    this port speaks HTTPS: write https:// where the address begins\n";

/// How a connection came to its end.
enum End {
    /// By itself, or as the client wished.
    Done,
    /// A head over the limit, which the library has answered.
    TooLarge,
    /// To make room.
    LetGo(Phase),
    Late(Phase),
}

/// What each connection has to do with.
#[derive(Clone)]
pub(super) struct House {
    pub router: Router,
    pub lock: Arc<Lock>,
}

pub(super) async fn serve(stream: Stream, peer: Peer, place: Place, house: House) {
    let stream = Arc::new(stream);
    let wire = Wire { stream: Arc::clone(&stream), life: Arc::clone(&place.life) };
    let Some(tls) = house.lock.tls() else {
        let end = talk(wire, peer, &place.life, house.router).await;
        return part(&stream, &place, end, true).await;
    };
    match greet(wire, &stream, &place.life, tls).await {
        Hand::Shaken(secret) => {
            let end = talk(*secret, peer, &place.life, house.router).await;
            part(&stream, &place, end, false).await;
        }
        Hand::Plain => {
            place.turned_away(Refusal::Tls);
            last_word(&stream, PLAIN);
        }
        Hand::Refused => {
            place.turned_away(Refusal::Tls);
            // He hears why, which a socket that is closed over unread bytes would take back.
            stream.shut();
            linger(&stream).await;
        }
        Hand::Gone => {}
    }
}

/// The end of a connection; in plain HTTP there may be a word about it.
async fn part(stream: &Stream, place: &Place, end: End, plain: bool) {
    match end {
        // What was written of an answer is all that there will be of it.
        End::Done | End::Late(Phase::Idle) | End::LetGo(Phase::Idle | Phase::Answer) => {}
        End::TooLarge => {
            place.turned_away(Refusal::HeadSize);
            tokio::select! {
                () = linger(stream) => {}
                _ = place.life.ordered() => {}
            }
        }
        End::Late(Phase::Answer) => place.turned_away(Refusal::AnswerTime),
        End::Late(Phase::Head) => {
            place.turned_away(Refusal::HeadTime);
            if plain {
                last_word(stream, LATE);
            }
        }
        End::LetGo(Phase::Head) => {
            if plain {
                last_word(stream, BUSY);
            }
        }
    }
}

/// For one who finds no place; with TLS there is nothing to say before a handshake.
pub(super) fn turn_away(stream: Stream, lock: &Lock) {
    if !lock.is_https() {
        last_word(&stream, BUSY);
    }
    drop(stream);
}

/// How a handshake ended.
enum Hand {
    Shaken(Box<TlsStream<Wire>>),
    /// Somebody speaks HTTP where TLS is spoken.
    Plain,
    /// It failed, or did not come in time.
    Refused,
    /// The client has said nothing and gone, as who looks at ports does, or had to make room.
    Gone,
}

/// The handshake, which has the time of a request's head, and is a part of it.
async fn greet(wire: Wire, stream: &Stream, life: &Arc<Life>, tls: Arc<ServerConfig>) -> Hand {
    let shake = async {
        match stream.first_byte().await {
            Ok(Some(byte)) if byte.is_ascii_alphabetic() => Hand::Plain,
            Ok(Some(_)) => match TlsAcceptor::from(tls).accept(wire).await {
                Ok(secret) => Hand::Shaken(Box::new(secret)),
                Err(_) => Hand::Refused,
            },
            Ok(None) | Err(_) => Hand::Gone,
        }
    };
    let mut shake = pin!(shake);
    let mut timer = pin!(tokio::time::sleep_until(life.deadline()));
    loop {
        tokio::select! {
            biased;
            hand = shake.as_mut() => return hand,
            order = life.ordered() => match order {
                Order::MakeRoom => return Hand::Gone,
                // It has moved the deadline.
                Order::Stop => {}
            },
            () = overdue(life, timer.as_mut()) => return Hand::Refused,
        }
    }
}

async fn talk<S>(wire: S, peer: Peer, life: &Arc<Life>, router: Router) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let socket = Socket { inner: wire, life: Arc::clone(life) };
    let router = TowerToHyperService::new(router);
    let service = service_fn(|mut request: hyper::Request<Incoming>| {
        life.asked();
        request.extensions_mut().insert(peer);
        let answer = router.call(request);
        let life = Arc::clone(life);
        async move { answer.await.map(|answer| answer.map(|body| Watched { body, life })) }
    });
    // The library's own limit on heads would hold for the time between requests as well.
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES)
        // `printf ... | nc -N`: who has nothing more to say may still listen.
        .half_close(true)
        .serve_connection(socket, service);
    let mut connection = pin!(connection);
    let mut timer = pin!(tokio::time::sleep_until(life.deadline()));
    loop {
        // In this order: what has just been read or written moves the deadline.
        tokio::select! {
            biased;
            done = connection.as_mut() => {
                let large = done.is_err_and(|error| error.is_parse_too_large());
                return if large { End::TooLarge } else { End::Done };
            }
            order = life.ordered() => match order {
                Order::MakeRoom => return End::LetGo(life.phase()),
                Order::Stop => connection.as_mut().graceful_shutdown(),
            },
            () = overdue(life, timer.as_mut()) => return End::Late(life.phase()),
        }
    }
}

/// Until the deadline, which moves while it is waited for.
async fn overdue(life: &Life, mut timer: Pin<&mut tokio::time::Sleep>) {
    std::future::poll_fn(|cx| {
        let deadline = life.deadline();
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx)
    })
    .await;
}

/// An answer whose end is noticed, be it empty, whole or cut short.
struct Watched {
    body: Body,
    life: Arc<Life>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.life.complete();
    }
}

/// An answer without waiting. What has come is taken first: a socket that is closed over unread
/// bytes takes back what it was about to send.
fn last_word(stream: &Stream, answer: &str) {
    let mut rest = LINGER_BYTES;
    drain(stream, &mut rest);
    let _ = stream.try_write(answer.as_bytes());
    stream.shut();
}

async fn linger(stream: &Stream) {
    let mut rest = LINGER_BYTES;
    let heard_out = async { while stream.readable().await.is_ok() && drain(stream, &mut rest) {} };
    // An elapsed timeout is the usual end.
    let _ = tokio::time::timeout(LINGER, heard_out).await;
}

/// Takes what has come; whether there may come more that is wanted.
fn drain(stream: &Stream, rest: &mut usize) -> bool {
    let mut piece = [0; 8192];
    loop {
        match stream.try_read(&mut piece) {
            Ok(count) if count > 0 && *rest > count => *rest -= count,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return true,
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_have_the_length_that_they_name() {
        for answer in [BUSY, LATE, PLAIN] {
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.ends_with(&format!("\r\ncontent-length: {}", body.len())), "{answer}");
        }
    }
}
