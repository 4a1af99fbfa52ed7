//! Runs declared queries, each on its clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use globset::{Glob, GlobMatcher};
use tokio::time::Instant;

use super::config::Query;
use super::sample::{Answer, Seen, answer};
use crate::clients::postgres::{PostgresClient, SearchPath};
use crate::config::Dur;
use crate::engine::{Found, Part};
use crate::failure::{Failure, Reason};

/// A query runs as often as this unless it says otherwise.
const INTERVAL: Duration = Duration::from_mins(1);
/// After a failure it is tried again no later than this.
const AGAIN: Duration = Duration::from_mins(1);
/// Whoever scrapes as often as this comes a little early now and then.
const EARLY: f64 = 0.95;
const TIMEOUT: Duration = Duration::from_secs(3);
/// So long other queries of users may keep the session.
const QUEUED: Duration = Duration::from_secs(5);
/// Databases of one query.
const DATABASES: usize = 50;

/// What a query has said in one database.
#[derive(Clone)]
pub struct Outcome {
    begun: Instant,
    took: Duration,
    /// When it last answered.
    answered: Option<Instant>,
    answer: Result<Arc<Answer>, Failure>,
}

/// By query and database.
#[derive(Clone, Default)]
pub struct Answers {
    by: BTreeMap<(String, String), Outcome>,
    /// Databases beyond the limit, by query.
    dropped: BTreeMap<String, u64>,
}

impl Answers {
    pub fn dropped(&self) -> u64 {
        self.dropped.values().sum()
    }
}

struct Asked {
    name: String,
    query: Query,
    client: PostgresClient,
    /// Where it runs, if not in the database of the address.
    pattern: Option<GlobMatcher>,
}

/// All queries of a target.
pub struct Queries {
    asked: Vec<Asked>,
    /// The database of the address.
    own: String,
}

impl Queries {
    /// `client` is made anew for each query, with a deadline of its own.
    pub fn new(
        queries: &BTreeMap<String, Query>,
        own: &str,
        client: impl Fn() -> PostgresClient,
    ) -> Self {
        let asked = queries.iter().map(|(name, query)| {
            let path = query.search_path.clone().unwrap_or_else(|| vec!["public".to_owned()]);
            // Of a deadline the client gives the session 0.85.
            let deadline = (query.limit() + QUEUED).mul_f64(1.0 / 0.85);
            let glob = query.databases.as_deref().and_then(|text| Glob::new(text).ok());
            Asked {
                name: name.clone(),
                query: query.clone(),
                client: client().deadline(deadline).search_path(SearchPath::of(path)),
                pattern: glob.map(|glob| glob.compile_matcher()),
            }
        });
        Self { asked: asked.collect(), own: own.to_owned() }
    }

    pub fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    /// Runs what is due, one after the other; each answer is there as soon as it has come.
    pub async fn refresh(&self, facts: &PostgresClient, part: &Part<Answers>) {
        let wanted = self.asked.iter().any(|asked| asked.pattern.is_some());
        let all = if wanted { databases(facts).await } else { Ok(Vec::new()) };
        for asked in &self.asked {
            let (places, dropped) = match asked.places(&self.own, &all) {
                Ok(found) => found,
                Err(failure) => {
                    asked.note(part, "", Outcome::failed(failure)).await;
                    continue;
                }
            };
            asked.tidy(part, &places, dropped).await;
            for place in places {
                let last = part.last().and_then(|all| all.by.get(&asked.key(&place)).cloned());
                if last.as_ref().is_some_and(|last| !asked.is_due(last)) {
                    continue;
                }
                let outcome = asked.run(&place, &self.own, last).await;
                asked.note(part, &place, outcome).await;
            }
        }
    }

    /// As it is told: what has run, and of each query that it has not.
    pub fn seen(&self, answers: Option<&Answers>) -> Vec<Seen> {
        let of = |asked: &Asked| {
            let all = answers.into_iter().flat_map(|answers| &answers.by);
            let all = all.filter(|((name, _), _)| *name == asked.name);
            let mut found: Vec<Seen> = all.map(|((_, place), it)| asked.seen(place, it)).collect();
            if found.is_empty() {
                let (query, database) = (asked.name.clone(), String::new());
                found.push(Seen { query, database, outcome: None, took: None, age: None });
            }
            found
        };
        self.asked.iter().flat_map(of).collect()
    }
}

impl Query {
    fn limit(&self) -> Duration {
        self.timeout.map_or(TIMEOUT, Dur::get)
    }
}

impl Outcome {
    fn failed(failure: Failure) -> Self {
        let begun = Instant::now();
        Self { begun, took: Duration::ZERO, answered: None, answer: Err(failure) }
    }
}

impl Asked {
    fn key(&self, place: &str) -> (String, String) {
        (self.name.clone(), place.to_owned())
    }

    fn is_due(&self, last: &Outcome) -> bool {
        let every = self.query.interval.map_or(INTERVAL, Dur::get);
        let every = if last.answer.is_err() { every.min(AGAIN) } else { every };
        last.begun.elapsed() >= every.mul_f64(EARLY)
    }

    /// Where it runs, and how many databases more there would be.
    fn places(
        &self,
        own: &str,
        all: &Result<Vec<String>, Failure>,
    ) -> Result<(Vec<String>, u64), Failure> {
        let Some(pattern) = &self.pattern else { return Ok((vec![own.to_owned()], 0)) };
        let all = all.as_ref().map_err(Clone::clone)?;
        let mut found: Vec<String> =
            all.iter().filter(|name| pattern.is_match(name.as_str())).cloned().collect();
        if found.is_empty() {
            let text = "no database that the role may connect to is called so";
            return Err(Failure::new(Reason::NOT_FOUND, text).hint("check the key `databases`"));
        }
        let dropped = found.len().saturating_sub(DATABASES) as u64;
        found.truncate(DATABASES);
        Ok((found, dropped))
    }

    async fn run(&self, place: &str, own: &str, last: Option<Outcome>) -> Outcome {
        let begun = Instant::now();
        let (sql, limit) = (&self.query.sql, self.query.limit());
        let rows = if place == own {
            self.client.query_within(sql, limit).await
        } else {
            self.client.in_database(place).query_within(sql, limit).await
        };
        let took = begun.elapsed();
        let answer = rows.and_then(|rows| answer(&self.query, &rows)).map(Arc::new);
        let before = last.and_then(|last| last.answered);
        let answered = if answer.is_ok() { Some(Instant::now()) } else { before };
        Outcome { begun, took, answered, answer }
    }

    async fn note(&self, part: &Part<Answers>, place: &str, outcome: Outcome) {
        let key = self.key(place);
        change(part, |all| {
            all.by.insert(key, outcome);
        })
        .await;
    }

    /// Forgets databases that are not asked any more.
    async fn tidy(&self, part: &Part<Answers>, places: &[String], dropped: u64) {
        let places: BTreeSet<&String> = places.iter().collect();
        let gone = |(name, place): &(String, String)| *name == self.name && !places.contains(place);
        let known = part.last().unwrap_or_default();
        let told = known.dropped.get(&self.name).copied().unwrap_or_default();
        if told == dropped && !known.by.keys().any(gone) {
            return;
        }
        change(part, |all| {
            all.by.retain(|key, _| !gone(key));
            all.dropped.insert(self.name.clone(), dropped);
        })
        .await;
    }

    fn seen(&self, place: &str, outcome: &Outcome) -> Seen {
        Seen {
            query: self.name.clone(),
            database: place.to_owned(),
            outcome: Some(outcome.answer.clone()),
            took: Some(outcome.took.as_secs_f64()),
            age: outcome.answered.map(|at| at.elapsed().as_secs_f64()),
        }
    }
}

async fn change(part: &Part<Answers>, change: impl FnOnce(&mut Answers) + Send) {
    let mut all = part.last().map(|all| (*all).clone()).unwrap_or_default();
    let read = |_, _| async move {
        change(&mut all);
        Ok(Found::from(all))
    };
    part.refresh(Instant::now() + QUEUED, read).await;
}

/// Those that one can connect to.
async fn databases(client: &PostgresClient) -> Result<Vec<String>, Failure> {
    let sql = include_str!("../sql/connectable.sql");
    let mut answers = client.query_server(|_| vec![sql.to_owned()], client.limit()).await?;
    let rows = answers.pop().unwrap_or_else(|| Err(super::super::fetch::none()))?;
    Ok(rows.iter().filter_map(|row| row.text("datname")).map(ToOwned::to_owned).collect())
}
