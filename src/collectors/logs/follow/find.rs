//! Patterns of file names.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

pub use crate::clients::folder::{Part, Pattern};

const COMPRESSED: [&str; 7] = ["gz", "zst", "xz", "bz2", "lz4", "zip", "tgz"];

/// The pattern, or what is wrong with it as one of logs.
pub fn pattern(text: &str) -> Result<Pattern, String> {
    if COMPRESSED.iter().any(|end| text.ends_with(&format!(".{end}"))) {
        return Err("compressed files are not read: rotated lines would count twice".into());
    }
    let pattern = Pattern::new(text)?;
    if pattern.is_dated() {
        return Err(
            "must not name a day: `bot_*.log` or `bot_%Y-%m-%d.log` is the log of each".into()
        );
    }
    // Never a folder with all that is below it.
    match text.trim_end_matches('/') {
        "" => Ok(pattern),
        file => Pattern::new(file),
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
            let said = super::pattern(pattern).err().unwrap_or_else(|| "is fine".to_owned());
            assert_eq!(said, message, "{pattern}");
        }
    }
}
