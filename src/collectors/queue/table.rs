//! The rows of a query, pure: the same for PostgreSQL and SQLite.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Condition, Observed, State};
use crate::failure::{Failure, Reason};

/// Whether anybody works is not to be seen in a table.
pub const CONDITIONS: &[Condition] = &[
    Condition::Idle,
    Condition::Busy,
    Condition::Saturated,
    Condition::Stalled,
    Condition::Poisoned,
    Condition::Unknown,
];

/// The queue of rows that have none in their column.
const NONE: &str = "none";

/// An answer as text. NULL is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Option<String>>>,
    /// Queue and age of each job that is worked on, where they were asked for.
    pub processing: Option<Vec<(Option<String>, f64)>>,
    /// How many times of jobs are in no form that can be read, and one of them.
    pub unread: Option<(u64, String)>,
}

/// Where the columns stand.
struct Places {
    queue: Option<usize>,
    state: usize,
    count: usize,
    age: Option<usize>,
}

impl Places {
    fn find(columns: &[String]) -> Result<Self, Failure> {
        let at = |names: &[&str]| {
            columns.iter().position(|column| names.iter().any(|n| column.eq_ignore_ascii_case(n)))
        };
        let (state, count) = (at(&["state", "status"]), at(&["count", "count(*)", "jobs"]));
        let age = at(&["oldest_age_seconds"]);
        match (state, count) {
            (Some(state), Some(count)) => Ok(Self { queue: at(&["queue"]), state, count, age }),
            _ if columns.len() == 2 => Ok(Self { queue: None, state: 0, count: 1, age: None }),
            _ => {
                let text = "the query has no columns `state` and `count`";
                Err(Failure::new(Reason::PARSE, text)
                    .hint("name them: `select status as state, count(*) as count ...`"))
            }
        }
    }
}

/// Words for states that are none of those that are known or named.
pub fn unknown<'a>(table: &'a Table, states: &BTreeMap<String, State>) -> BTreeSet<&'a str> {
    let Ok(places) = Places::find(&table.columns) else { return BTreeSet::new() };
    let words = table.rows.iter().filter_map(|row| row.get(places.state)?.as_deref());
    words
        .filter(|word| !states.contains_key(*word) && State::of_word(word) == State::Other)
        .collect()
}

/// `target` names the queue where the rows name none, `states` the meaning of words.
pub fn observe(
    target: &str,
    table: &Table,
    states: &BTreeMap<String, State>,
) -> Result<Vec<Observed>, Failure> {
    let places = Places::find(&table.columns)?;
    let mut queues: BTreeMap<String, Observed> = BTreeMap::new();
    for (index, row) in table.rows.iter().enumerate() {
        let cell = |place: usize| row.get(place).and_then(Option::as_deref);
        let wrong = |what: &str| {
            let text = format!("row {} of the query: {what}", index + 1);
            Failure::new(Reason::PARSE, text)
        };
        let count = cell(places.count).map_or(Some(0), whole);
        let count = count.ok_or_else(|| wrong("`count` is not a whole number"))?;
        let state = cell(places.state).map_or(State::Other, |word| {
            states.get(word).copied().unwrap_or_else(|| State::of_word(word))
        });
        let name = places.queue.map_or(target, |place| cell(place).unwrap_or(NONE));
        let queue = queue_of(&mut queues, name);
        let jobs = queue.jobs.entry(state).or_default();
        *jobs = jobs.saturating_add(count);
        let age = places.age.and_then(cell);
        let age = age.map(|text| text.trim().parse::<f64>().map_err(|_| ()));
        let age = age.transpose().map_err(|()| wrong("`oldest_age_seconds` is not a number"))?;
        if let Some(age) = age.filter(|age| age.is_finite()) {
            // A clock that runs ahead of ours makes no job younger than new.
            let oldest = queue.oldest.entry(state).or_default();
            *oldest = oldest.max(age);
        }
    }
    if places.queue.is_none() {
        queue_of(&mut queues, target);
    }
    if let Some(processing) = &table.processing {
        for queue in queues.values_mut() {
            queue.processing_ages = Some(Vec::new());
        }
        for (name, age) in processing {
            let name = places.queue.map_or(target, |_| name.as_deref().unwrap_or(NONE));
            let ages = &mut queue_of(&mut queues, name).processing_ages;
            ages.get_or_insert_default().push(*age);
        }
    }
    Ok(queues.into_values().map(finished).collect())
}

/// Sums of databases have a point at times, and none over no rows.
fn whole(text: &str) -> Option<u64> {
    let text = text.trim();
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    whole.parse().ok().filter(|_| rest.bytes().all(|digit| digit == b'0'))
}

fn queue_of<'a>(queues: &'a mut BTreeMap<String, Observed>, name: &str) -> &'a mut Observed {
    queues.entry(name.to_owned()).or_insert_with(|| empty(name))
}

/// A queue without a row has no jobs: where nothing is left there is nothing to count.
pub fn empty(name: &str) -> Observed {
    let jobs = [(State::Pending, 0), (State::Processing, 0)];
    Observed { jobs: jobs.into(), ..Observed::named(name) }
}

fn finished(mut queue: Observed) -> Observed {
    match &queue.processing_ages {
        Some(ages) => {
            let oldest = ages.iter().copied().reduce(f64::max);
            queue.oldest.extend(oldest.map(|age| (State::Processing, age)));
        }
        None => queue.oldest_processing = queue.oldest.get(&State::Processing).copied(),
    }
    let ended = [State::Completed, State::Failed, State::Dead];
    // Where what is finished is removed or not counted, nobody can tell whether it goes on.
    if ended.iter().any(|state| queue.jobs.contains_key(state)) {
        let numbers = ended.iter().chain(&[State::Processing]);
        queue.progress =
            Some(numbers.map(|state| queue.jobs.get(state).copied().unwrap_or(0)).collect());
    }
    queue
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[&str], rows: &[&[&str]]) -> Table {
        let cell = |text: &&str| (*text != "NULL").then(|| (*text).to_owned());
        Table {
            columns: columns.iter().map(ToString::to_string).collect(),
            rows: rows.iter().map(|row| row.iter().map(cell).collect()).collect(),
            ..Table::default()
        }
    }

    /// What the configuration says.
    fn held() -> BTreeMap<String, State> {
        [("held".to_owned(), State::Scheduled)].into()
    }

    fn seen(table: &Table) -> Result<String, String> {
        let queues = observe("t", table, &held()).map_err(|failure| failure.to_string())?;
        let shown = queues.iter().map(|queue| {
            let jobs: Vec<_> =
                queue.jobs.iter().map(|(s, n)| format!("{}={n}", s.as_str())).collect();
            format!("{} {} {:?}", queue.queue, jobs.join(","), queue.oldest.values().next())
        });
        Ok(shown.collect::<Vec<_>>().join("; "))
    }

    #[test]
    fn columns_by_name_or_by_place() {
        let named = table(&["n", "COUNT", "Status"], &[&["x", "3", "Queued"], &["x", "2", "new"]]);
        assert_eq!(seen(&named).unwrap(), "t pending=5,processing=0 None");
        let placed = table(&["s", "n"], &[&["running", "1"], &["NULL", "2"], &["held", "4"]]);
        assert_eq!(seen(&placed).unwrap(), "t pending=0,processing=1,scheduled=4,other=2 None");
        assert_eq!(unknown(&placed, &held()).into_iter().collect::<Vec<_>>(), [""; 0]);
        let odd = table(&["state", "count"], &[&["parked", "1"], &["held", "2"], &["done", "1"]]);
        assert_eq!(unknown(&odd, &held()).into_iter().collect::<Vec<_>>(), ["parked"]);
        let queues = table(
            &["queue", "state", "count", "oldest_age_seconds"],
            &[&["a", "pending", "1", "7.5"], &["NULL", "done", "9", "NULL"]],
        );
        assert_eq!(
            seen(&queues).unwrap(),
            "a pending=1,processing=0 Some(7.5); none pending=0,processing=0,completed=9 None"
        );
    }

    #[test]
    fn nothing_to_count_and_what_is_no_count() {
        assert_eq!(seen(&table(&["s", "n"], &[])).unwrap(), "t pending=0,processing=0 None");
        assert_eq!(seen(&table(&["queue", "state", "count"], &[])).unwrap(), "");
        let wrong = seen(&table(&["s", "n"], &[&["new", "1"], &["new", "many"]]));
        assert_eq!(wrong.unwrap_err(), "row 2 of the query: `count` is not a whole number");
        assert!(seen(&table(&["a"], &[])).is_err());
        let sums = table(&["s", "n"], &[&["new", "NULL"], &["running", "3.00"]]);
        assert_eq!(seen(&sums).unwrap(), "t pending=0,processing=3 None");
        assert!(seen(&table(&["s", "n"], &[&["new", "2.5"]])).is_err());
    }

    #[test]
    fn counts_that_no_number_holds_end_at_the_largest() {
        let max = "18446744073709551615";
        let table = table(&["state", "count"], &[&["pending", max], &["pending", "5"]]);
        let queues = observe("a", &table, &BTreeMap::new()).unwrap();
        assert_eq!(queues[0].jobs[&State::Pending], u64::MAX);
    }
}
