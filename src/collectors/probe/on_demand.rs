//! A host that nobody declared, probed on demand: `/probe?target=https://host/path&module=name`, as
//! blackbox_exporter has it.
//!
//! Where it is comes from the request; what is sent and expected, from the module. A request brings no
//! credentials, and what is asked leads to no other host: a redirect there is a failure.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::config::Ask;
use super::dns::Question;
use super::expect::Expect;
use super::place::{Kind as Of, Place};
use super::prober::{Prober, TIMEOUT};
use super::{Settings, access_mistakes, target};
use crate::config::{Dur, SafeUrl, Url};
use crate::plan::{Common, Plan, Thresholds, Wanted};

/// How it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Http,
    Tcp,
    Icmp,
    Dns,
}

/// How hosts are probed that a request names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub struct Module {
    /// How it is asked: `http`, `tcp`, `icmp` or `dns`.
    pub kind: Kind,
    #[serde(flatten)]
    pub ask: Ask,
    /// TLS comes first; for `tcp`. `http` has it in the address.
    #[serde(default)]
    pub tls: bool,
    /// The name that the DNS server is asked for; for `dns`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_name: Option<String>,
    /// The type of record that it is asked for; default `ANY`, as blackbox_exporter has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_type: Option<String>,
    /// The codes that are well; default `NOERROR`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub valid_rcodes: Vec<String>,
    /// Whether the DNS server is asked by TCP; default by UDP.
    #[serde(default)]
    pub dns_over_tcp: bool,
    /// All that a probe may take; default `5s`. The scrape's own limit may end it before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
    #[serde(default)]
    pub thresholds: Thresholds,
}

/// Offers a module, or says what is wrong with it.
pub fn offer(name: &str, module: &Module, plan: &mut Plan) {
    // What fits no host of its kind fits none.
    let place = module.place("localhost:1").or_else(|_| module.place("localhost"));
    let (_, mut wrong) = Expect::of(&module.ask, None);
    if module.ask.proxy.is_some() {
        wrong.push(("proxy".to_owned(), "is for declared probes only".to_owned()));
    }
    if module.tls && module.kind != Kind::Tcp {
        wrong.push(("tls".to_owned(), "is for the kind `tcp` only".to_owned()));
    }
    match module.question() {
        Some(Err((key, message))) => wrong.push((key.to_owned(), message)),
        None if module.kind == Kind::Dns => {
            wrong.push(("query_name".to_owned(), "is what the server is asked for".to_owned()));
        }
        None | Some(Ok(_)) => {}
    }
    if let Ok(mut place) = place {
        // An address may have TLS or not, and so may the module's settings for it.
        place.tls |= module.kind == Kind::Http;
        let (_, of_kind) = Expect::of(&module.ask, Some(&place));
        wrong.extend(of_kind.into_iter().filter(|one| !wrong.contains(one)).collect::<Vec<_>>());
        wrong.extend(access_mistakes(&module.ask.access, &place));
    }
    for (key, message) in wrong {
        plan.mistake(name, &key, message);
    }
    let common = Common { timeout: module.timeout, thresholds: &module.thresholds, service: None };
    let of = module.clone();
    plan.offer(name, &common, move |address, patience| of.wanted(address, patience));
}

impl Module {
    fn question(&self) -> Option<Result<Question, (&'static str, String)>> {
        let name = self.query_name.as_deref().filter(|_| self.kind == Kind::Dns)?;
        let kind = self.query_type.as_deref().unwrap_or("ANY");
        Some(Question::new(name, kind, self.dns_over_tcp, &self.valid_rcodes))
    }

    /// The smaller of what the module gives and what is waited.
    fn timeout_within(&self, patience: Duration) -> Duration {
        self.timeout.map_or(TIMEOUT, Dur::get).min(patience)
    }

    fn place(&self, address: &str) -> Result<Place, String> {
        let (expected, usual) = match (self.kind, self.tls) {
            (Kind::Http, _) => ("expected an address such as `https://host/path`", "http"),
            (Kind::Tcp, true) => ("expected an address such as `host:465`", "tls"),
            (Kind::Tcp, false) => ("expected an address such as `host:6379`", "tcp"),
            (Kind::Icmp, _) => ("expected a host such as `10.0.0.1`", "icmp"),
            (Kind::Dns, _) => ("expected a server such as `10.0.0.1:53`", "tcp"),
        };
        let mut text = address.to_owned();
        if !text.contains("://") {
            text = format!("{usual}://{text}");
        }
        if self.kind == Kind::Dns {
            let bare = text.split_once("://").map_or("", |(_, bare)| bare);
            let ported = bare.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
            text = if ported { format!("tcp://{bare}") } else { format!("tcp://{bare}:53") };
        }
        let url = Url::parse(&text).map_err(|_| expected)?;
        if url.user.is_some() || url.password.is_some() || url.fragment.is_some() {
            return Err(expected.to_owned());
        }
        let mut place = Place::of(&url).map_err(|_| expected)?;
        let kind = match self.kind {
            Kind::Http => Of::Http,
            Kind::Tcp | Kind::Dns => Of::Tcp,
            Kind::Icmp => Of::Icmp,
        };
        if place.kind != kind || (self.kind == Kind::Tcp && place.tls != self.tls) {
            return Err(expected.to_owned());
        }
        if self.kind == Kind::Dns {
            place.kind = Of::Dns;
        }
        Ok(place)
    }

    /// Who asks waits no longer than `patience`. The probe ends before that and says what hung; a wait
    /// that is over says nothing but that.
    fn wanted(&self, address: &str, patience: Duration) -> Result<Wanted, String> {
        let place = self.place(address)?;
        let (server, whole) = (place.server(), place.address());
        // A query may hold a secret, and this stands in a label.
        let shown = match place.kind {
            Of::Http => SafeUrl::new(whole.clone()).to_string(),
            _ => server.clone(),
        };
        let mut addresses = vec![server.clone()];
        if place.kind == Of::Http {
            let path = place.path.split('?').next().unwrap_or_default();
            addresses.push(format!("{server}{path}"));
        }
        let timeout = self.timeout_within(patience);
        let mut prober = Prober::new(place, None, &self.ask, Some(timeout));
        prober.stays = true;
        prober.dialer.share_room();
        prober.question = self.question().and_then(Result::ok);
        let settings = Settings::Module(Box::new(self.clone()), whole, timeout);
        // The place of no declared probe: what that one expects is not what the module does.
        let target = target(&shown, server, settings, Arc::new(prober), None);
        Ok(Wanted { target, addresses })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A scrape that waits less than the module's timeout hears what hung, and not that it was not
    /// waited for.
    #[test]
    fn a_probe_ends_before_who_asked_has_gone() {
        let module = |text: &str| serde_json::from_str::<Module>(text).unwrap();
        let limit = |module: &Module, patience| {
            super::super::prober::limit(Some(module.timeout_within(patience)))
        };
        let usual = module(r#"{"kind":"http"}"#);
        let short = module(r#"{"kind":"http","timeout":"1s"}"#);
        let seconds = Duration::from_secs;
        assert_eq!(limit(&usual, seconds(10)), Duration::from_millis(4500));
        assert_eq!(limit(&usual, seconds(2)), Duration::from_millis(1800));
        assert_eq!(limit(&short, seconds(2)), Duration::from_millis(900));
        let of = |patience| usual.wanted("http://h/", seconds(patience)).unwrap().target;
        assert!(of(2).same_collector(&of(2)), "one reading for all who wait as long");
        assert!(!of(2).same_collector(&of(3)), "who waits longer has a reading of its own");
    }
}
