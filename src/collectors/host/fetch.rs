//! Files below `/proc`, and one `statvfs` for each mount.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;

use super::mounts::{Filter, Mount};
use crate::clients::kernel::{Buffer, load, ticks_per_second};
use crate::engine::blocking;
use crate::failure::{Failure, Reason};
use crate::files;

/// A file system that has not answered within this is stuck: a network disk that is gone.
const MOUNT_LIMIT: Duration = Duration::from_secs(1);
/// At the same time. Three times as many may hang before the first reading misses its deadline;
/// later ones skip them.
const AT_ONCE: usize = 16;
/// Bytes of the table of mounts.
const MOUNT_TABLE: u64 = 16 << 20;
/// Mounts that are looked at; more are counted.
const MOUNTS: usize = 200;

/// Which calls still hang. Outlives a reload, or each would let go of one more thread.
#[derive(Default)]
pub struct Hanging {
    proc: Arc<AtomicBool>,
    mounts: Mutex<HashMap<PathBuf, Arc<Mark>>>,
}

/// The calls to one mount.
#[derive(Default)]
pub(super) struct Mark {
    pub busy: Arc<AtomicBool>,
    /// The last call has been waited for in vain. Not so one that a reload has cut off.
    late: AtomicBool,
}

/// What was read, as it was found. A file that cannot be read is a part that is missing.
pub struct Raw {
    pub stat: Result<Vec<u8>, Failure>,
    pub meminfo: Result<Vec<u8>, Failure>,
    pub net: Result<Vec<u8>, Failure>,
    pub disks: Result<Vec<u8>, Failure>,
    pub load: Option<[f64; 3]>,
    pub uname: Uname,
    pub mounts: Result<Vec<Seen>, Failure>,
    /// Mounts beyond the cap.
    pub more_mounts: u64,
    /// Unit of the CPU times.
    pub ticks_per_second: f64,
}

#[derive(Clone, Default)]
pub struct Uname {
    pub sysname: String,
    pub release: String,
    pub version: String,
    pub machine: String,
    pub nodename: String,
    pub domainname: String,
}

/// A mount and what its file system says.
pub struct Seen {
    pub mount: Mount,
    pub space: Result<Space, Failure>,
}

/// `statvfs` in bytes and inodes.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
pub struct Space {
    pub size: u64,
    pub free: u64,
    /// Free for users other than root.
    pub avail: u64,
    pub files: u64,
    pub files_free: u64,
}

pub async fn fetch(proc: &Path, filter: &Filter, hanging: &Hanging) -> Result<Raw, Failure> {
    let folder = proc.to_owned();
    let texts = blocking("the proc file system", &hanging.proc, move || Ok(Texts::read(&folder)));
    let texts = texts.await?;
    let (mounts, more_mounts) = match texts.mounts {
        Ok(table) => {
            let mut mounts = filter.apply(&table);
            let more = mounts.len().saturating_sub(MOUNTS) as u64;
            mounts.truncate(MOUNTS);
            (Ok(hanging.look_at(mounts).await), more)
        }
        Err(failure) => (Err(failure), 0),
    };
    Ok(Raw {
        stat: texts.stat,
        meminfo: texts.meminfo,
        net: texts.net,
        disks: texts.disks,
        load: texts.load,
        uname: uname(),
        mounts,
        more_mounts,
        ticks_per_second: ticks_per_second(),
    })
}

struct Texts {
    stat: Result<Vec<u8>, Failure>,
    meminfo: Result<Vec<u8>, Failure>,
    net: Result<Vec<u8>, Failure>,
    disks: Result<Vec<u8>, Failure>,
    mounts: Result<Vec<u8>, Failure>,
    load: Option<[f64; 3]>,
}

impl Texts {
    /// Mounts and interfaces of process 1 are the host's, also from within a container that has
    /// the host's `/proc` mounted; where they may not be read, those of the exporter.
    fn read(proc: &Path) -> Self {
        let mut buffer = Buffer::new();
        let mut file = |name: &str, or: &str| {
            let text = buffer.load_either([proc.join(name), proc.join(or)]);
            text.map(<[u8]>::to_vec).map_err(|error| Failure::io(&format!("/proc/{or}"), &error))
        };
        Self {
            stat: file("stat", "stat"),
            meminfo: file("meminfo", "meminfo"),
            net: file("1/net/dev", "net/dev"),
            disks: file("diskstats", "diskstats"),
            // Lines of overlays are longer than the buffer allows.
            mounts: files::read(&proc.join("1/mounts"), MOUNT_TABLE)
                .or_else(|_| files::read(&proc.join("self/mounts"), MOUNT_TABLE))
                .map_err(|error| Failure::io("/proc/self/mounts", &error)),
            load: file("loadavg", "loadavg").ok().and_then(|text| load::load(&text)),
        }
    }
}

impl Hanging {
    pub(super) async fn look_at(&self, mounts: Vec<Mount>) -> Vec<Seen> {
        let calls: Vec<_> =
            mounts.into_iter().map(|mount| (self.mark(&mount.path), mount)).collect();
        let looks = futures_util::stream::iter(calls).map(|(mark, mount)| async move {
            let space = mark.space(&mount.path).await;
            Seen { mount, space }
        });
        looks.buffered(AT_ONCE).collect().await
    }

    pub(super) fn mark(&self, path: &Path) -> Arc<Mark> {
        let mut marks = self.mounts.lock().unwrap_or_else(PoisonError::into_inner);
        // Unmounted paths are forgotten; one that hangs is held by its call.
        if marks.len() > 4 * MOUNTS {
            marks.retain(|_, mark| Arc::strong_count(mark) + Arc::strong_count(&mark.busy) > 2);
        }
        Arc::clone(marks.entry(path.to_owned()).or_default())
    }
}

impl Mark {
    async fn space(&self, path: &Path) -> Result<Space, Failure> {
        // Or many that hang would use up the deadline of every reading.
        if self.late.load(Ordering::Acquire) && self.busy.load(Ordering::Acquire) {
            return Err(Failure::new(Reason::TIMEOUT, "statvfs: the last call still hangs"));
        }
        let owned = path.to_owned();
        let call = blocking("statvfs", &self.busy, move || statvfs(&owned));
        let answer = tokio::time::timeout(MOUNT_LIMIT, call).await;
        self.late.store(answer.is_err(), Ordering::Release);
        answer.unwrap_or_else(|_| {
            Err(Failure::new(Reason::TIMEOUT, "statvfs: no answer within a second"))
        })
    }
}

fn statvfs(path: &Path) -> Result<Space, Failure> {
    let stat = rustix::fs::statvfs(path).map_err(|error| Failure::io("statvfs", &error.into()))?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Ok(Space {
        size: bytes(stat.f_blocks),
        free: bytes(stat.f_bfree),
        avail: bytes(stat.f_bavail),
        files: stat.f_files,
        files_free: stat.f_ffree,
    })
}

fn uname() -> Uname {
    let uname = rustix::system::uname();
    let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    Uname {
        sysname: text(uname.sysname()),
        release: text(uname.release()),
        version: text(uname.version()),
        machine: text(uname.machine()),
        nodename: text(uname.nodename()),
        domainname: text(uname.domainname()),
    }
}
