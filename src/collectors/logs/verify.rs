//! Counts against what lies on disk: `logs verify`.
//!
//! Each file that a source counts is read once more from where its counting began to where it is
//! now, with a scanner that knows nothing of it, and its lines by level are compared. Nothing is
//! locked or changed, and the exporter may run meanwhile: what it appends comes after.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::config::Logs;
use super::follow::facts::{Facts, Identity};
use super::follow::saved::{Position, Role};
use super::memory::Saved;
use super::scan::level::Level;
use super::scan::lines::Lines;
use super::scan::{Scanner, Stream};
use super::tally::Tally;
use crate::files;

/// Bytes of one read.
const CHUNK: usize = 256 * 1024;

/// Lines by level.
pub type Counts = [u64; Level::ALL.len()];

/// What is to be counted once more.
#[derive(Clone, Debug)]
pub struct Recount {
    pub path: PathBuf,
    pub begin: u64,
    pub offset: u64,
    pub lines: Counts,
}

/// What came out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Equal,
    /// What lies on disk.
    Differs(Counts),
    /// It cannot be counted once more, and why.
    Gone(String),
}

/// A source after its recount.
pub struct Verified {
    pub files: Vec<(Recount, Verdict)>,
    /// Why counts of the source may be less than the truth, as its metrics say.
    pub doubt: Vec<(String, u64)>,
}

/// Recounts a source from the bytes of its state.
pub fn verify(logs: &Logs, saved: &[u8]) -> Result<Verified, String> {
    let saved = Saved::decode(saved).map_err(|why| why.to_string())?;
    let (forms, format, _) = logs.reading();
    let scanner = Scanner { format, forms, levels: true, ..Scanner::default() };
    let counted = saved.files.files.iter().filter(|position| position.role == Role::Read);
    let files = counted.map(|position| check(&scanner, position)).collect();
    let doubt = serde_json::to_value(saved.tally().doubt).unwrap_or_default();
    let doubt = doubt.as_object().into_iter().flatten();
    let doubt = doubt.filter_map(|(reason, count)| Some((reason.clone(), count.as_u64()?)));
    Ok(Verified { files, doubt: doubt.filter(|(_, count)| *count > 0).collect() })
}

fn check(scanner: &Scanner, position: &Position<Stream>) -> (Recount, Verdict) {
    let mut recount = Recount {
        path: position.path.clone(),
        begin: position.begin,
        offset: position.offset,
        lines: position.stream.lines,
    };
    if !position.whole {
        let why = "its lines were not all counted here: it was shortened or continues another file";
        return (recount, Verdict::Gone(why.into()));
    }
    let Some(path) = find(&recount.path, position.id) else {
        return (recount, Verdict::Gone("it is not there any more".into()));
    };
    recount.path = path;
    let verdict = match recount.again(scanner) {
        Ok(lines) if lines == recount.lines => Verdict::Equal,
        Ok(lines) => Verdict::Differs(lines),
        Err(error) => Verdict::Gone(error.to_string()),
    };
    (recount, verdict)
}

/// Where the file is now: it may have been renamed in its directory.
fn find(path: &Path, id: Identity) -> Option<PathBuf> {
    let is_it = |path: &Path| {
        std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && Facts::of(&meta).identity == id)
    };
    if is_it(path) {
        return Some(path.to_owned());
    }
    let mut others = path.parent()?.read_dir().ok()?.flatten().map(|entry| entry.path());
    others.find(|other| is_it(other))
}

impl Recount {
    /// Counts the lines on disk.
    fn again(&self, scanner: &Scanner) -> std::io::Result<Counts> {
        let mut file = files::open(&self.path)?;
        if file.metadata()?.len() < self.offset {
            return Err(std::io::Error::other("it was truncated since"));
        }
        file.seek(SeekFrom::Start(self.begin))?;
        let mut file = file.take(self.offset.saturating_sub(self.begin));
        let (mut lines, mut stream, mut tally) =
            (Lines::default(), Stream::default(), Tally::default());
        let mut buffer = vec![0; CHUNK];
        loop {
            let length = file.read(&mut buffer)?;
            let chunk = buffer.get(..length).unwrap_or_default();
            let mut give = |piece: &super::scan::lines::Piece| {
                scanner.scan(&mut stream, piece, SystemTime::UNIX_EPOCH, &mut tally);
            };
            if length == 0 {
                // A last line that nobody finished counts too, if the offset is behind it.
                lines.finish(&mut give);
                return Ok(stream.lines);
            }
            lines.feed(chunk, &mut give);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "cut off\n2024-01-01 12:00:00,123 [ERROR] app: x\n  more\n2024-01-01 12:00:00,123 [INFO] app: y\nlater\n";

    fn at(path: &Path, begin: u64, offset: u64, lines: Counts) -> Recount {
        Recount { path: path.to_owned(), begin, offset, lines }
    }

    fn scanner() -> Scanner {
        Scanner { levels: true, ..Scanner::default() }
    }

    #[test]
    fn lines_are_counted_from_where_it_began_to_where_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.log");
        std::fs::write(&path, TEXT).unwrap();
        let end = (TEXT.len() - "later\n".len()) as u64;
        let mut wanted = Counts::default();
        wanted[Level::Error as usize] = 1;
        wanted[Level::Info as usize] = 1;
        wanted[Level::None as usize] = 1;
        assert_eq!(at(&path, 8, end, wanted).again(&scanner()).unwrap(), wanted);
        // The last line is counted although nobody finished it.
        let found = at(&path, 8, end + 3, wanted).again(&scanner()).unwrap();
        assert_eq!(found[Level::None as usize], 2);
        assert!(at(&path, 8, 1000, wanted).again(&scanner()).is_err());
    }

    #[test]
    fn a_renamed_file_is_found_and_another_of_its_name_is_not_it() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("app.log"), dir.path().join("app.log.1"));
        std::fs::write(&path, TEXT).unwrap();
        let id = Facts::of(&std::fs::metadata(&path).unwrap()).identity;
        assert_eq!(find(&path, id), Some(path.clone()));
        std::fs::rename(&path, &moved).unwrap();
        std::fs::write(&path, TEXT).unwrap();
        assert_eq!(find(&path, id), Some(moved.clone()));
        std::fs::remove_file(&moved).unwrap();
        assert_eq!(find(&path, id), None);
    }
}
