//! What stands in for `nvidia-smi`: it hangs, fails, says too much or nonsense.

use std::time::Instant;

use super::super::reasons::{LOST, NO_DRIVER, VERSIONS};
use super::super::smi::{Left, find, parse, said};
use super::{Reason, State, program};

#[test]
fn it_is_asked_for_everything_and_gets_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let path = program(dir.path(), "echo \"$@\"; env | sort");
    let text = Left::default().run(&path).unwrap();
    assert!(text.starts_with("-q -x\n"), "{text}");
    let known = ["LC_ALL", "PATH", "PWD", "OLDPWD", "SHLVL", "_"];
    let names = text.lines().skip(1).filter_map(|line| line.split_once('='));
    assert!(names.into_iter().all(|(name, _)| known.contains(&name)), "{text}");
    assert_eq!(find(Some(&path)), Some(path.clone()));
    assert_eq!(find(Some(&dir.path().join("none"))), None);
}

/// With what it has started, which holds its output.
#[test]
fn one_that_hangs_is_ended_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = program(
        dir.path(),
        "echo $$ > pid; sleep 600 & echo $! > pid; wait"
            .replace("pid", "$(dirname $0)/pid")
            .as_str(),
    );
    let begun = Instant::now();
    let failure = Left::default().run(&path).unwrap_err();
    assert_eq!(failure.reason, Reason::TIMEOUT, "{failure}");
    assert!(begun.elapsed().as_secs() < 8, "{:?}", begun.elapsed());
    let pid = std::fs::read_to_string(dir.path().join("pid")).unwrap();
    let until = Instant::now() + std::time::Duration::from_secs(5);
    let lives = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    while lives() && Instant::now() < until {
        std::thread::yield_now();
    }
    assert!(!lives(), "what it has started goes on: {pid}");
}

#[test]
fn what_it_says_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let path = program(dir.path(), "exec yes '<gpu>'");
    let failure = Left::default().run(&path).unwrap_err();
    assert_eq!(failure.reason, Reason::PARSE, "{failure}");
    assert!(failure.detail.contains("8 MiB"), "{failure}");
}

#[test]
fn its_words_are_told_apart() {
    for (text, code, reason) in [
        (
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
            9,
            NO_DRIVER,
        ),
        (
            "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 570.133",
            18,
            VERSIONS,
        ),
        ("Failed to initialize NVML: Driver Not Loaded: not loaded", 9, NO_DRIVER),
        ("Failed to initialize NVML: Insufficient Permissions", 4, Reason::RIGHTS),
        ("Unable to determine the device handle for GPU 0000:01:00.0: GPU is lost.", 15, LOST),
        ("\u{1b}[31mSegmentation\u{7} fault", 139, Reason::OTHER),
        ("", 1, Reason::OTHER),
    ] {
        let failure = said(text, Some(code));
        assert_eq!(failure.reason, reason, "{text}");
        assert!(!failure.detail.contains('\u{1b}') && failure.detail.len() < 300, "{failure}");
    }
    let dir = tempfile::tempdir().unwrap();
    let path =
        program(dir.path(), "echo NVIDIA-SMI has failed because it couldn\\'t communicate; exit 9");
    assert_eq!(Left::default().run(&path).unwrap_err().reason, NO_DRIVER);
    let path = program(dir.path(), "kill -9 $$");
    let failure = Left::default().run(&path).unwrap_err();
    assert!(failure.detail.contains("by a signal"), "{failure}");
    let text = dir.path().join("text");
    std::fs::write(&text, "no program").unwrap();
    assert_eq!(Left::default().run(&text).unwrap_err().reason, Reason::RIGHTS);
}

/// Nothing that a document holds panics, takes memory without end, or comes out as a number that is none.
#[test]
fn hostile_documents_are_bounded() {
    let log = |inner: &str| format!("<nvidia_smi_log>{inner}</nvidia_smi_log>");
    let deep = |count: usize| "<a>".repeat(count) + &"</a>".repeat(count);
    let bombs = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">\
        <!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;\">]>";
    for text in [
        String::new(),
        "\0\0\0".to_owned(),
        log(&"<gpu/>".repeat(300_000)),
        log(&deep(200_000)),
        format!(
            "{bombs}<nvidia_smi_log><driver_version>&d;&d;&d;&d;</driver_version></nvidia_smi_log>"
        ),
        format!("<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>{}", log("&a;")),
        log("<gpu><uuid>GPU-1"),
        "<other/>".to_owned(),
    ] {
        let shown: String = text.chars().take(60).collect();
        match parse::machine(&text) {
            Err(failure) => {
                assert_eq!(failure.reason, Reason::PARSE, "{shown}");
                assert!(failure.detail.len() < 300, "{failure}");
            }
            Ok(machine) => assert!(machine.gpus.is_empty(), "{shown}"),
        }
    }
    let many = |count: usize| {
        let gpu = |n: usize| format!("<gpu id=\"{n}\"><uuid>GPU-{n}</uuid></gpu>");
        log(&(0..count).map(gpu).collect::<String>())
    };
    assert_eq!(parse::machine(&many(1000)).unwrap().gpus.len(), 64);
    let endless = log(&format!(
        "<gpu><uuid>{}</uuid><product_name>a\u{1b}[31m</product_name></gpu>",
        "x".repeat(1 << 20)
    ));
    let machine = parse::machine(&endless.replace('\u{1b}', "&#x9;")).unwrap();
    assert!(machine.gpus[0].uuid.len() <= 100 && machine.gpus[0].state == State::Ok);
    let process = "<process_info><pid>1</pid></process_info>".repeat(5000);
    let text = log(&format!("<gpu><uuid>GPU-1</uuid><processes>{process}</processes></gpu>"));
    let machine = parse::machine(&text).unwrap();
    assert_eq!(machine.gpus[0].processes.as_ref().map(Vec::len), Some(1000));
}
