//! Bytes as they come, into whole lines.

use memchr::{memchr, memrchr};

use super::level::Level;

/// The part of a line that is looked at: of a longer one its beginning and, for a level may stand there, its end.
/// What is between is skipped, so that memory stays what it is.
pub const MAX_LINE: usize = 64 * 1024;
const TAIL: usize = 4 * 1024;
const START: usize = MAX_LINE - TAIL;

/// Whole lines, each with its newline.
pub struct Piece<'a> {
    pub lines: &'a [u8],
    /// What they take in the file, their cut part included.
    pub bytes: u64,
    /// There is one line, and only its beginning and its end.
    pub cut: bool,
    /// The level that its source gives to lines that name none themselves: the journal's priority.
    pub hint: Option<Level>,
}

/// The unfinished line at the end of what has been read.
#[derive(Default)]
pub struct Lines {
    /// All of it up to [`MAX_LINE`]; of more its beginning and its end.
    partial: Vec<u8>,
    /// Its length in the file.
    length: u64,
}

impl Lines {
    /// Takes the next bytes and hands out the lines that are finished with them.
    pub fn feed(&mut self, chunk: &[u8], mut give: impl FnMut(&Piece)) {
        let mut chunk = chunk;
        if self.length > 0 {
            let Some(end) = memchr(b'\n', chunk) else { return self.keep(chunk) };
            let (rest_of_line, after) = chunk.split_at(end);
            self.keep(rest_of_line);
            self.end(1, &mut give);
            chunk = after.get(1..).unwrap_or_default();
        }
        let Some(last) = memrchr(b'\n', chunk) else { return self.keep(chunk) };
        let (whole, rest) = chunk.split_at(last + 1);
        pieces(whole, &mut give);
        self.keep(rest);
    }

    /// Ends the unfinished line as if its newline had come: nothing will be written after it.
    pub fn finish(&mut self, mut give: impl FnMut(&Piece)) {
        if self.length > 0 {
            self.end(0, &mut give);
        }
    }

    fn end(&mut self, newline: u64, give: &mut impl FnMut(&Piece)) {
        let cut = self.length > MAX_LINE as u64;
        self.partial.push(b'\n');
        give(&Piece { lines: &self.partial, bytes: self.length + newline, cut, hint: None });
        self.clear();
    }

    /// Forgets the unfinished line.
    pub fn clear(&mut self) {
        (self.partial, self.length) = (Vec::new(), 0);
    }

    /// Length of the unfinished line in the file.
    pub fn unfinished(&self) -> u64 {
        self.length
    }

    fn keep(&mut self, bytes: &[u8]) {
        let start = START.saturating_sub(self.partial.len()).min(bytes.len());
        let (start, rest) = bytes.split_at(start);
        self.partial.extend_from_slice(start);
        let rest = if self.partial.len() + rest.len() > MAX_LINE {
            // The end makes room for a later end.
            let rest = rest.get(rest.len().saturating_sub(TAIL)..).unwrap_or_default();
            let kept = TAIL - rest.len();
            let old = self.partial.len().saturating_sub(START).saturating_sub(kept);
            self.partial.drain(START..START + old);
            rest
        } else {
            rest
        };
        self.partial.extend_from_slice(rest);
        self.length += bytes.len() as u64;
    }
}

/// Hands out whole lines in as few pieces as long lines allow.
fn pieces(mut whole: &[u8], give: &mut impl FnMut(&Piece)) {
    let plain = |lines: &[u8], give: &mut dyn FnMut(&Piece)| {
        if !lines.is_empty() {
            give(&Piece { lines, bytes: lines.len() as u64, cut: false, hint: None });
        }
    };
    let mut checked = 0;
    // No line is too long while every window of the longest legal line holds a newline.
    while let Some(window) = whole.get(checked..=checked + MAX_LINE) {
        if let Some(newline) = memrchr(b'\n', window) {
            checked += newline + 1;
            continue;
        }
        let (before, from) = whole.split_at(checked);
        plain(before, give);
        let end = memchr(b'\n', from).map_or(from.len(), |at| at + 1);
        let (long, after) = from.split_at(end);
        let line = long.strip_suffix(b"\n").unwrap_or(long);
        let end = line.get(line.len().saturating_sub(TAIL)..).unwrap_or_default();
        let cut = [long.get(..START).unwrap_or_default(), end, b"\n"].concat();
        give(&Piece { lines: &cut, bytes: long.len() as u64, cut: true, hint: None });
        (whole, checked) = (after, 0);
    }
    plain(whole, give);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(chunks: &[&[u8]]) -> (Vec<usize>, u64, u64, u64) {
        let (mut lines, mut lengths, mut bytes, mut cut) = (Lines::default(), Vec::new(), 0, 0);
        for chunk in chunks {
            lines.feed(chunk, |piece| {
                lengths.extend(
                    piece.lines.split_inclusive(|byte| *byte == b'\n').map(|line| line.len() - 1),
                );
                bytes += piece.bytes;
                cut += u64::from(piece.cut);
            });
        }
        (lengths, bytes, cut, lines.unfinished())
    }

    #[test]
    fn any_cut_of_the_bytes_gives_the_same_lines() {
        let text = b"one\n\ntwo\r\nthree\nrest";
        let whole = counted(&[text]);
        assert_eq!(whole, (vec![3, 0, 4, 5], 16, 0, 4));
        for at in 0..=text.len() {
            for to in at..=text.len() {
                assert_eq!(counted(&[&text[..at], &text[at..to], &text[to..]]), whole);
            }
        }
    }

    /// A level at the end of a long object is seen, in whatever pieces it comes.
    #[test]
    fn beginning_and_end_of_a_long_line_are_kept() {
        let text =
            [b"{\"x\":\"", "y".repeat(MAX_LINE * 3).as_bytes(), b"z\",\"level\":\"error\"}\n"]
                .concat();
        let line = &text[..text.len() - 1];
        let wanted = [&line[..START], &line[line.len() - TAIL..], b"\n"].concat();
        for size in [1000, 4096, 5000, MAX_LINE - 1, MAX_LINE, MAX_LINE + 1, text.len()] {
            let (mut lines, mut got) = (Lines::default(), Vec::new());
            for chunk in text.chunks(size) {
                lines.feed(chunk, |piece| got.extend_from_slice(piece.lines));
            }
            assert!(got == wanted, "{size}");
        }
    }

    #[test]
    fn long_lines_are_cut_the_same_wherever_they_stand() {
        let long = [vec![b'x'; MAX_LINE + 5], b"\n".to_vec()].concat();
        let legal = [vec![b'y'; MAX_LINE], b"\n".to_vec()].concat();
        let all = [b"a\n".to_vec(), long.clone(), b"b\n".to_vec(), legal, long, b"c".to_vec()];
        let text = all.concat();
        let bytes = text.len() as u64 - 1;
        let wanted = (vec![1, MAX_LINE, 1, MAX_LINE, MAX_LINE], bytes, 2, 1);
        assert_eq!(counted(&[&text]), wanted);
        for size in [1000, MAX_LINE - 1, MAX_LINE, MAX_LINE + 1, 100_000] {
            assert_eq!(counted(&text.chunks(size).collect::<Vec<_>>()), wanted, "{size}");
        }
    }
}
