//! A Docker Engine: the one that runs, or a `dockerd` of our own when we are root.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::ContainerSummary;
use bollard::query_parameters::ListContainersOptionsBuilder;
use bollard::{API_DEFAULT_VERSION, Docker as Client};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::timeout;

use super::process::{Pause, Server, Spec, descendants, is_root, need_program};
use super::wait::{PATIENT, until};
use super::{block, text, watchdog};

/// How long the Engine may take for an answer.
const ANSWERS: Duration = Duration::from_secs(15);

/// The best first. `vfs` copies whole images and works on every file system.
const STORAGE_DRIVERS: [&str; 2] = ["overlay2", "vfs"];

#[derive(Debug)]
pub struct Engine {
    pub socket: PathBuf,
    /// `None`: somebody else's Engine, which we can neither pause nor stop.
    pub server: Option<Server>,
}

/// What is not as with the others, for an Engine of a test's own.
#[derive(Clone, Debug, Default)]
pub struct Extra {
    /// More arguments of `dockerd`.
    pub args: Vec<String>,
    /// On the machine's own network, so that its TCP address can be reached; without a bridge.
    pub on_machine: bool,
    /// Below a shell that starts it again when it ends, as an init does: containers can outlive it.
    pub kept_up: bool,
}

impl Engine {
    /// The Engine of `DOCKER_HOST` or of the usual socket when it answers, else our own.
    ///
    /// # Panics
    /// When none answers and we are not root, or `dockerd` does not start.
    pub async fn start() -> Self {
        if let Some(engine) = running() {
            return engine;
        }
        Self::own(&Extra::default()).await
    }

    /// Our own.
    ///
    /// # Panics
    /// When we are not root, or `dockerd` does not start.
    pub async fn own(extra: &Extra) -> Self {
        assert!(is_root(), "no Docker Engine answers, and only root can start dockerd");
        let mut reasons = String::new();
        for driver in STORAGE_DRIVERS {
            match own(driver, extra).await {
                Ok(engine) => return engine,
                Err(log) => reasons.extend(["--- ", driver, ":\n", &log, "\n"]),
            }
        }
        panic!("dockerd does not start with any storage driver:\n{reasons}");
    }

    /// bollard over a transport of its own, which is none of the exporter's and lets more than GET
    /// out. Made anew each time: it keeps no connection that a pause or a restart would spoil.
    pub fn client(&self) -> Result<Client, Error> {
        Client::connect_with_unix(text(&self.socket), ANSWERS.as_secs(), API_DEFAULT_VERSION)
    }

    /// One question, blocking: the Engine's API takes milliseconds, and `Drop` cannot wait
    /// otherwise. A status of 400 and above is an error.
    pub fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&Client) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let client = self.client()?;
        // The client's own deadline ends with the head of an answer.
        let answer = async { timeout(ANSWERS, question(&client)).await };
        block(answer).unwrap_or(Err(Error::RequestTimeoutError))
    }

    /// The proc file system that has the Engine's process numbers, also after a restart.
    pub fn proc(&self) -> PathBuf {
        self.server.as_ref().map_or("/proc".into(), |server| server.dir().join("proc"))
    }

    /// Our own Engine is in a PID namespace of its own, which has a proc mount.
    ///
    /// # Panics
    /// When it is not running.
    pub fn find_proc(&self) {
        let Some(server) = &self.server else { return };
        let first = server.pid().and_then(|pid| descendants(pid).first().copied());
        let pid = first.expect("the first process of dockerd's namespace").as_raw_nonzero();
        let _ = fs::remove_file(self.proc());
        symlink(format!("/proc/{pid}/root/proc"), self.proc()).expect("a link to proc");
    }

    /// Ends `dockerd` alone, in order, where a shell starts it again, and waits for the next one.
    ///
    /// # Panics
    /// When it is not our own.
    pub async fn renew(&self) {
        let server = self.server.as_ref().expect("an Engine of our own");
        let family = || server.pid().map(descendants).unwrap_or_default();
        let name = |pid: &Pid| fs::read_to_string(format!("/proc/{}/comm", pid.as_raw_nonzero()));
        let is_dockerd = |pid: &Pid| name(pid).is_ok_and(|name| name.trim() == "dockerd");
        let old = family().into_iter().find(is_dockerd).expect("dockerd");
        let _ = kill_process(old, Signal::TERM);
        until("the end of dockerd", PATIENT, async || !family().contains(&old)).await;
        self.ready().await;
    }

    /// All containers, also those that have ended.
    ///
    /// # Panics
    /// When the Engine does not answer.
    pub fn list(&self) -> Vec<ContainerSummary> {
        let options = ListContainersOptionsBuilder::new().all(true).build();
        let answer = self.ask(async |client| client.list_containers(Some(options)).await);
        answer.expect("a list of containers")
    }

    pub fn ping(&self) -> Result<(), Error> {
        self.ask(async |client| client.ping().await).map(|_| ())
    }

    pub async fn ready(&self) {
        until("dockerd", PATIENT, async || {
            if let Some(server) = &self.server {
                server.assert_alive();
            }
            self.ping().map_err(|error| error.to_string())
        })
        .await;
    }
}

fn running() -> Option<Engine> {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    let named = host.strip_prefix("unix://").map(PathBuf::from);
    let candidates = named.into_iter().chain(["/var/run/docker.sock".into()]);
    candidates.map(|socket| Engine { socket, server: None }).find(|engine| engine.ping().is_ok())
}

async fn own(driver: &str, extra: &Extra) -> Result<Engine, String> {
    let dir = watchdog::dir("docker");
    let socket = dir.join("docker.sock");
    let run = watchdog::run_dir().file_name().unwrap_or_default();
    let number = dir.file_name().unwrap_or_default().to_string_lossy();
    let group = PathBuf::from(format!("/{}-{number}", run.to_string_lossy()));
    let mut spec = Spec::new(&need_program("unshare".as_ref(), "util-linux"), "util-linux", &[]);
    spec.args = arguments(&dir, &group, driver, extra);
    spec.pause = Pause::FirstChild;
    // An orderly end waits 10 s for every container whose first process ignores SIGTERM.
    spec.stop = rustix::process::Signal::KILL;
    remove_groups_at_end(text(&group));
    let engine = Engine { socket, server: Some(Server::start(spec, &dir)) };
    let server = engine.server.as_ref().ok_or("no server")?;
    let up = until("dockerd", PATIENT, async || {
        if !server.is_running() {
            return Some(false);
        }
        engine.ping().is_ok().then_some(true)
    })
    .await;
    if !up {
        return Err(server.log());
    }
    engine.find_proc();
    Ok(engine)
}

/// `dockerd` as the first process of a PID namespace: containers and their shims leave every
/// process group, but the kernel kills them with the namespace. The mount namespace takes the
/// containers' mounts with it, so that the folder can be removed.
fn arguments(dir: &Path, group: &Path, driver: &str, extra: &Extra) -> Vec<String> {
    let dockerd = need_program("dockerd".as_ref(), "docker.io");
    let (exec, pid) = (dir.join("exec"), dir.join("docker.pid"));
    // As after a reboot: in a new namespace the old process ids mean other processes.
    let fresh = r#"rm -rf "$1" "$2"; shift 2; busybox ip link set lo up; exec "$@""#;
    let kept_up = r#"rm -rf "$1" "$2"; shift 2; busybox ip link set lo up; while :; do "$@"; done"#;
    let script = if extra.kept_up { kept_up } else { fresh };
    let mut args = vec!["--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"];
    // A network of its own, where a bridge and published ports are nobody's trouble.
    args.extend((!extra.on_machine).then_some("--net"));
    args.extend(["sh", "-c", script, "sh", text(&exec), text(&pid), text(&dockerd)]);
    let mut args: Vec<String> = args.into_iter().map(str::to_owned).collect();
    // No firewall rules, and no bridge on the machine: its network is not ours to change.
    args.extend(["--iptables=false", "--ip6tables=false"].map(str::to_owned));
    args.extend(extra.on_machine.then(|| "--bridge=none".to_owned()));
    args.extend(extra.args.clone());
    // Also where systemd runs: a folder of its own is easier to remove than a slice.
    args.push("--exec-opt=native.cgroupdriver=cgroupfs".to_owned());
    args.push(format!("--storage-driver={driver}"));
    args.push(format!("--cgroup-parent={}", group.display()));
    args.push(format!("--data-root={}", dir.join("data").display()));
    args.push(format!("--exec-root={}", exec.display()));
    args.push(format!("--pidfile={}", pid.display()));
    args.push(format!("--host=unix://{}", dir.join("docker.sock").display()));
    // Nothing of the machine's own configuration, which may contradict these flags.
    let config = dir.join("daemon.json");
    fs::write(&config, "{}").expect("daemon.json");
    args.push(format!("--config-file={}", config.display()));
    args
}

/// Killed containers leave empty control groups behind (v1: one per controller).
fn remove_groups_at_end(group: &str) {
    watchdog::at_end(&format!(
        "for try in 1 2 3 4 5; do \
         rmdir /sys/fs/cgroup{group}/* /sys/fs/cgroup{group} \
         /sys/fs/cgroup/*{group}/* /sys/fs/cgroup/*{group} 2>/dev/null; \
         ls -d /sys/fs/cgroup{group} /sys/fs/cgroup/*{group} >/dev/null 2>&1 || break; \
         sleep 0.2; done"
    ));
}
