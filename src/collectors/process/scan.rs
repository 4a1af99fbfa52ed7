//! One look at `/proc`. Of a process that is known and belongs to no group only `stat` is read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Instant;

use super::listen::{self, Listener, Owners};
use super::matcher::{Around, Conditions, Facts, Named, Needs, Wanted};
use super::pid_file::{self, Accepted};
use super::sums::{Measured, Sums};
use super::table::{Counts, Known, Rested, Table, Turn};
use super::tally::{Tallies, key};
use super::users;
use crate::clients::kernel::process::{self, Details, Process, Stat, State, View};
use crate::clients::kernel::{self, Buffer};
use crate::failure::{Failure, Reason};

/// Processes of a group that are read in full; more are counted and no more.
const MOST: usize = 2000;

/// What lasts from one look to the next.
#[derive(Default)]
pub struct Memory {
    table: Table,
    pub tallies: Tallies,
    owners: Owners,
    around: Vec<Around>,
    accepted: Accepted,
    pub boot: String,
}

#[cfg(test)]
impl Memory {
    pub fn known(&mut self, pid: u32) -> Option<&mut Known> {
        self.table.get_mut(pid)
    }
}

/// What one look has found.
pub struct Raw {
    pub groups: Vec<Seen>,
    pub listeners: Vec<Listener>,
    /// All that can be seen.
    pub processes: u64,
    pub zombies: u64,
    /// Others' processes are hidden from us.
    pub hidden: bool,
    /// Parts that cannot be seen, and why.
    pub gaps: Vec<(String, Failure)>,
    /// Processes that were counted and not read.
    pub dropped: u64,
    pub ticks_per_second: f64,
    /// Seconds since 1970.
    pub boot: Option<u64>,
}

/// A group. Without `sums` it is not known which processes belong to it.
pub struct Seen {
    pub sums: Option<Sums>,
    pub starts: u64,
    pub main_starts: u64,
    pub ends: u64,
    pub counts: Counts,
}

/// Ids of containers by their name, as far as they are asked for.
pub type Containers = Result<BTreeMap<String, String>, Failure>;

/// Where and for what is looked.
pub struct Scan {
    pub proc: PathBuf,
    pub wanted: Vec<Wanted>,
}

/// One look under way.
struct Look<'a> {
    scan: &'a Scan,
    buffer: Buffer,
    around: Vec<Around>,
    needs: Needs,
    now: Instant,
    /// Whether known processes are to be looked at again.
    anew: bool,
}

impl Scan {
    pub fn run(&self, memory: &mut Memory, containers: &Containers) -> Result<Raw, Failure> {
        let mut buffer = Buffer::new();
        let stat = buffer.load(&self.proc.join("stat"));
        let boot = stat.ok().and_then(|text| kernel::stat::Stat::parse(text).boot);
        let mut gaps = Vec::new();
        let around = self.around(containers, boot, &mut memory.accepted, &mut gaps);
        let needs =
            self.wanted.iter().fold(Needs::default(), |all, one| all.and(one.conditions.needs()));
        // A pid file or a container that means another process now.
        let anew = memory.around != around;
        memory.around.clone_from(&around);
        let now = Instant::now();
        let mut look = Look { scan: self, buffer, around, needs, now, anew };
        let hidden = look.walk(&mut memory.table)?;
        let hands_on: Vec<_> = self.wanted.iter().map(|wanted| wanted.children).collect();
        memory.table.end(&hands_on);
        let unsure: BTreeSet<u16> =
            memory.table.iter().flat_map(|(_, known)| &known.unsure).copied().collect();
        let is_unsure = |group: usize| u16::try_from(group).is_ok_and(|it| unsure.contains(&it));
        let blind: Vec<bool> =
            (0..self.wanted.len()).map(|group| hidden || is_unsure(group)).collect();
        let (members, mut groups, dropped) = look.measure(memory, &blind);
        let zombies = look.zombies(&memory.table, &members, &mut groups);
        let listeners = listen::look(&self.proc, &self.wanted, &members, &mut memory.owners);
        let unsure = memory.table.iter().filter(|(_, known)| !known.unsure.is_empty()).count();
        if unsure > 0 {
            let text = format!("/proc/PID/exe of {unsure} processes");
            gaps.push(("programs of other users' processes".into(), rights(&text)));
        }
        let processes = memory.table.len() as u64;
        let ticks_per_second = kernel::ticks_per_second();
        Ok(Raw {
            groups,
            listeners,
            processes,
            zombies,
            hidden,
            gaps,
            dropped,
            ticks_per_second,
            boot,
        })
    }

    /// Which start of the machine this is.
    pub fn boot_id(&self) -> String {
        let text =
            Buffer::new().read(&self.proc.join("sys/kernel/random/boot_id")).map(<[u8]>::to_vec);
        String::from_utf8_lossy(&text.unwrap_or_default()).trim().to_owned()
    }

    fn around(
        &self,
        containers: &Containers,
        boot: Option<u64>,
        accepted: &mut Accepted,
        gaps: &mut Vec<(String, Failure)>,
    ) -> Vec<Around> {
        let mut users = None;
        let one = |wanted: &Wanted| {
            let mut unknown = wanted.is_unknown(containers);
            let mut untold = |failure| {
                gaps.push((format!("processes of the group {}", wanted.name), failure));
                unknown = true;
            };
            let Conditions { user, container, pid_file, .. } = &wanted.conditions;
            let user = user.as_ref().and_then(|user| {
                let users = users.get_or_insert_with(|| users::read(&self.proc));
                users.number(user).map_err(&mut untold).ok()
            });
            let container = container.as_ref().and_then(|named| match named {
                Named::Id(id) => Some(id.clone()),
                Named::Name(name) => containers.as_ref().ok()?.get(name).cloned(),
            });
            let pid = pid_file.as_ref().and_then(|path| {
                let failed =
                    |error: std::io::Error| Failure::io(&path.display().to_string(), &error);
                let named = pid_file::named_in(&self.proc, path, boot, accepted).map_err(failed);
                named.map_err(&mut untold).ok().flatten()
            });
            Around { user, container, pid, unknown }
        };
        self.wanted.iter().map(one).collect()
    }
}

impl Wanted {
    /// Whether it cannot be told which processes belong to it.
    fn is_unknown(&self, containers: &Containers) -> bool {
        matches!((&self.conditions.container, containers), (Some(Named::Name(_)), Err(_)))
    }
}

impl Needs {
    fn and(self, other: Self) -> Self {
        Self {
            cmdline: self.cmdline || other.cmdline,
            exe: self.exe || other.exe,
            user: self.user || other.user,
            cgroup: self.cgroup || other.cgroup,
        }
    }
}

impl Look<'_> {
    /// Each process, and whether others' are hidden from us.
    fn walk(&mut self, table: &mut Table) -> Result<bool, Failure> {
        let proc = &self.scan.proc;
        let what = |error: std::io::Error| Failure::io("/proc", &error);
        let entries = std::fs::read_dir(proc).map_err(what)?;
        let dir = std::fs::File::open(proc).map_err(what)?;
        let own = std::fs::read_link(proc.join("self")).ok();
        let own = own.and_then(|link| link.to_str()?.parse::<u32>().ok());
        let own = own.unwrap_or_else(std::process::id);
        let mut first_seen = false;
        table.begin();
        for entry in entries {
            let entry = entry.map_err(what)?;
            let name = entry.file_name();
            let Some(name) =
                name.to_str().filter(|name| name.starts_with(|c: char| c.is_ascii_digit()))
            else {
                continue;
            };
            let Ok(pid) = name.parse::<u32>() else { continue };
            // It has ended since, or is hidden.
            let mut buffer = std::mem::take(&mut self.buffer);
            let text = buffer.read_in(&dir, &format!("{name}/stat"));
            if let Some(stat) = text.and_then(Stat::parse) {
                first_seen |= pid == 1;
                let skip = pid == own;
                if !skip && (table.note(pid, &stat, self.now) == Turn::Decide || self.anew) {
                    self.decide(table, pid, stat.name);
                }
            }
            self.buffer = buffer;
        }
        // Each namespace has a first one, and it is never gone.
        Ok(!first_seen)
    }

    /// To which groups a process belongs.
    fn decide(&mut self, table: &mut Table, pid: u32, name: &[u8]) {
        let Some(process) = Process::open(&self.scan.proc, pid) else { return };
        let mut buffer = Buffer::new();
        let mut facts = Facts { pid, name, ..Facts::default() };
        if self.needs.cmdline {
            facts.cmdline = process.command();
        }
        if self.needs.user {
            let details = process.read("status", &mut buffer).map(Details::parse);
            facts.user = details.and_then(|details| details.user?.try_into().ok());
        }
        if self.needs.cgroup {
            let text = process.read("cgroup", &mut buffer);
            facts.cgroup = text.map(|text| String::from_utf8_lossy(text).into_owned());
        }
        let mut hides_program = false;
        if self.needs.exe {
            match process.program() {
                Ok(exe) => facts.exe = exe,
                Err(_) => hides_program = true,
            }
        }
        let Some(known) = table.get_mut(pid) else { return };
        known.file_limit = None;
        known.own.clear();
        known.unsure.clear();
        for (index, (wanted, around)) in self.scan.wanted.iter().zip(&self.around).enumerate() {
            if wanted.conditions.meets(&facts, around) {
                known.own.extend(u16::try_from(index));
            } else if hides_program && wanted.conditions.may_meet(&facts, around) {
                known.unsure.extend(u16::try_from(index));
            }
        }
    }

    /// The processes of each group, what they are together, and how many were left out. `blind`: of a
    /// group without any it cannot be told whether there is none or it is only hidden from us.
    fn measure(&mut self, memory: &mut Memory, blind: &[bool]) -> (Vec<Vec<u32>>, Vec<Seen>, u64) {
        let count = self.scan.wanted.len();
        let mut members = vec![Vec::new(); count];
        for (pid, known) in memory.table.iter() {
            for group in known.groups() {
                if let Some(members) = members.get_mut(usize::from(group)) {
                    members.push(pid);
                }
            }
        }
        let (view, page) = (View::of(&self.scan.proc), rustix::param::page_size() as u64);
        let mut sums = vec![Some(Sums::empty()); count];
        let mut read = BTreeMap::<u32, (Option<Counts>, Measured)>::new();
        let mut dropped = 0;
        for (group, pids) in members.iter_mut().enumerate() {
            pids.sort_unstable();
            dropped += pids.len().saturating_sub(MOST) as u64;
            let tally =
                self.scan.wanted.get(group).map(|wanted| memory.tallies.group(&wanted.name));
            let (Some(tally), Some(seen)) = (tally, sums.get_mut(group)) else { continue };
            let unknown = self.around.get(group).is_some_and(|around| around.unknown);
            if unknown || pids.is_empty() && blind.get(group) == Some(&true) {
                *seen = None;
                continue;
            }
            let Some(sums) = seen else { continue };
            let mut here = BTreeSet::new();
            for (index, pid) in pids.iter().enumerate() {
                let Some(known) = memory.table.get_mut(*pid) else { continue };
                here.insert(key(*pid, known));
                let (before, measured) = read.entry(*pid).or_insert_with(|| {
                    let full = index < MOST;
                    let measured = self.read(*pid, known, &view, full);
                    (known.counted.replace(measured.counts), measured)
                });
                sums.add(known, measured, page, self.now);
                tally.count(*before, measured.counts, known.is_born);
            }
            tally.look(here);
        }
        let groups = self.scan.wanted.iter().zip(sums).map(|(wanted, sums)| {
            let tally = memory.tallies.group(&wanted.name);
            let (starts, main_starts, ends) = (tally.starts, tally.main_starts, tally.ends);
            Seen { sums, starts, main_starts, ends, counts: tally.counts }
        });
        let groups = groups.collect();
        (members, groups, dropped)
    }

    fn read(&mut self, pid: u32, known: &mut Known, view: &View, full: bool) -> Measured {
        let mut measured = Measured { counts: known.figures.counts, ..Measured::default() };
        let process = if full { Process::open(&self.scan.proc, pid) } else { None };
        let Some(process) = process else { return measured };
        if let Some(status) = process.read("status", &mut self.buffer) {
            measured.details = Details::parse(status);
            measured.counts.voluntary = measured.details.voluntary;
            measured.counts.involuntary = measured.details.involuntary;
        }
        if known.file_limit.is_none() {
            let limits = process.read("limits", &mut self.buffer);
            known.file_limit = limits.and_then(process::file_limit);
        }
        // Who has one thread and was not put on a processor since the last look has opened, read and
        // written nothing.
        let switches = (measured.counts.voluntary, measured.counts.involuntary);
        let rests = known.figures.threads == 1 && known.state == State::Sleeping;
        if let Some(last) = known.rested.as_ref().filter(|last| rests && last.switches == switches)
        {
            (measured.counts.read, measured.counts.written) = last.disk;
            (measured.hides_io, measured.open_files) = (last.hides_io, last.open_files);
            return measured;
        }
        match process.read("io", &mut self.buffer) {
            Some(io) => (measured.counts.read, measured.counts.written) = process::disk_bytes(io),
            None => measured.hides_io = true,
        }
        measured.open_files = view.open_files(u64::from(pid));
        let (disk, hides_io, open_files) = (
            (measured.counts.read, measured.counts.written),
            measured.hides_io,
            measured.open_files,
        );
        let known_switches = switches.0.is_some() && switches.1.is_some();
        known.rested =
            (rests && known_switches).then_some(Rested { switches, disk, hides_io, open_files });
        measured
    }

    /// All zombies, and in each group those that are its own or that its processes have to ask about.
    fn zombies(&self, table: &Table, members: &[Vec<u32>], groups: &mut [Seen]) -> u64 {
        let mut all = 0;
        for (pid, known) in table.iter() {
            let Some(since) = known.dead_since else { continue };
            all += 1;
            for (pids, group) in members.iter().zip(groups.iter_mut()) {
                let is_in = |pid: &u32| pids.binary_search(pid).is_ok();
                if let Some(sums) =
                    group.sums.as_mut().filter(|_| is_in(&pid) || is_in(&known.parent))
                {
                    sums.add_unreaped(since, self.now);
                }
            }
        }
        all
    }
}

/// What only root may see.
pub fn rights(what: &str) -> Failure {
    Failure::new(Reason::RIGHTS, format!("{what}: not for this user"))
        .hint("run the exporter as root, or give it `CAP_SYS_PTRACE` and `CAP_DAC_READ_SEARCH`")
}
