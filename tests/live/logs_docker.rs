//! The output of real containers, from their files and from the Engine. [L01 L20 L22 Q07]

use serde_json::json;

use crate::logs_rotation::{counted, doubt, lines, told};
use crate::servers::docker::{Container, ContainerSpec, Docker};
use crate::servers::engine::{Engine, Extra};
use crate::servers::exporter::Exporter;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{Stack, run};
use crate::stage::binary;

/// Lines of a container that writes at a pace.
const LINES: u64 = 800;

/// Lines that may end with an Engine.
const LOST_WITH_IT: u64 = 3;

/// How a log is kept and read.
#[derive(Clone, Copy)]
struct Way {
    name: &'static str,
    driver: &'static str,
    /// `20k` is a hundred lines, so that it rotates often; ten files of that keep all of them.
    size: &'static str,
    /// Where the Engine's files are: `/no/such` makes the Engine be asked.
    root: &'static str,
}

const WAYS: [Way; 4] = [
    Way { name: "file", driver: "json-file", size: "20k", root: "/" },
    Way { name: "asked", driver: "json-file", size: "20k", root: "/no/such" },
    Way { name: "local", driver: "local", size: "20k", root: "/" },
    Way { name: "large", driver: "local", size: "200k", root: "/" },
];

impl Way {
    fn spec(&self, name: &str) -> ContainerSpec {
        let log =
            json!({ "Type": self.driver, "Config": { "max-size": self.size, "max-file": "10" } });
        ContainerSpec::new(name).merge("HostConfig", json!({ "LogConfig": log }))
    }

    fn section(&self, docker: &Docker, target: &str, container: &str) -> String {
        format!(
            "  {target}: {{ container: \"{container}\", engine: \"{}\", engine_root: {}, start: beginning }}\n",
            docker.host(),
            self.root
        )
    }
}

/// Numbered lines, about 150 a second, then nothing.
fn at_a_pace() -> String {
    format!(
        "i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo \"[INFO] app: line $i\"; usleep 4000; done; sleep 86400"
    )
}

#[test]
fn each_line_counts_once_over_rotation_and_restarts_of_the_exporter() {
    run(async {
        let docker = Stack::docker().await;
        let mut config = String::from("logs:\n");
        let mut containers: Vec<Container> = Vec::new();
        for way in &WAYS {
            let name = docker.name(&format!("log-{}", way.name));
            config += &way.section(&docker, way.name, &name);
            containers.push(docker.run(way.spec(&format!("log-{}", way.name)).shell(&at_a_pace())));
        }
        let exporter = Exporter::start(binary(), &config).await;
        for part in [LINES / 3, LINES * 2 / 3] {
            until("a part is read", PATIENT, async || {
                let scrape = exporter.scrape().await;
                let read = WAYS.map(|way| (way.name, lines(&scrape, way.name)));
                if read.iter().all(|(_, read)| *read >= part) {
                    Ok(())
                } else {
                    Err((read, told(&scrape, "file")))
                }
            })
            .await;
            exporter.server.kill();
            exporter.restart().await;
        }
        for way in &WAYS {
            all(&exporter, way.name, LINES).await;
            let scrape = counted(&exporter, way.name, LINES).await;
            assert_eq!(doubt(&scrape, way.name), 0, "{}", way.name);
        }
    });
}

/// Until at least so many lines are counted.
async fn all(exporter: &Exporter, target: &str, wanted: u64) {
    until(&format!("{wanted} lines of {target}"), PATIENT * 2, async || {
        let scrape = exporter.scrape().await;
        if lines(&scrape, target) >= wanted { Ok(()) } else { Err(told(&scrape, target)) }
    })
    .await;
}

#[test]
fn long_lines_both_streams_and_terminals() {
    run(async {
        let docker = Stack::docker().await;
        // 40,003 bytes, a short line, one of the other stream, and one without an end.
        let script =
            "head -c 40000 /dev/zero | tr '\\0' x; echo END; echo short; echo err >&2; printf nonl";
        let mut config = String::from("logs:\n");
        let mut containers = Vec::new();
        for way in &WAYS[..3] {
            let name = format!("long-{}", way.name);
            containers.push(docker.run(way.spec(&name).merge("", json!({})).shell(script)));
            config += &way.section(&docker, way.name, &docker.name(&name));
        }
        let terminal = WAYS[0].spec("terminal").merge("", json!({ "Tty": true }));
        let hundred = "i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo line $i; done";
        containers.push(docker.run(terminal.shell(hundred)));
        config += &WAYS[1].section(&docker, "terminal", &docker.name("terminal"));
        for container in &containers {
            container.wait_exit(PATIENT).await;
        }
        let exporter = Exporter::start(binary(), &config).await;
        for way in &WAYS[..3] {
            all(&exporter, way.name, 4).await;
            counted(&exporter, way.name, 4).await;
        }
        all(&exporter, "terminal", 100).await;
        counted(&exporter, "terminal", 100).await;
    });
}

#[test]
fn the_machine_restarts_and_no_line_is_lost_or_counted_twice() {
    run(over_a_restart(false));
}

#[test]
fn the_engine_restarts_below_its_containers_and_no_line_is_lost_or_counted_twice() {
    run(over_a_restart(true));
}

/// Of the Engine alone, while its containers go on, or of all of it.
async fn over_a_restart(live_restore: bool) {
    let args = live_restore.then(|| "--live-restore".to_owned()).into_iter().collect();
    let extra = Extra { args, kept_up: live_restore, ..Extra::default() };
    let docker = Docker::on(Engine::own(&extra).await);
    let asked = Way { name: "asked", driver: "local", size: "10m", root: "/no/such" };
    let file = Way { name: "file", driver: "json-file", root: "/", ..asked };
    let mut config = String::from("logs:\n");
    let containers = [asked, file].map(|way| {
        config += &way.section(&docker, way.name, &docker.name(way.name));
        (way.name, docker.run(way.spec(way.name).shell(&at_a_pace()).restart("always", 0)))
    });
    let exporter = Exporter::start(binary(), &config).await;
    for (target, _) in &containers {
        all(&exporter, target, LINES / 4).await;
    }
    if live_restore {
        docker.engine.renew().await;
    } else {
        docker.restart().await;
    }
    for (target, container) in &containers {
        // What an Engine that is killed has taken from a pipe and not written is nobody's any more.
        let least = if live_restore { LINES - LOST_WITH_IT } else { LINES };
        all(&exporter, target, least).await;
        let mut same = (0, 0);
        until("as many as the Engine has, for a while", PATIENT, async || {
            let (has, counted) = (container.lines(), lines(&exporter.scrape().await, target));
            // Containers that ended have begun anew.
            let enough = if live_restore { has >= least && has <= LINES } else { has > LINES };
            let goes_on = enough && has == counted && has == same.0;
            same = (has, if goes_on { same.1 + 1 } else { 0 });
            if same.1 >= 15 { Ok(()) } else { Err(format!("{counted} of {has}")) }
        })
        .await;
    }
}
