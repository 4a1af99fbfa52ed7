//! `nvidia-smi -q -x`, where the library is not there or too old.
//!
//! All of what it knows is asked for, and not single fields by `--query-gpu`: one name that a driver does not
//! know makes that fail as a whole, and names have changed from driver to driver. It takes long (a third of a
//! second, seconds without persistence mode), so it is run seldom. It gets no environment of ours, is ended
//! after a while with all that it has started, and what it says is bounded. One that cannot even be killed is
//! waited for in later looks, and no second one is started beside it.

pub mod parse;

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::reasons::{LOST, NO_DRIVER, VERSIONS};
use crate::failure::{Failure, Reason};
use crate::text::{printable, short};

/// Bytes of its answer: some hundred kB a GPU, most of it lists of clocks.
const MOST: u64 = 8 << 20;
/// How long it may take.
pub const LIMIT: Duration = Duration::from_secs(4);
/// How long a killed one is waited for.
const DEATH: Duration = Duration::from_millis(200);
/// Where it is, if nobody says.
const USUAL: [&str; 4] = [
    "/usr/bin/nvidia-smi",
    "/usr/local/bin/nvidia-smi",
    "/usr/lib/wsl/lib/nvidia-smi",
    "/run/current-system/sw/bin/nvidia-smi",
];

/// The program, if there is one.
pub fn find(configured: Option<&PathBuf>) -> Option<PathBuf> {
    let usual = || USUAL.iter().map(PathBuf::from).find(|path| path.is_file());
    configured.cloned().filter(|path| path.is_file()).or_else(|| match configured {
        Some(_) => None,
        None => usual(),
    })
}

/// One that did not end when it was killed.
#[derive(Default)]
pub struct Left(Mutex<Option<Child>>);

impl Left {
    /// Runs it. What it says, or why it says nothing.
    pub fn run(&self, program: &Path) -> Result<String, Failure> {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(child) = left.as_mut() {
            match child.try_wait() {
                Ok(None) => return Err(hangs("the last nvidia-smi hangs and cannot be killed")),
                Ok(Some(_)) | Err(_) => *left = None,
            }
        }
        let mut child = start(program)?;
        let until = Instant::now() + LIMIT;
        let answer = listen(&mut child, until);
        if answer.is_err() || !ends(&child, until) {
            // It may have started others, which hold its pipe.
            if let Some(group) = Pid::from_raw(child.id().cast_signed()) {
                let _ = kill_process_group(group, Signal::KILL);
            }
            if !ends(&child, Instant::now() + DEATH) {
                *left = Some(child);
                return Err(hangs("nvidia-smi hangs and cannot be killed"));
            }
        }
        let status = child.wait().map_err(|error| Failure::io("nvidia-smi", &error))?;
        let bytes = answer?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if status.success() { Ok(text) } else { Err(said(&text, status.code())) }
    }
}

fn start(program: &Path) -> Result<Child, Failure> {
    Command::new(program)
        .args(["-q", "-x"])
        .env_clear()
        .env("LC_ALL", "C")
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| Failure::io(&program.display().to_string(), &error))
}

/// All that it says until it closes its output.
fn listen(child: &mut Child, until: Instant) -> Result<Vec<u8>, Failure> {
    let Some(mut output) = child.stdout.take() else {
        return Err(Failure::new(Reason::OTHER, "nvidia-smi has no output"));
    };
    let mut bytes = Vec::new();
    let mut part = vec![0; 64 << 10];
    loop {
        let mut wanted = [PollFd::new(&output, PollFlags::IN)];
        match poll(&mut wanted, Some(&left_until(until))) {
            Ok(0) => return Err(hangs("nvidia-smi gives no answer")),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(Failure::io("nvidia-smi", &error.into())),
        }
        let length = output.read(&mut part).map_err(|error| Failure::io("nvidia-smi", &error))?;
        if length == 0 {
            return Ok(bytes);
        }
        bytes.extend_from_slice(part.get(..length).unwrap_or_default());
        if bytes.len() as u64 > MOST {
            return Err(Failure::new(Reason::PARSE, "nvidia-smi says more than 8 MiB"));
        }
    }
}

/// Whether it has ended by then.
fn ends(child: &Child, until: Instant) -> bool {
    let Some(pid) = Pid::from_raw(child.id().cast_signed()) else { return true };
    // One that nobody has asked about is still there.
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return false };
    loop {
        match poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&left_until(until))) {
            Err(rustix::io::Errno::INTR) => {}
            outcome => return matches!(outcome, Ok(1..)),
        }
    }
}

fn left_until(until: Instant) -> Timespec {
    let left = until.saturating_duration_since(Instant::now());
    Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: left.subsec_nanos().into(),
    }
}

fn hangs(text: &str) -> Failure {
    Failure::new(Reason::TIMEOUT, text).hint(
        "without persistence mode it takes seconds: `nvidia-smi -pm 1`; if it never ends the driver is sick: `dmesg | grep -iE 'xid|nvrm' | tail`",
    )
}

/// What its words mean where it fails.
pub fn said(text: &str, code: Option<i32>) -> Failure {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let line = short(&printable(line), 200).into_owned();
    let code = code.map_or_else(|| "by a signal".to_owned(), |code| format!("with {code}"));
    let detail = if line.is_empty() {
        format!("nvidia-smi ended {code} and said nothing")
    } else {
        format!("nvidia-smi ended {code}: {line}")
    };
    let has = |words: &str| text.contains(words);
    let (reason, hint) = if has("GPU is lost") {
        (
            LOST,
            "one GPU has fallen off the bus, and nvidia-smi tells nothing of the others either: restart the machine",
        )
    } else if has("version mismatch") {
        (VERSIONS, "the driver was updated and the old one still runs: restart the machine")
    } else if has("couldn't communicate") || has("not loaded") {
        (
            NO_DRIVER,
            "`lsmod | grep nvidia; dmesg | grep -i nvrm`: after an update of the kernel its module must be built again",
        )
    } else if has("Insufficient Permissions") || has("permission") {
        (Reason::RIGHTS, "it needs /dev/nvidiactl and /dev/nvidia0: see docs/how-to/gpu.md")
    } else {
        (Reason::OTHER, "run `nvidia-smi -q -x | head -20` as the exporter's user")
    };
    Failure::new(reason, detail).hint(hint)
}
