//! 256 MB for one process: a control group where the machine lets one be made, else a limit on
//! the address space.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::servers::watchdog;

/// As `MemoryMax=` in the unit and `mem_limit` in Compose have it.
pub const LIMIT: u64 = 256 << 20;

/// How the limit is set on this machine.
#[derive(Clone, Debug)]
enum Way {
    V1(PathBuf),
    V2(PathBuf),
    AddressSpace,
}

static WAY: LazyLock<Way> = LazyLock::new(find);

/// A group of one process.
#[derive(Debug)]
pub struct Group {
    folder: Option<PathBuf>,
}

/// The kind of limit, for the table.
pub fn kind() -> &'static str {
    match &*WAY {
        Way::V1(_) => "control group (v1) of 256 MB",
        Way::V2(_) => "control group (v2) of 256 MB",
        Way::AddressSpace => "address space of 256 MB",
    }
}

/// Where a group can be made: tried out, for a mount may be read-only or hold no controller.
fn find() -> Way {
    let run = watchdog::run_dir().file_name().unwrap_or_default();
    let v1 = Path::new("/sys/fs/cgroup/memory").join(run);
    if fs::create_dir(&v1).is_ok() {
        watchdog::at_end(&format!("rmdir {0}/* {0}", v1.display()));
        if fs::write(v1.join("memory.limit_in_bytes"), LIMIT.to_string()).is_ok() {
            return Way::V1(v1);
        }
    }
    let v2 = Path::new("/sys/fs/cgroup").join(run);
    let has_memory = fs::read_to_string("/sys/fs/cgroup/cgroup.controllers")
        .is_ok_and(|list| list.split_whitespace().any(|one| one == "memory"));
    if has_memory && fs::create_dir(&v2).is_ok() {
        watchdog::at_end(&format!("rmdir {0}/* {0}", v2.display()));
        let _ = fs::write("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
        if fs::write(v2.join("cgroup.subtree_control"), "+memory").is_ok() {
            return Way::V2(v2);
        }
    }
    Way::AddressSpace
}

impl Group {
    /// # Panics
    /// When a group cannot be made where one could be made before.
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("exporter-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let (folder, limit) = match &*WAY {
            Way::V1(top) => (top.join(name), "memory.limit_in_bytes"),
            Way::V2(top) => (top.join(name), "memory.max"),
            Way::AddressSpace => return Self { folder: None },
        };
        fs::create_dir(&folder).expect("a control group");
        fs::write(folder.join(limit), LIMIT.to_string()).expect("a limit");
        // Without this what does not fit goes to swap, where there is some.
        for file in ["memory.memsw.limit_in_bytes", "memory.swap.max"] {
            let limit = if file.ends_with("max") { 0 } else { LIMIT };
            let _ = fs::write(folder.join(file), limit.to_string());
        }
        Self { folder: Some(folder) }
    }

    /// A shell script that limits itself and then becomes `$@`.
    pub fn script(&self) -> String {
        match &self.folder {
            Some(folder) => format!("echo $$ >{}/cgroup.procs && exec \"$@\"", folder.display()),
            None => format!("exec prlimit --as={LIMIT} \"$@\""),
        }
    }

    /// How many processes in it the kernel has killed for memory.
    pub fn kills(&self) -> u64 {
        let Some(folder) = &self.folder else { return 0 };
        let files = ["memory.oom_control", "memory.events"];
        let text = files.iter().find_map(|file| fs::read_to_string(folder.join(file)).ok());
        let text = text.unwrap_or_default();
        let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        count.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            // Full until the kernel has let go of the last process; the watchdog tries again.
            let _ = fs::remove_dir(folder);
        }
    }
}
