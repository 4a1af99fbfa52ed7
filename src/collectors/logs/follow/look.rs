//! Which files a source consists of: a listing of each directory, made anew when the directory has
//! changed, and one `stat` a file.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::facts::{Facts, Identity};
use super::find::{Part, Pattern, compressed, rotated_from};
use super::report::Skipped;
use super::{RECENT, since};
use crate::clients::folder::{Refusal, is_made_up, resolve};
use crate::failure::Failure;

/// Names read in one look; a pattern such as `/**` ends here.
const MAX_ENTRIES: usize = 50_000;
const MAX_DEPTH: usize = 16;
/// Directories are listed anew after this time even if they seem unchanged: some file systems tell
/// late.
const LIST_AGAIN: Duration = Duration::from_mins(1);

/// A regular file that is there.
#[derive(Clone, Debug)]
pub struct Found {
    pub path: PathBuf,
    /// The path without symbolic links.
    pub real: PathBuf,
    /// What is at `path` is itself a link.
    pub link: bool,
    pub facts: Facts,
    /// Whether a pattern names it; else it only lies beside one that does, with a name that
    /// rotation gives.
    pub named: bool,
    /// The index of the pattern.
    pub pattern: usize,
    /// Left out by the cap.
    pub crowded: bool,
}

/// What one look has found.
#[derive(Default)]
pub struct Look {
    pub files: BTreeMap<Identity, Found>,
    pub skipped: Skipped,
    /// Entries beyond the cap.
    pub dropped: u64,
    /// Why a part of it could not be looked at.
    pub problem: Option<Failure>,
    /// Patterns that could be followed only in part for lack of rights.
    pub blind: BTreeSet<usize>,
    pub dirs: Arc<BTreeSet<PathBuf>>,
}

/// The names of a look, kept until a directory changes.
#[derive(Default)]
pub struct Names {
    entries: Vec<Entry>,
    dirs: BTreeMap<PathBuf, Dir>,
    /// Their names, for who wants to know of changes in them.
    watched: Arc<BTreeSet<PathBuf>>,
    bases: BTreeSet<PathBuf>,
    listed: usize,
    dropped: u64,
    links: u64,
    pseudo: u64,
    problem: Option<Failure>,
    blind: BTreeSet<usize>,
    at: Option<SystemTime>,
    pattern: usize,
}

struct Entry {
    path: PathBuf,
    real: PathBuf,
    named: bool,
    pattern: usize,
}

#[derive(Clone, Default)]
struct Dir {
    /// Without symbolic links; none if it is not there or may not be followed.
    real: Option<PathBuf>,
    stamp: Option<Stamp>,
    names: Option<Arc<Vec<OsString>>>,
}

type Stamp = (u64, u64, i64, i64);

fn stamp(meta: &Metadata) -> Stamp {
    (meta.dev(), meta.ino(), meta.mtime(), meta.mtime_nsec())
}

impl Names {
    /// Looks for everything that the patterns name and, beside it, for rotated files of what is
    /// named or of `bases`, paths that were read until now or may come.
    pub fn look(
        &mut self,
        patterns: &[Pattern],
        bases: BTreeSet<PathBuf>,
        now: SystemTime,
    ) -> Look {
        if bases != self.bases || !self.holds(now) {
            *self = Self { bases, at: Some(now), ..Self::default() };
            for (index, pattern) in patterns.iter().enumerate() {
                self.pattern = index;
                self.expand(Path::new("/"), &pattern.parts, MAX_DEPTH);
            }
            self.siblings();
            self.watched = Arc::new(self.dirs.keys().cloned().collect());
        }
        let mut look = Look {
            dropped: self.dropped,
            problem: self.problem.clone(),
            blind: self.blind.clone(),
            dirs: Arc::clone(&self.watched),
            ..Look::default()
        };
        look.skipped.link = self.links;
        look.skipped.pseudo = self.pseudo;
        for entry in &self.entries {
            look.add(entry);
        }
        look
    }

    /// What is at a path in a known directory now, if it is a regular file.
    pub fn at(&self, path: &Path) -> Option<Found> {
        let real = self.dirs.get(path.parent()?)?.real.as_ref()?.join(path.file_name()?);
        let meta = std::fs::symlink_metadata(&real).ok()?;
        let (path, facts) = (path.to_owned(), Facts::of(&meta));
        let found =
            Found { path, real, link: false, facts, named: true, pattern: 0, crowded: false };
        meta.is_file().then_some(found)
    }

    /// Whether a path is one of those that were found.
    pub fn holds_path(&self, path: &Path) -> bool {
        let bytes = path.as_os_str();
        self.entries
            .iter()
            .any(|one| one.path.as_os_str() == bytes || one.real.as_os_str() == bytes)
    }

    /// Forgets all names, as after a change of the patterns.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether the directories are as they were when the names were read.
    fn holds(&self, now: SystemTime) -> bool {
        let Some(at) = self.at else { return false };
        let fresh = now >= at && since(at, now) < LIST_AGAIN;
        fresh && self.problem.is_none() && self.dirs.iter().all(|(path, dir)| dir.holds(path, at))
    }

    fn expand(&mut self, dir: &Path, parts: &[Part], depth: usize) {
        let Some((part, rest)) = parts.split_first() else { return };
        if depth == 0 {
            return;
        }
        match part {
            Part::Name(name) if rest.is_empty() => self.add(dir, name, true),
            Part::Name(name) => self.expand(&dir.join(name), rest, depth),
            Part::Any(glob) => {
                for name in self.list(dir, true).iter() {
                    if !glob.is_match(Path::new(name)) {
                        continue;
                    }
                    if rest.is_empty() {
                        self.add(dir, name, true);
                    } else if dir.join(name).is_dir() {
                        self.expand(&dir.join(name), rest, depth);
                    }
                }
            }
            Part::Deep => {
                self.expand(dir, rest, depth);
                for name in self.list(dir, true).iter() {
                    let path = dir.join(name);
                    // No links here: they can lead in circles.
                    if path.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
                        self.expand(&path, parts, depth - 1);
                    }
                }
            }
        }
    }

    /// The directory, resolved once a look.
    fn dir(&mut self, path: &Path) -> Dir {
        if let Some(dir) = self.dirs.get(path) {
            return dir.clone();
        }
        let mut dir = Dir::default();
        match resolve(path) {
            Ok(real) => {
                dir.stamp = std::fs::symlink_metadata(&real).ok().as_ref().map(stamp);
                if is_made_up(&real) {
                    self.pseudo += 1;
                } else {
                    dir.real = Some(real);
                }
            }
            Err(Refusal::Link) => self.links += 1,
            Err(Refusal::Io(error)) => self.note(path, &error),
        }
        self.dirs.insert(path.to_owned(), dir.clone());
        dir
    }

    /// The names in a directory, read once a look.
    fn list(&mut self, path: &Path, needed: bool) -> Arc<Vec<OsString>> {
        let dir = self.dir(path);
        if let Some(names) = dir.names {
            return names;
        }
        let Some(real) = dir.real else { return Arc::default() };
        let mut names = Vec::new();
        match std::fs::read_dir(real) {
            Ok(entries) => {
                for entry in entries.flatten() {
                    self.listed += 1;
                    if self.listed > MAX_ENTRIES {
                        self.dropped += 1;
                        break;
                    }
                    names.push(entry.file_name());
                }
            }
            Err(error) if needed && error.kind() != io::ErrorKind::NotADirectory => {
                self.note(path, &error);
            }
            Err(_) => {}
        }
        let names = Arc::new(names);
        if let Some(dir) = self.dirs.get_mut(path) {
            dir.names = Some(Arc::clone(&names));
        }
        names
    }

    fn add(&mut self, dir: &Path, name: &std::ffi::OsStr, named: bool) {
        if let Some(real) = self.dir(dir).real {
            let (path, real) = (dir.join(name), real.join(name));
            self.entries.push(Entry { path, real, named, pattern: self.pattern });
        }
    }

    /// What is not there is no problem: it may come.
    fn note(&mut self, path: &Path, error: &io::Error) {
        if error.kind() == io::ErrorKind::PermissionDenied {
            self.blind.insert(self.pattern);
        }
        if error.kind() != io::ErrorKind::NotFound {
            self.problem.get_or_insert_with(|| Failure::io(&path.display().to_string(), error));
        }
    }

    fn siblings(&mut self) {
        let mut bases: BTreeMap<PathBuf, BTreeSet<OsString>> = BTreeMap::new();
        let mut base = |path: &Path| {
            if let (Some(dir), Some(name)) = (path.parent(), path.file_name()) {
                bases.entry(dir.to_owned()).or_default().insert(name.to_owned());
            }
        };
        for entry in &self.entries {
            base(&entry.path);
            // What a link leads to is rotated where it lies.
            if entry.real.is_symlink()
                && let Ok(target) = resolve(&entry.real)
                && !is_made_up(&target)
            {
                base(&target);
            }
        }
        self.bases.iter().for_each(|path| base(path));
        for (dir, bases) in bases {
            for name in self.list(&dir, false).iter() {
                if rotated_from(name, &bases).is_some() {
                    self.add(&dir, name, false);
                }
            }
        }
    }
}

impl Dir {
    fn holds(&self, path: &Path, at: SystemTime) -> bool {
        let Some(known) = self.stamp else {
            return self.real.is_none() && path.symlink_metadata().is_err();
        };
        let now = std::fs::metadata(path).ok();
        let Some(now) = now.as_ref().map(stamp) else { return false };
        if self.names.is_none() {
            return (now.0, now.1) == (known.0, known.1);
        }
        let seconds = u64::try_from(known.2).unwrap_or(0);
        // Anybody may have set that time to anything.
        let modified = Duration::from_secs(seconds.saturating_add(1));
        let modified = SystemTime::UNIX_EPOCH.checked_add(modified);
        now == known && modified.is_some_and(|modified| since(modified, at) > RECENT)
    }
}

impl Look {
    fn add(&mut self, entry: &Entry) {
        let named = u64::from(entry.named);
        let Ok(mut meta) = std::fs::symlink_metadata(&entry.real) else { return };
        let mut real = entry.real.clone();
        let link = meta.is_symlink();
        if link {
            match resolve(&entry.real) {
                Ok(target) => real = target,
                Err(Refusal::Link) => {
                    self.skipped.link += named;
                    return;
                }
                Err(Refusal::Io(_)) => return,
            }
            let Ok(target) = std::fs::symlink_metadata(&real) else { return };
            meta = target;
            if meta.is_file() && is_made_up(&real) {
                self.skipped.pseudo += named;
                return;
            }
        }
        if !meta.is_file() {
            self.skipped.irregular += named;
            return;
        }
        if compressed(&entry.path) {
            self.skipped.compressed += named;
            return;
        }
        let Entry { path, named, pattern, .. } = entry;
        let facts = Facts::of(&meta);
        let (path, named, pattern) = (path.clone(), *named, *pattern);
        let found = Found { path, real, link, facts, named, pattern, crowded: false };
        // One file under several names counts once.
        self.files.entry(facts.identity).or_insert(found);
    }

    /// Whether all was looked at, so that what was not found is not there.
    pub fn complete(&self) -> bool {
        self.problem.is_none() && self.dropped == 0
    }
}
