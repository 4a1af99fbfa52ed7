//! The beginnings of lines that a run has had: most lines of a program begin like one before but
//! for their digits, and then their level is where that one's was. This is what makes reading fast;
//! [`super::level::find`] alone gives the same answers.

use super::format::Format;
use super::level::Spot;

/// Beginnings that are remembered: a run of one program has one or two.
const SHAPES: usize = 4;
/// Words of eight bytes that a beginning may have.
const WORDS: usize = 8;
/// Level words behind one beginning.
const LEVELS: usize = 6;
/// Bytes that are compared behind a beginning: the level and what ends it.
const TAIL: usize = 16;
/// Of the lines that fit no beginning, this many are learned, and then one in as many.
const LEARNED: u32 = 16;

const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
const DIGIT: u64 = 0x3030_3030_3030_3030;
/// What carries the byte behind `9` into the next sixteen.
const BEYOND: u64 = 0x0606_0606_0606_0606;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shapes {
    shapes: Vec<Shape>,
    missed: u32,
}

#[derive(Clone, Debug, PartialEq)]
struct Shape {
    format: Format,
    at: usize,
    words: Vec<Word>,
    levels: Vec<(u128, u128, Spot)>,
}

/// Eight bytes of a beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Word {
    /// What must be the same, and where.
    text: u64,
    same: u64,
    /// Where a digit stands.
    digits: u64,
}

impl Word {
    fn new(bytes: &[u8]) -> Self {
        let mut word = Self::default();
        for (index, byte) in bytes.iter().enumerate().take(8) {
            let (shift, digit) = (index * 8, byte.is_ascii_digit());
            let place = 0xff << shift;
            if digit {
                word.digits |= place;
            } else {
                word.text |= u64::from(*byte) << shift;
                word.same |= place;
            }
        }
        word
    }

    #[inline]
    fn fits(self, bytes: [u8; 8]) -> bool {
        let (bytes, high) = (u64::from_le_bytes(bytes), HIGH & self.digits);
        let digits = bytes & self.digits;
        // The sum cannot carry: the high half of each byte that counts is 3.
        bytes & self.same == self.text
            && digits & high == DIGIT & high
            && digits.wrapping_add(BEYOND & self.digits) & high == DIGIT & high
    }
}

impl Shapes {
    /// Format and level of a line that begins like one before.
    #[inline]
    pub fn find(&self, line: &[u8]) -> Option<(Format, Spot)> {
        self.shapes.iter().find_map(|shape| shape.find(line).map(|spot| (shape.format, spot)))
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Remembers a line that [`Self::find`] did not know.
    pub fn learn(&mut self, line: &[u8], format: Format, spot: Spot) {
        self.missed = self.missed.wrapping_add(1);
        if self.missed > LEARNED && !self.missed.is_multiple_of(LEARNED) {
            return;
        }
        let (Some(head), Some(tail)) = (line.get(..spot.at), line.get(spot.at..spot.at + TAIL))
        else {
            return;
        };
        if head.len() > WORDS * 8 || spot.end - spot.at >= TAIL {
            return;
        }
        let words: Vec<_> = head.chunks(8).map(Word::new).collect();
        let (Ok(text), used) = (<[u8; TAIL]>::try_from(tail), spot.end - spot.at + 1) else {
            return;
        };
        // Without the bytes behind the one that ends the level.
        let mask = u128::MAX >> (8 * (TAIL - used));
        let level = (u128::from_le_bytes(text) & mask, mask, spot);
        let known = |shape: &Shape| shape.at == spot.at && shape.words == words;
        if let Some(shape) = self.shapes.iter_mut().find(|shape| known(shape)) {
            shape.levels.truncate(LEVELS - 1);
            shape.levels.push(level);
            return;
        }
        if self.shapes.len() == SHAPES {
            self.shapes.remove(0);
        }
        self.shapes.push(Shape { format, at: spot.at, words, levels: vec![level] });
    }
}

impl Shape {
    #[inline]
    fn find(&self, line: &[u8]) -> Option<Spot> {
        let (chunks, _) = line.as_chunks::<8>();
        let fits = self.words.iter().zip(chunks).all(|(word, bytes)| word.fits(*bytes));
        if !fits {
            return None;
        }
        // Behind the beginning, so the line is longer than it.
        let tail = line.get(self.at..)?.first_chunk::<TAIL>()?;
        let tail = u128::from_le_bytes(*tail);
        let level = self.levels.iter().find(|(text, mask, _)| tail & mask == *text)?;
        Some(level.2)
    }
}

#[cfg(test)]
mod tests {
    use super::super::forms::Forms;
    use super::super::judge::judge;
    use super::*;

    fn find(line: &[u8]) -> Option<Spot> {
        judge(&Forms::default(), line, None).spot
    }

    /// Whatever was learned, a known line has the level that it has by itself.
    #[test]
    fn what_is_known_is_what_is_true() {
        let lines = [
            "2024-01-01 12:00:00,123 [ERROR] app.core: no answer",
            "2024-01-01 12:00:00,123 [INFO] app.core: an answer",
            "{\"timestamp\": \"2024-01-01 12:00:00,123\", \"level\": \"INFO\", \"x\": 1, \"y\": 2}",
            "{\"level\":30,\"time\":1}  ............",
            "INFO:     127.0.0.1:5 - \"GET / HTTP/1.1\" 200 OK",
            "2024-01-01 12:00:00.000 | ERROR    | mod:func:1 - msg",
            "2024-01-01 12:00:00.000 UTC [123] LOG:  checkpoint starting: time",
            "1 x2 ERROR: something that is long enough",
        ];
        let changes = b"0159:/<=?{\"' [AZez\\|\x1b\xff";
        for learned in lines {
            let spot = find(learned.as_bytes()).unwrap();
            let mut shapes = Shapes::default();
            shapes.learn(learned.as_bytes(), Format::Plain, spot);
            assert_eq!(shapes.find(learned.as_bytes()), Some((Format::Plain, spot)));
            for line in lines {
                for at in 0..line.len() {
                    for change in changes {
                        let mut line = line.as_bytes().to_vec();
                        line[at] = *change;
                        if let Some((_, known)) = shapes.find(&line) {
                            let text = String::from_utf8_lossy(&line);
                            assert_eq!(find(&line), Some(known), "{text:?} after {learned}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn digits_may_differ_and_lines_may_be_short() {
        let learned = b"2024-01-01 12:00:00,123 [INFO] app: an answer";
        let mut shapes = Shapes::default();
        shapes.learn(learned, Format::Plain, find(learned).unwrap());
        let other = b"2025-12-31 23:59:59,999 [INFO] app: an answer";
        assert!(shapes.find(other).is_some());
        assert!(shapes.find(b"2025-12-31 23:59:59,999 [ERROR] app: no answer").is_none());
        for length in 0..other.len() {
            if let Some((_, spot)) = shapes.find(&other[..length]) {
                assert_eq!(find(&other[..length]), Some(spot));
            }
        }
        assert!(shapes.find(b"").is_none());
        for turn in 0..100_u32 {
            let line = format!("word{turn} x ERROR y and something more");
            let spot = Spot { firm: true, ..find(line.as_bytes()).unwrap() };
            shapes.learn(
                line.replace("word", &"w".repeat(turn as usize % 40)).as_bytes(),
                Format::Plain,
                spot,
            );
        }
        assert!(shapes.shapes.len() <= SHAPES);
    }
}
