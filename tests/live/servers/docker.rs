//! Containers, made from a busybox image, on a Docker Engine (see `engine.rs`).

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::engine::Engine;
use super::process::need_program;
use super::wait::until;
use super::{Mend, watchdog};

/// The image that every Engine gets first.
pub const IMAGE: &str = "stack-live/busybox:1";

const RUN_LABEL: &str = "stack-exporter.live-run";

#[derive(Debug)]
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

/// What to run; see the methods.
#[derive(Clone, Debug)]
pub struct ContainerSpec {
    name: String,
    body: Value,
}

impl ContainerSpec {
    /// `name` gets the run's prefix. Without a command the container sleeps.
    pub fn new(name: &str) -> Self {
        let body = json!({
            "Image": IMAGE,
            "Cmd": ["sleep", "86400"],
            "Env": [],
            "Labels": {},
            // Our own Engine has no bridge, and no test needs a network in a container.
            "HostConfig": { "NetworkMode": "none" },
        });
        Self { name: name.to_owned(), body }
    }

    pub fn image(self, image: &str) -> Self {
        self.set("/Image", json!(image))
    }

    pub fn command(self, command: &[&str]) -> Self {
        self.set("/Cmd", json!(command))
    }

    /// `command` for `sh -c`.
    pub fn shell(self, script: &str) -> Self {
        self.command(&["sh", "-c", script])
    }

    /// The labels that Docker Compose puts on the containers of a service.
    pub fn compose(self, project: &str, service: &str, number: u32) -> Self {
        self.label("com.docker.compose.project", project)
            .label("com.docker.compose.service", service)
            .label("com.docker.compose.container-number", &number.to_string())
            .label("com.docker.compose.oneoff", "False")
    }

    pub fn label(self, name: &str, value: &str) -> Self {
        self.merge("Labels", json!({ name: value }))
    }

    /// Can be given several times; the last one counts for a name in most programs.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        if let Some(list) = self.body.pointer_mut("/Env").and_then(Value::as_array_mut) {
            list.push(json!(format!("{name}={value}")));
        }
        self
    }

    /// Memory limit in bytes, without swap on top.
    pub fn memory(self, bytes: u64) -> Self {
        self.merge("HostConfig", json!({ "Memory": bytes, "MemorySwap": bytes }))
    }

    /// CPU limit in CPUs.
    pub fn cpus(self, cpus: f64) -> Self {
        let quota = serde_json::Number::from_f64((cpus * 1e5).round());
        let quota = quota.and_then(|n| n.as_f64()).map(|n| format!("{n:.0}"));
        let quota: i64 = quota.and_then(|n| n.parse().ok()).unwrap_or(0);
        self.merge("HostConfig", json!({ "CpuPeriod": 100_000, "CpuQuota": quota }))
    }

    /// Runs `script` every second; one failure makes the container unhealthy.
    pub fn health(self, script: &str) -> Self {
        let second = 1_000_000_000_u64;
        let check = json!({
            "Test": ["CMD-SHELL", script], "Interval": second, "Timeout": second, "Retries": 1,
        });
        self.merge("", json!({ "Healthcheck": check }))
    }

    /// `always`, `unless-stopped`, or `on-failure` with the number of tries.
    pub fn restart(self, policy: &str, tries: u32) -> Self {
        let policy = json!({ "Name": policy, "MaximumRetryCount": tries });
        self.merge("HostConfig", json!({ "RestartPolicy": policy }))
    }

    /// Merges into the body of `POST /containers/create`, at its top or in one of its objects.
    pub fn merge(mut self, object: &str, fields: Value) -> Self {
        let place = if object.is_empty() { String::new() } else { format!("/{object}") };
        let target = self.body.pointer_mut(&place).and_then(Value::as_object_mut);
        if let (Some(target), Value::Object(fields)) = (target, fields) {
            target.extend(fields);
        }
        self
    }

    fn set(mut self, pointer: &str, value: Value) -> Self {
        if let Some(place) = self.body.pointer_mut(pointer) {
            *place = value;
        }
        self
    }
}

impl Docker {
    /// An Engine that answers, with [`IMAGE`] imported.
    pub async fn start() -> Self {
        let engine = Arc::new(Engine::start().await);
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
        let made = self.engine.json("POST", &path, &spec.body).expect("create a container");
        let id = made["Id"].as_str().unwrap_or_default().to_owned();
        Container { id, name, engine: self.engine.clone() }
    }

    /// Stops `dockerd` from answering; containers go on. `false`: not our Engine, not paused.
    #[must_use = "an Engine that is not ours cannot be paused"]
    pub async fn pause(&self) -> bool {
        let Some(server) = &self.engine.server else { return false };
        server.pause().await;
        true
    }

    pub fn resume(&self) {
        if let Some(server) = &self.engine.server {
            server.resume();
        }
    }

    /// Like a reboot of the machine: containers end, those with a restart policy come back.
    /// `false`: not our Engine, nothing done.
    #[must_use = "an Engine that is not ours cannot be restarted"]
    pub async fn restart(&self) -> bool {
        let Some(server) = &self.engine.server else { return false };
        server.restart().await;
        self.engine.ready().await;
        true
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
            let _ = self.restart().await;
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
