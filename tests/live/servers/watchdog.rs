//! The run's temporary folder, and the process that empties it when the tests are gone.
//!
//! A shell reads a pipe that only we hold open: it wakes when this process ends, however it
//! ends. It then kills every process whose working directory lies in the folder (Postgres's
//! backends leave the process group, but not the folder) and removes the folder.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

/// `$1` is the folder. Lines that arrive on the pipe are commands for the end.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
run=$1
todo=$(cat)
cd /
tries=0
while [ "$tries" -lt 50 ]; do
    busy=
    for process in /proc/[0-9]*; do
        case $(readlink "$process/cwd" 2>/dev/null) in
        "$run" | "$run"/*) kill -9 "${process#/proc/}" 2>/dev/null && busy=yes ;;
        esac
    done
    [ -z "$busy" ] && rm -rf "$run" 2>/dev/null && break
    tries=$((tries + 1))
    sleep 0.1
done
eval "$todo"
"#;

struct Watchdog {
    run: PathBuf,
    /// Never waited for: it ends after us.
    _shell: Child,
    /// Never closed by us: the kernel does it when this process ends.
    pipe: Mutex<ChildStdin>,
}

static WATCHDOG: LazyLock<Watchdog> = LazyLock::new(|| {
    let folder = tempfile::Builder::new().prefix("stack-live-").tempdir().expect("a folder");
    let run = folder.keep().canonicalize().expect("the folder's path");
    // Servers that run as another user must get to their own folder in it.
    fs::set_permissions(&run, fs::Permissions::from_mode(0o711)).expect("permissions");
    let mut shell = Command::new("sh")
        .args(["-c", SCRIPT, "stack-live-watchdog"])
        .arg(&run)
        // Ctrl-C goes to the terminal's process group, and a held stdout keeps `| tee` waiting.
        .process_group(0)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh");
    let pipe = Mutex::new(shell.stdin.take().expect("a pipe"));
    Watchdog { run, _shell: shell, pipe }
});

/// Makes sure that the watchdog runs.
pub fn ensure() {
    LazyLock::force(&WATCHDOG);
}

/// A new folder for one server.
///
/// # Panics
/// When it cannot be made.
pub fn dir(name: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let dir = WATCHDOG.run.join(format!("{name}-{count}"));
    fs::create_dir(&dir).expect("a server's folder");
    dir
}

/// The run's folder; its name is unique on this machine.
pub fn run_dir() -> &'static Path {
    &WATCHDOG.run
}

/// A shell command to run when this process is gone, for what lies outside the folder.
pub fn at_end(command: &str) {
    let mut pipe = WATCHDOG.pipe.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = writeln!(pipe, "{command}");
}
