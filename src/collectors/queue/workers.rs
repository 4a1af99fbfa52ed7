//! Who is connected to the server of a consumer, pure but for the requests. A worker that was killed looks like a busy
//! one in `/jsz`, for its jobs stay in work; here it is gone.
//!
//! Nothing in `/connz` names the consumer that a connection pulls from. What is certain is who cannot be a
//! worker: whoever has no subscription that could receive a job. So without names for workers the number is an
//! upper bound, and it is 0 only when there is none.

use std::time::Duration;

use globset::Glob;
use serde::Deserialize;
use tokio::time::timeout;

use super::model::Workers;
use crate::clients::http::{HttpClient, Json};
use crate::failure::{Failure, Reason};
use crate::text::epoch;

/// Those with most subscriptions come first, so workers are among them.
const PATH: &str = "/connz?subs=1&sort=subs&limit=1024";
/// The server answers for 1,500 clients in 8 ms.
const LIMIT: Duration = Duration::from_secs(1);
/// Signs of a name that libraries make up for an inbox (a NUID).
const NUID: usize = 22;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Connz {
    server_id: String,
    now: String,
    total: Option<u64>,
    connections: Option<Vec<Connection>>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Connection {
    name: String,
    lang: String,
    start: String,
    last_activity: String,
    subscriptions: u64,
    subscriptions_list: Vec<String>,
}

/// Of `/varz`: whether clients may be connected to other servers.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Neighbours {
    server_id: String,
    routes: u64,
    leafnodes: u64,
    cluster: Named,
    gateway: Named,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
}

/// Those that are connected to this server.
pub struct Connections {
    now: Option<f64>,
    all: Vec<Connection>,
    /// There are more than these.
    more: bool,
    /// Others may be connected to other servers.
    elsewhere: bool,
}

/// Whom to look for.
pub struct Wanted<'a> {
    pub names: Option<&'a str>,
    /// Of a push consumer; else empty.
    pub deliver_subject: &'a str,
}

/// What is wrong with a pattern for names.
pub fn mistake(pattern: &str) -> Option<String> {
    if pattern.is_empty() {
        return Some("must not be empty".to_owned());
    }
    let error = Glob::new(pattern).err()?;
    Some(format!("expected a name such as `analysis-worker*`: {}", error.kind()))
}

pub async fn read(client: &HttpClient) -> Result<Connections, Failure> {
    let both =
        async { tokio::try_join!(client.json("/connz", PATH), client.json("/varz", "/varz")) };
    let late = |_| Failure::new(Reason::TIMEOUT, "/connz: no complete answer within 1 s");
    let (connz, varz) = timeout(LIMIT, both).await.map_err(late)??;
    connections(connz, varz)
}

pub fn connections(connz: Json<Connz>, varz: Json<Neighbours>) -> Result<Connections, Failure> {
    let hint = "does what stands before the server let `/connz` and `/varz` through?";
    let varz = varz.good("/varz", hint)?.value;
    let connz = connz.good("/connz", hint)?;
    let dropped = connz.dropped;
    let connz = connz.value;
    if connz.server_id.is_empty() || varz.server_id != connz.server_id {
        let text = "/connz: another `server_id` than in /varz, so it is not this server's";
        return Err(Failure::new(Reason::PARSE, text).hint(hint));
    }
    let all = connz.connections.unwrap_or_default();
    Ok(Connections {
        now: epoch(&connz.now),
        more: dropped > 0 || connz.total.is_none_or(|total| total > all.len() as u64),
        elsewhere: varz.routes > 0
            || varz.leafnodes > 0
            || !varz.cluster.name.is_empty()
            || !varz.gateway.name.is_empty(),
        all,
    })
}

impl Connections {
    /// The workers, or `None` where some may not be seen from here.
    pub fn workers(&self, wanted: &Wanted) -> Option<Workers> {
        if self.elsewhere {
            return None;
        }
        let names = wanted.names.and_then(|names| Some(Glob::new(names).ok()?.compile_matcher()));
        let is_one = |one: &&Connection| match &names {
            Some(names) => names.is_match(&one.name),
            None => one.may_receive(wanted.deliver_subject),
        };
        let found: Vec<_> = self.all.iter().filter(is_one).collect();
        if found.is_empty() && self.more {
            return None;
        }
        let ages = |time: fn(&Connection) -> &str| {
            let ages = found.iter().filter_map(move |one| Some(self.now? - epoch(time(one))?));
            ages.map(|age| age.max(0.0)).min_by(f64::total_cmp)
        };
        Some(Workers {
            connected: found.len() as u64,
            silence: ages(|one| &one.last_activity),
            newest: ages(|one| &one.start),
        })
    }
}

impl Connection {
    /// Whether it has a subscription that could receive jobs.
    fn may_receive(&self, deliver_subject: &str) -> bool {
        let listed = &self.subscriptions_list;
        if !deliver_subject.is_empty() {
            return listed.iter().any(|subject| covers(subject, deliver_subject));
        }
        // A pull goes to an inbox that libraries name as they like. That of nats-py ends in a NUID, while
        // `_INBOX.<NUID>.*`, which whoever publishes has as well, is for answers to requests alone.
        if self.lang == "python3" && listed.len() as u64 == self.subscriptions {
            return listed.iter().any(|subject| is_inbox(subject));
        }
        self.subscriptions > 0 || !listed.is_empty()
    }
}

fn is_inbox(subject: &str) -> bool {
    let last = subject.rsplit('.').next().unwrap_or_default();
    subject == ">" || (last.len() == NUID && last.bytes().all(|sign| sign.is_ascii_alphanumeric()))
}

/// Whether what goes to `subject` reaches a subscription.
fn covers(subscription: &str, subject: &str) -> bool {
    let mut wanted = subject.split('.');
    for token in subscription.split('.') {
        match (token, wanted.next()) {
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (token, Some(other)) if token == other => {}
            _ => return false,
        }
    }
    wanted.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::json;

    fn answer<T: serde::de::DeserializeOwned>(text: &str) -> Json<T> {
        Json { status: 200, value: json::from_slice(text.as_bytes()), took: Duration::ZERO }
    }

    fn seen(connections: &str, total: u64, varz: &str) -> Result<Connections, Failure> {
        let connz = format!(
            "{{\"server_id\": \"N\", \"now\": \"2026-12-01T13:35:40Z\", \"total\": {total}, \"connections\": {connections}}}"
        );
        connections_of(&connz, &format!("{{\"server_id\": \"N\"{varz}}}"))
    }

    fn connections_of(connz: &str, varz: &str) -> Result<Connections, Failure> {
        connections(answer(connz), answer(varz))
    }

    fn one(name: &str, lang: &str, subjects: &[&str]) -> String {
        format!(
            "{{\"name\": \"{name}\", \"lang\": \"{lang}\", \"subscriptions\": {}, \"subscriptions_list\": {subjects:?}, \
              \"start\": \"2026-12-01T13:35:10Z\", \"last_activity\": \"2026-12-01T13:35:31.5Z\"}}",
            subjects.len()
        )
    }

    const ANSWERS: &str = "_INBOX.KXFRt63w7cTV5f2rnqUuH6.*";
    const JOBS: &str = "_INBOX.KXFRt63w7cTV5f2rnqUuRD";

    fn count(connections: &[String], names: Option<&str>, deliver_subject: &str) -> Option<u64> {
        let list = format!("[{}]", connections.join(","));
        let seen = seen(&list, connections.len() as u64, "").unwrap();
        Some(seen.workers(&Wanted { names, deliver_subject })?.connected)
    }

    /// As nats-py 2.16 has it: whoever publishes is no worker.
    #[test]
    fn who_may_be_a_worker() {
        let publisher = one("", "python3", &[ANSWERS]);
        let worker = one("", "python3", &[ANSWERS, JOBS]);
        let listener = one("api", "python3", &[ANSWERS, "events.*"]);
        let other = one("w-1", "go", &[ANSWERS]);
        let mute = one("w-2", "go", &[]);
        let everybody = [&publisher, &worker, &listener, &other, &mute].map(Clone::clone);
        assert_eq!(count(&everybody, None, ""), Some(2));
        assert_eq!(count(&[publisher.clone(), listener.clone()], None, ""), Some(0));
        assert_eq!(count(&everybody, Some("w-*"), ""), Some(2));
        assert_eq!(count(&everybody, Some("gone*"), ""), Some(0));
        assert_eq!(count(&everybody, None, "events.new"), Some(1));
        assert_eq!(count(&everybody, None, "orders.new"), Some(0));
        assert_eq!(count(&[], None, ""), Some(0));
    }

    #[test]
    fn what_cannot_be_seen_is_not_said() {
        let wanted = Wanted { names: Some("w*"), deliver_subject: "" };
        let workers = |connections: &str, total, varz: &str| {
            seen(connections, total, varz).unwrap().workers(&wanted)
        };
        assert_eq!(workers("null", 0, "").unwrap().connected, 0);
        for elsewhere in [
            ", \"routes\": 1",
            ", \"leafnodes\": 1",
            ", \"cluster\": {\"name\": \"c\"}",
            ", \"gateway\": {\"name\": \"g\"}",
        ] {
            assert_eq!(workers("null", 0, elsewhere), None, "{elsewhere}");
        }
        // Beyond the first page there may be one.
        let list = format!("[{}]", one("api", "go", &["a"]));
        assert_eq!(workers(&list, 2000, ""), None);
        let list = format!("[{}]", one("w1", "go", &["a"]));
        let found = workers(&list, 2000, "").unwrap();
        assert_eq!((found.connected, found.silence, found.newest), (1, Some(8.5), Some(30.0)));
        let failure = connections_of("{\"server_id\": \"\"}", "{\"server_id\": \"\"}");
        assert!(failure.is_err());
        assert!(connections_of("{\"server_id\": \"A\"}", "{\"server_id\": \"B\"}").is_err());
    }

    #[test]
    fn subjects_that_reach_a_subscription() {
        for (subscription, reaches) in [
            ("a.b", true),
            ("a.*", true),
            ("a.>", true),
            (">", true),
            ("a", false),
            ("a.b.>", false),
            ("*.c", false),
        ] {
            assert_eq!(covers(subscription, "a.b"), reaches, "{subscription}");
        }
    }

    #[test]
    fn patterns_for_names() {
        assert!(mistake("worker-*").is_none());
        assert!(mistake("").is_some() && mistake("a[").is_some());
    }
}
