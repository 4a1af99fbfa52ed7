//! systemd's journal, as systemd's own programs write it. [L01 L05 L18]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::process::Signal;

use crate::logs_rotation::{counted, doubt, lines};
use crate::servers::exporter::Exporter;
use crate::servers::process::{Server, Spec, command, is_root, need_program};
use crate::servers::wait::{PATIENT, until};
use crate::servers::{run, text, watchdog};
use crate::skip::skip;
use crate::stage::binary;

const REMOTE: &str = "/lib/systemd/systemd-journal-remote";
const PACKAGE: &str = "systemd-journal-remote";
const BOOT: &str = "0123456789abcdef0123456789abcdef";

/// A program that writes what it is given into one journal.
struct Remote {
    child: Child,
    input: Option<ChildStdin>,
}

impl Remote {
    fn start(file: &Path) -> Self {
        let program = need_program(Path::new(REMOTE), PACKAGE);
        let mut command = command(&program, None);
        command.args(["--output", text(file), "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        Self { input: child.stdin.take(), child }
    }

    /// Entries of both units, in turns; a third of the first one's are the manager's about it.
    fn write(&mut self, numbers: std::ops::Range<u64>) {
        let mut export = String::new();
        for number in numbers {
            let _ = writeln!(
                export,
                "__REALTIME_TIMESTAMP={}\n__MONOTONIC_TIMESTAMP={}\n_BOOT_ID={BOOT}",
                1_700_000_000_000_000 + number * 1000,
                number * 1000
            );
            let unit = if number % 2 == 0 { "app.service" } else { "other.service" };
            let whose = if number % 3 == 0 {
                format!("UNIT={unit}\n_PID=1\n_SYSTEMD_UNIT=init.scope")
            } else {
                format!("_SYSTEMD_UNIT={unit}\n_PID=17")
            };
            let priority = if number % 10 == 0 { 3 } else { 6 };
            let _ = writeln!(
                export,
                "PRIORITY={priority}\nSYSLOG_IDENTIFIER=app\n{whose}\nMESSAGE=line {number}\n"
            );
        }
        let input = self.input.as_mut().unwrap();
        input.write_all(export.as_bytes()).unwrap();
    }

    /// Lets it close its journal.
    async fn end(mut self) {
        self.input = None;
        until("the end of the journal", PATIENT, async || {
            self.child.try_wait().unwrap().ok_or("it runs")
        })
        .await;
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `journalctl` finds there.
fn journalctl(dir: &Path, args: &[&str]) -> u64 {
    let program = need_program(Path::new("journalctl"), "systemd");
    let mut command = Command::new(program);
    command.args(["--quiet", "--output=cat", "--directory", text(dir)]).args(args);
    let done = command.output().unwrap();
    memchr::memchr_iter(b'\n', &done.stdout).count() as u64
}

#[test]
fn entries_of_a_unit_are_those_that_journalctl_shows() {
    run(async {
        let dir = watchdog::dir("journal");
        let config = format!(
            "logs:\n  all: {{ journal: {{ directory: {0} }}, start: beginning }}\n  \
             app: {{ journal: {{ unit: app, directory: {0} }}, start: beginning }}\n  \
             named: {{ journal: {{ identifier: app, directory: {0} }}, start: beginning }}\n",
            dir.display()
        );
        let file = dir.join("system.journal");
        let mut remote = Remote::start(&file);
        remote.write(0..100);
        let exporter = Exporter::start(binary(), &config).await;
        // While it is read, and over a rotation: the old file gets another name, as journald does.
        for round in 1..4_u64 {
            for part in 0..20 {
                let start = round * 1000 + part * 50;
                remote.write(start..start + 50);
                exporter.scrape().await;
            }
            remote.end().await;
            let all = journalctl(&dir, &[]);
            assert_eq!(all, 100 + round * 1000);
            counted(&exporter, "all", all).await;
            let old = format!("system@0000000000000000000000000000000{round}-1-{round}.journal");
            fs::rename(&file, dir.join(old)).unwrap();
            remote = Remote::start(&file);
            if round == 2 {
                exporter.server.kill();
                exporter.restart().await;
            }
        }
        let unit = journalctl(&dir, &["--unit", "app"]);
        assert!(unit > 1500, "{unit}");
        let scrape = counted(&exporter, "app", unit).await;
        let errors = journalctl(&dir, &["--unit", "app", "--priority", "3"]);
        let level = scrape.value("stack_log_lines_total{target=\"app\",level=\"error\"}");
        assert_eq!(level, Some(errors as f64), "of {unit}");
        let scrape = counted(&exporter, "named", journalctl(&dir, &["--identifier", "app"])).await;
        for target in ["all", "app", "named"] {
            assert_eq!(doubt(&scrape, target), 0, "{target}");
        }
    });
}

/// journald in a mount namespace of its own, with an empty `/run`, and what it keeps in a folder
/// of ours. It takes lines from a pipe through `systemd-cat`.
const JOURNALD: &str = "
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/log/journal
mount --bind \"$1\" /run/log/journal
/lib/systemd/systemd-journald &
echo $! > \"$2\"
until [ -S /run/systemd/journal/stdout ]; do sleep 0.05; done
cat \"$3\" | systemd-cat -t live-app
exec sleep 86400
";

#[test]
fn journald_rotates_while_it_is_read() {
    run(async {
        if !is_root() {
            return skip("only root can start a journald of its own");
        }
        let (dir, server) = (watchdog::dir("journald"), watchdog::dir("journald"));
        let (pid, pipe) = (server.join("pid"), server.join("pipe"));
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let args = ["--mount", "sh", "-c", JOURNALD, "sh", text(&dir), text(&pid), text(&pipe)];
        let spec = Spec::new(Path::new("unshare"), "util-linux", &args);
        let server = Server::start(spec, &server);
        let mut input = fs::File::options().read(true).write(true).open(&pipe).unwrap();
        let pid = until("journald", PATIENT, async || {
            let pid = fs::read_to_string(&pid).ok()?.trim().parse().ok();
            rustix::process::Pid::from_raw(pid?)
        })
        .await;
        let config = format!(
            "logs:\n  app: {{ journal: {{ identifier: live-app, directory: {} }}, start: beginning }}\n",
            dir.display()
        );
        let exporter = Exporter::start(binary(), &config).await;
        let mut wanted = 0;
        for round in 0..4 {
            for _ in 0..10 {
                let part = (0..20).fold(String::new(), |part, _| {
                    wanted += 1;
                    format!("{part}line {wanted} of a program under systemd\n")
                });
                input.write_all(part.as_bytes()).unwrap();
                exporter.scrape().await;
            }
            until(&format!("{wanted} lines"), PATIENT, async || {
                let read = lines(&exporter.scrape().await, "app");
                if read == wanted { Ok(()) } else { Err(read) }
            })
            .await;
            if round == 1 {
                exporter.server.kill();
                exporter.restart().await;
            }
            rustix::process::kill_process(pid, Signal::USR2).unwrap();
            until("a rotation", PATIENT, async || archived(&dir) > round).await;
        }
        let scrape = counted(&exporter, "app", wanted).await;
        assert_eq!(doubt(&scrape, "app"), 0);
        server.kill();
    });
}

/// Journals that were rotated.
fn archived(dir: &Path) -> usize {
    let machines = fs::read_dir(dir).unwrap().flatten();
    let files =
        machines.filter_map(|machine| fs::read_dir(machine.path()).ok()).flatten().flatten();
    files.filter(|file| file.file_name().to_string_lossy().contains('@')).count()
}
