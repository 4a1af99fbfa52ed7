//! What the processes of a group are together at the moment.

use std::time::Instant;

use super::table::{Counts, Known};
use crate::clients::kernel::process::{Details, State};

/// What was read of one process beside its `stat`.
#[derive(Debug, Default)]
pub struct Measured {
    pub details: Details,
    pub open_files: Option<u64>,
    /// Its I/O may not be read by us.
    pub hides_io: bool,
    pub counts: Counts,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sums {
    pub processes: u64,
    pub threads: u64,
    pub running: u64,
    pub sleeping: u64,
    pub waiting: u64,
    pub zombie: u64,
    pub other: u64,
    /// Bytes.
    pub resident: u64,
    pub virtual_size: u64,
    pub swapped: u64,
    pub unreclaimable: u64,
    /// Absent if those of one cannot be seen.
    pub open_files: Option<u64>,
    pub worst_fd_ratio: Option<f64>,
    /// Ticks from the start of the machine.
    pub oldest_start: Option<u64>,
    pub hides_io: bool,
    pub hides_files: bool,
    /// Zombies of the group, and those that its processes have not asked about.
    pub unreaped: u64,
    /// Seconds.
    pub unreaped_age: f64,
    pub blocked_age: f64,
}

impl Sums {
    pub fn empty() -> Self {
        Self { open_files: Some(0), ..Self::default() }
    }

    /// Who has ended does no work, whoever has to ask about it.
    pub const fn alive(&self) -> u64 {
        self.processes.saturating_sub(self.zombie)
    }

    /// Adds a process. `page` is in bytes.
    pub fn add(&mut self, known: &Known, measured: &Measured, page: u64, now: Instant) {
        self.processes += 1;
        let alive = known.state != State::Zombie;
        let state = match known.state {
            State::Running => &mut self.running,
            State::Sleeping => &mut self.sleeping,
            State::Uninterruptible => &mut self.waiting,
            State::Zombie => &mut self.zombie,
            State::Other => &mut self.other,
        };
        *state += 1;
        let figures = &known.figures;
        self.threads = self.threads.saturating_add(figures.threads);
        self.virtual_size = self.virtual_size.saturating_add(figures.virtual_size);
        self.resident = self.resident.saturating_add(figures.resident.saturating_mul(page));
        let details = &measured.details;
        self.swapped = self.swapped.saturating_add(details.swapped.unwrap_or_default());
        let fixed = details.unreclaimable().unwrap_or_default();
        self.unreclaimable = self.unreclaimable.saturating_add(fixed);
        self.oldest_start = Some(self.oldest_start.map_or(known.start, |old| old.min(known.start)));
        if alive {
            self.hides_io |= measured.hides_io;
            self.hides_files |= measured.open_files.is_none();
            self.open_files = self
                .open_files
                .zip(measured.open_files)
                .map(|(sum, more)| sum.saturating_add(more));
            let limit = known.file_limit.filter(|limit| *limit > 0);
            if let Some((open, limit)) = measured.open_files.zip(limit) {
                let ratio = open as f64 / limit as f64;
                self.worst_fd_ratio =
                    Some(self.worst_fd_ratio.map_or(ratio, |worst| worst.max(ratio)));
            }
        }
        let age = |since: Option<Instant>| {
            since.map_or(0.0, |since| now.saturating_duration_since(since).as_secs_f64())
        };
        self.blocked_age = self.blocked_age.max(age(known.blocked_since));
    }

    /// Adds one that has ended and whose parent, or which itself, is of the group.
    pub fn add_unreaped(&mut self, since: Instant, now: Instant) {
        self.unreaped += 1;
        let age = now.saturating_duration_since(since).as_secs_f64();
        self.unreaped_age = self.unreaped_age.max(age);
    }
}
