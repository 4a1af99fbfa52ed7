use bollard::container::LogOutput;
use bollard::query_parameters::{
    EventsOptions, LogsOptions, RemoveContainerOptions, StopContainerOptions,
};

use super::super::client::Client;
use super::super::fake::{Reply, Server};
use super::*;

const LIMIT: Duration = Duration::from_secs(5);

fn soon() -> Instant {
    Instant::now() + LIMIT
}

async fn client(server: &Server) -> Client {
    Client::connect(&server.address, soon()).await.unwrap().0
}

/// The library alone, on our transport.
fn alone(server: &Server) -> Docker {
    Transport::new(&server.address, Bound::Collected, LIMIT).docker(&"/v1.44".into()).unwrap()
}

#[tokio::test]
async fn calls_name_the_version_that_was_negotiated() {
    let server = Server::start(|path| {
        Reply::ok(if path.contains("/stats") {
            r#"{"read":"2026-01-01T00:00:00Z","pids_stats":{"current":7},"new":{"x":[1]}}"#
        } else {
            r#"{"Titles":["PID","COMMAND"],"Processes":[["1","a b"],["2","c"]]}"#
        })
    });
    let client = client(&server).await;
    let stats = client.stats("ab", soon()).await.unwrap();
    assert_eq!(stats.pids_stats.unwrap().current, Some(7));
    let rows = client.top("ab", soon()).await.unwrap();
    assert_eq!(rows, [["1", "a b"], ["2", "c"]]);
    let lines = [
        "GET /version HTTP/1.1",
        "GET /v1.44/containers/ab/stats?stream=false&one-shot=true HTTP/1.1",
        "GET /v1.44/containers/ab/top?ps_args=-eo+pid%2Cargs HTTP/1.1",
    ];
    assert_eq!(server.heard(), lines);
}

/// Whatever the library can be told to do.
#[tokio::test]
async fn nothing_but_get_leaves_the_process() {
    let server = Server::start(|_| Reply::ok("{}"));
    let docker = alone(&server);
    let stop = docker.stop_container("a", None::<StopContainerOptions>).await.unwrap_err();
    let remove = docker.remove_container("a", None::<RemoveContainerOptions>).await.unwrap_err();
    for (error, method) in [(stop, "POST"), (remove, "DELETE")] {
        let failure = failure("it", &error);
        assert_eq!(failure.reason, Reason::RIGHTS);
        assert_eq!(failure.detail, format!("it: {method} is not sent to the Engine, only GET"));
    }
    assert!(server.heard().is_empty(), "{:?}", server.heard());
}

/// The library writes whole answers to the log, those with secrets as well. No such line is even
/// compiled.
#[test]
fn the_library_writes_no_log() {
    assert_eq!(log::STATIC_MAX_LEVEL, log::LevelFilter::Off);
}

#[tokio::test]
async fn failures_have_a_reason_and_nothing_of_the_answer() {
    let text = br#"{"message":"hunter2"}"#;
    for (status, body, reason) in [
        (401, text.as_slice(), Reason::AUTH),
        (403, text, Reason::RIGHTS),
        (404, text, Reason::NOT_FOUND),
        (500, text, Reason::PROTOCOL),
        (500, b"hunter2 is no JSON", Reason::PROTOCOL),
        (302, b"", Reason::PROTOCOL),
        (200, b"<html>hunter2</html>", Reason::PARSE),
        (200, br#"{"read":{"hunter2":1}}"#, Reason::PARSE),
        (200, br#"{"pids_stats":{"current":-1}}"#, Reason::PARSE),
        (200, b"[1]", Reason::PARSE),
        (200, b"{}", Reason::PARSE),
        (200, b"null", Reason::PROTOCOL),
    ] {
        let server = Server::start(move |_| Reply::new(status, body));
        let failure = client(&server).await.stats("ab", soon()).await.unwrap_err();
        assert_eq!(failure.reason, reason, "{status} {failure}");
        assert!(!failure.to_string().contains("hunter2"), "{failure}");
        let failure = client(&server).await.top("ab", soon()).await;
        assert!(failure.is_err_and(|failure| !failure.to_string().contains("hunter2")));
    }
    let server = Server::start(|_| Reply::ok(""));
    assert!(client(&server).await.stats("ab", soon()).await.is_err(), "nothing at all");
}

/// Why `/info` is ours: one new word of the Engine and the library has nothing.
#[tokio::test]
async fn the_library_loses_info_by_one_new_word() {
    for odd in [r#""CgroupDriver":"new""#, r#""Isolation":"new""#, r#""CgroupVersion":"3""#] {
        let body = format!(r#"{{"NCPU":4,"MemTotal":5,"DockerRootDir":"/var/lib/docker",{odd}}}"#);
        let server = Server::start(move |_| Reply::ok(&body));
        assert!(alone(&server).info().await.is_err(), "{odd}");
        let about = client(&server).await.about(soon()).await.unwrap();
        assert_eq!((about.cores, about.memory), (Some(4), Some(5)), "{odd}");
        assert_eq!(about.root, "/var/lib/docker");
    }
}

/// Why events are ours: one word that it does not know ends the library's stream, and Podman's state
/// of health is not in its type.
#[tokio::test]
async fn the_library_ends_a_stream_by_one_new_word() {
    let event =
        |kind: &str| format!("{{\"Type\":\"{kind}\",\"Action\":\"start\",\"timeNano\":1}}\n");
    let body = event("container") + &event("new") + &event("container");
    let server = Server::start(move |_| Reply::ok(&body));
    let docker = alone(&server);
    let events = docker.events(None::<EventsOptions>);
    let got: Vec<_> = events.map(|event| event.is_ok()).collect().await;
    assert_eq!(got, [true, false], "the third is lost");
}

/// Why the frames of logs are ours: the Engine's own trouble, which comes as stream 3, is a line of
/// the container to the library, and so is the beginning of a frame that was cut off.
#[tokio::test]
async fn the_library_takes_the_engines_trouble_for_a_line() {
    let mut body = b"\x01\0\0\0\0\0\0\x02a\n".to_vec();
    body.extend_from_slice(b"\x03\0\0\0\0\0\0\x08trouble\n");
    let server = Server::start(move |_| Reply::ok(&body));
    let docker = alone(&server);
    let options = LogsOptions { stdout: true, ..LogsOptions::default() };
    let lines: Vec<_> = docker.logs("ab", Some(options)).collect().await;
    assert!(matches!(lines.last(), Some(Ok(LogOutput::Console { .. }))), "{lines:?}");
}
