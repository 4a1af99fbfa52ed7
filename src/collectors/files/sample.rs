//! From a listing and what is remembered to rows.

use std::time::SystemTime;

use super::config::Against;
use super::fetch::{Listing, Secret, Seen};
use super::history::History;
use crate::catalogue::{Batch, Cell, Column, Detail};
use crate::text::printable;

/// What was wanted of the files, as far as it makes a number.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub required: bool,
    pub against: Option<Against>,
    pub has_source: bool,
}

/// A pattern, as filestat_exporter has it.
pub struct Named {
    pub pattern: String,
    pub files: u64,
}

/// The one file of a path that is no pattern.
pub struct Stat {
    pub path: String,
    pub size: u64,
    pub modified: f64,
    pub mode: u64,
    pub uid: u32,
}

/// What was declared, by its own text.
#[derive(Default)]
pub struct Watched {
    pub path: String,
    pub files: u64,
    pub size: u64,
    pub disk: u64,
    pub newest_size: Option<u64>,
    pub largest: Option<u64>,
    pub newest_age: Option<f64>,
    pub oldest_age: Option<f64>,
    pub missing: Option<u64>,
    pub behind: Option<f64>,
    pub ratio: Option<f64>,
    pub secret: Option<Secret>,
    pub wrong_mode: Option<u64>,
    pub wrong_owner: Option<u64>,
}

pub fn sample(rules: Rules, listing: &Listing, history: &History, now: SystemTime) -> Batch {
    // Nothing is said of what may be there out of sight.
    let known = || listing.seen.iter().filter(|seen| seen.files > 0 || seen.is_gone());
    let named = known().map(|seen| Named { pattern: seen.pattern.clone(), files: seen.files });
    let single = known().filter(|seen| seen.single);
    let stats = single.filter_map(|seen| {
        let facts = seen.newest.as_ref()?.facts;
        Some(Stat {
            path: seen.pattern.clone(),
            size: facts.size,
            modified: since_epoch(facts.modified),
            mode: digits(facts.mode),
            uid: facts.uid,
        })
    });
    let watched = known().map(|seen| watched(rules, seen, listing, history, now));
    let cut = listing.seen.iter().filter(|seen| seen.cut).count() as u64;
    Batch::new()
        .with(named.collect())
        .with(stats.collect())
        .with(watched.collect())
        .dropped("entries", cut)
        .detail(table(&listing.seen))
}

fn watched(
    rules: Rules,
    seen: &Seen,
    listing: &Listing,
    history: &History,
    now: SystemTime,
) -> Watched {
    // Of files that were not all looked at, ages may be those of others.
    let newest = seen.newest.as_ref().filter(|_| !seen.cut).map(|file| file.facts);
    let oldest = seen.oldest.filter(|_| !seen.cut);
    let behind = newest
        .zip(listing.source)
        .filter(|_| rules.has_source)
        .map(|_| seen.newer.map_or(0.0, |newer| age(newer, now)));
    Watched {
        path: seen.pattern.clone(),
        files: seen.files,
        size: seen.size,
        disk: seen.disk,
        newest_size: newest.map(|newest| newest.size),
        largest: (seen.files > 0).then_some(seen.largest),
        newest_age: newest.map(|newest| age(newest.modified, now)),
        oldest_age: oldest.map(|oldest| age(oldest, now)),
        missing: history.missing(seen, now).filter(|_| rules.required),
        behind,
        ratio: rules
            .against
            .filter(|_| newest.is_some())
            .and_then(|against| history.ratio(&seen.pattern, against)),
        secret: seen.secret,
        wrong_mode: seen.wrong_mode,
        wrong_owner: seen.wrong_owner,
    }
}

impl Watched {
    /// By whom a secret can be seen.
    pub fn exposed(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let secret = self.secret;
        let readable = secret.map(|secret| ("readable", u64::from(secret.readable)));
        let tracked = secret.and_then(|secret| secret.tracked);
        let tracked = tracked.map(|tracked| ("tracked", u64::from(tracked)));
        let copy = secret.map(|secret| ("copy", u64::from(secret.copies > 0)));
        [readable, tracked, copy].into_iter().flatten()
    }

    /// How many files have other rights, or another owner, than they should.
    pub fn unexpected(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let mode = self.wrong_mode.map(|files| ("mode", files));
        mode.into_iter().chain(self.wrong_owner.map(|files| ("owner", files)))
    }
}

/// A file of the future has no age.
fn age(modified: SystemTime, now: SystemTime) -> f64 {
    now.duration_since(modified).unwrap_or_default().as_secs_f64()
}

fn since_epoch(at: SystemTime) -> f64 {
    match at.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

/// The number whose decimal digits are the octal ones: 0o644 is 644.
fn digits(mode: u32) -> u64 {
    format!("{mode:o}").parse().unwrap_or_default()
}

fn table(seen: &[Seen]) -> Detail {
    let column = |name, title| Column { name, title };
    let rows = seen.iter().map(|one| {
        let newest = one.newest.as_ref();
        let name = newest.and_then(|file| file.path.file_name()).unwrap_or_default();
        let mode = newest.map(|file| format!("{:o}", file.facts.mode)).unwrap_or_default();
        let modified = newest.map(|file| Cell::At(file.facts.modified));
        vec![
            Cell::Text(one.pattern.clone()),
            Cell::Count(one.files),
            Cell::Count(one.disk),
            Cell::Text(printable(&name.to_string_lossy()).into_owned()),
            Cell::Count(newest.map_or(0, |file| file.facts.size)),
            modified.unwrap_or_else(|| Cell::Text("none is there".to_owned())),
            Cell::Text(mode),
            Cell::Text(printable(&one.owner).into_owned()),
        ]
    });
    Detail {
        title: "Files",
        name: "files",
        columns: vec![
            column("path", "Path"),
            column("files", "Files"),
            column("disk_bytes", "Bytes on disk"),
            column("newest", "Newest"),
            column("size_bytes", "Its bytes"),
            column("modified", "Written"),
            column("mode", "Rights"),
            column("owner", "Owner"),
        ],
        rows: rows.collect(),
    }
}

#[cfg(test)]
mod tests;
