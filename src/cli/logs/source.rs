//! Log files as they lie on disk, compressed or not, in the order of time.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use flate2::bufread::MultiGzDecoder;

use crate::collectors::logs::scan::bytes::{Content, refused};
use crate::failure::{Failure, Reason};

/// Bytes by which it is told what a file is.
const HEAD: u64 = 4096;
/// Bytes of one read.
pub const CHUNK: usize = 256 * 1024;

/// A file that is to be read.
pub struct Source {
    pub path: PathBuf,
    /// On disk.
    pub size: u64,
    pub modified: SystemTime,
    compressed: bool,
}

impl Source {
    pub fn new(path: &Path) -> Result<Self, Failure> {
        let what = || format!("cannot read {}", path.display());
        let failed = |error: &std::io::Error| Failure::io(&what(), error);
        // What is no file may block for ever when it is opened.
        let facts = std::fs::metadata(path).map_err(|error| failed(&error))?;
        if !facts.is_file() {
            let failure = Failure::new(Reason::OTHER, format!("{}: is no file", what()));
            return Err(failure.hint("name log files, plain or compressed by gzip"));
        }
        let mut file = File::open(path).map_err(|error| failed(&error))?;
        let mut magic = Vec::new();
        file.by_ref().take(HEAD).read_to_end(&mut magic).map_err(|error| failed(&error))?;
        let other: Option<(&str, &str)> = match *magic {
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(("zstd", "zstdcat")),
            [b'B', b'Z', b'h', ..] => Some(("bzip2", "bzcat")),
            [0xfd, b'7', b'z', b'X', ..] => Some(("xz", "xzcat")),
            _ if refused(&magic) == Some(Content::Utf16) => {
                Some(("UTF-16", "iconv -f UTF-16 -t UTF-8"))
            }
            _ => None,
        };
        if let Some((name, tool)) = other {
            let failure = Failure::new(Reason::PARSE, format!("{}: it is {name}", what()));
            return Err(failure.hint(format!("unpack it first, with `{tool}`")));
        }
        Ok(Self {
            path: path.to_owned(),
            size: facts.len(),
            modified: facts.modified().unwrap_or_else(|_| SystemTime::now()),
            compressed: magic.starts_with(&[0x1f, 0x8b]),
        })
    }

    /// Hands out what is in the file; `progress` hears what was read of it on disk. Stops when
    /// `give` says so.
    pub fn read(
        &self,
        mut progress: impl FnMut(u64),
        mut give: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), Failure> {
        let failed = |error: &std::io::Error| {
            let failure = Failure::io(&format!("cannot read {}", self.path.display()), error);
            if self.compressed {
                return failure.hint(
                    "the end of the archive is missing or damaged; what could be read counts",
                );
            }
            failure
        };
        let file = File::open(&self.path).map_err(|error| failed(&error))?;
        let mut buffer = vec![0; CHUNK];
        let mut known = 0;
        let counted = std::cell::Cell::new(0);
        let file = Counted { file, count: &counted };
        let mut reader: Box<dyn Read + '_> = if self.compressed {
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(64 * 1024, file)))
        } else {
            Box::new(file)
        };
        loop {
            let length = match reader.read(&mut buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(&error)),
            };
            progress(counted.get() - known);
            known = counted.get();
            if length == 0 || !give(buffer.get(..length).unwrap_or_default()) {
                return Ok(());
            }
        }
    }
}

/// Counts what is read from disk.
struct Counted<'a> {
    file: File,
    count: &'a std::cell::Cell<u64>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.count.set(self.count.get() + length as u64);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn content(path: &Path) -> Result<Vec<u8>, Failure> {
        let (mut all, mut told) = (Vec::new(), 0);
        let source = Source::new(path)?;
        source.read(
            |bytes| told += bytes,
            |bytes| {
                all.extend_from_slice(bytes);
                true
            },
        )?;
        assert_eq!(told, source.size);
        Ok(all)
    }

    #[test]
    fn plain_and_packed_files() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.log");
        let text = b"line\n".repeat(100_000);
        std::fs::write(&path, &text).unwrap();
        assert_eq!(content(&path).unwrap(), text);
        // Archives that were appended to have several members, whatever their name says.
        let mut packed = Vec::new();
        for _ in 0..2 {
            let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            member.write_all(&text).unwrap();
            packed.extend(member.finish().unwrap());
        }
        std::fs::write(&path, &packed).unwrap();
        assert_eq!(content(&path).unwrap(), text.repeat(2));
        std::fs::write(&path, &packed[..packed.len() - 9]).unwrap();
        let failure = content(&path).unwrap_err();
        assert!(failure.hint.unwrap().contains("what could be read counts"));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.log.zst");
        std::fs::write(&path, [0x28, 0xb5, 0x2f, 0xfd, 0]).unwrap();
        assert!(content(&path).unwrap_err().hint.unwrap().contains("zstdcat"));
        assert!(content(dir.path()).unwrap_err().detail.contains("is no file"));
        assert_eq!(content(&dir.path().join("no")).unwrap_err().reason, Reason::NOT_FOUND);
    }
}
