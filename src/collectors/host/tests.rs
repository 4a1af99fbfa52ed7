//! The golden runner and the real machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::config::Host;
use super::devices::Sensors;
use super::fetch::{Past, Paths, Raw, Seen, Space, Texts, Uname};
use super::{mounts, plan, sample};
use crate::clients::kernel::{self, load, parse};
use crate::engine::Memory;
use crate::failure::{Failure, Reason};
use crate::golden;
use crate::plan::Plan;

/// `proc` and `sys` are trees as on a machine, read as they would be there, `etc/fstab` beside them. Without
/// one, single files are named after those in `/proc`. `statvfs.json` has the space by mount point, and a
/// mount that is not in it hangs; `root` holds `root_path`.
fn raw(case: &Path) -> Raw {
    let text = |name: &str| {
        golden::file(case, name)
            .ok_or_else(|| Failure::new(Reason::NOT_FOUND, format!("/proc/{name}: not there")))
    };
    let root = text("root").map_or("/".to_owned(), |text| parse::text(text.trim_ascii()));
    let host = Host::default();
    let regex = |text: &str| regex::Regex::new(text).expect("a pattern");
    let filter = mounts::Filter {
        mounts: regex(&host.ignore_mounts),
        fstypes: regex(&host.ignore_fstypes),
        root: root.into(),
    };
    let mut texts =
        Texts::read(&Paths { proc: case.join("proc"), root: case.to_owned(), extended: true });
    if !case.join("proc").is_dir() {
        texts = Texts {
            stat: text("stat"),
            meminfo: text("meminfo"),
            net: text("net_dev"),
            disks: text("diskstats"),
            mounts: text("mounts"),
            load: text("loadavg").ok().and_then(|text| load::load(&text)),
            ..texts
        };
    }
    let space: BTreeMap<String, Space> =
        serde_json::from_slice(&text("statvfs.json").unwrap_or(b"{}".to_vec())).expect("JSON");
    let seen = |mount: mounts::Mount| {
        let hangs = || Failure::new(Reason::TIMEOUT, "statvfs: no answer within a second");
        let space = space.get(&mount.seen.mountpoint).copied().ok_or_else(hangs);
        Seen::new(mount, space)
    };
    let table = std::mem::replace(&mut texts.mounts, Ok(Vec::new()));
    let mounts = table.map(|table| {
        let mut seen: Vec<_> = filter.apply(&table).into_iter().map(seen).collect();
        mounts::Filter::close(&texts.superblocks, texts.own_mounts, &mut seen);
        seen
    });
    Raw {
        texts,
        uname: Uname {
            sysname: "Linux".to_owned(),
            release: "6.1.0-31-amd64".to_owned(),
            version: "#1 SMP Debian".to_owned(),
            machine: "x86_64".to_owned(),
            nodename: "host".to_owned(),
            domainname: String::new(),
        },
        mounts,
        more_mounts: 0,
        ticks_per_second: 100.0,
    }
}

#[test]
fn golden_cases() {
    let now = UNIX_EPOCH + Duration::from_hours(500_000);
    golden::run("host", |case| {
        let mut raw = raw(case);
        raw.remember(&Past::default(), now);
        let sensors = Sensors::read(&case.join("sys"));
        Ok(sample::sample(raw, now)?.with(sensors.chips).with(sensors.sensors))
    });
}

fn planned(yaml: &str) -> (usize, Vec<String>) {
    let loaded = crate::config::load::<Host>("c.yaml", yaml, &|_| None);
    let host = loaded.finish().expect("a valid section");
    let memory = Memory::default();
    let mut made = Plan::new(&|_| None, &memory);
    made.section("host", &super::AREA);
    plan(Some(&host), &mut made);
    let mistakes = made.mistakes.iter().map(|m| format!("{}: {}", m.path, m.message));
    (made.targets.len(), mistakes.collect())
}

#[test]
fn mistakes_are_named_with_their_key() {
    assert_eq!(planned("{}"), (1, vec![]));
    assert_eq!(planned("enabled: false\nproc_path: nowhere"), (0, vec![]));
    let (_, mistakes) = planned("proc_path: /tmp\nroot_path: here\nignore_mounts: '^(/a'");
    assert_eq!(
        mistakes,
        [
            "host.proc_path: there is no file `stat` in it: expected a proc file system, for \
             example `/proc`",
            "host.root_path: must be an absolute path",
            "host.ignore_mounts: not a regular expression: unclosed group",
        ]
    );
}

#[tokio::test]
async fn other_thresholds_leave_the_machine_alone() {
    let board = crate::engine::Board::default();
    let mut slots = Vec::new();
    for thresholds in ["", "thresholds: { cpu: 70% }"] {
        let loaded = crate::config::load::<Host>("c.yaml", thresholds, &|_| None);
        let host = loaded.finish().expect("a valid section");
        let mut made = Plan::new(&|_| None, &board.memory);
        made.section("host", &super::AREA);
        plan(Some(&host), &mut made);
        assert_eq!(made.mistakes, []);
        board.apply(made.targets);
        slots.extend(board.slots());
    }
    assert!(std::sync::Arc::ptr_eq(&slots[0], &slots[1]));
}

/// The machine that the tests run on, to the end, twice: the marks of the first reading must not
/// stand in the way of the second.
#[tokio::test]
async fn this_machine_can_be_read() {
    let host = Host::default();
    let hanging = super::fetch::Hanging::default();
    let filter = mounts::Filter {
        mounts: regex::Regex::new(&host.ignore_mounts).unwrap(),
        fstypes: regex::Regex::new(&host.ignore_fstypes).unwrap(),
        root: host.root_path.clone(),
    };
    let paths =
        Paths { proc: host.proc_path.clone(), root: host.root_path.clone(), extended: false };
    for _ in 0..2 {
        let raw = super::fetch::fetch(&paths, &filter, &hanging).await.unwrap();
        let batch = sample::sample(raw, SystemTime::now()).unwrap();
        assert!(batch.sets().count() >= 3);
    }
}

/// A mount whose last call has not come back is not asked again, and the others are.
#[tokio::test]
async fn a_mount_that_hangs_stands_alone() {
    let hanging = super::fetch::Hanging::default();
    let mount = |path: &str| mounts::Mount {
        seen: kernel::mounts::Mount {
            device: "d".to_owned(),
            mountpoint: path.to_owned(),
            fstype: "f".to_owned(),
            read_only: false,
        },
        path: path.into(),
    };
    hanging.mark(Path::new("/tmp")).busy.store(true, std::sync::atomic::Ordering::Release);
    for said in ["statvfs: no answer within a second", "statvfs: the last call still hangs"] {
        let begun = std::time::Instant::now();
        let seen = hanging.look_at(vec![mount("/tmp"), mount("/"), mount("/no/such/path")]).await;
        let failures: Vec<_> = seen.iter().map(|s| s.space.as_ref().err()).collect();
        let reasons: Vec<_> = failures.iter().map(|f| f.map(|f| f.reason)).collect();
        assert_eq!(reasons, [Some(Reason::TIMEOUT), None, Some(Reason::NOT_FOUND)]);
        assert_eq!(failures[0].unwrap().to_string(), said);
        // It is waited for once: a reload may have cut it off.
        let waited = begun.elapsed() > Duration::from_millis(900);
        assert_eq!(waited, said.contains("within"));
    }
    hanging.mark(Path::new("/tmp")).busy.store(false, std::sync::atomic::Ordering::Release);
    assert!(hanging.look_at(vec![mount("/tmp")]).await[0].space.is_ok());
}
