//! Opening what others may have put in the place of a file, without ever waiting for them.
//!
//! The open call itself waits for a writer where a pipe stands, with no end and no way to stop it.

use std::fs::{File, FileType};
use std::io::{self, Read as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};

/// Neither waits for a writer, nor takes a terminal, nor is inherited.
pub const READ: OFlags =
    OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// Longer texts are no configuration and no secret.
const LONGEST: u64 = 64 << 20;

/// What is there, in words.
pub fn kind(kind: FileType) -> &'static str {
    match kind {
        kind if kind.is_file() => "a regular file",
        kind if kind.is_dir() => "a directory",
        kind if kind.is_symlink() => "a symbolic link",
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

fn irregular(found: FileType) -> io::Error {
    let text = format!("it is {}, expected a regular file", kind(found));
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

/// Opens a regular file for reading; anything else is an error at once.
pub fn open(path: &Path) -> io::Result<File> {
    let file = File::from(rustix::fs::open(path, READ, Mode::empty())?);
    let found = file.metadata()?.file_type();
    if found.is_file() { Ok(file) } else { Err(irregular(found)) }
}

/// All of a regular file of at most so many bytes.
pub fn read(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(longest.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        let text = format!("it has over {longest} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(bytes)
}

/// How long a secret or a certificate is waited for if it is a pipe.
const PATIENCE: Duration = Duration::from_secs(2);

/// The text of a small file that the configuration names: a secret, a certificate.
pub fn read_small(path: &Path) -> io::Result<String> {
    read_text(path, PATIENCE)
}

/// The text of a file, also of a pipe (`<(sops -d stack.yml)`) if somebody writes to it and ends
/// within the patience.
pub fn read_text(path: &Path, patience: Duration) -> io::Result<String> {
    let mut file = File::from(rustix::fs::open(path, READ, Mode::empty())?);
    let found = file.metadata()?.file_type();
    if found.is_dir() || found.is_socket() {
        return Err(irregular(found));
    }
    let mut bytes = Vec::new();
    if found.is_file() {
        file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    } else {
        let until = Instant::now() + patience;
        let mut part = vec![0; 64 << 10];
        loop {
            wait(&file, until, found)?;
            let length = match file.read(&mut part) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            };
            bytes.extend_from_slice(part.get(..length).unwrap_or_default());
            if bytes.len() as u64 > LONGEST {
                break;
            }
        }
    }
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it has over 64 MiB"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let text = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = memchr::memchr_iter(b'\n', text).count() + 1;
        io::Error::new(io::ErrorKind::InvalidData, NotUtf8 { line })
    })
}

/// A text that is in another encoding.
#[derive(Debug)]
pub struct NotUtf8 {
    /// Where it begins to be none, from 1.
    pub line: usize,
}

impl NotUtf8 {
    /// The line, if that is why a text could not be read.
    pub fn line_of(error: &io::Error) -> Option<usize> {
        error.get_ref()?.downcast_ref::<Self>().map(|found| found.line)
    }
}

impl std::fmt::Display for NotUtf8 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "it is not UTF-8 from line {} on", self.line)
    }
}

impl std::error::Error for NotUtf8 {}

/// Until there is something to read, or the end.
fn wait(file: &File, until: Instant, found: FileType) -> io::Result<()> {
    let left = until.saturating_duration_since(Instant::now());
    let left = Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: left.subsec_nanos().into(),
    };
    match poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&left)) {
        Ok(0) => {
            let text = format!("it is {}, and nobody has written to its end", kind(found));
            Err(io::Error::new(io::ErrorKind::TimedOut, text))
        }
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fifo(path: &Path) {
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, path, kind, Mode::RUSR | Mode::WUSR, 0).unwrap();
    }

    #[test]
    fn what_is_no_file_is_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fifo(&path);
        let said = |path: &Path| open(path).unwrap_err().to_string();
        assert_eq!(said(&path), "it is a pipe, expected a regular file");
        assert_eq!(said(dir.path()), "it is a directory, expected a regular file");
        assert_eq!(said(Path::new("/dev/zero")), "it is a device, expected a regular file");
        let link = dir.path().join("l");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(said(&link), "it is a pipe, expected a regular file");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(open(&link).unwrap_err().kind(), io::ErrorKind::NotFound);
        std::fs::write(&path, "text").unwrap();
        assert_eq!(read(&link, 4).unwrap(), b"text");
        assert_eq!(read(&link, 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_pipe_is_read_to_its_end_or_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fifo(&path);
        let begun = Instant::now();
        let nobody = read_text(&path, Duration::from_millis(50)).unwrap_err();
        assert_eq!(nobody.to_string(), "it is a pipe, and nobody has written to its end");
        assert!(begun.elapsed() < Duration::from_secs(2));
        let writer = std::thread::spawn({
            let path = path.clone();
            move || std::fs::write(path, "host: {}\n".repeat(20_000)).unwrap()
        });
        let text = read_text(&path, Duration::from_secs(20)).unwrap();
        writer.join().unwrap();
        assert_eq!(text.len(), 180_000);
        // Somebody who writes and never ends.
        let held = std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
        std::io::Write::write_all(&mut &held, b"host:").unwrap();
        let endless = read_text(&path, Duration::from_millis(50)).unwrap_err();
        assert_eq!(endless.kind(), io::ErrorKind::TimedOut);
        assert_eq!(read_text(Path::new("/dev/null"), Duration::ZERO).unwrap(), "");
        let zeroes = read_text(Path::new("/dev/zero"), Duration::from_secs(20)).unwrap_err();
        assert_eq!(zeroes.kind(), io::ErrorKind::FileTooLarge);
    }
}
