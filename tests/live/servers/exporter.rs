//! The product itself, as a process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::lint::Lint;
use super::port::free_port;
use super::process::{Server, Spec, is_root};
use super::wait::{PATIENT, get_ok, until};
use super::{http_client, text, watchdog};

#[derive(Debug)]
pub struct Exporter {
    pub server: Server,
    pub port: u16,
    config: PathBuf,
    lint: Mutex<Lint>,
}

/// One answer of `/metrics`.
#[derive(Clone, Debug)]
pub struct Scrape {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub elapsed: Duration,
}

impl Exporter {
    /// `binary` is `env!("CARGO_BIN_EXE_stack-exporter")`.
    pub async fn start(binary: &Path, config: &str) -> Self {
        Self::start_with(binary, config, &[], &[]).await
    }

    /// Also with more arguments and environment variables.
    pub async fn start_with(
        binary: &Path,
        config: &str,
        args: &[&str],
        env: &[(&str, &str)],
    ) -> Self {
        let exporter = Self::launch(binary, config, args, env);
        exporter.ready().await;
        exporter
    }

    /// With a configuration file of the test's own, which the arguments name.
    pub async fn start_configured(binary: &Path, args: &[&str]) -> Self {
        let exporter = Self::launch(binary, "", args, &[]);
        exporter.ready().await;
        exporter
    }

    /// Starts it and does not wait: for a configuration that it is to refuse.
    ///
    /// # Panics
    /// When the configuration cannot be written.
    pub fn launch(binary: &Path, config: &str, args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::spawn(config, args, |args| {
            let mut spec = Spec::new(binary, "cargo", args);
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            spec.env = env.iter().map(own).collect();
            spec
        })
    }

    /// With the output of a shell script as its standard input.
    pub async fn piped(binary: &Path, config: &str, script: &str) -> Self {
        let script = format!("{{ {script}\n}} | exec \"$@\"");
        let exporter = Self::spawn(config, &[], |args| {
            let before = ["-c", &script, "sh", text(binary)];
            Spec::new(Path::new("sh"), "dash", &[&before, args].concat())
        });
        exporter.ready().await;
        exporter
    }

    /// Through a shell script that ends in `exec ... "$@"`: with limits of its own.
    pub async fn through_shell(script: &str, config: &str) -> Self {
        let exporter = Self::spawn(config, &[], |args| {
            Spec::new(Path::new("sh"), "dash", &[&["-c", script, "sh"][..], args].concat())
        });
        exporter.ready().await;
        exporter
    }

    /// Under a shell script that becomes it with `exec "$@"`: to limit it first. Does not wait.
    pub fn scripted(binary: &Path, config: &str, script: &str, args: &[&str]) -> Self {
        Self::spawn(config, args, |args| {
            let before = ["-c", script, "sh", text(binary)];
            Spec::new(Path::new("sh"), "dash", &[&before, args].concat())
        })
    }

    /// As `start`; as another user when we are root, with a copy of the program that he can reach.
    ///
    /// # Panics
    /// When the program cannot be copied.
    pub async fn start_as(user: &'static str, binary: &Path, config: &str) -> Self {
        let copy = watchdog::dir("program").join("stack-exporter");
        fs::copy(binary, &copy).expect("a copy of the program");
        let exporter = Self::spawn(config, &[], |args| {
            let mut spec = Spec::new(&copy, "cargo", args);
            spec.unprivileged = Some(user);
            // It may write into its own state and nowhere else.
            let state = args.iter().find_map(|arg| arg.strip_prefix("--storage.path="));
            let state = Path::new(state.unwrap_or_default());
            fs::create_dir(state).expect("a state directory");
            let owned = Command::new("chown").arg(user).arg(state).status().expect("chown");
            assert!(owned.success() || !is_root(), "chown {user}");
            spec
        });
        exporter.ready().await;
        exporter
    }

    /// As `start`, as a user and group of these numbers: nobody that the machine knows. It has no
    /// state directory.
    ///
    /// # Panics
    /// When the program cannot be copied.
    pub async fn start_with_ids(ids: &[String; 2], binary: &Path, config: &str) -> Self {
        let copy = watchdog::dir("program").join("stack-exporter");
        fs::copy(binary, &copy).expect("a copy of the program");
        let exporter = Self::spawn(config, &["--storage.path=/proc/none"], |args| {
            let [user, group] = ids;
            let before = ["--pdeathsig", "KILL", "--reuid", user, "--regid", group];
            let before = [&before[..], &["--clear-groups", "--", text(&copy)]].concat();
            Spec::new(Path::new("setpriv"), "util-linux", &[&before, args].concat())
        });
        exporter.ready().await;
        exporter
    }

    fn spawn(config: &str, args: &[&str], spec: impl FnOnce(&[&str]) -> Spec) -> Self {
        let (port, dir) = (free_port(), watchdog::dir("exporter"));
        let file = dir.join("config.yaml");
        fs::write(&file, config).expect("config.yaml");
        let config_flag = format!("--config.file={}", text(&file));
        let listen_flag = format!("--web.listen-address=127.0.0.1:{port}");
        let storage_flag = format!("--storage.path={}", text(&dir.join("state")));
        // A socket that a test names takes the port's place.
        let own_door = args.iter().any(|arg| arg.starts_with("--web.listen-address"));
        let mut all = Vec::new();
        all.extend((!own_door).then_some(listen_flag.as_str()));
        let own_config = args.iter().any(|arg| arg.starts_with("--config."));
        all.extend((!own_config).then_some(config_flag.as_str()));
        // A place that a test names, also of the stand-in that it starts, takes its place.
        let own_storage = args.iter().any(|arg| arg.starts_with("--storage."));
        all.extend((!own_storage).then_some(storage_flag.as_str()));
        all.extend(args);
        let server = Server::start(spec(&all), &dir);
        Self { server, port, config: file, lint: Mutex::default() }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// One scrape, checked to the letter.
    ///
    /// # Panics
    /// When there is no answer within 10 s, or the exposition breaks a rule (see `lint.rs`).
    pub async fn scrape(&self) -> Scrape {
        let (scrape, wrong) = self.try_scrape().await.unwrap_or_else(|error| panic!("{error}"));
        assert!(wrong.is_empty(), "an exposition with faults:\n{}", wrong.join("\n"));
        scrape
    }

    /// The same for a process that may be gone; with what is wrong with the exposition.
    pub async fn try_scrape(&self) -> Result<(Scrape, Vec<String>), String> {
        let begun = Instant::now();
        let scrape = self.try_get("/metrics", &[]).await?;
        if scrape.status != 200 {
            return Ok((scrape, Vec::new()));
        }
        let process = self.server.pid().map(|pid| pid.as_raw_nonzero().get());
        let mut lint = self.lint.lock().unwrap_or_else(PoisonError::into_inner);
        let wrong = lint.check(&scrape.body, process, begun);
        drop(lint);
        Ok((scrape, wrong))
    }

    /// A GET of any path with headers.
    ///
    /// # Panics
    /// When there is no answer within 10 s.
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Scrape {
        self.try_get(path, headers).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same for a process that may be gone.
    pub async fn try_get(&self, path: &str, headers: &[(&str, &str)]) -> Result<Scrape, String> {
        let start = Instant::now();
        let url = format!("{}{path}", self.url());
        let mut request = http_client().get(&url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.map_err(|error| format!("{url}: {error:?}"))?;
        let named = answer.headers().iter();
        let headers = named
            .map(|(name, value)| {
                (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let status = answer.status().as_u16();
        let body = answer.text().await.map_err(|error| format!("{url}: {error:?}"))?;
        Ok(Scrape { status, headers, body, elapsed: start.elapsed() })
    }

    /// Scrapes until the page holds a line that starts with `start`; returns the scrape.
    pub async fn wait_line(&self, start: &str, deadline: Duration) -> Scrape {
        until(&format!("a line {start}..."), deadline, async || {
            let scrape = self.scrape().await;
            if scrape.line(start).is_some() { Ok(scrape) } else { Err(scrape.body) }
        })
        .await
    }

    /// Writes a new configuration; takes effect with a reload.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write_config(&self, config: &str) {
        fs::write(&self.config, config).expect("config.yaml");
    }

    /// Where it keeps its state, unless an argument says otherwise.
    pub fn storage(&self) -> PathBuf {
        self.server.dir().join("state")
    }

    /// `logs verify` beside it; its exit code and what it prints.
    ///
    /// # Panics
    /// When it does not start.
    pub fn verify(&self, binary: &Path, storage: &Path) -> (Option<i32>, String) {
        let mut command = Command::new(binary);
        command.arg("--config.file").arg(&self.config).arg("--storage.path").arg(storage);
        let done = command.args(["logs", "verify"]).output().expect("logs verify");
        let told = [done.stdout, done.stderr].concat();
        (done.status.code(), String::from_utf8_lossy(&told).into_owned())
    }

    /// `POST /-/reload`; status and body.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn reload(&self) -> (u16, String) {
        let sent = http_client().post(format!("{}/-/reload", self.url())).send().await;
        let answer = sent.expect("an answer to the reload");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    }

    /// The other way to reload; returns at once.
    pub fn hangup(&self) {
        self.server.signal(Signal::HUP);
    }

    pub fn log(&self) -> String {
        self.server.log()
    }

    pub fn resident_bytes(&self) -> Option<u64> {
        self.server.resident_bytes()
    }

    /// SIGTERM, and by force after 10 s; how long it took.
    pub async fn stop(&self) -> Duration {
        let start = Instant::now();
        self.server.stop().await;
        start.elapsed()
    }

    pub async fn restart(&self) {
        self.server.restart().await;
        self.ready().await;
    }

    async fn ready(&self) {
        let url = format!("{}/-/ready", self.url());
        until("the exporter", PATIENT, async || {
            self.server.assert_alive();
            get_ok(&url).await
        })
        .await;
    }
}

impl Scrape {
    /// The first line that starts so.
    pub fn line(&self, start: &str) -> Option<&str> {
        self.body.lines().find(|line| line.starts_with(start))
    }

    /// The value of the sample with exactly this name and these labels, as written.
    pub fn value(&self, series: &str) -> Option<f64> {
        let rest = self.body.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        rest?.split(' ').next()?.parse().ok()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(is, _)| is == name);
        found.map(|(_, value)| value.as_str())
    }
}
