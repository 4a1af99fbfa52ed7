//! See `src/fuzzing.rs`.

use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use super::errors::mask;
use super::follow::Sink;
use super::input::containers::fuzz_frames;
use super::input::journal::file::{Journal, Place};
use super::memory::{FORM, Saved};
use super::offline::Splitter;
use super::scan::lines::{Lines, Piece};
use super::scan::{Scanner, Stream};
use super::tally::Tally;

pub use super::input::containers::fuzz_envelopes as envelopes;

/// A fixed moment: the same bytes lead to the same end.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(500_000)
}

/// An answer of the Engine with a container's output; the first byte says in which form.
pub fn frames(data: &[u8]) {
    fuzz_frames(data);
}

/// Lines of a log with all that is counted in them, in two pieces.
pub fn scan(data: &[u8]) {
    let scanner = Scanner { levels: true, access: true, errors: true, ..Scanner::default() };
    let (mut stream, mut tally, mut lines) =
        (Stream::default(), Tally::default(), Lines::default());
    let (first, second) = data.split_at(data.len() / 2);
    for part in [first, second] {
        lines.feed(part, |piece| scanner.scan(&mut stream, piece, now(), &mut tally));
    }
    lines.finish(|piece| scanner.scan(&mut stream, piece, now(), &mut tally));
    scanner.settle(&mut stream, now(), &mut tally);
    let mut splitter = Splitter::default();
    splitter.feed(data, |_| {});
    splitter.finish(|_| {});
}

/// The template of a message; the template of a template is never longer than it may be.
pub fn masks(data: &[u8]) {
    let mut template = String::new();
    mask(data, &mut template);
}

/// A journal file, all entries of it.
pub fn journal(data: &[u8]) {
    let Ok(file) = memory(data) else { return };
    let Ok(mut journal) = Journal::new(file) else { return };
    let mut place = Place::default();
    let mut out = Vec::new();
    for number in 0..64 {
        let Ok(Some(offset)) = journal.entry_at(number, &mut place) else { break };
        let Ok(entry) = journal.entry(offset) else { continue };
        for item in entry.items.iter().take(32) {
            let _ = journal.data(*item, 4096, &mut out);
        }
    }
}

fn memory(data: &[u8]) -> std::io::Result<File> {
    let file = rustix::fs::memfd_create("journal", rustix::fs::MemfdFlags::CLOEXEC)?;
    let mut file = File::from(file);
    file.write_all(data)?;
    Ok(file)
}

/// A state file: as it is, and with a header that fits.
pub fn state(data: &[u8]) {
    let _ = Saved::decode(data);
    if let Ok(value) = serde_json::from_slice::<serde_json::Value>(data)
        && let Ok(bytes) = FORM.encode(&value)
    {
        let _ = FORM.decode::<Saved>(&bytes);
    }
}

/// Takes lines and forgets them.
pub(super) struct Nobody;

impl<S> Sink<S> for Nobody {
    fn lines(&mut self, _: &mut S, _: &Piece) {}
    fn settle(&mut self, _: &mut S) {}
}
