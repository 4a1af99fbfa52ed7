//! Lives and deaths of containers: loops, failed starts, stops by hand and crashes, jobs, health.
//! Each shows as one alert, and only that one. [C01 C05 C06 C07 C12 C13]

use bollard::models::ContainerStateStatusEnum;
use rustix::process::Signal;
use serde_json::json;

use crate::scene::Scene;
use crate::servers::docker::{Container, ContainerSpec, Docker};
use crate::servers::wait::{PATIENT, until};
use crate::servers::{Stack, run};

const STATE: &str = "stack_service_state";

fn calm(project: &str) -> ContainerSpec {
    ContainerSpec::calm(project, "app")
}

/// One that exits with 3 on SIGUSR1. The Engine takes any signal for the wish that it may end for
/// good, unless it knows the one that stops the container.
fn crashes_on_order(project: &str) -> ContainerSpec {
    calm(project)
        .shell("trap 'exit 3' USR1; while :; do sleep 0.1; done")
        .merge("", json!({ "StopSignal": "SIGTERM" }))
}

async fn is_running(container: &Container) {
    until("a running container", PATIENT, async || {
        let state = container.state();
        if state.status == Some(ContainerStateStatusEnum::RUNNING) { Ok(()) } else { Err(state) }
    })
    .await;
}

#[test]
fn loops_failed_starts_and_ends() {
    run(async {
        let docker = Stack::docker().await;
        let scene = Scene::start(&docker, "").await;
        let mut kept = vec![
            docker.run(calm("loop-slow").shell("sleep 0.1; exit 3").restart("always", 0)),
            docker.run(calm("loop-instant").shell("exit 1").restart("always", 0)),
            docker.run(crashes_on_order("crash")),
            docker.run(calm("stopped").restart("always", 0)),
            docker.run(calm("paused")),
            docker.run(calm("done").shell("exit 0")),
            docker.run(ContainerSpec::calm("job", "import").shell("exit 3")),
        ];
        let waits = "import:service_completed_successfully:false";
        let waits = calm("job").label("com.docker.compose.depends_on", waits);
        kept.push(docker.run(waits));
        kept.push(docker.run(ContainerSpec::lone("alone").shell("exit 3")));
        kept.extend(failed_starts(&docker));
        for running in &kept[2..=4] {
            is_running(running).await;
        }
        kept[2].wait_catches(Signal::USR1).await;
        kept[2].kill("USR1").unwrap();
        kept[3].stop().unwrap();
        kept[4].pause().unwrap();
        let of = |project, state| [("project", project), ("service", "app"), ("state", state)];
        scene
            .only(&[
                ("loop-slow", &["DockerRestartLoop"]),
                ("loop-instant", &["DockerRestartLoop"]),
                ("crash", &["DockerServiceDown"]),
                ("stopped", &["DockerServiceStopped"]),
                ("paused", &["DockerServiceStopped"]),
                ("done", &[]),
                ("job", &["DockerExitedWithError"]),
                ("alone", &["DockerExitedWithError"]),
                ("no-binary", &["DockerFailedStart"]),
                ("port-taken", &["DockerFailedStart"]),
            ])
            .await;
        for (project, state) in [
            ("crash", "crashed"),
            ("stopped", "stopped"),
            ("paused", "paused"),
            ("done", "done"),
            ("no-binary", "failed_start"),
            ("job", "running"),
        ] {
            scene.sees(STATE, &of(project, state), 1.0).await;
        }
        let deaths = "stack_service_deaths_total";
        for (project, class) in [("crash", "error"), ("stopped", "stopped"), ("done", "done")] {
            scene.sees(deaths, &[("project", project), ("class", class)], 1.0).await;
        }
        let reason = |project, reason| [("project", project), ("reason", reason)];
        let failed = "stack_container_failed_start";
        scene.sees(failed, &reason("no-binary", "binary_missing"), 1.0).await;
        scene.sees(failed, &reason("port-taken", "port_in_use"), 1.0).await;
        let restarts = "stack_service_restarts_total";
        let before = scene.value(restarts, &[("project", "loop-slow")]).await;
        scene.sees_that(restarts, &[("project", "loop-slow")], |now| now > before).await;
    });
}

/// A program that is not there, and a port that another container has.
fn failed_starts(docker: &Docker) -> Vec<Container> {
    let binary = docker.create(calm("no-binary").command(&["/nothing"]).restart("always", 0));
    binary.start().unwrap_err();
    let first =
        docker.run(ContainerSpec::calm("port-taken", "first").publish(80, "127.0.0.1", 18_080));
    let second = docker.create(calm("port-taken").publish(80, "127.0.0.1", 18_080));
    second.start().unwrap_err();
    vec![binary, first, second]
}

#[test]
fn health_comes_and_goes() {
    run(async {
        let docker = Stack::docker().await;
        let scene = Scene::start(&docker, "thresholds: { starting: { warning: 3s } }").await;
        let script =
            "touch /ok; trap 'rm /ok' USR1; trap 'touch /ok' USR2; while :; do sleep 0.1; done";
        let sick = docker.run(calm("sick").shell(script).health("test -f /ok"));
        // It may fail for a long time before that counts.
        let second = 1_000_000_000_u64;
        let patient = json!({
            "Test": ["CMD-SHELL", "false"], "Interval": second, "Timeout": 10 * second, "Retries": 1,
            "StartPeriod": 600 * second,
        });
        let _starting = docker.run(calm("starting").merge("", json!({ "Healthcheck": patient })));
        let status = |status| [("project", "sick"), ("status", status)];
        let (health, changes) = ("stack_container_health", "stack_service_health_changes_total");
        scene.sees(health, &status("healthy"), 1.0).await;
        sick.kill("USR1").unwrap();
        scene
            .only(&[("sick", &["DockerUnhealthy"]), ("starting", &["DockerStartingTooLong"])])
            .await;
        scene.sees(health, &status("unhealthy"), 1.0).await;
        sick.kill("USR2").unwrap();
        scene.only(&[("sick", &[])]).await;
        scene.sees(health, &status("healthy"), 1.0).await;
        scene.sees(changes, &status("healthy"), 2.0).await;
        scene.sees(changes, &status("unhealthy"), 1.0).await;
    });
}

#[test]
fn counters_go_on_over_restarts_and_recreations() {
    run(async {
        let docker = Stack::docker().await;
        let scene = Scene::start(&docker, "").await;
        let spec = crashes_on_order("recreated").restart("always", 0);
        let first = docker.run(spec.clone());
        let (starts, restarts) = ("stack_service_starts_total", "stack_service_restarts_total");
        let project = [("project", "recreated")];
        let crash = async |container: &Container, wanted: f64| {
            container.wait_catches(Signal::USR1).await;
            container.kill("USR1").unwrap();
            scene.sees(restarts, &project, wanted).await;
        };
        scene.sees(starts, &project, 1.0).await;
        crash(&first, 1.0).await;
        assert_eq!(first.inspect().restart_count, Some(1));
        first.restart().unwrap();
        scene.sees(starts, &project, 3.0).await;
        assert_eq!(first.inspect().restart_count, Some(0));
        crash(&first, 2.0).await;
        first.remove();
        let second = docker.run(spec);
        scene.sees(starts, &project, 5.0).await;
        assert_eq!(scene.value(restarts, &project).await, Some(2.0), "not by the restart policy");
        let container = scene.value("stack_container_restarts_total", &project).await;
        assert_eq!(container, Some(0.0), "the Engine's own count begins again");
        crash(&second, 3.0).await;
        let deaths = "stack_service_deaths_total";
        let class = |class| [("project", "recreated"), ("class", class)];
        assert_eq!(scene.value(deaths, &class("error")).await, Some(3.0));
        // The restart by hand, and the removal.
        assert_eq!(scene.value(deaths, &class("stopped")).await, Some(2.0));
        scene.sees(STATE, &[("project", "recreated"), ("state", "running")], 1.0).await;
    });
}

#[test]
fn a_service_is_scaled() {
    run(async {
        let docker = Stack::docker().await;
        let scene = Scene::start(&docker, "").await;
        let replicas = "stack_service_replicas";
        let of = |state| [("project", "scaled"), ("state", state)];
        let one = docker.run(ContainerSpec::replica("scaled", "app", 1));
        scene.sees(replicas, &of("running"), 1.0).await;
        let more: Vec<_> =
            (2..=4).map(|n| docker.run(ContainerSpec::replica("scaled", "app", n))).collect();
        scene.sees(replicas, &of("running"), 4.0).await;
        scene.sees(replicas, &of("wanted"), 4.0).await;
        drop(more);
        scene.sees(replicas, &of("wanted"), 1.0).await;
        scene.only(&[("scaled", &[])]).await;
        let two = docker.run(ContainerSpec::replica("scaled", "app", 2).shell("sleep 1; exit 3"));
        scene.only(&[("scaled", &["DockerReplicasMissing"])]).await;
        scene.sees("stack_service_replicas_missing", &[("project", "scaled")], 1.0).await;
        two.remove();
        one.stop().unwrap();
        scene.only(&[("scaled", &["DockerServiceStopped"])]).await;
    });
}
