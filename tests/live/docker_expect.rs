//! Services that should run: declared by a Compose file, or remembered of a project that goes on;
//! and the processes that should run inside. [C01 C06 C15]

use crate::scene::Scene;
use crate::servers::docker::ContainerSpec;
use crate::servers::{Stack, run, watchdog};

const STATE: &str = "stack_service_state";

/// Beside what runs: one of a profile that is not in use.
const FILE: &str = "name: declared
services:
  web: { image: web }
  db: { image: db }
  tools: { image: tools, profiles: [debug] }
";

fn of<'a>(project: &'a str, service: &'a str, state: &'a str) -> [(&'a str, &'a str); 3] {
    [("project", project), ("service", service), ("state", state)]
}

#[test]
fn services_that_should_run() {
    run(async {
        let docker = Stack::docker().await;
        let dir = watchdog::dir("expected");
        let (file, pair) = (dir.join("compose.yml"), dir.join("pair.yml"));
        std::fs::write(&file, FILE).unwrap();
        let replicas = "name: pair\nservices: { app: { image: a, deploy: { replicas: 2 } } }\n";
        std::fs::write(&pair, replicas).unwrap();
        let files = format!("compose_files: [{}, {}]", file.display(), pair.display());
        let scene = Scene::start(&docker, &files).await;
        let web = docker.run(ContainerSpec::calm("declared", "web"));
        let db = docker.run(ContainerSpec::calm("declared", "db"));
        let _one = docker.run(ContainerSpec::calm("pair", "app"));
        let left = docker.run(ContainerSpec::calm("found", "web"));
        let lost = docker.run(ContainerSpec::calm("found", "db"));
        // Depends on what nobody ever made.
        let waits = "never:service_started:true";
        let waits =
            ContainerSpec::calm("waits", "web").label("com.docker.compose.depends_on", waits);
        let _waits = docker.run(waits);
        scene.sees(STATE, &of("found", "db", "running"), 1.0).await;
        scene.only(&[("declared", &[]), ("found", &[])]).await;
        scene.sees(STATE, &of("declared", "tools", "off"), 1.0).await;

        db.remove();
        lost.remove();
        let down: &[&str] = &["DockerServiceDown"];
        let short: &[&str] = &["DockerReplicasMissing"];
        // Without a file all that is known is that somebody removed it.
        let stopped: &[&str] = &["DockerServiceStopped"];
        scene
            .only(&[("declared", down), ("found", stopped), ("waits", down), ("pair", short)])
            .await;
        for (project, service, wanted) in [
            ("declared", "db", "missing"),
            ("found", "db", "stopped"),
            ("waits", "never", "missing"),
        ] {
            scene.sees(STATE, &of(project, service, wanted), 1.0).await;
        }
        // Of a project without a file that is gone as a whole nothing is missed.
        left.remove();
        web.remove();
        scene.misses(STATE, &[("project", "found")]).await;
        scene.sees(STATE, &of("declared", "web", "missing"), 1.0).await;
        scene.only(&[("found", &[]), ("declared", down)]).await;
    });
}

#[test]
fn processes_that_should_run_inside() {
    run(async {
        let docker = Stack::docker().await;
        let patterns = "processes: { bot: ['sleep 4567', 'worker \\d'] }";
        let by_files = Scene::start(&docker, patterns).await;
        let by_engine = Scene::start(&docker, &format!("cgroup_path: /nowhere\n{patterns}")).await;
        let script = "sleep 4567 & exec sleep 9999";
        let _bot = docker.run(ContainerSpec::calm("inside", "bot").shell(script));
        let of = |pattern| [("project", "inside"), ("service", "bot"), ("pattern", pattern)];
        for scene in [&by_files, &by_engine] {
            scene.sees("stack_service_processes", &of("sleep 4567"), 1.0).await;
            scene.sees("stack_service_processes", &of("worker \\\\d"), 0.0).await;
            scene.only(&[("inside", &["DockerProcessMissing"])]).await;
        }
        let source = "stack_docker_source_info";
        assert_eq!(by_engine.value(source, &[("source", "api")]).await, Some(1.0));
        assert_eq!(by_files.value(source, &[("source", "api")]).await, None);
    });
}
