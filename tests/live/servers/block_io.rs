//! Whether the kernel counts block I/O of containers: found out once, and made so where it can be.
//!
//! Newer kernels count it for control groups of version 1 only once some throttle rule exists on
//! the disk (`blkio.throttle.io_service_bytes` says `Total 0` until then), and from then on for
//! all groups. One container with a limit that it never reaches is such a rule.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{major, minor, stat};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::docker::{ContainerSpec, Docker};
use super::wait::{PATIENT, until};

/// How long a kernel that counts may take to show it.
const SHOWN: Duration = Duration::from_secs(5);
/// More than any disk of a test machine writes.
const RATE: u64 = 500 << 20;

/// What the machine says of the fact: `Err` has the reason why it cannot.
pub async fn counted(docker: &Docker) -> Result<(), &'static str> {
    static COUNTED: OnceCell<Result<(), String>> = OnceCell::const_new();
    let counted = COUNTED
        .get_or_init(async || {
            let counted = make_counted(docker).await;
            if let Err(why) = &counted {
                eprintln!("LEFT OUT: all that asks for block I/O of containers: {why}");
            }
            counted
        })
        .await;
    counted.as_ref().copied().map_err(String::as_str)
}

async fn make_counted(docker: &Docker) -> Result<(), String> {
    if shows(docker, "plain", &Value::Null).await {
        return Ok(());
    }
    let info = docker.engine.ask(async |client| client.info().await);
    let root = info.map_err(|error| error.to_string())?.docker_root_dir;
    let root = root.unwrap_or_else(|| "/var/lib/docker".to_owned());
    let disk = disk_of(Path::new(&root))?;
    let limit = json!({ "BlkioDeviceWriteBps": [{ "Path": disk, "Rate": RATE }] });
    if shows(docker, "limited", &limit).await {
        return Ok(());
    }
    Err(format!("this kernel counts none, also with a throttle rule on {}", disk.display()))
}

/// Whether a container that has written to its disk has a count of it.
async fn shows(docker: &Docker, name: &str, limit: &Value) -> bool {
    let write = "while :; do dd if=/dev/zero of=/f bs=64k count=4 conv=fsync; sleep 0.2; done";
    let spec = ContainerSpec::new(&format!("block-io-{name}")).shell(write);
    let container = docker.run(spec.merge("HostConfig", limit.clone()));
    let start = Instant::now();
    until("a count of block I/O, or none", PATIENT, async || {
        let block_io = container.stats().blkio_stats.unwrap_or_default();
        let entries = block_io.io_service_bytes_recursive.unwrap_or_default();
        let any = entries.iter().any(|entry| entry.value > Some(0));
        (any || start.elapsed() > SHOWN).then_some(any)
    })
    .await
}

/// The whole disk that has a folder, as `/dev/NAME`.
fn disk_of(folder: &Path) -> Result<PathBuf, String> {
    let place = folder.display();
    let device = stat(folder).map_err(|error| format!("{place}: {error}"))?.st_dev;
    let entry = format!("/sys/dev/block/{}:{}", major(device), minor(device));
    let entry = fs::canonicalize(&entry)
        .map_err(|_| format!("{place} lies on no disk, and a throttle rule needs one"))?;
    // The rule belongs to the disk, and the file system may lie on a part of it.
    let is_part = entry.join("partition").exists();
    let disk = if is_part { entry.parent().unwrap_or(&entry) } else { &entry };
    let name = disk.file_name().unwrap_or_default().to_string_lossy().replace('!', "/");
    Ok(Path::new("/dev").join(name))
}
