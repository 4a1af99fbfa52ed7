//! Whether the bytes of a file are lines of text.

/// Zeros in a row that are a block which was never written (a hole, a crash of the machine) and no part of a text.
const BLOCK: usize = 64;

/// Why the content of a file is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    Compressed,
    Utf16,
    Binary,
}

impl Content {
    /// What it is, and what helps.
    pub fn describe(self) -> (&'static str, &'static str) {
        match self {
            Self::Compressed => {
                ("compressed", "unpack it, or name the file before it is compressed")
            }
            Self::Utf16 => {
                ("UTF-16", "have the program write UTF-8, or convert it: iconv -f UTF-16 -t UTF-8")
            }
            Self::Binary => ("binary", "it holds no lines of text: name another file"),
        }
    }
}

/// By the first bytes, whether this is something else than lines of text: an archive by its magic, UTF-16 by its mark
/// and the zeros of its ASCII, and what has more zeros in it, outside of blocks that were never written, than one byte
/// in ten, or zeros and no line end.
pub fn refused(head: &[u8]) -> Option<Content> {
    const COMPRESSED: [&[u8]; 5] =
        [b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"BZh", b"\x04\x22\x4d\x18"];
    if COMPRESSED.iter().any(|magic| head.starts_with(magic)) {
        return Some(Content::Compressed);
    }
    let (mut text, mut zeros) = (0, 0);
    let mut lines = false;
    // Zeros at the beginning are a hole, those at the end are not written yet.
    let start = head.iter().position(|byte| *byte != 0)?;
    let end = head.iter().rposition(|byte| *byte != 0)?;
    for run in head.get(start..=end)?.chunk_by(|one, other| (*one == 0) == (*other == 0)) {
        if run.first() == Some(&0) {
            zeros += if run.len() < BLOCK { run.len() } else { 0 };
        } else {
            text += run.len();
            lines |= run.contains(&b'\n');
        }
    }
    let marked = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    // Its last byte may be a zero, and so may be the one that is not written yet.
    if marked && (zeros > 0 || head.len() - end == 2) {
        return Some(Content::Utf16);
    }
    let many = zeros * 10 > text + zeros;
    (zeros > 0 && (many || !lines)).then_some(Content::Binary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text() {
        let block = |text: &str| [b"ERROR: one\n".as_slice(), &[0; 512], text.as_bytes()].concat();
        for (head, is) in [
            (b"\x1f\x8b\x08".as_slice(), Some(Content::Compressed)),
            (b"BZh91AY", Some(Content::Compressed)),
            (b"\xff\xfeE\0", Some(Content::Utf16)),
            (b"\xff\xfeE\0R\0\n\0", Some(Content::Utf16)),
            (b"\xfe\xff\0E\0R\0\n", Some(Content::Utf16)),
            // Two bytes that are no UTF-8 make no UTF-16.
            (b"\xff\xfe 2024 ERROR: x\nERROR: two\nERROR: three\n", None),
            (b"\xff\xfe", None),
            (b"E\0R\0R\0\n\0", Some(Content::Binary)),
            (b"\x7fELF\x02\x01\x01\0\0\0\0\n\0\0\0\x03", Some(Content::Binary)),
            (b"SQLite format 3\0x", Some(Content::Binary)),
            (b"", None),
            (b"\0\0\0\0", None),
            (b"\0\0\0ERROR: x\n", None),
            (b"ERR\0\0\0\0", None),
            (b"ERROR: some \0 error\n", None),
            (b"\xff\x80\n", None),
            (&block("ERROR: two\nERROR: three\n"), None),
            (&block("E"), None),
        ] {
            assert_eq!(refused(head), is, "{head:?}");
        }
    }
}
