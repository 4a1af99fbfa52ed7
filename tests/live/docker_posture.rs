//! What is set up in a way that will hurt one day. [C02 C03 C11 C14]

use serde_json::{Value, json};

use crate::scene::Scene;
use crate::servers::docker::ContainerSpec;
use crate::servers::{Stack, run};

fn calm(project: &str) -> ContainerSpec {
    ContainerSpec::calm(project, "app")
}

/// With fields of `HostConfig`.
fn with(project: &str, fields: Value) -> ContainerSpec {
    calm(project).merge("HostConfig", fields)
}

#[test]
fn ports_limits_rights_logs_and_images() {
    run(async {
        let docker = Stack::docker().await;
        let moved = format!("stack-live/{}:1", docker.name("moved"));
        docker.import(&moved);
        let may = [
            "ports: { '8080': loopback }".to_owned(),
            format!("privileged: [{}]", docker.name("agent")),
        ];
        let log_size = "thresholds: { log_size: { warning: 1MiB } }";
        let scene = Scene::start(&docker, &format!("{}\n{}\n{log_size}", may[0], may[1])).await;
        let socket = docker.engine.socket.display();
        // Within its bounds, and yet more than is wanted here.
        let bounded = json!({ "Type": "json-file", "Config": { "max-size": "100m" } });
        let chatty = "dd if=/dev/zero bs=1k count=3000 | tr '\\0' '\\n'; exec sleep 600";
        let _containers: Vec<_> = [
            calm("port-any").publish(5432, "0.0.0.0", 25_432),
            calm("port-loopback").publish(5432, "127.0.0.1", 25_433),
            calm("port-policy").publish(8080, "0.0.0.0", 28_080),
            calm("port-web").publish(443, "0.0.0.0", 28_443),
            with("no-limit", json!({ "Memory": 0, "MemorySwap": 0 })),
            with("no-bound", json!({ "LogConfig": { "Type": "json-file", "Config": {} } })),
            with("chatty", json!({ "LogConfig": bounded })).shell(chatty),
            with("socket", json!({ "Binds": [format!("{socket}:/var/run/docker.sock:ro")] })),
            calm("moved").image(&moved),
        ]
        .into_iter()
        .map(|spec| docker.run(spec))
        .collect();
        // A test machine may not have all the rights that these would get: they are not started.
        let all = json!({ "Privileged": true });
        let alone = |name| ContainerSpec::lone(name).merge("HostConfig", all.clone());
        let _created = [docker.create(alone("privileged")), docker.create(alone("agent"))];
        let outdated = "stack_container_image_outdated";
        scene.sees(outdated, &[("project", "moved")], 0.0).await;
        docker.import(&moved);
        scene.sees(outdated, &[("project", "moved")], 1.0).await;
        scene
            .only(&[
                ("port-any", &["DockerPortExposed"]),
                ("port-loopback", &[]),
                ("port-policy", &["DockerPortExposed"]),
                ("port-web", &[]),
                ("no-limit", &["DockerMemoryLimitMissing"]),
                ("no-bound", &["DockerLogUnbounded"]),
                ("chatty", &["DockerLogLarge"]),
                ("privileged", &["DockerPrivileged"]),
                ("socket", &["DockerPrivileged"]),
                ("agent", &[]),
                ("moved", &["DockerImageOutdated"]),
            ])
            .await;
        let port =
            |project, address| [("project", project), ("port", "5432/tcp"), ("address", address)];
        let exposed = "stack_container_port_exposed";
        assert_eq!(scene.value(exposed, &port("port-any", "any")).await, Some(1.0));
        assert_eq!(scene.value(exposed, &port("port-loopback", "loopback")).await, Some(0.0));
        let names = [docker.name("privileged"), docker.name("socket-app")];
        let way = |index: usize, way| [("name", names[index].as_str()), ("way", way)];
        let privileged = "stack_container_privileged";
        assert_eq!(scene.value(privileged, &way(0, "privileged")).await, Some(1.0));
        assert_eq!(scene.value(privileged, &way(1, "privileged")).await, Some(0.0));
        assert_eq!(scene.value(privileged, &way(1, "engine_socket")).await, Some(1.0));
        // Every byte is a line, and a line takes some 70 bytes.
        let log = [("project", "chatty")];
        scene.sees_that("stack_container_log_bytes", &log, |bytes| bytes > Some(3e6)).await;
    });
}
