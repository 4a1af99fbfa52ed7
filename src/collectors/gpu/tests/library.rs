//! The stand-in for NVIDIA's library, loaded as the real one is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::time::Instant as Until;

use super::super::model::{Facts, Gpu, Machine};
use super::super::nvml::{Library, Trouble};
use super::super::reasons::{NO_DRIVER, NO_LIBRARY, VERSIONS};
use super::{Reason, State};
use crate::failure::Failure;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/gpu/nvml.c");

/// A library of its own, and the file that says what happens.
struct StandIn {
    dir: tempfile::TempDir,
    path: PathBuf,
    library: Library,
}

impl StandIn {
    fn new(more: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("libnvidia-ml.so.1");
        build(&path, &dir.path().join("control"), more);
        Self { dir, path, library: Library::default() }
    }

    fn say(&self, words: &str) {
        let beside = self.dir.path().join("beside");
        fs::write(&beside, words).unwrap();
        fs::rename(beside, self.dir.path().join("control")).unwrap();
    }

    async fn read(&self) -> Result<Machine, Failure> {
        let until = Until::now() + Duration::from_secs(1);
        self.library.read(Some(&self.path), until).await.map_err(failure)
    }

    async fn gpus(&self) -> Vec<Gpu> {
        self.read().await.unwrap().gpus
    }
}

fn failure(trouble: Trouble) -> Failure {
    let (Trouble::Unusable(failure) | Trouble::Failed(failure)) = trouble;
    failure
}

fn build(path: &Path, control: &Path, more: &[&str]) {
    let control = format!("-DCONTROL=\"{}\"", control.display());
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(path).arg(control).args(more).arg(SOURCE);
    let output = compiler.output().expect("a C compiler: install the package gcc (`sh .ci/setup`)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_two_gpus_say() {
    let stand_in = StandIn::new(&[]);
    stand_in.say("pid=4711 ecc=3");
    let machine = stand_in.read().await.unwrap();
    assert_eq!((machine.source, machine.counted), ("nvml", 2));
    assert_eq!((machine.driver.as_str(), machine.cuda.as_str()), ("570.124.06", "12.8"));
    let [first, second] = &machine.gpus[..] else { panic!("{machine:?}") };
    assert_eq!(first.uuid, "GPU-00000000-1111-2222-3333-444444444444");
    assert_eq!((first.name.as_str(), first.bus.as_str()), ("Stand-in A100", "00000000:17:00.0"));
    let facts = &first.facts;
    assert_eq!((facts.busy, facts.memory_busy), (Some(0.73), Some(0.31)));
    assert_eq!((facts.memory.total, facts.memory.used), (Some(40 << 30), Some(10 << 30)));
    assert_eq!((facts.watts, facts.watts_limit), (Some(250.5), Some(400.0)));
    assert_eq!((facts.joules, facts.temperature.gpu), (Some(123_456.789), Some(64.0)));
    assert_eq!((facts.temperature.slowdown, facts.temperature.memory), (Some(92.0), Some(58.0)));
    assert_eq!(facts.temperature.until_slowdown(), Some(28.0));
    assert_eq!(facts.clocks[1..3], [Some(1.1e9), Some(1.2e9)]);
    assert_eq!(facts.reasons[2], Some(true), "capped by its power limit");
    assert_eq!((facts.persistence, facts.mig, facts.fan), (Some(true), Some(false), None));
    assert_eq!((facts.ecc.enabled, facts.ecc.volatile), (Some(true), [Some(2), Some(3)]));
    assert_eq!((facts.repair.rows_pending, facts.repair.pages), (Some(false), [None, None]));
    assert_eq!(
        (facts.link.width, facts.link.width_most, facts.link.replays),
        (Some(16), Some(16), Some(3))
    );
    let processes = first.processes.as_ref().unwrap();
    assert_eq!((processes[0].pid, processes[0].memory), (4711, Some(3 << 30)));
    assert_eq!(first.xids.unwrap().counts, [0, 0, 0]);
    // A desktop's has no ECC and tells no errors: that is absent, and not 0.
    assert_eq!((second.facts.ecc.enabled, second.facts.ecc.volatile), (None, [None, None]));
    assert_eq!((second.facts.mig, second.facts.fan), (None, Some(0.31)));
    assert_eq!((second.xids, second.processes.as_deref()), (None, Some(&[][..])));
    assert_eq!(second.facts.joules, None);

    stand_in.say("blank");
    let gpus = stand_in.gpus().await;
    let facts = &gpus[0].facts;
    assert_eq!((facts.busy, facts.memory.used, facts.watts), (None, None, None));
    assert_eq!(facts.memory.total, Some(40 << 30));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_lost_is_known_and_costs_the_other_nothing() {
    let stand_in = StandIn::new(&[]);
    stand_in.say("");
    assert!(stand_in.gpus().await.iter().all(|gpu| gpu.state == State::Ok));
    for (word, state) in [("lost xid=79", State::Lost), ("reset", State::ResetRequired)] {
        stand_in.say(word);
        let gpus = stand_in.gpus().await;
        assert_eq!((gpus[0].state, gpus[1].state), (state, State::Ok), "{word}");
        assert_eq!(gpus[0].uuid, "GPU-00000000-1111-2222-3333-444444444444");
        assert_eq!(gpus[0].facts, Facts::default());
        let xids = gpus[0].xids.unwrap();
        assert_eq!((xids.counts, xids.last.map(|last| last.0)), ([1, 0, 0], Some(79)), "{word}");
    }
    stand_in.say("gone");
    assert_eq!(stand_in.gpus().await.len(), 1);
    stand_in.say("hot remap");
    let gpus = stand_in.gpus().await;
    assert_eq!(gpus[0].facts.temperature.until_slowdown(), Some(1.0));
    assert_eq!(gpus[0].facts.repair.rows_pending, Some(true));
    // In the middle of a session, not known by any earlier look: nothing can be said of it.
    let other = StandIn::new(&[]);
    other.say("lost");
    let machine = other.read().await.unwrap();
    assert_eq!((machine.counted, machine.gpus.len()), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_hangs_is_told_and_nobody_is_let_in_beside_it() {
    let stand_in = StandIn::new(&[]);
    stand_in.say("");
    stand_in.gpus().await;
    stand_in.say("hang");
    let threads = || {
        fs::read_dir("/proc/self/task")
            .unwrap()
            .flatten()
            .filter(|task| {
                fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "gpu")
            })
            .count()
    };
    let before = threads();
    for _ in 0..3 {
        let begun = Instant::now();
        let failure = stand_in.read().await.unwrap_err();
        assert_eq!(failure.reason, Reason::TIMEOUT, "{failure}");
        assert!(failure.hint.unwrap().contains("driver hangs"));
        assert!(begun.elapsed() < Duration::from_secs(3));
    }
    // Those of other tests end with them; one of ours would hang for good.
    let begun = Instant::now();
    while threads() > before && begun.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(threads() <= before, "one thread however often it is tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_that_is_not_there_says_why_and_comes_back() {
    let stand_in = StandIn::new(&[]);
    let touch = || {
        let now = std::time::SystemTime::now() + Duration::from_secs(1);
        fs::File::options().append(true).open(&stand_in.path).unwrap().set_modified(now).unwrap();
    };
    for (word, reason) in [("no_driver", NO_DRIVER), ("mismatch", VERSIONS)] {
        stand_in.say(word);
        touch();
        let failure = stand_in.read().await.unwrap_err();
        assert_eq!(failure.reason, reason, "{failure}");
        // Not tried again until something changes.
        stand_in.say("");
        assert_eq!(stand_in.read().await.unwrap_err().reason, reason);
        touch();
        assert_eq!(stand_in.gpus().await.len(), 2);
        // Unloaded while we look.
        stand_in.say("no_driver");
        assert_eq!(stand_in.read().await.unwrap_err().reason, NO_DRIVER);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_library_that_is_missing_old_or_none_is_told() {
    let library = Library::default();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("libnvidia-ml.so.1");
    let read = async |path: &PathBuf| {
        library.read(Some(path), Until::now() + Duration::from_secs(1)).await
    };
    let unusable = |answer| match answer {
        Err(Trouble::Unusable(failure)) => failure,
        other => panic!("{other:?}"),
    };
    let failure = unusable(read(&path).await);
    assert_eq!(failure.reason, NO_LIBRARY, "{failure}");
    assert!(failure.hint.unwrap().contains("install the driver"));
    fs::write(&path, "no library").unwrap();
    let failure = unusable(read(&path).await);
    assert!(failure.detail.contains("cannot be loaded"), "{failure}");
    // Another library under this name.
    let other = dir.path().join("other.c");
    fs::write(&other, "int nothing(void) { return 0; }\n").unwrap();
    let done = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&path).arg(&other).status();
    assert!(done.expect("a C compiler: install gcc").success());
    let failure = unusable(read(&path).await);
    assert!(failure.detail.contains("nvmlInit_v2"), "{failure}");
    // One of a driver before 510.
    let old = StandIn::new(&["-DOLD"]);
    old.say("");
    let failure =
        unusable(old.library.read(Some(&old.path), Until::now() + Duration::from_secs(1)).await);
    assert!(failure.detail.contains("older than driver 510"), "{failure}");
}

/// How long one look takes, for docs/performance.md: `--ignored --nocapture`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn cost_of_a_look() {
    use std::io::Write as _;
    let stand_in = StandIn::new(&[]);
    stand_in.say("pid=1");
    stand_in.gpus().await;
    let begun = Instant::now();
    for _ in 0..1000 {
        stand_in.gpus().await;
    }
    let _ = writeln!(std::io::stderr(), "two GPUs: {:?} a look", begun.elapsed() / 1000);
    let library = Library::default();
    let missing = stand_in.dir.path().join("missing.so");
    let until = || Until::now() + Duration::from_secs(1);
    let _ = library.read(Some(&missing), until()).await;
    let begun = Instant::now();
    for _ in 0..1000 {
        let _ = library.read(Some(&missing), until()).await;
    }
    let _ = writeln!(std::io::stderr(), "no library: {:?} a look", begun.elapsed() / 1000);
}
