//! Containers, made from a busybox image, on a Docker Engine (see `engine.rs`).

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bollard::body_full;
use bollard::errors::Error;
use bollard::models::{
    ContainerInspectResponse, ContainerState, ContainerStateStatusEnum, ContainerStatsResponse,
    ContainerSummary,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, CreateImageOptionsBuilder, KillContainerOptionsBuilder,
    LogsOptionsBuilder, RemoveContainerOptionsBuilder, RestartContainerOptionsBuilder,
    StatsOptionsBuilder, StopContainerOptionsBuilder,
};
use futures_util::TryStreamExt as _;
use rustix::process::Signal;

use super::engine::{Engine, Extra};
use super::process::{is_root, need_program};
pub use super::spec::{ContainerSpec, IMAGE};
use super::wait::{PATIENT, until};
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
        let info = self.engine.ask(async |client| client.info().await).unwrap_or_default();
        let own = if self.engine.server.is_some() { "own" } else { "found running" };
        format!(
            "Engine {} ({own}), storage {}, cgroup v{}",
            info.server_version.unwrap_or_default(),
            info.driver.unwrap_or_default(),
            info.cgroup_version.map(|version| version.to_string()).unwrap_or_default()
        )
    }

    /// For an Engine of the test's own: names that need no prefix, as a reader would have them.
    pub fn plain(self) -> Self {
        Self { prefix: String::new(), ..self }
    }

    /// The name that a container gets on the Engine.
    pub fn name(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}-{name}", self.prefix) }
    }

    /// Imports busybox under another tag (`repository:tag`), so that it looks like that image.
    ///
    /// # Panics
    /// When busybox is missing or not static.
    pub fn import(&self, image: &str) {
        let tar = body_full(busybox_tar().into());
        let (repository, tag) = image.rsplit_once(':').unwrap_or((image, "latest"));
        let options = CreateImageOptionsBuilder::new().from_src("-").repo(repository).tag(tag);
        let told = self.engine.ask(async |client| {
            client
                .create_image(Some(options.build()), Some(tar), None)
                .try_collect::<Vec<_>>()
                .await
        });
        told.expect("docker import");
    }

    /// Creates and starts a container.
    ///
    /// # Panics
    /// When the Engine refuses.
    pub fn run(&self, spec: ContainerSpec) -> Container {
        let container = self.create(spec);
        container.start().expect("start a container");
        container
    }

    /// Creates a container and leaves it as `created`.
    ///
    /// # Panics
    /// When the Engine refuses.
    pub fn create(&self, spec: ContainerSpec) -> Container {
        let spec = spec.label(RUN_LABEL, &self.prefix);
        let name = self.name(&spec.name);
        let options = CreateContainerOptionsBuilder::new().name(&name).build();
        let made = self
            .engine
            .ask(async |client| client.create_container(Some(options), spec.body()).await);
        let id = made.expect("create a container").id;
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
    pub fn inspect(&self) -> ContainerInspectResponse {
        let answer = self.engine.ask(async |client| client.inspect_container(&self.id, None).await);
        answer.expect("inspect a container")
    }

    /// The part of [`Self::inspect`] that changes most.
    pub fn state(&self) -> ContainerState {
        self.inspect().state.expect("a state")
    }

    /// Its line in the list of all containers.
    ///
    /// # Panics
    /// When the Engine does not know it.
    pub fn listed(&self) -> ContainerSummary {
        let list = self.engine.list();
        let own = list.into_iter().find(|one| one.id.as_ref() == Some(&self.id));
        own.expect("a line of the list")
    }

    /// One reading of its statistics.
    ///
    /// # Panics
    /// When the Engine does not answer.
    pub fn stats(&self) -> ContainerStatsResponse {
        let options = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
        let answer =
            self.engine.ask(async |client| client.stats(&self.id, Some(options)).try_next().await);
        answer.expect("statistics of a container").expect("a reading")
    }

    /// The lines that the Engine has of its output, of both streams.
    ///
    /// # Panics
    /// When the Engine does not answer.
    pub fn lines(&self) -> u64 {
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).build();
        let answer = self.engine.ask(async |client| {
            let lines = |part: &[u8]| memchr::memchr_iter(b'\n', part).count() as u64;
            let output = client.logs(&self.id, Some(options));
            output.try_fold(0, async |sum, part| Ok(sum + lines(part.as_ref()))).await
        });
        answer.expect("the output of a container")
    }

    /// Waits until it has ended and returns the exit code.
    pub async fn wait_exit(&self, deadline: Duration) -> i64 {
        until(&format!("the end of {}", self.name), deadline, async || {
            let state = self.state();
            let has_ended = state.status == Some(ContainerStateStatusEnum::EXITED);
            state.exit_code.filter(|_| has_ended).ok_or(state)
        })
        .await
    }

    /// Waits for `healthy`, `unhealthy` or `starting`.
    pub async fn wait_health(&self, wanted: &str, deadline: Duration) {
        until(&format!("{} {wanted}", self.name), deadline, async || {
            let health = self.state().health.unwrap_or_default();
            let status = health.status.map(|status| status.to_string());
            if status.as_deref() == Some(wanted) { Ok(()) } else { Err(health) }
        })
        .await;
    }

    pub fn start(&self) -> Result<(), Error> {
        self.engine.ask(async |client| client.start_container(&self.id, None).await)
    }

    /// At once, without the time to end in order.
    pub fn stop(&self) -> Result<(), Error> {
        let options = StopContainerOptionsBuilder::new().t(0).build();
        self.engine.ask(async |client| client.stop_container(&self.id, Some(options)).await)
    }

    /// As [`Self::stop`], and starts it again.
    pub fn restart(&self) -> Result<(), Error> {
        let options = RestartContainerOptionsBuilder::new().t(0).build();
        self.engine.ask(async |client| client.restart_container(&self.id, Some(options)).await)
    }

    pub fn pause(&self) -> Result<(), Error> {
        self.engine.ask(async |client| client.pause_container(&self.id).await)
    }

    pub fn unpause(&self) -> Result<(), Error> {
        self.engine.ask(async |client| client.unpause_container(&self.id).await)
    }

    /// Waits until its first process has a handler for a signal: without one it ignores it.
    pub async fn wait_catches(&self, signal: Signal) {
        let proc = self.engine.proc();
        until(&format!("{} to catch {signal:?}", self.name), PATIENT, async || {
            let state = self.state();
            let file = proc.join(state.pid.unwrap_or(0).to_string()).join("status");
            let status = fs::read_to_string(file).unwrap_or_default();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            let caught = caught.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
            let catches = caught.is_some_and(|set| set >> (signal.as_raw() - 1) & 1 == 1);
            if catches { Ok(()) } else { Err(state) }
        })
        .await;
    }

    /// Sends its first process a signal, as `USR1`.
    pub fn kill(&self, signal: &str) -> Result<(), Error> {
        let options = KillContainerOptionsBuilder::new().signal(signal).build();
        self.engine.ask(async |client| client.kill_container(&self.id, Some(options)).await)
    }

    /// Removes it now, running or not.
    pub fn remove(self) {
        drop(self);
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        let _ =
            self.engine.ask(async |client| client.remove_container(&self.id, Some(options)).await);
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
