//! Tells a source that something has happened in its directories, by inotify: one instance for all
//! sources, one watch a directory.
//!
//! Of a file that was written to its path is told, so that a reading need not look at the others; of
//! everything else, that something has happened. Nothing that is counted rests on it. Where it cannot be had (limits, file systems over the
//! network, other systems) the files are looked at once a second, and every few seconds in any case.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use tokio::sync::Notify;

/// What happens to a busy file tells nothing new for this long: a writer that is never silent costs
/// a few wake-ups a second.
const PAUSE: Duration = Duration::from_millis(200);
/// After so long without events it is looked whether anybody still wants them.
const CHECK: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };
/// Events that are taken at once.
const BUFFER: usize = 16 * 1024;
/// Of more files it is said that all may have changed.
const MAX_TOLD: usize = 1_000;

/// What a source has been told since it last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Told {
    #[default]
    Nothing,
    /// These files were written to; none: time has passed.
    Files(BTreeSet<PathBuf>),
    /// Anything may have happened.
    All,
}

impl Told {
    fn add(&mut self, more: Self) {
        *self = match (std::mem::take(self), more) {
            (Self::Nothing, one) | (one, Self::Nothing) => one,
            (Self::Files(mut all), Self::Files(more)) if all.len() + more.len() <= MAX_TOLD => {
                all.extend(more);
                Self::Files(all)
            }
            _ => Self::All,
        }
    }
}

/// Where a source is told that there may be something to read.
#[derive(Default)]
pub struct Wake {
    pub notify: Arc<Notify>,
    told: Mutex<Told>,
    /// What it tells itself soon.
    due: Mutex<Told>,
}

impl Wake {
    pub fn tell(&self, what: Told) {
        lock(&self.told).add(what);
        self.notify.notify_one();
    }

    /// Tells itself after a time; once, however often it is asked to until then. Needs the runtime.
    pub fn tell_in(self: &Arc<Self>, after: Duration, what: Told) {
        let mut due = lock(&self.due);
        let waits = *due != Told::Nothing;
        due.add(what);
        drop(due);
        if waits {
            return;
        }
        let wake = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            let due = std::mem::take(&mut *lock(&wake.due));
            wake.tell(due);
        });
    }

    /// What has been told since the last call.
    pub fn take(&self) -> Told {
        std::mem::take(&mut *lock(&self.told))
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Directories, and the sources that want to know of each.
#[derive(Default)]
pub struct Watcher {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    instance: Option<Arc<OwnedFd>>,
    directories: BTreeMap<PathBuf, Directory>,
}

struct Directory {
    watch: i32,
    sources: BTreeMap<String, Weak<Wake>>,
}

impl Watcher {
    /// From now on `wake` is told what happens in `directories`, and in no others any more. Where one
    /// is not there it is told what happens in the nearest one above. Fails if one cannot be watched.
    pub fn watch(
        self: &Arc<Self>,
        source: &str,
        wake: &Arc<Wake>,
        directories: &BTreeSet<PathBuf>,
    ) -> io::Result<()> {
        let directories: BTreeSet<&Path> =
            directories.iter().filter_map(|dir| there(dir)).collect();
        let mut inner = self.lock();
        inner.leave(source, &directories);
        let mut result = Ok(());
        for path in directories {
            let known = inner.directories.get(path).and_then(|dir| dir.sources.get(source));
            if known.is_some_and(|known| std::ptr::eq(known.as_ptr(), Arc::as_ptr(wake))) {
                continue;
            }
            let instance = inner.instance.clone().map_or_else(|| self.start(), Ok)?;
            inner.instance = Some(Arc::clone(&instance));
            match inner.add(&instance, source, wake, path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => result = Err(error),
                Ok(()) => {}
            }
        }
        result
    }

    /// Makes the instance, and the thread that reads it for as long as anybody holds this.
    fn start(self: &Arc<Self>) -> io::Result<Arc<OwnedFd>> {
        let instance = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let instance = Arc::new(instance);
        let (read, watcher) = (Arc::clone(&instance), Arc::downgrade(self));
        let thread = thread::Builder::new().name("log-watch".into());
        thread.spawn(move || follow(&read, &watcher))?;
        Ok(instance)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }

    /// Tells the sources of these watches, or all of them if events were lost.
    fn tell(&self, events: &Events) {
        let mut inner = self.lock();
        for (path, directory) in &inner.directories {
            let told = events.of(directory.watch, path);
            if told != Told::Nothing {
                let wakes = directory.sources.values().filter_map(Weak::upgrade);
                wakes.for_each(|wake| wake.tell(told.clone()));
            }
        }
        // A directory that has gone is watched anew when it is asked for again.
        inner.directories.retain(|_, directory| !events.gone.contains(&directory.watch));
    }
}

impl Inner {
    fn add(
        &mut self,
        instance: &OwnedFd,
        source: &str,
        wake: &Arc<Wake>,
        path: &Path,
    ) -> io::Result<()> {
        let events = WatchFlags::MODIFY
            | WatchFlags::ATTRIB
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        let watch = inotify::add_watch(instance, path, events)?;
        let fresh = || Directory { watch, sources: BTreeMap::new() };
        let directory = self.directories.entry(path.to_owned()).or_insert_with(fresh);
        directory.watch = watch;
        directory.sources.insert(source.to_owned(), Arc::downgrade(wake));
        // What has happened between the source's look and this call was told to nobody.
        wake.tell(Told::All);
        Ok(())
    }

    /// Takes a source out of all directories but these, and those that are gone out of all.
    fn leave(&mut self, source: &str, but: &BTreeSet<&Path>) {
        for (path, directory) in &mut self.directories {
            let stays = but.contains(path.as_path());
            let stays = |name: &str, wake: &Weak<Wake>| {
                wake.strong_count() > 0 && (stays || name != source)
            };
            directory.sources.retain(|name, wake| stays(name, wake));
        }
        let Some(instance) = &self.instance else { return };
        self.directories.retain(|_, directory| {
            if directory.sources.is_empty() {
                // It may be gone already, and the kernel's watch with it.
                let _ = inotify::remove_watch(instance, directory.watch);
            }
            !directory.sources.is_empty()
        });
    }
}

/// The directory, or the nearest one above it that is there: it will tell when this one comes.
fn there(directory: &Path) -> Option<&Path> {
    directory.ancestors().find(|path| path.is_dir())
}

/// What one read of the instance has said.
#[derive(Default)]
struct Events {
    /// By watch the names of files that were written to; none: something else has happened.
    watches: BTreeMap<i32, Option<BTreeSet<OsString>>>,
    gone: BTreeSet<i32>,
    all: bool,
}

impl Events {
    fn add(&mut self, watch: i32, name: Option<&OsStr>) {
        let names = self.watches.entry(watch).or_insert_with(|| Some(BTreeSet::new()));
        match (names.as_mut(), name) {
            (Some(all), Some(name)) if all.contains(name) => {}
            (Some(all), Some(name)) if all.len() < MAX_TOLD => drop(all.insert(name.to_owned())),
            (Some(_), _) => *names = None,
            (None, _) => {}
        }
    }

    /// What is to be told of a directory.
    fn of(&self, watch: i32, path: &Path) -> Told {
        match self.watches.get(&watch) {
            _ if self.all => Told::All,
            None => Told::Nothing,
            Some(None) => Told::All,
            Some(Some(names)) => Told::Files(names.iter().map(|name| path.join(name)).collect()),
        }
    }
}

fn follow(instance: &OwnedFd, watcher: &Weak<Watcher>) {
    loop {
        let mut waits = [PollFd::new(instance, PollFlags::IN)];
        let ready = poll(&mut waits, Some(&CHECK)).unwrap_or(0);
        let Some(watcher) = watcher.upgrade() else { return };
        if ready > 0 {
            watcher.tell(&read(instance));
            gather();
        }
    }
}

/// Lets more events come before they are told.
#[allow(clippy::disallowed_methods, reason = "a thread of its own, which nobody waits for")]
fn gather() {
    thread::sleep(PAUSE);
}

/// Takes all events that wait.
fn read(instance: &OwnedFd) -> Events {
    let mut buffer = [MaybeUninit::uninit(); BUFFER];
    let mut reader = inotify::Reader::new(instance, &mut buffer);
    let mut events = Events::default();
    while let Ok(event) = reader.next() {
        let what = event.events();
        events.all |= what.contains(ReadFlags::QUEUE_OVERFLOW);
        if what.intersects(ReadFlags::IGNORED | ReadFlags::MOVE_SELF) {
            events.gone.insert(event.wd());
        }
        let name = event.file_name().filter(|_| what == ReadFlags::MODIFY);
        events.add(event.wd(), name.map(|name| OsStr::from_bytes(name.to_bytes())));
    }
    events
}

#[cfg(test)]
mod tests;
