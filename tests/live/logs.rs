//! Log files, for real: written, rotated, taken away, and back. [L01 L02 L05 L06 L07 L13 L22 Q08]

use std::time::{Duration, Instant, SystemTime};

use crate::servers::logwriter::LogFile;
use crate::servers::wait::PATIENT;
use crate::servers::{run, watchdog};
use crate::stage::{Stage, Watched};

/// From a line in the file to its count, on a loaded machine.
const SOON: Duration = Duration::from_secs(5);

const BOT: Watched =
    Watched { area: "logs", target: "bot", alert: "LogsUnreadable", severity: "warning" };

#[test]
fn lines_are_counted_over_rotation_and_reload_and_a_folder_that_goes_and_comes() {
    run(async {
        let dir = watchdog::dir("logs").join("bot");
        std::fs::create_dir(&dir).unwrap();
        let log = LogFile::dated(&dir, "ai_library_bot", SystemTime::now());
        log.append(&["2024-01-01 12:00:00,000 [INFO] bot: start"]);
        let config = format!(
            "logs:\n  bot: {{ files: [\"{}/ai_library_bot_*.log\"], presets: [telegram_bot, taskiq, websocket, rate_limit] }}\n",
            dir.display()
        );
        let stage = Stage::start(&config).await;
        stage.well(BOT).await;
        let request = "2024-01-01 12:00:01,000 [INFO] bot: Запрос от пользователя 7";
        log.append(&[request; 3]);
        let matches =
            |n: u32| format!("stack_log_matches_total{{target=\"bot\",rule=\"requests\"}} {n}");
        let begun = Instant::now();
        stage.exporter.wait_line(&matches(3), PATIENT).await;
        assert!(begun.elapsed() < SOON, "counted after {:?}", begun.elapsed());
        log.rotate_rename();
        log.append(&[request; 2]);
        stage.exporter.wait_line(&matches(5), PATIENT).await;

        // Another rule, and the counters go on.
        stage.exporter.write_config(&config.replace("[telegram_bot,", "[telegram_bot, python,"));
        assert_eq!(stage.exporter.reload().await.0, 200);
        log.append(&[request, "Batch embedding task completed: 148 success, 2 failed, 0 skipped"]);
        let scrape = stage.exporter.wait_line(&matches(6), PATIENT).await;
        assert!(scrape.body.contains("148"), "a captured value: {}", scrape.body);
        log.append(&[
            "2024-01-01 12:00:02,000 [ERROR] bot: Error: Rate limit exceeded",
            "2024-01-01 12:00:03,000 [CRITICAL] bot: gone",
            "📡 Broadcasting message.updated to 3 WebSocket clients",
        ]);
        let rule =
            |rule: &str| format!("stack_log_matches_total{{target=\"bot\",rule=\"{rule}\"}} 1");
        stage.exporter.wait_line(&rule("rate_limit"), PATIENT).await;
        let scrape = stage.exporter.wait_line(&rule("websocket_broadcast"), PATIENT).await;
        let level = |level: &str| {
            scrape.value(&format!("stack_log_lines_total{{target=\"bot\",level=\"{level}\"}}"))
        };
        assert_eq!((level("error"), level("critical")), (Some(1.0), Some(1.0)), "{}", scrape.body);
        let critical = [("target", "bot"), ("severity", "warning")];
        stage.prometheus.wait_alert("LogCriticalLines", &critical, "firing", PATIENT).await;
        let batch = [("target", "bot"), ("severity", "warning")];
        stage.prometheus.wait_alert("LogBatchFailures", &batch, "firing", PATIENT).await;

        // Most events are errors, and of a kind that it did not know. What is usual is not known yet.
        let refused = "2024-01-01 12:00:04,000 [ERROR] bot.db: connection 17 was refused";
        log.append(&[refused; 30]);
        let ratio = [("target", "bot"), ("severity", "warning")];
        stage.prometheus.wait_alert("LogErrorRatio", &ratio, "firing", PATIENT).await;
        assert!(!stage.exporter.scrape().await.body.contains("stack_log_error_burst_ratio{"));
        let kinds = stage.exporter.get("/api/v1/details/logs/bot", &[]).await.body;
        assert!(kinds.contains("connection * was refused"), "{kinds}");

        let away = dir.with_extension("away");
        std::fs::rename(&dir, &away).unwrap();
        // The files are still open; only once they are let go is the source gone.
        std::fs::remove_dir_all(&away).unwrap();
        stage.sick(BOT, "not_found").await;
        std::fs::create_dir(&dir).unwrap();
        log.append(&[request]);
        stage.well(BOT).await;
        stage.exporter.wait_line(&matches(7), PATIENT).await;
    });
}
