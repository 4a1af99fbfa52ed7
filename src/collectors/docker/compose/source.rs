//! The files of one reading, each read once, with what tells that one has changed.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::SystemTime;

use crate::config::tree::{self, Node};
use crate::failure::{Failure, Reason};

/// No Compose file is larger.
const SIZE: u64 = 4 << 20;
/// No Compose file draws on more.
const FILES: usize = 200;

/// Time of change, size, inode: a file that is replaced has another inode.
pub type Stamp = (SystemTime, u64, u64);

/// Stamp of a file, `None` if it cannot be had.
pub fn stamp(path: &Path) -> Option<Stamp> {
    stamp_of(&fs::metadata(path).ok()?)
}

fn stamp_of(about: &fs::Metadata) -> Option<Stamp> {
    Some((about.modified().ok()?, about.len(), about.ino()))
}

/// The documents of a file, shared by all that draw on it.
pub type Documents = Rc<[Node]>;

#[derive(Default)]
pub struct Sources {
    trees: BTreeMap<PathBuf, Result<Documents, Failure>>,
    /// Every file that was looked at, with `None` for one that is not there.
    pub seen: BTreeMap<PathBuf, Option<Stamp>>,
}

impl Sources {
    /// A file that is not on the disk.
    #[cfg(any(test, fuzzing))]
    pub fn of(path: &Path, text: &str) -> Self {
        let trees = [(path.to_owned(), parse(path, text))].into();
        Self { trees, seen: BTreeMap::new() }
    }

    /// The file's documents.
    pub fn tree(&mut self, path: &Path) -> Result<Documents, Failure> {
        if let Some(known) = self.trees.get(path) {
            return known.clone();
        }
        let tree = self.text(path).and_then(|text| parse(path, &text));
        self.trees.insert(path.to_owned(), tree.clone());
        tree
    }

    /// The file's text.
    pub fn text(&mut self, path: &Path) -> Result<String, Failure> {
        let shown = path.display().to_string();
        if self.seen.len() >= FILES {
            let why = format!("{shown}: not read: it is one of more than {FILES} files");
            return Err(Failure::new(Reason::OTHER, why));
        }
        let about = fs::metadata(path);
        let stamp = about.as_ref().ok().and_then(stamp_of);
        self.seen.insert(path.to_owned(), stamp);
        let failed = |error| Failure::io(&shown, &error);
        let about = about.map_err(failed)?;
        // A pipe would never end.
        if !about.is_file() {
            return Err(Failure::new(Reason::NOT_FOUND, format!("{shown}: is no file")));
        }
        let mut text = String::new();
        let file = fs::File::open(path).map_err(failed)?;
        file.take(SIZE + 1).read_to_string(&mut text).map_err(failed)?;
        if text.len() as u64 > SIZE {
            return Err(Failure::new(Reason::PROTOCOL, format!("{shown}: over 4 MiB")));
        }
        Ok(text)
    }
}

/// One name for a file, however it is reached.
pub fn identity(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn parse(path: &Path, text: &str) -> Result<Documents, Failure> {
    let documents = tree::parse_foreign(text).map_err(|problems| {
        let first = problems.first();
        let (line, message) = first.map_or((1, "not valid"), |p| (p.line, p.message.as_str()));
        Failure::new(Reason::PARSE, format!("{}: line {line}: {message}", path.display()))
            .hint("does `docker compose config` take it?")
    })?;
    Ok(documents.into())
}
