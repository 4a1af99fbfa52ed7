//! What Redis says of a queue, pure.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::config::Wanted;
use super::{Raw, Reader, Sizes, Stream};
use crate::clients::redis::Reply;
use crate::collectors::queue::model::{Condition, Observed, State};
use crate::failure::{Failure, Reason};

pub const CONDITIONS: &[Condition] = &[
    Condition::Idle,
    Condition::Busy,
    Condition::Saturated,
    Condition::Stalled,
    Condition::NoWorkers,
    Condition::Poisoned,
    Condition::Unknown,
];

/// A worker that has not asked for this long is not there, in milliseconds; a library's longest wait for a job
/// is some seconds, and who waits for ever gets the next one at once.
const GONE: f64 = 60_000.0;

/// Commands by which jobs are taken from a list or a sorted set.
const TAKES: [&str; 13] = [
    "brpop",
    "blpop",
    "rpop",
    "lpop",
    "brpoplpush",
    "rpoplpush",
    "blmove",
    "lmove",
    "blmpop",
    "lmpop",
    "bzpopmin",
    "zpopmin",
    "zrangebyscore",
];

/// A queue, and what of it cannot be seen.
#[derive(Debug)]
pub struct Said {
    pub queue: Observed,
    pub gaps: Vec<(&'static str, Failure)>,
}

pub fn parse(target: &str, raw: &Raw, of: &Reader) -> Result<Said, Failure> {
    let refusal = |text: &str| of.client.refusal(text);
    match (raw, &of.wanted) {
        (Raw::Keys(sizes), _) => keys(target, sizes, of.database, &refusal),
        (Raw::Stream(stream), Wanted::Stream { key, group }) => {
            streamed(target, stream, key, group, &refusal)
        }
        (Raw::Stream(_), Wanted::Keys(_)) => {
            Err(Failure::new(Reason::PANIC, "an answer of another kind of queue"))
        }
    }
}

/// Seconds and microseconds.
fn clock(time: &Reply) -> Option<f64> {
    match time.list() {
        [seconds, micros] => Some(seconds.number()? + micros.number()? / 1e6),
        _ => None,
    }
}

fn age(clock: Option<f64>, since: Option<f64>) -> Option<f64> {
    Some((clock? - since?).max(0.0))
}

fn keys(
    target: &str,
    sizes: &Sizes,
    database: u32,
    refusal: &dyn Fn(&str) -> Failure,
) -> Result<Said, Failure> {
    let mut gaps = Vec::new();
    let mut jobs: BTreeMap<State, u64> = BTreeMap::new();
    for (state, kind, size) in &sizes.of {
        match size_of(kind, size, refusal) {
            Ok(count) => {
                let sum = jobs.entry(*state).or_default();
                *sum = sum.saturating_add(count);
            }
            // That somebody waits cannot be known; all else is nothing without it.
            Err(failure) if *state == State::Pending => return Err(failure),
            Err(failure) => gaps.push((state.as_str(), failure)),
        }
    }
    let attended = match &sizes.clients {
        Reply::Text(list) => Some(takes(list, database)),
        Reply::Error(text) => {
            gaps.push(("whether workers ask for jobs", refusal(text)));
            None
        }
        // Or so many clients that nobody reads the list: some worker will be among them.
        _ => None,
    };
    let [_, begun] = sizes.begun.list() else {
        return Ok(said(target, jobs, None, attended, sizes, gaps));
    };
    let oldest = age(clock(&sizes.time), begun.number());
    Ok(said(target, jobs, oldest, attended, sizes, gaps))
}

fn said(
    target: &str,
    jobs: BTreeMap<State, u64>,
    oldest_processing: Option<f64>,
    attended: Option<bool>,
    sizes: &Sizes,
    gaps: Vec<(&'static str, Failure)>,
) -> Said {
    let begun = sizes.begun.list().first().and_then(Reply::text);
    let mut first = DefaultHasher::new();
    (sizes.next.text(), begun).hash(&mut first);
    // With none that waits, and nobody who says which are worked on, one that follows another looks the same.
    let known = begun.is_some() || jobs.get(&State::Pending).is_some_and(|waits| *waits > 0);
    let ends = [State::Processing, State::Completed, State::Failed, State::Dead];
    let ends = ends.iter().filter_map(|state| jobs.get(state).copied());
    let queue = Observed {
        progress: known.then(|| [first.finish()].into_iter().chain(ends).collect()),
        oldest: oldest_processing.map(|age| (State::Processing, age)).into_iter().collect(),
        oldest_processing,
        attended,
        jobs,
        ..Observed::named(target)
    };
    Said { queue, gaps }
}

/// The entries of a key by the answers to TYPE and to what counts them.
fn size_of(kind: &Reply, size: &Reply, refusal: &dyn Fn(&str) -> Failure) -> Result<u64, Failure> {
    match (kind, size) {
        (Reply::Error(text), _) | (_, Reply::Error(text)) => Err(refusal(text)),
        (Reply::Text(kind), _) if kind == "none" => Ok(0),
        (_, size) => size.count().ok_or_else(|| {
            let hint = "lists, sets, sorted sets, hashes, streams and texts that are numbers count";
            Failure::new(Reason::PARSE, "the key is nothing that can be counted").hint(hint)
        }),
    }
}

/// Whether any client of the database takes jobs, or did so last: `id=3 db=0 flags=b cmd=brpop`.
fn takes(list: &str, database: u32) -> bool {
    let here = format!("db={database}");
    list.lines().any(|line| {
        let mut words = line.split(' ');
        let command = words.clone().find_map(|word| word.strip_prefix("cmd="));
        let takes = command.is_some_and(|command| TAKES.contains(&command));
        takes && words.any(|word| word == here)
    })
}

/// The group of this name in the answer to `XINFO GROUPS`.
pub fn group<'a>(groups: &'a Reply, name: &str) -> Option<&'a Reply> {
    let named = |group: &&Reply| group.field("name").and_then(Reply::text) == Some(name);
    groups.list().iter().find(named)
}

/// The group, or that it or its stream is not there.
fn group_of<'a>(
    said: &'a Stream,
    key: &str,
    name: &str,
    refusal: &dyn Fn(&str) -> Failure,
) -> Result<&'a Reply, Failure> {
    let missing = |what: String, hint: String| Failure::new(Reason::NOT_FOUND, what).hint(hint);
    if let Reply::Error(text) = &said.groups {
        let gone = text.to_lowercase().contains("no such key");
        let hint = "it is made by the first job, or by the first worker";
        return Err(if gone {
            missing(format!("there is no stream `{key}`"), hint.to_owned())
        } else if text.starts_with("WRONGTYPE") {
            let hint = format!("redis-cli TYPE '{key}'; a list goes under `keys`");
            missing(format!("`{key}` is no stream"), hint)
        } else {
            refusal(text)
        });
    }
    group(&said.groups, name).ok_or_else(|| {
        let names = said.groups.list().iter().filter_map(|it| it.field("name")?.text());
        let names: Vec<&str> = names.take(5).collect();
        let known = if names.is_empty() {
            "it has none yet: the first worker makes it".to_owned()
        } else {
            format!("it has `{}`", names.join("`, `"))
        };
        missing(format!("the stream `{key}` has no group `{name}`"), known)
    })
}

fn streamed(
    target: &str,
    said: &Stream,
    key: &str,
    name: &str,
    refusal: &dyn Fn(&str) -> Failure,
) -> Result<Said, Failure> {
    let group = group_of(said, key, name, refusal)?;
    let mut gaps = Vec::new();
    let time = clock(&said.time);
    let next = next_entry(&said.next);
    let number = |name: &str| group.field(name).and_then(Reply::count);
    // After entries were deleted the server does not know any more, unless there is none at all.
    let waits = number("lag").or((next == Next::None).then_some(0));
    if waits.is_none() {
        let text = "Redis cannot tell how many wait (lag): entries were deleted, or it is older than version 7";
        gaps.push((
            "jobs that wait",
            Failure::new(Reason::PROTOCOL, text).hint("trim with XTRIM or MAXLEN, not with XDEL"),
        ));
    }
    let processing = number("pending");
    let (ages, oldest) = in_work(&said.pending, processing);
    let counts = [(State::Pending, waits), (State::Processing, processing)];
    let since = match next {
        Next::At(since) if waits != Some(0) => age(time, Some(since)),
        _ => None,
    };
    let workers = workers(&said.consumers);
    let queue = Observed {
        jobs: counts.into_iter().filter_map(|(state, count)| Some((state, count?))).collect(),
        oldest: [(State::Pending, since), (State::Processing, oldest)]
            .into_iter()
            .filter_map(|(state, age)| Some((state, age?)))
            .collect(),
        processing_ages: ages,
        oldest_processing: oldest,
        idle_workers: workers.map(|(_, idle)| idle),
        attended: workers.map(|(here, _)| here > 0),
        progress: Some(progress(group, &said.pending)),
        ..Observed::named(target)
    };
    Ok(Said { queue, gaps })
}

#[derive(Clone, Copy, PartialEq)]
enum Next {
    /// When it was put in, in seconds since 1970.
    At(f64),
    None,
    Unknown,
}

/// The first entry that nobody has been given: `[[id, fields]]`.
fn next_entry(reply: &Reply) -> Next {
    match reply {
        Reply::List(entries) => match entries.first() {
            None => Next::None,
            Some(entry) => {
                let id = entry.list().first().and_then(Reply::text);
                id.and_then(milliseconds).map_or(Next::Unknown, |at| Next::At(at / 1000.0))
            }
        },
        _ => Next::Unknown,
    }
}

/// Of an id, `1700000000000-0`.
fn milliseconds(id: &str) -> Option<f64> {
    id.split('-').next()?.parse::<u64>().ok().map(|at| at as f64)
}

/// For how long each job has been worked on, if all are in the answer, and the longest.
fn in_work(pending: &Reply, count: Option<u64>) -> (Option<Vec<f64>>, Option<f64>) {
    let idle = |entry: &Reply| entry.list().get(2).and_then(Reply::number).map(|ms| ms / 1000.0);
    let ages: Vec<f64> = pending.list().iter().filter_map(idle).collect();
    let oldest = ages
        .iter()
        .copied()
        .fold(None, |most: Option<f64>, age| Some(most.map_or(age, |most| most.max(age))));
    let all = count.is_some_and(|count| ages.len() as u64 >= count);
    (all.then_some(ages), oldest)
}

/// Members that have asked of late, and how many of these hold no job.
fn workers(consumers: &Reply) -> Option<(u64, u64)> {
    let Reply::List(members) = consumers else { return None };
    let asks = |member: &&Reply| {
        member.field("idle").and_then(Reply::number).is_some_and(|idle| idle < GONE)
    };
    let here: Vec<_> = members.iter().filter(asks).collect();
    let free = |member: &&&Reply| member.field("pending").and_then(Reply::count) == Some(0);
    Some((here.len() as u64, here.iter().filter(free).count() as u64))
}

/// What changes whenever a job is given out or ends: the last that was given out, how many are held, and which
/// is the oldest of these.
fn progress(group: &Reply, pending: &Reply) -> Vec<u64> {
    let mut last = DefaultHasher::new();
    group.field("last-delivered-id").and_then(Reply::text).hash(&mut last);
    let oldest = pending.list().first().and_then(|entry| entry.list().first());
    oldest.and_then(Reply::text).hash(&mut last);
    let held = group.field("pending").and_then(Reply::count);
    vec![last.finish(), held.unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Reply {
        Reply::Text(text.to_owned())
    }

    fn fields(pairs: &[(&str, Reply)]) -> Reply {
        Reply::List(pairs.iter().flat_map(|(key, value)| [text(key), value.clone()]).collect())
    }

    fn refusal(text: &str) -> Failure {
        Failure::new(Reason::RIGHTS, text.to_owned())
    }

    fn time() -> Reply {
        Reply::List(vec![text("1700000100"), text("500000")])
    }

    fn lists(of: Vec<(State, Reply, Reply)>, clients: Reply) -> Sizes {
        let begun = Reply::List(vec![text("id"), text("1700000040.5")]);
        Sizes { time: time(), of, next: text("job"), begun, clients }
    }

    #[test]
    fn keys_count_what_is_in_them() {
        let of = vec![
            (State::Pending, text("list"), Reply::Number(3)),
            (State::Pending, text("none"), text("none")),
            (State::Pending, text("list"), Reply::Number(2)),
            (State::Processing, text("hash"), Reply::Number(4)),
            (State::Completed, text("string"), text("17")),
            (State::Failed, text("string"), text("no number")),
            (State::Dead, text("set"), Reply::Error("NOPERM this user".to_owned())),
        ];
        let clients = text("id=3 db=0 flags=b cmd=brpop user=default\nid=4 db=1 cmd=client|list\n");
        let sizes = lists(of, clients);
        let said = keys("q", &sizes, 0, &refusal).unwrap();
        let jobs = [(State::Pending, 5), (State::Processing, 4), (State::Completed, 17)];
        assert_eq!(said.queue.jobs, jobs.into());
        assert_eq!(said.queue.oldest_processing, Some(60.0));
        assert_eq!(said.queue.attended, Some(true));
        let gaps: Vec<_> = said.gaps.iter().map(|(what, it)| (*what, it.reason)).collect();
        assert_eq!(gaps, [("failed", Reason::PARSE), ("dead", Reason::RIGHTS)]);
        // A client of another database is no worker of this one.
        assert_eq!(keys("q", &sizes, 1, &refusal).unwrap().queue.attended, Some(false));
    }

    #[test]
    fn without_those_that_wait_nothing_is_known() {
        let of = vec![(State::Pending, text("list"), Reply::Error("WRONGTYPE".to_owned()))];
        assert!(keys("q", &lists(of, Reply::Nil), 0, &refusal).is_err());
        let of = vec![(State::Pending, text("string"), text("x"))];
        let failure = keys("q", &lists(of, Reply::Nil), 0, &refusal).unwrap_err();
        assert_eq!(failure.reason, Reason::PARSE);
        let of = vec![(State::Pending, text("none"), text("none"))];
        let said = keys("q", &lists(of, Reply::Error("NOPERM".to_owned())), 0, &refusal).unwrap();
        assert_eq!((said.queue.attended, said.gaps.len()), (None, 1));
    }

    #[test]
    fn another_job_is_progress() {
        let of = |count| vec![(State::Pending, text("list"), Reply::Number(count))];
        let mut sizes = lists(of(5), Reply::Nil);
        let progress = |sizes: &Sizes| keys("q", sizes, 0, &refusal).unwrap().queue.progress;
        let before = progress(&sizes);
        sizes.of = of(9);
        assert_eq!(progress(&sizes), before, "more that wait");
        sizes.next = text("another");
        assert_ne!(progress(&sizes), before);
        let before = progress(&sizes);
        sizes.begun = Reply::List(vec![text("another id"), text("1700000050")]);
        assert_ne!(progress(&sizes), before, "the one that was begun first has ended");
    }

    #[test]
    fn one_job_after_another_is_no_stall() {
        let of = |waits| {
            let held = (State::Processing, text("list"), Reply::Number(1));
            vec![(State::Pending, text("list"), Reply::Number(waits)), held]
        };
        let progress = |waits| {
            let sizes = Sizes { begun: Reply::Nil, ..lists(of(waits), Reply::Nil) };
            keys("q", &sizes, 0, &refusal).unwrap().queue.progress
        };
        assert_eq!(progress(0), None);
        assert!(progress(3).is_some());
    }

    fn stream(lag: &Reply, next: Reply) -> Stream {
        let group = |name: &str| {
            fields(&[
                ("name", text(name)),
                ("pending", Reply::Number(2)),
                ("last-delivered-id", text("1700000000000-0")),
                ("lag", lag.clone()),
            ])
        };
        let worker = |idle, pending| {
            fields(&[("idle", Reply::Number(idle)), ("pending", Reply::Number(pending))])
        };
        let held = |id: &str, idle| {
            Reply::List(vec![text(id), text("w"), Reply::Number(idle), Reply::Number(1)])
        };
        Stream {
            time: time(),
            groups: Reply::List(vec![group("other"), group("g")]),
            consumers: Reply::List(vec![worker(900, 0), worker(5000, 2), worker(90_000, 0)]),
            pending: Reply::List(vec![held("1-0", 4000), held("2-0", 7500)]),
            next,
        }
    }

    fn entry(id: &str) -> Reply {
        Reply::List(vec![Reply::List(vec![text(id), Reply::Long])])
    }

    #[test]
    fn a_stream_is_told_by_its_group() {
        let raw = stream(&Reply::Number(7), entry("1700000090000-3"));
        let said = streamed("q", &raw, "s", "g", &refusal).unwrap();
        assert_eq!(said.queue.jobs, [(State::Pending, 7), (State::Processing, 2)].into());
        let oldest = [(State::Pending, 10.5), (State::Processing, 7.5)];
        assert_eq!(said.queue.oldest, oldest.into());
        assert_eq!(said.queue.processing_ages, Some(vec![4.0, 7.5]));
        assert_eq!((said.queue.idle_workers, said.queue.attended), (Some(1), Some(true)));
        assert!(said.gaps.is_empty());
    }

    #[test]
    fn what_the_server_does_not_know_is_absent() {
        let raw = stream(&Reply::Nil, entry("1700000090000-3"));
        let said = streamed("q", &raw, "s", "g", &refusal).unwrap();
        assert_eq!(said.queue.jobs, [(State::Processing, 2)].into());
        assert_eq!(said.gaps.len(), 1);
        // Nothing behind the last one that was given out: none waits.
        let raw = stream(&Reply::Nil, Reply::List(vec![]));
        let said = streamed("q", &raw, "s", "g", &refusal).unwrap();
        assert_eq!(said.queue.jobs[&State::Pending], 0);
        assert!(said.gaps.is_empty() && !said.queue.oldest.contains_key(&State::Pending));
    }

    #[test]
    fn what_is_not_there_is_named() {
        let told = |groups: Reply, wanted: &str| {
            let raw = Stream { groups, ..stream(&Reply::Nil, Reply::Nil) };
            let failure = streamed("q", &raw, "jobs", wanted, &refusal).unwrap_err();
            (failure.reason, format!("{failure} {}", failure.hint.clone().unwrap_or_default()))
        };
        let (reason, text) = told(Reply::Error("ERR no such key".to_owned()), "g");
        assert_eq!(reason, Reason::NOT_FOUND);
        assert!(text.contains("no stream `jobs`"), "{text}");
        let wrong = "WRONGTYPE Operation against a key holding the wrong kind of value";
        let (_, text) = told(Reply::Error(wrong.to_owned()), "g");
        assert!(text.contains("`jobs` is no stream") && text.contains("redis-cli TYPE"), "{text}");
        let (_, text) = told(stream(&Reply::Nil, Reply::Nil).groups, "h");
        assert!(text.contains("no group `h`") && text.contains("`other`, `g`"), "{text}");
        let (_, text) = told(Reply::List(vec![]), "g");
        assert!(text.contains("the first worker makes it"), "{text}");
        assert_eq!(told(Reply::Error("NOPERM".to_owned()), "g").0, Reason::RIGHTS);
    }
}
