//! Whether something has changed about a driver that was not there: the paths where it would be seen. Looking
//! is a `stat` for each, which loads and starts nothing.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Without any change it is tried again after this long.
const AGAIN: Duration = Duration::from_mins(1);

/// Device files and what the driver shows of itself.
const DEVICES: [&str; 2] = ["/dev/nvidiactl", "/dev/nvidia0"];
const DRIVER: &str = "/proc/driver/nvidia/version";

type Seen = Vec<Option<(u64, u64, i64, i64)>>;

/// Paths that matter.
#[derive(Clone, Debug)]
pub struct Presence(Vec<PathBuf>);

impl Presence {
    pub fn of_library(library: Option<PathBuf>) -> Self {
        let mut paths: Vec<PathBuf> = DEVICES.iter().chain([&DRIVER]).map(PathBuf::from).collect();
        paths.extend(library);
        Self(paths)
    }

    fn look(&self) -> Seen {
        let one = |path: &PathBuf| {
            let found = fs::metadata(path).ok()?;
            Some((found.dev(), found.ino(), found.mtime(), found.mtime_nsec()))
        };
        self.0.iter().map(one).collect()
    }
}

/// A failure that stays until something changes, or a while has passed.
pub struct Watch<T> {
    presence: Presence,
    failed: Option<(Instant, Seen, T)>,
}

impl<T: Clone> Watch<T> {
    pub const fn new(presence: Presence) -> Self {
        Self { presence, failed: None }
    }

    /// The failure, as long as there is no reason to try again.
    pub fn still(&mut self) -> Option<T> {
        let (at, seen, failure) = self.failed.as_ref()?;
        if at.elapsed() < AGAIN && *seen == self.presence.look() {
            return Some(failure.clone());
        }
        self.failed = None;
        None
    }

    pub fn failed(&mut self, failure: T) {
        self.failed = Some((Instant::now(), self.presence.look(), failure));
    }
}

/// Whether a device file of a GPU is in reach.
pub fn has_device() -> bool {
    DEVICES.iter().any(|path| Path::new(path).exists())
}

/// Whether the kernel has NVIDIA's driver, in reach or not.
pub fn has_driver() -> bool {
    Path::new(DRIVER).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_tried_again_once_something_has_changed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("libnvidia-ml.so.1");
        let mut watch = Watch::new(Presence(vec![path.clone()]));
        assert_eq!(watch.still(), None);
        watch.failed("no library");
        assert_eq!((watch.still(), watch.still()), (Some("no library"), Some("no library")));
        fs::write(&path, "x").unwrap();
        assert_eq!(watch.still(), None);
        watch.failed("not one");
        assert_eq!(watch.still(), Some("not one"));
        fs::remove_file(&path).unwrap();
        assert_eq!(watch.still(), None);
    }
}
