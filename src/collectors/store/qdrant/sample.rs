//! What Qdrant says, as rows.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::super::collections::{MOST, Peaks};
use super::super::sample::{Identity, Served, label, listed};
use super::Raw;
use super::answers::Collections;
use crate::catalogue::Batch;
use crate::clients::http::{Json, is_success};
use crate::failure::{Failure, Reason};

pub const STATES: &[&str] = &["green", "yellow", "grey", "red", "other"];
const HINT: &str = "is this Qdrant's HTTP port (usually 6333)?";

pub struct Server {
    pub collections: usize,
}

pub struct Collection {
    pub name: String,
    pub up: bool,
    pub status: Option<&'static str>,
    pub points: Option<u64>,
    pub indexed: Option<u64>,
    pub segments: Option<u64>,
}

/// What is left of the points that a collection had.
pub struct Remembered {
    pub name: String,
    pub left: f64,
}

/// The collections that are asked about.
pub fn names(answer: &Json<Collections>) -> Vec<String> {
    let listed = answer.value.iter().flat_map(|answer| &answer.value.result.collections);
    let mut names: Vec<_> = listed.map(|one| one.name.clone()).collect();
    names.sort();
    names.dedup();
    names.truncate(MOST);
    names
}

/// A login that is not enough: versions differ in the status that they have for it.
pub fn advised(failure: Failure) -> Failure {
    if failure.reason != Reason::RIGHTS {
        return failure;
    }
    let failure = Failure { reason: Reason::AUTH, ..failure };
    failure.hint("its key is missing or wrong: `header_files: { api-key: FILE }`")
}

pub fn sample(
    raw: Raw,
    declared: &[String],
    peaks: &mut Peaks,
    now: SystemTime,
) -> Result<Batch, Failure> {
    let listed =
        raw.collections.good("/collections", HINT).map_err(advised)?.value.result.collections;
    let count = listed.len();
    let mut rows: BTreeMap<String, Collection> = BTreeMap::new();
    let mut failed = None;
    for (name, answer) in raw.described {
        match answer.and_then(|answer| answer.good("a collection", HINT)) {
            Ok(described) => {
                rows.insert(name.clone(), collection(name, Some(&described.value.result)));
            }
            // Deleted since it was listed: no failure, it is not there.
            Err(failure) if failure.reason == Reason::NOT_FOUND => {}
            Err(failure) => {
                rows.insert(name.clone(), collection(name, None));
                failed = Some(failure);
            }
        }
    }
    // Those that nobody asked about, for there are too many, are there all the same.
    for name in declared {
        let up = listed.iter().any(|one| one.name == *name);
        let row = rows.entry(name.clone()).or_insert_with(|| collection(name.clone(), None));
        row.up &= up;
    }
    let version = raw.root.ok().and_then(|root| root.value.ok());
    let version = version.map(|root| label(&root.value.version)).unwrap_or_default();
    let mut batch = Batch::new()
        .with(vec![Identity { kind: "qdrant", version }])
        .with(vec![Served { serves: ready(&raw.ready), connections: None }])
        .with(vec![Server { collections: count }])
        .with(remembered(&rows, peaks, now))
        .with(rows.into_values().collect())
        .dropped("collections", count.saturating_sub(MOST) as u64);
    if let Some(failure) = failed {
        batch = batch.gap("a collection", advised(failure));
    }
    Ok(batch)
}

fn collection(name: String, facts: Option<&super::answers::Facts>) -> Collection {
    Collection {
        name,
        up: true,
        status: facts.map(|facts| listed(&facts.status, STATES)),
        points: facts.and_then(|facts| facts.points_count.or(facts.vectors_count)),
        indexed: facts.and_then(|facts| facts.indexed_vectors_count),
        segments: facts.and_then(|facts| facts.segments_count),
    }
}

/// By its status alone; versions before 1.5 do not have it.
fn ready(answer: &Result<Json<serde::de::IgnoredAny>, Failure>) -> Option<bool> {
    match answer.as_ref().ok()?.status {
        404 => None,
        status => Some(is_success(status)),
    }
}

/// What is not known now is neither taken in nor told.
fn remembered(
    rows: &BTreeMap<String, Collection>,
    peaks: &mut Peaks,
    now: SystemTime,
) -> Vec<Remembered> {
    let known = rows.values().filter_map(|row| Some((row.name.as_str(), row.points?)));
    peaks.take(now, known);
    let unknown = |name: &str| rows.get(name).is_some_and(|row| row.up && row.points.is_none());
    let points = |name: &str| rows.get(name).and_then(|row| row.points);
    let left = peaks.left(points).filter(|(name, _)| !unknown(name));
    left.map(|(name, left)| Remembered { name: name.to_owned(), left }).collect()
}
