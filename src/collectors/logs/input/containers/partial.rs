//! The pieces of a line that is longer than the Engine's buffer.

use serde::{Deserialize, Serialize};

use crate::collectors::logs::scan::lines::{MAX_LINE, Piece};

/// The Engine cuts lines into pieces of this size; a shorter one ends its line, with or without a
/// newline.
pub const ENGINE_PIECE: usize = 16 * 1024;

/// A line whose end has not come yet: no more than what rules see of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Partial {
    #[serde(with = "text")]
    kept: Vec<u8>,
    length: u64,
}

impl Partial {
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub fn push(&mut self, piece: &[u8]) {
        let room = MAX_LINE.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(piece.get(..room).unwrap_or(piece));
        self.length += piece.len() as u64;
    }

    /// Hands the line out, as if its newline had come. One without a piece is an empty line.
    pub fn end(&mut self, give: impl FnOnce(&Piece)) {
        let cut = self.length > MAX_LINE as u64;
        self.kept.push(b'\n');
        give(&Piece { lines: &self.kept, bytes: self.length + 1, cut, hint: None });
        *self = Self::default();
    }
}

/// As a text: a list of numbers would be four times as long. A character that was cut in two is
/// shown as one that is unknown; nothing is counted by it.
mod text {
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from_utf8_lossy(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        Ok(String::deserialize(deserializer)?.into_bytes())
    }
}
