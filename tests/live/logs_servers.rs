//! The logs that real servers write: nginx under load, PostgreSQL. [L16 L21 L23 H08 H09]

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::logs_rotation::{counted, sum};
use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::nginx::Nginx;
use crate::servers::postgres::Postgres;
use crate::servers::process::need_program;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{http_client, run};
use crate::stage::binary;

/// Requests of a round, after each of which the log is rotated.
const REQUESTS: u64 = 300;
const ROUNDS: u64 = 4;

#[test]
fn requests_are_those_that_nginx_has_answered() {
    run(async {
        let logrotate = need_program(Path::new("logrotate"), "logrotate");
        let nginx = Nginx::start().await;
        let config = format!(
            "logs:\n  access: {{ files: [{}], presets: [nginx_access], start: beginning }}\n  \
             error: {{ files: [{}], presets: [nginx_error], start: beginning }}\n",
            nginx.access_log().display(),
            nginx.error_log().display()
        );
        let exporter = Exporter::start(binary(), &config).await;
        let pid = nginx.access_log().with_file_name("nginx.pid");
        let script = format!(
            "{} {{\nrotate 9\ndelaycompress\ncompress\ncreate\npostrotate\nkill -USR1 $(cat {})\nendscript\n}}\n",
            nginx.access_log().display(),
            pid.display()
        );
        let rotation = nginx.access_log().with_file_name("rotate.conf");
        fs::write(&rotation, script).unwrap();
        let state = rotation.with_extension("state");
        // The one that it was waited with.
        let mut asked = 1;
        for _ in 0..ROUNDS {
            let client = http_client();
            let ask = async |path: &str| {
                client.get(nginx.url(path)).send().await.map(|answer| answer.status().as_u16())
            };
            for number in 0..REQUESTS {
                // The rotation happens in the middle of them.
                if number == REQUESTS / 2 {
                    let mut command = Command::new(&logrotate);
                    let done = command.arg("-f").arg("-s").args([&state, &rotation]).output();
                    assert!(done.unwrap().status.success());
                }
                let path = match number % 10 {
                    0 => "/secret",
                    1 => "/broken",
                    _ => "/",
                };
                ask(path).await.expect("an answer");
            }
            asked += REQUESTS;
        }
        let scrape = counted(&exporter, "access", asked).await;
        let of = |status: &str| requests(&scrape, status);
        let tenth = ROUNDS * REQUESTS / 10;
        assert_eq!((of("403"), of("5xx"), of("4xx"), of("401")), (tenth, tenth, 0, 0));
        assert_eq!(of("2xx"), asked - 2 * tenth);
        let timed = scrape.value("stack_log_request_duration_seconds_count{target=\"access\"}");
        assert_eq!(timed, Some(asked as f64));
        assert!(scrape.value("stack_log_clients{target=\"access\"}") == Some(1.0), "one address");
        let ratio = scrape.value("stack_log_request_error_ratio{target=\"access\"}").unwrap();
        assert!((ratio - tenth as f64 / asked as f64).abs() < 0.01, "{ratio}");
        // nginx says in its error log why it answered 502.
        let errors = "stack_log_lines_total{target=\"error\",level=\"error\"} ";
        exporter.wait_line(&format!("{errors}{tenth}"), PATIENT).await;
        let groups = scrape_groups(&exporter, "error").await;
        assert_eq!(groups, 1, "the same kind of error, whatever connection it was");
    });
}

fn requests(scrape: &Scrape, status: &str) -> u64 {
    let lines = scrape.body.lines().filter(|line| {
        line.starts_with("stack_log_requests_total{target=\"access\"")
            && line.contains(&format!("status=\"{status}\""))
    });
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

async fn scrape_groups(exporter: &Exporter, target: &str) -> u64 {
    until("a kind of error", PATIENT, async || {
        let scrape = exporter.scrape().await;
        let groups = sum(&scrape, &format!("stack_log_error_groups{{target=\"{target}\"}}"));
        if groups > 0 { Ok(groups) } else { Err("none") }
    })
    .await
}

#[test]
fn errors_are_those_that_postgres_has_told() {
    run(async {
        let postgres = Postgres::start(None).await;
        let log = postgres.server.dir().join("log");
        let config =
            format!("logs:\n  db: {{ files: [{}], presets: [postgres] }}\n", log.display());
        let exporter = Exporter::start(binary(), &config).await;
        let client = postgres.client().await;
        for _ in 0..7 {
            client.batch_execute("select 1/0").await.unwrap_err();
        }
        for _ in 0..3 {
            client.batch_execute("select * from nowhere").await.unwrap_err();
        }
        let mut wrong = postgres.config("nobody", "postgres");
        wrong.password("wrong");
        assert!(wrong.connect(tokio_postgres::NoTls).await.is_err());
        let line = |level: &str, count: u32| {
            format!("stack_log_lines_total{{target=\"db\",level=\"{level}\"}} {count}")
        };
        exporter.wait_line(&line("error", 10), PATIENT).await;
        exporter.wait_line(&line("critical", 1), PATIENT).await;
        exporter.wait_line("stack_log_error_groups{target=\"db\"} 3", PATIENT).await;
        exporter.wait_line("stack_log_errors_total{target=\"db\"} 11", PATIENT).await;
    });
}
