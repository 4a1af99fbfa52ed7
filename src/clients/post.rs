//! HTTP POST to whoever takes messages: the only client that sends something, and never to a source.
//!
//! An answer that leads elsewhere is a failure: nothing follows it, so no credentials do. Messages are
//! rare, so nothing is kept from one to the next, and files of secrets are read each time.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HOST, RETRY_AFTER};
use serde_json::Value;

use super::access::Proof;
use super::http::{Named, Place, built, common, failure};
use super::tls::Trust;
use crate::config::{Access, Url};
use crate::failure::{Failure, Reason};

/// From the first look at the files to the end of the answer.
const DEADLINE: Duration = Duration::from_secs(15);
/// So much of an answer is read, to tell what the receiver has said.
const ANSWER: usize = 4 << 10;

/// An answer, whatever its status.
pub struct Answer {
    pub status: u16,
    /// How long the receiver wants to be left alone.
    pub retry_after: Option<Duration>,
    /// Its beginning.
    pub body: String,
    /// What to do if the login was refused.
    pub advice: String,
}

/// POST of a document, or without one a GET.
pub async fn send(access: &Access, url: &Url, document: Option<&Value>) -> Result<Answer, Failure> {
    let late = |_| Failure::new(Reason::TIMEOUT, format!("{}: no answer in time", url.origin()));
    tokio::time::timeout(DEADLINE, exchange(access, url, document)).await.map_err(late)?
}

async fn exchange(access: &Access, url: &Url, document: Option<&Value>) -> Result<Answer, Failure> {
    let login = url.user.clone().map(|user| (user, url.password.clone()));
    let (proof, trust) = (Proof::new(access.clone(), login), Trust::new(access.tls.clone()));
    let place = Place::of(url, trust.server_name());
    let mut builder = common(DEADLINE).timeout(DEADLINE.mul_f64(0.8));
    if let Some((host, _)) = &place.real {
        builder = builder.dns_resolver(Arc::new(Named(host.clone())));
    }
    let client = built(builder, (*trust.now().await?).clone())?;
    let target = match place.query.as_str() {
        "" => place.base.clone(),
        query => format!("{}?{query}", place.base),
    };
    let mut request = match document {
        Some(document) => client
            .post(target)
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .body(document.to_string()),
        None => client.get(target),
    };
    request = request.headers(proof.headers().await?);
    if let Some((_, authority)) = &place.real {
        request = request.header(HOST, authority);
    }
    let mut response = request.send().await.map_err(|error| {
        let failure = failure(&url.origin(), &error);
        if failure.reason == Reason::TLS { failure.hint(trust.advice()) } else { failure }
    })?;
    let wait = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = wait.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    let (status, mut body) = (response.status().as_u16(), Vec::new());
    while let Ok(Some(piece)) = response.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() >= ANSWER {
            body.truncate(ANSWER);
            break;
        }
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Answer { status, retry_after, body, advice: proof.advice() })
}
