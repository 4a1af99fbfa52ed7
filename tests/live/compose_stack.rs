//! `docker-compose.monitoring.yml` on a machine that has nothing of ours yet: from `bundle` to a message.
//!
//! Started for real, on an Engine of the test's own, where `/` is mounted privately. The images are
//! made here; see `servers/images.rs` for what of them is real and what is a stand-in.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::servers::docker::Docker;
use crate::servers::engine::{Engine, Extra};
use crate::servers::process::is_root;
use crate::servers::spec::{ContainerSpec, IMAGE};
use crate::servers::wait::until;
use crate::servers::{images, run, watchdog};
use crate::skip::skip;
use crate::stage::binary;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const FILE: &str = "docker-compose.monitoring.yml";
/// Nine containers on a busy machine.
const STARTED: Duration = Duration::from_secs(90);

/// A chat whose messages are a file. What it keeps stands in the folder of the test.
const SINK: &str = "#!/bin/sh\ncat >>/www/messages\necho >>/www/messages\nprintf 'Content-Type: text/plain\\r\\n\\r\\nok'\n";

/// The newcomer's folder and Docker Compose in it.
struct Folder {
    path: PathBuf,
    compose: PathBuf,
    host: String,
}

impl Folder {
    /// What `bundle` writes, with short waits in place of minutes, and the sink as one more service.
    fn new(compose: PathBuf, host: String) -> Self {
        let path = watchdog::dir("monitoring");
        let mut bundle = Command::new(binary());
        let written = bundle.args(["bundle", "--into"]).arg(&path).output().unwrap();
        assert!(written.status.success(), "{}", said(&written));
        let folder = Self { path, compose, host };
        // On a busy machine a scrape takes a while, and so do two hundred rules.
        let seconds = [("15s", "5s"), ("10s", "5s")];
        folder.edit("alerts/prometheus.yml", &seconds);
        folder.edit("alerts/alertmanager.yml", &[("group_wait: 30s", "group_wait: 1s")]);
        let rules = fs::read_to_string(folder.path.join("alerts/docker.rules.yml")).unwrap();
        let mut is_down = false;
        let quick = rules.lines().map(|line| {
            is_down = if line.contains("- alert:") {
                line.ends_with(" DockerServiceDown")
            } else {
                is_down
            };
            let waits = is_down && line.trim_start().starts_with("for:");
            if waits { "        for: 1s\n".to_owned() } else { format!("{line}\n") }
        });
        fs::write(folder.path.join("alerts/docker.rules.yml"), quick.collect::<String>()).unwrap();
        let sink = format!(
            "services:\n  sink:\n    image: {IMAGE}\n    command: [httpd, -f, -p, '8080', -h, /www]\n    volumes: [./www:/www]\n    networks: [monitoring]\n"
        );
        folder.write("sink.yml", &sink);
        folder.write("www/cgi-bin/chat", SINK);
        let script = folder.path.join("www/cgi-bin/chat");
        fs::set_permissions(script, fs::Permissions::from_mode(0o755)).unwrap();
        folder
    }

    fn write(&self, name: &str, text: &str) {
        let place = self.path.join(name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }

    fn edit(&self, name: &str, changes: &[(&str, &str)]) {
        let mut text = fs::read_to_string(self.path.join(name)).unwrap();
        for (from, to) in changes {
            assert!(text.contains(from), "{name} has no {from}");
            text = text.replace(from, to);
        }
        self.write(name, &text);
    }

    /// `.env`, with the one thing that is not as on other machines: where the socket is.
    fn env(&self, lines: &[&str]) {
        let socket = self.host.trim_start_matches("unix://");
        let text = format!("DOCKER_SOCKET={socket}\n{}\n", lines.join("\n"));
        self.write(".env", &text);
    }

    fn compose(&self, args: &[&str]) -> Output {
        Command::new(&self.compose)
            .current_dir(&self.path)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", &self.path)
            .env("DOCKER_HOST", &self.host)
            // The builder of BuildKit comes as a plugin, which is not everywhere.
            .env("DOCKER_BUILDKIT", "0")
            .args(args)
            .output()
            .unwrap()
    }

    /// With the sink.
    fn run(&self, args: &[&str]) -> Output {
        self.compose(&[&["-f", FILE, "-f", "sink.yml"], args].concat())
    }

    fn succeed(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}{}", said(&output), self.everything());
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What all services wrote, for a test that failed.
    fn everything(&self) -> String {
        said(&self.run(&["logs", "--no-color", "--tail", "20"]))
    }

    /// The value of a query, if it has one, as Prometheus says it.
    fn query(&self, query: &str) -> String {
        let prometheus = "http://127.0.0.1:9090";
        let args = ["exec", "-T", "prometheus", "promtool", "query", "instant", prometheus, query];
        said(&self.run(&args))
    }

    async fn wait_query(&self, query: &str, wanted: &str) {
        until(&format!("{query}: {wanted}"), STARTED, async || {
            let told = self.query(query);
            if told.contains(wanted) { Ok(()) } else { Err(told) }
        })
        .await;
    }

    fn messages(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path.join("www/messages")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// Docker Compose, or why not.
fn fetch_compose() -> Result<PathBuf, String> {
    let fetched = Command::new("sh").arg(format!("{ROOT}/.ci/fetch-compose")).output().unwrap();
    if !fetched.status.success() {
        return Err(said(&fetched));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&fetched.stdout).trim()))
}

/// When each service of the project was first found healthy, counted from the start.
fn healthy_after(docker: &Docker, name: &str) -> Option<String> {
    let inspected = docker.engine.ask(async |client| client.inspect_container(name, None).await);
    let state = inspected.ok()?.state?;
    let first = state.health?.log?.into_iter().find(|look| look.exit_code == Some(0))?;
    let parse = |text: String| text.parse::<jiff::Timestamp>().ok();
    let (from, to) = (parse(state.started_at?)?, parse(first.end?)?);
    Some(format!("{:.1} s", to.duration_since(from).as_secs_f64()))
}

#[test]
fn from_nothing_to_a_message() {
    let compose = match fetch_compose() {
        Ok(compose) => compose,
        Err(why) => return skip(&format!("Docker Compose cannot be had: {why}")),
    };
    if !is_root() {
        return skip("the Compose stack: only root can start dockerd");
    }
    run(async {
        let began = Instant::now();
        // Networks with their rules, in a network namespace of its own.
        let extra = Extra { args: vec!["--iptables=true".to_owned()], ..Extra::default() };
        let docker = Docker::on(Engine::own(&extra).await).plain();
        let folder = Folder::new(compose, docker.host());
        images::import_all(&docker, binary());
        images::build_context(&folder.path, binary());
        eprintln!("{}; images after {:.1} s", docker.describe(), began.elapsed().as_secs_f64());

        starts_with_nothing_set(&docker, &folder).await;
        tells_of_a_trouble(&docker, &folder).await;
        mistakes_are_told_by_name(&folder);
        folder.succeed(&["down", "--volumes", "--timeout", "1"]);
        eprintln!("all in {:.1} s", began.elapsed().as_secs_f64());
    });
}

/// One command, no file of one's own.
async fn starts_with_nothing_set(docker: &Docker, folder: &Folder) {
    folder.env(&[]);
    let began = Instant::now();
    folder.succeed(&["build", "--quiet"]);
    eprintln!("the image of the exporter: {:.1} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    folder.succeed(&["up", "-d"]);
    eprintln!("up -d returned after {:.1} s", began.elapsed().as_secs_f64());
    for service in
        ["docker-socket-proxy", "stack-exporter", "alertmanager", "prometheus", "grafana"]
    {
        let names = folder.succeed(&["ps", "-q", service]);
        let id = names.trim();
        let after = until(&format!("{service} healthy"), STARTED, async || {
            healthy_after(docker, id).ok_or_else(|| folder.everything())
        })
        .await;
        eprintln!("{service}: healthy {after} after its start");
    }
    folder.wait_query("sum(up)", "=> 3 ").await;
    folder.wait_query("sum(stack_target_up)", "=> 2 ").await;
    // The machine's name, not that of a container; and links that an SSH tunnel serves.
    let machine = fs::read_to_string("/etc/hostname").unwrap_or_default();
    let name = format!("hostname=\"{}\"", machine.trim());
    folder.wait_query("stack_exporter_info", &name).await;
    let url = "external_url=\"http://127.0.0.1:10188\"";
    folder.wait_query("stack_exporter_info", url).await;
    folder.wait_query("node_uname_info", &name.replace("hostname", "nodename")).await;
    // The services of this stack itself are all well, the one that has ended among them.
    folder.wait_query("count(stack_service_up == 1)", "=> 7 ").await;
    folder.wait_query("ALERTS{alertname='AlertmanagerTellsNobody'}", "pending").await;
    let setup = folder.succeed(&["logs", "--no-color", "setup"]);
    assert!(setup.contains("no way is set, so nobody is told of anything"), "{setup}");
    let log = folder.succeed(&["logs", "--no-color", "alertmanager"]);
    assert!(!log.contains("level=error") && !log.contains("level=warn"), "{log}");
    let password = folder.succeed(&["exec", "-T", "grafana", "cat", "/run/stack/admin_password"]);
    assert_eq!(password.trim().len(), 24, "{password}");
    let boards = folder.succeed(&["exec", "-T", "grafana", "ls", "/var/lib/stack-dashboards"]);
    assert!(boards.contains("overview.json"), "{boards}");
    // What the file does not let through.
    let refused = folder.run(&[
        "exec",
        "-T",
        "docker-socket-proxy",
        "wget",
        "-q",
        "-O",
        "-",
        "http://127.0.0.1:2375/v1.41/secrets",
    ]);
    assert!(said(&refused).contains("403"), "{}", said(&refused));
}

/// Addresses and a configuration of one's own in `.env`, and the same command again; then a service of
/// the user's crashes.
async fn tells_of_a_trouble(docker: &Docker, folder: &Folder) {
    // Else a service that has just been made counts as being deployed, for minutes.
    let example = fs::read_to_string(folder.path.join("examples/monitoring.yml")).unwrap();
    folder.write("stack.yml", &example.replace("\ndocker:\n", "\ndocker:\n  deploy_window: 0s\n"));
    // As the line in .env.example says.
    let gid = fs::metadata(folder.host.trim_start_matches("unix://")).unwrap().gid();
    folder.env(&[
        "CHAT_WEBHOOK_URL=http://sink:8080/cgi-bin/chat",
        "STACK_CONFIG=./stack.yml",
        &format!("DOCKER_GID={gid}"),
    ]);
    let began = Instant::now();
    folder.succeed(&["up", "-d"]);
    eprintln!("up -d with addresses returned after {:.1} s", began.elapsed().as_secs_f64());
    let setup = folder.succeed(&["logs", "--no-color", "setup"]);
    assert!(setup.contains("messages: go out by chat"), "{setup}");
    assert!(!setup.contains("sink:8080"), "an address may be a secret: {setup}");
    folder.wait_query("alertmanager_integrations", "=> 3 ").await;
    let www = folder.path.join("www");
    let crash = "while [ ! -e /www/crash ]; do sleep 1; done; exit 3";
    let binds = serde_json::json!({ "Binds": [format!("{}:/www", www.display())] });
    let _shop =
        docker.run(ContainerSpec::calm("shop", "web").shell(crash).merge("HostConfig", binds));
    folder.wait_query("stack_service_up{project='shop'}", "=> 1 ").await;
    fs::write(www.join("crash"), "").unwrap();
    let began = Instant::now();
    let message = until("a message of it", STARTED, async || {
        let all = folder.messages();
        let ours = all.iter().find(|message| message.to_string().contains("web (shop)"));
        ours.cloned().ok_or_else(|| format!("{all:?} {}", folder.query("ALERTS")))
    })
    .await;
    eprintln!("the message came after {:.1} s: {message}", began.elapsed().as_secs_f64());
    let text = message.to_string();
    assert!(text.contains("CRITICAL") && text.contains("no running container"), "{text}");
    assert!(!text.contains("example.org"), "{text}");
}

fn mistakes_are_told_by_name(folder: &Folder) {
    folder.env(&["TELEGRAM_BOT_TOKEN=123:sesame"]);
    let half = folder.run(&["up", "-d"]);
    assert!(!half.status.success() && said(&half).contains("setup"), "{}", said(&half));
    // What a service writes to its standard error, Compose writes to its own.
    let why = said(&folder.run(&["logs", "--no-color", "setup"]));
    assert!(why.contains("TELEGRAM_BOT_TOKEN is set, but TELEGRAM_CHAT_ID is not"), "{why}");
    assert!(!said(&half).contains("sesame") && !why.contains("sesame"), "{} {why}", said(&half));
    // The last, for Compose stops amid making containers anew, and trips over those the next time.
    folder.env(&["STACK_CONFIG=./stak.yml"]);
    let missing = folder.run(&["up", "-d"]);
    assert!(
        !missing.status.success() && said(&missing).contains("/stak.yml"),
        "{}",
        said(&missing)
    );
    assert!(!folder.path.join("stak.yml").exists(), "Docker made a folder of it");
}

/// What Compose itself makes of the files, without an Engine: with nothing, with all that can be
/// set, and with the networks of others.
#[test]
fn compose_accepts_the_files() {
    let compose = match fetch_compose() {
        Ok(compose) => compose,
        Err(why) => return skip(&format!("Docker Compose cannot be had: {why}")),
    };
    let folder = Folder::new(compose, "unix:///nowhere".to_owned());
    let config = |args: &[&str]| -> Value {
        let output = folder.compose(&[args, &["config", "--format", "json"]].concat());
        assert!(output.status.success(), "{}", said(&output));
        assert!(output.stderr.is_empty(), "a warning at each command: {}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let plain = config(&["-f", FILE]);
    assert_eq!(plain["services"]["docker-socket-proxy"]["user"], "0");
    let all = fs::read_to_string(folder.path.join(".env.example")).unwrap();
    let set = regex::Regex::new("(?m)^#([A-Z_]+=)").unwrap().replace_all(&all, "$1").into_owned();
    folder.write(".env", &set);
    // COMPOSE_FILE names both files.
    let full = config(&[]);
    let services = &full["services"];
    assert_eq!(services["docker-socket-proxy"]["user"], "65534:998");
    assert_eq!(services["setup"]["environment"]["TELEGRAM_CHAT_ID"], "123456789");
    let networks: Vec<_> =
        services["stack-exporter"]["networks"].as_object().unwrap().keys().collect();
    assert_eq!(networks, ["app", "monitoring", "socket"]);
    assert_eq!(full["networks"]["app"]["name"], "app_default");
    let flags = services["alertmanager"]["command"].to_string();
    assert!(flags.contains("--web.external-url=https://alertmanager.example.org"), "{flags}");
}
