//! Documents of `nvidia-smi`, and a stand-in for NVIDIA's library that is compiled here.

mod library;
mod program;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::config::Gpu as Section;
use super::fetch::Raw;
use super::model::{Machine, State, Xids};
use super::people::{Look, Memory, People};
use super::remembered::Remembered;
use super::sample::sample;
use super::smi;
use super::wanted::{Containers, Wanted, Where};
use crate::catalogue::Batch;
use crate::failure::{Failure, Reason};
use crate::golden;

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn now() -> SystemTime {
    NOW + Duration::from_hours(500_000)
}

pub(super) fn section(text: &str) -> Section {
    let section = crate::config::load::<Section>("c.yml", text, &|_| None).finish();
    section.unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

fn wanted(section: &Section) -> Vec<Wanted> {
    let all = section.processes.iter();
    all.map(|(name, given)| Wanted::new(name, given).ok().unwrap()).collect()
}

/// A `/proc` of our own making.
struct Proc(tempfile::TempDir);

impl Proc {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, pid: u32, name: &str, container: &str, cmdline: &str) {
        let dir = self.0.path().join(pid.to_string());
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("stat"), format!("{pid} ({name}) S 1 1 1 0\n")).unwrap();
        let group = match container {
            "" => "0::/user.slice\n".to_owned(),
            id => format!("0::/system.slice/docker-{id}.scope\n"),
        };
        fs::write(dir.join("cgroup"), group).unwrap();
        fs::write(dir.join("cmdline"), cmdline.replace(' ', "\0") + "\0").unwrap();
    }

    fn look(
        &self,
        wanted: &[Wanted],
        containers: &Containers,
        sees: bool,
        pids: &[u32],
        memory: &mut Memory,
    ) -> People {
        let told = !pids.contains(&0);
        let look = Look { proc: self.0.path(), wanted, containers, sees, told };
        look.run(pids.iter().copied(), memory)
    }
}

fn lines(case: &Path, name: &str) -> Vec<Vec<String>> {
    let text = String::from_utf8(golden::file(case, name).unwrap_or_default()).unwrap();
    text.lines().map(|line| line.split('\t').map(ToOwned::to_owned).collect()).collect()
}

/// A document with what `/proc` and the Engine say beside it.
fn read(case: &Path) -> Result<Batch, Failure> {
    let text = String::from_utf8(golden::file(case, "nvidia-smi.xml").unwrap()).unwrap();
    let machine = smi::parse::machine(&text)?;
    let config = String::from_utf8(golden::file(case, "config.yml").unwrap_or_default()).unwrap();
    let section = section(if config.is_empty() { "{}" } else { &config });
    let (wanted, proc) = (wanted(&section), Proc::new());
    for line in lines(case, "processes.txt") {
        proc.put(line[0].parse().unwrap(), &line[1], &line[2], &line[3]);
    }
    for (pid, line) in (100_000..).zip(lines(case, "running.txt")) {
        proc.put(pid, &line[0], "", &line[0]);
    }
    let names = lines(case, "containers.txt").into_iter();
    let containers = Ok(names.map(|line| (line[0].clone(), line[1].clone())).collect());
    let pids = machine.gpus.iter().filter_map(|gpu| gpu.processes.as_ref()).flatten();
    let pids: Vec<u32> = pids.map(|process| process.pid).collect();
    let people = proc.look(&wanted, &containers, true, &pids, &mut Memory::default());
    let gpus = machine.gpus.clone();
    let raw = Raw { machine, people, containers };
    let batch = sample(&raw, &wanted, section.count, &mut Remembered::default(), now());
    let dcgm = section.dcgm_names.then(|| super::dcgm::rows(&gpus, "shop1"));
    Ok(batch.with(dcgm.unwrap_or_default()))
}

#[test]
fn golden_cases() {
    golden::run("gpu", read);
}

fn value(batch: &Batch, metric: &str, label: &str) -> Option<f64> {
    let samples = crate::engine::samples(&super::AREA, batch.sets(), metric);
    let mut found = samples.into_iter().filter(|sample| {
        label.is_empty() || sample.labels.iter().any(|(_, value)| value.as_str() == label)
    });
    found.next().map(|sample| sample.value)
}

/// The model that fell back to the CPU, the one that ended, and the one that was never there. [H07 R04]
#[test]
fn a_declared_process_is_on_a_gpu_on_the_cpu_or_does_not_run() {
    let section = section(
        "processes:\n  bot: { cmdline: \"serve\\\\.py\", container: bot }\n  llm: { name: ollama }\n",
    );
    let (wanted, proc) = (wanted(&section), Proc::new());
    let id = "ab".repeat(32);
    let containers: Containers = Ok(BTreeMap::from([("bot".to_owned(), id.clone())]));
    let look = |pids: &[u32], sees: bool| {
        proc.look(&wanted, &containers, sees, pids, &mut Memory::default()).places
    };
    let (gone, cpu, gpu) = (Where::NotRunning, Where::OnCpu, Where::OnGpu);
    assert_eq!(look(&[], true), [Some(gone), Some(gone)]);
    // Of the same words in another container nothing is meant.
    proc.put(7, "python", &"cd".repeat(32), "python serve.py");
    assert_eq!(look(&[7], true), [Some(gone), Some(gone)]);
    proc.put(8, "python", &id, "python serve.py");
    proc.put(9, "ollama", "", "ollama runner");
    assert_eq!(look(&[7], true), [Some(cpu), Some(cpu)]);
    assert_eq!(look(&[8, 9], true), [Some(gpu), Some(gpu)]);
    // In a container without the machine's `/proc` its numbers mean others.
    assert_eq!(look(&[8, 9], false), [None, None]);
    // One GPU does not say who is on it: who is found is there, of the rest nobody knows.
    assert_eq!(look(&[0, 9], true), [None, Some(gpu)]);
    let silent: Containers = Err(Failure::new(Reason::REFUSED, "nobody listens"));
    let people = proc.look(&wanted, &silent, true, &[8, 9], &mut Memory::default());
    assert_eq!(people.places, [None, Some(gpu)]);
}

#[test]
fn what_cannot_be_told_of_processes_is_a_gap_and_no_zero() {
    let section = section("processes: { bot: { name: bot } }");
    let (wanted, proc) = (wanted(&section), Proc::new());
    let gpu = super::model::Gpu {
        uuid: "GPU-1".to_owned(),
        processes: Some(Vec::new()),
        ..super::model::Gpu::default()
    };
    let machine = Machine { counted: 1, gpus: vec![gpu], ..Machine::default() };
    let batch = |sees: bool| {
        let containers = Ok(BTreeMap::new());
        let people = proc.look(&wanted, &containers, sees, &[], &mut Memory::default());
        let raw = Raw { machine: machine.clone(), people, containers };
        sample(&raw, &wanted, None, &mut Remembered::default(), now())
    };
    let blind = batch(false);
    assert_eq!(value(&blind, "stack_gpu_process_up", ""), None);
    assert_eq!(value(&blind, "stack_gpu_processes", ""), None);
    assert_eq!(blind.gaps()[0].failure.reason, Reason::RIGHTS);
    let sees = batch(true);
    assert_eq!(value(&sees, "stack_gpu_process_up", "bot"), Some(0.0));
    assert_eq!(value(&sees, "stack_gpu_process_state", "not_running"), Some(1.0));
    assert_eq!(value(&sees, "stack_gpu_processes", ""), Some(0.0));
    assert!(sees.gaps().is_empty());
    // Without any GPU to read they have their 0 too.
    let down = super::sample::down(&wanted);
    assert_eq!(value(&down, "stack_gpu_process_up", "bot"), Some(0.0));
}

#[test]
fn errors_are_told_apart_by_what_they_are_about() {
    let mut xids = Xids::default();
    for code in [79, 48, 13, 31, 63, 999, u64::MAX] {
        xids.note(code, 1.0);
    }
    assert_eq!((xids.counts, xids.last), ([2, 2, 3], Some((u64::MAX, 1.0))));
}

#[test]
fn mistakes_in_the_section_are_named() {
    let wrong = |text: &str| {
        let section = section(text);
        let memory = crate::engine::Memory::default();
        let mut plan = crate::plan::Plan::new(&|_| None, &memory);
        super::plan(Some(&section), &mut plan);
        let mistakes = plan.mistakes.iter();
        mistakes.map(|one| format!("{} {}", one.path, one.message)).collect::<Vec<_>>().join("; ")
    };
    for (text, told) in [
        ("{}", ""),
        ("enabled: false\nlibrary: x", ""),
        ("library: libnvidia-ml.so.1", "library must be an absolute path"),
        ("nvidia_smi: nvidia-smi", "nvidia_smi must be an absolute path"),
        ("proc_path: /nowhere", "proc_path must be the absolute path"),
        ("processes: { a: {} }", "processes.a needs at least one of"),
        ("processes: { a: { cmdline: '' } }", "processes.a.cmdline must not match everything"),
        ("processes: { a: { cmdline: '(' } }", "processes.a.cmdline is no regular expression"),
        ("processes: { a: { name: '' } }", "processes.a.name must not be empty"),
        ("processes: { a: { container: web } }", "processes.a.container no Engine is known"),
        ("processes: { a: { container: 0123456789ab } }", ""),
    ] {
        let found = wrong(text);
        assert!(found.contains(told) && told.is_empty() == found.is_empty(), "{text}: {found}");
    }
}

fn program(dir: &Path, script: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = dir.join("nvidia-smi");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}
