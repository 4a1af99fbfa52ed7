//! One process: its files below `/proc/PID`, and how far the numbers of processes mean anything here.

use std::io::{ErrorKind, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{
    Access, AtFlags, CWD, Mode, OFlags, PROC_SUPER_MAGIC, accessat, openat, readlinkat, statfs,
};
use rustix::io::Errno;

use super::Buffer;
use super::parse::{cut, lines, number, text, value, words};

/// Bytes of one command line.
const COMMAND: u64 = 4 << 10;
/// SIGKILL in a mask of signals: the ninth.
const SIGKILL: u64 = 1 << 8;
/// `PF_EXITING`
const EXITING: u64 = 4;

/// A directory below `/proc`. Held open it can never mean another process, also when the number is
/// used again.
#[derive(Debug)]
pub struct Process(OwnedFd);

impl Process {
    pub fn open(proc: &Path, pid: u32) -> Option<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(CWD, proc.join(pid.to_string()), flags, Mode::empty()).ok().map(Self)
    }

    /// One of its files.
    pub fn read<'buffer>(&self, name: &str, buffer: &'buffer mut Buffer) -> Option<&'buffer [u8]> {
        buffer.read_in(&self.0, name)
    }

    pub fn has_ended(&self) -> bool {
        accessat(&self.0, "cgroup", Access::EXISTS, AtFlags::empty()).is_err()
    }

    /// Whether it has been killed, and is only not gone yet: with much memory to give back, and on a
    /// busy machine, that takes its time.
    pub fn is_ending(&self, buffer: &mut Buffer) -> Option<bool> {
        let dying = Status::parse(self.read("status", buffer)?).has_sigkill;
        Some(dying || Stat::parse(self.read("stat", buffer)?)?.is_exiting()?)
    }

    /// Its program, also one whose file is gone. `None` of a thread of the kernel, and of one that has
    /// ended; an error where it is not for us.
    pub fn program(&self) -> std::io::Result<Option<PathBuf>> {
        match readlinkat(&self.0, "exe", Vec::new()) {
            Ok(link) => {
                let link = link.into_bytes();
                let path = link.strip_suffix(b" (deleted)").unwrap_or(&link);
                Ok(Some(PathBuf::from(std::ffi::OsStr::from_bytes(path))))
            }
            Err(Errno::NOENT | Errno::SRCH) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Its arguments parted by blanks. `None` of a process without any: it has ended and is not
    /// waited for, or is a thread of the kernel.
    pub fn command(&self) -> Option<String> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(&self.0, "cmdline", flags, Mode::empty()).ok()?;
        let mut bytes = Vec::new();
        std::fs::File::from(file).take(COMMAND).read_to_end(&mut bytes).ok()?;
        command(&bytes)
    }
}

/// `cmdline`: each argument ends with a NUL.
pub fn command(cmdline: &[u8]) -> Option<String> {
    let end = cmdline.iter().rposition(|byte| *byte != 0)?;
    let arguments = cmdline.get(..=end)?;
    Some(text(arguments).replace('\0', " "))
}

/// `cgroup`: for each hierarchy its controllers, parted by commas, and the path of the group.
/// The unified hierarchy has no controllers here.
pub fn groups(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        Some((parts.next()?, parts.next()?))
    })
}

/// `stat`, as far as somebody asks: `Documentation/filesystems/proc.rst`.
#[derive(Debug, PartialEq)]
pub struct Stat<'a> {
    /// Of the program.
    pub name: &'a [u8],
    state: &'a [u8],
    pub parent: Option<u64>,
    flags: Option<u64>,
    pub minor_faults: Option<u64>,
    pub major_faults: Option<u64>,
    /// Ticks in user mode.
    pub user: Option<u64>,
    /// Ticks in the kernel.
    pub system: Option<u64>,
    pub threads: Option<u64>,
    /// Ticks from the start of the machine to its own.
    pub started: Option<u64>,
    /// Bytes.
    pub virtual_size: Option<u64>,
    /// Pages.
    pub resident: Option<u64>,
    /// Where its arguments lie: elsewhere after it has become another program. 0 to strangers.
    pub arguments: Option<u64>,
}

/// What a process does, as `ps` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Running,
    Sleeping,
    /// Asleep in the kernel, and not to be woken, not even to be killed.
    Uninterruptible,
    /// It has ended, and its parent has not asked how.
    Zombie,
    Other,
}

impl<'a> Stat<'a> {
    pub fn parse(stat: &'a [u8]) -> Option<Self> {
        // The name may hold spaces and brackets itself.
        let open = stat.iter().position(|byte| *byte == b'(')?;
        let close = stat.iter().rposition(|byte| *byte == b')')?;
        let name = stat.get(open + 1..close)?;
        let mut fields = words(stat.get(close + 1..)?);
        let state = fields.next()?;
        // Each counts from behind the one before.
        let mut skip = |fields_between| fields.nth(fields_between).and_then(number);
        Some(Self {
            name,
            state,
            parent: skip(0),
            // Group, session, terminal and its group.
            flags: skip(4),
            minor_faults: skip(0),
            // Those of children.
            major_faults: skip(1),
            user: skip(1),
            system: skip(0),
            // Times of children, priority.
            threads: skip(4),
            // A timer.
            started: skip(1),
            virtual_size: skip(0),
            resident: skip(0),
            // Limit, places in memory, signals, processor, delays, guests.
            arguments: skip(23),
        })
    }

    pub fn state(&self) -> State {
        match self.state {
            b"R" => State::Running,
            b"S" => State::Sleeping,
            b"D" => State::Uninterruptible,
            b"Z" => State::Zombie,
            _ => State::Other,
        }
    }

    /// Whether it is on its way out, or is a zombie.
    pub fn is_exiting(&self) -> Option<bool> {
        let flags = self.flags?;
        Some(matches!(self.state, b"Z" | b"X" | b"x") || flags & EXITING != 0)
    }
}

/// `status`, as far as somebody asks.
#[derive(Debug, Default, PartialEq)]
pub struct Status {
    /// Whether a SIGKILL is on its way to the process.
    pub has_sigkill: bool,
    /// Numbers of the process: one for each namespace from that of `/proc` down to its own.
    pub numbers: usize,
}

impl Status {
    pub fn parse(status: &[u8]) -> Self {
        let mut found = Self::default();
        for line in lines(status) {
            if let Some(numbers) = line.strip_prefix(b"NSpid:") {
                found.numbers = words(numbers).filter_map(number).count();
            }
            let mask = line.strip_prefix(b"SigPnd:").or_else(|| line.strip_prefix(b"ShdPnd:"));
            let mask = mask.and_then(|mask| std::str::from_utf8(mask).ok());
            let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
            found.has_sigkill |= mask.is_some_and(|pending| pending & SIGKILL != 0);
        }
        found
    }
}

/// More of `status`.
#[derive(Debug, Default, PartialEq)]
pub struct Details {
    /// Effective user.
    pub user: Option<u64>,
    /// Bytes of its own memory: neither of files nor shared by design.
    pub anonymous: Option<u64>,
    /// Bytes of it that are swapped out.
    pub swapped: Option<u64>,
    /// Switches to another process, because it waited.
    pub voluntary: Option<u64>,
    /// And because its time was over.
    pub involuntary: Option<u64>,
}

impl Details {
    /// A thread of the kernel, and a zombie, have no memory.
    pub fn parse(status: &[u8]) -> Self {
        let mut found = Self::default();
        for line in lines(status) {
            let Some((key, value)) = cut(line, b':') else { continue };
            let mut words = words(value);
            let mut first = || words.next().and_then(number);
            let bytes = |count: u64| count.saturating_mul(1024);
            match key {
                // The real one comes first.
                b"Uid" => found.user = first().and_then(|_| first()),
                b"RssAnon" => found.anonymous = first().map(bytes),
                b"VmSwap" => found.swapped = first().map(bytes),
                b"voluntary_ctxt_switches" => found.voluntary = first(),
                b"nonvoluntary_ctxt_switches" => found.involuntary = first(),
                _ => {}
            }
        }
        found
    }

    /// What cannot be given back, in memory or on the swap disk; see [`super::memory`]. Pages of
    /// files can be. Shared memory is left out: it would count once for each that maps it.
    pub fn unreclaimable(&self) -> Option<u64> {
        Some(self.anonymous?.saturating_add(self.swapped.unwrap_or_default()))
    }
}

/// `limits`: how many files it may open; `None` also without a limit.
pub fn file_limit(limits: &[u8]) -> Option<u64> {
    let line = lines(limits).find_map(|line| line.strip_prefix(b"Max open files"))?;
    words(line).next().and_then(number)
}

/// `io`: bytes that it had read from, and written to, a disk.
pub fn disk_bytes(io: &[u8]) -> (Option<u64>, Option<u64>) {
    (value(io, b"read_bytes:"), value(io, b"write_bytes:"))
}

/// Open files of this process.
pub fn own_open_files() -> Option<u64> {
    let folder = Path::new("/proc/self/fd");
    // One that was listed is the directory itself.
    let listed = || Some(listed(folder)?.saturating_sub(1));
    size(folder).ok().filter(|size| *size > 0).or_else(listed)
}

/// Of `fd`. Since Linux 6.2 that is the number of its entries; before, and without any, it is 0.
fn size(fd: &Path) -> std::io::Result<u64> {
    std::fs::metadata(fd).map(|found| found.size())
}

fn listed(fd: &Path) -> Option<u64> {
    std::fs::read_dir(fd).ok().map(|entries| entries.count() as u64)
}

/// A `/proc`, and whether its numbers are those that control groups name.
pub struct View {
    proc: PathBuf,
    /// Whether `cgroup.procs` has the numbers by which `proc` knows them.
    pub same_namespace: bool,
    /// Whether the size of `fd` may be the number of its entries.
    is_procfs: bool,
}

impl View {
    pub fn of(proc: &Path) -> Self {
        // A `/proc` of another family of namespaces has no `self` for us.
        let status = Buffer::new().read(&proc.join("self/status")).map(Status::parse);
        Self {
            proc: proc.to_owned(),
            same_namespace: status.is_some_and(|status| status.numbers == 1),
            is_procfs: statfs(proc).is_ok_and(|found| found.f_type == PROC_SUPER_MAGIC),
        }
    }

    /// Open files of a process, none of one that has ended meanwhile. `None`: not for us.
    pub fn open_files(&self, pid: u64) -> Option<u64> {
        let folder = self.proc.join(format!("{pid}/fd"));
        match size(&folder) {
            Ok(size) if self.is_procfs && size > 0 => Some(size),
            Err(error) if error.kind() == ErrorKind::NotFound => Some(0),
            _ => listed(&folder),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "4711 (do)ck (er d) S 1 4711 4711 0 -1 4194560 90 0 0 0 3 4 0 0 20 0 12 0 \
        123456 1000 200 18446744073709551615 0 0 0 0";

    #[test]
    fn a_process_that_lives_and_one_that_ends() {
        let exiting = |stat: &str| Stat::parse(stat.as_bytes()).unwrap().is_exiting();
        assert_eq!(exiting(STAT), Some(false));
        assert_eq!(exiting(&STAT.replace(") S ", ") Z ")), Some(true));
        assert_eq!(exiting(&STAT.replace("4194560", "4194564")), Some(true));
        assert_eq!((Stat::parse(b""), exiting("1 (x) S 2")), (None, None));
        let status = |own: &str, shared: &str| {
            let text = format!(
                "Name:\tsh\nSigQ:\t0/1\nSigPnd:\t{own}\nShdPnd:\t{shared}\nSigBlk:\t0000000000000100\n"
            );
            Status::parse(text.as_bytes()).has_sigkill
        };
        let none = "0000000000000000";
        assert!(!status(none, none), "blocked is not pending");
        assert!(status("0000000000000100", none));
        assert!(status(none, "0000000000004100"));
        assert!(!status("0000000000004000", "rubbish"));
    }

    #[test]
    fn figures_of_a_process() {
        let stat = Stat::parse(STAT.as_bytes()).unwrap();
        assert_eq!((stat.name, stat.started), (&b"do)ck (er d"[..], Some(123_456)));
        assert_eq!((stat.user, stat.system), (Some(3), Some(4)));
        assert_eq!((stat.virtual_size, stat.resident), (Some(1000), Some(200)));
        assert_eq!((stat.parent, stat.threads), (Some(1), Some(12)));
        assert_eq!((stat.minor_faults, stat.major_faults), (Some(90), Some(0)));
        assert_eq!((stat.state(), stat.arguments), (State::Sleeping, None));
        // As the kernel has it: 52 fields.
        let all = "7 (x) D 3 7 7 0 -1 64 10 11 12 13 14 15 16 17 20 0 19 0 21 22 23 24 25 26 27 28 \
            29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 0";
        let stat = Stat::parse(all.as_bytes()).unwrap();
        assert_eq!((stat.minor_faults, stat.major_faults), (Some(10), Some(12)));
        assert_eq!((stat.user, stat.system, stat.threads), (Some(14), Some(15), Some(19)));
        assert_eq!((stat.started, stat.resident), (Some(21), Some(23)));
        assert_eq!((stat.state(), stat.arguments), (State::Uninterruptible, Some(47)));
        assert_eq!(command(b"sh\0-c\0a b\0\0"), Some("sh -c a b".to_owned()));
        assert_eq!((command(b""), command(b"\0\0")), (None, None));
        let found: Vec<_> = groups("3:cpu,cpuacct:/a:b\n0::/c\nrubbish\n1:x").collect();
        assert_eq!(found, [("cpu,cpuacct", "/a:b"), ("", "/c")]);
    }

    #[test]
    fn memory_switches_limits_and_disks() {
        let text = b"Name:\tx\nUid:\t1000\t7\t7\t7\nVmRSS:\t 90 kB\nRssAnon:\t      10 kB\n\
            VmSwap:\t  2 kB\nvoluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t6\n";
        let found = Details::parse(text);
        assert_eq!((found.user, found.unreclaimable()), (Some(7), Some(12 << 10)));
        assert_eq!((found.voluntary, found.involuntary), (Some(5), Some(6)));
        assert_eq!(Details::parse(b"Uid:\tx\n"), Details::default());
        let limits = |soft: &str| {
            let line = format!("Limit  Soft  Hard  Units\nMax open files  {soft}  4096  files \n");
            file_limit(line.as_bytes())
        };
        assert_eq!(
            (limits("1024"), limits("unlimited"), file_limit(b"")),
            (Some(1024), None, None)
        );
        let io = b"rchar: 1\nwchar: 2\nread_bytes: 4096\nwrite_bytes: 8192\n";
        assert_eq!(disk_bytes(io), (Some(4096), Some(8192)));
        assert_eq!(disk_bytes(b""), (None, None));
    }

    #[test]
    fn our_namespace_and_another() {
        let numbers = |status: &[u8]| Status::parse(status).numbers;
        assert_eq!(numbers(b"Name:\tx\nNSpid:\t7\nVmPeak:\t1\n"), 1);
        assert_eq!(numbers(b"NSpid:\t22624\t7\n"), 2);
        assert_eq!((numbers(b"Pid:\t7\n"), numbers(b"")), (0, 0));
    }

    #[test]
    fn our_own_process() {
        let view = View::of(Path::new("/proc"));
        assert!(view.is_procfs && view.same_namespace);
        let pid = u64::from(std::process::id());
        assert!(view.open_files(pid).is_some_and(|open| open >= 3));
        assert_eq!(view.open_files(u64::from(u32::MAX)), Some(0));
        let own = Process::open(Path::new("/proc"), std::process::id()).unwrap();
        assert!(!own.has_ended());
        assert_eq!(own.is_ending(&mut Buffer::new()), Some(false));
        assert!(own.command().is_some());
        let program = own.program().unwrap().unwrap();
        assert_eq!(program, std::env::current_exe().unwrap());
        assert!(own_open_files().is_some_and(|open| open >= 3));
    }
}
