//! Tells a source that something has happened in its directories, by inotify: one instance for all
//! sources, one watch a directory.
//!
//! Nothing that is counted rests on it. Where it cannot be had (limits, file systems over the
//! network, other systems) the files are looked at once a second, and every few seconds in any case.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use tokio::sync::Notify;

/// What happens to a busy file tells nothing new for this long: a writer that is never silent costs
/// a few wake-ups a second.
const PAUSE: Duration = Duration::from_millis(50);
/// After so long without events it is looked whether anybody still wants them.
const CHECK: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };
/// Events that are taken at once.
const BUFFER: usize = 16 * 1024;

/// Where a source is told that there may be something to read.
#[derive(Default)]
pub struct Wake {
    pub notify: Arc<Notify>,
    dirty: AtomicBool,
    /// It tells itself soon.
    due: AtomicBool,
}

impl Wake {
    pub fn tell(&self) {
        self.dirty.store(true, Ordering::Release);
        self.notify.notify_one();
    }

    /// Tells itself after a time; once, however often it is asked to until then. Needs the runtime.
    pub fn tell_in(self: &Arc<Self>, after: Duration) {
        if self.due.swap(true, Ordering::AcqRel) {
            return;
        }
        let wake = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            wake.due.store(false, Ordering::Release);
            wake.tell();
        });
    }

    /// Whether something has been told since the last call.
    pub fn take(&self) -> bool {
        self.dirty.swap(false, Ordering::AcqRel)
    }
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
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the sources of these watches, or all of them if events were lost.
    fn tell(&self, told: &Told) {
        let mut inner = self.lock();
        for directory in inner.directories.values() {
            if told.all || told.watches.contains(&directory.watch) {
                directory.sources.values().filter_map(Weak::upgrade).for_each(|wake| wake.tell());
            }
        }
        // A directory that has gone is watched anew when it is asked for again.
        inner.directories.retain(|_, directory| !told.gone.contains(&directory.watch));
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
        wake.tell();
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
struct Told {
    watches: BTreeSet<i32>,
    gone: BTreeSet<i32>,
    all: bool,
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
fn read(instance: &OwnedFd) -> Told {
    let mut buffer = [MaybeUninit::uninit(); BUFFER];
    let mut reader = inotify::Reader::new(instance, &mut buffer);
    let mut told = Told::default();
    while let Ok(event) = reader.next() {
        told.all |= event.events().contains(ReadFlags::QUEUE_OVERFLOW);
        if event.events().intersects(ReadFlags::IGNORED | ReadFlags::MOVE_SELF) {
            told.gone.insert(event.wd());
        }
        told.watches.insert(event.wd());
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(wake: &Wake) {
        let told = tokio::time::timeout(Duration::from_secs(10), wake.notify.notified());
        told.await.expect("it is told");
        assert!(wake.take());
    }

    /// Until nothing more is told: the kernel's events come one by one.
    async fn quiet(wake: &Wake) {
        while tokio::time::timeout(4 * PAUSE, wake.notify.notified()).await.is_ok() {}
        wake.take();
    }

    #[tokio::test]
    async fn sources_are_told_of_their_own_directories_only() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let watcher = Arc::new(Watcher::default());
        let (one, both): (Arc<Wake>, Arc<Wake>) = Default::default();
        let dirs = |dirs: &[&Path]| dirs.iter().map(|dir| dir.to_path_buf()).collect();
        watcher.watch("one", &one, &dirs(&[a.path()])).unwrap();
        watcher.watch("both", &both, &dirs(&[a.path(), b.path(), Path::new("/no/such")])).unwrap();
        quiet(&one).await;
        quiet(&both).await;
        std::fs::write(b.path().join("x.log"), "x\n").unwrap();
        told(&both).await;
        assert!(!one.take());
        std::fs::write(a.path().join("x.log"), "x\n").unwrap();
        told(&one).await;
        quiet(&both).await;
        // Asked for a second time: nothing is told for that alone.
        watcher.watch("both", &both, &dirs(&[b.path()])).unwrap();
        assert!(!both.take());
        std::fs::rename(a.path().join("x.log"), a.path().join("x.log.1")).unwrap();
        told(&one).await;
        assert!(!both.take());
    }

    #[tokio::test]
    async fn a_directory_that_goes_and_comes_is_watched_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs");
        let watcher = Arc::new(Watcher::default());
        let wake = Arc::<Wake>::default();
        let dirs = BTreeSet::from([path.clone()]);
        for _ in 0..2 {
            std::fs::create_dir(&path).unwrap();
            watcher.watch("x", &wake, &dirs).unwrap();
            quiet(&wake).await;
            std::fs::write(path.join("x.log"), "x\n").unwrap();
            told(&wake).await;
            quiet(&wake).await;
            std::fs::remove_dir_all(&path).unwrap();
            told(&wake).await;
            quiet(&wake).await;
        }
    }

    #[tokio::test]
    async fn a_directory_that_is_still_to_come_is_told_of() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app/logs");
        let watcher = Arc::new(Watcher::default());
        let wake = Arc::<Wake>::default();
        let dirs = BTreeSet::from([path.clone()]);
        watcher.watch("x", &wake, &dirs).unwrap();
        quiet(&wake).await;
        watcher.watch("x", &wake, &dirs).unwrap();
        assert!(!wake.take(), "nothing is told for being asked again");
        for part in [path.parent().unwrap(), &path] {
            std::fs::create_dir(part).unwrap();
            told(&wake).await;
            watcher.watch("x", &wake, &dirs).unwrap();
            quiet(&wake).await;
        }
        std::fs::write(path.join("x.log"), "x\n").unwrap();
        told(&wake).await;
        // A source that is gone leaves nothing behind.
        drop(wake);
        watcher.watch("other", &Arc::default(), &BTreeSet::new()).unwrap();
        assert!(watcher.lock().directories.is_empty());
    }

    #[test]
    fn lost_events_are_told_to_everybody() {
        let (busy, calm) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        // Without the thread, so that nobody reads meanwhile.
        let instance = Arc::new(inotify::init(CreateFlags::NONBLOCK).unwrap());
        let watcher = Arc::new(Watcher::default());
        watcher.lock().instance = Some(Arc::clone(&instance));
        let (one, other): (Arc<Wake>, Arc<Wake>) = Default::default();
        watcher.watch("calm", &one, &BTreeSet::from([calm.path().to_owned()])).unwrap();
        watcher.watch("busy", &other, &BTreeSet::from([busy.path().to_owned()])).unwrap();
        assert!(one.take() && other.take());
        let [from, to] = ["1", "2"].map(|name| busy.path().join(name));
        std::fs::write(&from, "").unwrap();
        for _ in 0..20_000 {
            std::fs::rename(&from, &to).unwrap();
            std::fs::rename(&to, &from).unwrap();
        }
        watcher.tell(&read(&instance));
        assert!(one.take() && other.take());
    }
}
