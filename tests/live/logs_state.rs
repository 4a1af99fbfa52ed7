//! What an exporter remembers of logs over a restart: without room, damaged, and shared.
//! [L05 L10]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::logs_rotation::{counted, doubt, lines};
use crate::servers::exporter::Exporter;
use crate::servers::logwriter::LogFile;
use crate::servers::process::is_root;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{run, text, watchdog};
use crate::stage::binary;

const LINE: &str = "2024-01-01 12:00:00,000 [INFO] app: line";
const SAVED: &str = "stack_log_state_saved{target=\"app\"}";

/// A log that is read, and its configuration.
fn log(name: &str) -> (LogFile, String) {
    let file = watchdog::dir(name).join("app.log");
    fs::write(&file, "").unwrap();
    let config = format!("logs:\n  app: {{ files: [{}] }}\n", file.display());
    (LogFile::new(&file), config)
}

fn storage_flag(dir: &Path) -> String {
    format!("--storage.path={}", text(dir))
}

#[test]
fn a_second_exporter_leaves_the_state_of_the_first_alone() {
    run(async {
        let (file, config) = log("shared");
        let first = Exporter::start(binary(), &config).await;
        file.append(&[LINE; 10]);
        counted(&first, "app", 10).await;
        let flag = storage_flag(&first.storage());
        let second = Exporter::start_with(binary(), &config, &[&flag], &[]).await;
        let taken = "stack_target_failure{target=\"app\",area=\"logs\",reason=\"taken\"} 1";
        let scrape = second.wait_line(taken, PATIENT).await;
        assert_eq!(scrape.line("stack_log_lines_total{target=\"app\""), None, "nothing twice");
        file.append(&[LINE; 5]);
        counted(&first, "app", 15).await;
        // Once the first is gone, the other goes on with what it has counted, without a restart.
        first.server.kill();
        file.append(&[LINE; 5]);
        let scrape = counted(&second, "app", 20).await;
        assert_eq!(doubt(&scrape, "app"), 0);
    });
}

/// A state directory that is full for a while.
struct Room {
    dir: PathBuf,
}

impl Room {
    fn new() -> Self {
        let dir = watchdog::dir("room");
        if is_root() {
            let mounted = Command::new("mount")
                .args(["-t", "tmpfs", "-o", "size=128k,mode=700", "tmpfs", text(&dir)])
                .status();
            assert!(mounted.unwrap().success(), "mount a tmpfs");
            watchdog::at_end(&format!("umount -l {} 2>/dev/null", text(&dir)));
        }
        Self { dir }
    }

    fn fill(&self) {
        if is_root() {
            let ballast = self.dir.join("ballast");
            assert!(fs::write(ballast, vec![b'x'; 1 << 20]).is_err(), "it is full");
        } else {
            fs::set_permissions(&self.dir, fs::Permissions::from_mode(0o500)).unwrap();
        }
    }

    fn free(&self) {
        if is_root() {
            fs::remove_file(self.dir.join("ballast")).unwrap();
        } else {
            fs::set_permissions(&self.dir, fs::Permissions::from_mode(0o700)).unwrap();
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if is_root() {
            let _ = Command::new("umount").args(["-l", text(&self.dir)]).status();
        }
    }
}

#[test]
fn without_room_for_the_state_counting_goes_on_and_says_so() {
    run(async {
        let (file, config) = log("full");
        let room = Room::new();
        let flag = storage_flag(&room.dir);
        let exporter = Exporter::start_with(binary(), &config, &[&flag], &[]).await;
        file.append(&[LINE; 10]);
        counted(&exporter, "app", 10).await;
        exporter.wait_line(&format!("{SAVED} 1"), PATIENT).await;
        room.fill();
        file.append(&[LINE; 10]);
        let scrape = exporter.wait_line(&format!("{SAVED} 0"), PATIENT).await;
        assert_eq!(scrape.value("stack_target_up{target=\"app\",area=\"logs\"}"), Some(1.0));
        counted(&exporter, "app", 20).await;
        room.free();
        exporter.wait_line(&format!("{SAVED} 1"), PATIENT).await;
        // It is all there now.
        exporter.server.kill();
        file.append(&[LINE; 10]);
        exporter.restart().await;
        let scrape = counted(&exporter, "app", 30).await;
        assert_eq!(doubt(&scrape, "app"), 0);
    });
}

#[test]
fn a_damaged_state_is_told_and_no_old_line_counts_again() {
    run(async {
        let (file, config) = log("damaged");
        let exporter = Exporter::start(binary(), &config).await;
        file.append(&[LINE; 100]);
        counted(&exporter, "app", 100).await;
        exporter.stop().await;
        let states = fs::read_dir(exporter.storage()).unwrap().flatten().map(|one| one.path());
        // Beside it lies what the exporter keeps of itself.
        let state = states.filter(|path| path.ends_with("logs-app.state"));
        let state = state.collect::<Vec<_>>();
        let [state] = &state[..] else { panic!("one state: {state:?}") };
        let mut bytes = fs::read(state).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        fs::write(state, bytes).unwrap();
        exporter.restart().await;
        let lost = "stack_log_doubt_total{target=\"app\",reason=\"state_lost\"} 1";
        exporter.wait_line(lost, PATIENT).await;
        file.append(&[LINE; 7]);
        counted(&exporter, "app", 7).await;
        // That it was lost is told until it is forgotten on purpose.
        exporter.server.kill();
        exporter.restart().await;
        exporter.wait_line(lost, PATIENT).await;
        counted(&exporter, "app", 7).await;
    });
}

#[test]
fn a_file_that_cannot_be_read_counts_once_it_can() {
    run(async {
        let dir = watchdog::dir("rights");
        let (open, shut) = (dir.join("open.log"), dir.join("shut.log"));
        for path in [&open, &shut] {
            LogFile::new(path).append(&[LINE; 10]);
        }
        fs::set_permissions(&shut, fs::Permissions::from_mode(0o000)).unwrap();
        let config =
            format!("logs:\n  app: {{ files: [\"{}/*.log\"], start: beginning }}\n", dir.display());
        let exporter = Exporter::start_as("daemon", binary(), &config).await;
        let files = |state: &str, count: u32| {
            format!("stack_log_files{{target=\"app\",state=\"{state}\"}} {count}")
        };
        exporter.wait_line(&files("unreadable", 1), PATIENT).await;
        exporter.wait_line(&format!("{SAVED} 1"), PATIENT).await;
        assert_eq!(lines(&exporter.scrape().await, "app"), 10);
        fs::set_permissions(&shut, fs::Permissions::from_mode(0o644)).unwrap();
        exporter.wait_line(&files("open", 2), PATIENT).await;
        let scrape = counted(&exporter, "app", 20).await;
        assert_eq!(doubt(&scrape, "app"), 0);
    });
}

#[test]
fn counts_can_be_compared_with_what_lies_on_disk() {
    run(async {
        let (file, config) = log("verified");
        let exporter = Exporter::start(binary(), &config).await;
        let error = "2024-01-01 12:00:00,000 [ERROR] app: line";
        file.append(&[LINE, error, LINE, "  and more of it"]);
        counted(&exporter, "app", 4).await;
        // What is renamed is still its own.
        file.rotate_rename();
        file.append(&[LINE, error]);
        counted(&exporter, "app", 6).await;
        let verify = || exporter.verify(binary(), &exporter.storage());
        let (code, told) = verify();
        assert_eq!((code, told.matches("equal").count()), (Some(0), 2), "{told}");
        exporter.stop().await;
        let (code, told) = verify();
        assert_eq!((code, told.matches("equal").count()), (Some(0), 2), "{told}");
        // Behind its back an error becomes a warning of the same length.
        let text = fs::read_to_string(file.path()).unwrap();
        let forged = text.replace("[ERROR]", "[WARN!]");
        let mut place = fs::File::options().write(true).open(file.path()).unwrap();
        std::io::Write::write_all(&mut place, forged.as_bytes()).unwrap();
        until("a difference", PATIENT, async || {
            let (code, told) = verify();
            if code == Some(1) && told.contains("DIFFERS") { Ok(()) } else { Err((code, told)) }
        })
        .await;
    });
}
