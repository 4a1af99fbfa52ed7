//! Containers at the limits of memory, CPU time and processes: killed, throttled, or merely full
//! of page cache, which is no trouble at all. [C04 C08 C10 C16 C18]

use serde_json::json;

use crate::scene::Scene;
use crate::servers::docker::ContainerSpec;
use crate::servers::{Stack, run};

/// What each project of the test runs.
fn specs() -> Vec<ContainerSpec> {
    let calm = ContainerSpec::calm;
    // `tail` keeps an endless line: it fills the memory at once.
    let eats = "tail /dev/zero";
    // The first pass writes, the others make the pages active: they count as working set.
    let reads =
        "dd if=/dev/zero of=/f bs=1M count=26; while :; do cat /f >/dev/null; sleep 1; done";
    let mut threads = "sleep 600 & ".repeat(9);
    threads.push_str("wait");
    vec![
        calm("oom-main", "app").shell(eats),
        calm("oom-child", "app").shell(&format!("{eats}; exec sleep 600")),
        calm("oom-loop", "app").shell(eats).restart("always", 0),
        calm("cached", "app").shell(reads),
        // What lies in a tmpfs cannot be given back.
        calm("full", "app").shell("dd if=/dev/zero of=/dev/shm/f bs=1M count=30; exec sleep 600"),
        calm("throttled", "app").shell("while :; do :; done").cpus(0.1),
        calm("forks", "app").shell(&threads).merge("HostConfig", json!({ "PidsLimit": 12 })),
    ]
}

#[test]
fn memory_cpu_time_and_processes() {
    run(async {
        let docker = Stack::docker().await;
        let scene = Scene::start(&docker, "").await;
        let _containers: Vec<_> = specs().into_iter().map(|spec| docker.run(spec)).collect();
        scene
            .only(&[
                // Nobody starts it again: the kill and the loss of the service. Alertmanager
                // mutes the second while the first lasts.
                ("oom-main", &["DockerOomKilled", "DockerServiceDown"]),
                ("oom-child", &["DockerOomKilledChild"]),
                ("oom-loop", &["DockerOomKilled", "DockerRestartLoop"]),
                ("cached", &[]),
                ("full", &["DockerMemoryNearLimit"]),
                // The same quota seen from two sides.
                ("throttled", &["DockerThrottled", "DockerCpuNearLimit"]),
                ("forks", &["DockerThreadsNearLimit"]),
            ])
            .await;

        let kills = "stack_service_oom_kills_total";
        let of = |project, process| [("project", project), ("process", process)];
        assert_eq!(scene.value(kills, &of("oom-main", "main")).await, Some(1.0));
        assert_eq!(scene.value(kills, &of("oom-main", "child")).await, Some(0.0));
        assert_eq!(scene.value(kills, &of("oom-child", "main")).await, Some(0.0));
        assert_eq!(scene.value(kills, &of("oom-child", "child")).await, Some(1.0));
        let deaths = "stack_service_deaths_total";
        assert_eq!(
            scene.value(deaths, &[("project", "oom-main"), ("class", "oom")]).await,
            Some(1.0)
        );
        assert_eq!(
            scene.value(deaths, &[("project", "oom-child"), ("class", "oom")]).await,
            Some(0.0)
        );
        assert!(scene.value(kills, &of("oom-loop", "main")).await > Some(2.0));
        let up = |project| [("project", project), ("service", "app")];
        scene.sees("stack_service_up", &up("oom-child"), 1.0).await;
        scene.sees("stack_service_up", &up("oom-main"), 0.0).await;

        // Page cache: most of the limit is in use by any usual figure, and none of it matters.
        let cached = [("project", "cached")];
        let compose = [("container_label_com_docker_compose_project", "cached")];
        let working = "container_memory_working_set_bytes";
        let limit = f64::from(32 << 20);
        scene.sees_that(working, &compose, |bytes| bytes > Some(0.6 * limit)).await;
        let ratio = scene.value("stack_container_memory_limit_ratio", &cached).await.unwrap();
        assert!(ratio < 0.5, "{ratio}");
        let full = scene.value("stack_container_memory_limit_ratio", &[("project", "full")]).await;
        assert!(full > Some(0.9), "{full:?}");
    });
}
