//! Files that were edited in place (`sed -i`, an editor, the newest lines written back): they hold something else than
//! what was read, or are other files, but what stood at the end of what was read stands in them still. What comes
//! behind it is new, and nothing before it counts again.

use std::io;

use super::Step;
use super::facts::Identity;
use super::file::Held;
use super::look::Found;
use super::print::{Print, TAIL, last};
use super::record::Record;
use super::saved::Role;

/// So much of the end of a file is searched.
const WINDOW: usize = 1 << 20;

impl Held {
    /// Where, in the end of the file, the known lines end: behind the last place that holds what stood before the
    /// position. Nothing if that is no line of its own, for then it may stand anywhere.
    pub fn end_of(&self, print: &Print) -> io::Result<Option<u64>> {
        let size = self.facts()?.size;
        let length = usize::try_from(size).unwrap_or(WINDOW).min(WINDOW);
        let from = size - length as u64;
        let window = self.part(from, length)?;
        let ends =
            memchr::memrchr_iter(b'\n', &window).map(|at| window.get(..=at).unwrap_or_default());
        let found = ends
            .filter(|text| print.ends_with(text))
            .map(|text| (text.len(), last(text, print.tail())))
            .next();
        Ok(found.filter(|(_, tail)| tells(tail)).map(|(end, _)| from + end as u64))
    }

    /// What stands at the end of the file now.
    fn print(&self) -> io::Result<Print> {
        let size = self.facts()?.size;
        let length = usize::try_from(size).unwrap_or(TAIL).min(TAIL);
        let mut print = Print::default();
        print.mark(&self.part(size - length as u64, length)?);
        Ok(print)
    }
}

/// Whether the last line is another than all that are there before it, and one is.
fn tells(tail: &[u8]) -> bool {
    let mut lines = tail.strip_suffix(b"\n").unwrap_or_default().split(|byte| *byte == b'\n');
    // The first may have lost its beginning.
    let (Some(part), Some(last)) = (lines.next(), lines.next_back()) else { return false };
    let mut whole = lines.peekable();
    let alone = whole.peek().is_none() && last.ends_with(part);
    !alone && whole.all(|line| line != last)
}

impl<S: Default> Record<S> {
    /// If the file was edited: goes on behind what is known of it.
    pub fn edited(&mut self) -> io::Result<bool> {
        let Some(held) = &mut self.held else { return Ok(false) };
        let position = &mut self.position;
        if position.print.tail() == 0 {
            return Ok(false);
        }
        let Some(offset) = held.end_of(&position.print)? else { return Ok(false) };
        position.offset = offset;
        (position.whole, position.ended) = (false, false);
        position.print.learn(&held.head()?);
        position.print.mark(held.go(offset)?);
        (self.refused, self.done) = (None, None);
        Ok(true)
    }
}

impl<S: Default + Clone> Step<'_, S> {
    /// Where a new file goes on what was read of the one that was deleted in its place, if it is an edited copy of that.
    pub(super) fn goes_on(&self, found: &Found) -> Option<u64> {
        let replaced = |(id, record): &(&Identity, &Record<S>)| {
            let position = &record.position;
            let deleted =
                !self.look.files.contains_key(*id) && position.gone && position.role == Role::Read;
            deleted && position.path == found.path && position.print.tail() > 0
        };
        let (_, old) = self.files.records.iter().find(replaced)?;
        let new = self.peek(found)?;
        // The rest of the old one is read in it, as far as it is still held.
        let end = match &old.held {
            Some(held) => held.print().ok()?,
            None => old.position.print.clone(),
        };
        new.end_of(&end).ok().flatten()
    }
}
