//! Reads the Compose files, and again when they have changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::compose::{self, File};
use crate::engine::{Failure, Reason, blocking};

/// A file on a share that hangs must not cost the reading.
const LIMIT: Duration = Duration::from_secs(2);
/// No Compose file is larger.
const SIZE: u64 = 4 << 20;

/// One file as it was read last.
#[derive(Clone)]
pub struct FileRead {
    pub path: PathBuf,
    /// The last good content: a mistake made while editing does not unwatch the services.
    pub file: Option<Arc<File>>,
    pub failure: Option<Failure>,
}

type Stamp = (SystemTime, u64);
type Cache = BTreeMap<PathBuf, (Option<Stamp>, FileRead)>;

/// The declared files and what they said last.
pub struct Files {
    paths: Vec<PathBuf>,
    busy: Arc<AtomicBool>,
    cache: Arc<Mutex<Cache>>,
}

impl Files {
    pub fn new(paths: Vec<PathBuf>) -> Self {
        Self { paths, busy: Arc::default(), cache: Arc::default() }
    }

    /// All files, in the order of the configuration.
    pub async fn read(&self) -> Vec<FileRead> {
        if self.paths.is_empty() {
            return Vec::new();
        }
        let (paths, cache) = (self.paths.clone(), Arc::clone(&self.cache));
        let work = blocking("Compose files", &self.busy, move || {
            Ok(paths.iter().map(|path| refresh(path, &cache)).collect())
        });
        let failure = match tokio::time::timeout(LIMIT, work).await {
            Ok(Ok(files)) => return files,
            Ok(Err(failure)) => failure,
            Err(_) => Failure::new(Reason::Timeout, "the files cannot be read in time"),
        };
        self.remembered(&failure)
    }

    fn remembered(&self, failure: &Failure) -> Vec<FileRead> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |path: &PathBuf| FileRead {
            path: path.clone(),
            file: cache.get(path).and_then(|(_, last)| last.file.clone()),
            failure: Some(failure.clone()),
        };
        self.paths.iter().map(of).collect()
    }
}

/// The lock is not held while the file is read: it may hang.
fn refresh(path: &Path, cache: &Mutex<Cache>) -> FileRead {
    let lock = || cache.lock().unwrap_or_else(PoisonError::into_inner);
    let stamp = stamp(path);
    let last = lock().get(path).cloned();
    if let (Ok(stamp), Some((Some(old), read))) = (&stamp, &last)
        && stamp == old
    {
        return read.clone();
    }
    let content = stamp.as_ref().map_err(Clone::clone).and_then(|stamp| content(path, stamp.1));
    let (file, failure) = match content {
        Ok(file) => (Some(Arc::new(file)), None),
        Err(failure) => (last.and_then(|(_, read)| read.file), Some(failure)),
    };
    let read = FileRead { path: path.to_owned(), file, failure };
    lock().insert(path.to_owned(), (stamp.ok(), read.clone()));
    read
}

fn stamp(path: &Path) -> Result<Stamp, Failure> {
    let failed = |error| Failure::io(&path.display().to_string(), &error);
    let about = std::fs::metadata(path).map_err(failed)?;
    Ok((about.modified().map_err(failed)?, about.len()))
}

fn content(path: &Path, size: u64) -> Result<File, Failure> {
    let shown = path.display().to_string();
    if size > SIZE {
        return Err(Failure::new(Reason::Protocol, format!("{shown}: over 4 MiB")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| Failure::io(&shown, &error))?;
    compose::parse(path, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_changed_file_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker-compose.yml");
        let files = Files::new(vec![path.clone()]);
        let services = |read: &[FileRead]| {
            read[0].file.as_ref().map(|file| file.services.keys().cloned().collect::<Vec<_>>())
        };

        let read = files.read().await;
        assert_eq!(services(&read), None);
        assert_eq!(read[0].failure.as_ref().unwrap().reason, Reason::NotFound);

        std::fs::write(&path, "services: { api: {} }").unwrap();
        let first = files.read().await;
        assert_eq!(services(&first), Some(vec!["api".to_owned()]));
        let again = files.read().await;
        assert!(Arc::ptr_eq(first[0].file.as_ref().unwrap(), again[0].file.as_ref().unwrap()));

        std::fs::write(&path, "services: { api: {}, worker: {} }").unwrap();
        assert_eq!(services(&files.read().await).unwrap().len(), 2);

        std::fs::write(&path, "services: [ nonsense").unwrap();
        let broken = files.read().await;
        assert_eq!(broken[0].failure.as_ref().unwrap().reason, Reason::Parse);
        assert_eq!(services(&broken).unwrap().len(), 2, "the last good content stays");

        std::fs::remove_file(&path).unwrap();
        assert_eq!(files.read().await[0].failure.as_ref().unwrap().reason, Reason::NotFound);
    }
}
