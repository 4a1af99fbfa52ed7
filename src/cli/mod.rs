//! The commands. Data goes to standard output, everything else to standard error.

mod args;
mod bundle;
mod check;
mod config;
mod front;
mod generate;
mod healthcheck;
mod help;
mod log_fields;
mod logging;
mod logs;
mod machine;
mod metrics;
mod notify;
mod password;
mod place;
mod serve;
mod setup;
mod values;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::FromArgMatches as _;

use args::{Args, Command, LogFormat};
use logging::{say, tell};

use crate::engine::Memory;
use crate::load;
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
    let wants_json = wants_json(&arguments);
    let parsed = help::command()
        .try_get_matches_from(arguments)
        .and_then(|matches| Args::from_arg_matches(&matches));
    let args = match parsed {
        Ok(args) => args,
        Err(error) => {
            if error.exit_code() == 0 || !wants_json {
                // Help and version are printed here too, with code 0.
                let _ = error.print();
            } else {
                logging::speak(LogFormat::Json);
                tell(&error.render().to_string());
            }
            return ExitCode::from(match error.exit_code() {
                0 => 0,
                _ if is_check => UNKNOWN,
                _ => BAD_USAGE,
            });
        }
    };
    logging::speak(args.options.log_format);
    let _last_words = logging::LastWords;
    let code = match args.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(&args.options),
        Command::Check(check) => check::run(&args.options, &check),
        Command::Config { command } => config::run(&args.options, &command),
        Command::Metrics(metrics) => metrics::run(&metrics),
        Command::Logs { command } => logs::run(&args.options, &command),
        Command::Notify { command } => notify::run(&args.options, &command),
        Command::Bundle(bundle) => bundle::run(&bundle),
        Command::Healthcheck => healthcheck::run(&args.options),
        Command::PasswordHash => password::run(),
        Command::Completions { shell } => help::completions(shell),
        Command::Man(man) => help::man(&man),
        Command::Generate(generate) => generate::run(&generate),
        Command::ComposeSetup(setup) => setup::run(&setup),
    };
    ExitCode::from(code)
}

/// Whether the log is asked for as JSON, also by arguments that are wrong otherwise.
fn wants_json(arguments: &[OsString]) -> bool {
    const FLAG: &str = "--log.format";
    let flag = arguments.iter().position(|word| word == FLAG).map(|at| arguments.get(at + 1));
    let joined = || arguments.iter().any(|word| word.to_str() == Some("--log.format=json"));
    let set = || std::env::var("STACK_EXPORTER_LOG_FORMAT").is_ok_and(|value| value == "json");
    match flag {
        Some(value) => value.is_some_and(|value| value == "json"),
        None => joined() || set(),
    }
}

/// Writes data to standard output. A reader that has gone away is no error of ours; a disk that is
/// full is one that the reader of the file must know of. Whatever the text holds from outside, a
/// terminal does nothing but show it; JSON stays JSON.
fn print(text: &str) {
    print_as_is(&printable_lines(text));
}

/// The same of a text that is fit for a terminal already. Whether somebody can read on.
fn print_as_is(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if let Err(error) = &written
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        let why = crate::failure::plain(error);
        tell(&format!("the output is not complete: standard output cannot be written: {why}"));
    }
    written.is_ok()
}

/// The configuration of this file, checked. What is wrong with it has been told.
fn checked(file: Option<&Path>, memory: &Memory) -> Option<load::Checked> {
    load::load(file, &load::environment, memory).map_err(|mistakes| tell_all(&mistakes)).ok()
}

/// Tells people a line for each.
fn tell_all(texts: &[String]) {
    for text in texts {
        tell(&printable(text));
    }
}

/// So many files the runtime and its signals take at their start, and a few.
const FILES: usize = 8;

/// A small runtime: the work is waiting for sources, not computing.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    // Where it cannot have them it panics, in place of an error that says so.
    let spare: Vec<_> = (0..FILES)
        .map(|_| std::fs::File::open("/dev/null"))
        .collect::<std::io::Result<_>>()
        .map_err(|error| in_words(&error))?;
    drop(spare);
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

/// An error of the start, and what to do about it.
fn in_words(error: &std::io::Error) -> std::io::Error {
    if !crate::failure::lacks_files(error) {
        return std::io::Error::new(error.kind(), crate::failure::plain(error));
    }
    let failure = crate::failure::Failure::io("the start", error);
    std::io::Error::other(format!("{failure}; do: {}", failure.hint.as_deref().unwrap_or_default()))
}
