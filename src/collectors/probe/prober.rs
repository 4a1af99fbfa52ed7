//! One probe, ready to be made: by its kind, within its time.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::config::Ask;
use super::connect::{Dialer, Stream, late, system};
use super::expect::Expect;
use super::place::{Kind, Place};
use super::proxy::Proxies;
use super::trace::{Phase, Trace};
use super::{dns, http, icmp, tcp, websocket};
use crate::clients::access::Proof;
use crate::config::{Secret, Url};
use crate::failure::{Failure, Reason};

/// All that one probe may take, unless it is configured.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// What of the time that the engine gives is the probe's, so that there is some left to say what hung.
pub fn limit(timeout: Option<Duration>) -> Duration {
    timeout.unwrap_or(TIMEOUT).mul_f64(0.9)
}

pub struct Prober {
    pub place: Place,
    pub expect: Expect,
    pub proof: Proof,
    pub dialer: Dialer,
    pub proxies: Proxies,
    /// All that it may take.
    pub limit: Duration,
    /// It asks the host that it was made for and no other, whatever that one answers.
    pub stays: bool,
    /// What is asked of a DNS server.
    pub question: Option<dns::Question>,
}

impl Prober {
    pub fn new(place: Place, url: Option<&Url>, ask: &Ask, timeout: Option<Duration>) -> Self {
        let (expect, _) = Expect::of(ask, None);
        let dialer = Dialer::new(ask.access.tls.clone(), ask.certificate_file.clone(), system());
        Self {
            place,
            expect,
            proof: Proof::new(ask.access.clone(), url.and_then(login)),
            dialer,
            proxies: Proxies::default(),
            limit: limit(timeout),
            stays: false,
            question: None,
        }
    }

    /// With another resolver than the system's.
    #[cfg(test)]
    pub fn resolving(mut self, ask: &Ask, resolver: super::connect::Resolver) -> Self {
        self.dialer = Dialer::new(ask.access.tls.clone(), ask.certificate_file.clone(), resolver);
        self
    }

    /// Makes it: what was seen, and why it failed.
    pub async fn run(&self) -> (Trace, Option<Failure>) {
        let mut trace = Trace::new();
        let until = Instant::now() + self.limit;
        let outcome = tokio::time::timeout(self.limit, self.probe(&mut trace, until)).await;
        trace.end();
        let failure = outcome.unwrap_or_else(|_| Err(late(self.limit))).err();
        (trace, failure)
    }

    async fn probe(&self, trace: &mut Trace, until: Instant) -> Result<(), Failure> {
        match self.place.kind {
            Kind::Http => http::probe(self, trace, until).await,
            Kind::Tcp => tcp::probe(self, trace, until).await,
            Kind::WebSocket => websocket::probe(self, trace, until).await,
            Kind::Icmp => icmp::probe(self, trace).await,
            Kind::Dns => dns::probe(self, trace, until).await,
        }
    }

    /// A connection to a place, and what the request there is to name: by way of a proxy if there is
    /// one for it.
    pub async fn reach(
        &self,
        place: &Place,
        trace: &mut Trace,
        until: Instant,
    ) -> Result<(Stream, String), Failure> {
        let own = place.same_origin(&self.place);
        trace.enter(Phase::Prepare);
        let Some(proxy) = self.proxies.of(place)? else {
            let stream = self.dialer.dial(place, own, trace, until).await?;
            return Ok((stream, place.path.clone()));
        };
        if !place.tls {
            let stream = self.dialer.tcp((&proxy.host, proxy.port), trace, until).await?;
            return Ok((Stream::Plain(stream), place.address()));
        }
        trace.enter(Phase::Prepare);
        let made = self.dialer.prepare().await?;
        let mut stream = self.dialer.tcp((&proxy.host, proxy.port), trace, until).await?;
        tunnel(&mut stream, place).await?;
        let stream = self.dialer.secure(stream, (&place.host, own), made, trace).await?;
        Ok((stream, place.path.clone()))
    }
}

/// Has a proxy connect us.
async fn tunnel(stream: &mut tokio::net::TcpStream, place: &Place) -> Result<(), Failure> {
    let cut = |error: std::io::Error| super::connect::failure(&error);
    let server = place.server();
    let ask = format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.map_err(cut)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > 8 << 10 {
            return Err(Failure::new(Reason::PROTOCOL, "the proxy answers with an endless head"));
        }
        head.push(stream.read_u8().await.map_err(cut)?);
    }
    let fine = head.starts_with(b"HTTP/1.1 200") || head.starts_with(b"HTTP/1.0 200");
    if fine { Ok(()) } else { Err(Failure::new(Reason::PROTOCOL, "the proxy does not connect us")) }
}

/// The login that stands in the address.
fn login(url: &Url) -> Option<(String, Option<Secret>)> {
    let user = url.user.clone().or_else(|| url.password.as_ref().map(|_| String::new()));
    user.map(|user| (user, url.password.clone()))
}
