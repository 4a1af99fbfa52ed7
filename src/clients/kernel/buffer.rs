//! One buffer for many small files: no allocation and one `read` each.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

/// What most files fit into.
const USUAL: usize = 8 << 10;
/// The kernel hands out these files by the page, of whole lines: less than half a page is the end.
const END: usize = 2 << 10;
/// Of a longer file the rest is left out.
const MOST: usize = 1 << 20;

pub struct Buffer {
    bytes: Vec<u8>,
    gone: bool,
}

impl Default for Buffer {
    fn default() -> Self {
        Self::new()
    }
}

impl Buffer {
    pub fn new() -> Self {
        Self { bytes: vec![0; USUAL], gone: false }
    }

    /// Of a file with lines of less than half a page, as nearly all of the kernel's are.
    pub fn load(&mut self, path: &Path) -> io::Result<&[u8]> {
        let file = File::open(path)?;
        self.fill(file)
    }

    /// The first of two that can be opened.
    pub fn load_either(&mut self, [first, second]: [PathBuf; 2]) -> io::Result<&[u8]> {
        let file = File::open(first).or_else(|_| File::open(second))?;
        self.fill(file)
    }

    /// `None`: not there, or not for us.
    pub fn read(&mut self, path: &Path) -> Option<&[u8]> {
        self.load(path).ok()
    }

    /// A file that is in every control group of its kind: without it the group has gone.
    pub fn read_certain(&mut self, path: &Path) -> Option<&[u8]> {
        let length = match File::open(path).and_then(|file| self.fill(file).map(<[u8]>::len)) {
            Ok(length) => length,
            Err(error) => {
                self.gone |= is_gone(&error);
                return None;
            }
        };
        self.bytes.get(..length)
    }

    /// A file below a directory that is held open.
    pub fn read_in(&mut self, dir: impl AsFd, name: &str) -> Option<&[u8]> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(dir, name, flags, Mode::empty()).ok()?;
        self.fill(File::from(file)).ok()
    }

    /// Whether a file that is always there was not.
    pub fn has_gone(&self) -> bool {
        self.gone
    }

    fn fill(&mut self, mut file: File) -> io::Result<&[u8]> {
        let mut length = 0;
        loop {
            if length == self.bytes.len() {
                if length >= MOST {
                    break;
                }
                self.bytes.resize(length * 2, 0);
            }
            match file.read(self.bytes.get_mut(length..).unwrap_or_default()) {
                Ok(0) => break,
                Ok(more) => {
                    length += more;
                    if more < END && length < self.bytes.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.bytes.get(..length).unwrap_or_default())
    }
}

/// The file has gone, or the group that it belongs to while it was open.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(Errno::NODEV.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_are_read_whole_up_to_a_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let mut buffer = Buffer::new();
        for length in [0, 1, END, USUAL, 5 * USUAL + 1, MOST, MOST + 1] {
            let text: Vec<u8> = (0..length).map(|index| index.to_le_bytes()[0]).collect();
            std::fs::write(&path, &text).unwrap();
            let expected = text.get(..MOST).unwrap_or(&text);
            assert!(buffer.read(&path) == Some(expected), "{length}");
        }
        assert!(!buffer.has_gone());
        assert_eq!(buffer.read(&dir.path().join("none")), None);
        assert!(!buffer.has_gone());
        assert_eq!(buffer.read_certain(&dir.path().join("none")), None);
        assert!(buffer.has_gone());
    }

    /// Of many pages, and the same at any time.
    #[test]
    fn a_long_file_of_the_kernel() {
        let path = Path::new("/proc/kallsyms");
        let Ok(file) = File::open(path) else {
            return crate::skip::skip("no /proc/kallsyms to read");
        };
        let mut expected = Vec::new();
        file.take(MOST as u64).read_to_end(&mut expected).unwrap();
        assert!(Buffer::new().read(path) == Some(&expected));
    }
}
