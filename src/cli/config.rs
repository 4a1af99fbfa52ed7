//! `config init`, `config check`, `config show`, `config schema`.

mod connect;
mod costs;
mod init;
mod tried;

use std::fmt::Write as _;

use super::args::{ConfigCheck, ConfigCommand, Options};
use super::{BAD_USAGE, print, tell, tell_all};
use crate::catalogue::Severity;
use crate::collectors::Config;
use crate::engine::Board;
use crate::http::Lock;
use crate::load;
use crate::text::printable;

pub(super) fn run(options: &Options, command: &ConfigCommand) -> u8 {
    match command {
        ConfigCommand::Init(arguments) => return init::run(arguments),
        ConfigCommand::Schema => {
            let schema = schemars::schema_for!(Config);
            print(&format!("{}\n", serde_json::to_string_pretty(&schema).unwrap_or_default()));
            return 0;
        }
        ConfigCommand::Check(_) | ConfigCommand::Show => {}
    }
    let board = Board::new(connect::PATIENCE);
    let file = options.config_file.as_deref();
    // All mistakes at once, of both files.
    let web_file = options.web_config_file.as_deref();
    let web = web_file.map(Lock::check).transpose();
    let web_mistakes = web.as_ref().err().cloned().unwrap_or_default();
    let checked = match load::load(file, &load::environment, &board.memory) {
        Ok(checked) if web_mistakes.is_empty() => checked,
        outcome => {
            tell_all(&outcome.err().unwrap_or_default());
            tell_all(&web_mistakes);
            return BAD_USAGE;
        }
    };
    if let ConfigCommand::Check(arguments) = command {
        if let (Ok(Some(asked)), Some(file)) = (web, web_file) {
            print(&format!("ok: {}: {asked}\n", file.display()));
        }
        return check(options, arguments, checked, &board);
    }
    print(&show(&checked));
    0
}

/// What can be said of a file without a mistake.
fn check(options: &Options, arguments: &ConfigCheck, checked: load::Checked, board: &Board) -> u8 {
    let sample = match arguments.sample.as_deref().map(costs::sample).transpose() {
        Ok(sample) => sample,
        Err(message) => {
            tell(&message);
            return BAD_USAGE;
        }
    };
    print(&format!("ok: {} targets\n", checked.targets.len()));
    for (name, logs) in checked.config.logs.iter().flatten() {
        if let Some(sample) = &sample {
            print(&tried::tried(name, logs, sample));
        }
        print(&costs::costs(name, logs, sample.as_deref()));
    }
    if arguments.connect { connect::run(options, checked, board) } else { 0 }
}

/// The configuration in force; every target with its deadline and its thresholds.
fn show(checked: &load::Checked) -> String {
    let mut out = serde_json::to_string_pretty(&checked.config).unwrap_or_default();
    for target in &checked.targets {
        let seconds = target.deadline.as_secs_f64();
        let _ = write!(
            out,
            "\n# {} at {} ({}), deadline {seconds} s",
            target.id,
            printable(&target.place),
            target.origin
        );
        for threshold in &target.thresholds.general {
            let severity: Severity = threshold.severity;
            let Some(signal) = target.area.signal(threshold.signal) else { continue };
            let origin = if threshold.configured { "configured" } else { "default" };
            let value = signal.unit.threshold(threshold.value, signal.direction);
            let name = threshold.signal;
            let _ = write!(out, "\n#   {name} {} {value} ({origin})", severity.as_str());
        }
        for exception in &target.thresholds.exceptions {
            let Some(signal) = target.area.signal(exception.signal) else { continue };
            let name = printable(exception.key.as_str());
            for (severity, value) in &exception.limits {
                let show = |value: f64| signal.unit.threshold(value, signal.direction);
                let value = value.map_or_else(|| "off".to_owned(), show);
                let (of, severity) = (exception.signal, severity.as_str());
                let _ = write!(out, "\n#   {of} {severity} {value} (configured, for {name})");
            }
        }
    }
    out + "\n"
}
