//! Containers, made from a busybox image, on a Docker Engine (see `engine.rs`).

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::engine::{Engine, Extra};
use super::process::{is_root, need_program};
pub use super::spec::{ContainerSpec, IMAGE};
use super::wait::until;
use super::{Mend, watchdog};
use crate::skip::skip;

const RUN_LABEL: &str = "stack-exporter.live-run";

#[derive(Clone, Debug)]
pub struct Docker {
    pub engine: Arc<Engine>,
    prefix: String,
}

/// A container; removed by force when dropped.
#[derive(Debug)]
pub struct Container {
    pub id: String,
    pub name: String,
    engine: Arc<Engine>,
}

impl Docker {
    /// An Engine that answers, with [`IMAGE`] imported.
    pub async fn start() -> Self {
        Self::on(Engine::start().await)
    }

    /// An Engine that only this test has, to be disturbed: `wanted` says what is to be done with
    /// it. Also where another runs already. `None`, which is a failure in CI, when we are not root.
    pub async fn own(wanted: &str) -> Option<Self> {
        if is_root() {
            return Some(Self::on(Engine::own(&Extra::default()).await));
        }
        skip(&format!("an Engine of the test's own ({wanted}): only root can start dockerd"));
        None
    }

    /// An Engine of a test's own, with [`IMAGE`] imported.
    pub fn on(engine: Engine) -> Self {
        let engine = Arc::new(engine);
        let run = watchdog::run_dir().file_name().unwrap_or_default().to_string_lossy();
        let docker = Self { engine, prefix: run.to_lowercase().replace('.', "") };
        docker.import(IMAGE);
        if docker.engine.server.is_none() {
            // Somebody else's Engine keeps what we leave, also when this process is killed.
            watchdog::at_end(&format!(
                "docker ps -aq --filter label={RUN_LABEL}={} | xargs -r docker rm -f",
                docker.prefix
            ));
        }
        docker
    }

    /// A `docker` section of the configuration that reads all there is and knows no deployments,
    /// with more lines.
    pub fn section(&self, more: &str) -> String {
        let proc = self.engine.proc();
        let mut text = format!(
            "docker:\n  url: {}\n  proc_path: {}\n  deploy_window: 0s\n",
            self.host(),
            proc.display()
        );
        for line in more.lines() {
            text.extend(["  ", line, "\n"]);
        }
        text
    }

    /// `unix:///...`, as in `DOCKER_HOST`.
    pub fn host(&self) -> String {
        format!("unix://{}", self.engine.socket.display())
    }

    /// `{storage driver}, cgroup v{version}, {server version}`, for the test's output.
    pub fn describe(&self) -> String {
        let info = self.engine.json("GET", "/info", &Value::Null).unwrap_or_default();
        let own = if self.engine.server.is_some() { "own" } else { "found running" };
        format!(
            "Engine {} ({own}), storage {}, cgroup v{}",
            info["ServerVersion"], info["Driver"], info["CgroupVersion"]
        )
    }

    /// The name that a container gets on the Engine.
    pub fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    /// Imports busybox under another tag (`repository:tag`), so that it looks like that image.
    ///
    /// # Panics
    /// When busybox is missing or not static.
    pub fn import(&self, image: &str) {
        let tar = busybox_tar();
        let (repository, tag) = image.rsplit_once(':').unwrap_or((image, "latest"));
        let path = format!("/images/create?fromSrc=-&repo={repository}&tag={tag}");
        let answer = self.engine.request("POST", &path, "application/x-tar", &tar);
        let (status, body) = answer.expect("docker import");
        let body = String::from_utf8_lossy(&body);
        assert!(status < 400 && !body.contains("\"error\""), "docker import: {status} {body}");
    }

    /// Creates and starts a container.
    ///
    /// # Panics
    /// When the Engine refuses.
    pub fn run(&self, spec: ContainerSpec) -> Container {
        let container = self.create(spec);
        container.post("start").expect("start a container");
        container
    }

    /// Creates a container and leaves it as `created`.
    ///
    /// # Panics
    /// When the Engine refuses.
    pub fn create(&self, spec: ContainerSpec) -> Container {
        let spec = spec.label(RUN_LABEL, &self.prefix);
        let name = self.name(&spec.name);
        let path = format!("/containers/create?name={name}");
        let made = self.engine.json("POST", &path, spec.body()).expect("create a container");
        let id = made["Id"].as_str().unwrap_or_default().to_owned();
        Container { id, name, engine: self.engine.clone() }
    }

    /// Stops `dockerd` from answering; containers go on.
    ///
    /// # Panics
    /// When the Engine is not our own.
    pub async fn pause(&self) {
        self.engine.server.as_ref().expect("an Engine of our own").pause().await;
    }

    pub fn resume(&self) {
        if let Some(server) = &self.engine.server {
            server.resume();
        }
    }

    /// Like a reboot of the machine: containers end, those with a restart policy come back.
    ///
    /// # Panics
    /// When the Engine is not our own.
    pub async fn restart(&self) {
        self.engine.server.as_ref().expect("an Engine of our own").restart().await;
        self.engine.ready().await;
        self.engine.find_proc();
    }
}

impl Container {
    /// # Panics
    /// When the Engine does not know it.
    pub fn inspect(&self) -> Value {
        self.get("json").expect("inspect a container")
    }

    /// One reading of its statistics.
    ///
    /// # Panics
    /// When the Engine does not answer.
    pub fn stats(&self) -> Value {
        self.get("stats?stream=false&one-shot=true").expect("statistics of a container")
    }

    /// The lines that the Engine has of its output, of both streams.
    ///
    /// # Panics
    /// When the Engine does not answer.
    pub fn lines(&self) -> u64 {
        let path = format!("/containers/{}/logs?stdout=1&stderr=1", self.id);
        let answer = self.engine.request("GET", &path, "text/plain", b"");
        let (status, body) = answer.expect("the output of a container");
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        let (mut rest, mut lines) = (body.as_slice(), 0);
        // A head of eight bytes with the length of what follows at its end.
        while let Some((head, more)) = rest.split_first_chunk::<8>() {
            let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
            let (text, more) = more.split_at(length.min(more.len()));
            lines += memchr::memchr_iter(b'\n', text).count() as u64;
            rest = more;
        }
        lines
    }

    /// Waits until it has ended and returns the exit code.
    pub async fn wait_exit(&self, deadline: Duration) -> i64 {
        until(&format!("the end of {}", self.name), deadline, async || {
            let state = &self.inspect()["State"];
            let code = state["ExitCode"].as_i64().filter(|_| state["Status"] == "exited");
            code.ok_or_else(|| state.clone())
        })
        .await
    }

    /// Waits for `healthy`, `unhealthy` or `starting`.
    pub async fn wait_health(&self, wanted: &str, deadline: Duration) {
        until(&format!("{} {wanted}", self.name), deadline, async || {
            let health = &self.inspect()["State"]["Health"];
            if health["Status"] == wanted { Ok(()) } else { Err(health.clone()) }
        })
        .await;
    }

    /// `start`, `stop?t=0`, `restart?t=0`, `pause`, `unpause`, `kill?signal=TERM`.
    pub fn post(&self, action: &str) -> std::io::Result<()> {
        let path = format!("/containers/{}/{action}", self.id);
        self.engine.json("POST", &path, &Value::Null).map(|_| ())
    }

    /// Removes it now, running or not.
    pub fn remove(self) {
        drop(self);
    }

    fn get(&self, what: &str) -> std::io::Result<Value> {
        self.engine.json("GET", &format!("/containers/{}/{what}", self.id), &Value::Null)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let path = format!("/containers/{}?force=true&v=true", self.id);
        let _ = self.engine.json("DELETE", &path, &Value::Null);
    }
}

impl Mend for Docker {
    async fn mend(&self) {
        self.resume();
        if self.engine.server.as_ref().is_some_and(|server| !server.is_running()) {
            self.restart().await;
        }
        self.engine.ready().await;
    }
}

/// A root file system: busybox, a link for each of its applets, and empty folders.
fn busybox_tar() -> Vec<u8> {
    let busybox = need_program(Path::new("busybox"), "busybox-static");
    let program = fs::read(&busybox).expect("busybox");
    let dynamic = program.windows(9).any(|word| word == b"/ld-linux");
    assert!(!dynamic, "busybox is not static: apt-get install busybox-static");
    let root = watchdog::dir("image");
    for folder in ["bin", "etc", "tmp", "data"] {
        fs::create_dir(root.join(folder)).expect("a folder of the image");
    }
    fs::copy(&busybox, root.join("bin/busybox")).expect("copy busybox");
    let list = Command::new(&busybox).arg("--list").output().expect("busybox --list");
    for applet in String::from_utf8_lossy(&list.stdout).lines().filter(|name| *name != "busybox") {
        symlink("busybox", root.join("bin").join(applet)).expect("a link");
    }
    let tar = Command::new("tar").arg("-C").arg(&root).args(["-c", "."]).output().expect("tar");
    assert!(tar.status.success(), "tar: {}", String::from_utf8_lossy(&tar.stderr));
    let _ = fs::remove_dir_all(&root);
    tar.stdout
}
