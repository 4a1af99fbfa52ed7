//! Reads the Compose files, and again when they have changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::File;
use super::load::{Loaded, load};
use super::source::{Stamp, stamp};
use crate::engine::blocking;
use crate::failure::{Failure, Reason};

/// A file on a share that hangs must not cost the reading.
const LIMIT: Duration = Duration::from_secs(2);

/// One declared file, as read last. Files of one project are overlaid in the order of the
/// configuration.
#[derive(Clone)]
pub struct FileRead {
    pub path: PathBuf,
    /// The last good content: a mistake made while editing does not unwatch the services.
    pub file: Option<Arc<File>>,
    /// What could not be read, or not followed. The rest of the file holds.
    pub failure: Option<Failure>,
}

#[derive(Clone)]
struct Known {
    /// All files that it was made from. `None` if it has to be read again in any case.
    seen: Option<BTreeMap<PathBuf, Option<Stamp>>>,
    read: FileRead,
    /// Nothing of the file's content is missing.
    whole: bool,
}

type Cache = BTreeMap<PathBuf, Known>;

/// The declared files and what they said last.
pub struct Files {
    paths: Vec<PathBuf>,
    profiles: Vec<String>,
    busy: Arc<AtomicBool>,
    cache: Arc<Mutex<Cache>>,
}

impl Files {
    pub fn new(paths: Vec<PathBuf>, profiles: Vec<String>) -> Self {
        Self { paths, profiles, busy: Arc::default(), cache: Arc::default() }
    }

    /// All files, in the order of the configuration.
    pub async fn read(&self) -> Vec<FileRead> {
        if self.paths.is_empty() {
            return Vec::new();
        }
        let (paths, profiles) = (self.paths.clone(), self.profiles.clone());
        let cache = Arc::clone(&self.cache);
        let work = blocking("Compose files", &self.busy, move || {
            let files: Vec<_> = paths.iter().map(|path| refresh(path, &profiles, &cache)).collect();
            Ok(files)
        });
        let failure = match tokio::time::timeout(LIMIT, work).await {
            Ok(Ok(mut files)) => {
                adopt(&mut files);
                return files;
            }
            Ok(Err(failure)) => failure,
            Err(_) => Failure::new(Reason::TIMEOUT, "the files cannot be read in time"),
        };
        self.remembered(&failure)
    }

    fn remembered(&self, failure: &Failure) -> Vec<FileRead> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |path: &PathBuf| FileRead {
            path: path.clone(),
            file: cache.get(path).and_then(|known| known.read.file.clone()),
            failure: Some(failure.clone()),
        };
        let mut files: Vec<_> = self.paths.iter().map(of).collect();
        drop(cache);
        adopt(&mut files);
        files
    }
}

/// The lock is not held while files are read: that may hang.
fn refresh(path: &Path, profiles: &[String], cache: &Mutex<Cache>) -> FileRead {
    let lock = || cache.lock().unwrap_or_else(PoisonError::into_inner);
    let last = lock().get(path).cloned();
    if let Some(Known { seen: Some(seen), read, .. }) = &last
        && seen.iter().all(|(path, old)| stamp(path) == *old)
    {
        return read.clone();
    }
    let known = renew(path, load(path, profiles), last);
    let read = known.read.clone();
    lock().insert(path.to_owned(), known);
    read
}

/// What is known after a reading: its content, or the last one if that was whole and this is not.
fn renew(path: &Path, loaded: Loaded, last: Option<Known>) -> Known {
    let Loaded { file, missing, wrong, seen } = loaded;
    let (file, failed) = match file {
        Ok(file) => (Some(Arc::new(file)), None),
        Err(failure) => (None, Some(failure)),
    };
    let failures: Vec<_> = failed.into_iter().chain(missing).collect();
    // Rights come and go without a trace on the file.
    let lasting = failures.iter().all(|of| matches!(of.reason, Reason::PARSE | Reason::NOT_FOUND));
    let whole = failures.is_empty();
    let last = last.filter(|last| !whole && (last.whole || file.is_none()));
    let (file, whole) = match last {
        Some(last) => (last.read.file, last.whole),
        None => (file, whole),
    };
    let failure = sum_up(failures.into_iter().chain(wrong).collect());
    let read = FileRead { path: path.to_owned(), file, failure };
    Known { seen: lasting.then_some(seen), read, whole }
}

fn sum_up(failures: Vec<Failure>) -> Option<Failure> {
    let more = failures.len().saturating_sub(1);
    let mut first = failures.into_iter().next()?;
    if more > 0 {
        first.detail = format!("{} (and {more} more)", first.detail);
    }
    Some(first)
}

/// A file that Compose could not start alone, as services have no image in it, belongs to the
/// project of the file before it that declares them.
fn adopt(files: &mut [FileRead]) {
    for at in 1..files.len() {
        let (before, rest) = files.split_at_mut(at);
        let Some(file) = rest.first_mut().and_then(|read| read.file.as_mut()) else { continue };
        if file.is_named {
            continue;
        }
        let parts: Vec<&String> =
            file.services.iter().filter(|(_, of)| !of.is_whole()).map(|(name, _)| name).collect();
        let declares = |of: &&Arc<File>| parts.iter().any(|name| of.services.contains_key(*name));
        let owner = before.iter().rev().filter_map(|read| read.file.as_ref()).find(declares);
        if let Some(owner) = owner
            && owner.project != file.project
        {
            let project = owner.project.clone();
            Arc::make_mut(file).project = project;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services(read: &FileRead) -> Vec<&str> {
        let file = read.file.as_ref();
        file.map(|file| file.services.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    fn reason(read: &FileRead) -> Option<Reason> {
        read.failure.as_ref().map(|failure| failure.reason)
    }

    #[tokio::test]
    async fn a_changed_file_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker-compose.yml");
        let files = Files::new(vec![path.clone()], Vec::new());

        let read = files.read().await;
        assert!(read[0].file.is_none());
        assert_eq!(reason(&read[0]), Some(Reason::NOT_FOUND));

        std::fs::write(&path, "services: { api: {} }").unwrap();
        let first = files.read().await;
        assert_eq!(services(&first[0]), ["api"]);
        let again = files.read().await;
        assert!(Arc::ptr_eq(first[0].file.as_ref().unwrap(), again[0].file.as_ref().unwrap()));

        std::fs::write(&path, "services: { api: {}, worker: {} }").unwrap();
        assert_eq!(services(&files.read().await[0]).len(), 2);

        std::fs::write(&path, "services: [ nonsense").unwrap();
        let broken = files.read().await;
        assert_eq!(reason(&broken[0]), Some(Reason::PARSE));
        assert_eq!(services(&broken[0]).len(), 2, "the last good content stays");

        std::fs::remove_file(&path).unwrap();
        assert_eq!(reason(&files.read().await[0]), Some(Reason::NOT_FOUND));
    }

    #[tokio::test]
    async fn what_it_draws_on_is_watched_too() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        let base = "services: { base: { scale: 2 } }";
        write(
            "compose.yml",
            "include: [more.yml]\nservices: { api: { extends: { file: base.yml, service: base }, image: 'x:${TAG:-1}' } }",
        );
        write("more.yml", "services: { more: {} }");
        write("base.yml", base);
        let files = Files::new(vec![folder.path().join("compose.yml")], Vec::new());
        let api = |read: &[FileRead]| {
            let api = read[0].file.as_ref().unwrap().services.get("api").unwrap().clone();
            (api.image.unwrap_or_default(), api.replicas)
        };

        let read = files.read().await;
        assert_eq!((services(&read[0]), reason(&read[0])), (vec!["api", "more"], None));
        assert_eq!(api(&read), ("x:1".to_owned(), Some(2)));

        write(".env", "TAG=2");
        assert_eq!(api(&files.read().await).0, "x:2");
        write("base.yml", "services: { base: { scale: 33 } }");
        assert_eq!(api(&files.read().await).1, Some(33));
        write("more.yml", "services: { more: {}, most: {} }");
        assert_eq!(services(&files.read().await[0]), ["api", "more", "most"]);

        std::fs::remove_file(folder.path().join("more.yml")).unwrap();
        let read = files.read().await;
        assert_eq!(services(&read[0]), ["api", "more", "most"], "the last good content stays");
        assert_eq!(reason(&read[0]), Some(Reason::NOT_FOUND));
        let anew = Files::new(vec![folder.path().join("compose.yml")], Vec::new());
        let read = anew.read().await;
        assert_eq!(services(&read[0]), ["api"], "the rest holds");
        assert!(read[0].failure.as_ref().unwrap().detail.contains("more.yml"));
        write("base.yml", base);
        let read = anew.read().await;
        assert_eq!((api(&read).1, reason(&read[0])), (Some(2), Some(Reason::NOT_FOUND)));
    }

    #[tokio::test]
    async fn a_part_of_a_project_goes_with_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("shop");
        std::fs::create_dir(&folder).unwrap();
        let path = |name: &str, text: &str| {
            std::fs::write(folder.join(name), text).unwrap();
            folder.join(name)
        };
        let files = vec![
            path("a.yml", "name: given\nservices: { api: { image: x } }"),
            path("b.yml", "services: { api: { scale: 2 } }"),
            path("c.yml", "services: { grafana: { image: y } }"),
            path("d.yml", "name: other\nservices: { api: { scale: 2 } }"),
        ];
        let read = Files::new(files, Vec::new()).read().await;
        let project = |read: &FileRead| read.file.as_ref().unwrap().project.clone();
        let projects: Vec<_> = read.iter().map(project).collect();
        assert_eq!(projects, ["given", "given", "shop", "other"]);
    }

    #[tokio::test]
    async fn a_pipe_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("compose.yml");
        std::fs::create_dir(&file).unwrap();
        let read = Files::new(vec![file], Vec::new()).read().await;
        assert_eq!(reason(&read[0]), Some(Reason::NOT_FOUND));
    }
}
