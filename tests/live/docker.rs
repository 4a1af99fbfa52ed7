//! A Docker Engine, for real: what its containers use; the Engine itself hung, gone, and replaced
//! by something else. [C01 C04 C08 C17]

use crate::servers::block_io;
use crate::servers::docker::{ContainerSpec, Docker};
use crate::servers::kostatus::KoStatus;
use crate::servers::port::free_port;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{Stack, run};
use crate::stage::{Stage, Watched};

const ENGINE: Watched =
    Watched { area: "docker", target: "docker", alert: "DockerDown", severity: "critical" };

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
        if block_io::counted(&docker).await.is_ok() {
            let bytes = "container_fs_writes_bytes_total";
            until("block I/O", PATIENT, async || {
                value(&stage, bytes, &name).await.filter(|bytes| *bytes > 0.0)
            })
            .await;
        }
        let truth = busy.stats();
        let exact = truth.memory_stats.unwrap().usage.unwrap() as f64;
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
        let Some(docker) = Docker::own("paused").await else { return };
        let config = format!("docker: {{ url: \"{}\" }}\n", docker.host());
        let stage = Stage::start(&config).await;
        stage.well(ENGINE).await;
        docker.pause().await;
        stage.sick(ENGINE, "timeout").await;
        docker.resume();
        stage.well(ENGINE).await;
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
