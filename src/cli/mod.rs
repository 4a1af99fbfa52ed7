//! The commands. Data goes to standard output, everything else to standard error.

mod args;
mod check;
mod config;
mod generate;
mod log_fields;
mod logging;
mod logs;
mod metrics;
mod serve;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Command};

use crate::text::{printable, printable_lines};

/// Bad usage or a bad configuration.
const BAD_USAGE: u8 = 2;
/// `check` could not run, or something could not be seen.
const UNKNOWN: u8 = 3;

/// Runs the program with these arguments, the first being its name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // In `check`, 2 means critical: a mistyped flag must not look like that.
    let is_check = arguments.iter().any(|word| word == "check")
        && !arguments.iter().any(|word| word == "config" || word == "logs");
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => {
            // Help and version are printed here too, with code 0.
            let _ = error.print();
            return ExitCode::from(match error.exit_code() {
                0 => 0,
                _ if is_check => UNKNOWN,
                _ => BAD_USAGE,
            });
        }
    };
    let code = match args.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(&args.options),
        Command::Check(check) => check::run(&args.options, &check),
        Command::Config { command } => config::run(&args.options, &command),
        Command::Metrics(metrics) => metrics::run(&metrics),
        Command::Logs { command } => logs::run(&args.options, &command),
        Command::Generate(generate) => generate::run(&generate),
    };
    ExitCode::from(code)
}

/// Writes data to standard output. A reader that has gone away is no error of ours. Whatever it
/// holds from outside, the terminal does nothing but show it; JSON stays JSON.
fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(printable_lines(text).as_bytes());
}

/// Writes to a person, beside the data.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", printable_lines(text));
}

/// The same, a line for each.
fn tell_all(texts: &[String]) {
    for text in texts {
        tell(&printable(text));
    }
}

/// A small runtime: the work is waiting for sources, not computing.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}
