//! Log files that harm, logs of containers from an Engine that lies, and a pattern over files
//! that are none.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::engine::{self, ID, container, frame};
use super::expect::Expect;
use super::liar::{Manner, Say, joined};
use super::report::{self, Outcome};
use super::rig::{KEPT, Patient, Rig, launch};
use super::source::{Lie, Source, lies_about};
use super::wanted;
use crate::servers::process::command;
use crate::servers::wait::{PATIENT, get_ok, pause, until};
use crate::servers::{text, watchdog};

const LINES: &str = "stack_log_lines_total{target=\"sick\"";

/// Writes a file of pieces that come by their number.
fn write(file: &Path, count: u64, mut piece: impl FnMut(u64) -> String) {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file).unwrap());
    for number in 0..count {
        out.write_all(piece(number).as_bytes()).unwrap();
    }
    out.flush().unwrap();
}

type Make = Box<dyn Fn(&Path)>;

/// What appears in the folder; all of it is gone with the cure.
fn contents() -> Vec<(&'static str, Make)> {
    let error = "2024-01-01 12:00:00,000 [ERROR] app: ";
    let one = |make: fn(&Path)| -> Make { Box::new(move |folder| make(&folder.join("x.log"))) };
    let mebibyte = "a".repeat(1 << 20);
    vec![
        (
            "a line of 300 MB",
            Box::new(move |folder| write(&folder.join("x.log"), 300, |_| mebibyte.clone())),
        ),
        ("a hole of 1 TB", one(|file| File::create(file).unwrap().set_len(1 << 40).unwrap())),
        ("20,000,000 empty lines", one(|file| write(file, 20, |_| "\n".repeat(1_000_000)))),
        (
            "100,000 kinds of errors",
            Box::new(move |folder| {
                let word = |n: u64| -> String {
                    format!("{n:x}").chars().map(|c| char::from(b'a' + (c as u8 % 16))).collect()
                };
                write(&folder.join("x.log"), 100_000, |n| {
                    format!("{error}{} {} failed\n", word(n), word(n * 7919))
                });
            }),
        ),
        (
            "errors of 100 kB",
            Box::new(move |folder| {
                write(&folder.join("x.log"), 200, |n| {
                    format!("{error}{n} {}\n", "word ".repeat(20_000))
                });
            }),
        ),
        (
            "a traceback of 20 MB",
            one(|file| {
                fs::write(file, "Traceback (most recent call last):\n").unwrap();
                write(file, 400_000, |n| {
                    if n == 0 {
                        "Traceback (most recent call last):\n".to_owned()
                    } else {
                        format!("  File \"/a/b{n}.py\", line {n}, in f\n")
                    }
                });
            }),
        ),
        (
            "20 MB of bytes without any form",
            one(|file| {
                let mut state = 1_u64;
                let mut out = BufWriter::new(File::create(file).unwrap());
                for _ in 0..(20 << 17) {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    out.write_all(&state.to_le_bytes()).unwrap();
                }
            }),
        ),
        (
            "lines of JSON of 100,000 levels",
            one(|file| write(file, 20, |_| "{\"a\":".repeat(100_000) + "\n")),
        ),
        (
            "lines of JSON with 100,000 keys",
            one(|file| {
                write(file, 10, |_| {
                    let keys = joined(100_000, |n| format!("\"level{n}\":\"error\","));
                    format!("{{{keys}\"level\":\"error\",\"message\":\"m\"}}\n")
                });
            }),
        ),
        (
            "access lines with 100,000 methods",
            one(|file| {
                write(file, 100_000, |n| {
                    format!(
                        "10.0.{}.{} - - [01/Jan/2024:12:00:00 +0000] \"M{n} /{n} HTTP/1.1\" {} 5 \"-\" \"-\"\n",
                        n / 256 % 256,
                        n % 256,
                        n % 1000
                    )
                });
            }),
        ),
        (
            "5,000 files",
            Box::new(|folder| {
                for n in 0..5000 {
                    fs::write(folder.join(format!("f{n}.log")), "a\n").unwrap();
                }
            }),
        ),
        (
            "a FIFO",
            one(|file| {
                assert!(command(Path::new("mkfifo"), None).arg(file).status().unwrap().success());
            }),
        ),
        ("/dev/zero", one(|file| symlink("/dev/zero", file).unwrap())),
        ("/proc/kmsg", one(|file| symlink("/proc/kmsg", file).unwrap())),
        ("a folder", one(|file| fs::create_dir(file).unwrap())),
        ("a link to itself", one(|file| symlink(file, file).unwrap())),
        (
            "a file that is renamed 2,000 times",
            Box::new(|folder| {
                fs::write(folder.join("r0.log"), "a\nb\n").unwrap();
                for n in 1..2000 {
                    fs::rename(
                        folder.join(format!("r{}.log", n - 1)),
                        folder.join(format!("r{n}.log")),
                    )
                    .unwrap();
                }
            }),
        ),
    ]
}

fn empty(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.file_name() != "well.log" {
            let _ = fs::remove_file(entry.path());
            let _ = fs::remove_dir(entry.path());
        }
    }
}

pub async fn files() {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for (place, case) in contents().into_iter().enumerate() {
        if place % 2 == 0 { first.push(case) } else { second.push(case) }
    }
    let (mut outcomes, more) = tokio::join!(lane(first), lane(second));
    outcomes.extend(more);
    if wanted("a pattern over /sys") {
        outcomes.push(pseudo().await);
    }
    report::finish("logs", &outcomes);
}

async fn lane(cases: Vec<(&'static str, Make)>) -> Vec<Outcome> {
    let folder = watchdog::dir("sick-logs");
    fs::write(folder.join("well.log"), "2024-01-01 12:00:00,000 [INFO] a: b\n").unwrap();
    let config = format!(
        "logs:\n  sick: {{ files: [\"{}/*.log\"], presets: [python], start: beginning, timeout: 2s }}\n",
        text(&folder)
    );
    let patient = Patient { area: "logs", target: "sick", well: &[LINES] };
    let mut rig = Rig::start("logs", &config, patient).await;
    for (name, make) in cases {
        let sick = async || make(&folder);
        // 8 kB for each file that is followed, and for some time remembered.
        rig.kept = if name == "5,000 files" { KEPT + (32 << 20) } else { KEPT };
        let least = Duration::from_secs(2);
        rig.lasting(name, least, Expect::Lives, sick, async || empty(&folder)).await;
    }
    rig.finish().await
}

/// A pattern over what the kernel shows as files: their sizes lie, so there always seems to be
/// more to read.
async fn pseudo() -> Outcome {
    let config = "logs:\n  sys: { files: [\"/sys/**/*\"], start: beginning }\n\
                  docker: { enabled: false }\npostgres: {}\nnats: {}\nqueues: {}\nhost: { enabled: true }\n";
    let (exporter, _group) = launch(config);
    let healthy = format!("{}/-/healthy", exporter.url());
    until("the exporter", PATIENT, async || get_ok(&healthy).await).await;
    let mut slowest = Duration::ZERO;
    let mut failures = Vec::new();
    let begun = Instant::now();
    // The first look at all of them may cost; what counts is what they cost for ever.
    let mut settled = None;
    while begun.elapsed() < Duration::from_secs(9) {
        let Ok((scrape, _)) = exporter.try_scrape().await else { break };
        slowest = slowest.max(scrape.elapsed);
        if settled.is_none() && begun.elapsed() > Duration::from_secs(4) {
            settled = scrape.value("process_cpu_seconds_total").map(|cpu| (cpu, Instant::now()));
        }
        pause(Duration::from_millis(300)).await;
    }
    let last = exporter.try_scrape().await.map(|(scrape, _)| scrape);
    let cpu = last.as_ref().ok().and_then(|scrape| scrape.value("process_cpu_seconds_total"));
    let used =
        settled.zip(cpu).map(|((before, at), now)| (now - before) / at.elapsed().as_secs_f64());
    match used {
        None => failures.push("it does not live".to_owned()),
        Some(used) if used > 0.2 => failures.push(format!("takes {used:.2} of a core for ever")),
        Some(_) => {}
    }
    let peak = exporter.resident_bytes();
    if peak.is_some_and(|peak| peak > 64 << 20) {
        failures.push("takes over 64 MB".to_owned());
    }
    let said = used.map_or_else(|| "-".to_owned(), |used| format!("{used:.2} of a core"));
    let outcome = Outcome {
        kind: "logs",
        name: "a pattern over /sys".to_owned(),
        said,
        peak,
        slowest,
        failures,
    };
    eprintln!("{outcome}");
    outcome
}

/// Answers to the question for a container's output.
fn outputs() -> Vec<(&'static str, Say)> {
    let head = || Say::headed("content-type: application/vnd.docker.raw-stream\r\n", "");
    let bare =
        |bytes: &[u8]| Say::headed("content-type: application/vnd.docker.raw-stream\r\n", bytes);
    let line = frame("2024-01-01T12:00:00.000000001Z [ERROR] app: a\n");
    vec![
        ("output without an end", head().forever(&line)),
        ("output of empty pieces without an end", head().forever(frame(""))),
        ("output of one byte a piece without an end", head().forever(frame("a"))),
        ("a piece of 4 GB", bare(&[1, 0, 0, 0, 255, 255, 255, 255]).forever("a")),
        ("a line of 200 MB", head().again(frame(&"a".repeat(50_000)), 4000)),
        ("a stream of no kind", bare(&[9, 9, 9, 9, 0, 0, 0, 1]).forever("a")),
        ("a piece that is cut off", bare(&[1, 0, 0, 0, 0, 0, 1, 0, b'a'])),
        ("half of a head", bare(&[1, 0, 0])),
        ("text without frames, and no end", head().forever("hello\n")),
        ("times that are none", head().again(frame("99999-99-99T99:99:99Z a\n"), 100_000)),
        (
            "times that jump",
            head()
                .again(frame("9999-12-31T23:59:59.999999999Z a\n"), 1)
                .last(frame("0001-01-01T00:00:00Z a\n")),
        ),
        ("a byte a second", head().paced(Duration::from_secs(1)).forever("\x01")),
    ]
}

pub async fn containers() {
    let source = Source {
        kind: "output",
        honest: |_| Manner::Http(Arc::new(honest)),
        behind: 0,
        config: |port| {
            format!(
                "logs:\n  sick: {{ container: web, engine: \"tcp://127.0.0.1:{port}\", timeout: 2s }}\n"
            )
        },
        patient: Patient { area: "logs", target: "sick", well: &[LINES] },
    };
    let lists = [
        (
            "a list of 6 MB of {},",
            Say::open(format!("[{},", container(ID, "web"))).again("{},", 2_000_000).last("{}]"),
        ),
        (
            "a list of 100,000 containers",
            Say::open("[")
                .again(container("@@@@@@@@@@@@@@@@", "web") + ",", 100_000)
                .last("{}]")
                .counted(),
        ),
        ("a list without an end", Say::open("[").forever("{},")),
    ];
    let all = lists.into_iter().map(|(name, say)| ("/containers/json", name, say));
    let all = all.chain(outputs().into_iter().map(|(name, say)| ("/logs", name, say)));
    let mut lies: Vec<Lie> = Vec::new();
    for (part, name, say) in all {
        lies.push(Lie::new(name, lies_about(part, say, honest), Expect::Lives));
    }
    for path in ["/etc/shadow", "/dev/zero", "/proc/self/environ", "/proc/kmsg"] {
        let say = Say::json(format!(
            r#"{{"Id":"{ID}","LogPath":"{path}","HostConfig":{{"LogConfig":{{"Type":"json-file"}}}},"State":{{"Status":"running"}}}}"#
        ));
        let name = format!("the file of its log is {path}");
        lies.push(Lie::new(name, lies_about("aaaa/json", say, honest), Expect::Lives));
    }
    let lies = lies.into_iter().map(|lie| lie.least(Duration::from_secs(2)));
    report::finish("output", &source.play(5, lies.collect()).await);
}

fn honest(path: &str) -> Say {
    if path.contains("/containers/aaaa") && path.contains("/json") {
        return Say::json(format!(
            r#"{{"Id":"{ID}","LogPath":"","HostConfig":{{"LogConfig":{{"Type":"local"}}}},"Config":{{"Tty":false}},"State":{{"Status":"running","StartedAt":"2024-01-01T00:00:00Z"}}}}"#
        ));
    }
    engine::honest(path)
}

/// For the names' test.
pub fn folder_of(names: &[&str]) -> PathBuf {
    let folder = watchdog::dir("named-logs");
    for name in names {
        fs::write(folder.join(name), "2024-01-01 12:00:00,000 [ERROR] a: b\n").unwrap();
    }
    folder
}
