//! Texts of any length, made short enough to be shown.

use std::borrow::Cow;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

/// A text of at most `most` bytes: itself, or its beginning and what tells it from others that
/// begin alike.
pub fn short(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let end = format!("…{:016x}", hasher.finish());
    let begin = text.floor_char_boundary(most.saturating_sub(end.len()));
    Cow::Owned(format!("{}{end}", text.get(..begin).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_alike_stays_apart() {
        let word = "w".repeat(1000);
        let (one, other) = (short(&word, 100), format!("{word}x"));
        assert!(one.len() <= 100 && one.starts_with("www"));
        assert_ne!(one, short(&other, 100));
        assert_eq!(short("ä", 1).len(), "…".len() + 16, "never within a letter");
        assert_eq!(short("short", 5), "short");
    }
}
