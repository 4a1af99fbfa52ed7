//! Words for levels, in any case.

use std::collections::BTreeMap;

use super::super::level::Level;

/// Which word means which level. Nearly all are short and of ASCII letters: they are compared as numbers.
#[derive(Debug, Default)]
pub struct Words {
    short: Vec<(u128, Level)>,
    other: BTreeMap<Vec<u8>, Level>,
}

impl Words {
    pub fn new<'a>(words: impl IntoIterator<Item = (&'a str, Level)>) -> Self {
        let mut all = Self::default();
        for (word, level) in words {
            match packed(word.as_bytes()) {
                Some(word) => all.short.push((word, level)),
                None => _ = all.other.insert(word.as_bytes().to_vec(), level),
            }
        }
        all.short.sort_unstable_by_key(|(word, _)| *word);
        all
    }

    pub fn is_empty(&self) -> bool {
        self.short.is_empty() && self.other.is_empty()
    }

    /// The level of a word. Where it ends in a number that is no part of it (`trace1`, `ERROR+4`) it counts without that.
    pub fn get(&self, word: &[u8]) -> Option<Level> {
        self.exact(word).or_else(|| {
            let end = word.iter().rposition(|byte| !byte.is_ascii_digit() && !b"+-".contains(byte));
            let stem = word.get(..=end?)?;
            (stem.len() < word.len()).then(|| self.exact(stem)).flatten()
        })
    }

    fn exact(&self, word: &[u8]) -> Option<Level> {
        let Some(word) = packed(word) else { return self.other.get(word).copied() };
        let at = self.short.binary_search_by_key(&word, |(word, _)| *word).ok()?;
        self.short.get(at).map(|(_, level)| *level)
    }
}

/// Sixteen bytes of ASCII in small letters.
fn packed(word: &[u8]) -> Option<u128> {
    let mut bytes = [0; 16];
    let room = bytes.get_mut(..word.len())?;
    for (to, from) in room.iter_mut().zip(word) {
        if !from.is_ascii() {
            return None;
        }
        *to = from.to_ascii_lowercase();
    }
    Some(u128::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_any_case_with_and_without_numbers() {
        let words =
            [("error", Level::Error), ("ПРЕДУПРЕЖДЕНИЕ", Level::Warning), ("3", Level::Info)];
        let words = Words::new(words);
        for (word, wanted) in [
            ("ERROR", Some(Level::Error)),
            ("Error", Some(Level::Error)),
            ("ERROR+4", Some(Level::Error)),
            ("error8", Some(Level::Error)),
            ("3", Some(Level::Info)),
            ("33", None),
            ("ПРЕДУПРЕЖДЕНИЕ", Some(Level::Warning)),
            ("errors", None),
            ("a word that is much too long", None),
            ("", None),
        ] {
            assert_eq!(words.get(word.as_bytes()), wanted, "{word}");
        }
    }
}
