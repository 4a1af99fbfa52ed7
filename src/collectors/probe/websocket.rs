//! WebSockets (RFC 6455): the upgrade, and one that is held open as a user's browser does.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderValue, Request};
use http_body_util::Empty;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

use super::prober::Prober;
use super::reasons;
use super::trace::{Answer, Phase, Trace};
use crate::failure::{Failure, Reason};

const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Codes of frames.
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;

/// An open one; it ends when this is dropped.
pub struct Open {
    stream: TokioIo<Upgraded>,
    _connection: JoinSet<()>,
}

/// How long one was held, and what ended it before its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub lasted: Duration,
    pub cut: Option<Failure>,
    /// How many in a row were cut, this one among them.
    pub cuts: u32,
}

impl Held {
    /// After what came before it.
    pub fn after(self, last: Option<&Self>) -> Self {
        let before = last.map_or(0, |last| last.cuts);
        let cuts = if self.cut.is_some() { before.saturating_add(1) } else { 0 };
        Self { cuts, ..self }
    }
}

/// Opens one and closes it again.
pub async fn probe(prober: &Prober, trace: &mut Trace, until: Instant) -> Result<(), Failure> {
    let mut open = open(prober, trace, until).await?;
    // Whether it hears of that is its own matter.
    let _ = open.stream.write_all(&frame(CLOSE, &1000_u16.to_be_bytes())).await;
    let _ = open.stream.flush().await;
    Ok(())
}

pub async fn open(prober: &Prober, trace: &mut Trace, until: Instant) -> Result<Open, Failure> {
    trace.upgraded = Some(false);
    trace.answer = Some(Answer::default());
    let stream = prober.dialer.dial(&prober.place, true, trace, until).await?;
    let key = STANDARD.encode(seed());
    trace.enter(Phase::Prepare);
    let request = request(prober, &key).await?;
    let mut tasks = JoinSet::new();
    let response = super::http::send(stream, request, &mut tasks, trace).await?;
    let status = response.status().as_u16();
    trace.answer.get_or_insert_default().status = status;
    if status != 101 {
        let wrong = super::expect::wrong_status(status);
        let reason = if wrong.reason == reasons::STATUS { reasons::UPGRADE } else { wrong.reason };
        return Err(Failure::new(reason, format!("no WebSocket: HTTP status {status}")).hint(
            "a proxy before it must pass on the headers `Upgrade` and `Connection`, with HTTP 1.1",
        ));
    }
    let accepted =
        response.headers().get(SEC_WEBSOCKET_ACCEPT).and_then(|value| value.to_str().ok());
    if accepted != Some(accept(&key).as_str()) {
        return Err(Failure::new(
            reasons::UPGRADE,
            "the answer to the handshake is not the one to ours",
        ));
    }
    let upgraded = hyper::upgrade::on(response).await;
    let stream = upgraded
        .map_err(|_| Failure::new(reasons::CUT, "the connection was cut after the upgrade"))?;
    trace.upgraded = Some(true);
    Ok(Open { stream: TokioIo::new(stream), _connection: tasks })
}

async fn request(
    prober: &Prober,
    key: &str,
) -> Result<Request<Empty<hyper::body::Bytes>>, Failure> {
    let unusable = |_| Failure::new(Reason::OTHER, "the address cannot be sent");
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = prober
        .place
        .path
        .parse()
        .map_err(|_| Failure::new(Reason::OTHER, "the path of the address cannot be sent"))?;
    let headers = request.headers_mut();
    headers.extend(prober.expect.headers.clone());
    headers.extend(prober.proof.headers().await?);
    if !headers.contains_key(HOST) {
        headers.insert(HOST, HeaderValue::try_from(prober.place.authority()).map_err(unusable)?);
    }
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(SEC_WEBSOCKET_KEY, HeaderValue::try_from(key).map_err(unusable)?);
    Ok(request)
}

/// Holds one open until its time is over or something ends it. Nothing is said but what the protocol
/// wants, so that a time limit on silence shows.
pub async fn hold(prober: &Prober, time: Duration) -> Result<Held, Failure> {
    let mut trace = Trace::new();
    let limit = prober.limit;
    let opening = open(prober, &mut trace, Instant::now() + limit);
    let mut open = match tokio::time::timeout(limit, opening).await {
        Ok(open) => open?,
        Err(_) => return Err(super::connect::late(limit)),
    };
    let begun = Instant::now();
    let end = tokio::time::timeout(time, listen(&mut open)).await.err();
    let lasted = begun.elapsed();
    if end.is_some() {
        let _ = open.stream.write_all(&frame(CLOSE, &1000_u16.to_be_bytes())).await;
        let _ = open.stream.flush().await;
        return Ok(Held { lasted: time, cut: None, cuts: 0 });
    }
    let detail = format!("it was cut after {:.1} s", lasted.as_secs_f64());
    let cut = Failure::new(reasons::CUT, detail).hint(
        "a proxy before it has too short a time limit for reading: nginx's is 60 s unless `proxy_read_timeout` says otherwise",
    );
    Ok(Held { lasted, cut: Some(cut), cuts: 1 })
}

/// Reads frames until there are no more; answers pings.
async fn listen(open: &mut Open) {
    while let Some((code, payload)) = next(open).await {
        match code {
            CLOSE => return,
            PING if open.stream.write_all(&frame(PONG, &payload)).await.is_err() => return,
            PING => {
                let _ = open.stream.flush().await;
            }
            _ => {}
        }
    }
}

/// The next frame: its code, and the payload if it is a short one. Long ones are passed over.
async fn next(open: &mut Open) -> Option<(u8, Vec<u8>)> {
    let stream = &mut open.stream;
    let first = stream.read_u8().await.ok()?;
    let second = stream.read_u8().await.ok()?;
    let mut left = match second & 0x7f {
        126 => u64::from(stream.read_u16().await.ok()?),
        127 => stream.read_u64().await.ok()?,
        short => u64::from(short),
    };
    // A server masks nothing.
    if second & 0x80 != 0 {
        return None;
    }
    let mut payload = Vec::new();
    let mut part = [0; 4096];
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(part.len());
        let length = stream.read(part.get_mut(..most)?).await.ok().filter(|length| *length > 0)?;
        left -= length as u64;
        if payload.len() + length <= 125 {
            payload.extend_from_slice(part.get(..length)?);
        }
    }
    Some((first & 0x0f, payload))
}

/// A frame from us, masked as the protocol wants it.
fn frame(code: u8, payload: &[u8]) -> Vec<u8> {
    let mask: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let length = u8::try_from(payload.len().min(125)).unwrap_or(0);
    let mut frame = vec![0x80 | code, 0x80 | length];
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().take(125).zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// The key need not be secret, only another one each time, so that no cache answers.
fn seed() -> [u8; 16] {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    now.as_nanos().to_le_bytes()
}

fn accept(key: &str) -> String {
    STANDARD.encode(Sha1::digest(format!("{key}{MAGIC}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 6455.
    #[test]
    fn the_answer_to_a_key_is_the_protocols() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let masked = frame(PONG, b"Hello");
        // 5.7 of the RFC: a masked "Hello".
        assert_eq!(masked, [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    }
}
