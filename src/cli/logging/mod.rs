//! Log lines: on standard error, one per change of state, written by a thread of their own.
//!
//! Nothing else of the process may depend on whether somebody takes them: a full disk, a reader
//! that has gone or one that has stopped reading costs lines, which are counted, and nothing more.

mod queue;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use queue::Queue;

use super::args::{LogFormat, LogLevel, Options};
use super::log_fields;
use crate::text::printable_lines;

/// How long the end of the process waits for what was not yet written.
const PATIENCE: Duration = Duration::from_millis(500);

static QUEUE: OnceLock<Arc<Queue>> = OnceLock::new();
/// Whether all that is said is JSON, one document a line: nothing, until the arguments are known.
static JSON: OnceLock<bool> = OnceLock::new();

/// From now on all that is said to people has the form of the log.
pub(super) fn speak(format: LogFormat) {
    let _ = JSON.set(matches!(format, LogFormat::Json));
}

/// Installs the log of the process. A panic in a collector becomes one log line per place. Lines
/// that nobody took are counted in `dropped`.
pub(super) fn install(options: &Options, dropped: Arc<AtomicU64>) {
    install_at(options, options.log_level, dropped);
}

/// For a command whose output says it all: nothing below errors unless more is asked for.
pub(super) fn install_quiet(options: &Options) {
    let level = match options.log_level {
        LogLevel::Info | LogLevel::Warn => LogLevel::Error,
        level => level,
    };
    install_at(options, level, Arc::default());
}

fn install_at(options: &Options, level: LogLevel, dropped: Arc<AtomicU64>) {
    let queue = Queue::new(dropped);
    // Without a thread to write them, lines are written where they arise, as is everything then.
    if queue.start().is_ok() {
        let _ = QUEUE.set(Arc::clone(&queue));
    }
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
        .with_writer(|| Line(Vec::new()))
        // That would be printed to standard error itself, and its failure is a panic.
        .log_internal_errors(false)
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

/// One log line; goes off when it is complete.
struct Line(Vec<u8>);

impl std::io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        send(std::mem::take(&mut self.0));
    }
}

fn send(bytes: Vec<u8>) {
    match QUEUE.get() {
        Some(queue) => queue.push(bytes),
        None => {
            let _ = std::io::stderr().lock().write_all(&bytes);
        }
    }
}

/// Tells a person what is wrong, beside the data.
pub(super) fn tell(text: &str) {
    send(line("ERROR", text).into_bytes());
}

/// Tells a person how it is, beside the data.
pub(super) fn say(text: &str) {
    send(line("INFO", text).into_bytes());
}

/// With the names of fields that log lines have.
fn line(level: &str, text: &str) -> String {
    let text = printable_lines(text);
    if !JSON.get().is_some_and(|json| *json) {
        return format!("{text}\n");
    }
    let now = jiff::Timestamp::now();
    let line = serde_json::json!({
        "timestamp": format!("{now:.6}"),
        "level": level,
        "message": text.trim_end(),
    });
    format!("{line}\n")
}

/// Dropped before the process ends, also by a panic: what was said is written, if somebody takes it
/// soon.
pub(super) struct LastWords;

impl Drop for LastWords {
    fn drop(&mut self) {
        if let Some(queue) = QUEUE.get() {
            queue.flush(PATIENCE);
        }
    }
}

/// The message of a panic may hold anything that was read, so only its place is written, once.
///
/// A panic in here would end the process, and a panic may come at any moment, also within a log
/// line. So the thread that writes the log also words the line; nothing here can fail.
fn report_panics() {
    let seen: Mutex<BTreeSet<String>> = Mutex::default();
    std::panic::set_hook(Box::new(move |info| {
        let place = info.location().map_or_else(String::new, ToString::to_string);
        let fresh = seen.lock().unwrap_or_else(PoisonError::into_inner).insert(place.clone());
        if let Some(queue) = QUEUE.get().filter(|_| fresh) {
            queue.defect(place);
        }
    }));
}
