//! Log lines: on standard error, one per change of state.

use super::args::{LogFormat, LogLevel, Options};
use super::log_fields;

/// Installs the log of the process. A panic in a collector becomes one log line per place.
pub(super) fn install(options: &Options) {
    install_at(options, options.log_level);
}

/// For a command whose output says it all: nothing below errors unless more is asked for.
pub(super) fn install_quiet(options: &Options) {
    let level = match options.log_level {
        LogLevel::Info | LogLevel::Warn => LogLevel::Error,
        level => level,
    };
    install_at(options, level);
}

fn install_at(options: &Options, level: LogLevel) {
    let level = match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
    };
    // Libraries may only speak of what is wrong: their lines can name addresses.
    let filter = tracing_subscriber::EnvFilter::new(format!("error,stack_exporter={level}"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    let installed = match options.log_format {
        LogFormat::Text => builder.fmt_fields(log_fields::fields()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if installed.is_ok() {
        report_panics();
    }
}

/// The message of a panic may hold anything that was read, so only its place is written, once.
fn report_panics() {
    let seen = std::sync::Mutex::new(std::collections::BTreeSet::new());
    std::panic::set_hook(Box::new(move |info| {
        let place = info.location().map_or_else(String::new, ToString::to_string);
        let mut seen = seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if seen.insert(place.clone()) {
            tracing::error!(place, "a defect in stack-exporter: please report it");
        }
    }));
}
