//! The list of containers, as far as it is one.

use std::collections::BTreeSet;

use super::api::Summary;
use super::container::{Container, Naming, is_id};
use super::exclude::Aside;
use super::sample::CAP;
use crate::catalogue::Batch;
use crate::clients::json::Decoded;
use crate::failure::{Failure, Reason};

/// Containers beyond the cap are not shown, but services are judged by them, up to so many.
const KEPT: usize = 4 * CAP;

/// What of the Engine's answers is not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Containers that nothing is known of but that they are there.
    pub containers: u64,
    /// Entries of the list without an id of an Engine.
    pub nameless: u64,
    /// Entries with an id that another one has.
    pub twice: u64,
    /// Entries of large answers, such as labels.
    pub entries: u64,
    /// Events that could not be remembered, or make no sense.
    pub events: u64,
}

/// The containers of the list, those that run first, without those that are not wanted.
pub fn known(
    list: Decoded<Vec<Summary>>,
    naming: &Naming,
    aside: &mut Aside,
) -> (Vec<Container>, LeftOut) {
    let mut out = LeftOut { entries: list.dropped, ..LeftOut::default() };
    let mut seen = BTreeSet::<String>::new();
    let mut containers = Vec::new();
    for summary in list.value {
        if !is_id(&summary.id) {
            out.nameless += 1;
        } else if !seen.insert(summary.id.clone()) {
            out.twice += 1;
        } else if let Some(container) = Container::of(summary, naming)
            && !aside.takes(&container)
        {
            out.entries += container.ports.more;
            containers.push(container);
        }
    }
    // Should the cap cut some off, then those that do not run, and old ones.
    containers.sort_by_key(|c| (!c.is_alive(), c.created.map(std::cmp::Reverse)));
    out.containers = containers.len().saturating_sub(KEPT) as u64;
    containers.truncate(KEPT);
    (containers, out)
}

impl LeftOut {
    /// Tells of it.
    pub fn note(&self, mut batch: Batch) -> Batch {
        const MIXED: &str = "what answers there is no Docker Engine, or a proxy mixes several";
        const LARGE: &str = "the rest is shown; which container has so many labels, ports or mounts? \
            docker ps --size --all";
        let parse = |what: &str, count: u64| {
            Failure::new(Reason::PARSE, format!("{what}: {count} of them"))
        };
        let gaps = [
            ("entries without an id of a container", self.nameless, MIXED),
            ("containers that are listed twice", self.twice, MIXED),
            ("parts of very large answers", self.entries, LARGE),
            ("events", self.events, "very many at a time, or of no time that can be"),
        ];
        for (what, count, hint) in gaps {
            if count > 0 {
                batch = batch.gap(what, parse(what, count).hint(hint));
            }
        }
        batch
            .dropped("nameless", self.nameless)
            .dropped("twice", self.twice)
            .dropped("entries", self.entries)
            .dropped("events", self.events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ids: &[&str], dropped: u64) -> (Vec<String>, LeftOut) {
        let summary = |id: &&str| Summary { id: (*id).to_owned(), ..Summary::default() };
        let list = Decoded { value: ids.iter().map(summary).collect(), dropped };
        let (containers, out) = known(list, &Naming::default(), &mut Aside::default());
        (containers.into_iter().map(|one| one.id).collect(), out)
    }

    #[test]
    fn each_container_is_there_once_by_its_id() {
        let (ids, out) = of(&["a", "b", "a", "", "../b", "a"], 3);
        assert_eq!(ids, ["a", "b"]);
        let want = LeftOut { nameless: 2, twice: 2, entries: 3, ..LeftOut::default() };
        assert_eq!(out, want);
        let batch = out.note(Batch::new());
        assert_eq!(batch.gaps().len(), 3);
        assert!(batch.gaps().iter().all(|gap| gap.failure.reason == Reason::PARSE));
        assert!(batch.drops().contains(&("twice", 2)), "{:?}", batch.drops());
        assert!(of(&["a"], 0).1.note(Batch::new()).gaps().is_empty());
    }

    #[test]
    fn of_very_many_the_rest_is_a_number() {
        let ids: Vec<String> = (0..KEPT + 9).map(|n| format!("{n:x}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let (kept, out) = of(&ids, 0);
        assert_eq!((kept.len(), out.containers), (KEPT, 9));
    }
}
