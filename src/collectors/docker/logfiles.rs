//! The sizes of the log files of containers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::container::ById;
use super::kernel::Wanted;
use super::lock;

/// Rotated files come and go seldom; the file that is written to is looked at in each reading.
const PERIOD: Duration = Duration::from_mins(1);

#[derive(Default)]
pub struct LogFiles {
    /// When the rotated files of a container were last added up, and their bytes.
    rotated: Mutex<BTreeMap<String, (Instant, u64)>>,
}

impl LogFiles {
    /// Bytes by container, rotated files included, of those whose files can be seen.
    pub fn sizes(&self, root: &Path, wanted: &[Wanted]) -> ById<u64> {
        let mut rotated = lock(&self.rotated);
        let ids: BTreeSet<&str> = wanted.iter().map(|one| one.id.as_str()).collect();
        rotated.retain(|id, _| ids.contains(id.as_str()));
        let mut sizes = ById::new();
        for one in wanted {
            let Some(path) = one.log.as_deref().and_then(|log| inside(root, log)) else { continue };
            let Ok(about) = std::fs::metadata(&path) else { continue };
            let known = rotated.get(&one.id).filter(|(at, _)| at.elapsed() < PERIOD);
            let rest = known.map_or_else(|| others(&path, about.is_dir()), |(_, bytes)| *bytes);
            if known.is_none() {
                rotated.insert(one.id.clone(), (Instant::now(), rest));
            }
            let own = if about.is_dir() { 0 } else { about.len() };
            sizes.insert(one.id.clone(), own + rest);
        }
        sizes
    }
}

/// Where a path of the Engine is for us.
pub fn inside(root: &Path, path: &Path) -> Option<PathBuf> {
    Some(root.join(path.strip_prefix("/").ok()?))
}

/// Bytes of the files that a log was rotated to, or of all in the folder of the driver `local`.
fn others(path: &Path, is_folder: bool) -> u64 {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let folder = if is_folder { Some(path) } else { path.parent() };
    let entries = folder.and_then(|folder| std::fs::read_dir(folder).ok());
    let is_other = |file: &str| is_folder || (file.starts_with(name) && file != name);
    entries
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(is_other))
        .filter_map(|entry| Some(entry.metadata().ok()?.len()))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_and_what_it_was_rotated_to() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("var/lib/docker/containers/ab");
        std::fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, size| std::fs::write(folder.join(name), vec![b'x'; size]).unwrap();
        write("ab-json.log", 10);
        write("ab-json.log.1", 20);
        write("config.v2.json", 400);
        let files = LogFiles::default();
        let size = |id: &str, log: &str| {
            let wanted = Wanted { id: id.into(), log: Some(log.into()), ..Wanted::default() };
            files.sizes(root.path(), &[wanted]).remove(id)
        };
        let log = "/var/lib/docker/containers/ab/ab-json.log";
        assert_eq!(size("ab", log), Some(30));
        write("ab-json.log", 15);
        assert_eq!(size("ab", log), Some(35), "what is written to is looked at each time");
        let local = "/var/lib/docker/containers/ab";
        assert_eq!(size("cd", local), Some(435), "a folder of the driver local");
        assert_eq!(size("ef", "/var/lib/docker/containers/ef/x.log"), None, "not to be seen");
    }
}
