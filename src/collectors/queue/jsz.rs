//! One consumer in `/jsz?consumers=true&config=true`, pure. Fields are optional: versions differ.

use std::time::Duration;

use serde::Deserialize;

use super::config::JetStream;
use super::flow::Passed;
use super::model::{Condition, Observed, State};
use super::workers::{Connections, Wanted};
use crate::clients::http::Json;
use crate::clients::json::Decoded;
use crate::config::nearest;
use crate::failure::{Failure, Reason};
use crate::text::epoch;

pub const CONDITIONS: &[Condition] = &[
    Condition::Idle,
    Condition::Busy,
    Condition::Saturated,
    Condition::Stalled,
    Condition::NoWorkers,
    Condition::Poisoned,
    Condition::Paused,
    Condition::Unknown,
];

pub const PATH: &str = "/jsz?consumers=true&config=true";

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Jsz {
    server_id: String,
    disabled: bool,
    now: String,
    account_details: Vec<Account>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Account {
    name: String,
    stream_detail: Vec<Stream>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Stream {
    name: String,
    config: StreamConfig,
    state: StreamState,
    consumer_detail: Vec<Consumer>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct StreamConfig {
    retention: String,
    max_msgs: Option<i64>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct StreamState {
    messages: Option<u64>,
    first_seq: Option<u64>,
    first_ts: String,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Consumer {
    name: String,
    config: ConsumerConfig,
    delivered: Sequence,
    ack_floor: Sequence,
    num_pending: Option<u64>,
    num_ack_pending: Option<u64>,
    num_waiting: Option<u64>,
    push_bound: bool,
    /// From 2.11 on.
    paused: bool,
    cluster: Option<Cluster>,
}

/// The servers that keep the consumer. The one that is asked is not among the replicas.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Cluster {
    leader: String,
    replicas: Vec<Replica>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Replica {
    name: String,
}

impl Consumer {
    /// Why this server cannot say how many wait: only the leader counts them, and another's number is 0 or old.
    fn not_known_here(&self) -> Option<Failure> {
        let cluster = self.cluster.as_ref()?;
        if cluster.leader.is_empty() {
            let text = "the consumer has no leader, so nobody can be given a job";
            let hint = "is a majority of its servers up? `nats consumer cluster step-down` and `nats server report jetstream` show";
            return Some(Failure::new(Reason::OTHER, text).hint(hint));
        }
        let follows = cluster.replicas.iter().any(|replica| replica.name == cluster.leader);
        follows.then(|| {
            let text =
                "this server is not the consumer's leader, and only that counts the jobs that wait";
            Failure::new(Reason::OTHER, text)
                .hint("name a queue for each server of the cluster; the one with the leader tells")
        })
    }
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct ConsumerConfig {
    max_ack_pending: Option<i64>,
    /// Nanoseconds after which a job that nobody has ended is given to another worker.
    ack_wait: Option<u64>,
    deliver_subject: String,
    filter_subject: String,
    filter_subjects: Vec<String>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Sequence {
    consumer_seq: Option<u64>,
    stream_seq: Option<u64>,
}

const HINT: &str = "is this the monitoring port of a nats-server (usually 8222)?";

/// The queue, and why not all of it is known.
pub fn parse(
    target: &str,
    answer: Json<Jsz>,
    want: &JetStream,
    connections: Option<&Connections>,
) -> Result<(Observed, Option<Failure>), Failure> {
    let Decoded { value: jsz, dropped } = answer.good("/jsz", HINT)?;
    if jsz.server_id.is_empty() {
        let text = "/jsz: JSON without a `server_id`, which every NATS server has";
        return Err(Failure::new(Reason::PARSE, text).hint(HINT));
    }
    if jsz.disabled {
        let text = "JetStream is switched off on this server";
        return Err(Failure::new(Reason::NOT_FOUND, text).hint("start nats-server with `-js`"));
    }
    let accounts: Vec<&Account> = jsz
        .account_details
        .iter()
        .filter(|account| want.account.as_ref().is_none_or(|name| account.name == *name))
        .collect();
    if let Some(failure) = ambiguous(&accounts, want) {
        return Err(failure);
    }
    let streams: Vec<&Stream> = accounts.iter().flat_map(|a| &a.stream_detail).collect();
    let (stream, consumer) = find(&streams, want).map_err(|failure| {
        if dropped == 0 {
            return failure;
        }
        // It may stand where nobody has looked.
        let text = format!("/jsz: too much to be decoded, {dropped} entries were left out");
        Failure::new(Reason::PROTOCOL, text)
            .hint("look for consumers that nobody removes: `nats consumer ls STREAM`")
    })?;
    let unknown = consumer.not_known_here();
    let mut seen = observe(target, stream, consumer, &jsz.now, unknown.is_none());
    let wanted = Wanted {
        names: want.workers.as_deref(),
        deliver_subject: &consumer.config.deliver_subject,
    };
    if let Some(workers) = connections.and_then(|all| all.workers(&wanted)) {
        seen.workers = Some(workers);
    }
    Ok((seen, unknown))
}

/// Two accounts may have a stream and a consumer of the same names, which are two queues.
fn ambiguous(accounts: &[&Account], want: &JetStream) -> Option<Failure> {
    let has = |account: &&&Account| {
        let mut streams = account.stream_detail.iter().filter(|stream| stream.name == want.stream);
        streams.any(|stream| stream.consumer_detail.iter().any(|one| one.name == want.consumer))
    };
    let names: Vec<_> = accounts.iter().filter(has).map(|it| it.name.as_str()).take(5).collect();
    let [_, _, ..] = names.as_slice() else { return None };
    let text = format!(
        "the consumer `{}` of `{}` is in several accounts: `{}`",
        want.consumer,
        want.stream,
        names.join("`, `")
    );
    Some(Failure::new(Reason::NOT_FOUND, text).hint("say which with `account:`"))
}

/// Never 0 for a consumer that is not there: it has lost its jobs or never had any.
fn find<'a>(
    streams: &[&'a Stream],
    want: &JetStream,
) -> Result<(&'a Stream, &'a Consumer), Failure> {
    let gone = |what: &str, name: &str, near: Option<&str>| {
        let text = format!("the {what} `{name}` does not exist");
        let hint = near.map_or_else(
            || "has the application been started on this server, with this storage?".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        Failure::new(Reason::NOT_FOUND, text).hint(hint)
    };
    let same = streams.iter().filter(|stream| stream.name == want.stream);
    let consumers = same.clone().flat_map(|s| s.consumer_detail.iter().map(move |c| (*s, c)));
    if let Some(found) = consumers.clone().find(|(_, consumer)| consumer.name == want.consumer) {
        return Ok(found);
    }
    if same.count() == 0 {
        let names = streams.iter().map(|stream| stream.name.as_str());
        return Err(gone("stream", &want.stream, nearest(&want.stream, names)));
    }
    let names = consumers.map(|(_, consumer)| consumer.name.as_str());
    Err(gone("consumer", &want.consumer, nearest(&want.consumer, names)))
}

fn observe(target: &str, stream: &Stream, consumer: &Consumer, now: &str, known: bool) -> Observed {
    let limit = |limit: Option<i64>| limit.and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0);
    let (pending, processing) = (consumer.num_pending.filter(|_| known), consumer.num_ack_pending);
    // Only a work queue gives up what is done, so only there the stream is the queue.
    let work_queue = stream.config.retention == "workqueue";
    let alone = stream.consumer_detail.len() == 1
        && consumer.config.filter_subject.is_empty()
        && consumer.config.filter_subjects.is_empty();
    let dead = stream.state.messages.filter(|_| work_queue && alone).and_then(|messages| {
        // Deliveries are used up: neither pending nor processing, and still there.
        Some(messages.saturating_sub(pending?.saturating_add(processing?)))
    });
    let jobs = [(State::Pending, pending), (State::Processing, processing), (State::Dead, dead)];
    let jobs = jobs.into_iter().filter_map(|(state, count)| Some((state, count?)));
    let pull = consumer.config.deliver_subject.is_empty();
    let idle_workers = consumer.num_waiting.filter(|_| pull);
    Observed {
        jobs: jobs.collect(),
        oldest: oldest(stream, consumer, dead, now).into_iter().collect(),
        idle_workers,
        attended: if pull { idle_workers.map(|n| n > 0) } else { Some(consumer.push_bound) },
        // A push consumer says whether anybody is there, a pull consumer whether somebody asks.
        deserted: !pull && !consumer.push_bound,
        paused: consumer.paused,
        // Deliveries count on over a purge, which moves the sequence of the stream.
        passed: pending
            .zip(consumer.delivered.consumer_seq)
            .map(|(held, out)| Passed { held, out }),
        // The numbers are not of one moment: what ends in between looks like what was given up.
        doubts_dead: true,
        capacity: limit(stream.config.max_msgs).filter(|_| work_queue && alone),
        in_flight_limit: limit(consumer.config.max_ack_pending),
        ack_wait: consumer.config.ack_wait.map(Duration::from_nanos),
        // Without the sequence of deliveries: a hung worker's jobs are delivered again and again.
        progress: Some(
            [consumer.delivered.stream_seq, consumer.ack_floor.stream_seq, processing]
                .into_iter()
                .flatten()
                .collect(),
        ),
        ..Observed::named(target)
    }
}

/// The first message of a work queue is its oldest job, by the server's own clock.
fn oldest(
    stream: &Stream,
    consumer: &Consumer,
    dead: Option<u64>,
    now: &str,
) -> Option<(State, f64)> {
    if dead? > 0 || stream.state.messages? == 0 {
        return None;
    }
    let delivered = consumer.delivered.stream_seq.unwrap_or(0);
    let waits = stream.state.first_seq? > delivered;
    let age = epoch(now)? - epoch(&stream.state.first_ts)?;
    (age >= 0.0).then_some((if waits { State::Pending } else { State::Processing }, age))
}

#[cfg(test)]
mod tests {
    use super::super::config::JetStream;
    use super::super::model::State;
    use super::*;

    /// A server's answer with one account for each of these consumers.
    fn answer(consumers: &[(&str, &str)]) -> Json<Jsz> {
        let account = |(account, consumer): &(&str, &str)| {
            format!(
                "{{\"name\": \"{account}\", \"stream_detail\": [{{\"name\": \"TASKS\", \
                  \"config\": {{\"retention\": \"workqueue\"}}, \"state\": {{\"messages\": 40}}, \
                  \"consumer_detail\": [{{\"name\": \"workers\", {consumer}}}]}}]}}"
            )
        };
        let accounts: Vec<_> = consumers.iter().map(account).collect();
        let text =
            format!("{{\"server_id\": \"N\", \"account_details\": [{}]}}", accounts.join(","));
        let value = crate::clients::json::from_slice(text.as_bytes());
        Json { status: 200, value, took: Duration::ZERO }
    }

    fn wanted(account: Option<&str>) -> JetStream {
        JetStream {
            nats: None,
            url: None,
            access: crate::config::Access::default(),
            account: account.map(str::to_owned),
            stream: "TASKS".to_owned(),
            consumer: "workers".to_owned(),
            workers: None,
        }
    }

    #[test]
    fn only_the_leader_knows_how_many_wait() {
        let numbers = "\"num_pending\": 35, \"num_ack_pending\": 5";
        let cluster = |leader: &str| {
            format!(
                "{numbers}, \"cluster\": {{\"leader\": \"{leader}\", \"replicas\": [{{\"name\": \"n2\"}}, {{\"name\": \"n3\"}}]}}"
            )
        };
        for (consumer, pending, dead, why) in [
            (numbers.to_owned(), Some(35), Some(0), None),
            (cluster("n1"), Some(35), Some(0), None),
            (cluster("n2"), None, None, Some("this server is not the consumer's leader")),
            (cluster(""), None, None, Some("the consumer has no leader")),
        ] {
            let (seen, unknown) =
                parse("q", answer(&[("A", &consumer)]), &wanted(None), None).unwrap();
            let jobs = |state| seen.jobs.get(&state).copied();
            assert_eq!((jobs(State::Pending), jobs(State::Dead)), (pending, dead), "{consumer}");
            let said = unknown.map(|failure| failure.detail);
            assert_eq!(said.is_some(), why.is_some(), "{said:?}");
            assert!(why.is_none_or(|why| said.unwrap().starts_with(why)));
        }
    }

    #[test]
    fn a_name_in_two_accounts_is_two_queues() {
        let three = "\"num_pending\": 3, \"num_ack_pending\": 0";
        let fifty = "\"num_pending\": 50, \"num_ack_pending\": 0, \"paused\": true";
        let both = || answer(&[("A", three), ("B", fifty)]);
        let failure = parse("q", both(), &wanted(None), None).unwrap_err().to_string();
        assert!(failure.contains("several accounts: `A`, `B`"), "{failure}");
        for (account, pending, paused) in [("A", 3, false), ("B", 50, true)] {
            let (seen, _) = parse("q", both(), &wanted(Some(account)), None).unwrap();
            assert_eq!((seen.jobs[&State::Pending], seen.paused), (pending, paused));
        }
        assert!(parse("q", both(), &wanted(Some("C")), None).is_err());
    }
}
