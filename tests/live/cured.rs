//! What was odd once and is right again is well without a restart: the configuration, the state
//! directory and its files. Those of SQLite are in `sqlite.rs`. [L10]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::logs_rotation::counted;
use crate::servers::exporter::Exporter;
use crate::servers::logwriter::LogFile;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{run, text, watchdog};
use crate::stage::binary;

const LINE: &str = "2024-01-01 12:00:00,000 [INFO] app: line";

fn pipe(path: &Path) {
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}

#[test]
fn a_configuration_that_was_a_pipe_is_loaded_again() {
    run(async {
        let dir = watchdog::dir("cured");
        let config = dir.join("stack.yml");
        fs::write(&config, "docker: { enabled: false }\nhost: { enabled: true }\n").unwrap();
        let flag = format!("--config.file={}", text(&config));
        let exporter = Exporter::start_configured(binary(), &[&flag]).await;
        fs::remove_file(&config).unwrap();
        pipe(&config);
        let begun = Instant::now();
        let (status, told) = exporter.reload().await;
        assert_eq!(status, 400, "{told}");
        assert!(told.contains("it is a pipe"), "{told}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        // By the signal too, and meanwhile it goes on serving what it had.
        exporter.hangup();
        assert_eq!(exporter.scrape().await.status, 200);
        fs::remove_file(&config).unwrap();
        fs::write(&config, "docker: { enabled: false }\nhost: { enabled: false }\n").unwrap();
        let (status, told) = exporter.reload().await;
        assert_eq!(status, 200, "{told}");
        until("host is gone", PATIENT, async || {
            let scrape = exporter.scrape().await;
            scrape.line("stack_target_up{target=\"host\"").is_none()
        })
        .await;
    });
}

#[test]
fn odd_files_in_the_state_directory_are_told_and_cured() {
    run(async {
        let dir = watchdog::dir("cured-state");
        let (state, log) = (dir.join("state"), dir.join("app.log"));
        fs::create_dir(&state).unwrap();
        fs::write(&log, "").unwrap();
        pipe(&state.join("lock"));
        let config = format!("logs:\n  app: {{ files: [{}] }}\n", log.display());
        let flag = format!("--storage.path={}", text(&state));
        let exporter = Exporter::start_with(binary(), &config, &[&flag], &[]).await;
        let file = LogFile::new(&log);
        file.append(&[LINE; 10]);
        counted(&exporter, "app", 10).await;
        let unsaved = "stack_log_state_saved{target=\"app\"} 0";
        exporter.wait_line(unsaved, PATIENT).await;
        fs::remove_file(state.join("lock")).unwrap();
        exporter.wait_line("stack_log_state_saved{target=\"app\"} 1", PATIENT).await;

        // A pipe in the place of the state: that log is ill with a reason, and well when it is gone.
        exporter.server.stop().await;
        fs::remove_file(state.join("logs-app.state")).unwrap();
        pipe(&state.join("logs-app.state"));
        exporter.restart().await;
        let ill = "stack_target_failure{target=\"app\",area=\"logs\",reason=\"other\"} 1";
        exporter.wait_line(ill, PATIENT).await;
        fs::remove_file(state.join("logs-app.state")).unwrap();
        exporter.wait_line("stack_target_up{target=\"app\",area=\"logs\"} 1", PATIENT).await;
    });
}
