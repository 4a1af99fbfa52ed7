//! The step of a source of which is told that some of its files were written to: they are read on,
//! and nothing else is looked at, however many files there are.
//!
//! It does what a whole step would do with a file that has grown where it was. Whatever else may have
//! happened (another file is there, it is shorter, holds something else, cannot be read) is for a
//! whole step, which is made at once then; what is not told at all is seen by the next one.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::facts::Identity;
use super::file::Read;
use super::look::Look;
use super::record::{Record, State};
use super::report::Report;
use super::saved::Role;
use super::{Files, Follow, Sink, Step};

/// Paths that are remembered between two whole steps.
const MAX_PLACES: usize = 1_000;

/// What a path is to the source.
#[derive(Clone, Copy)]
pub enum Place {
    /// Nothing.
    Strange,
    /// A file that is read there.
    Read(Identity),
    /// Something else, which only a whole step can judge.
    Other,
}

impl Follow {
    /// Reads on in these files, and completes what has been quiet. Nothing if that is not all there is
    /// to do: then a whole step has to follow. What it has read until then is read.
    pub fn touch<S: Default + Clone>(
        &self,
        files: &mut Files<S>,
        paths: &BTreeSet<PathBuf>,
        now: SystemTime,
        in_time: &dyn Fn() -> bool,
        sink: &mut dyn Sink<S>,
    ) -> Option<Report> {
        files.touched.clear();
        let report = files.told.take().filter(|_| files.texts == self.texts)?;
        let mut ids = BTreeSet::new();
        for path in paths {
            match files.place(path) {
                Place::Strange => {}
                Place::Read(id) => drop(ids.insert(id)),
                Place::Other => return None,
            }
        }
        files.turn += 1;
        let held = files.held;
        let mut step = Step::new(self, files, Look::default(), now, sink);
        (step.report, step.held, step.touches) = (report, held, true);
        step.touch(&ids, in_time)?;
        Some(step.touched(&ids))
    }
}

impl<S> Files<S> {
    fn place(&mut self, path: &Path) -> Place {
        if let Some(place) = self.places.get(path) {
            return *place;
        }
        let name = path.as_os_str();
        let at = |record: &Record<S>| record.position.path.as_os_str() == name;
        let leads = |record: &Record<S>| {
            record.position.link.as_ref().is_some_and(|link| link.as_os_str() == name)
        };
        let read = self.records.iter().find(|(_, record)| record.named && at(record));
        let place = match read {
            Some((id, _)) => Place::Read(*id),
            None if self.records.values().any(|record| at(record) || leads(record)) => Place::Other,
            None if self.names.holds_path(path) => Place::Other,
            None => Place::Strange,
        };
        if self.places.len() >= MAX_PLACES {
            self.places.clear();
        }
        self.places.insert(path.to_owned(), place);
        place
    }
}

impl<S: Default + Clone> Step<'_, S> {
    /// Nothing if something else has happened than that files have grown.
    fn touch(&mut self, ids: &BTreeSet<Identity>, in_time: &dyn Fn() -> bool) -> Option<()> {
        let mut waiting: VecDeque<_> = ids.iter().map(|id| (*id, false)).collect();
        let mut left = self.follow.budget;
        let mut buffer = std::mem::take(&mut self.files.buffer);
        let mut plain = true;
        while let Some((id, ready)) = waiting.pop_front() {
            if left == 0 || !in_time() {
                waiting.push_front((id, ready));
                break;
            }
            plain = ready || self.ready(id).is_some();
            if !plain {
                break;
            }
            match self.chunk(id, &mut buffer, left) {
                Ok(Read::End) => {}
                Ok(Read::Some(count)) => {
                    left = left.saturating_sub(count);
                    waiting.push_back((id, true));
                }
                Ok(Read::Replaced) | Err(_) => plain = false,
            }
            if !plain {
                break;
            }
        }
        self.files.buffer = buffer;
        self.report.caught_up &= waiting.is_empty();
        plain.then_some(())
    }

    /// Opens a file, if it is where it was, and has at least what it had.
    fn ready(&mut self, id: Identity) -> Option<()> {
        let record = self.files.records.get(&id).filter(|record| record.is_plain())?;
        let found = self.files.names.at(&record.position.path)?;
        let least = record.facts.size.max(record.position.size);
        if found.facts.identity != id || found.facts.size < least {
            return None;
        }
        self.room(id);
        let record = self.files.records.get_mut(&id)?;
        self.report.total = self.report.total.saturating_sub(record.facts.size);
        record.see(&found, self.now);
        let opens = record.held.is_none();
        if let Ok(Some(State::Known)) = record.inspect(self.follow.open, Some(&found))
            && record.facts.size >= least
        {
            record.learn(record.facts);
            self.report.total += record.facts.size;
            return Some(());
        }
        if opens {
            // What it was compared with when it was opened is to be compared once more.
            record.held = None;
        }
        None
    }

    /// What the step leaves behind, and what it tells.
    fn touched(mut self, ids: &BTreeSet<Identity>) -> Report {
        let now = self.now;
        let files = &mut *self.files;
        files.touched.clone_from(ids);
        for id in ids {
            let Some(record) = files.records.get_mut(id) else { continue };
            record.position.settled = record.done == Some(record.facts);
            let lag = record.lag();
            record.behind = if lag > 0 { Some(record.behind.unwrap_or(now)) } else { None };
            self.report.lag += lag;
            self.report.caught_up &= lag == 0;
            let behind = record.behind.into_iter().chain(self.report.oldest_unread);
            self.report.oldest_unread = behind.min();
            self.report.largest = self.report.largest.max(record.facts.size);
            if record.position.unsettled {
                files.unsettled.insert(*id);
            }
        }
        for id in &files.unsettled {
            let Some(record) = files.records.get_mut(id) else { continue };
            record.complete(now, self.sink);
            if !record.position.unsettled {
                files.touched.insert(*id);
            }
        }
        let records = &files.records;
        let unsettled = |id: &Identity| records.get(id).is_some_and(|one| one.position.unsettled);
        files.unsettled.retain(unsettled);
        let news = ids.iter().filter(|id| records.get(id).is_some_and(|one| one.fresh == now));
        let news = u64::try_from(news.count()).unwrap_or(0);
        self.report.idle = self.report.open.saturating_sub(news);
        self.report.unsettled = !files.unsettled.is_empty();
        (files.at, files.held) = (Some(now), self.held);
        files.told = self.report.caught_up.then(|| self.report.standing());
        self.report
    }
}

impl<S: Default> Record<S> {
    /// Whether nothing is odd about it: it is read, was read before, and lies where it was.
    fn is_plain(&self) -> bool {
        let position = &self.position;
        let stays = position.role == Role::Read
            && !position.gone
            && !position.closed
            && !position.adopted
            && position.missing.is_none()
            && position.link.is_none();
        let odd = self.crowded || self.align || self.doubtful || self.trouble || self.stale;
        stays && self.named && !odd && self.refused.is_none() && !self.is_unread()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::tests::Bench;

    /// A touch does what a step would do, and looks at nothing else.
    #[test]
    fn files_that_grow_are_read_and_no_others() {
        let mut bench = Bench::watching("*.log");
        for name in ["a.log", "b.log", "c.log"] {
            bench.write(name, 3);
        }
        bench.step();
        bench.now += std::time::Duration::from_secs(5);
        bench.step();
        bench.write("a.log", 5);
        bench.write("b.log", 7);
        let report = bench.touch(&["a.log", "strange.txt"]).expect("nothing odd");
        assert_eq!((bench.counts.lines, report.idle, report.open), (14, 2, 3));
        assert!(report.caught_up && report.unsettled && report.lag == 0);
        assert_eq!(report.total, bench.size("a.log") + 2 * bench.size("c.log"));
        assert_eq!(bench.files.touched().1.len(), 1);
        // Time passes: the event of the one is complete.
        bench.now += std::time::Duration::from_secs(5);
        let report = bench.touch(&[]).expect("nothing odd");
        assert!(!report.unsettled);
        assert_eq!((bench.lines(), bench.doubt()), (21, (0, 0)));
    }

    #[test]
    fn all_else_is_for_a_whole_step() {
        for what in 0..7 {
            let mut bench = Bench::watching("a.log*");
            bench.write("a.log", 3);
            bench.write("a.log.old", 3);
            bench.step();
            let path = "a.log";
            match what {
                0 => bench.rename(path, "a.log.1"),
                1 => bench.remove(path),
                2 => bench.truncate(path, 10),
                3 => {
                    bench.truncate(path, 0);
                    bench.write(path, 9);
                }
                4 => {
                    bench.rename(path, "a.log.1");
                    bench.write(path, 1);
                }
                5 => {
                    bench.remove(path);
                    std::os::unix::fs::symlink("a.log.old", bench.path(path)).unwrap();
                }
                _ => {
                    bench.follow.texts.clear();
                    bench.follow.patterns.clear();
                }
            }
            assert!(bench.touch(&[path]).is_none(), "case {what}");
            assert!(bench.touch(&[]).is_none(), "nor is there anything to stand on, {what}");
            bench.step();
            assert!(bench.touch(&[]).is_some(), "now there is, {what}");
        }
    }

    /// Every file is opened for its turn, though few may be open at once.
    #[test]
    fn few_descriptors_suffice_for_touches() {
        let mut bench = Bench::watching("*.log");
        bench.follow.held = 3;
        for index in 0..10 {
            bench.write(&format!("{index}.log"), 1);
        }
        bench.step();
        bench.step();
        for round in 0..50 {
            let name = format!("{}.log", round * 7 % 10);
            bench.write(&name, 2);
            assert!(bench.touch(&[&name]).is_some());
            let held = bench.files.records.values().filter(|record| record.held.is_some()).count();
            assert!(held <= 3, "{held}");
        }
        assert_eq!((bench.lines(), bench.doubt()), (110, (0, 0)));
    }

    #[test]
    fn a_touch_keeps_to_its_bytes_and_a_step_reads_the_rest() {
        let mut bench = Bench::watching("a.log");
        bench.write("a.log", 1);
        bench.step();
        bench.follow.budget = super::super::file::CHUNK;
        bench.write("a.log", 100_000);
        let report = bench.touch(&["a.log"]).expect("nothing odd");
        assert!(report.lag > 0 && !report.caught_up, "{report:?}");
        assert_eq!(report.oldest_unread, Some(bench.now));
        assert!(bench.touch(&[]).is_none());
        while !bench.step().caught_up {}
        assert_eq!(bench.counts.lines, 100_001);
        let all: BTreeSet<_> = bench.files.touched().1.into_iter().map(|one| one.offset).collect();
        assert_eq!(all, BTreeSet::new(), "a step is no touch");
    }
}
