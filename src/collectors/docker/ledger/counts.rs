//! What is counted of the life of a service.

/// How a run of a container ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Death {
    /// With exit code 0, by itself.
    Done,
    /// Somebody asked for it: `docker stop`, `restart`, `kill`, `rm -f`, a deployment.
    Stopped,
    /// The kernel killed its first process for want of memory.
    Oom,
    /// SIGKILL, and nobody known asked for it.
    Killed,
    /// SIGTERM, and nobody known asked for it.
    Terminated,
    /// A defect in the program: SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE.
    Fault,
    /// Any other exit code.
    Error,
    /// It went with the Engine or the machine.
    Engine,
    /// It was not seen, only that there was one.
    Unknown,
}

impl Death {
    pub const ALL: [(&'static str, Self); 9] = [
        ("done", Self::Done),
        ("stopped", Self::Stopped),
        ("oom", Self::Oom),
        ("killed", Self::Killed),
        ("terminated", Self::Terminated),
        ("fault", Self::Fault),
        ("error", Self::Error),
        ("engine", Self::Engine),
        ("unknown", Self::Unknown),
    ];

    /// `oom`: the kernel has killed something of it; `ordered`: somebody asked for the end;
    /// `told`: if somebody had, it would be known.
    pub const fn of(code: Option<i64>, oom: bool, ordered: bool, told: bool) -> Self {
        match code {
            Some(137) if oom => Self::Oom,
            _ if ordered => Self::Stopped,
            // As `docker stop` leaves them.
            Some(130 | 137 | 143) if !told => Self::Unknown,
            Some(code) => Self::of_code(code),
            None => Self::Unknown,
        }
    }

    /// The same while the Engine was away: what runs is stopped or killed with it, and none of that
    /// is told. 255 stands for what was found dead.
    pub const fn without_engine(self, code: Option<i64>) -> Self {
        match (self, code) {
            (Self::Oom | Self::Fault, _) => self,
            (_, None | Some(0 | 130 | 137 | 143 | 255)) => Self::Engine,
            _ => self,
        }
    }

    /// Whether somebody, or nobody known, has ended what would have gone on.
    pub const fn is_of_its_own(self) -> bool {
        !matches!(self, Self::Stopped | Self::Engine | Self::Unknown)
    }

    /// By the exit code alone.
    const fn of_code(code: i64) -> Self {
        match code {
            0 => Self::Done,
            137 => Self::Killed,
            143 => Self::Terminated,
            132 | 134 | 135 | 136 | 139 => Self::Fault,
            _ => Self::Error,
        }
    }
}

/// Numbers since the exporter first saw the service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    pub starts: u64,
    /// Starts by the restart policy.
    pub restarts: u64,
    /// In the order of [`Death::ALL`].
    deaths: [u64; Death::ALL.len()],
    pub kills: Kills,
    pub ooms: Ooms,
    pub health: HealthChanges,
}

/// Signals sent through the Engine.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Kills {
    pub kill: u64,
    pub term: u64,
    pub other: u64,
}

/// Processes that the kernel killed for want of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ooms {
    pub main: u64,
    /// As the kernel has counted them.
    pub child: u64,
    /// What the Engine said, which are no kills.
    pub notices: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HealthChanges {
    pub healthy: u64,
    pub unhealthy: u64,
}

impl Counts {
    pub fn died(&mut self, death: Death, times: u64) {
        let index = Death::ALL.iter().position(|(_, one)| *one == death);
        if let Some(count) = index.and_then(|index| self.deaths.get_mut(index)) {
            *count += times;
        }
    }

    pub fn deaths(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Death::ALL.into_iter().zip(self.deaths).map(|((name, _), count)| (name, count))
    }
}
