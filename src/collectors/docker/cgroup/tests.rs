//! Against trees of `/proc` and `/sys/fs/cgroup`: `tests/fixtures/cgroup`.

use std::fs;
use std::path::Path;

use super::super::facts::{Cpu, Disk, Memory, Network, Pressure, Traffic, Usage};
use super::*;
use crate::clients::kernel::Stall;
use crate::clients::kernel::cgroup::Hierarchy;

const BUSY: &str = "bdc656b7a223694a4f9e9ef6ce58220559ffd2c7db3637b647a9e7b4e9fdc8d7";
const IDLE: &str = "07517f82b45415ed80fdf5d36c8a0db8e8da721adadf8c61595e7a47a6e6fec5";
const DEEP: &str = "1d30659e7bc4baed51c975b98c5f729669835863ad0fb389cd358dfbef48347d";
const HYBRID: &str = "hybrid_docker_20.10.24";

fn id(two: &str) -> String {
    two.repeat(32)
}

fn folder(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cgroup").join(case)
}

fn at(folder: &Path) -> Cgroups {
    Cgroups::find(Roots { proc: folder.join("proc"), cgroup: folder.join("cgroup") }).unwrap()
}

fn usage(case: &str, id: &str, pid: u32) -> Usage {
    let cgroups = at(&folder(case));
    cgroups.read(&cgroups.locate(id, pid).unwrap()).unwrap()
}

/// A copy that a test may change.
fn copy(case: &str) -> tempfile::TempDir {
    fn all(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            let to = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                all(&entry.path(), &to);
            } else {
                fs::copy(entry.path(), to).unwrap();
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    all(&folder(case), dir.path());
    dir
}

fn network(bytes: u64) -> Network {
    let traffic = |bytes, packets, errors, dropped| Traffic {
        bytes: Some(bytes),
        packets: Some(packets),
        errors: Some(errors),
        dropped: Some(dropped),
    };
    Network { received: traffic(bytes, 41, 1, 2), sent: traffic(2 * bytes, 40, 3, 4) }
}

/// The container was paused meanwhile: nothing moved between the two readings.
#[test]
fn files_and_engine_say_the_same() {
    for (name, id, pid) in [("busy", BUSY, 19734), ("idle", IDLE, 18401), ("deep", DEEP, 18531)] {
        let stats = fs::read(folder(HYBRID).join(format!("{name}.stats.json"))).unwrap();
        let engine = Usage::of(serde_json::from_slice(&stats).unwrap()).unwrap();
        let own = usage(HYBRID, id, pid);
        assert_eq!(own.cpu, engine.cpu, "{name}");
        assert_eq!(own.networks, engine.networks, "{name}");
        assert_eq!(own.disks, engine.disks, "{name}");
        assert!(own.memory.unreclaimable.is_some(), "{name}");
        // This Engine does not say it.
        let of_both = Memory { swap: engine.memory.swap, ..own.memory.clone() };
        assert_eq!(of_both, engine.memory, "{name}");
    }
}

/// The words of `memory.stat` that an Engine on v2 hands on: neither `kernel` nor its parts beyond
/// stacks and slab.
const HANDED_ON: [&str; 16] = [
    "active_anon",
    "active_file",
    "anon",
    "file",
    "file_mapped",
    "inactive_anon",
    "inactive_file",
    "kernel_stack",
    "pgfault",
    "pgmajfault",
    "shmem",
    "slab",
    "slab_reclaimable",
    "slab_unreclaimable",
    "sock",
    "unevictable",
];

/// Of each tree of v2, with the answer that an Engine would make of the same files.
#[test]
fn files_and_engine_say_the_same_on_v2() {
    let trees = [
        ("v2_systemd", id("a1"), 4711),
        ("v2_podman_rootless", id("b2"), 5000),
        ("v2_private_namespace", id("c3"), 6000),
        ("v2_cgroupfs_5.10", id("a1"), 7000),
    ];
    for (case, id, pid) in trees {
        let cgroups = at(&folder(case));
        let place = cgroups.locate(&id, pid).unwrap();
        let dir = place.group.get(Hierarchy::Unified).unwrap();
        let file = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
        let stat = file("memory.stat");
        let words = stat.lines().filter_map(|line| line.split_once(' '));
        let words = words.filter(|(word, _)| HANDED_ON.contains(word));
        let words: serde_json::Map<_, _> = words
            .map(|(word, value)| (word.to_owned(), value.parse::<u64>().unwrap().into()))
            .collect();
        let usage: u64 = file("memory.current").trim().parse().unwrap();
        let stats = serde_json::json!({
            "read": "2026-01-02T03:04:05Z",
            "memory_stats": { "usage": usage, "stats": words },
        });
        let engine = Usage::of(serde_json::from_value(stats).unwrap()).unwrap().memory;
        let own = cgroups.read(&place).unwrap().memory;
        assert!(own.unreclaimable.is_some_and(|some| some > own.rss.unwrap()), "{case}");
        // What an Engine does not say on v2.
        let of_both = Memory { swap: None, max: None, limit_hits: None, ..own };
        assert_eq!(of_both, engine, "{case}");
    }
}

#[test]
fn what_only_the_files_say() {
    let busy = usage(HYBRID, BUSY, 19734);
    assert_eq!(busy.oom_kills, Some(2));
    assert_eq!((busy.threads, busy.processes, busy.descriptors), (Some(3), Some(3), Some(12)));
    assert_eq!(busy.sockets, Some(1));
    // Of 26 MB 19 are page cache. The rest: 164 kB anonymous, 6 MB in /dev/shm, 1 MB of the kernel,
    // and what it has charged in advance, up to 64 pages for each of two cores.
    assert_eq!(busy.memory.unreclaimable, Some(26_402_816 - 18_882_560));
    let parts = 167_936 + 6_291_456 + 950_272;
    assert!((parts..parts + 2 * 64 * 4096).contains(&busy.memory.unreclaimable.unwrap()));
    assert!(busy.pressure.cpu.waiting.unwrap() > 10.0);
    assert_eq!(busy.memory.limit_hits, Some(1302));
    let disk = busy.disks.get(&(254, 0)).unwrap();
    assert_eq!((disk.reads, disk.writes), (Some(3), Some(11)));
    assert_eq!(at(&folder(HYBRID)).source(), "cgroup_hybrid");
}

#[test]
fn the_machine() {
    let cgroups = at(&folder(HYBRID));
    let Machine { usage, cores, memory } = cgroups.machine();
    assert_eq!((cores, memory), (Some(2), Some(24_684_084 * 1024)));
    let user = f64::from(38_233 + 47_817) / 100.0;
    let system = f64::from(16_956 + 152) / 100.0;
    assert_eq!((usage.cpu.user, usage.cpu.system), (Some(user), Some(system)));
    assert_eq!(usage.cpu.total, Some(f64::from(38_233 + 47_817 + 16_956 + 152) / 100.0));
    assert!(usage.networks.keys().eq(["eth0", "ifb0", "ifb1"]));
    assert_eq!((usage.oom_kills.is_some(), usage.threads), (true, Some(220)));
    let Memory { usage: Some(all), working_set: Some(working), unreclaimable: Some(stays), .. } =
        usage.memory
    else {
        panic!("{:?}", usage.memory)
    };
    assert!(stays < working && working < all && all < memory.unwrap());
}

#[test]
fn v2_with_the_systemd_driver() {
    let stall = Stall { waiting: Some(1.5), stalled: Some(0.25) };
    let disk = |[read_bytes, written_bytes, reads, writes]: [u64; 4]| Disk {
        read_bytes: Some(read_bytes),
        written_bytes: Some(written_bytes),
        reads: Some(reads),
        writes: Some(writes),
    };
    let expected = Usage {
        cpu: Cpu {
            total: Some(12.5),
            user: Some(10.0),
            system: Some(2.5),
            periods: Some(200),
            throttled: Some(50),
            throttled_seconds: Some(1.25),
        },
        memory: Memory {
            usage: Some(104_857_600),
            working_set: Some(64_857_600),
            max: Some(120_000_000),
            rss: Some(30_000_000),
            cache: Some(70_000_000),
            mapped: Some(4_194_304),
            swap: Some(4096),
            unreclaimable: Some(104_857_600 - 40_000_000 - 25_000_000 - 300_000),
            limit_hits: Some(17),
            faults: Some(5000),
            major_faults: Some(7),
        },
        threads: Some(9),
        processes: Some(3),
        sockets: Some(12),
        descriptors: Some(9),
        networks: [("eth0".to_owned(), network(1000))].into(),
        disks: [((259, 0), disk([4096, 8192, 1, 2])), ((253, 1), disk([100, 0, 3, 0]))].into(),
        pressure: Pressure { cpu: stall.clone(), memory: stall.clone(), io: stall },
        oom_kills: Some(2),
        ending: None,
        more: 0,
    };
    assert_eq!(usage("v2_systemd", &id("a1"), 4711), expected);
    assert_eq!(at(&folder("v2_systemd")).source(), "cgroup_v2");
}

#[test]
fn podman_keeps_its_processes_one_level_down() {
    let cgroups = at(&folder("v2_podman_rootless"));
    for pid in [5000, 4999, 0] {
        // 4999 is the watcher, whose group bears the id too.
        let place = cgroups.locate(&id("b2"), pid).unwrap();
        let usage = cgroups.read(&place).unwrap();
        assert_eq!(usage.memory.usage, Some(20_000_000), "{pid}");
        assert_eq!((usage.processes, usage.threads), (Some(1), Some(1)));
        assert_eq!(usage.networks.get("eth0"), Some(&network(2000)));
        // Not handed down: unknown, not 0.
        assert_eq!((usage.cpu.total, usage.cpu.periods), (Some(12.5), None));
        assert!(usage.disks.is_empty());
        assert_eq!(cgroups.processes(&place, &id("b2")), ["redis-server *:6379"]);
    }
}

#[test]
fn from_a_namespace_of_our_own() {
    let cgroups = at(&folder("v2_private_namespace"));
    let (id, other) = (id("c3"), id("d4"));
    let place = cgroups.locate(&id, 6000).unwrap();
    let usage = cgroups.read(&place).unwrap();
    assert_eq!((usage.processes, usage.descriptors), (Some(2), None));
    assert_eq!(usage.networks.get("eth0"), Some(&network(3000)));
    assert_eq!(usage.memory.max, None);
    let commands =
        ["postgres -c max_connections=50".to_owned(), "postgres: checkpointer ".to_owned()];
    let mut found = cgroups.processes(&place, &id);
    found.sort();
    assert_eq!(found, commands);
    // Its process 1 is not ours, nor is that of `cgroup.procs`.
    let place = cgroups.locate(&other, 1).unwrap();
    assert!(place.process.is_none());
    assert!(cgroups.processes(&place, &other).is_empty());
    assert!(cgroups.read(&place).unwrap().networks.is_empty());

    let cgroups = at(&folder("hybrid_own_namespaces_20.10.24"));
    for (id, pid) in [(IDLE, 18401), (DEEP, 18531)] {
        let place = cgroups.locate(id, pid).unwrap();
        let usage = cgroups.read(&place).unwrap();
        assert_eq!((usage.processes, usage.threads, usage.sockets), (Some(1), Some(1), Some(1)));
        assert_eq!(cgroups.processes(&place, id), ["sleep 100000"]);
    }
}

/// As where the exporter is confined in one hierarchy only.
#[test]
fn a_namespace_with_another_root_in_each_hierarchy() {
    let dir = copy(HYBRID);
    let path = dir.path().join("proc/18531/cgroup");
    let lines = fs::read_to_string(&path).unwrap();
    let confined = lines.replace("memory:/cgcap/tenant-a", "memory:/../..");
    assert_ne!(lines, confined);
    fs::write(&path, confined).unwrap();
    let cgroups = at(dir.path());
    let place = cgroups.locate(DEEP, 18531).unwrap();
    assert_eq!(cgroups.read(&place), Some(usage(HYBRID, DEEP, 18531)));
}

#[test]
fn older_kernels() {
    let v2 = usage("v2_cgroupfs_5.10", &id("a1"), 7000);
    assert_eq!(v2.memory.unreclaimable, Some(60_000_000 - 10_000_000 - 19_000_000 - 300_000));
    assert_eq!((v2.memory.max, v2.memory.swap), (None, None));
    assert_eq!(v2.pressure.cpu, Stall { waiting: Some(1.5), stalled: None });
    assert!(v2.disks.keys().eq([&(8, 0)]));

    let v1 = usage("v1_systemd_4.4", &id("d4"), 8000);
    assert_eq!((v1.cpu.total, v1.cpu.user, v1.cpu.system), (Some(3.0), Some(2.0), Some(0.9)));
    assert_eq!((v1.cpu.periods, v1.cpu.throttled_seconds), (Some(10), Some(0.5)));
    assert_eq!((v1.memory.working_set, v1.memory.swap), (Some(15_000_000), None));
    assert_eq!(v1.memory.unreclaimable, Some(40_000_000 - 25_000_000 - 5_000_000));
    assert_eq!((v1.oom_kills, v1.processes, v1.threads), (None, Some(2), Some(5)));
    assert_eq!(v1.disks.get(&(8, 0)).unwrap().writes, Some(20));
    assert_eq!(v1.pressure, Pressure::default());
    assert_eq!(at(&folder("v1_systemd_4.4")).source(), "cgroup_v1");
}

/// The number of a process may be used again, or be of another namespace.
#[test]
fn never_the_figures_of_another_container() {
    let cgroups = at(&folder("v2_systemd"));
    let place = cgroups.locate(&id("a1"), 4800).unwrap();
    let usage = cgroups.read(&place).unwrap();
    assert_eq!(usage.memory.usage, Some(104_857_600));
    assert_eq!(usage.networks.get("eth0"), Some(&network(1000)));
    // That container is known, but its group is not there.
    let failure = cgroups.locate(&id("b2"), 4800).unwrap_err();
    assert_eq!(failure.reason, Reason::NOT_FOUND);
    assert_eq!(failure.detail, "no control group of container b2b2b2b2b2b2");
    for odd in ["", "..", "../../../../etc", "a1a1"] {
        assert_eq!(cgroups.locate(odd, 4711).unwrap_err().reason, Reason::PARSE, "{odd}");
    }
}

#[test]
fn the_number_of_a_process_is_used_again() {
    let dir = copy("v2_systemd");
    let cgroups = at(dir.path());
    let place = cgroups.locate(&id("a1"), 4711).unwrap();
    // The container has been started again, and another process has its number.
    let old = dir.path().join("proc/4711");
    fs::remove_dir_all(&old).unwrap();
    fs::create_dir(&old).unwrap();
    fs::create_dir(old.join("net")).unwrap();
    fs::write(old.join("net/dev"), "eth9: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n").unwrap();
    assert_eq!(cgroups.read(&place), None);
    assert_eq!(cgroups.read(&place.without_network()), None);
}

/// Killed Engines leave groups behind; v1 removes one hierarchy after the other.
#[test]
fn a_group_without_processes_is_no_container() {
    let dir = copy("v2_systemd");
    let cgroups = at(dir.path());
    let place = cgroups.locate(&id("a1"), 4711).unwrap();
    fs::write(place.group.get(Hierarchy::Unified).unwrap().join("pids.current"), "0\n").unwrap();
    assert_eq!(cgroups.read(&place), None);
}

#[test]
fn networks_that_are_counted_elsewhere() {
    let cgroups = at(&folder("v2_systemd"));
    let place = cgroups.locate(&id("a1"), 4711).unwrap().without_network();
    let usage = cgroups.read(&place).unwrap();
    assert_eq!((usage.networks.len(), usage.sockets, usage.processes), (0, None, Some(3)));
}

#[test]
fn a_container_that_goes() {
    for (case, id, pid, last) in [
        (HYBRID, BUSY.to_owned(), 19734, "unified"),
        ("v2_systemd", id("a1"), 4711, ""),
        ("v1_systemd_4.4", id("d4"), 8000, "pids"),
    ] {
        let dir = copy(case);
        let cgroups = at(dir.path());
        let place = cgroups.locate(&id, pid).unwrap();
        assert!(cgroups.read(&place).is_some(), "{case}");
        // One hierarchy after the other: what was read before is not shown without the rest.
        let removed = place.group.dirs().find(|dir| dir.to_string_lossy().contains(last));
        fs::remove_dir_all(removed.unwrap()).unwrap();
        assert_eq!(cgroups.read(&place), None, "{case}");
        for dir in place.group.dirs() {
            let _ = fs::remove_dir_all(dir);
        }
        assert_eq!(cgroups.read(&place), None, "{case}");
        assert_eq!(cgroups.locate(&id, pid).unwrap_err().reason, Reason::NOT_FOUND, "{case}");
    }
}

#[test]
fn empty_files_and_rubbish_are_no_figures() {
    for text in ["", "\n", "max\n", "\u{0}\u{0}", "total_rss\nanon x\nusage_usec -1\n8:0 Read\n"] {
        for (case, id, pid) in [(HYBRID, BUSY.to_owned(), 19734), ("v2_systemd", id("a1"), 4711)] {
            let dir = copy(case);
            let cgroups = at(dir.path());
            let place = cgroups.locate(&id, pid).unwrap();
            for dir in place.group.dirs() {
                for file in fs::read_dir(dir).unwrap().map(|file| file.unwrap().path()) {
                    if file.is_file() {
                        fs::write(file, text).unwrap();
                    }
                }
            }
            for name in ["net/dev", "net/sockstat"] {
                fs::write(dir.path().join(format!("proc/{pid}/{name}")), text).unwrap();
            }
            let usage = cgroups.read(&place).unwrap();
            let none = Usage {
                processes: usage.processes,
                descriptors: usage.descriptors,
                ..Usage::default()
            };
            assert_eq!(usage, none, "{case} {text:?}");
        }
    }
}

#[test]
fn what_is_not_mounted_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let found = |cgroup: &str| {
        let roots = Roots { proc: dir.path().join("proc"), cgroup: dir.path().join(cgroup) };
        Cgroups::find(roots).err().unwrap()
    };
    let failure = found("none");
    assert_eq!(failure.reason, Reason::NOT_FOUND);
    assert!(failure.detail.starts_with("control groups at "), "{failure}");
    assert!(failure.hint.unwrap().contains("/sys/fs/cgroup"));
    // Where to mount, and nothing mounted there.
    fs::create_dir_all(dir.path().join("empty/memory")).unwrap();
    assert!(found("empty").detail.ends_with("none are mounted"));
    fs::write(dir.path().join("file"), "").unwrap();
    found("file");
}

/// Root may read all: there the files are directories, which nobody can read.
#[test]
fn what_may_not_be_read_is_absent() {
    let dir = copy("v2_systemd");
    let cgroups = at(dir.path());
    let place = cgroups.locate(&id("a1"), 4711).unwrap();
    let group = place.group.get(Hierarchy::Unified).unwrap();
    for name in ["memory.current", "memory.events", "io.stat"] {
        fs::remove_file(group.join(name)).unwrap();
        fs::create_dir(group.join(name)).unwrap();
    }
    let usage = cgroups.read(&place).unwrap();
    assert_eq!((usage.memory.usage, usage.memory.working_set, usage.oom_kills), (None, None, None));
    assert_eq!(usage.memory.rss, Some(30_000_000));
    assert!(usage.disks.is_empty());
}

/// A tree of v1 with one container, and what the kernel says at the top and of the container.
fn block_io(top: Option<&str>, container: Option<&str>) -> (bool, Option<Failure>) {
    let dir = copy("v1_systemd_4.4");
    let blkio = dir.path().join("cgroup/blkio");
    let mut groups = vec![blkio.clone()];
    while let Some(group) = groups.pop() {
        let text = if group == blkio { top } else { container };
        for name in ["io_service_bytes", "io_serviced"] {
            let file = group.join(format!("blkio.throttle.{name}"));
            let _ = fs::remove_file(group.join(format!("blkio.throttle.{name}_recursive")));
            match text {
                Some(text) => fs::write(file, text).unwrap(),
                None => drop(fs::remove_file(file)),
            }
        }
        let inside = fs::read_dir(&group).unwrap().map(|entry| entry.unwrap().path());
        groups.extend(inside.filter(|path| path.is_dir()));
    }
    let cgroups = at(dir.path());
    let usage = cgroups.read(&cgroups.locate(&id("d4"), 8000).unwrap()).unwrap();
    (usage.disks.is_empty(), cgroups.no_block_io())
}

#[test]
fn a_kernel_that_counts_no_block_io() {
    let counted = "254:0 Read 4096\n254:0 Write 0\n254:0 Total 4096\nTotal 4096\n";
    let (none, why) = block_io(Some("Total 0\n"), Some("Total 0\n"));
    let text = why.as_ref().map(Failure::to_string).unwrap_or_default();
    assert!(none && text.contains("does not count"), "{text}");
    assert!(why.unwrap().hint.unwrap_or_default().contains("--device-write-bps /dev/DISK:500mb"));
    // It counts: the container has not read or written anything yet.
    let (none, why) = block_io(Some(counted), Some("Total 0\n"));
    assert!(none && why.is_none(), "{why:?}");
    let (none, why) = block_io(Some(counted), Some(counted));
    assert!(!none && why.is_none(), "{why:?}");
    // Built without it.
    let (none, why) = block_io(None, None);
    let text = why.as_ref().map(Failure::to_string).unwrap_or_default();
    assert!(none && text.contains("no blkio.throttle.io_service_bytes"), "{text}");
    let v2 = at(&folder("v2_systemd"));
    assert!(v2.no_block_io().is_none(), "io.stat is always there");
}
