//! Containers that are left out, and thresholds that containers bring along for themselves.

use std::process::Command;

use crate::servers::docker::{ContainerSpec, Docker};
use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::wait::{PATIENT, until};
use crate::servers::{Stack, run, watchdog};
use crate::stage::binary;

const EXCLUDED: &str = "stack_docker_containers_excluded{target=\"docker\"}";

/// Until as many containers are left out.
async fn left_out(exporter: &Exporter, count: f64) -> Scrape {
    until(&format!("{count} containers left out"), PATIENT, async || {
        let scrape = exporter.scrape().await;
        let told = scrape.value(EXCLUDED);
        if told == Some(count) { Ok(scrape) } else { Err(told) }
    })
    .await
}

/// Lines of `/metrics` with the name of this container.
fn lines<'a>(docker: &Docker, scrape: &'a Scrape, name: &str) -> Vec<&'a str> {
    let name = format!("name=\"{}\"", docker.name(name));
    scrape.body.lines().filter(|line| line.contains(&name)).collect()
}

/// What `check` says of the Engine.
fn check(config: &str) -> String {
    let file = watchdog::dir("labels").join("stack.yml");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new(binary());
    command.args(["check", "--only", "docker", "--all", "--config.file"]).arg(&file);
    command.env("COLUMNS", "10000");
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn labels_and_patterns() {
    run(async {
        let docker = Stack::docker().await;
        let calm = |name: &str| ContainerSpec::calm("labels", name);
        let threshold = |signal: &str| format!("stack-exporter.threshold.{signal}");
        let _containers: Vec<_> = [
            calm("web")
                .merge("HostConfig", serde_json::json!({ "Memory": 0, "MemorySwap": 0 }))
                .label(&threshold("memory_limit_set"), "off")
                .label(&threshold("restarts"), "warning:7,critical:9"),
            calm("unlimited")
                .merge("HostConfig", serde_json::json!({ "Memory": 0, "MemorySwap": 0 })),
            calm("typo").label(&threshold("memry"), "95%"),
            // It would be crashed, with an alert.
            calm("ignored").label("stack-exporter.ignore", "true").shell("exit 3"),
            calm("excluded").shell("exit 3"),
            ContainerSpec::lone("labels-lone").shell("exit 3"),
        ]
        .into_iter()
        .map(|spec| docker.run(spec))
        .collect();
        let lone = docker.name("labels-lone");
        let config = docker.section(&format!("exclude: [labels/excluded, {lone}, labels/wroker]"));
        let exporter = Exporter::start(binary(), &config).await;
        let scrape = left_out(&exporter, 3.0).await;

        // A threshold of the container's own, and one of its service.
        let web = docker.name("labels-web");
        let own = |signal, severity, thing: &str| {
            let of = format!("signal=\"{signal}\",severity=\"{severity}\",{thing}");
            let shown = scrape
                .body
                .lines()
                .find(|line| line.starts_with("stack_threshold{") && line.contains(&of));
            shown.and_then(|line| line.rsplit(' ').next()).map(str::to_owned)
        };
        let (name, service) = (format!("name=\"{web}\""), "project=\"labels\",service=\"web\"");
        assert_eq!(own("memory_limit_set", "info", &name).as_deref(), Some("NaN"), "{scrape:?}");
        assert_eq!(own("restarts", "warning", service).as_deref(), Some("7"));
        assert_eq!(own("restarts", "critical", service).as_deref(), Some("9"));

        for name in ["labels-ignored", "labels-excluded", "labels-lone"] {
            assert_eq!(lines(&docker, &scrape, name), [""; 0]);
        }
        for service in ["ignored", "excluded"] {
            let service = format!("service=\"{service}\"");
            let of = scrape
                .body
                .lines()
                .find(|line| line.contains(&service) && line.contains("project=\"labels\""));
            assert_eq!(of, None);
        }
        let matches = |pattern: &str| {
            let label = format!("{{target=\"docker\",pattern=\"{pattern}\"}}");
            scrape.value(&format!("stack_docker_exclude_matches{label}"))
        };
        assert_eq!(matches("labels/excluded"), Some(1.0));
        assert_eq!((matches(&lone), matches("labels/wroker")), (Some(1.0), Some(0.0)));
        let page = exporter.get("/api/v1/details/docker/docker", &[]).await;
        assert!(page.body.contains("matches nothing"), "{}", page.body);

        let said = check(&config);
        let of = |what: &str| said.lines().filter(|line| line.contains(what)).collect::<Vec<_>>();
        for name in ["labels-ignored", "labels-excluded", "labels-lone"] {
            assert_eq!(of(&docker.name(name)), [""; 0], "{said}");
        }
        let typo = docker.name("labels-typo");
        let typo = format!(
            "{typo}: stack-exporter.threshold.memry: unknown signal (did you mean `memory`?)"
        );
        assert_eq!(of(&typo).len(), 1, "{said}");
        let limit = |name: &str| {
            let (has, title) = (of(&docker.name(name)), "no memory limit");
            has.iter().any(|line| line.contains(title))
        };
        assert!(limit("labels-unlimited") && !limit("labels-web"), "{said}");
    });
}
