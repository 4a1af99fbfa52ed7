//! What a reload of the configuration does to the files of a source.

use super::{BTreeSet, Look, PathBuf, Pattern, Source, State, came_from};

impl State {
    /// Lets go of the files that the configuration does not name any more: they would be counted
    /// for as long as somebody writes to them, and stand for those that are named and not there.
    /// Their positions go too: should they be named again, `start` decides anew.
    pub(super) fn reload(&mut self, source: &Source, look: &Look) {
        if self.texts == source.texts {
            return;
        }
        self.texts.clone_from(&source.texts);
        self.primed.retain(|text| source.texts.contains(text));
        // A file that was renamed at the same time is found by the look, one in a directory that
        // cannot be listed now by its path.
        let mut bases: BTreeSet<PathBuf> =
            source.patterns.iter().filter_map(Pattern::literal).collect();
        let named = self.tails.iter().map(|tail| {
            let found = look.files.get(&tail.identity).is_some_and(|found| found.named);
            found || source.patterns.iter().any(|pattern| pattern.names(&tail.path))
        });
        let named: Vec<bool> = named.collect();
        let tails = self.tails.iter().zip(&named);
        bases.extend(tails.filter(|(_, named)| **named).map(|(tail, _)| tail.path.clone()));
        let mut named = named.into_iter();
        // What rotation has made of a file that is named is still read to its end.
        self.tails.retain(|tail| named.next() == Some(true) || came_from(&tail.path, &bases));
    }
}
