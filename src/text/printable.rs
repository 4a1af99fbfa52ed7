//! Text from outside, made fit to be printed: what a container, a database or a file is called may
//! move a cursor, forge a line or turn the direction of what follows.

use std::borrow::Cow;
use std::fmt::Write as _;

/// One line in which every character is seen for what it is. What is not is written as in JSON
/// (`\n`, `\u001b`), so that a text of JSON stays one.
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, is_unseen)
}

/// The same for a text of several lines of our own: they stay.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c != '\n' && is_unseen(c))
}

fn escaped(text: &str, wrong: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&wrong) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if !wrong(c) => out.push(c),
            '\n' => out += "\\n",
            '\r' => out += "\\r",
            '\t' => out += "\\t",
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing into a text cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    Cow::Owned(out)
}

/// Controls of a terminal, ends of lines, marks that turn the direction of text, and characters
/// that are not seen at all. What joins letters (in Persian, in Hindi, in pictures) is none of them.
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            // Marks of direction.
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Ends of lines and paragraphs.
            | '\u{2028}' | '\u{2029}'
            // Without a width or a look of their own.
            | '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2065}'
            | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_written_out() {
        for (text, want) in [
            ("base", "base"),
            ("база データ 👩\u{200d}💻", "база データ 👩\u{200d}💻"),
            ("\u{1b}[31mred", "\\u001b[31mred"),
            ("a\nOK all is well\r", "a\\nOK all is well\\r"),
            ("a\tb\u{7}\u{9b}2J\u{7f}", "a\\tb\\u0007\\u009b2J\\u007f"),
            ("\u{202e}drow\u{2069}\u{200f}\u{61c}", "\\u202edrow\\u2069\\u200f\\u061c"),
            ("a\u{2028}b\u{e0041}", "a\\u2028b\\udb40\\udc41"),
        ] {
            assert_eq!(printable(text), want);
            assert_eq!(printable(want), want, "it is stable");
        }
        assert_eq!(printable_lines("a\nb\r\u{202e}"), "a\nb\\r\\u202e");
    }

    #[test]
    fn a_text_of_json_stays_one() {
        let value = serde_json::json!({ "name": "\u{9b}2J \u{202e}x \u{e0041} \n" });
        let text = serde_json::to_string_pretty(&value).unwrap();
        let shown = printable_lines(&text);
        assert!(!shown.contains(|c| c != '\n' && is_unseen(c)));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }

    #[test]
    fn no_character_of_all_gets_through() {
        for c in (0..=0x10_ffff_u32).filter_map(char::from_u32) {
            let text = format!("a{c}b");
            assert!(!printable(&text).contains(is_unseen), "{c:?}");
        }
    }
}
