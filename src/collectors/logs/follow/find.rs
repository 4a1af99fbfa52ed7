//! Which files a source consists of, looked up anew each time: one listing a directory, one `stat`
//! a file.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use globset::{Glob, GlobMatcher};

use crate::engine::Failure;

/// Names read in one look; a pattern such as `/**` ends here.
const MAX_ENTRIES: usize = 20_000;
const MAX_DEPTH: usize = 16;
const COMPRESSED: [&str; 7] = ["gz", "zst", "xz", "bz2", "lz4", "zip", "tgz"];

/// What makes a file the same one under another name. The birth time tells apart what got the
/// number of a deleted file; some file systems have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    pub device: u64,
    pub inode: u64,
    pub born: Option<SystemTime>,
}

impl Identity {
    pub fn of(meta: &Metadata) -> Self {
        Self { device: meta.dev(), inode: meta.ino(), born: meta.created().ok() }
    }
}

/// A regular file that is there.
#[derive(Clone, Debug)]
pub struct Found {
    pub path: PathBuf,
    pub size: u64,
    pub modified: SystemTime,
    /// Whether a pattern names it; else it only lies beside one that does, with a name that
    /// rotation gives.
    pub named: bool,
    /// The index of the pattern.
    pub pattern: usize,
}

/// What one look has found.
#[derive(Default)]
pub struct Look {
    pub files: BTreeMap<Identity, Found>,
    /// Named files that are never read: compressed, no regular file.
    pub skipped: u64,
    /// Entries beyond the cap.
    pub dropped: u64,
    /// Why a part of it could not be looked at.
    pub problem: Option<Failure>,
    /// Patterns that could be followed only in part for lack of rights.
    pub blind: BTreeSet<usize>,
    pattern: usize,
    entries: usize,
    listed: BTreeMap<PathBuf, Vec<OsString>>,
}

enum Part {
    Name(OsString),
    Any(GlobMatcher),
    /// `**`
    Deep,
}

/// One pattern: parts of a path, the last one names files.
pub struct Pattern {
    parts: Vec<Part>,
}

impl Pattern {
    /// The pattern, or what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix('/') else {
            return Err("must be an absolute path, such as `/srv/bot/logs/*.log`".into());
        };
        if COMPRESSED.iter().any(|end| text.ends_with(&format!(".{end}"))) {
            return Err("compressed files are not read: rotated lines would count twice".into());
        }
        let mut parts = Vec::new();
        for part in rest.split('/').filter(|part| !part.is_empty()) {
            parts.push(match part {
                "**" => Part::Deep,
                "." | ".." => return Err("must not contain `.` or `..`".into()),
                _ if part.contains(['*', '?', '[', '{', '\\']) => {
                    let glob = Glob::new(part).map_err(|error| {
                        format!("is no pattern of file names: {}", error.kind())
                    })?;
                    Part::Any(glob.compile_matcher())
                }
                _ => Part::Name(part.into()),
            });
        }
        match parts.last() {
            Some(Part::Name(_) | Part::Any(_)) => Ok(Self { parts }),
            _ => Err("must end in the name of a file, such as `*.log`".into()),
        }
    }
}

impl Pattern {
    /// The path, of a pattern that names one file.
    pub fn literal(&self) -> Option<PathBuf> {
        let mut path = PathBuf::from("/");
        for part in &self.parts {
            let Part::Name(name) = part else { return None };
            path.push(name);
        }
        Some(path)
    }

    /// Whether it would find a file at `path`, if there were one.
    pub fn names(&self, path: &Path) -> bool {
        path.strip_prefix("/").is_ok_and(|path| names(&self.parts, path))
    }
}

fn names(parts: &[Part], path: &Path) -> bool {
    let Some((part, rest)) = parts.split_first() else { return path.as_os_str().is_empty() };
    let mut below = path.components();
    let Some(first) = below.next().map(Component::as_os_str) else { return false };
    match part {
        Part::Name(name) => name == first && names(rest, below.as_path()),
        Part::Any(glob) => glob.is_match(Path::new(first)) && names(rest, below.as_path()),
        Part::Deep => names(rest, path) || names(parts, below.as_path()),
    }
}

impl Look {
    /// Looks for everything that the patterns name and, beside it, for rotated files of what is
    /// named or of `bases`, paths that were read until now or may come.
    pub fn take<'a>(patterns: &[Pattern], bases: impl Iterator<Item = &'a Path>) -> Self {
        let mut look = Self::default();
        for (index, pattern) in patterns.iter().enumerate() {
            look.pattern = index;
            look.expand(Path::new("/"), &pattern.parts, MAX_DEPTH);
        }
        look.siblings(bases);
        look
    }

    fn expand(&mut self, dir: &Path, parts: &[Part], depth: usize) {
        let Some((part, rest)) = parts.split_first() else { return };
        if depth == 0 {
            return;
        }
        match part {
            Part::Name(name) if rest.is_empty() => self.add(&dir.join(name), true),
            Part::Name(name) => self.expand(&dir.join(name), rest, depth),
            Part::Any(glob) => {
                for name in self.list(dir, true) {
                    if !glob.is_match(Path::new(&name)) {
                        continue;
                    }
                    let path = dir.join(&name);
                    if rest.is_empty() {
                        self.add(&path, true);
                    } else if path.is_dir() {
                        self.expand(&path, rest, depth);
                    }
                }
            }
            Part::Deep => {
                self.expand(dir, rest, depth);
                for name in self.list(dir, true) {
                    let path = dir.join(&name);
                    // No links here: they can lead in circles.
                    if path.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
                        self.expand(&path, parts, depth - 1);
                    }
                }
            }
        }
    }

    /// The names in a directory, read once a look.
    fn list(&mut self, dir: &Path, needed: bool) -> Vec<OsString> {
        if let Some(names) = self.listed.get(dir) {
            return names.clone();
        }
        let mut names = Vec::new();
        match std::fs::read_dir(dir) {
            Ok(entries) => {
                for entry in entries.flatten() {
                    self.entries += 1;
                    if self.entries > MAX_ENTRIES {
                        self.dropped += 1;
                        break;
                    }
                    names.push(entry.file_name());
                }
            }
            Err(error) if needed && error.kind() == io::ErrorKind::NotADirectory => {}
            Err(error) if needed => self.note(dir, &error),
            Err(_) => {}
        }
        self.listed.insert(dir.to_owned(), names.clone());
        names
    }

    fn add(&mut self, path: &Path, named: bool) {
        let ending = path.extension().and_then(OsStr::to_str).unwrap_or_default();
        let compressed = COMPRESSED.contains(&ending);
        let meta = match std::fs::metadata(path) {
            Ok(meta) if meta.is_file() && !compressed => meta,
            Ok(_) => {
                self.skipped += u64::from(named);
                return;
            }
            Err(error) if named => return self.note(path, &error),
            Err(_) => return,
        };
        let found = Found {
            path: path.to_owned(),
            size: meta.len(),
            modified: meta.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            named,
            pattern: self.pattern,
        };
        // One file under several names counts once.
        self.files.entry(Identity::of(&meta)).or_insert(found);
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

    fn siblings<'a>(&mut self, more: impl Iterator<Item = &'a Path>) {
        let mut bases: BTreeMap<PathBuf, BTreeSet<OsString>> = BTreeMap::new();
        let mut base = |path: &Path| {
            if let (Some(dir), Some(name)) = (path.parent(), path.file_name()) {
                bases.entry(dir.to_owned()).or_default().insert(name.to_owned());
            }
        };
        self.files.values().for_each(|found| base(&found.path));
        more.for_each(base);
        for (dir, bases) in bases {
            for name in self.list(&dir, false) {
                if rotated_from(&name, &bases).is_some() {
                    self.add(&dir.join(&name), false);
                }
            }
        }
    }
}

/// The name among `bases` from which rotation makes `name`: `app.log.1`, `app.log-20240501`,
/// `app-2024-05-01.log`.
pub fn rotated_from<'a>(name: &OsStr, bases: &'a BTreeSet<OsString>) -> Option<&'a OsString> {
    let bytes = name.as_bytes();
    let ending = bytes.iter().rposition(|byte| *byte == b'.').and_then(|at| bytes.get(at..));
    for (at, pair) in bytes.windows(2).enumerate() {
        if !matches!(pair, [b'.' | b'-' | b'_', b'0'..=b'9']) {
            continue;
        }
        let before = bytes.get(..at).unwrap_or_default();
        let with_ending = [before, ending.unwrap_or_default()].concat();
        for base in [before, with_ending.as_slice()] {
            if let Some(base) = bases.get(OsStr::from_bytes(base)) {
                return Some(base);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_rotation_gives() {
        let bases = BTreeSet::from([OsString::from("app.log")]);
        for (name, is) in [
            ("app.log.1", true),
            ("app.log-20240501", true),
            ("app-2024-05-01.log", true),
            ("app.2024-05-01.log", true),
            ("app.log", false),
            ("app.log.bak", false),
            ("app.log~", false),
            ("other.log.1", false),
            ("app.1.txt", false),
        ] {
            assert_eq!(rotated_from(OsStr::new(name), &bases).is_some(), is, "{name}");
        }
    }

    #[test]
    fn patterns_and_their_mistakes() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().display().to_string();
        for path in ["a/x.log", "a/b/y.log", "a/b/z.txt", "c/x.log", "c/x.log.gz"] {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x\n").unwrap();
        }
        std::os::unix::fs::symlink(dir.path(), dir.path().join("a/loop")).unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("a/dangling.log")).unwrap();
        let found = |pattern: &str| {
            let patterns = [Pattern::new(&format!("{root}/{pattern}")).unwrap()];
            let look = Look::take(&patterns, std::iter::empty());
            assert!(look.problem.is_none());
            for name in ["a/x.log", "a/b/y.log", "a/b/z.txt", "c/x.log"] {
                let path = dir.path().join(name);
                let is = look.files.values().any(|found| found.path == path);
                assert_eq!(patterns[0].names(&path), is, "{pattern} names {name}");
            }
            let mut paths: Vec<_> = look
                .files
                .values()
                .map(|found| found.path.strip_prefix(dir.path()).unwrap().display().to_string())
                .collect();
            paths.sort();
            (paths.join(" "), look.skipped)
        };
        assert_eq!(found("**/*.log"), ("a/b/y.log a/x.log c/x.log".to_owned(), 0));
        assert_eq!(found("*/x.log"), ("a/x.log c/x.log".to_owned(), 0));
        assert_eq!(found("c/x.*"), ("c/x.log".to_owned(), 1));
        assert_eq!(found("a/b/{y.log,z.txt}"), ("a/b/y.log a/b/z.txt".to_owned(), 0));
        assert_eq!(found("nowhere/*.log"), (String::new(), 0));
        for (pattern, message) in [
            ("logs/*.log", "must be an absolute path, such as `/srv/bot/logs/*.log`"),
            ("/logs/", "is fine"),
            ("/", "must end in the name of a file, such as `*.log`"),
            ("/logs/**", "must end in the name of a file, such as `*.log`"),
            ("/logs/../x", "must not contain `.` or `..`"),
            ("/logs/*.gz", "compressed files are not read: rotated lines would count twice"),
            ("/logs/[a", "is no pattern of file names: unclosed character class; missing ']'"),
        ] {
            let said = Pattern::new(pattern).err().unwrap_or_else(|| "is fine".to_owned());
            assert_eq!(said, message, "{pattern}");
        }
    }
}
