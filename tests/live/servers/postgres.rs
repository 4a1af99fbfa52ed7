//! A Postgres cluster of its own, with a database `tasktracker` and a role `monitor`.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls};

use super::port::free_port;
use super::process::{Server, Spec, command, is_root, need_program};
use super::wait::{PATIENT, until};
use super::{Mend, text, watchdog};

pub const DATABASE: &str = "tasktracker";
pub const MONITOR: &str = "monitor";
/// Odd on purpose: a program that leaks it into a log or an error is found by looking for it.
pub const MONITOR_PASSWORD: &str = "s3cret-Monitor/with@odd:signs";

/// `monitor` must show its password, everybody else is believed.
const HBA: &str = "host replication postgres 127.0.0.1/32 trust\nhost all monitor 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n";

const USER: &str = "postgres";

#[derive(Debug)]
pub struct Postgres {
    pub server: Server,
    pub port: u16,
    bin: PathBuf,
}

/// A connection that does something in the background until it is dropped.
#[derive(Debug)]
pub struct Session {
    /// Its backend, as in `pg_stat_activity.pid`.
    pub pid: i32,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Session {
    fn drop(&mut self) {
        // The connection closes; the server looks for that every 200 ms, also during a query.
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Postgres {
    /// `bin` is the folder with `initdb` and `postgres`; `None`: the newest that Debian put
    /// below `/usr/lib/postgresql`, or else the one in `PATH`.
    pub async fn start(bin: Option<&Path>) -> Self {
        Self::start_with(bin, &[]).await
    }

    /// Also with settings of its own, such as `("max_connections", "5")`.
    ///
    /// # Panics
    /// When the cluster cannot be made or does not come up.
    pub async fn start_with(bin: Option<&Path>, settings: &[(&str, &str)]) -> Self {
        Self::start_in(bin, settings, &[]).await
    }

    /// And with variables of its environment.
    pub async fn start_in(
        bin: Option<&Path>,
        settings: &[(&str, &str)],
        env: &[(&str, &str)],
    ) -> Self {
        let bin = bin.map_or_else(newest_bin, Path::to_owned);
        let dir = folder();
        let data = dir.join("data");
        init(&bin, &dir, &data);
        fs::write(data.join("pg_hba.conf"), HBA).expect("pg_hba.conf");
        let postgres = Self::launch(bin, &dir, settings, env).await;
        postgres.prepare().await;
        postgres
    }

    /// A standby of this one.
    ///
    /// # Panics
    /// When the copy fails.
    pub async fn standby(&self) -> Self {
        let dir = folder();
        let data = dir.join("data");
        let port = self.port.to_string();
        let program = need_program(&self.bin.join("pg_basebackup"), "postgresql");
        let output = command(&program, Some(USER))
            .args(["-h", "127.0.0.1", "-p", &port, "-U", USER, "-R", "-X", "stream", "-c", "fast"])
            .args(["--no-sync", "-D", text(&data)])
            .current_dir(&dir)
            .stdin(Stdio::null())
            .output()
            .expect("pg_basebackup");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self::launch(self.bin.clone(), &dir, &[], &[]).await
    }

    async fn launch(
        bin: PathBuf,
        dir: &Path,
        settings: &[(&str, &str)],
        env: &[(&str, &str)],
    ) -> Self {
        let (port, data) = (free_port(), dir.join("data"));
        let mut spec = Spec::new(&bin.join("postgres"), "postgresql", &["-D", text(&data)]);
        let port_text = port.to_string();
        let mut all = vec![
            ("port", port_text.as_str()),
            ("listen_addresses", "127.0.0.1"),
            ("unix_socket_directories", ""),
            ("fsync", "off"),
            ("shared_buffers", "16MB"),
            ("max_connections", "40"),
            ("password_encryption", "scram-sha-256"),
            ("client_connection_check_interval", "200ms"),
            ("shared_preload_libraries", "pg_stat_statements"),
        ];
        all.extend(settings);
        for (name, value) in all {
            spec.args.extend(["-c".to_owned(), format!("{name}={value}")]);
        }
        spec.unprivileged = Some(USER);
        // SIGTERM would wait for every client to leave.
        spec.stop = rustix::process::Signal::INT;
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        spec.env = env.iter().map(own).collect();
        let postgres = Self { server: Server::start(spec, dir), port, bin };
        postgres.ready("postgres").await;
        postgres
    }

    /// Host, port, database and user; no password.
    pub fn config(&self, user: &str, database: &str) -> Config {
        let mut config = Config::new();
        config.host("127.0.0.1").port(self.port).user(user).dbname(database);
        config.application_name("live-test");
        config
    }

    /// `postgres://monitor@127.0.0.1:<port>/tasktracker`, without the password.
    pub fn url(&self) -> String {
        format!("postgres://{MONITOR}@127.0.0.1:{}/{DATABASE}", self.port)
    }

    /// A superuser's connection to `tasktracker`.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn client(&self) -> Client {
        connect(&self.config(USER, DATABASE)).await.expect("a connection").0
    }

    /// A connection as `monitor`, with its password.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn monitor(&self) -> Client {
        let mut config = self.config(MONITOR, DATABASE);
        config.password(MONITOR_PASSWORD);
        connect(&config).await.expect("a connection as monitor").0
    }

    /// Runs `sql` in the background until it ends or the session is dropped; it may never end.
    pub async fn background(&self, sql: &str) -> Session {
        self.session("SELECT 1", Some(sql)).await
    }

    /// A query that runs for `seconds`.
    pub async fn long_query(&self, seconds: u32) -> Session {
        self.background(&format!("SELECT pg_sleep({seconds})")).await
    }

    /// A transaction that is open, has read and does nothing.
    pub async fn idle_in_transaction(&self) -> Session {
        self.session("BEGIN; SELECT count(*) FROM pg_class", None).await
    }

    /// Holds the strongest lock on a table; a `background("SELECT ... FROM table")` then waits.
    pub async fn hold_lock(&self, table: &str) -> Session {
        self.session(&format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"), None).await
    }

    async fn session(&self, first: &str, then: Option<&str>) -> Session {
        let config = self.config(USER, DATABASE);
        let (client, connection) = connect(&config).await.expect("a connection");
        let row = client.query_one("SELECT pg_backend_pid()", &[]).await.expect("a pid");
        client.batch_execute(first).await.expect("the session's first statement");
        let then = then.map(str::to_owned);
        let busy = tokio::spawn(async move {
            if let Some(sql) = then {
                let _ = client.batch_execute(&sql).await;
            }
            // The client must live, or the connection closes.
            std::future::pending::<()>().await;
            drop(client);
        });
        Session { pid: row.get(0), tasks: vec![busy, connection] }
    }

    pub async fn restart(&self) {
        self.server.restart().await;
        self.ready(DATABASE).await;
    }

    pub fn bin(&self) -> &Path {
        &self.bin
    }

    async fn ready(&self, database: &str) {
        let config = self.config(USER, database);
        until("PostgreSQL", PATIENT, async || {
            self.server.assert_alive();
            let (client, _) = connect(&config).await.map_err(|error| format!("{error:?}"))?;
            client.simple_query("SELECT 1").await.map_err(|error| format!("{error:?}"))
        })
        .await;
    }

    async fn prepare(&self) {
        let admin = connect(&self.config(USER, "postgres")).await.expect("a connection").0;
        let sql = format!("CREATE ROLE {MONITOR} LOGIN PASSWORD '{MONITOR_PASSWORD}'");
        admin.batch_execute(&sql).await.expect("the role monitor");
        let sql = format!("GRANT pg_monitor TO {MONITOR}");
        admin.batch_execute(&sql).await.expect("pg_monitor");
        let sql = format!("CREATE DATABASE {DATABASE}");
        admin.batch_execute(&sql).await.expect("the database");
    }
}

impl Mend for Postgres {
    async fn mend(&self) {
        self.server.resume();
        if !self.server.is_running() {
            self.server.restart().await;
        }
        self.ready(DATABASE).await;
    }
}

/// Connects and lets the runtime drive the connection.
pub async fn connect(config: &Config) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    let task = tokio::spawn(async move {
        // Ends with an error when a test stops the server: that is the test's intent.
        let _ = connection.await;
    });
    Ok((client, task))
}

/// A folder of the server's user.
fn folder() -> PathBuf {
    let dir = watchdog::dir("postgres");
    if is_root() {
        let (uid, gid) = ids(USER).expect("the user postgres: apt-get install postgresql");
        chown(&dir, Some(uid), Some(gid)).expect("chown");
    }
    dir
}

fn init(bin: &Path, dir: &Path, data: &Path) {
    let initdb = need_program(&bin.join("initdb"), "postgresql");
    let output = command(&initdb, Some(USER))
        .args([
            "-A",
            "trust",
            "-U",
            USER,
            "-E",
            "UTF8",
            "--no-locale",
            "--no-sync",
            "--data-checksums",
            "-D",
        ])
        .arg(data)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .expect("initdb");
    assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
}

fn newest_bin() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .max_by_key(|(version, _): &(u32, PathBuf)| *version)
        .map(|(_, path)| path.join("bin"));
    newest.unwrap_or_else(|| {
        let postgres = need_program(Path::new("postgres"), "postgresql");
        postgres.parent().map(Path::to_owned).unwrap_or_default()
    })
}

/// The user as whom the server runs.
///
/// # Panics
/// When there is none.
pub fn user_id() -> u32 {
    ids(USER).expect("the user postgres: apt-get install postgresql").0
}

fn ids(user: &str) -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let line = users.lines().find(|line| line.split(':').next() == Some(user))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}
