//! What the sources say, as rows of one model.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::config::{Limits, Preset};
use super::fetch::{Raw, Source};
use super::model::{Condition, History, Observed, State};
use super::{json, jsz, rabbitmq, redis, table};
use crate::catalogue::Batch;
use crate::failure::{Failure, Reason};

/// Queues of one target beyond this are left out and counted, as are names longer than that.
const QUEUES: usize = 200;
const NAME: usize = 128;

/// How what is read is understood.
pub struct Rules {
    pub target: String,
    pub states: BTreeMap<String, State>,
    pub limits: BTreeMap<String, Limits>,
    pub preset: Option<Preset>,
    /// For all queues of the target.
    pub common: Limits,
}

impl Rules {
    pub fn limits_of(&self, queue: &str) -> Limits {
        let own = self.limits.get(queue).copied().unwrap_or_default();
        let preset = self.preset.map(|preset| preset.limits(queue)).unwrap_or_default();
        own.or(self.common).or(preset)
    }
}

pub fn sample(
    rules: &Rules,
    source: &Source,
    raw: Raw,
    history: &mut History,
    now: SystemTime,
) -> Result<Batch, Failure> {
    let mut batch = Batch::new();
    // In a table there are no rows of what is empty.
    let unknown = |name: &str| Observed::named(name);
    let absent = if matches!(raw, Raw::Table(_)) { table::empty } else { unknown };
    let (queues, conditions) = match (source, raw) {
        (Source::Http { paths, .. }, Raw::Json(answer)) => {
            let said = json::parse(&rules.target, answer, paths)?;
            batch = batch.with(vec![said.service]);
            batch = too_much(batch, said.dropped);
            match said.queues {
                Ok(queues) => (queues, json::CONDITIONS),
                Err(failure) => {
                    batch = batch.gap("the queues", failure);
                    (Vec::new(), json::CONDITIONS)
                }
            }
        }
        (Source::JetStream { wanted, .. }, Raw::Jsz(answer, connections)) => {
            let connections = connections.transpose();
            let unheard = connections.as_ref().err().cloned();
            let connections = connections.ok().flatten();
            let (queue, unknown) = jsz::parse(&rules.target, answer, wanted, connections.as_ref())?;
            let gaps = [("who is connected (/connz)", unheard), ("jobs that wait", unknown)];
            let gaps = gaps.into_iter().filter_map(|(what, failure)| Some((what, failure?)));
            batch = with_gaps(batch, gaps.collect());
            (vec![queue], jsz::CONDITIONS)
        }
        (Source::RabbitMq(reader), Raw::RabbitMq(answer)) => {
            let said = rabbitmq::sample::parse(answer, &reader.vhost, &reader.wanted, now)?;
            batch = too_much(batch, said.dropped);
            batch = with_gaps(batch, said.gaps);
            (said.queues, rabbitmq::sample::CONDITIONS)
        }
        (Source::Redis(reader), Raw::Redis(raw)) => {
            let said = redis::sample::parse(&rules.target, &raw, reader)?;
            batch = with_gaps(batch, said.gaps);
            (vec![said.queue], redis::sample::CONDITIONS)
        }
        (Source::Sql { .. } | Source::Sqlite(_), Raw::Table(rows)) => {
            if let Some((count, example)) = &rows.unread {
                batch = batch.gap("the age of jobs", unread(*count, example));
            }
            (table::observe(&rules.target, &rows, &rules.states)?, table::CONDITIONS)
        }
        _ => return Err(Failure::new(Reason::PANIC, "an answer of another kind of source")),
    };
    let (queues, dropped) = capped(queues, rules);
    let queues = with_declared(queues, rules, absent);
    let rows = history.rows(queues, conditions, |queue| rules.limits_of(queue), now);
    Ok(batch.with(rows).dropped("queues", dropped))
}

fn with_gaps(batch: Batch, gaps: Vec<(&'static str, Failure)>) -> Batch {
    gaps.into_iter().fold(batch, |batch, (what, failure)| batch.gap(what, failure))
}

fn unread(count: u64, example: &str) -> Failure {
    let text = format!("{count} times are in no form that is known, such as `{example}`");
    Failure::new(Reason::PARSE, text).hint(
        "ISO 8601 as `2026-01-31T12:00:00Z`, or seconds since 1970; else a `query` with oldest_age_seconds",
    )
}

/// Says that there was more in an answer than was decoded.
fn too_much(batch: Batch, dropped: u64) -> Batch {
    if dropped == 0 {
        return batch;
    }
    let text = format!("too much to be decoded, {dropped} entries were left out");
    batch.gap("the rest of the answer", Failure::new(Reason::PROTOCOL, text))
}

/// Queues with limits come first, so that no cap takes them: they would seem to be empty.
fn capped(mut queues: Vec<Observed>, rules: &Rules) -> (Vec<Observed>, u64) {
    let all = queues.len();
    let declared = |seen: &Observed| rules.limits.contains_key(&seen.queue);
    let fits = |seen: &Observed| seen.queue.len() <= NAME && !seen.queue.is_empty();
    queues.retain(|seen| declared(seen) || fits(seen));
    let cap = QUEUES.max(rules.limits.len());
    if queues.len() > cap {
        queues.sort_by_key(|seen| !declared(seen));
        queues.truncate(cap);
    }
    let dropped = all.saturating_sub(queues.len()) as u64;
    (queues, dropped)
}

/// A queue with limits is there also while the source does not know it: empty in a table, which
/// has no rows of it then, and unknown elsewhere.
fn with_declared(
    mut queues: Vec<Observed>,
    rules: &Rules,
    absent: fn(&str) -> Observed,
) -> Vec<Observed> {
    for name in rules.limits.keys() {
        if queues.iter().any(|seen| seen.queue == *name) {
            continue;
        }
        queues.push(absent(name));
    }
    queues
}

impl super::model::QueueRow {
    pub fn conditions(&self) -> impl Iterator<Item = (&'static str, bool)> {
        let present: Condition = self.condition;
        self.conditions.iter().map(move |one| (one.as_str(), *one == present))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cap_takes_no_queue_that_is_declared() {
        let long = "z".repeat(NAME + 1);
        let limits = ["z", &long].map(|name| (name.to_owned(), Limits::default())).into();
        let rules = Rules {
            target: "q".to_owned(),
            states: BTreeMap::new(),
            limits,
            preset: None,
            common: Limits::default(),
        };
        let mut seen: Vec<_> = (0..QUEUES).map(|n| Observed::named(format!("a{n}"))).collect();
        seen.extend([&long, "z"].map(Observed::named));
        let (kept, dropped) = capped(seen, &rules);
        let has = |name: &str| kept.iter().any(|seen| seen.queue == name);
        assert_eq!((kept.len(), dropped), (QUEUES, 2));
        assert!(has("z") && has(&long) && has("a0") && !has("a199"));
    }
}
