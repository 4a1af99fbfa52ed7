//! What RabbitMQ says of its queues, pure. Fields are optional: kinds of queues and versions differ.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::Value;

use super::Wanted;
use crate::clients::http::Json;
use crate::collectors::queue::model::{Condition, Observed, State};
use crate::failure::{Failure, Reason};

pub const CONDITIONS: &[Condition] = &[
    Condition::Idle,
    Condition::Busy,
    Condition::Saturated,
    Condition::Stalled,
    Condition::NoWorkers,
    Condition::Unknown,
];

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Queue {
    name: String,
    state: Option<String>,
    consumers: Option<u64>,
    auto_delete: Option<bool>,
    exclusive: Option<bool>,
    messages_ready: Option<u64>,
    messages_unacknowledged: Option<u64>,
    /// Seconds since 1970, where whoever has published has said it.
    head_message_timestamp: Option<Value>,
    /// An object, and where it would be empty `[]`.
    message_stats: Option<Value>,
    arguments: Option<Value>,
    effective_policy_definition: Option<Value>,
}

pub struct Said {
    pub queues: Vec<Observed>,
    pub gaps: Vec<(&'static str, Failure)>,
    /// Entries that were too many to be decoded.
    pub dropped: u64,
}

pub fn parse(
    answer: Json<Vec<Queue>>,
    vhost: &str,
    wanted: &Wanted,
    now: SystemTime,
) -> Result<Said, Failure> {
    let hint =
        "is this the port of the management plugin? rabbitmq-plugins enable rabbitmq_management";
    if answer.status == 404 {
        let text = format!("there is no virtual host `{vhost}`");
        let hint = "rabbitmqctl list_vhosts; or the management plugin is not at this address";
        return Err(Failure::new(Reason::NOT_FOUND, text).hint(hint));
    }
    let decoded = answer.good("/api/queues", hint)?;
    let mut gaps = Vec::new();
    let told = |queue: &Queue| {
        if wanted.patterns.is_empty() {
            queue.auto_delete != Some(true) && queue.exclusive != Some(true)
        } else {
            wanted.set.is_match(&queue.name)
        }
    };
    let queues: Vec<Queue> = decoded.value.into_iter().filter(told).collect();
    let down: Vec<&str> = queues.iter().filter(|it| it.is_down()).map(|it| &*it.name).collect();
    if let Some(first) = down.first() {
        let text = format!("{} are down, such as `{first}`", down.len());
        let hint =
            "rabbitmqctl list_queues name state; the node that has them is gone, or its data is";
        gaps.push(("queues that are down", Failure::new(Reason::PROTOCOL, text).hint(hint)));
    }
    // A pattern may well have nothing at the moment, and a name may not.
    let plain = wanted.patterns.iter().filter(|name| !name.contains(['*', '?', '[', '{', '\\']));
    let missing: Vec<&String> =
        plain.filter(|name| !queues.iter().any(|queue| queue.name == **name)).collect();
    if let Some(first) = missing.first() {
        let text = format!("there is no queue `{first}` in the virtual host `{vhost}`");
        let hint = "whoever uses it makes it when it starts: rabbitmqctl list_queues -p VHOST name";
        gaps.push(("a declared queue", Failure::new(Reason::NOT_FOUND, text).hint(hint)));
    }
    let absent = missing.into_iter().map(Observed::named);
    let now = now.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs_f64());
    let seen = queues.iter().map(|queue| queue.observed(now));
    Ok(Said { queues: seen.chain(absent).collect(), gaps, dropped: decoded.dropped })
}

impl Queue {
    fn is_down(&self) -> bool {
        matches!(self.state.as_deref(), Some("down" | "crashed" | "stopped" | "minority"))
    }

    fn observed(&self, now: Option<f64>) -> Observed {
        // Of one that is down the numbers are old.
        if self.is_down() {
            return Observed::named(&self.name);
        }
        let counts = [
            (State::Pending, self.messages_ready),
            (State::Processing, self.messages_unacknowledged),
        ];
        let since = self.head_message_timestamp.as_ref().and_then(Value::as_f64);
        let age = since.zip(now).map(|(since, now)| (now - since).max(0.0));
        let age = age.filter(|_| self.messages_ready > Some(0));
        let stats = self.message_stats.as_ref();
        Observed {
            jobs: counts.into_iter().filter_map(|(state, count)| Some((state, count?))).collect(),
            oldest: age.map(|age| (State::Pending, age)).into_iter().collect(),
            attended: self.consumers.map(|consumers| consumers > 0),
            capacity: self.limit(),
            progress: Some(vec![
                number(stats, "deliver_get").unwrap_or_default(),
                number(stats, "ack").unwrap_or_default(),
                self.messages_unacknowledged.unwrap_or_default(),
            ]),
            ..Observed::named(&self.name)
        }
    }

    /// The smaller of the limits in its arguments and by a policy, as the server has it.
    fn limit(&self) -> Option<u64> {
        let own = number(self.arguments.as_ref(), "x-max-length");
        let policy = number(self.effective_policy_definition.as_ref(), "max-length");
        own.into_iter().chain(policy).min()
    }
}

fn number(of: Option<&Value>, key: &str) -> Option<u64> {
    of?.get(key)?.as_u64()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clients::json;
    use crate::collectors::queue::rabbitmq::config::RabbitMq;
    use crate::config::SafeUrl;

    fn wanted(queues: &[&str]) -> Wanted {
        let queues = queues.iter().map(ToString::to_string).collect();
        let url = SafeUrl::new("http://h:15672");
        RabbitMq { url, access: crate::config::Access::default(), vhost: "/".into(), queues }
            .wanted()
            .unwrap()
    }

    fn read(status: u16, body: &str, queues: &[&str]) -> Result<Said, Failure> {
        let value = json::from_slice(body.as_bytes());
        let answer = Json { status, value, took: Duration::ZERO };
        parse(answer, "/", &wanted(queues), UNIX_EPOCH + Duration::from_secs(1000))
    }

    /// Of RabbitMQ 3.10.8, with one more queue of each odd kind.
    const ANSWER: &str = r#"[
        {"arguments":{"x-max-length":100},"auto_delete":false,"consumers":2,"effective_policy_definition":{"max-length":50},
         "exclusive":false,"head_message_timestamp":940,"message_stats":{"ack":3,"deliver_get":5},
         "messages_ready":7,"messages_unacknowledged":2,"name":"jobs","state":"running"},
        {"arguments":{},"auto_delete":true,"consumers":1,"exclusive":true,"head_message_timestamp":null,
         "messages_ready":0,"messages_unacknowledged":0,"name":"celery@host.celery.pidbox","state":"running"},
        {"arguments":{},"auto_delete":false,"consumers":0,"exclusive":false,"message_stats":[],"messages_ready":9,
         "messages_unacknowledged":0,"name":"mail.out","state":"down"},
        {"name":"new"}]"#;

    #[test]
    fn queues_that_stay_are_told() {
        let said = read(200, ANSWER, &[]).unwrap();
        let names: Vec<_> = said.queues.iter().map(|seen| seen.queue.as_str()).collect();
        assert_eq!(names, ["jobs", "mail.out", "new"]);
        let jobs = &said.queues[0];
        assert_eq!(jobs.jobs, [(State::Pending, 7), (State::Processing, 2)].into());
        assert_eq!(jobs.oldest, [(State::Pending, 60.0)].into());
        assert_eq!((jobs.attended, jobs.capacity), (Some(true), Some(50)));
        assert_eq!(jobs.progress, Some(vec![5, 3, 2]));
        // What is down is unknown, and not what it was last.
        assert_eq!(said.queues[1], Observed::named("mail.out"));
        assert_eq!((&said.queues[2].jobs, said.queues[2].attended), (&[].into(), None));
        let gaps: Vec<_> = said.gaps.iter().map(|(_, it)| it.to_string()).collect();
        assert_eq!(gaps.len(), 1);
        assert!(gaps[0].contains("mail.out"), "{gaps:?}");
    }

    #[test]
    fn patterns_and_names_choose() {
        let said = read(200, ANSWER, &["j*", "celery@*", "gone", "none-*"]).unwrap();
        let names: Vec<_> = said.queues.iter().map(|seen| seen.queue.as_str()).collect();
        assert_eq!(names, ["jobs", "celery@host.celery.pidbox", "gone"]);
        assert_eq!(said.gaps.len(), 1);
        assert!(said.gaps[0].1.to_string().contains("no queue `gone`"));
    }

    #[test]
    fn other_answers_are_failures() {
        for (status, body, reason) in [
            (404, r#"{"error":"Object Not Found","reason":"Not Found"}"#, Reason::NOT_FOUND),
            (500, "[]", Reason::PROTOCOL),
            (200, "<html>", Reason::PARSE),
            (200, "{}", Reason::PARSE),
        ] {
            let failure = read(status, body, &[]).err().unwrap();
            assert_eq!(failure.reason, reason, "{status} {body}: {failure}");
        }
        assert!(read(200, "[]", &[]).unwrap().queues.is_empty());
    }
}
