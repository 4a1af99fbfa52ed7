//! Flags and commands as they are written on the command line.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, CommandFactory as _, Parser, Subcommand, ValueEnum};

use super::check;
use super::check::args::Check;
use crate::collectors::CATALOGUE;
use crate::config::Dur;

/// One Prometheus exporter for a small self-hosted stack.
///
/// Without a command and without a file it watches what it can find (the Docker socket, the host,
/// and what `DATABASE_URL`, `PGHOST` and `NATS_MONITOR_URL` name), says what it found and what it
/// could not read, and serves metrics, a status page and the runbooks on <http://127.0.0.1:10188>.
#[derive(Parser)]
#[command(name = "stack-exporter", version, max_term_width = 100)]
pub(super) struct Args {
    #[command(flatten)]
    pub options: Options,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(ClapArgs)]
pub(super) struct Options {
    /// Configuration file; without one, what can be found is watched.
    #[arg(
        long = "config.file",
        value_name = "FILE",
        env = "STACK_EXPORTER_CONFIG_FILE",
        global = true
    )]
    pub config_file: Option<PathBuf>,
    /// Address to serve on. Listen on other than loopback addresses only behind a firewall: there
    /// is no login.
    #[arg(
        long = "web.listen-address",
        help_heading = "Serving",
        value_parser = address,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:10188",
        env = "STACK_EXPORTER_WEB_LISTEN_ADDRESS",
        global = true
    )]
    pub listen_address: SocketAddr,
    /// Path of the metrics.
    #[arg(
        long = "web.telemetry-path",
        help_heading = "Serving",
        value_name = "PATH",
        default_value = "/metrics",
        value_parser = path,
        env = "STACK_EXPORTER_WEB_TELEMETRY_PATH",
        global = true
    )]
    pub telemetry_path: String,
    /// Scrapes served at once; more are refused with 503 and counted.
    #[arg(
        long = "web.max-requests",
        help_heading = "Serving",
        value_name = "N",
        default_value_t = 128,
        value_parser = clap::value_parser!(u16).range(1..),
        env = "STACK_EXPORTER_WEB_MAX_REQUESTS",
        global = true
    )]
    pub max_requests: u16,
    /// Directory for what must outlive a restart: how far logs were read, and what was counted in
    /// them. Default: the service manager's `STATE_DIRECTORY`, else `/var/lib/stack-exporter` if it
    /// can be written, else `~/.local/state/stack-exporter`.
    #[arg(
        long = "storage.path",
        help_heading = "Storage",
        value_name = "DIR",
        env = "STACK_EXPORTER_STORAGE_PATH",
        global = true
    )]
    pub storage_path: Option<PathBuf>,
    /// Least severe log line that is written.
    #[arg(
        long = "log.level",
        help_heading = "Log",
        value_name = "LEVEL",
        default_value = "info",
        env = "STACK_EXPORTER_LOG_LEVEL",
        global = true
    )]
    pub log_level: LogLevel,
    /// Form of the log lines.
    #[arg(
        long = "log.format",
        help_heading = "Log",
        value_name = "FORMAT",
        default_value = "text",
        env = "STACK_EXPORTER_LOG_FORMAT",
        global = true
    )]
    pub log_format: LogFormat,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Serve metrics, status page and runbooks (the default).
    Serve,
    /// Make every check once and print what is wrong, with the next command.
    ///
    /// The same readings, thresholds and sentences as the alerts. Rates are judged on two readings
    /// that lie `--window` apart; what only time can tell needs history and does not count.
    ///
    /// Exit code: 0 all well, 1 warning, 2 critical, 3 something cannot be seen while nothing is
    /// critical, or the check could not run. Advice does not count.
    #[command(after_help = check::args::EXAMPLES)]
    Check(Check),
    /// Check or show the configuration, or print its schema.
    ///
    /// A mistake is told with file, line, key and the nearest valid key, all of them at once.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print the catalogue: every metric family and every signal.
    ///
    /// Name, type and labels of each metric with its source; expression and default thresholds of
    /// each signal. The same as docs/metrics.md.
    Metrics(Metrics),
    /// Look into logs: what is wrong most often, and whether the counts are right.
    Logs {
        #[command(subcommand)]
        command: LogsCommand,
    },
    /// Write the alert rules, the dashboards and the files of Prometheus and Alertmanager.
    ///
    /// All that is shipped beside the program, as it fits this version: rules with their tests for
    /// promtool, dashboards with their provisioning for Grafana, templates of messages, examples of
    /// prometheus.yml and alertmanager.yml, and the Compose stack of all of them. Run it again after an upgrade: what was changed by
    /// hand is kept, and named. `bundle.sha256` tells what was written; `sha256sum -c` reads it.
    ///
    /// Exit code: 0 all is as shipped, 1 something was kept or could not be written.
    Bundle(Bundle),
    /// Write what is generated from the catalogue into the repository of the exporter.
    ///
    /// For developers. To get rules and dashboards there is `stack-exporter bundle`.
    #[command(hide = true)]
    Generate(Generate),
    /// Make what the services of docker-compose.monitoring.yml need before they start.
    ///
    /// For the service `setup` of that file: fills the addresses of `.env` into alertmanager.yml,
    /// and makes up a password for Grafana.
    #[command(hide = true)]
    ComposeSetup(ComposeSetup),
}

/// The form of other lists.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum CheckFormat {
    Table,
    Json,
}

#[derive(Subcommand)]
pub(super) enum ConfigCommand {
    /// Check the file and list every mistake with its line; exit code 2 if there is one.
    ///
    /// For each rule of a log it says how its lines are found and what that costs, measured here.
    Check(ConfigCheck),
    /// Print the configuration in force, secrets as `<secret>`, and the targets that follow from it.
    Show,
    /// Print the JSON Schema of the file, for editors.
    Schema,
}

#[derive(Subcommand)]
pub(super) enum LogsCommand {
    /// The most frequent errors of log files, as groups of the same kind.
    ///
    /// Reads the files themselves, also rotated ones and those packed by gzip, in the order of
    /// their lines' times, and groups as the exporter does: fingerprints are those of its metrics.
    /// Tracebacks belong to the line before them.
    ///
    /// Exit code: 0, or 1 if a file could not be read.
    Top(LogsTop),
    /// Compare what was counted with what lies on disk.
    ///
    /// Reads each file of a source once more, from where its counting began to where it is now, and
    /// compares its lines by level with what is saved below `--storage.path`. The exporter may run
    /// meanwhile.
    ///
    /// Exit code: 0 all that can be compared is equal, 1 something differs, 2 nothing could be
    /// compared.
    Verify(LogsVerify),
}

#[derive(ClapArgs)]
pub(super) struct LogsVerify {
    /// Only this source.
    pub source: Option<String>,
}

#[derive(ClapArgs)]
pub(super) struct LogsTop {
    /// Log files, plain or packed by gzip.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Only lines that are no older, for example `24h`, by the time that they name; lines without
    /// one count with those before them.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub since: Option<Duration>,
    /// How many groups.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub limit: usize,
    /// Form of the output.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: CheckFormat,
    /// Least severe level.
    #[arg(long, value_name = "LEVEL", default_value = "error")]
    pub level: ErrorLevel,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(super) enum ErrorLevel {
    Error,
    Critical,
}

#[derive(ClapArgs)]
pub(super) struct ConfigCheck {
    /// Log lines to measure the rules on, and to show which of them each rule takes.
    #[arg(long, value_name = "FILE")]
    pub sample: Option<PathBuf>,
}

#[derive(ClapArgs)]
pub(super) struct Metrics {
    #[arg(long, value_name = "AREA", help = only("Only this area"))]
    pub only: Option<String>,
}

#[derive(ClapArgs)]
pub(super) struct Bundle {
    /// Folder to write into; it is made where there is none.
    #[arg(long, value_name = "DIR")]
    pub into: PathBuf,
    /// Where people reach the exporter: links in messages and dashboards lead to its runbooks. By
    /// default that is the `instance` that an alert came from.
    #[arg(long, value_name = "URL", value_parser = external_url)]
    pub external_url: Option<String>,
    /// Overwrite also what was changed by hand.
    #[arg(long)]
    pub force: bool,
}

#[derive(ClapArgs)]
pub(super) struct Generate {
    /// Change nothing; exit code 1 if a file is not up to date.
    #[arg(long)]
    pub check: bool,
    /// Folder that holds `alerts/` and `docs/`.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub into: PathBuf,
    /// Where the runbooks are served; by default the exporter itself.
    #[arg(long, value_name = "URL", default_value = crate::generate::RUNBOOK_BASE)]
    pub runbook_base: String,
}

#[derive(ClapArgs)]
pub(super) struct ComposeSetup {
    /// The file that is filled.
    #[arg(long, value_name = "FILE", default_value = "/etc/alertmanager/alertmanager.yml")]
    pub alertmanager: PathBuf,
    /// Folder with a folder for each service.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/stack-setup")]
    pub into: PathBuf,
}

/// The words that `--only` knows are those of the catalogue.
pub(super) fn only(what: &str) -> String {
    let names: Vec<_> = CATALOGUE.areas().map(|area| area.name).collect();
    format!("{what}: {}", names.join(", "))
}

/// `127.0.0.1:10188`, `localhost:10188`, or `:10188` for all addresses.
fn address(text: &str) -> Result<SocketAddr, String> {
    let full = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    let found = full.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    found.ok_or_else(|| "expected an address such as `127.0.0.1:10188` or `:10188`".into())
}

/// An address that is a part of every message: of plain characters, and without a password.
fn external_url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]%".contains(c);
    match rest {
        Some(rest) if !rest.trim_matches('/').is_empty() && rest.chars().all(plain) => {
            Ok(text.to_owned())
        }
        _ => Err("expected an address such as `https://monitor.example.org`".into()),
    }
}

/// A path of its own for the metrics.
fn path(text: &str) -> Result<String, String> {
    const OURS: [&str; 8] =
        ["/-/", "/api/", "/assets/", "/debug/", "/runbooks", "/probe", "/service/", "/target/"];
    if !text.starts_with('/') || text.len() < 2 || text.contains(['{', '}', '?', '#', ' ']) {
        return Err("expected a path such as `/metrics`".into());
    }
    if OURS.iter().any(|ours| text.starts_with(ours)) {
        return Err("this path has another meaning here".into());
    }
    Ok(text.to_owned())
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<Dur>().map(Dur::get).map_err(|error| error.to_string())
}

/// The arguments, with help for `check` that does not tell of serving.
pub(super) fn command() -> clap::Command {
    let mut command = Args::command();
    // Global options reach a command only when it is built.
    command.build();
    command.mut_subcommand("check", |check| {
        check.mut_args(|one| match one.get_help_heading() {
            Some("Serving" | "Storage" | "Log") => one.hide(true),
            _ => one,
        })
    })
}
