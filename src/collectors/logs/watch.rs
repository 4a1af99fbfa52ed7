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
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;

/// What happens to a busy file tells nothing new for this long: a writer that is never silent costs
/// a few wake-ups a second.
const PAUSE: Duration = Duration::from_millis(50);
/// Events that are taken at once.
const BUFFER: usize = 16 * 1024;

/// Where a source is told that there may be something to read.
#[derive(Default)]
pub struct Wake {
    pub notify: Arc<Notify>,
    dirty: AtomicBool,
}

impl Wake {
    pub fn tell(&self) {
        self.dirty.store(true, Ordering::Release);
        self.notify.notify_one();
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
    instance: Option<Arc<AsyncFd<OwnedFd>>>,
    directories: BTreeMap<PathBuf, Directory>,
}

struct Directory {
    watch: i32,
    sources: BTreeMap<String, Arc<Wake>>,
}

impl Watcher {
    /// From now on `wake` is told what happens in `directories`, and in no others any more. Needs
    /// the runtime. Fails if one of them cannot be watched; one that is not there is no failure.
    pub fn watch(
        self: &Arc<Self>,
        source: &str,
        wake: &Arc<Wake>,
        directories: &BTreeSet<PathBuf>,
    ) -> io::Result<()> {
        let mut inner = self.lock();
        inner.leave(source, directories);
        let mut result = Ok(());
        for path in directories {
            let known = inner.directories.get(path).and_then(|dir| dir.sources.get(source));
            if known.is_some_and(|known| Arc::ptr_eq(known, wake)) {
                continue;
            }
            let instance = match &inner.instance {
                Some(instance) => Arc::clone(instance),
                None => {
                    let made = self.start()?;
                    Arc::clone(inner.instance.insert(made))
                }
            };
            match inner.add(&instance, source, wake, path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => result = Err(error),
                Ok(()) => {}
            }
        }
        result
    }

    /// Makes the instance, and the task that reads it for as long as anybody holds this.
    fn start(self: &Arc<Self>) -> io::Result<Arc<AsyncFd<OwnedFd>>> {
        let instance = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let instance = Arc::new(AsyncFd::with_interest(instance, Interest::READABLE)?);
        tokio::spawn(follow(Arc::clone(&instance), Arc::downgrade(self)));
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
                directory.sources.values().for_each(|wake| wake.tell());
            }
        }
        // A directory that has gone is watched anew when it is asked for again.
        inner.directories.retain(|_, directory| !told.gone.contains(&directory.watch));
    }
}

impl Inner {
    fn add(
        &mut self,
        instance: &AsyncFd<OwnedFd>,
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
        let watch = inotify::add_watch(instance.get_ref(), path, events)?;
        let fresh = || Directory { watch, sources: BTreeMap::new() };
        let directory = self.directories.entry(path.to_owned()).or_insert_with(fresh);
        directory.watch = watch;
        directory.sources.insert(source.to_owned(), Arc::clone(wake));
        // What has happened between the source's look and this call was told to nobody.
        wake.tell();
        Ok(())
    }

    /// Takes a source out of all directories but these.
    fn leave(&mut self, source: &str, but: &BTreeSet<PathBuf>) {
        for (path, directory) in &mut self.directories {
            if !but.contains(path) {
                directory.sources.remove(source);
            }
        }
        let Some(instance) = &self.instance else { return };
        self.directories.retain(|_, directory| {
            if directory.sources.is_empty() {
                // It may be gone already, and the kernel's watch with it.
                let _ = inotify::remove_watch(instance.get_ref(), directory.watch);
            }
            !directory.sources.is_empty()
        });
    }
}

/// What one read of the instance has said.
#[derive(Default)]
struct Told {
    watches: BTreeSet<i32>,
    gone: BTreeSet<i32>,
    all: bool,
}

async fn follow(instance: Arc<AsyncFd<OwnedFd>>, watcher: Weak<Watcher>) {
    loop {
        let Ok(mut ready) = instance.readable().await else { return };
        let told = read(instance.get_ref());
        ready.clear_ready();
        let Some(watcher) = watcher.upgrade() else { return };
        watcher.tell(&told);
        tokio::time::sleep(PAUSE).await;
    }
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
    async fn lost_events_are_told_to_everybody() {
        let (busy, calm) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let watcher = Arc::new(Watcher::default());
        let wake = Arc::<Wake>::default();
        let other = Arc::<Wake>::default();
        watcher.watch("calm", &wake, &BTreeSet::from([calm.path().to_owned()])).unwrap();
        watcher.watch("busy", &other, &BTreeSet::from([busy.path().to_owned()])).unwrap();
        quiet(&wake).await;
        // Nobody reads meanwhile: there is one thread, and it is here.
        let [one, two] = ["1", "2"].map(|name| busy.path().join(name));
        std::fs::write(&one, "").unwrap();
        for _ in 0..20_000 {
            std::fs::rename(&one, &two).unwrap();
            std::fs::rename(&two, &one).unwrap();
        }
        told(&wake).await;
    }
}
