//! The state directory: one small file per target that has something to remember over a restart.
//!
//! A file is replaced as a whole (written beside, renamed), so what is there is of one moment; or a
//! document is added to it, which counts once all of it is there. The end of the process loses nothing that was saved; a power cut loses at most half a minute, for
//! which the disk is not asked more often than that.

mod disk;
mod frame;
mod kept;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::Access;

pub use self::frame::{Form, Lost};
pub use self::kept::{Keeping, Kept};

use self::disk::{Disk, file_name, make, read};
use crate::failure::{Failure, Reason};

const NAME: &str = "stack-exporter";
const ENDING: &str = ".state";

/// Where states are kept: a directory of which this process is the only user, or memory.
#[derive(Default)]
pub struct Storage {
    /// The directory that is wanted, whether it could be had or not.
    wanted: Option<PathBuf>,
    place: Mutex<Place>,
}

#[derive(Default)]
struct Place {
    disk: Option<Arc<Disk>>,
    memory: BTreeMap<String, Vec<u8>>,
    trouble: Option<Trouble>,
}

/// Why there is no directory.
#[derive(Clone)]
enum Trouble {
    /// Another process has it: reading beside it would count everything twice.
    Taken(Failure),
    /// Counting goes on, and a restart will not know of it.
    Unsaved(Failure),
}

impl Trouble {
    fn of(failure: Failure) -> Self {
        if failure.reason == Reason::TAKEN { Self::Taken(failure) } else { Self::Unsaved(failure) }
    }

    const fn failure(&self) -> &Failure {
        let (Self::Taken(failure) | Self::Unsaved(failure)) = self;
        failure
    }
}

impl Storage {
    /// Keeps what is saved until the process ends.
    pub fn memory() -> Self {
        Self::default()
    }

    /// Takes a directory, which is made if it is not there. Fails if another process has it.
    pub fn open(dir: &Path) -> Result<Self, Failure> {
        let place = Place { disk: Some(Arc::new(Disk::open(dir)?)), ..Place::default() };
        Ok(Self { wanted: Some(dir.to_owned()), place: Mutex::new(place) })
    }

    /// The directory if it can be had, else what goes on without it until it can.
    pub fn take(dir: Option<&Path>) -> Self {
        match dir.map_or_else(|| Err(homeless()), Self::open) {
            Ok(storage) => storage,
            Err(failure) => {
                let place = Place { trouble: Some(Trouble::of(failure)), ..Place::default() };
                Self { wanted: dir.map(Path::to_owned), place: Mutex::new(place) }
            }
        }
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn disk(&self) -> Option<Arc<Disk>> {
        self.place().disk.clone()
    }

    /// The directory, and if it could not be had, tried again: what was in the way may be gone.
    /// A directory that goes on being away costs two system calls.
    fn tried(&self) -> MutexGuard<'_, Place> {
        let mut place = self.place();
        if let (None, Some(dir), Some(_)) = (&place.disk, &self.wanted, &place.trouble) {
            match Disk::open(dir) {
                Ok(disk) => {
                    // What was kept in memory meanwhile is written at the next save.
                    (place.disk, place.trouble) = (Some(Arc::new(disk)), None);
                }
                Err(failure) => place.trouble = Some(Trouble::of(failure)),
            }
        }
        place
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
    pub fn dir(&self) -> Option<PathBuf> {
        self.disk().map(|disk| disk.dir.clone())
    }

    /// The directory, if nobody has kept anything there before.
    pub fn new_dir(&self) -> Option<PathBuf> {
        self.disk().filter(|disk| disk.is_new).map(|disk| disk.dir.clone())
    }

    /// What was saved last, if anything was.
    pub fn load(&self, area: &str, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        let file = file_name(area, name);
        let place = self.tried();
        if let Some(Trouble::Taken(failure)) = &place.trouble {
            return Err(failure.clone());
        }
        let Some(disk) = place.disk.clone() else {
            return Ok(place.memory.get(&file).cloned());
        };
        drop(place);
        read(&disk.dir.join(file))
    }

    /// Replaces what was saved. After a failure that is still there.
    pub fn save(&self, area: &str, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let file = file_name(area, name);
        let mut place = self.tried();
        let Some(disk) = place.disk.clone() else {
            place.memory.insert(file, bytes.to_vec());
            return place.trouble.as_ref().map_or(Ok(()), |trouble| Err(trouble.failure().clone()));
        };
        place.memory.remove(&file);
        drop(place);
        disk.save(&file, bytes).map_err(|error| unsaved(&disk, &file, &error))
    }

    /// Adds to what was saved. After a failure a part of it may be there, and it is to be replaced.
    pub fn append(&self, area: &str, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let file = file_name(area, name);
        let mut place = self.tried();
        let Some(disk) = place.disk.clone() else {
            place.memory.entry(file).or_default().extend_from_slice(bytes);
            return place.trouble.as_ref().map_or(Ok(()), |trouble| Err(trouble.failure().clone()));
        };
        drop(place);
        disk.append(&file, bytes).map_err(|error| unsaved(&disk, &file, &error))
    }

    /// Forgets what was saved.
    pub fn remove(&self, area: &str, name: &str) -> Result<(), Failure> {
        let file = file_name(area, name);
        let mut place = self.place();
        place.memory.remove(&file);
        let Some(disk) = place.disk.clone() else { return Ok(()) };
        drop(place);
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
        let Some(disk) = self.disk() else { return Vec::new() };
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
        if let Some(disk) = self.disk() {
            disk.flush();
        }
    }
}

fn unsaved(disk: &Disk, file: &str, error: &io::Error) -> Failure {
    let what = format!("state {}", disk.dir.join(file).display());
    Failure::io(&what, error).hint(match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space: counting goes on, but a restart would not know of it"
        }
        _ => "let the exporter write there: counting goes on, but a restart would not know of it",
    })
}

fn homeless() -> Failure {
    let failure = Failure::new(Reason::NOT_FOUND, "no directory for what must outlive a restart");
    failure.hint("name one with --storage.path")
}
