//! What is made of files, until one of them changes.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;

use crate::failure::{Failure, Reason};

/// A file that was written just now may be written again without looking any different.
const SETTLED: Duration = Duration::from_secs(1);

/// How a file looked; none where it could not be looked at.
#[derive(PartialEq, Eq)]
struct Look {
    seen: Option<[i64; 5]>,
    place: Option<(u64, u64)>,
    settled: bool,
    /// Written within the last second, so perhaps not for the last time.
    moving: bool,
}

impl Look {
    fn at(file: &Path) -> Self {
        let Ok(meta) = std::fs::metadata(file) else {
            return Self { seen: None, place: None, settled: false, moving: false };
        };
        let size = i64::try_from(meta.size()).unwrap_or(i64::MAX);
        let age = meta.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        Self {
            seen: Some([meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec(), size]),
            place: Some((meta.dev(), meta.ino())),
            settled: age.is_some_and(|age| age > SETTLED),
            moving: age.is_some_and(|age| age <= SETTLED),
        }
    }
}

/// How several files looked, for who waits until a change of them is over.
pub struct Looks(Vec<Look>);

impl Looks {
    /// Blocks.
    pub fn at(files: &[PathBuf]) -> Self {
        Self(files.iter().map(|file| Look::at(file)).collect())
    }

    /// Adds more files.
    pub fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// Whether the files still are what they were.
    pub fn are_as(&self, before: &Self) -> bool {
        let alike = |(now, then): (&Look, &Look)| now.seen == then.seen && now.place == then.place;
        self.0.len() == before.0.len() && self.0.iter().zip(&before.0).all(alike)
    }

    /// Whether nothing was written to them within the last second: a certificate and its key are
    /// rarely written at once.
    pub fn lie_still(&self) -> bool {
        self.0.iter().all(|look| !look.moving)
    }
}

/// How the files looked, and what was made of them.
type Kept<T> = (Vec<Look>, T);

/// A value that is made of files.
pub struct Fresh<T> {
    files: Vec<PathBuf>,
    kept: Arc<Mutex<Option<Kept<T>>>>,
}

impl<T: Clone + Send + 'static> Fresh<T> {
    pub fn new(files: Vec<PathBuf>) -> Self {
        Self { files, kept: Arc::default() }
    }

    /// The value, made anew if a file has changed since. What cannot be made is tried again each
    /// time. Off the workers, and one at a time: files on a disk that hangs keep one thread, and
    /// whoever comes later waits as long as the caller's own limit lets it.
    pub async fn get(
        &self,
        make: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let mut kept = Arc::clone(&self.kept).lock_owned().await;
        if let (true, Some((_, value))) = (self.files.is_empty(), &*kept) {
            return Ok(value.clone());
        }
        let files = self.files.clone();
        let work = tokio::task::spawn_blocking(move || {
            // Before they are read: a change meanwhile is seen the next time.
            let looks: Vec<Look> = files.iter().map(|file| Look::at(file)).collect();
            if let Some((before, value)) = &*kept
                && *before == looks
                && looks.iter().all(|look| look.settled)
            {
                return Ok(value.clone());
            }
            *kept = None;
            let value = make()?;
            *kept = Some((looks, value.clone()));
            Ok(value)
        });
        work.await
            .map_err(|_| Failure::new(Reason::OTHER, "reading the files of a login: stopped"))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_made_anew_when_a_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let fresh = Fresh::new(vec![file.clone()]);
        let read = || {
            let file = file.clone();
            fresh.get(move || {
                std::fs::read_to_string(&file).map_err(|error| Failure::io("it", &error))
            })
        };
        let set = |text: &str, age: u64| {
            std::fs::write(&file, text).unwrap();
            let at = SystemTime::now() - Duration::from_secs(age);
            std::fs::File::options().write(true).open(&file).unwrap().set_modified(at).unwrap();
        };
        assert!(read().await.is_err());
        set("one", 100);
        assert_eq!(read().await.unwrap(), "one");
        // Nothing is made while nothing changes.
        let none = fresh.get(|| Err(Failure::new(Reason::OTHER, "made"))).await;
        assert_eq!(none.unwrap(), "one");
        set("two", 50);
        assert_eq!(read().await.unwrap(), "two");
        // Just written: of the same size, and perhaps of the same time, as what comes next.
        set("new", 0);
        assert_eq!(read().await.unwrap(), "new");
        let made = fresh.get(|| Err(Failure::new(Reason::OTHER, "made"))).await;
        assert_eq!(made.unwrap_err().detail, "made");
        std::fs::remove_file(&file).unwrap();
        assert_eq!(read().await.unwrap_err().reason, Reason::NOT_FOUND);
    }
}
