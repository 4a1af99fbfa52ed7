//! The exporter's own log: nothing that happens to its standard error kills or stops it.

use std::io::{PipeReader, PipeWriter, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::servers::httpd::{Httpd, Reply};
use crate::servers::port::free_port;
use crate::servers::wait::{PATIENT, get_ok, until};
use crate::servers::{http_client, run, text, watchdog};
use crate::stage::binary;

/// An exporter whose standard error is the test's affair.
struct Bare {
    child: Child,
    url: String,
    config: std::path::PathBuf,
}

impl Bare {
    async fn start(config: &str, stderr: Stdio) -> Self {
        let (port, dir) = (free_port(), watchdog::dir("bare"));
        let file = dir.join("config.yaml");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(binary())
            .arg(format!("--config.file={}", text(&file)))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg(format!("--storage.path={}", text(&dir.join("state"))))
            .current_dir(&dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr);
        // A test's thread lives as long as the test; the process is to die with it.
        let child = command.spawn().expect("setpriv");
        let bare = Self { child, url: format!("http://127.0.0.1:{port}"), config: file };
        until("the exporter", PATIENT, async || get_ok(&format!("{}/-/ready", bare.url)).await)
            .await;
        bare
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is there");
    }

    async fn scrape(&self) -> String {
        get_ok(&format!("{}/metrics", self.url)).await.expect("a scrape")
    }

    async fn reload(&self) -> u16 {
        let sent = http_client().post(format!("{}/-/reload", self.url)).send().await;
        sent.expect("an answer to the reload").status().as_u16()
    }

    /// Answers all that it is asked, and ends within 3 s of SIGTERM with code 0.
    async fn well_to_the_end(mut self) {
        for path in ["/-/healthy", "/metrics", "/api/v1/status", "/"] {
            let start = Instant::now();
            get_ok(&format!("{}{path}", self.url)).await.unwrap_or_else(|e| panic!("{path}: {e}"));
            assert!(start.elapsed() < Duration::from_secs(2), "{path}: {:?}", start.elapsed());
        }
        let start = Instant::now();
        self.signal(Signal::TERM);
        let status = until("its end", Duration::from_secs(10), async || {
            self.child.try_wait().expect("our child")
        })
        .await;
        assert_eq!(status.code(), Some(0), "{status:?}");
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn value(scrape: &str, series: &str) -> f64 {
    let line = scrape.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in {scrape}")).parse().unwrap()
}

const DROPPED: &str = "stack_exporter_log_lines_dropped_total";

const QUIET: &str =
    "docker: { enabled: false }\npostgres: {}\nqueues: {}\nlogs: {}\nhost: { enabled: false }\n";

fn watching(nats: u16) -> String {
    format!("{QUIET}nats: {{ main: {{ url: \"http://127.0.0.1:{nats}\" }} }}\n")
}

/// Something to say: a bad file, and the good one again.
async fn speaks(bare: &Bare, times: usize) {
    let good = std::fs::read_to_string(&bare.config).unwrap();
    for _ in 0..times {
        std::fs::write(&bare.config, "nonsense: 1\n").unwrap();
        assert_eq!(bare.reload().await, 400);
        std::fs::write(&bare.config, &good).unwrap();
        assert_eq!(bare.reload().await, 200);
    }
}

async fn lost_lines_are_counted(bare: &Bare) {
    until("the lines to be counted", PATIENT, async || {
        let dropped = value(&bare.scrape().await, DROPPED);
        if dropped >= 10.0 { Ok(()) } else { Err(dropped) }
    })
    .await;
}

#[test]
fn a_full_disk_for_the_log_costs_lines_only() {
    run(async {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let bare = Bare::start(QUIET, full.into()).await;
        speaks(&bare, 5).await;
        lost_lines_are_counted(&bare).await;
        bare.well_to_the_end().await;
    });
}

#[test]
fn a_reader_of_the_log_that_has_gone_costs_lines_only() {
    run(async {
        let (reader, writer) = std::io::pipe().unwrap();
        let bare = Bare::start(QUIET, writer.into()).await;
        assert!(value(&bare.scrape().await, DROPPED).abs() < 1e-9);
        drop(reader);
        speaks(&bare, 5).await;
        lost_lines_are_counted(&bare).await;
        bare.well_to_the_end().await;
    });
}

#[test]
fn a_standard_error_that_is_closed_is_no_trouble() {
    run(async {
        let (port, dir) = (free_port(), watchdog::dir("closed"));
        let file = dir.join("config.yaml");
        std::fs::write(&file, QUIET).unwrap();
        let flags = format!(
            "--config.file={} --web.listen-address=127.0.0.1:{port} --storage.path={}",
            text(&file),
            text(&dir.join("state"))
        );
        let script =
            format!("exec setpriv --pdeathsig KILL -- {} {flags} 2>&- >&-", text(binary()));
        let child = Command::new("sh").args(["-c", &script]).spawn().unwrap();
        let url = format!("http://127.0.0.1:{port}");
        until("the exporter", PATIENT, async || get_ok(&format!("{url}/-/ready")).await).await;
        let bare = Bare { child, url, config: file };
        speaks(&bare, 3).await;
        bare.well_to_the_end().await;
    });
}

/// A pipe with room for 4 kB: the rest of its 64 kB is taken.
fn small_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&vec![b'.'; 60 << 10]).unwrap();
    (reader, writer)
}

#[test]
fn a_log_that_nobody_reads_stops_nothing_and_goes_on_when_it_is_read() {
    run(async {
        let server = Httpd::start(|_| Reply::new(200, "application/json", "nonsense")).await;
        let (reader, writer) = small_pipe();
        let bare = Bare::start(&watching(server.port), writer.into()).await;
        // More than the pipe takes, and then changes of a target's state.
        for _ in 0..130 {
            bare.signal(Signal::HUP);
            assert_eq!(bare.reload().await, 200);
        }
        server.close().await;
        let down = "stack_target_failure{target=\"main\",area=\"nats\",reason=\"refused\"} 1";
        until("the target's new state", PATIENT, async || {
            let scrape = bare.scrape().await;
            if scrape.contains(down) { Ok(()) } else { Err(scrape) }
        })
        .await;
        // More than the queue holds: a megabyte. A line of 120 mistakes fills it sooner.
        let good = std::fs::read_to_string(&bare.config).unwrap();
        let mut bad = String::new();
        for key in 0..400 {
            bad += &format!("nonsense_{key}: 1\n");
        }
        std::fs::write(&bare.config, &bad).unwrap();
        until("dropped lines", PATIENT, async || {
            assert_eq!(bare.reload().await, 400);
            value(&bare.scrape().await, DROPPED) > 0.0
        })
        .await;
        std::fs::write(&bare.config, &good).unwrap();
        assert_eq!(bare.reload().await, 200);
        // Somebody reads again: what was kept comes, and how much was lost.
        let read = std::thread::spawn(move || {
            let mut pipe = reader;
            let (mut all, mut piece) = (Vec::new(), [0; 8192]);
            while let Ok(count) = pipe.read(&mut piece) {
                all.extend_from_slice(&piece[..count]);
                if count == 0 {
                    break;
                }
            }
            String::from_utf8_lossy(&all).into_owned()
        });
        // The queue is emptied within the end's patience.
        bare.well_to_the_end().await;
        let said = read.join().unwrap();
        assert!(said.contains("watching\n") && said.contains("serving http://"), "{said}");
        assert!(said.matches("configuration reloaded").count() >= 130, "{said}");
        assert!(said.contains("cannot read target: /varz: connection refused"), "{said}");
        assert!(said.contains("log lines were lost: standard error was full"), "{said}");
    });
}

#[test]
fn a_log_that_is_never_read_does_not_keep_the_process_from_ending() {
    run(async {
        let server = Httpd::start(|_| Reply::new(200, "application/json", "nonsense")).await;
        let (reader, writer) = small_pipe();
        let bare = Bare::start(&watching(server.port), writer.into()).await;
        for _ in 0..130 {
            bare.signal(Signal::HUP);
            assert_eq!(bare.reload().await, 200);
        }
        server.close().await;
        let down = "stack_target_failure{target=\"main\",area=\"nats\",reason=\"refused\"} 1";
        until("the target down", PATIENT, async || bare.scrape().await.contains(down)).await;
        bare.well_to_the_end().await;
        drop(reader);
    });
}

/// `... | head`: the reader of the data goes early.
#[test]
fn a_reader_of_the_output_that_has_gone_is_no_panic() {
    for command in ["metrics", "config schema", "config show", "--help", "check --only host"] {
        let script = format!("{{ {} {command}; echo code $? >&2; }} | :", text(binary()));
        let done = Command::new("bash").args(["-c", &script]).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(!said.contains("panic") && !said.contains("defect"), "{command}: {said}");
        let code: i32 = said.rsplit("code ").next().unwrap().trim().parse().unwrap();
        assert!((0..=3).contains(&code), "{command}: {said}");
    }
    let script = format!("{} metrics >/dev/full", text(binary()));
    let done = Command::new("bash").args(["-c", &script]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(said.contains("the output is not complete"), "{said}");
    let script = format!("{} check --config.file /no/such 2>/dev/full", text(binary()));
    let done = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert_eq!(done.status.code(), Some(3));
}
