//! What is known of each process from one look to the next, by its number and its start: a number is
//! used again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::clients::kernel::process::{Stat, State};

/// A process that was seen for the first time may become another program at once: a shell forks, and
/// then calls what it was asked for.
const YOUNG: Duration = Duration::from_secs(30);
/// Later it is looked at again so often, for titles that it gives itself, and what we cannot see.
const AGAIN: Duration = Duration::from_mins(1);
/// Not all of them in one look.
const SPREAD: u64 = 16;
/// The kernel keeps so much of a name, with a zero behind.
const NAME: usize = 16;

/// What adds up over a life.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// Ticks.
    pub user: Option<u64>,
    pub system: Option<u64>,
    pub minor_faults: Option<u64>,
    pub major_faults: Option<u64>,
    pub read: Option<u64>,
    pub written: Option<u64>,
    pub voluntary: Option<u64>,
    pub involuntary: Option<u64>,
}

impl Counts {
    /// Each with the same of another.
    pub fn each(self, other: Self, with: impl Fn(Option<u64>, Option<u64>) -> Option<u64>) -> Self {
        Self {
            user: with(self.user, other.user),
            system: with(self.system, other.system),
            minor_faults: with(self.minor_faults, other.minor_faults),
            major_faults: with(self.major_faults, other.major_faults),
            read: with(self.read, other.read),
            written: with(self.written, other.written),
            voluntary: with(self.voluntary, other.voluntary),
            involuntary: with(self.involuntary, other.involuntary),
        }
    }
}

/// What `stat` says of the moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub threads: u64,
    /// Bytes.
    pub virtual_size: u64,
    /// Pages.
    pub resident: u64,
    /// Those that `stat` has.
    pub counts: Counts,
}

/// A process that was seen.
pub struct Known {
    /// Ticks from the start of the machine to its own.
    pub start: u64,
    /// The groups whose conditions it meets, and those that it has from who started it.
    pub own: Vec<u16>,
    pub inherited: Vec<u16>,
    /// The groups of which its program decides, which we may not see.
    pub unsure: Vec<u16>,
    pub parent: u32,
    pub state: State,
    pub figures: Figures,
    /// How many files it may open.
    pub file_limit: Option<u64>,
    /// Whether it began after we had begun to look: all that it has counted is of our time.
    pub is_born: bool,
    /// What it had counted when it was last looked at in full.
    pub counted: Option<Counts>,
    pub rested: Option<Rested>,
    /// Since when it has been a zombie, or in the kernel without getting on.
    pub dead_since: Option<Instant>,
    pub blocked_since: Option<Instant>,
    cpu: u64,
    name: [u8; NAME],
    arguments: u64,
    first: Instant,
    looked: Instant,
    seen: u64,
}

/// What was read of a process with one thread that slept, and how often it had been put off a processor by
/// then: as long as that stays, so does the rest.
pub struct Rested {
    pub switches: (Option<u64>, Option<u64>),
    pub disk: (Option<u64>, Option<u64>),
    pub hides_io: bool,
    pub open_files: Option<u64>,
}

/// All of them.
#[derive(Default)]
pub struct Table {
    known: BTreeMap<u32, Known>,
    look: u64,
}

/// What to do about a process.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    /// Find out to which groups it belongs.
    Decide,
    /// It is as it was.
    Stay,
}

impl Table {
    pub fn begin(&mut self) {
        self.look += 1;
    }

    /// Notes what `stat` says.
    pub fn note(&mut self, pid: u32, stat: &Stat, now: Instant) -> Turn {
        let began = stat.started.unwrap_or_default();
        let name = short(stat.name);
        let arguments = stat.arguments.unwrap_or_default();
        let state = stat.state();
        let parent = stat.parent.and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default();
        let cpu = stat.user.unwrap_or_default().saturating_add(stat.system.unwrap_or_default());
        let look = self.look;
        let known = match self.known.get_mut(&pid) {
            Some(known) if known.start == began => known,
            _ => {
                let fresh = Known::new(began, look > 1, now);
                let known = self.known.entry(pid).or_insert_with(|| Known::new(began, false, now));
                *known = fresh;
                known
            }
        };
        let is_new = known.seen == 0;
        let changed = known.name != name || known.arguments != arguments;
        let pause = if now.duration_since(known.first) < YOUNG { Duration::ZERO } else { AGAIN };
        let spread = Duration::from_secs(u64::from(pid) % SPREAD);
        let due = now.duration_since(known.looked)
            >= pause + if pause.is_zero() { pause } else { spread };
        known.time(state, cpu, now);
        known.figures = Figures::of(stat);
        (known.parent, known.state, known.seen, known.cpu) = (parent, state, look, cpu);
        // The dead have neither arguments nor a program: it stays what it was when it lived.
        let decide = is_new || state != State::Zombie && (changed || due);
        if decide {
            (known.name, known.arguments, known.looked) = (name, arguments, now);
        }
        if decide { Turn::Decide } else { Turn::Stay }
    }

    /// Forgets those that are gone, and hands on groups from who has started whom, where that is wanted.
    pub fn end(&mut self, hands_on: &[bool]) {
        let look = self.look;
        self.known.retain(|_, known| known.seen == look);
        if !hands_on.iter().any(|hands| *hands) {
            return;
        }
        let own: BTreeMap<u32, (u32, Vec<u16>)> = self
            .known
            .iter()
            .map(|(pid, known)| (*pid, (known.parent, known.handed_on(hands_on))))
            .collect();
        for known in self.known.values_mut() {
            // What it once had it keeps, also when who has started it is gone.
            let mut parent = known.parent;
            for _ in 0..DEPTH {
                let Some((next, groups)) = own.get(&parent) else { break };
                for group in groups {
                    if !known.inherited.contains(group) {
                        known.inherited.push(*group);
                    }
                }
                parent = *next;
            }
        }
    }

    pub fn get_mut(&mut self, pid: u32) -> Option<&mut Known> {
        self.known.get_mut(&pid)
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, &Known)> {
        self.known.iter().map(|(pid, known)| (*pid, known))
    }

    pub fn len(&self) -> usize {
        self.known.len()
    }
}

impl Figures {
    fn of(stat: &Stat) -> Self {
        Self {
            threads: stat.threads.unwrap_or_default(),
            virtual_size: stat.virtual_size.unwrap_or_default(),
            resident: stat.resident.unwrap_or_default(),
            counts: Counts {
                user: stat.user,
                system: stat.system,
                minor_faults: stat.minor_faults,
                major_faults: stat.major_faults,
                ..Counts::default()
            },
        }
    }
}

/// Generations that are gone up.
const DEPTH: usize = 64;

impl Known {
    fn new(start: u64, is_born: bool, now: Instant) -> Self {
        Self {
            start,
            own: Vec::new(),
            inherited: Vec::new(),
            unsure: Vec::new(),
            parent: 0,
            state: State::Other,
            figures: Figures::default(),
            file_limit: None,
            is_born,
            counted: None,
            rested: None,
            dead_since: None,
            blocked_since: None,
            cpu: 0,
            name: [0; NAME],
            arguments: 0,
            first: now,
            looked: now,
            seen: 0,
        }
    }

    /// Each group once.
    pub fn groups(&self) -> impl Iterator<Item = u16> {
        let more = self.inherited.iter().filter(|group| !self.own.contains(group));
        self.own.iter().chain(more).copied()
    }

    fn handed_on(&self, hands_on: &[bool]) -> Vec<u16> {
        let hands = |group: &u16| hands_on.get(usize::from(*group)).copied().unwrap_or(false);
        self.groups().filter(hands).collect()
    }

    /// Who has worked in between has not been blocked all the time.
    fn time(&mut self, state: State, cpu: u64, now: Instant) {
        let blocked = state == State::Uninterruptible;
        let worked = self.seen > 0 && cpu != self.cpu;
        self.blocked_since = blocked.then(|| self.blocked_since.filter(|_| !worked).unwrap_or(now));
        let dead = state == State::Zombie;
        self.dead_since = dead.then(|| self.dead_since.unwrap_or(now));
    }
}

fn short(name: &[u8]) -> [u8; NAME] {
    let mut short = [0; NAME];
    for (byte, from) in short.iter_mut().zip(name) {
        *byte = *from;
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(state: &str, name: &str, start: u64, arguments: u64) -> String {
        format!(
            "7 ({name}) {state} 1 7 7 0 -1 64 1 0 2 0 3 4 0 0 20 0 5 0 {start} 1000 9 0 0 0 0 0 0 0 0 0 0 0 0 0 0 \
             0 0 0 0 0 0 0 0 0 {arguments} 0 0 0 0"
        )
    }

    fn note(table: &mut Table, text: &str, now: Instant) -> Turn {
        table.begin();
        let turn = table.note(7, &Stat::parse(text.as_bytes()).unwrap(), now);
        table.end(&[]);
        turn
    }

    #[test]
    fn it_is_decided_once_and_again_after_an_exec() {
        let (mut table, begin) = (Table::default(), Instant::now());
        let later = begin + YOUNG;
        let bot = stat("S", "bot", 5, 100);
        assert_eq!(note(&mut table, &bot, begin), Turn::Decide);
        assert_eq!(note(&mut table, &bot, begin + YOUNG / 2), Turn::Decide, "it is young");
        assert_eq!(note(&mut table, &bot, later), Turn::Stay);
        let renamed = stat("S", "bot: idle", 5, 100);
        assert_eq!(note(&mut table, &renamed, later), Turn::Decide, "it has another name");
        assert_eq!(note(&mut table, &renamed, later), Turn::Stay);
        let other = stat("S", "bot: idle", 5, 101);
        assert_eq!(note(&mut table, &other, later), Turn::Decide, "it is another program");
        assert_eq!(note(&mut table, &other, later + AGAIN / 2), Turn::Stay);
        let again = later + AGAIN + Duration::from_secs(SPREAD);
        assert_eq!(note(&mut table, &other, again), Turn::Decide, "titles change unseen");
        let dead = stat("Z", "bot: idle", 5, 0);
        assert_eq!(note(&mut table, &dead, again + 3 * AGAIN), Turn::Stay, "it stays what it was");
    }

    #[test]
    fn a_number_that_is_used_again_is_another_process() {
        let (mut table, now) = (Table::default(), Instant::now());
        note(&mut table, &stat("S", "bot", 5, 100), now);
        let known = table.get_mut(7).unwrap();
        assert!(!known.is_born, "it was there before us");
        known.own.push(3);
        known.counted = Some(Counts::default());
        assert_eq!(note(&mut table, &stat("S", "bot", 6, 100), now + 3 * AGAIN), Turn::Decide);
        let known = table.get_mut(7).unwrap();
        assert!(known.is_born && known.own.is_empty() && known.counted.is_none());
        table.begin();
        table.end(&[]);
        assert_eq!(table.len(), 0, "what is gone is forgotten");
    }

    #[test]
    fn how_long_it_has_been_dead_or_blocked() {
        let (mut table, now) = (Table::default(), Instant::now());
        let (blocked, later) = (stat("D", "bot", 5, 1), now + AGAIN);
        note(&mut table, &blocked, now);
        note(&mut table, &blocked, later);
        assert_eq!(table.get_mut(7).unwrap().blocked_since, Some(now));
        note(&mut table, &blocked.replace(" 3 4 ", " 3 5 "), later);
        assert_eq!(table.get_mut(7).unwrap().blocked_since, Some(later), "it has worked");
        note(&mut table, &stat("Z", "bot", 5, 0), later);
        note(&mut table, &stat("Z", "bot", 5, 0), later + AGAIN);
        let known = table.get_mut(7).unwrap();
        assert_eq!((known.blocked_since, known.dead_since), (None, Some(later)));
    }

    #[test]
    fn what_was_started_belongs_to_the_group_for_good() {
        let (mut table, now) = (Table::default(), Instant::now());
        let all = |table: &mut Table, parents: &[(u32, u32)]| {
            table.begin();
            for (pid, parent) in parents {
                let text = stat("S", "x", 5, 1).replacen(" 1 7 7 ", &format!(" {parent} 7 7 "), 1);
                table.note(*pid, &Stat::parse(text.as_bytes()).unwrap(), now);
            }
            table.get_mut(10).into_iter().for_each(|known| known.own = vec![0, 1]);
            table.end(&[true, false]);
        };
        all(&mut table, &[(10, 1), (11, 10), (12, 11), (13, 1)]);
        let of = |table: &mut Table, pid| table.get_mut(pid).unwrap().groups().collect::<Vec<_>>();
        assert_eq!(of(&mut table, 10), [0, 1]);
        assert_eq!((of(&mut table, 11), of(&mut table, 12)), (vec![0], vec![0]), "one hands on");
        assert_eq!(of(&mut table, 13), Vec::<u16>::new());
        all(&mut table, &[(11, 1), (12, 1), (13, 1)]);
        assert_eq!(of(&mut table, 12), [0], "an orphan stays");
    }
}
