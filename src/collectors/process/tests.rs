//! Looks at a `/proc` of our own making, in which numbers are used again and rights are missing.

use std::fs;
use std::path::{Path, PathBuf};

use super::config::Processes;
use super::listen::Held;
use super::matcher::Wanted;
use super::sample::sample;
use super::scan::{Containers, Memory, Raw, Scan};
use crate::catalogue::Batch;
use crate::clients::kernel::process::State;
use crate::failure::{Failure, Reason};

struct Proc {
    dir: tempfile::TempDir,
    scan: Scan,
    memory: Memory,
}

/// Of a process.
struct Of<'a> {
    pid: u32,
    parent: u32,
    state: &'a str,
    name: &'a [u8],
    cmdline: &'a str,
    start: u64,
    user_ticks: u64,
}

const BOT: Of = Of {
    pid: 10,
    parent: 1,
    state: "S",
    name: b"python3",
    cmdline: "python3\0bot.py\0",
    start: 500,
    user_ticks: 100,
};

impl Proc {
    fn new(groups: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("stat"), "cpu  1 2 3 4\nbtime 1700000000\n").unwrap();
        std::os::unix::fs::symlink("999", dir.path().join("self")).unwrap();
        let text = format!("groups:\n{groups}");
        let section = crate::config::load::<Processes>("c.yml", &text, &|_| None).finish();
        let section = section.unwrap_or_else(|wrong| panic!("{wrong:?}"));
        let wanted =
            section.groups.iter().map(|(name, group)| Wanted::new(name, group).ok().unwrap());
        let scan = Scan { proc: dir.path().to_owned(), wanted: wanted.collect() };
        let proc = Self { dir, scan, memory: Memory::default() };
        proc.put(&Of { pid: 1, parent: 0, name: b"init", cmdline: "init\0", start: 1, ..BOT });
        proc
    }

    fn at(&self, pid: u32) -> PathBuf {
        self.dir.path().join(pid.to_string())
    }

    fn put(&self, of: &Of) {
        let dir = self.at(of.pid);
        for folder in ["fd", "net", "ns"] {
            fs::create_dir_all(dir.join(folder)).unwrap();
        }
        let Of { pid, parent, state, start, user_ticks, .. } = of;
        let mut stat = format!("{pid} (").into_bytes();
        stat.extend_from_slice(of.name);
        let rest = format!(
            ") {state} {parent} 7 7 0 -1 64 1 0 2 0 {user_ticks} 4 0 0 20 0 5 0 {start} 1000 9 0 0 0 0 0 0 \
             0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 {start} 0 0 0 0\n"
        );
        stat.extend_from_slice(rest.as_bytes());
        fs::write(dir.join("stat"), stat).unwrap();
        fs::write(dir.join("cmdline"), of.cmdline).unwrap();
        fs::write(dir.join("status"), "Uid:\t0\t0\t0\t0\nRssAnon:\t8 kB\nVmSwap:\t4 kB\n").unwrap();
        fs::write(dir.join("limits"), "Max open files  10  10  files\n").unwrap();
        fs::write(dir.join("io"), "read_bytes: 0\nwrite_bytes: 4096\n").unwrap();
        let _ = std::os::unix::fs::symlink("net:[1]", dir.join("ns/net"));
        fs::write(dir.join("net/tcp"), "head\n").unwrap();
    }

    fn end(&self, pid: u32) {
        fs::remove_dir_all(self.at(pid)).unwrap();
    }

    fn listens(&self, pid: u32, port: u16, inode: u64) {
        let line = format!("0: 00000000:{port:04X} 00000000:0000 0A 0:0 00:0 0 0 0 {inode} 1\n");
        fs::write(self.at(pid).join("net/tcp"), format!("head\n{line}")).unwrap();
    }

    fn opens(&self, pid: u32, inode: u64) {
        let fd = self.at(pid).join("fd/3");
        let _ = fs::remove_file(&fd);
        std::os::unix::fs::symlink(format!("socket:[{inode}]"), fd).unwrap();
    }

    fn look(&mut self) -> Raw {
        self.look_with(&Ok(std::collections::BTreeMap::new()))
    }

    fn look_with(&mut self, containers: &Containers) -> Raw {
        self.scan.run(&mut self.memory, containers).unwrap()
    }
}

/// Processes, starts and ends of the first group.
fn told(raw: &Raw) -> (u64, u64, u64) {
    let group = &raw.groups[0];
    (group.sums.as_ref().unwrap().processes, group.starts, group.ends)
}

fn value(batch: &Batch, metric: &str) -> Option<f64> {
    let samples = crate::engine::samples(&super::AREA, batch.sets(), metric);
    samples.first().map(|sample| sample.value)
}

#[test]
fn a_group_that_never_ran_is_zero_and_its_first_start_counts() {
    let mut proc = Proc::new("  bot: { cmdline: bot, listen: [8443] }\n");
    for _ in 0..2 {
        let raw = proc.look();
        assert_eq!(told(&raw), (0, 0, 0));
        let batch = sample(&proc.scan.wanted, &raw);
        for metric in [
            "namedprocess_namegroup_num_procs",
            "stack_process_up",
            "namedprocess_namegroup_cpu_seconds_total",
            "namedprocess_namegroup_write_bytes_total",
            "stack_process_starts_total",
            "stack_listener_up",
        ] {
            assert_eq!(value(&batch, metric), Some(0.0), "{metric}");
        }
        assert_eq!(value(&batch, "stack_process_wanted"), Some(1.0));
        assert_eq!(value(&batch, "namedprocess_namegroup_oldest_start_time_seconds"), None);
        assert!(batch.gaps().is_empty());
    }
    proc.put(&BOT);
    let raw = proc.look();
    assert_eq!(told(&raw), (1, 1, 0));
    let batch = sample(&proc.scan.wanted, &raw);
    assert_eq!(value(&batch, "stack_process_up"), Some(1.0));
    assert_eq!(value(&batch, "stack_process_unreclaimable_bytes"), Some(12288.0));
    assert_eq!(value(&batch, "namedprocess_namegroup_write_bytes_total"), Some(4096.0));
    let start = value(&batch, "namedprocess_namegroup_oldest_start_time_seconds").unwrap();
    assert!((start - 1_700_000_005.0).abs() < 0.01, "{start}");
}

#[test]
fn a_number_that_is_used_again_is_an_end_and_a_start() {
    let mut proc = Proc::new("  bot: { cmdline: bot }\n");
    proc.put(&BOT);
    assert_eq!(told(&proc.look()), (1, 0, 0), "it was there before us");
    proc.put(&Of { start: 900, user_ticks: 7, ..BOT });
    let raw = proc.look();
    assert_eq!(told(&raw), (1, 1, 1));
    assert_eq!(raw.groups[0].counts.user, Some(7), "all of the second is of our time");
    proc.put(&Of { start: 901, cmdline: "cat\0", name: b"cat", ..BOT });
    assert_eq!(told(&proc.look()), (0, 1, 2), "another program has the number");
}

#[test]
fn counters_grow_and_never_step_back() {
    let mut proc = Proc::new("  bot: { cmdline: bot }\n");
    proc.put(&BOT);
    assert_eq!(proc.look().groups[0].counts.user, Some(0));
    proc.put(&Of { user_ticks: 130, ..BOT });
    proc.put(&Of { pid: 11, start: 600, user_ticks: 5, ..BOT });
    assert_eq!(proc.look().groups[0].counts.user, Some(35));
    proc.end(10);
    let raw = proc.look();
    assert_eq!((raw.groups[0].counts.user, told(&raw)), (Some(35), (1, 1, 1)));
}

#[test]
fn it_is_decided_anew_when_it_becomes_another_program() {
    let mut proc = Proc::new("  bot: { name: bot }\n");
    proc.put(&BOT);
    assert_eq!(told(&proc.look()), (0, 0, 0));
    proc.put(&Of { name: b"bot", ..BOT });
    assert_eq!(told(&proc.look()), (1, 1, 0));
    // Bytes that are no text, and signs that part the fields.
    proc.put(&Of { name: b"\xff) S 1 (", ..BOT });
    assert_eq!(told(&proc.look()), (0, 1, 1));
}

#[test]
fn the_exporter_is_never_found() {
    let mut proc = Proc::new("  bot: { cmdline: bot }\n");
    proc.put(&Of { pid: 999, cmdline: "stack-exporter\0--bot\0", ..BOT });
    proc.put(&Of { pid: 12, name: b"grep", cmdline: "grep\0bot\0", ..BOT });
    assert_eq!(told(&proc.look()), (0, 0, 0));
}

#[test]
fn zombies_do_no_work_and_are_told_of_whoever_must_ask() {
    let mut proc = Proc::new("  bot: { cmdline: bot }\n");
    proc.put(&BOT);
    proc.look();
    proc.put(&Of { pid: 11, parent: 10, state: "Z", name: b"job", cmdline: "", ..BOT });
    let raw = proc.look();
    let sums = raw.groups[0].sums.as_ref().unwrap();
    assert_eq!((sums.processes, sums.zombie, sums.unreaped, raw.zombies), (1, 0, 1, 1));
    proc.put(&Of { state: "Z", cmdline: "", ..BOT });
    let raw = proc.look();
    let sums = raw.groups[0].sums.as_ref().unwrap();
    assert_eq!((sums.processes, sums.zombie, sums.unreaped), (1, 1, 2), "it stays what it was");
    let batch = sample(&proc.scan.wanted, &raw);
    assert_eq!(value(&batch, "stack_process_up"), Some(0.0));
    let state = proc.memory_state(10);
    assert_eq!(state, State::Zombie);
}

impl Proc {
    fn memory_state(&mut self, pid: u32) -> State {
        self.memory.known(pid).unwrap().state
    }
}

#[test]
fn four_workers_and_their_children() {
    let mut proc = Proc::new("  api: { cmdline: uvicorn, count: 4, children: true }\n");
    proc.put(&Of { cmdline: "uvicorn\0--workers\x003\0", ..BOT });
    for pid in [11, 12] {
        proc.put(&Of { pid, parent: 10, cmdline: "python3\0spawn_main\0", ..BOT });
    }
    let lacks = |proc: &mut Proc| {
        let raw = proc.look();
        let batch = sample(&proc.scan.wanted, &raw);
        let value = |metric: &str| value(&batch, metric).unwrap();
        (value("stack_process_lacking"), value("stack_process_surplus"))
    };
    assert_eq!(lacks(&mut proc), (1.0, 0.0));
    proc.put(&Of { pid: 13, parent: 12, cmdline: "x\0", ..BOT });
    assert_eq!(lacks(&mut proc), (0.0, 0.0), "a grandchild");
    proc.put(&Of { pid: 14, parent: 13, cmdline: "x\0", ..BOT });
    assert_eq!(lacks(&mut proc), (0.0, 1.0));
}

#[test]
fn what_may_not_be_read_is_absent_and_told() {
    let mut proc = Proc::new("  bot: { cmdline: bot }\n");
    proc.put(&BOT);
    fs::remove_file(proc.at(10).join("io")).unwrap();
    let raw = proc.look();
    let batch = sample(&proc.scan.wanted, &raw);
    assert_eq!(value(&batch, "namedprocess_namegroup_read_bytes_total"), None);
    assert!(value(&batch, "namedprocess_namegroup_cpu_seconds_total").is_some());
    let gaps: Vec<_> =
        batch.gaps().iter().map(|gap| (gap.what.as_str(), gap.failure.reason)).collect();
    assert_eq!(gaps, [("bytes read and written by bot", Reason::RIGHTS)]);
}

#[test]
fn hidden_processes_are_not_missing() {
    let mut proc = Proc::new("  bot: { cmdline: bot }\n  other: { cmdline: other }\n");
    proc.put(&BOT);
    proc.end(1);
    let raw = proc.look();
    assert!(raw.hidden && raw.groups[0].sums.is_some() && raw.groups[1].sums.is_none());
    let batch = sample(&proc.scan.wanted, &raw);
    let up = crate::engine::samples(&super::AREA, batch.sets(), "stack_process_up");
    assert_eq!(up.len(), 1, "of the other nothing is known");
    assert_eq!(batch.gaps()[0].what, "other users' processes");
}

#[test]
fn one_name_in_two_containers_and_an_engine_that_is_silent() {
    let id = |sign: &str| sign.repeat(64);
    let mut proc =
        Proc::new("  a: { container: a, name: python3 }\n  b: { container: b, name: python3 }\n");
    for (pid, sign) in [(10, "a"), (11, "b"), (12, "b")] {
        proc.put(&Of { pid, ..BOT });
        fs::write(proc.at(pid).join("cgroup"), format!("0::/docker/{}\n", id(sign))).unwrap();
    }
    let names = |pairs: &[(&str, &str)]| -> Containers {
        Ok(pairs.iter().map(|(name, sign)| ((*name).to_owned(), id(sign))).collect())
    };
    let counts = |raw: &Raw| {
        raw.groups
            .iter()
            .map(|group| group.sums.as_ref().map(|sums| sums.processes))
            .collect::<Vec<_>>()
    };
    let raw = proc.look_with(&names(&[("a", "a"), ("b", "b")]));
    assert_eq!(counts(&raw), [Some(1), Some(2)]);
    let raw = proc.look_with(&Err(Failure::new(Reason::REFUSED, "no")));
    assert_eq!(counts(&raw), [None, None], "not known, and so not 0");
    // Another container has the name now: what is known is decided anew.
    let raw = proc.look_with(&names(&[("a", "b")]));
    assert_eq!(counts(&raw), [Some(2), Some(0)]);
}

#[test]
fn a_pid_file_that_was_left_over_names_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bot.pid");
    let mut proc = Proc::new(&format!("  bot: {{ pid_file: {} }}\n", file.display()));
    proc.put(&BOT);
    assert_eq!(told(&proc.look()), (0, 0, 0));
    fs::write(&file, "10\n").unwrap();
    assert_eq!(told(&proc.look()), (1, 1, 0));
    // 1,700,000,000 and 5 s is when it began.
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_699_999_000);
    fs::File::options().append(true).open(&file).unwrap().set_modified(old).unwrap();
    assert_eq!(told(&proc.look()), (0, 1, 1), "the number is another's now");
    fs::write(&file, "rubbish").unwrap();
    assert_eq!(told(&proc.look()), (0, 1, 1));
}

/// Its clock is set anew, as after a boot without one.
#[test]
fn a_pid_file_that_was_right_stays_so_when_the_clock_is_set() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bot.pid");
    fs::write(&file, "10\n").unwrap();
    let mut proc = Proc::new(&format!("  bot: {{ pid_file: {} }}\n", file.display()));
    proc.put(&BOT);
    assert_eq!(told(&proc.look()), (1, 0, 0));
    let later = "cpu  1 2 3 4\nbtime 4000000000\n";
    fs::write(proc.dir.path().join("stat"), later).unwrap();
    assert_eq!(told(&proc.look()), (1, 0, 0));
    proc.put(&Of { start: 900, ..BOT });
    assert_eq!(told(&proc.look()), (0, 0, 1), "another process began after the file");
}

/// Neither 0 nor a start or an end: nobody knows.
#[test]
fn a_group_that_cannot_be_found_out_is_not_missing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bot.pid");
    let mut proc = Proc::new(&format!(
        "  a: {{ exe: /srv/bot }}\n  b: {{ exe: /srv/bot, name: other }}\n  c: {{ pid_file: {} }}\n  d: {{ user: none-such }}\n",
        file.display()
    ));
    let known = |raw: &Raw| raw.groups.iter().map(|it| it.sums.is_some()).collect::<Vec<_>>();
    proc.put(&BOT);
    let exe = proc.at(10).join("exe");
    for pid in [1, 10] {
        std::os::unix::fs::symlink("/bin/x", proc.at(pid).join("exe")).unwrap();
    }
    assert_eq!(known(&proc.look()), [true, true, true, false]);
    // No link: what cannot be read here fails in another way than in the kernel's, and fails.
    fs::remove_file(&exe).unwrap();
    fs::write(&exe, "").unwrap();
    fs::create_dir(&file).unwrap();
    for _ in 0..2 {
        let raw = proc.look();
        assert_eq!(known(&raw), [false, true, false, false]);
        let batch = sample(&proc.scan.wanted, &raw);
        let gaps: Vec<_> = batch.gaps().iter().map(|gap| gap.what.as_str()).collect();
        let of = |group: &str| format!("processes of the group {group}");
        assert_eq!(gaps.len(), 3, "{gaps:?}");
        for what in [&of("c"), &of("d"), "programs of other users' processes"] {
            assert!(gaps.contains(&what), "{gaps:?}");
        }
        assert_eq!((raw.groups[0].starts, raw.groups[0].ends), (0, 0));
    }
    let raw = proc.look();
    let batch = sample(&proc.scan.wanted, &raw);
    let missing = crate::engine::samples(&super::AREA, batch.sets(), "stack_process_up");
    assert_eq!(missing.len(), 1, "of b alone something is known: it has another name");
}

#[test]
fn in_which_service_it_lives_stands_at_what_says_that_it_is_gone() {
    let mut proc = Proc::new("  bot: { cmdline: bot, listen: [8443], service: shop/bot }\n");
    let raw = proc.look();
    let batch = sample(&proc.scan.wanted, &raw);
    for metric in ["stack_process_up", "stack_listener_up"] {
        let samples = crate::engine::samples(&super::AREA, batch.sets(), metric);
        let text = format!("{:?}", samples[0].labels);
        assert!(text.contains("shop") && text.contains("service"), "{text}");
    }
    let group = super::config::Group { service: Some("bot".into()), ..Default::default() };
    let wrong = Wanted::new("bot", &group).err().unwrap();
    assert!(wrong.iter().any(|(key, why)| key == "service" && why.contains("shop/bot")));
}

#[test]
fn who_listens() {
    let mut proc = Proc::new("  bot: { cmdline: bot, listen: [8443, '127.0.0.1:9000'] }\n");
    let held = |raw: &Raw| raw.listeners.iter().map(|one| one.held).collect::<Vec<_>>();
    proc.listens(1, 8443, 77);
    assert_eq!(
        held(&proc.look()),
        [Held::Others, Held::Nobody],
        "without any process of the group"
    );
    proc.put(&BOT);
    assert_eq!(held(&proc.look()), [Held::Nobody; 2]);
    proc.listens(10, 8443, 77);
    assert_eq!(held(&proc.look()), [Held::Others, Held::Nobody]);
    proc.opens(10, 77);
    assert_eq!(held(&proc.look()), [Held::Ours, Held::Nobody]);
    assert_eq!(held(&proc.look()), [Held::Ours, Held::Nobody], "by the place that is known");
    proc.listens(10, 9000, 78);
    proc.opens(10, 78);
    let raw = proc.look();
    assert_eq!(held(&raw), [Held::Nobody, Held::Ours], "all addresses are this one too");
    fs::remove_dir_all(proc.at(10).join("fd")).unwrap();
    fs::write(proc.at(10).join("fd"), "").unwrap();
    let raw = proc.look();
    assert_eq!(held(&raw), [Held::Nobody, Held::Somebody]);
    let batch = sample(&proc.scan.wanted, &raw);
    assert!(batch.gaps().iter().any(|gap| gap.what == "who listens on port 9000"));
}

#[test]
fn no_proc_is_a_failure() {
    let scan = Scan { proc: Path::new("/none").to_owned(), wanted: Vec::new() };
    let failure =
        scan.run(&mut Memory::default(), &Ok(std::collections::BTreeMap::new())).err().unwrap();
    assert_eq!(failure.reason, Reason::NOT_FOUND);
}
