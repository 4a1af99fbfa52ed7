//! The journal's export format: what `journalctl -o export` writes, of which an entry ends with an
//! empty line.

use memchr::memchr;

use super::select::{Selector, Taken};

type Field<'a> = (&'a [u8], &'a [u8]);

/// Hands out what is wanted of each whole entry. An entry that comes twice counts once. Returns the
/// length of the whole ones.
pub fn read(mut text: &[u8], selector: &Selector, mut give: impl FnMut(Taken)) -> usize {
    let length = text.len();
    let mut last = Vec::new();
    while let Some((fields, rest)) = entry(text) {
        text = rest;
        let cursor = fields.iter().find(|(name, _)| *name == b"__CURSOR").map(|(_, value)| *value);
        if cursor.is_some_and(|cursor| cursor == last) {
            continue;
        }
        last = cursor.unwrap_or_default().to_vec();
        if let Some(taken) = selector.take_fields(fields.into_iter()) {
            give(taken);
        }
    }
    length - text.len()
}

/// The fields of the first entry, and what follows.
fn entry(mut text: &[u8]) -> Option<(Vec<Field<'_>>, &[u8])> {
    let mut fields = Vec::new();
    loop {
        let end = memchr(b'\n', text)?;
        let (line, rest) = (text.get(..end)?, text.get(end + 1..)?);
        if line.is_empty() {
            return Some((fields, rest));
        }
        if let Some(at) = memchr(b'=', line) {
            fields.push((line.get(..at)?, line.get(at + 1..)?));
            text = rest;
            continue;
        }
        // With its length, for it holds newlines or is no text.
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        fields.push((line, rest.get(..length)?));
        text = rest.get(length..)?.strip_prefix(b"\n")?;
    }
}
