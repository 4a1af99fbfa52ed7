//! Patterns of file names.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use globset::{Glob, GlobMatcher};

const COMPRESSED: [&str; 7] = ["gz", "zst", "xz", "bz2", "lz4", "zip", "tgz"];

pub enum Part {
    Name(OsString),
    Any(GlobMatcher),
    /// `**`
    Deep,
}

/// One pattern: parts of a path, the last one names files.
pub struct Pattern {
    pub(super) parts: Vec<Part>,
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

    /// The one file at this path, whatever characters are in it.
    pub fn of(path: &Path) -> Self {
        let names = path.components().filter_map(|part| match part {
            Component::Normal(name) => Some(Part::Name(name.to_owned())),
            _ => None,
        });
        Self { parts: names.collect() }
    }

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

/// Whether the name is that of a compressed file.
pub fn compressed(path: &Path) -> bool {
    COMPRESSED.contains(&path.extension().and_then(OsStr::to_str).unwrap_or_default())
}

/// The name among `bases` from which rotation makes `name`: `app.log.1`, `app.log-20240501`,
/// `app-2024-05-01.log`.
pub fn rotated_from<'a>(name: &OsStr, bases: &'a BTreeSet<OsString>) -> Option<&'a OsString> {
    origins(name).find_map(|origin| bases.get(OsStr::from_bytes(&origin)))
}

/// The names from which rotation may have made this one.
fn origins(name: &OsStr) -> impl Iterator<Item = Vec<u8>> {
    let bytes = name.as_bytes();
    let ending = bytes.iter().rposition(|byte| *byte == b'.').and_then(|at| bytes.get(at..));
    let cuts = bytes
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| matches!(pair, [b'.' | b'-' | b'_', b'0'..=b'9']));
    let origins = cuts.flat_map(move |(at, _)| {
        let before = bytes.get(..at).unwrap_or_default();
        [before.to_vec(), [before, ending.unwrap_or_default()].concat()]
    });
    origins.filter(move |origin| origin != bytes)
}

/// Whether `path` may be a copy of `base`, by its name, in whatever directory.
pub fn may_copy(path: &Path, base: &Path) -> bool {
    let (Some(name), Some(base)) = (path.file_name(), base.file_name()) else { return false };
    let longer = name.len() > base.len() && name.as_bytes().starts_with(base.as_bytes());
    longer || origins(name).any(|origin| origin == base.as_bytes())
}

/// Whether both may have come from one name: `app.log.1` and `app.log.2`.
pub fn related(path: &Path, other: &Path) -> bool {
    let (Some(name), Some(other_name)) = (path.file_name(), other.file_name()) else {
        return false;
    };
    let theirs: BTreeSet<Vec<u8>> = origins(other_name).collect();
    may_copy(path, other) || origins(name).any(|origin| theirs.contains(&origin))
}

/// Whether rotation of one of these paths gives this one.
pub fn came_from(path: &Path, bases: &BTreeSet<PathBuf>) -> bool {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else { return false };
    !bases.is_empty()
        && origins(name).any(|origin| bases.contains(&dir.join(OsStr::from_bytes(&origin))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_rotation_gives() {
        let bases = BTreeSet::from([OsString::from("app.log")]);
        let paths = BTreeSet::from([PathBuf::from("/x/app.log")]);
        for (name, is, copy) in [
            ("app.log.1", true, true),
            ("app.log-20240501", true, true),
            ("app-2024-05-01.log", true, true),
            ("app.2024-05-01.log", true, true),
            ("app.log", false, false),
            ("app.log.bak", false, true),
            ("app.log~", false, true),
            ("other.log.1", false, false),
            ("app.1.txt", false, false),
        ] {
            assert_eq!(rotated_from(OsStr::new(name), &bases).is_some(), is, "{name}");
            assert_eq!(came_from(&Path::new("/x").join(name), &paths), is, "{name}");
            assert!(!came_from(&Path::new("/y").join(name), &paths), "{name}");
            assert_eq!(may_copy(Path::new(name), Path::new("/x/app.log")), copy, "{name}");
        }
    }

    #[test]
    fn mistakes_in_patterns() {
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
        let odd = Path::new("/a/[x]*.log");
        assert_eq!(Pattern::of(odd).literal().as_deref(), Some(odd));
    }
}
