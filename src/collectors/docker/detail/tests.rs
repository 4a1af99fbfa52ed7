use super::*;

#[test]
fn texts_of_the_engine_are_sorted() {
    for (text, want) in [
        (
            "driver failed programming external connectivity on endpoint x (1): Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in use",
            StartError::PortInUse,
        ),
        (
            "driver failed programming external connectivity on endpoint x: Bind for 0.0.0.0:80 failed: port is already allocated",
            StartError::PortInUse,
        ),
        (
            "OCI runtime create failed: container_linux.go:380: starting container process caused: exec: \"nope\": executable file not found in $PATH: unknown",
            StartError::BinaryMissing,
        ),
        (
            "OCI runtime create failed: starting container process caused: exec: \"/nope\": stat /nope: no such file or directory: unknown",
            StartError::BinaryMissing,
        ),
        (
            "OCI runtime create failed: rootfs_linux.go:76: mounting \"/a\" to rootfs at \"/b\" caused: not a directory",
            StartError::Mount,
        ),
        (
            "OCI runtime create failed: exec: \"/etc/passwd\": permission denied: unknown",
            StartError::Permission,
        ),
        ("No such image: api:latest", StartError::Image),
        ("the moon is full", StartError::Other),
    ] {
        assert_eq!(StartError::of(text), want, "{text}");
    }
}

fn inspected(value: serde_json::Value) -> Detail {
    Detail::of(serde_json::from_value(value).unwrap(), &Sockets::default())
}

#[test]
fn a_text_of_an_earlier_start_is_no_failed_start() {
    let of = |status: &str| {
        let state = serde_json::json!({ "Status": status, "Error": "address already in use" });
        inspected(serde_json::json!({ "State": state })).start_error
    };
    assert_eq!(of("created"), Some(StartError::PortInUse));
    assert_eq!(of("running"), None);
}

#[test]
fn logs_that_can_fill_the_disk() {
    let of = |value| Log::of(&serde_json::from_value(value).unwrap(), String::new()).bounded;
    assert_eq!(of(serde_json::json!({ "Type": "json-file", "Config": {} })), Some(false));
    assert_eq!(
        of(serde_json::json!({ "Type": "json-file", "Config": { "max-size": "10m" } })),
        Some(true)
    );
    assert_eq!(of(serde_json::json!({ "Type": "local", "Config": null })), Some(true));
    assert_eq!(of(serde_json::json!({ "Type": "fluentd" })), None);
}

#[test]
fn the_first_success_is_known_or_not() {
    let log = |codes: &[i64]| -> Vec<Probe> {
        let probe = |(n, code): (usize, &i64)| Probe {
            start: String::new(),
            end: format!("1970-01-01T00:00:{n:02}Z"),
            exit_code: *code,
        };
        codes.iter().enumerate().map(probe).collect()
    };
    assert_eq!(first_success(&log(&[1, 0, 0])), Some(1.0));
    assert_eq!(first_success(&log(&[0, 0, 0, 0, 0])), None, "it may have been earlier");
    assert_eq!(first_success(&log(&[1, 0, 0, 0, 0])), None, "an old one that failed once");
    assert_eq!(first_success(&log(&[1])), None);
}

#[test]
fn an_inspection_becomes_no_more_than_it_must() {
    let bindings: serde_json::Map<_, _> =
        (0..65_000).map(|port| (format!("{port}/tcp"), serde_json::json!([{}]))).collect();
    let mounts = vec![serde_json::json!({ "Source": "/x" }); 1000];
    let found = inspected(serde_json::json!({
        "Name": "n".repeat(10_000), "Image": "i".repeat(10_000), "RestartCount": i64::MIN,
        "LogPath": "/".repeat(10_000), "HostConfig": { "PortBindings": bindings },
        "Mounts": mounts, "State": { "Status": "s".repeat(10_000), "Health": {
            "Status": "healthy", "FailingStreak": -3, "Log": vec![serde_json::json!({}); 1000]
        } }
    }));
    assert!(found.publishes_ports && found.log.path.is_none());
    assert_eq!((found.restarts, found.odd), (None, Some("RestartCount")));
    assert_eq!(found.more, 1000 - 256 + 1000 - 16);
    assert!(found.name.len() + found.image_id.len() + found.state.len() < 1000);
    assert_eq!(found.check.unwrap().failing_streak, None);
    assert!(
        !inspected(serde_json::json!({ "HostConfig": { "PortBindings": null } })).publishes_ports
    );
    assert!(
        !inspected(serde_json::json!({ "HostConfig": { "PortBindings": {} } })).publishes_ports
    );
    let usual = inspected(serde_json::json!({ "RestartCount": 7 }));
    assert_eq!((usual.restarts, usual.odd, usual.more), (Some(7), None, 0));
}

#[test]
fn whose_network_and_socket() {
    let of = |mode: &str| {
        inspected(serde_json::json!({ "HostConfig": { "NetworkMode": mode } })).network
    };
    assert_eq!((of("host"), of("container:ab")), (NetworkKind::Borrowed, NetworkKind::Borrowed));
    assert_eq!(of("shop_default"), NetworkKind::Own);
    let mounts = serde_json::json!([{ "Source": "/var/run/docker.sock" }]);
    assert!(inspected(serde_json::json!({ "Mounts": mounts })).mounts_engine);
}

#[test]
fn a_folder_with_the_socket() {
    let usual = Sockets::default();
    for source in
        ["/", "/run", "/run/", "/var/run", "/var/run/", "/run/podman", "/srv/x/docker.sock"]
    {
        assert!(usual.are_in(source), "{source}");
    }
    let others =
        ["", "/var", "/var/lib/docker", "/run/lock", "/runner", "/run/docker", "run", "/home"];
    for source in others {
        assert!(!usual.are_in(source), "{source}");
    }
    // The one in use, as it is outside of our own container.
    let own = Sockets::with(Some(Path::new("/host/srv/engine/x.sock")), Path::new("/host"));
    assert!(own.are_in("/srv/engine") && own.are_in("/srv") && own.are_in("/run"));
    assert!(!own.are_in("/host") && !own.are_in("/srv/engine2"));
    let own = Sockets::with(Some(Path::new("/var/run/user/1000/docker.sock")), Path::new("/"));
    assert!(own.are_in("/run/user/1000") && own.are_in("/var/run/user"));
}
