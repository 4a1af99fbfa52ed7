//! `/probe` on a real PostgreSQL: a declared database, an allowed one, one that is down, and one
//! that is not allowed. [P01]

use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::lint::Lint;
use crate::servers::port::free_port;
use crate::servers::postgres::{DATABASE, MONITOR_PASSWORD, Postgres};
use crate::servers::{Stack, run, watchdog};
use crate::stage::binary;

fn config(postgres: &Postgres, down: u16) -> String {
    let file = watchdog::dir("secret").join("password");
    std::fs::write(&file, format!("{MONITOR_PASSWORD}\n")).unwrap();
    let (url, port, file) = (postgres.url(), postgres.port, file.display());
    format!(
        "docker: {{ enabled: false }}
host: {{ enabled: false }}
postgres:
  main: {{ url: \"{url}\", password_file: {file} }}
modules:
  monitor: {{ kind: postgres, user: monitor, password_file: {file} }}
  stranger: {{ kind: postgres, user: monitor, password: wrong }}
web: {{ probe_allow: [\"127.0.0.1:{port}/postgres\", \"127.0.0.1:{down}\"] }}
"
    )
}

/// Asks as Prometheus does, and reads the answer to the letter.
async fn probe(exporter: &Exporter, query: &str) -> Scrape {
    let wait = [("X-Prometheus-Scrape-Timeout-Seconds", "5")];
    let begun = std::time::Instant::now();
    let answer = exporter.get(&format!("/probe?{query}"), &wait).await;
    assert!(!answer.body.contains(MONITOR_PASSWORD), "{}", answer.body);
    if answer.status == 200 {
        assert_eq!(Lint::default().check(&answer.body, None, begun), Vec::<String>::new());
        assert_eq!(answer.line("stack_build_info"), None, "only what was asked for");
    }
    answer
}

fn assert_up(scrape: &Scrape, target: &str, up: f64) {
    assert_eq!(scrape.status, 200, "{}", scrape.body);
    let series = format!("stack_target_up{{target=\"{target}\",area=\"postgres\"}}");
    assert_eq!(scrape.value(&series), Some(up), "{}", scrape.body);
    let established = scrape.body.lines().find(|line| line.starts_with("pg_up{"));
    assert!(established.is_some_and(|line| line.ends_with(&format!(" {up}"))), "{}", scrape.body);
}

#[test]
fn databases_are_read_on_demand() {
    run(async {
        let postgres = Stack::postgres_alone().await;
        let (port, down) = (postgres.port, free_port());
        let exporter = Exporter::start(binary(), &config(&postgres, down)).await;

        let by_name = probe(&exporter, "target=main").await;
        assert_up(&by_name, "main", 1.0);
        let by_address = format!("auth_module=monitor&target=127.0.0.1:{port}/{DATABASE}");
        let by_address = probe(&exporter, &by_address).await;
        assert_up(&by_address, "main", 1.0);

        let allowed = format!("127.0.0.1:{port}/postgres");
        let answer = probe(&exporter, &format!("module=monitor&target={allowed}")).await;
        assert_up(&answer, &allowed, 1.0);
        let database = format!("stack_postgres_login_up{{target=\"{allowed}\"");
        assert!(answer.line(&database).is_some_and(|line| line.ends_with(" 1")), "{}", answer.body);

        let query = format!("module=stranger&target=postgresql://{allowed}?sslmode=disable");
        let answer = probe(&exporter, &query).await;
        assert_up(&answer, &allowed, 0.0);
        let failure = |target: &str, reason: &str| {
            format!(
                "stack_target_failure{{target=\"{target}\",area=\"postgres\",reason=\"{reason}\"}}"
            )
        };
        assert_eq!(answer.value(&failure(&allowed, "auth")), Some(1.0), "{}", answer.body);

        let gone = format!("127.0.0.1:{down}/monitor");
        let answer = probe(&exporter, &format!("module=monitor&target=127.0.0.1:{down}")).await;
        assert_up(&answer, &gone, 0.0);
        assert_eq!(answer.value(&failure(&gone, "refused")), Some(1.0), "{}", answer.body);

        let other = format!("module=monitor&target=127.0.0.1:{port}/template1");
        let answer = probe(&exporter, &other).await;
        assert_eq!(answer.status, 403, "{}", answer.body);
        assert!(answer.body.contains("`probe_allow` in the section `web`"), "{}", answer.body);

        let scrape = exporter.scrape().await;
        let targets = scrape.body.lines().filter(|line| line.starts_with("stack_target_up{"));
        assert_eq!(targets.count(), 1, "nothing of it stays: {}", scrape.body);
        let served = scrape.value("stack_probe_requests_total{outcome=\"served\"}");
        assert_eq!(served, Some(5.0), "{}", scrape.body);
        let log = exporter.log();
        assert!(!log.contains(&allowed) && !log.contains(&gone), "one line a scrape: {log}");
    });
}
