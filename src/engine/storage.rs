//! The state directory: one small file per target that has something to remember over a restart.
//!
//! A file is replaced as a whole (written beside, renamed), so what is there is of one moment. The
//! end of the process loses nothing that was saved; a power cut loses at most half a minute, for
//! which the disk is not asked more often than that.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{Access, FlockOperation, OFlags};

use super::{Failure, Reason};

const NAME: &str = "stack-exporter";
const LOCK: &str = "lock";
const ENDING: &str = ".state";
/// How often a file is flushed to the disk.
const FLUSH: Duration = Duration::from_secs(30);
/// Longer names of files are cut and told apart by a hash; file systems take 255 bytes.
const MAX_NAME: usize = 180;

/// Where states are kept: a directory of which this process is the only user, or memory.
pub struct Storage {
    disk: Option<Disk>,
    memory: Mutex<BTreeMap<String, Vec<u8>>>,
    trouble: Option<Trouble>,
}

/// Why there is no directory.
enum Trouble {
    /// Another process has it: reading beside it would count everything twice.
    Taken(Failure),
    /// Counting goes on, and a restart will not know of it.
    Unsaved(Failure),
}

struct Disk {
    dir: PathBuf,
    /// Held as long as the directory is ours.
    _lock: File,
    /// When each file was flushed last, and whether it was replaced since.
    flushed: Mutex<BTreeMap<PathBuf, (Instant, bool)>>,
}

impl Storage {
    /// Keeps what is saved until the process ends.
    pub fn memory() -> Self {
        Self { disk: None, memory: Mutex::default(), trouble: None }
    }

    /// Takes a directory, which is made if it is not there. Fails if another process has it.
    pub fn open(dir: &Path) -> Result<Self, Failure> {
        let what = format!("state directory {}", dir.display());
        let failed = |error: &io::Error| {
            Failure::io(&what, error).hint("give the exporter a directory that it may write")
        };
        make(dir).map_err(|error| failed(&error))?;
        let lock = open(&dir.join(LOCK), false).map_err(|error| failed(&error))?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let detail = format!("{what}: another exporter uses it");
                return Err(Failure::new(Reason::Taken, detail)
                    .hint("stop that one, or give each its own directory"));
            }
            Err(error) => return Err(failed(&error.into())),
        }
        let disk = Disk { dir: dir.to_owned(), _lock: lock, flushed: Mutex::default() };
        Ok(Self { disk: Some(disk), memory: Mutex::default(), trouble: None })
    }

    /// The directory if it can be had, else what goes on without it.
    pub fn take(dir: Option<&Path>) -> Self {
        let opened = dir.map_or_else(|| Err(homeless()), Self::open);
        let trouble = match opened {
            Ok(storage) => return storage,
            Err(failure) if failure.reason == Reason::Taken => Trouble::Taken(failure),
            Err(failure) => Trouble::Unsaved(failure),
        };
        Self { trouble: Some(trouble), ..Self::memory() }
    }

    /// The directory where nothing is configured: the service manager's, the system's if we may
    /// write there, the user's.
    pub fn default_dir(env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
        Self::dir_below(Path::new("/var/lib"), env)
    }

    fn dir_below(system: &Path, env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
        let set = |name: &str| env(name).filter(|value| value.starts_with('/'));
        if let Some(dirs) = set("STATE_DIRECTORY") {
            return dirs.split(':').next().map(PathBuf::from);
        }
        let system = system.join(NAME);
        let writable = || rustix::fs::access(&system, Access::WRITE_OK | Access::EXEC_OK).is_ok();
        if make(&system).is_ok() && writable() {
            return Some(system);
        }
        let user = set("XDG_STATE_HOME").map(PathBuf::from);
        let home = || set("HOME").map(|home| Path::new(&home).join(".local/state"));
        user.or_else(home).map(|dir| dir.join(NAME))
    }

    /// What another process has saved in its directory, if anything; takes no lock.
    pub fn peek(dir: &Path, area: &str, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        read(&dir.join(file_name(area, name)))
    }

    /// The directory, unless it is memory.
    pub fn dir(&self) -> Option<&Path> {
        self.disk.as_ref().map(|disk| disk.dir.as_path())
    }

    /// What was saved last, if anything was.
    pub fn load(&self, area: &str, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        if let Some(Trouble::Taken(failure)) = &self.trouble {
            return Err(failure.clone());
        }
        let file = file_name(area, name);
        let Some(disk) = &self.disk else {
            let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            return Ok(memory.get(&file).cloned());
        };
        read(&disk.dir.join(file))
    }

    /// Replaces what was saved. After a failure that is still there.
    pub fn save(&self, area: &str, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let file = file_name(area, name);
        let Some(disk) = &self.disk else {
            let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            memory.insert(file, bytes.to_vec());
            return match &self.trouble {
                Some(Trouble::Unsaved(failure) | Trouble::Taken(failure)) => Err(failure.clone()),
                None => Ok(()),
            };
        };
        disk.save(&file, bytes).map_err(|error| {
            let what = format!("state {}", disk.dir.join(&file).display());
            Failure::io(&what, &error).hint(match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "free some space: counting goes on, but a restart would not know of it"
                }
                _ => "let the exporter write there: counting goes on, but a restart would not know of it",
            })
        })
    }

    /// Forgets what was saved.
    pub fn remove(&self, area: &str, name: &str) -> Result<(), Failure> {
        let file = file_name(area, name);
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).remove(&file);
        let Some(disk) = &self.disk else { return Ok(()) };
        let path = disk.dir.join(file);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Failure::io(&format!("state {}", path.display()), &error))
            }
            _ => Ok(()),
        }
    }

    /// The files of an area that belong to none of these names: nothing removes them unasked.
    pub fn strangers<'a>(&self, area: &str, names: impl Iterator<Item = &'a str>) -> Vec<PathBuf> {
        let Some(disk) = &self.disk else { return Vec::new() };
        let ours: Vec<String> = names.map(|name| file_name(area, name)).collect();
        let prefix = format!("{area}-");
        let entries = std::fs::read_dir(&disk.dir).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut strangers: Vec<_> = names
            .filter(|name| name.starts_with(&prefix) && name.ends_with(ENDING))
            .filter(|name| !ours.contains(name))
            .map(|name| disk.dir.join(name))
            .collect();
        strangers.sort();
        strangers
    }

    /// Brings to the disk what was saved since it was last.
    pub fn flush(&self) {
        if let Some(disk) = &self.disk {
            disk.flush();
        }
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io(&format!("state {}", path.display()), &error)),
    }
}

fn homeless() -> Failure {
    let failure = Failure::new(Reason::NotFound, "no directory for what must outlive a restart");
    failure.hint("name one with --storage.path")
}

impl Disk {
    fn save(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.dir.join(name);
        let beside = self.dir.join(format!(".{name}.new"));
        // Not held while the disk is waited for: others have something to save too.
        let flushed = || self.flushed.lock().unwrap_or_else(PoisonError::into_inner);
        let due = flushed().get(&path).is_none_or(|(at, _)| at.elapsed() >= FLUSH);
        let written = write(&beside, bytes, due).and_then(|()| std::fs::rename(&beside, &path));
        if let Err(error) = written {
            // What is half written would only take the room.
            let _ = std::fs::remove_file(&beside);
            return Err(error);
        }
        if due {
            flushed().insert(path, (Instant::now(), false));
        } else if let Some((_, dirty)) = flushed().get_mut(&path) {
            *dirty = true;
        }
        Ok(())
    }

    fn flush(&self) {
        let mut flushed = self.flushed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut any = false;
        for (path, (at, dirty)) in flushed.iter_mut().filter(|(_, (_, dirty))| *dirty) {
            if File::open(path).and_then(|file| file.sync_data()).is_ok() {
                (*at, *dirty, any) = (Instant::now(), false, true);
            }
        }
        if any {
            // The names are in the directory.
            let _ = File::open(&self.dir).and_then(|dir| dir.sync_all());
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.flush();
    }
}

fn write(path: &Path, bytes: &[u8], flush: bool) -> io::Result<()> {
    let mut file = open(path, true)?;
    file.write_all(bytes)?;
    if flush { file.sync_data() } else { Ok(()) }
}

fn open(path: &Path, empty: bool) -> io::Result<File> {
    #[allow(clippy::cast_possible_wrap, reason = "a set of bits")]
    let flags = OFlags::NOFOLLOW.bits() as i32;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(empty).mode(0o600).custom_flags(flags).open(path)
}

fn make(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// A name of a file from any text: what could be more than a letter of it is written in hex.
fn file_name(area: &str, name: &str) -> String {
    let mut file = format!("{area}-");
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => file.push(byte.into()),
            _ => file.push_str(&format!("%{byte:02x}")),
        }
    }
    if file.len() > MAX_NAME {
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        file.truncate(MAX_NAME);
        file.push_str(&format!("%-{hash:016x}"));
    }
    file + ENDING
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn what_is_saved_is_there_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("a/b");
        let storage = Storage::open(&dir).unwrap();
        assert_eq!(storage.load("logs", "bot").unwrap(), None);
        for text in ["one", "two"] {
            storage.save("logs", "bot", text.as_bytes()).unwrap();
            assert_eq!(storage.load("logs", "bot").unwrap().unwrap(), text.as_bytes());
        }
        storage.save("logs", "../Бот", b"three").unwrap();
        drop(storage);
        let storage = Storage::open(&dir).unwrap();
        assert_eq!(storage.load("logs", "bot").unwrap().unwrap(), b"two");
        assert_eq!(storage.load("logs", "../Бот").unwrap().unwrap(), b"three");
        assert_eq!(storage.strangers("logs", ["../Бот"].into_iter()), [dir.join("logs-bot.state")]);
        storage.remove("logs", "bot").unwrap();
        storage.remove("logs", "bot").unwrap();
        assert_eq!(storage.load("logs", "bot").unwrap(), None);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(&dir), 0o700);
        for entry in std::fs::read_dir(&dir).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
        }
    }

    #[test]
    fn case_36_a_second_exporter_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let first = Storage::open(dir.path()).unwrap();
        let failure = Storage::open(dir.path()).err().unwrap();
        assert!(failure.detail.ends_with("another exporter uses it"), "{failure}");
        assert!(failure.hint.is_some());
        drop(first);
        assert!(Storage::open(dir.path()).is_ok());
    }

    #[test]
    fn case_32_a_save_that_fails_leaves_the_last_one_and_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let storage = Storage::open(dir.path()).unwrap();
        storage.save("logs", "bot", b"one").unwrap();
        // A directory in the place of the file that is written first: root may write anywhere else.
        let beside = dir.path().join(".logs-bot.state.new");
        std::fs::create_dir(&beside).unwrap();
        let failure = storage.save("logs", "bot", b"two").unwrap_err();
        assert!(failure.detail.contains("logs-bot.state"), "{failure}");
        assert_eq!(storage.load("logs", "bot").unwrap().unwrap(), b"one");
        std::fs::remove_dir(&beside).unwrap();
        storage.save("logs", "bot", b"two").unwrap();
        // A disk that is full.
        let full = write(Path::new("/dev/full"), b"x", false).unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        assert!(Storage::open(Path::new("/proc/no/such")).is_err());
    }

    #[test]
    fn memory_needs_no_directory() {
        let storage = Storage::memory();
        assert_eq!(storage.load("logs", "bot").unwrap(), None);
        storage.save("logs", "bot", b"one").unwrap();
        assert_eq!(storage.load("logs", "bot").unwrap().unwrap(), b"one");
        assert!(
            storage.dir().is_none() && storage.strangers("logs", std::iter::empty()).is_empty()
        );
        storage.flush();
    }

    #[test]
    fn any_name_makes_a_safe_file_name() {
        for (name, file) in [
            ("bot", "logs-bot.state"),
            ("", "logs-.state"),
            ("..", "logs-...state"),
            ("a/b", "logs-a%2fb.state"),
            ("a%2fb", "logs-a%252fb.state"),
            ("я\n", "logs-%d1%8f%0a.state"),
        ] {
            assert_eq!(file_name("logs", name), file);
        }
        let long = |end: &str| file_name("logs", &format!("{}{end}", "ж".repeat(200)));
        assert!(long("a").len() < 230 && long("a") != long("b"));
    }

    #[test]
    fn a_directory_where_none_is_configured() {
        let dir = tempfile::tempdir().unwrap();
        let (system, none) = (dir.path().join(NAME), Path::new("/proc"));
        let given = |name: &str| (name == "STATE_DIRECTORY").then(|| "/a:/b".to_owned());
        assert_eq!(Storage::dir_below(dir.path(), &given), Some(PathBuf::from("/a")));
        let user = |name: &str| (name == "XDG_STATE_HOME").then(|| "/x".to_owned());
        assert_eq!(Storage::dir_below(dir.path(), &user), Some(system));
        assert_eq!(Storage::dir_below(none, &user), Some(PathBuf::from("/x/stack-exporter")));
        let home = |name: &str| (name == "HOME").then(|| "/h".to_owned());
        let there = PathBuf::from("/h/.local/state/stack-exporter");
        assert_eq!(Storage::dir_below(none, &home), Some(there));
        assert_eq!(Storage::dir_below(none, &|_| None), None);
    }
}
