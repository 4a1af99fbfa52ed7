//! HTTP by a connection of its own: one request, its answer within bounds, and where it is led to.

use std::time::Instant;

use http::header::{CONTENT_LENGTH, HOST, LAST_MODIFIED, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::task::JoinSet;

use super::connect::Stream;
use super::expect::{Expect, Redirects, unexpected, wrong_status};
use super::place::Place;
use super::prober::Prober;
use super::reasons;
use super::trace::{Answer, Phase, Trace};
use crate::clients::json;
use crate::failure::{Failure, Reason};

/// As many as browsers and blackbox_exporter follow.
const MOST_REDIRECTS: u32 = 10;
/// What is read of a head and of a body.
const HEAD: usize = 64 << 10;
const HEADERS: usize = 256;
const BODY: usize = 1 << 20;
const AGENT: &str = concat!("stack-exporter/", env!("CARGO_PKG_VERSION"));

/// Asks, follows, and judges.
pub async fn probe(prober: &Prober, trace: &mut Trace, until: Instant) -> Result<(), Failure> {
    let expect = &prober.expect;
    let mut place = prober.place.clone();
    trace.answer = Some(Answer::default());
    trace.regex_failed = Some(false);
    loop {
        let (stream, target) = prober.reach(&place, trace, until).await?;
        let request = request(prober, &place, &target, trace).await?;
        let mut tasks = JoinSet::new();
        let response = send(stream, request, &mut tasks, trace).await?;
        note_head(&response, &place, expect, trace);
        let next = leads_to(&response, prober, &place, trace)?;
        let Some(next) = next else {
            return finish(response, expect, trace).await;
        };
        if prober.stays && !next.same_origin(&prober.place) {
            return Err(Failure::new(
                reasons::REDIRECT,
                "it redirects to another host, which is not asked here",
            )
            .hint("ask that address itself"));
        }
        place = next;
    }
}

/// The request, as it is sent to this place. Whoever it leads to gets nothing that was meant for the
/// first.
async fn request(
    prober: &Prober,
    place: &Place,
    target: &str,
    trace: &mut Trace,
) -> Result<Request<Empty<Bytes>>, Failure> {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    if place.same_origin(&prober.place) {
        headers.extend(prober.expect.headers.clone());
        trace.enter(Phase::Prepare);
        headers.extend(prober.proof.headers().await?);
    }
    if !headers.contains_key(HOST) {
        let authority = HeaderValue::try_from(place.authority());
        headers.insert(
            HOST,
            authority.map_err(|_| Failure::new(Reason::OTHER, "the host is no name"))?,
        );
    }
    let mut request = Request::new(Empty::new());
    let unusable = |_| Failure::new(Reason::OTHER, "the path of the address cannot be sent");
    *request.uri_mut() = target.parse().map_err(unusable)?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Sends it; the head of the answer. `tasks` holds the connection, which ends with it.
pub async fn send(
    stream: Stream,
    request: Request<Empty<Bytes>>,
    tasks: &mut JoinSet<()>,
    trace: &mut Trace,
) -> Result<Response<Incoming>, Failure> {
    trace.enter(Phase::Processing);
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD).max_headers(HEADERS);
    let (mut sender, connection) =
        builder.handshake(TokioIo::new(stream)).await.map_err(|error| failure(&error))?;
    tasks.spawn(async move {
        // Its error reaches the request, too.
        let _ = connection.with_upgrades().await;
    });
    let response = sender.send_request(request).await.map_err(|error| failure(&error))?;
    trace.enter(Phase::Transfer);
    Ok(response)
}

fn note_head(response: &Response<Incoming>, place: &Place, expect: &Expect, trace: &mut Trace) {
    let answer = trace.answer.get_or_insert_default();
    let headers = response.headers();
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    answer.status = response.status().as_u16();
    answer.version = if response.version() == http::Version::HTTP_10 { 1.0 } else { 1.1 };
    answer.tls = place.tls;
    answer.content_length = text(CONTENT_LENGTH).and_then(|length| length.parse().ok());
    answer.modified = text(LAST_MODIFIED)
        .and_then(|at| jiff::fmt::rfc2822::parse(at).ok())
        .map(|at| at.timestamp().as_second());
    answer.missing = expect.missing(headers);
    answer.led_to =
        (answer.redirects > 0).then(|| format!("{}://{}", place.scheme(), place.authority()));
}

/// Where it goes on, if it does.
fn leads_to(
    response: &Response<Incoming>,
    prober: &Prober,
    place: &Place,
    trace: &mut Trace,
) -> Result<Option<Place>, Failure> {
    let expect = &prober.expect;
    let answer = trace.answer.get_or_insert_default();
    let status = response.status().as_u16();
    let redirects =
        matches!(status, 301 | 302 | 303 | 307 | 308) && !expect.status.contains(&status);
    let location = response.headers().get(LOCATION).filter(|_| redirects);
    let wrong = |text: String| {
        Failure::new(reasons::REDIRECT, text).hint("look where it leads: curl -sI ADDRESS")
    };
    let Some(location) = location else {
        return match &expect.redirects {
            Redirects::To(_) if answer.redirects == 0 => {
                answer.elsewhere = true;
                Err(wrong(format!("it does not redirect (HTTP status {status})")))
            }
            // Where it ends, and not where the first of several leads.
            Redirects::To(wanted) if !place.begins_with(wanted) => {
                answer.elsewhere = true;
                let led_to = format!("{}://{}", place.scheme(), place.authority());
                Err(wrong(format!("it redirects to {led_to}, expected {}", wanted.address())))
            }
            _ => Ok(None),
        };
    };
    let next = location.to_str().ok().and_then(|location| place.join(location));
    let Some(next) = next else {
        return Err(wrong("it redirects to what is no address of HTTP".to_owned()));
    };
    let led_to = format!("{}://{}", next.scheme(), next.authority());
    answer.led_to = Some(led_to.clone());
    match &expect.redirects {
        Redirects::Refuse => {
            answer.elsewhere = true;
            return Err(wrong(format!("it redirects to {led_to}")));
        }
        Redirects::Follow if !is_asked(prober, place, &next) => {
            answer.elsewhere = true;
        }
        Redirects::Follow | Redirects::To(_) => {}
    }
    answer.redirects += 1;
    if answer.redirects > MOST_REDIRECTS {
        answer.redirects = MOST_REDIRECTS;
        let text = format!("more than {MOST_REDIRECTS} redirects");
        return Err(Failure::new(reasons::REDIRECT_LOOP, text)
            .hint("it may lead in a circle: curl -sIL ADDRESS"));
    }
    Ok(Some(next))
}

/// Whether a host is the one that was asked: by its address, or by the name that the request gave it.
fn is_asked(prober: &Prober, place: &Place, next: &Place) -> bool {
    let named = prober.expect.headers.get(HOST).filter(|_| place.same_origin(&prober.place));
    let named = named.and_then(|host| host.to_str().ok());
    let named = named.and_then(|host| place.join(&format!("//{host}/")));
    let is = |host: &str| next.host.eq_ignore_ascii_case(host);
    is(&place.host) || named.is_some_and(|named| is(&named.host))
}

/// The body, and the verdict on all.
async fn finish(
    response: Response<Incoming>,
    expect: &Expect,
    trace: &mut Trace,
) -> Result<(), Failure> {
    let status = response.status().as_u16();
    let (body, whole) = read(response, expect.reads_body(), trace).await?;
    if !expect.is_well(status) {
        return Err(wrong_status(status));
    }
    let beyond = |failure: Failure| {
        if whole {
            failure
        } else {
            Failure::new(reasons::TOO_LARGE, "what is expected is not in the first megabyte")
        }
    };
    if let Some(pattern) = &expect.body
        && !pattern.is_match(&String::from_utf8_lossy(&body))
    {
        trace.regex_failed = Some(true);
        return Err(beyond(unexpected("the body")));
    }
    if expect.json.is_empty() {
        return Ok(());
    }
    let read = json::from_slice::<Value>(&body);
    let read =
        read.map_err(|error| beyond(error.failure("the body", "it may be the page of a proxy")))?;
    expect.json_failure(&read.value).map_or(Ok(()), Err)
}

/// The body up to its bound, kept only if somebody wants it, and whether that was all.
async fn read(
    response: Response<Incoming>,
    keep: bool,
    trace: &mut Trace,
) -> Result<(Vec<u8>, bool), Failure> {
    let mut body = response.into_body();
    let mut kept = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| failure(&error))?.into_data() else { continue };
        let answer = trace.answer.get_or_insert_default();
        answer.body_length += data.len() as u64;
        if keep {
            kept.extend_from_slice(&data);
        }
        if answer.body_length > BODY as u64 {
            kept.truncate(BODY);
            return Ok((kept, false));
        }
    }
    Ok((kept, true))
}

/// Why HTTP has failed.
fn failure(error: &hyper::Error) -> Failure {
    if error.is_parse_too_large() {
        return Failure::new(
            reasons::TOO_LARGE,
            "the head of the answer is beyond 64 kB or 256 headers",
        );
    }
    if error.is_parse() {
        return Failure::new(Reason::PROTOCOL, "the answer is not HTTP")
            .hint("another program may listen there, or it wants TLS: try https://");
    }
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<std::io::Error>() {
            if crate::clients::tls::is_refusal(error) {
                return Failure::new(Reason::TLS, "the other side refused the TLS connection")
                    .hint("it may want a certificate of ours: `cert_file` and `key_file`");
            }
            return super::connect::failure(error);
        }
        source = cause.source();
    }
    Failure::new(reasons::CUT, "the connection ended before the answer was complete")
}
