//! Files: whether they are there, fresh, whole, seen by nobody, and not too many.
//!
//! | read | from | rights |
//! |---|---|---|
//! | names in folders | `getdents64` of each folder that a pattern goes through | to read the folder |
//! | size, times, rights, owner | `statx` of each file that a pattern names | to go through the folder |
//! | whether git tracks a secret | `.git/index` around it; git is not run | to read the index |
//!
//! No file that is watched is ever opened. Links are followed as those of logs are: if they belong to
//! root, to us, or to the owner of what they lead to. Names are bytes.
//!
//! Cost: beside the readings, once a minute; about 1 µs a file and 0.4 µs an entry of a folder. A
//! listing ends after ten seconds or 200,000 entries, and what it has found until then is shown and told
//! as a part that cannot be seen in full. On a mount that hangs it holds one thread, and there is no
//! second one beside it; the last listing is shown for five minutes, and then the target is down.
//!
//! Absent: everything of a path that could not be looked at; ages where the listing was cut off; a ratio of
//! sizes before there was a second version.

mod config;
mod fetch;
mod git;
mod history;
mod metrics;
mod rights;
mod sample;
mod signals;
mod words;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

pub use config::Files;

use self::fetch::{Listing, Wanted};
use self::history::History;
use crate::catalogue::{Area, Batch, Glance, TableEntry, Unit};
use crate::config::Dur;
use crate::engine::{Beside, Collector, Form, Keeping, Kept, Pace, Part, Parts, Target, blocking};
use crate::failure::{Failure, Reason};
use crate::plan::{Common, Plan};

pub type Section = BTreeMap<String, Files>;

pub static AREA: Area = Area {
    name: "files",
    title: "Files",
    single: false,
    in_service: false,
    tables: &[
        TableEntry::of::<sample::Named>(),
        TableEntry::of::<sample::Stat>(),
        TableEntry::of::<sample::Watched>(),
    ],
    signals: signals::SIGNALS,
    glance: &[
        Glance::Fact {
            metric: "stack_file_newest_age_seconds",
            unit: Unit::Seconds,
            what: "Longest time without a write",
        },
        Glance::Fact {
            metric: "stack_file_disk_bytes",
            unit: Unit::Bytes,
            what: "Most on the disk",
        },
        Glance::Signal("shrunk"),
    ],
    reasons: &[],
    words: words::WORDS,
    runbook: include_str!("../../../docs/runbooks/files.md"),
};

/// One listing.
const LIMIT: Duration = Duration::from_secs(10);
/// What a listing keeps for itself to hand over what it has.
const SPARE: Duration = Duration::from_millis(300);
/// After a listing that failed.
const AGAIN: Duration = Duration::from_secs(10);
const EVERY: Duration = Duration::from_mins(1);
/// A listing is shown for so long, or for three periods.
const STALE: Duration = Duration::from_mins(5);
/// The first listing is waited for.
const FIRST: Duration = Duration::from_secs(3);
/// Paths of one entry: each has its series.
const PATHS: usize = 50;

const KEEPING: Keeping = Keeping {
    form: Form { kind: "files", version: 1 },
    most: 1 << 20,
    pause: Duration::from_secs(30),
};

/// What outlives a reload.
#[derive(Default)]
struct Lasting {
    /// A listing is under way, or hangs.
    busy: Arc<AtomicBool>,
    history: Mutex<Remembered>,
}

#[derive(Default)]
struct Remembered {
    history: History,
    /// The listing that was taken in last.
    at: Option<SystemTime>,
}

/// Declared files. There is nothing to find them by.
pub fn plan(section: Option<&Section>, plan: &mut Plan) {
    let Some(section) = section else {
        plan.missed("no file is named", "name files that must be there under `files:`");
        return;
    };
    for (name, files) in section {
        let (wanted, mistakes) = Wanted::of(files);
        for (key, message) in mistakes {
            plan.mistake(name, &key, message);
        }
        let (thresholds, twice) = files.all_thresholds();
        for (key, message) in twice {
            plan.mistake(name, key, message);
        }
        match files.path.all().len() {
            0 => plan.mistake(name, "path", "names no file, write for example `/srv/bot/.env`"),
            1..=PATHS => {}
            _ => plan.mistake(
                name,
                "path",
                format!("names more than {PATHS} paths: make more entries"),
            ),
        }
        if files.every.is_some_and(|every| every.get() < Duration::from_secs(1)) {
            plan.mistake(name, "every", "must be at least `1s`");
        }
        let target = target(name, files, wanted, plan);
        let common = Common { timeout: files.timeout, thresholds: &thresholds, service: None };
        plan.declare(target, &common);
    }
}

fn target(name: &str, files: &Files, wanted: Wanted, plan: &Plan) -> Target {
    let settings = files.identity();
    let mut parts = Parts::new(plan.memory, AREA.name, name, settings.clone());
    let every = files.every.map_or(EVERY, Dur::get);
    let clock = Pace {
        every,
        again: AGAIN.min(every),
        stale_after: Some(STALE.max(every.saturating_mul(3))),
        limit: LIMIT,
    };
    let place = files.path.all().join(", ");
    let watch = Watch {
        rules: sample::Rules {
            required: files.required,
            against: files.shrunk_against,
            has_source: files.made_from.is_some(),
        },
        wanted: Arc::new(wanted),
        listing: parts.add("listing", "the files", clock),
        kept: parts.keep("history", KEEPING, place.clone()),
        beside: OnceLock::new(),
        lasting: plan.memory.of(AREA.name, name),
    };
    Target::new(&AREA, name, place, settings, watch).with_parts(parts)
}

/// The files of one entry.
struct Watch {
    rules: sample::Rules,
    wanted: Arc<Wanted>,
    listing: Part<Listing>,
    kept: Kept<History>,
    beside: OnceLock<Beside>,
    lasting: Arc<Lasting>,
}

impl Watch {
    fn begin(&self) -> Beside {
        let (wanted, lasting) = (Arc::clone(&self.wanted), Arc::clone(&self.lasting));
        self.listing.beside(move |_| {
            let (wanted, lasting) = (Arc::clone(&wanted), Arc::clone(&lasting));
            async move {
                let work = move || Ok(fetch::list(&wanted, LIMIT.saturating_sub(SPARE)));
                blocking("the files", &lasting.busy, work).await
            }
        })
    }
}

impl Collector for Watch {
    type Raw = Arc<Listing>;

    async fn fetch(&self) -> Result<Arc<Listing>, Failure> {
        self.beside.get_or_init(|| self.begin());
        let until = Instant::now() + FIRST;
        if let Some(kept) = self.kept.restored(until).await {
            self.remembered().history.restore(kept);
        }
        let latest = self.listing.latest(until).await;
        let not_yet =
            || Failure::new(Reason::TIMEOUT, "the first listing of the files has not ended yet");
        let listing = latest.value.ok_or_else(|| latest.failure.unwrap_or_else(not_yet))?;
        let mut remembered = self.remembered();
        if remembered.at != Some(listing.at) {
            remembered.history.take(&listing.seen, listing.at);
            remembered.at = Some(listing.at);
        }
        self.kept.keep(&remembered.history);
        drop(remembered);
        Ok(listing)
    }

    fn sample(&self, listing: Arc<Listing>, now: SystemTime) -> Result<Batch, Failure> {
        Ok(sample::sample(self.rules, &listing, &self.remembered().history, now))
    }
}

impl Watch {
    fn remembered(&self) -> std::sync::MutexGuard<'_, Remembered> {
        self.lasting.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
