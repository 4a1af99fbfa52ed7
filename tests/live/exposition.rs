//! What a scrape says, to the letter: promtool, a strict OpenMetrics parser, headers, limits.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::wait::{PATIENT, http_ok, until};
use crate::servers::{http_client, run};
use crate::stage::binary;
use crate::world::world;

/// Feeds `input` to a program; its exit code and everything it said.
fn pipe(program: &str, arguments: &[&str], package: &str, input: &str) -> (Option<i32>, String) {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}: apt-get install {package}"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

const OPENMETRICS: (&str, &str) = ("accept", "application/openmetrics-text; version=1.0.0");

async fn openmetrics(exporter: &Exporter) -> Scrape {
    exporter.get("/metrics", &[OPENMETRICS]).await
}

#[test]
fn promtool_has_no_more_to_say_than_what_is_listed() {
    run(async {
        let world = world().await;
        let scrape = world.exporter().scrape().await;
        assert_eq!(scrape.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        let (code, said) = pipe("promtool", &["check", "metrics"], "prometheus", &scrape.body);
        let allowed = include_str!("../promtool-allowed.txt");
        let mut more: Vec<&str> = said.lines().filter(|line| !allowed.contains(line)).collect();
        more.sort_unstable();
        assert!(more.is_empty(), "promtool also says:\n{}", more.join("\n"));
        assert!(code == Some(0) || code == Some(3), "{code:?}");
        // Which lines /proc/meminfo has depends on the kernel and the processor.
        let depends = |line: &&str| line.starts_with('#') || line.starts_with("node_memory_");
        for line in allowed.lines().filter(|line| !depends(line)) {
            assert!(said.contains(line), "listed, but promtool does not say it: {line}");
        }
    });
}

#[test]
fn a_strict_openmetrics_parser_takes_all_of_it() {
    run(async {
        let world = world().await;
        let scrape = openmetrics(world.exporter()).await;
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert_eq!(scrape.header("content-type"), Some(kind));
        let script = "import sys\n\
                      from prometheus_client.openmetrics.parser import text_fd_to_metric_families\n\
                      print(sum(len(f.samples) for f in text_fd_to_metric_families(sys.stdin)))";
        let python = "/usr/bin/python3";
        let (code, said) = pipe(python, &["-c", script], "python3-prometheus-client", &scrape.body);
        assert_eq!(code, Some(0), "{said}");
        let samples = scrape.body.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(said.trim(), samples.to_string(), "the parser counts other samples");
    });
}

#[test]
fn a_family_appears_once_with_its_header_and_without_timestamps() {
    run(async {
        let world = world().await;
        for scrape in [openmetrics(world.exporter()).await, world.exporter().scrape().await] {
            let mut headers: BTreeMap<&str, usize> = BTreeMap::new();
            let mut last = "";
            let mut samples = 0;
            for line in scrape.body.lines().filter(|line| *line != "# EOF") {
                if line.starts_with('#') {
                    if let Some(rest) = line.strip_prefix("# TYPE ") {
                        assert!(last.is_empty() || samples > 0, "{last} has no sample");
                        last = rest.split(' ').next().unwrap();
                        samples = 0;
                        *headers.entry(last).or_default() += 1;
                    }
                    continue;
                }
                samples += 1;
                let name = line.split(['{', ' ']).next().unwrap();
                assert!(name.starts_with(last), "{name} stands under {last}");
                let after = line.rsplit_once('}').map_or(line, |(_, after)| after);
                assert!(after.split_whitespace().count() <= 2, "a timestamp: {line}");
            }
            let twice: Vec<_> = headers.iter().filter(|(_, count)| **count > 1).collect();
            assert!(twice.is_empty(), "{twice:?}");
        }
    });
}

#[test]
fn a_scrape_can_be_limited_to_areas() {
    run(async {
        let world = world().await;
        let scrape = world.exporter().get("/metrics?collect[]=nats&collect%5B%5D=host", &[]).await;
        assert!(scrape.body.contains("gnatsd_varz_connections{"));
        assert!(scrape.body.contains("node_load1{"));
        assert!(!scrape.body.contains("pg_up{") && !scrape.body.contains("area=\"docker\""));
        let bad = world.exporter().get("/metrics?collect[]=nonsense", &[]).await;
        assert_eq!(bad.status, 400);
        assert!(bad.body.contains("known: "), "{}", bad.body);
    });
}

#[test]
fn head_gzip_and_health() {
    run(async {
        let world = world().await;
        let exporter = world.exporter();
        let url = format!("{}/metrics", exporter.url());
        let head = http_client().head(&url).send().await.unwrap();
        assert_eq!(head.status(), 200);
        assert!(head.bytes().await.unwrap().is_empty());
        let plain = exporter.scrape().await.body.len();
        let zipped =
            http_client().get(&url).header("accept-encoding", "gzip").send().await.unwrap();
        assert_eq!(zipped.headers()["content-encoding"], "gzip");
        let size = zipped.bytes().await.unwrap().len();
        assert!(size * 4 < plain, "{size} of {plain}");
        for path in [
            "/-/healthy",
            "/-/ready",
            "/",
            "/api/v1/status",
            "/runbooks/NatsDown",
            "/debug/host/host",
        ] {
            assert_eq!(exporter.get(path, &[]).await.status, 200, "{path}");
        }
        assert_eq!(exporter.get("/runbooks/Nonsense", &[]).await.status, 404);
        assert_eq!(exporter.get("/-/reload", &[]).await.status, 405, "a GET must not reload");
        let reload = format!("{}/-/reload", exporter.url());
        let foreign =
            http_client().post(reload).header("origin", "http://evil.example").send().await;
        assert_eq!(foreign.unwrap().status(), 403);
    });
}

#[test]
fn not_ready_before_the_first_round_and_no_more_scrapes_than_allowed() {
    run(async {
        // Accepts connections, for the kernel does, and never answers.
        let hanging = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", hanging.local_addr().unwrap());
        let config = format!(
            "nats:\n  main: {{ url: \"{origin}\", timeout: 4s }}\ndocker: {{ enabled: false }}\n"
        );
        let exporter = Exporter::launch(binary(), &config, &["--web.max-requests=1"], &[]);
        let healthy = format!("{}/-/healthy", exporter.url());
        http_ok(&healthy, PATIENT).await;
        assert_eq!(exporter.get("/-/ready", &[]).await.status, 503);
        let (first, second) = tokio::join!(exporter.scrape(), exporter.scrape());
        let mut codes = [first.status, second.status];
        codes.sort_unstable();
        assert_eq!(codes, [200, 503], "one waits for the grace, the other is refused");
        exporter.wait_line("stack_scrapes_total{outcome=\"refused\"} 1", PATIENT).await;
        let ready = format!("{}/-/ready", exporter.url());
        http_ok(&ready, PATIENT).await;
        let told = "cannot read\n  nats       main";
        until("what could not be read", PATIENT, async || {
            let log = exporter.log();
            if log.contains(told) { Ok(()) } else { Err(log) }
        })
        .await;
    });
}
