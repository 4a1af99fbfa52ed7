//! Files below `/proc`, and one `statvfs` for each mount.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt as _;

use super::activity::Activity;
use super::devices::Link;
use super::extended::Extended;
use super::mounts::{Filter, Mount};
use super::sample;
use super::trend::Trends;
use super::upkeep::Upkeep;
use super::writable::Writable;
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
/// And of the table of those that should be there.
const FSTAB: u64 = 1 << 20;
/// Mounts that are looked at; more are counted.
const MOUNTS: usize = 200;

/// What outlives a reload.
#[derive(Default)]
pub struct Lasting {
    pub hanging: Hanging,
    pub past: Past,
}

/// Which calls still hang: after a reload each would let go of one more thread.
#[derive(Default)]
pub struct Hanging {
    proc: Arc<AtomicBool>,
    pub(super) sensors: Arc<AtomicBool>,
    pub(super) updates: Arc<AtomicBool>,
    mounts: Mutex<HashMap<PathBuf, Arc<Mark>>>,
}

/// What is known from earlier readings.
#[derive(Default)]
pub struct Past(Mutex<Earlier>);

#[derive(Default)]
struct Earlier {
    trends: Trends,
    writable: Writable,
}

/// Where the host's files are.
#[derive(Clone)]
pub struct Paths {
    pub proc: PathBuf,
    pub root: PathBuf,
    /// Whether also what `host.extended` adds is read.
    pub extended: bool,
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
    pub texts: Texts,
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
    /// Whether the file system itself is read-only, where that is known.
    pub closed: Option<bool>,
    /// The same, while it is meant to be writable.
    pub turned: Option<bool>,
    /// Seconds until it is full, once it has been looked at for long enough.
    pub full_in: Option<f64>,
}

impl Seen {
    pub fn new(mount: Mount, space: Result<Space, Failure>) -> Self {
        Self { mount, space, closed: None, turned: None, full_in: None }
    }
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

pub async fn fetch(paths: &Paths, filter: &Filter, hanging: &Hanging) -> Result<Raw, Failure> {
    let places = paths.clone();
    let texts = blocking("the proc file system", &hanging.proc, move || Ok(Texts::read(&places)));
    let mut texts = texts.await?;
    let (mounts, more_mounts) = match std::mem::replace(&mut texts.mounts, Ok(Vec::new())) {
        Ok(table) => {
            let mut mounts = filter.apply(&table);
            let more = mounts.len().saturating_sub(MOUNTS) as u64;
            mounts.truncate(MOUNTS);
            let mut seen = hanging.look_at(mounts).await;
            Filter::close(&texts.superblocks, texts.own_mounts, &mut seen);
            (Ok(seen), more)
        }
        Err(failure) => (Err(failure), 0),
    };
    let ticks_per_second = ticks_per_second();
    Ok(Raw { texts, uname: uname(), mounts, more_mounts, ticks_per_second })
}

pub struct Texts {
    pub stat: Result<Vec<u8>, Failure>,
    pub meminfo: Result<Vec<u8>, Failure>,
    pub net: Result<Vec<u8>, Failure>,
    pub disks: Result<Vec<u8>, Failure>,
    pub mounts: Result<Vec<u8>, Failure>,
    /// The mounts are those of the exporter, which may be made read-only for it alone.
    pub own_mounts: bool,
    pub superblocks: Vec<u8>,
    pub fstab: Vec<u8>,
    pub arrays: Vec<u8>,
    pub load: Option<[f64; 3]>,
    pub activity: Activity,
    pub links: Vec<Link>,
    pub upkeep: Upkeep,
    pub extended: Option<Extended>,
}

impl Raw {
    /// What follows from earlier readings.
    pub fn remember(&mut self, past: &Past, now: SystemTime) {
        let Ok(mounts) = &mut self.mounts else { return };
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut past = past.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Earlier { trends, writable } = &mut *past;
        let states = mounts.iter().map(|Seen { mount, closed, .. }| {
            (mount.seen.device.as_str(), mount.seen.mountpoint.as_str(), *closed)
        });
        let turned = writable.note(&self.texts.fstab, states);
        for (seen, turned) in mounts.iter_mut().zip(turned) {
            seen.turned = turned;
        }
        // One that hangs is no longer followed: nobody knows what went on meanwhile.
        let answer = |seen: &mut Seen| seen.space.as_ref().ok().map(|space| space.avail);
        let mut known: Vec<(&mut Seen, u64)> =
            mounts.iter_mut().filter_map(|seen| answer(seen).map(|left| (seen, left))).collect();
        let left = known.iter().map(|(seen, left)| {
            (seen.mount.seen.device.as_str(), seen.mount.seen.mountpoint.as_str(), *left)
        });
        let full_in = trends.note(now, left);
        for ((seen, _), full_in) in known.iter_mut().zip(full_in) {
            seen.full_in = full_in;
        }
    }
}

impl Texts {
    /// Mounts and interfaces of process 1 are the host's, also from within a container that has
    /// the host's `/proc` mounted; where they may not be read, those of the exporter.
    pub fn read(Paths { proc, root, extended }: &Paths) -> Self {
        let mut buffer = Buffer::new();
        let extended = extended.then(|| Extended::read(proc, root, &mut buffer));
        let activity = Activity::read(proc, &mut buffer);
        let links = Link::all(&root.join("sys"), &mut buffer, sample::is_of_container);
        let mut file = |name: &str, or: &str| {
            let text = buffer.load_either([proc.join(name), proc.join(or)]);
            text.map(<[u8]>::to_vec).map_err(|error| Failure::io(&format!("/proc/{or}"), &error))
        };
        let of_host = files::read(&proc.join("1/mounts"), MOUNT_TABLE);
        // Lines of overlays are longer than the buffer allows.
        let table = |name: &str| files::read(&proc.join(name), MOUNT_TABLE);
        Self {
            own_mounts: of_host.is_err(),
            stat: file("stat", "stat"),
            meminfo: file("meminfo", "meminfo"),
            net: file("1/net/dev", "net/dev"),
            disks: file("diskstats", "diskstats"),
            mounts: of_host
                .or_else(|_| table("self/mounts"))
                .map_err(|error| Failure::io("/proc/self/mounts", &error)),
            superblocks: table("1/mountinfo")
                .or_else(|_| table("self/mountinfo"))
                .unwrap_or_default(),
            fstab: files::read(&root.join("etc/fstab"), FSTAB).unwrap_or_default(),
            arrays: file("mdstat", "mdstat").unwrap_or_default(),
            load: file("loadavg", "loadavg").ok().and_then(|text| load::load(&text)),
            activity,
            links,
            upkeep: Upkeep::read(root),
            extended,
        }
    }
}

impl Hanging {
    pub(super) async fn look_at(&self, mounts: Vec<Mount>) -> Vec<Seen> {
        let calls: Vec<_> =
            mounts.into_iter().map(|mount| (self.mark(&mount.path), mount)).collect();
        let looks = futures_util::stream::iter(calls).map(|(mark, mount)| async move {
            let space = mark.space(&mount.path).await;
            Seen::new(mount, space)
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
