//! All entries of a journal once, for those who look at what has been.

use super::file::{Fault, Journal, Place};
use super::joined::Joined;
use super::select::{Known, Taken};
use super::{Report, Source, failure};

/// Entries of all files that are looked at.
const MOST: u64 = 20_000_000;

impl Source {
    /// When the oldest entry was written that is there, of whatever unit, in seconds since 1970.
    pub fn oldest(&self) -> Option<i64> {
        let journals = self.open(&mut Report::default());
        let heads = journals.iter().map(|(_, journal)| journal.header.head_realtime);
        heads.filter(|micros| *micros > 0).min().map(seconds)
    }

    /// Hands out the entries that are wanted and no older than `since`, each with its time in seconds
    /// since 1970, file by file. What could not be read is in the report, as is what lies beyond the
    /// bound (`waiting`).
    pub fn all(&self, since: Option<i64>, give: &mut dyn FnMut(&Taken, i64)) -> Report {
        let mut report = Report::default();
        let mut journals = self.open(&mut report);
        journals.sort_by_key(|(_, journal)| (journal.header.head_realtime, journal.header.file_id));
        for (path, mut journal) in journals {
            let newest = seconds(journal.header.tail_realtime);
            if since.is_some_and(|since| newest < since) {
                continue;
            }
            if let Err(fault) = self.file(&mut journal, since, &mut report, give) {
                report.problem.get_or_insert_with(|| failure(&path, fault));
            }
        }
        report
    }

    fn file(
        &self,
        journal: &mut Journal,
        since: Option<i64>,
        report: &mut Report,
        give: &mut dyn FnMut(&Taken, i64),
    ) -> Result<(), Fault> {
        let (mut known, mut place) = (Known::default(), Place::default());
        let mut joined = Joined::default();
        for number in 0..journal.header.entries {
            if report.entries >= MOST {
                report.waiting += journal.header.entries - number;
                break;
            }
            let Some(offset) = journal.entry_at(number, &mut place)? else { break };
            report.entries += 1;
            let taken = journal.entry(offset).and_then(|entry| {
                let at = entry.realtime;
                if since.is_some_and(|since| seconds(at) < since) {
                    return Ok(None);
                }
                Ok(self.selector.take(journal, &entry, &mut known)?.map(|taken| (taken, at)))
            });
            match taken {
                Ok(Some((mut taken, at))) => {
                    report.taken += 1;
                    taken.hint = joined.hint(&taken, at);
                    give(&taken, seconds(at));
                }
                Ok(None) => {}
                Err(Fault::Damaged) => report.damaged += 1,
                Err(Fault::Xz) => report.unreadable += 1,
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }
}

fn seconds(micros: u64) -> i64 {
    i64::try_from(micros / 1_000_000).unwrap_or(i64::MAX)
}
