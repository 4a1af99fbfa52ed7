//! A json-file of the Engine, read as a file: its records into the lines of two streams.

use serde::{Deserialize, Serialize};

use super::Streams;
use super::partial::{ENGINE_PIECE, Partial};
use super::record::{Origin, Record, unescape};
use crate::collectors::logs::follow::Sink;
use crate::collectors::logs::scan::judge::clean;
use crate::collectors::logs::scan::lines::{MAX_LINE, Piece};

/// What is kept of a json-file: it moves with the position in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, bound(deserialize = "S: Default + Deserialize<'de>"))]
pub struct Unwrap<S> {
    pub stdout: Half<S>,
    pub stderr: Half<S>,
}

/// One stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, bound(deserialize = "S: Default + Deserialize<'de>"))]
pub struct Half<S> {
    pub stream: S,
    partial: Partial,
    /// The time of the pieces.
    time: String,
}

/// Stands between what reads a json-file and what takes the lines.
pub struct Envelope<'a, S> {
    inner: &'a mut dyn Sink<S>,
    streams: Streams,
    /// Lines of either stream, not handed on yet.
    out: Vec<u8>,
    err: Vec<u8>,
    /// Records that could not be read: not counted. Over 64 KiB of escapes, or not the driver's.
    pub damaged: u64,
}

impl<'a, S> Envelope<'a, S> {
    pub fn new(inner: &'a mut dyn Sink<S>, streams: Streams) -> Self {
        Self { inner, streams, out: Vec::new(), err: Vec::new(), damaged: 0 }
    }

    fn record(&mut self, unwrap: &mut Unwrap<S>, line: &[u8]) {
        // A crash of the machine leaves blocks of zeros.
        let line = clean(line);
        let Some(record) = Record::parse(line) else {
            self.damaged += u64::from(!line.is_empty());
            return;
        };
        if !self.streams.has(record.origin) {
            return;
        }
        let (half, block) = match record.origin {
            Origin::Stdout => (&mut unwrap.stdout, &mut self.out),
            Origin::Stderr => (&mut unwrap.stderr, &mut self.err),
        };
        let begun = !half.partial.is_empty();
        if begun && half.time.as_bytes() != record.time {
            // The run ended within that line: its own newline never came.
            half.hand_on(block, self.inner);
            half.partial.end(|piece| self.inner.lines(&mut half.stream, piece));
        }
        let start = block.len();
        unescape(record.text, block);
        let whole = block.last() == Some(&b'\n') && block.len() > start;
        let length = block.len() - start;
        if half.partial.is_empty() && (whole || length < ENGINE_PIECE) {
            if !whole {
                block.push(b'\n');
            }
            return;
        }
        let piece = block.split_off(start);
        half.hand_on(block, self.inner);
        half.piece(&piece, whole, record.time, self.inner);
    }
}

impl<S> Half<S> {
    /// Whole lines that came before, so that all stay in order.
    fn hand_on(&mut self, block: &mut Vec<u8>, inner: &mut dyn Sink<S>) {
        if !block.is_empty() {
            let bytes = block.len() as u64;
            let piece = Piece { lines: block, bytes, cut: false, hint: None };
            inner.lines(&mut self.stream, &piece);
            block.clear();
        }
    }

    fn piece(&mut self, piece: &[u8], whole: bool, time: &[u8], inner: &mut dyn Sink<S>) {
        self.partial.push(piece.strip_suffix(b"\n").filter(|_| whole).unwrap_or(piece));
        if whole || piece.len() < ENGINE_PIECE {
            self.partial.end(|piece| inner.lines(&mut self.stream, piece));
        } else {
            self.time = String::from_utf8_lossy(time).into_owned();
        }
    }
}

impl<S: Default> Sink<Unwrap<S>> for Envelope<'_, S> {
    fn lines(&mut self, unwrap: &mut Unwrap<S>, piece: &Piece) {
        if piece.cut {
            // Its end names the stream, and says whether the line goes on.
            self.damaged += 1;
            return;
        }
        let mut rest = piece.lines;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            self.record(unwrap, line);
            rest = after.get(1..).unwrap_or_default();
            // No longer than a reader's own block, so that memory stays what it is.
            if self.out.len() + self.err.len() > 4 * MAX_LINE {
                unwrap.stdout.hand_on(&mut self.out, self.inner);
                unwrap.stderr.hand_on(&mut self.err, self.inner);
            }
        }
        unwrap.stdout.hand_on(&mut self.out, self.inner);
        unwrap.stderr.hand_on(&mut self.err, self.inner);
    }

    /// A line that goes on is left alone: its next piece may come in an hour.
    fn settle(&mut self, unwrap: &mut Unwrap<S>) {
        self.inner.settle(&mut unwrap.stdout.stream);
        self.inner.settle(&mut unwrap.stderr.stream);
    }
}

#[cfg(test)]
mod tests;
