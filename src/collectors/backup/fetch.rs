//! Reading folders and files: all of it beside the readings.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use super::gather::Gather;
use super::lock;
use super::past::Past;
use super::seen::{Id, Look, Mark, Seen};
use super::whole::{self, Expected, Inside};
use crate::clients::folder::{self, Bounds, Pattern, Walked};
use crate::engine::Found;
use crate::failure::{Failure, Reason};
use crate::text::printable;

/// Entries of folders that a look goes through, and its time.
const ENTRIES: usize = 200_000;
const TIME: Duration = Duration::from_secs(30);
/// Files whose ends are read in one look, and the time for that.
const ENDS: usize = 16;
const ENDS_TIME: Duration = Duration::from_secs(10);

/// What is looked for, and where.
#[derive(Clone)]
pub struct Places {
    pub files: Vec<Pattern>,
    pub kind: Option<Inside>,
    pub newer_than: Vec<Pattern>,
    pub stamp: Option<PathBuf>,
    pub copies: Vec<PathBuf>,
    /// Age at which one must have been deleted.
    pub expires: Option<Duration>,
    pub smallest: u64,
    /// A time that lies further ahead is none.
    pub within: Duration,
}

/// The past and the last look, which both tasks share.
#[derive(Default)]
pub struct State {
    pub past: Past,
    pub look: Arc<Look>,
    /// Whether there was one yet: whatever is elsewhere waits for it.
    pub is_seen: bool,
    pub looked: Arc<tokio::sync::Notify>,
    /// Files that could not be read in full, and when that was.
    pub failed: Vec<(Id, tokio::time::Instant, Option<Failure>)>,
}

impl Places {
    /// One look at everything, the ends of new files included. Blocks.
    pub fn look(&self, state: &Mutex<State>) -> Found<Look> {
        let now = SystemTime::now();
        let (look, missing) = self.list(now);
        self.settle(look, missing, state, now)
    }

    /// Takes a look into the past, and reads the ends of what is new.
    pub fn settle(
        &self,
        mut look: Look,
        mut missing: Option<Failure>,
        state: &Mutex<State>,
        now: SystemTime,
    ) -> Found<Look> {
        let wanting: Vec<Seen> = {
            let mut state = lock(state);
            state.past.look(&mut look, now, self.within);
            state.past.wanting(&look, false).take(ENDS).cloned().collect()
        };
        let until = Instant::now() + ENDS_TIME;
        for seen in wanting {
            if Instant::now() >= until {
                break;
            }
            match self.ends(&seen) {
                Ok(Some(mark)) => lock(state).past.note(mark),
                // It has changed, or gone: the next look tells.
                Ok(None) => {}
                Err(error) => {
                    missing.get_or_insert_with(|| Failure::io(&seen.name, &error));
                }
            }
        }
        let mut state = lock(state);
        state.past.measure(&look, self.smallest);
        state.look = Arc::new(look.clone());
        state.is_seen = true;
        state.looked.notify_one();
        Found { value: look, missing }
    }

    fn list(&self, now: SystemTime) -> (Look, Option<Failure>) {
        let mut gather = Gather::new(self.expires.and_then(|age| now.checked_sub(age)));
        let mut bounds = Bounds::new(ENTRIES, TIME);
        let mut twice = BTreeSet::new();
        let several = self.files.len() > 1;
        let (mut complete, mut missing) = (true, None);
        for pattern in &self.files {
            let pattern = pattern.on(today());
            let fixed = pattern.fixed();
            let walked = folder::walk(&pattern, &mut bounds, &mut |entry| {
                let facts = entry.facts;
                if several && !twice.insert((facts.device, facts.inode)) {
                    return;
                }
                gather.take(facts.modified, || Seen {
                    id: Id { inode: facts.inode, size: facts.size, modified: facts.modified },
                    at: facts.modified,
                    name: shown(entry.name),
                    path: Some(entry.file().real),
                    below: below(&entry.path(), &fixed),
                });
            });
            complete &= walked.complete();
            missing = missing.or_else(|| problem(walked));
        }
        let mut look = gather.end();
        look.complete = complete;
        let newest = look.newest.first().and_then(|seen| seen.path.as_deref());
        look.exposed = newest.and_then(exposed);
        (look, missing)
    }

    fn ends(&self, seen: &Seen) -> std::io::Result<Option<Mark>> {
        let Some((file, expected)) = self.open(seen)? else { return Ok(None) };
        let verdict = whole::ends(&file, seen.id.size, expected)?;
        let full = seen.id.size <= whole::SMALL && verdict != whole::Verdict::Unknown;
        Ok(same(&file, seen)?.then_some(Mark { id: seen.id, verdict, full }))
    }

    /// From the first byte to the last, at this many bytes a second, until somebody has no more use
    /// for it. Blocks for long.
    pub fn read_whole(
        &self,
        seen: &Seen,
        speed: u64,
        stop: &dyn Fn() -> bool,
        moved: &AtomicU64,
    ) -> std::io::Result<Option<Mark>> {
        let Some((file, expected)) = self.open(seen)? else { return Ok(None) };
        let mut throttle = Throttle { speed, begun: Instant::now(), spent: 0 };
        let from = whole::Whole::new(&file);
        let verdict = whole::full(from, expected, &mut |read, made| {
            moved.fetch_add(1, Ordering::Relaxed);
            if stop() {
                return Err(std::io::Error::other("no longer wanted"));
            }
            throttle.spend(read, made);
            Ok(())
        })?;
        Ok(same(&file, seen)?.then_some(Mark { id: seen.id, verdict, full: true }))
    }

    fn open(&self, seen: &Seen) -> std::io::Result<Option<(std::fs::File, Expected)>> {
        let Some(path) = &seen.path else { return Ok(None) };
        let file = match folder::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(same(&file, seen)?.then(|| (file, Expected::of(path, self.kind))))
    }
}

/// Whether it is the file that was seen, as it was seen.
fn same(file: &std::fs::File, seen: &Seen) -> std::io::Result<bool> {
    let about = file.metadata()?;
    let is = Id { inode: about.ino(), size: about.len(), modified: about.modified()? };
    Ok(about.is_file() && is == seen.id)
}

/// Slows a reading down.
struct Throttle {
    speed: u64,
    begun: Instant,
    spent: u64,
}

impl Throttle {
    /// What is unpacked costs processor time rather than the disk's.
    #[allow(clippy::disallowed_methods, reason = "a thread of its own, which reads at a pace")]
    fn spend(&mut self, read: u64, made: u64) {
        self.spent = self.spent.saturating_add(read).saturating_add(made / 16);
        let due = Duration::from_secs_f64(self.spent as f64 / self.speed.max(1) as f64);
        let early = due.saturating_sub(self.begun.elapsed());
        if early > Duration::from_millis(10) {
            // In pieces, so that an end of it is noticed.
            std::thread::sleep(early.min(Duration::from_millis(500)));
        }
    }
}

/// Its place below a folder that it may not be in after all.
fn below(path: &Path, fixed: &Path) -> PathBuf {
    let below = path.strip_prefix(fixed).ok().map(Path::to_owned);
    below.or_else(|| path.file_name().map(PathBuf::from)).unwrap_or_default()
}

pub fn today() -> jiff::civil::Date {
    jiff::Zoned::now().date()
}

fn shown(name: &std::ffi::OsStr) -> String {
    crate::text::short(&printable(&name.to_string_lossy()), 255).into_owned()
}

pub fn problem(walked: Walked) -> Option<Failure> {
    let deep = walked.deep;
    let failure = walked.problem.or_else(|| {
        walked.cut.map(|cut| {
            let why = match cut {
                folder::Cut::Entries => format!("more than {ENTRIES} entries"),
                folder::Cut::Time => format!("not done within {} s", TIME.as_secs()),
            };
            Failure::new(Reason::OTHER, format!("the listing was cut short: {why}"))
                .hint("keep backups in a folder of their own, without many other files")
        })
    });
    failure.or_else(|| {
        deep.then(|| Failure::new(Reason::OTHER, "folders are nested too deep to be listed"))
    })
}

/// Whether everybody may read a file, and get to it.
fn exposed(path: &Path) -> Option<bool> {
    let others = |path: &Path, bit: u32| {
        let about = std::fs::symlink_metadata(path).ok()?;
        Some(about.permissions().mode() & bit == bit)
    };
    let mut all = others(path, 0o004)?;
    for folder in path.ancestors().skip(1) {
        all &= others(folder, 0o001)?;
    }
    Some(all)
}
