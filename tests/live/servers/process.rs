//! One child process: its own port, folder, log and process group; it cannot outlive the tests.
//!
//! Three nets, since statics are never dropped and a test run may be killed:
//! `Drop`; the kernel's parent-death signal (set by `setpriv`, as safe Rust cannot); and the
//! watchdog (see `watchdog.rs`), which also finds the orphans of a killed server.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError, mpsc};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::wait;
use super::watchdog;

/// Whom `pause` stops.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pause {
    /// The process and all its descendants: nobody of it answers any more.
    Tree,
    /// The only child of a wrapper that forks (`unshare`), and none of that one's children.
    FirstChild,
}

/// How to start a server, kept so that it can be started again.
#[derive(Clone, Debug)]
pub struct Spec {
    pub program: PathBuf,
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    /// Debian package to name when the program is missing.
    pub package: &'static str,
    /// The user to become when we are root and the program refuses to be.
    pub unprivileged: Option<&'static str>,
    pub pause: Pause,
    /// The signal for an orderly end; `KILL` for one that is to look like a crash.
    pub stop: Signal,
}

impl Spec {
    pub fn new(program: &Path, package: &'static str, args: &[&str]) -> Self {
        Self {
            program: program.to_owned(),
            args: args.iter().map(ToString::to_string).collect(),
            env: Vec::new(),
            package,
            unprivileged: None,
            pause: Pause::Tree,
            stop: Signal::TERM,
        }
    }
}

/// A running (or paused, or stopped) server process.
#[derive(Debug)]
pub struct Server {
    spec: Spec,
    dir: PathBuf,
    child: Mutex<Option<Child>>,
}

impl Server {
    /// Starts `spec` with `dir` (from `watchdog::dir`) as working directory.
    ///
    /// # Panics
    /// When the program is missing or cannot be started.
    pub fn start(spec: Spec, dir: &Path) -> Self {
        let child = spawn(&spec, dir);
        Self { spec, dir: dir.to_owned(), child: Mutex::new(Some(child)) }
    }

    /// The id of the process that was started; `None` once it is stopped.
    pub fn pid(&self) -> Option<Pid> {
        self.lock().as_ref().map(child_pid)
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// All that the server wrote to its standard output and error, over all its starts.
    pub fn log(&self) -> String {
        let text = fs::read(self.dir.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    }

    /// SIGSTOP: the kernel still accepts connections, but nothing answers any more. Returns when
    /// every thread stands still, which on a loaded machine is not at once.
    pub async fn pause(&self) {
        wait::until("a standstill", wait::PATIENT, async || {
            let members = self.members();
            let moving: Vec<Pid> = members.iter().copied().filter(|pid| !stands(*pid)).collect();
            for pid in &moving {
                let _ = kill_process(*pid, Signal::STOP);
            }
            // Look again: a parent may have forked before it stopped.
            if moving.is_empty() && self.members() == members { Ok(()) } else { Err(moving) }
        })
        .await;
    }

    /// SIGCONT, children first, so that a parent never finds them stopped.
    pub fn resume(&self) {
        for pid in self.members().into_iter().rev() {
            let _ = kill_process(pid, Signal::CONT);
        }
    }

    /// Ends the server in order (`Spec::stop`), or by force when that takes longer than 10 s.
    pub async fn stop(&self) {
        self.resume();
        if let Some(pid) = self.members().first() {
            let _ = kill_process(*pid, self.spec.stop);
        }
        let start = std::time::Instant::now();
        wait::until("an orderly end", Duration::from_secs(15), async || {
            !self.is_running() || start.elapsed() > Duration::from_secs(10)
        })
        .await;
        self.kill();
    }

    /// SIGKILL to the process, its group and all its descendants: a crash.
    pub fn kill(&self) {
        let Some(mut child) = self.lock().take() else { return };
        let pid = child_pid(&child);
        let family = descendants(pid);
        let _ = kill_process_group(pid, Signal::KILL);
        for pid in family {
            let _ = kill_process(pid, Signal::KILL);
        }
        let _ = child.wait();
    }

    /// Stops the server if it runs and starts it again: same arguments, so the same port.
    /// Does not wait until it is ready.
    pub async fn restart(&self) {
        self.stop().await;
        let child = spawn(&self.spec, &self.dir);
        *self.lock() = Some(child);
    }

    pub fn is_running(&self) -> bool {
        self.lock().as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Resident memory of the first process in bytes (`VmRSS`).
    pub fn resident_bytes(&self) -> Option<u64> {
        let pid = self.pid()?;
        let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kib * 1024)
    }

    /// Sends a signal to the first process alone (SIGHUP for a reload).
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = self.members().first() {
            let _ = kill_process(*pid, signal);
        }
    }

    /// For loops that wait for readiness: no need to wait on when the process has ended.
    ///
    /// # Panics
    /// With the log when it has.
    pub fn assert_alive(&self) {
        let program = self.spec.program.display();
        assert!(self.is_running(), "{program} has ended; its log:\n{}", self.log());
    }

    fn members(&self) -> Vec<Pid> {
        let Some(pid) = self.pid() else { return Vec::new() };
        let mut children = descendants(pid);
        match self.spec.pause {
            Pause::FirstChild => children.truncate(1),
            Pause::Tree => children.insert(0, pid),
        }
        children
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Where a program is: as given when it is a path, else in `PATH` or the `sbin` folders.
pub fn find_program(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return program.exists().then(|| program.to_owned());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    // An ordinary user's PATH on Debian lacks the sbin folders, where servers live.
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(program)).find(|path| path.exists())
}

/// The program's place.
///
/// # Panics
/// When it is missing, with the package that has it.
pub fn need_program(program: &Path, package: &str) -> PathBuf {
    find_program(program).unwrap_or_else(|| {
        panic!("{} is not installed: apt-get install {package}", program.display())
    })
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A command that dies with us and, when we are root and a user is named, runs as that user.
pub fn command(program: &Path, user: Option<&str>) -> Command {
    let setpriv = find_program(Path::new("setpriv"));
    let user = user.filter(|_| is_root());
    let Some(setpriv) = setpriv else {
        assert!(user.is_none(), "setpriv is not installed: apt-get install util-linux");
        return Command::new(program);
    };
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", "KILL"]);
    if let Some(user) = user {
        command.args(["--reuid", user, "--regid", user, "--init-groups"]);
    }
    command.arg("--").arg(program);
    command
}

fn spawn(spec: &Spec, dir: &Path) -> Child {
    let program = need_program(&spec.program, spec.package);
    let log = File::options().create(true).append(true).open(dir.join("log")).expect("log file");
    let mut command = command(&program, spec.unprivileged);
    command
        .args(&spec.args)
        .envs(spec.env.iter().map(|(key, value)| (key, value)))
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("log handle"))
        .stderr(log)
        .process_group(0);
    let started = on_spawner(command);
    started.unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()))
}

/// The parent-death signal comes when the *thread* that started the child ends, and a test's
/// thread ends with the test: so one thread that never ends starts all of them.
fn on_spawner(command: Command) -> io::Result<Child> {
    type Job = (Command, mpsc::Sender<io::Result<Child>>);
    static SPAWNER: LazyLock<Mutex<mpsc::Sender<Job>>> = LazyLock::new(|| {
        let (jobs, queue) = mpsc::channel::<Job>();
        std::thread::spawn(move || {
            for (mut command, answer) in queue {
                let _ = answer.send(command.spawn());
            }
        });
        Mutex::new(jobs)
    });
    watchdog::ensure();
    let (answer, result) = mpsc::channel();
    let jobs = SPAWNER.lock().unwrap_or_else(PoisonError::into_inner).clone();
    jobs.send((command, answer)).expect("the spawner never ends");
    result.recv().expect("the spawner answers")
}

fn child_pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// All processes below `root`, parents before their children.
pub fn descendants(root: Pid) -> Vec<Pid> {
    let all: Vec<(Pid, Pid)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid: i32| Some((Pid::from_raw(pid)?, parent(pid)?)))
        .collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(all.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}

fn parent(pid: i32) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Pid::from_raw(after_name(&stat).nth(1)?.parse().ok()?)
}

/// Whether all threads of a process are stopped, or it is gone.
fn stands(pid: Pid) -> bool {
    let threads = fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero()));
    threads.into_iter().flatten().flatten().all(|thread| {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        after_name(&stat).next().is_none_or(|state| ["T", "t", "Z", "X"].contains(&state))
    })
}

/// The fields of a `stat` from the state on; the name in parentheses before it may hold
/// anything, also blanks and parentheses.
fn after_name(stat: &str) -> impl Iterator<Item = &str> {
    stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace()
}
