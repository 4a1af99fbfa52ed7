//! Since when the Engine of this machine has been running: what ended before that did not end in
//! its sight. The Engine itself does not say.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::{lock, time};
use crate::clients::kernel::process::Stat;
use crate::clients::kernel::{Buffer, load, ticks_per_second};

/// As the kernel knows the Engine.
const NAME: &[u8] = b"dockerd";
/// An Engine that was not found is looked for again after this long.
const AGAIN: Duration = Duration::from_mins(1);

/// Where processes are looked for.
pub struct Since {
    /// As the Engine's machine has it; it may be mounted elsewhere.
    proc: PathBuf,
    /// The process that was found by its name, or when there was none.
    found: Mutex<Option<Result<String, Instant>>>,
}

impl Since {
    pub const fn new(proc: PathBuf) -> Self {
        Self { proc, found: Mutex::new(None) }
    }

    /// Seconds since 1970. `peer`: the process at the other end of the socket, by our own numbers;
    /// with systemd that is the one that listens for the Engine. Where the Engine cannot be told,
    /// since when the machine has been running.
    pub fn read(&self, peer: Option<u32>) -> Option<f64> {
        let own = Path::new("/proc");
        let mut buffer = Buffer::new();
        let boot = booted(own, &mut buffer)?;
        let by_socket = peer.and_then(|pid| started(&own.join(pid.to_string()), &mut buffer));
        let engine = by_socket.or_else(|| self.by_name(&mut buffer));
        Some(boot + engine.unwrap_or(0.0))
    }

    /// The only Engine there is: of two nobody knows which one is meant.
    fn by_name(&self, buffer: &mut Buffer) -> Option<f64> {
        let mut found = lock(&self.found);
        match &*found {
            Some(Ok(pid)) => {
                if let Some(started) = started(&self.proc.join(pid), buffer) {
                    return Some(started);
                }
            }
            Some(Err(at)) if at.elapsed() < AGAIN => return None,
            _ => {}
        }
        let mut engines = std::fs::read_dir(&self.proc).ok()?.filter_map(|entry| {
            let pid = entry.ok()?.file_name().into_string().ok()?;
            let is_number = pid.bytes().all(|byte| byte.is_ascii_digit());
            let started = is_number.then(|| started(&self.proc.join(&pid), buffer))??;
            Some((pid, started))
        });
        let only = engines.next().filter(|_| engines.next().is_none());
        let started = only.as_ref().map(|(_, started)| *started);
        *found = Some(only.map(|(pid, _)| pid).ok_or_else(Instant::now));
        started
    }
}

/// When the machine was started, in seconds since 1970.
fn booted(proc: &Path, buffer: &mut Buffer) -> Option<f64> {
    Some(time::now() - load::uptime(buffer.read(&proc.join("uptime"))?)?)
}

/// Of an Engine's process: seconds from the start of the machine to its own.
fn started(process: &Path, buffer: &mut Buffer) -> Option<f64> {
    let stat = Stat::parse(buffer.read(&process.join("stat"))?)?;
    let ticks = stat.started.filter(|_| stat.name == NAME)?;
    Some(ticks as f64 / ticks_per_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(proc: &Path, pid: &str, name: &str, ticks: u64) {
        let stat = format!("{pid} ({name}) S 1{} {ticks} 0 0", " 0".repeat(17));
        std::fs::create_dir_all(proc.join(pid)).unwrap();
        std::fs::write(proc.join(pid).join("stat"), stat).unwrap();
    }

    #[test]
    fn the_only_engine_of_the_machine() {
        let folder = tempfile::tempdir().unwrap();
        let proc = folder.path();
        let since = || Since::new(proc.to_owned());
        let boot = booted(Path::new("/proc"), &mut Buffer::new()).unwrap();
        let after_boot = |since: &Since| since.read(None).unwrap() - boot;
        process(proc, "1", "systemd", 100);
        process(proc, "70", "dockerd-thing", 100);
        assert!(after_boot(&since()).abs() < 1.0, "none: the machine's own start");
        process(proc, "71", "dockerd", 500_000);
        let hertz = rustix::param::clock_ticks_per_second() as f64;
        let one = since();
        assert!((after_boot(&one) - 500_000.0 / hertz).abs() < 1.0);
        // It was started again, with another number.
        std::fs::remove_dir_all(proc.join("71")).unwrap();
        process(proc, "80", "dockerd", 700_000);
        assert!((after_boot(&one) - 700_000.0 / hertz).abs() < 1.0);
        process(proc, "81", "dockerd", 600_000);
        assert!(after_boot(&since()).abs() < 1.0, "two: who knows");
        assert!(since().read(Some(std::process::id())).unwrap() - boot < 1.0, "not an Engine");
    }
}
