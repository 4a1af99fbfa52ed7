//! What somebody types and sees in the first minutes, before real servers.

use std::path::Path;
use std::process::Command;

use crate::servers::docker::{ContainerSpec, Docker};
use crate::servers::exporter::Exporter;
use crate::servers::port::free_port;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{Stack, run, text, watchdog};
use crate::stage::binary;

/// Exit code, standard output, standard error.
type Said = (Option<i32>, String, String);

async fn say(arguments: &[&str], host: &str) -> Said {
    let mut command = Command::new(binary());
    command.args(arguments).env("DOCKER_HOST", host).env("COLUMNS", "80");
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (ended.status.code(), text(ended.stdout), text(ended.stderr))
}

const ERRORS: &str = "\
    for i in 1 2 3; do echo \"[ERROR] app: task $i failed\"; done; \
    echo '[WARNING] app: disk 81 full' >&2; sleep 86400";

/// `config init` from a stack, what it wrote checked and tried, and a log of it looked into.
#[test]
fn a_first_configuration_from_what_runs() {
    run(async {
        let Some(docker) = Docker::own("listed alone").await else { return };
        let docker = docker.plain();
        docker.import("postgres:15");
        let port = free_port();
        let folder = watchdog::dir("first-minutes");
        let compose = folder.join("compose.yml");
        std::fs::write(&compose, "services: { db: { image: postgres:15 }, bot: { image: x } }")
            .unwrap();
        let label = "com.docker.compose.project.config_files";
        let calm =
            |service: &str| ContainerSpec::calm("shop", service).label(label, text(&compose));
        let _db = docker.run(
            calm("db")
                .image("postgres:15")
                .publish(5432, "127.0.0.1", port)
                .env("POSTGRES_PASSWORD", "hunter2"),
        );
        let _bot = docker.run(calm("bot").shell(ERRORS));
        let file = folder.join("stack.yml");
        let name = text(&file);
        let init = async |more: &[&str]| {
            say(&[&["config", "init", "--output", name], more].concat(), &docker.host()).await
        };
        let (code, _, told) = init(&[]).await;
        assert_eq!(code, Some(0), "{told}");
        assert!(told.contains("config check --connect --config.file"), "{told}");
        let written = std::fs::read_to_string(&file).unwrap();
        for words in [
            &format!("url: \"postgresql://monitor@127.0.0.1:{port}/postgres\""),
            "compose_service: \"shop/bot\"",
            "service: \"shop/db\"",
            &format!("- \"{}\"", compose.display()),
            "presets: [postgres]",
        ] {
            assert!(written.contains(words), "{words}: {written}");
        }
        assert!(!written.contains("hunter2"), "{written}");
        // What is there stays.
        let (code, _, told) = init(&[]).await;
        assert!(code == Some(1) && told.contains("--force"), "{told}");
        assert_eq!(init(&["--force"]).await.0, Some(0));
        let check = async |more: &[&str]| {
            say(&[&["config", "check", "--config.file", name], more].concat(), &docker.host()).await
        };
        let (code, ok, told) = check(&[]).await;
        assert!(code == Some(0) && ok.starts_with("ok: "), "{ok}{told}");
        let (code, ok, told) = check(&["--connect"]).await;
        assert_eq!(code, Some(1), "{ok}{told}");
        for words in
            ["works   docker  ", "works   logs bot  ", "FAILS   postgres db  ", "        do: "]
        {
            assert!(ok.contains(words), "{words}: {ok}{told}");
        }
        top(&docker, name).await;
    });
}

/// The most frequent errors of a container by the name of its source.
async fn top(docker: &Docker, name: &str) {
    let top = ["logs", "top", "--config.file", name, "bot"];
    let found = until("the lines of the container", PATIENT, async || {
        let (code, found, told) = say(&top, &docker.host()).await;
        let is = code == Some(0) && found.contains("    3  app: task * failed\n");
        if is { Ok(found) } else { Err(format!("{code:?} {found}{told}")) }
    })
    .await;
    assert!(found.contains("3 errors of 1 kind in 4 lines of 1 container"), "{found}");
    assert!(found.lines().all(|line| line.chars().count() <= 80), "{found}");
    let (_, found, _) = say(&[&top[..], &["--level", "warning"]].concat(), &docker.host()).await;
    assert!(found.contains("    1  WARNING app: disk * full\n"), "{found}");
    let (code, _, told) = say(&["logs", "top", "--config.file", name, "bto"], &docker.host()).await;
    assert!(code == Some(2) && told.contains("did you mean `bot`?"), "{told}");
}

/// The usual mistakes, each with the remedy that helps; and the last lines of a start.
#[test]
fn the_usual_mistakes_have_their_remedies() {
    run(async {
        let nats = Stack::nats().await;
        let closed = free_port();
        let config = format!(
            "host: {{ thresholds: {{ disk: {{ except: {{ /nowhere: off }} }} }} }}\n\
             docker: {{ enabled: false }}\nsystemd: {{ }}\n\
             nats:\n  right: {{ url: \"{}\" }}\n  client: {{ url: \"http://{}\" }}\n  \
             tls: {{ url: \"https://{}\" }}\n  off: {{ url: \"http://127.0.0.1:{closed}\" }}\n",
            nats.monitor_url(),
            nats.url().trim_start_matches("nats://"),
            nats.monitor_url().trim_start_matches("http://"),
        );
        let file = watchdog::dir("mistakes").join("stack.yml");
        std::fs::write(&file, &config).unwrap();
        let name = text(&file);
        let (code, ok, told) =
            say(&["config", "check", "--connect", "--config.file", name], "").await;
        assert_eq!(code, Some(1), "{ok}{told}");
        for words in [
            "works   nats right  ",
            "this is the port for clients",
            "http://HOST:8222",
            "the server speaks no TLS there",
            "write `http://` in the address",
            "Its monitoring port is off by default",
            "thresholds of disk: `/nowhere` matches nothing",
        ] {
            assert!(ok.contains(words), "{words}: {ok}{told}");
        }
        assert!(!ok.contains("os error"), "{ok}");
        let exporter = Exporter::start(Path::new(binary()), &config).await;
        let log = exporter.server.log();
        let page = format!("status page http://127.0.0.1:{}/\n", exporter.port);
        assert!(log.contains(&page) && log.contains("state directory "), "{log}");
    });
}
