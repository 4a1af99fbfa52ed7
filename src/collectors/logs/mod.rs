//! Logs: lines by level, errors by kind, requests, and configured rules as counters and values.
//!
//! | read | from | rights |
//! |---|---|---|
//! | files | a listing of their directories when inotify tells of a change, and every 5 s; then what is new | read on the files, read and search on the directories |
//! | output of containers | the file of the `json-file` driver where it is in reach, else `GET /containers/ID/logs` | read on the files, or the Engine's socket |
//! | the journal | its files | the group `systemd-journal` |
//! | standard input | the exporter's own | none |
//!
//! Cost: next to none while nothing is written, then one pass over what is new, at several hundred
//! MB a second; 256 KiB of memory for a source and 64 KiB for each line that is not finished. What is
//! counted and where reading stopped are written together into one file of `--storage.path`, at most a
//! few times a second; only what stands there is shown, so no counter steps back when the exporter is
//! killed. No line ever becomes a label, but for named groups of a rule that ask for it.
//!
//! Every finished line counts once, over renames, deletions, reloads and restarts, as long as its
//! bytes exist when they are read. Where that cannot be known `stack_log_doubt_total` says so, and
//! the counts are a lower bound. docs/logs.md has the whole of it.
//!
//! A source without anything that can be read is down, with reason `rights` or `not_found`: it was
//! declared, so it is expected, and a source that reads nothing looks just like a healthy program.
//! After a start it is `pending` until what was written meanwhile has been read, for 10 s at most.
//!
//! Absent: the time of the last match of a rule that has not matched, of a last line that was never
//! seen, a last value before the first, ratios of few events, and p95 without requests.

pub mod config;
pub mod errors;
mod follow;
#[cfg(fuzzing)]
pub mod fuzzing;
mod hours;
mod input;
#[doc(hidden)]
pub mod measure;
mod memory;
mod metrics;
pub mod offline;
mod pace;
mod plan;
mod presets;
mod reading;
mod recent;
mod rows;
mod rules;
mod sample;
pub mod scan;
mod signals;
mod source;
mod tally;
pub mod verify;
mod watch;
mod words;

use std::collections::BTreeMap;

pub use config::Logs;
pub use plan::plan;
pub use rules::cost::SAMPLE;

use crate::catalogue::{Area, Glance, TableEntry};

pub type Section = BTreeMap<String, Logs>;

pub static AREA: Area = Area {
    name: "logs",
    title: "Logs",
    single: false,
    in_service: true,
    tables: &[
        TableEntry::of::<rows::Log>(),
        TableEntry::of::<rows::ErrorGroup>(),
        TableEntry::of::<rows::Requests>(),
        TableEntry::of::<rows::Client>(),
        TableEntry::of::<rules::rows::Matches>(),
        TableEntry::of::<rules::rows::RuleRow>(),
        TableEntry::of::<rules::rows::Label>(),
        TableEntry::of::<rules::rows::ValueRow>(),
        TableEntry::of::<rules::rows::Expected>(),
        TableEntry::of::<rules::rows::PairRow>(),
    ],
    signals: signals::SIGNALS,
    glance: &[
        Glance::Signal("error_ratio"),
        Glance::Signal("critical_lines"),
        Glance::Signal("new_error_groups"),
    ],
    reasons: &[],
    words: words::WORDS,
    runbook: include_str!("../../../docs/runbooks/logs.md"),
};
