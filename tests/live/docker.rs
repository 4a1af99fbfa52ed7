//! A Docker Engine, for real: services that are missing, unhealthy, killed; the Engine itself hung,
//! gone, and replaced by something else. [C01 C04 C05 C06 C08 C10 C11 C12 C17]

use crate::servers::docker::{Container, ContainerSpec, Docker};
use crate::servers::kostatus::KoStatus;
use crate::servers::port::free_port;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{Stack, run, watchdog};
use crate::stage::{Stage, Watched};

const ENGINE: Watched =
    Watched { area: "docker", target: "docker", alert: "DockerDown", severity: "critical" };

/// A project of which `web` runs and `db` does not exist; `web` belongs to it by its labels.
fn compose_file(project: &str) -> String {
    let file = watchdog::dir("compose").join("compose.yml");
    let text =
        format!("name: {project}\nservices:\n  web: {{ image: web }}\n  db: {{ image: db }}\n");
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

fn service(docker: &Docker, project: &str, name: &str, spec: ContainerSpec) -> Container {
    docker.run(spec.compose(project, name, 1))
}

#[test]
fn services_and_containers_that_are_in_trouble() {
    run(async {
        let docker = Stack::docker().await;
        let project = "shop";
        let file = compose_file(project);
        let _web = service(&docker, project, "web", ContainerSpec::new("web").memory(64 << 20));
        let sick = ContainerSpec::new("sick").health("exit 1");
        let _sick = service(&docker, project, "sick", sick);
        let loops = ContainerSpec::new("loops").shell("exit 3").restart("always", 0);
        let _loops = service(&docker, project, "loops", loops);
        // Fills its memory: tail keeps the endless line.
        let greedy = ContainerSpec::new("greedy").shell("tail /dev/zero").memory(16 << 20);
        let _greedy = service(&docker, project, "greedy", greedy);
        let config = format!("docker:\n  url: {}\n  compose_files: [{file}]\n", docker.host());
        let stage = Stage::start(&config).await;

        let alert = |name: &'static str, labels: Vec<(&'static str, &'static str)>| {
            let prometheus = &stage.prometheus;
            async move { prometheus.wait_alert(name, &labels, "firing", PATIENT).await }
        };
        alert("DockerServiceDown", vec![("service", "db"), ("severity", "critical")]).await;
        let compose = "container_label_com_docker_compose_service";
        alert("DockerUnhealthy", vec![(compose, "sick")]).await;
        alert("DockerOomKilled", vec![(compose, "greedy")]).await;
        alert("DockerRestartLoop", vec![(compose, "loops")]).await;

        let scrape = stage.exporter.scrape().await;
        let up = |name: &str| {
            scrape.value(&format!(
                "stack_service_up{{target=\"docker\",project=\"{project}\",service=\"{name}\"}}"
            ))
        };
        assert_eq!((up("web"), up("db")), (Some(1.0), Some(0.0)), "{}", scrape.body);
        let limit = scrape.body.lines().find(|line| {
            line.starts_with("container_spec_memory_limit_bytes{")
                && line.contains(&docker.name("web"))
        });
        assert!(limit.is_some_and(|line| line.ends_with(" 67108864")), "{limit:?}");
        let calm = stage.prometheus.alerts().await;
        let web = calm.iter().find(|(labels, _)| {
            labels.get("service").is_some_and(|s| s == "web") && labels["severity"] == "critical"
        });
        assert_eq!(web, None, "nothing critical about a service that runs");
    });
}

#[test]
fn usage_is_what_the_engine_says() {
    run(async {
        let docker = Stack::docker().await;
        let busy = docker.run(
            ContainerSpec::new("busy")
                .shell(
                    "while :; do dd if=/dev/zero of=/f bs=64k count=4 conv=fsync 2>/dev/null; done",
                )
                .cpus(0.2),
        );
        let config = format!("docker: {{ url: \"{}\" }}\n", docker.host());
        let stage = Stage::start(&config).await;
        let name = docker.name("busy");
        let cpu = "container_cpu_usage_seconds_total";
        let first = until(cpu, PATIENT, async || value(&stage, cpu, &name).await).await;
        until("more CPU seconds", PATIENT, async || {
            value(&stage, cpu, &name).await.filter(|now| *now > first)
        })
        .await;
        until("block I/O", PATIENT, async || {
            value(&stage, "container_fs_writes_bytes_total", &name)
                .await
                .filter(|bytes| *bytes > 0.0)
        })
        .await;
        let truth = busy.stats();
        let exact = truth["memory_stats"]["usage"].as_f64().unwrap();
        let ours = value(&stage, "container_memory_usage_bytes", &name).await.unwrap();
        assert!((ours - exact).abs() <= exact * 0.2 + 1_000_000.0, "{ours} against {exact}");
        assert_eq!(value(&stage, "stack_container_cpu_limit_cores", &name).await, Some(0.2));
    });
}

/// The value of a metric of a container.
async fn value(stage: &Stage, metric: &str, container: &str) -> Option<f64> {
    let scrape = stage.exporter.scrape().await;
    let (start, name) = (format!("{metric}{{"), format!("name=\"{container}\""));
    let mut lines = scrape.body.lines().filter(|line| line.starts_with(&start));
    lines.find(|line| line.contains(&name))?.rsplit(' ').next()?.parse().ok()
}

#[test]
fn an_engine_that_hangs_stops_lies_and_returns() {
    run(async {
        let docker = Stack::docker_alone().await;
        let config = format!("docker: {{ url: \"{}\" }}\n", docker.host());
        let stage = Stage::start(&config).await;
        stage.well(ENGINE).await;
        if docker.pause().await {
            stage.sick(ENGINE, "timeout").await;
            docker.resume();
            stage.well(ENGINE).await;
        } else {
            eprintln!("not this run's own Engine: it is not paused");
        }
        let port = free_port();
        let _lies = KoStatus::impostor(port, "text/html", "<html>It works!</html>").await;
        stage.exporter.write_config(&format!("docker: {{ url: \"tcp://127.0.0.1:{port}\" }}\n"));
        assert_eq!(stage.exporter.reload().await.0, 200);
        stage.sick(ENGINE, "parse").await;
        stage.exporter.write_config(&config);
        stage.exporter.hangup();
        stage.well(ENGINE).await;
    });
}
