//! Flags and commands as they are written on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use rustix::fs::Mode;

use super::check;
use super::check::args::Check;
use super::help::Shell;
use super::values::{duration, external_url, mode, only, path};
use crate::http::listen::Address;

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
    /// Address to serve on, or `unix:` and the path of a socket. Whoever reaches it sees everything,
    /// unless `--web.config.file` asks for a password or a certificate.
    #[arg(
        long = "web.listen-address",
        help_heading = "Serving",
        value_parser = Address::parse,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:10188",
        env = "STACK_EXPORTER_WEB_LISTEN_ADDRESS",
        global = true
    )]
    pub listen_address: Address,
    /// File with TLS, users and headers of the server, in the format of the Prometheus exporter
    /// toolkit; it is read again when it changes.
    #[arg(
        long = "web.config.file",
        help_heading = "Serving",
        value_name = "FILE",
        env = "STACK_EXPORTER_WEB_CONFIG_FILE",
        global = true
    )]
    pub web_config_file: Option<PathBuf>,
    /// Rights of the socket's file, in octal: who may write to it may connect.
    #[arg(
        long = "web.socket-mode",
        help_heading = "Serving",
        value_name = "MODE",
        default_value = "660",
        value_parser = mode,
        env = "STACK_EXPORTER_WEB_SOCKET_MODE",
        global = true
    )]
    pub socket_mode: Mode,
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
    /// Write, check or show the configuration, or print its schema.
    ///
    /// `config init` writes a first file from what runs here. A mistake is told with file, line, key
    /// and the nearest valid key, all of them at once.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print the catalogue: every metric family and every signal, or those with a word in them.
    ///
    /// Name, type and labels of each metric with its source; expression and default thresholds of
    /// each signal. The same as docs/metrics.md.
    ///
    /// Exit code: 0, or 1 if nothing has these words.
    Metrics(Metrics),
    /// Look into logs: what is wrong most often, and whether the counts are right.
    Logs {
        #[command(subcommand)]
        command: LogsCommand,
    },
    /// Try out the messages of the section `notify`.
    Notify {
        #[command(subcommand)]
        command: NotifyCommand,
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
    /// Ask the exporter of this machine whether it answers, for the health check of an image.
    ///
    /// It asks the address of `--web.listen-address` as `--web.config.file` says, both as for `serve`,
    /// so give them as environment variables. Its own certificate is not verified; who is asked for a
    /// password or a certificate has been answered.
    ///
    /// Exit code: 0 it answers, 1 it does not.
    Healthcheck,
    /// Print the bcrypt hash of a password, for the file of `--web.config.file`.
    ///
    /// The password is the first line of standard input; a terminal does not show it.
    PasswordHash,
    /// Print the completions of a shell.
    ///
    /// bash: `stack-exporter completions bash > /etc/bash_completion.d/stack-exporter`;
    /// zsh: into a file `_stack-exporter` of a folder of `$fpath`;
    /// fish: into `~/.config/fish/completions/stack-exporter.fish`.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the man page, or write one for each command.
    ///
    /// `stack-exporter man | man -l -` shows it. With `--into` each command has a page of its own,
    /// as `stack-exporter-config-check.1`.
    Man(Man),
    /// Write what is generated from the catalogue into the repository of the exporter.
    ///
    /// For developers. To get rules and dashboards there is `stack-exporter bundle`.
    #[command(hide = true)]
    Generate(Generate),
    /// For the service `setup` of docker-compose.monitoring.yml: fills the addresses of `.env` into
    /// alertmanager.yml, and makes up a password for Grafana.
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
    /// Write a first configuration from what runs here, with comments on what to fill in.
    ///
    /// Looks at the containers of the Docker Engine (their images and published ports), at the ports
    /// that listen on this machine and at the units of systemd, by reading alone. What it cannot see
    /// it names in the file. No secret is read or written: passwords belong into files of their own.
    ///
    /// Exit code: 0, or 1 if the file is there already or cannot be written.
    Init(ConfigInit),
    /// Check the file and list every mistake with its line.
    ///
    /// With `--web.config.file` that file, too, with the certificates that it names.
    ///
    /// With `--connect` every target is read once, as `serve` would, and what cannot be read is told
    /// with the reason and what to do. For each rule of your own for a log it says how its lines are
    /// found, and with `--sample` also which lines each rule takes.
    ///
    /// Exit code: 0 all is right, 1 a target cannot be read at all (with `--connect`), 2 the file has
    /// a mistake.
    Check(ConfigCheck),
    /// Print the configuration in force, secrets as `<secret>`, and the targets that follow from it.
    Show,
    /// Print the JSON Schema of the file, for editors.
    Schema,
}

#[derive(Subcommand)]
pub(super) enum NotifyCommand {
    /// Send one message by each way of the section, and say what came of it.
    ///
    /// What failed is told with why and what to do. The exporter may run meanwhile; nothing of it
    /// changes.
    ///
    /// Exit code: 0 all were taken, 1 one was not, 2 the configuration is wrong or has no `notify`.
    Test,
}

#[derive(Subcommand)]
pub(super) enum LogsCommand {
    /// The most frequent errors of logs, as groups of the same kind.
    ///
    /// A log is a file, or a source by its name under `logs` in the configuration: its files with
    /// the rotated ones, also those packed by gzip, what the Engine keeps of its containers, or its
    /// entries of the journal. Lines are grouped as the exporter does: fingerprints are those of its
    /// metrics. Tracebacks belong to the line before them.
    ///
    /// Exit code: 0, 1 if something could not be read, or 2 if nothing has that name.
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
    /// Names of sources, or files, plain or packed by gzip. What has a `/` or a `.` in it is a file
    /// unless a source is called so.
    #[arg(required = true, value_name = "SOURCE|FILE")]
    pub logs: Vec<PathBuf>,
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
    Warning,
    Error,
    Critical,
}

#[derive(ClapArgs)]
pub(super) struct ConfigCheck {
    /// Log lines to measure all rules on, those of presets too, and to show which of them each takes.
    #[arg(long, value_name = "FILE")]
    pub sample: Option<PathBuf>,
    /// Read every target once and say which work; all at a time, none longer than its `timeout`.
    #[arg(long)]
    pub connect: bool,
}

#[derive(ClapArgs)]
pub(super) struct ConfigInit {
    /// File to write; without one the configuration is printed.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite the file if it is there.
    #[arg(long, requires = "output")]
    pub force: bool,
}

#[derive(ClapArgs)]
pub(super) struct Man {
    /// Folder to write a page for each command into; it is made where there is none.
    #[arg(long, value_name = "DIR")]
    pub into: Option<PathBuf>,
}

#[derive(ClapArgs)]
pub(super) struct Metrics {
    /// Only what has all of these in its name, labels, description or alert, whatever the case.
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// Form of the output.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: CheckFormat,
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
