//! The newest error in the log of each service.

use std::time::SystemTime;

use super::{LastError, Service, epoch};
use crate::catalogue::{Cell, Detail};
use crate::engine::{Entry, Home, Snapshot};
use crate::text::printable;

/// The area that reads logs, and its table of errors.
const LOGS: &str = "logs";
const TABLE: &str = "errors";

/// The last error of a log, and whose it is.
pub(super) struct Logged<'a> {
    entry: &'a Entry,
    error: LastError,
}

/// Of all logs that have one.
pub(super) fn errors(snapshot: &Snapshot) -> Vec<Logged<'_>> {
    let of = |entry| Some(Logged { entry, error: last(entry)? });
    snapshot.entries.iter().filter(|entry| area(entry) == LOGS).filter_map(of).collect()
}

/// The newest of the logs of a service: of those that live in it, and of one that is named as it, if
/// no other service has that name (`only`).
pub(super) fn of(service: &Service, only: bool, all: &[Logged]) -> Option<LastError> {
    let ours = all.iter().filter(|one| one.is_of(service, only)).map(|one| &one.error);
    ours.max_by(|a, b| a.at.total_cmp(&b.at)).cloned()
}

impl Logged<'_> {
    fn is_of(&self, service: &Service, only: bool) -> bool {
        if let Some(home) = &self.entry.service {
            let project = (home.project.is_empty() && only) || home.project == service.project;
            return project && home.service == service.service;
        }
        let name = self.entry.name();
        let homeless = |home: &Home| home.given.is_none();
        self.entry.target.as_ref().is_some_and(|target| homeless(&target.home))
            && ((only && name == service.service)
                || service.containers.iter().any(|one| one == name))
    }
}

fn area(entry: &Entry) -> &str {
    entry.target.as_ref().map_or("", |target| target.id.area)
}

fn last(entry: &Entry) -> Option<LastError> {
    let table = entry.details().iter().find(|detail| detail.name == TABLE)?;
    let rows = table.rows.iter().filter_map(|row| {
        let (Cell::At(at), Cell::Text(text), Cell::Count(count)) =
            (cell(table, row, "last")?, cell(table, row, "error")?, cell(table, row, "count")?)
        else {
            return None;
        };
        Some((*at, text, *count))
    });
    let (at, text, count): (SystemTime, &String, u64) = rows.max_by_key(|(at, ..)| *at)?;
    Some(LastError {
        at: epoch(at),
        text: printable(text).into_owned(),
        count,
        log: entry.name().to_owned(),
    })
}

fn cell<'a>(table: &Detail, row: &'a [Cell], name: &str) -> Option<&'a Cell> {
    let index = table.columns.iter().position(|column| column.name == name)?;
    row.get(index)
}
