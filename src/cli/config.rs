//! `config check`, `config show`, `config schema`.

use std::fmt::Write as _;

use super::args::{ConfigCommand, Options};
use super::{BAD_USAGE, print, tell};
use crate::catalogue::Severity;
use crate::collectors::Config;
use crate::engine::Memory;
use crate::load;

pub(super) fn run(options: &Options, command: &ConfigCommand) -> u8 {
    if matches!(command, ConfigCommand::Schema) {
        let schema = schemars::schema_for!(Config);
        print(&format!("{}\n", serde_json::to_string_pretty(&schema).unwrap_or_default()));
        return 0;
    }
    let file = options.config_file.as_deref();
    let checked = match load::load(file, &load::environment, &Memory::default()) {
        Ok(checked) => checked,
        Err(mistakes) => {
            tell(&mistakes.join("\n"));
            return BAD_USAGE;
        }
    };
    if matches!(command, ConfigCommand::Check) {
        print(&format!("ok: {} targets\n", checked.targets.len()));
    } else {
        print(&show(&checked));
    }
    0
}

/// The configuration in force; every target with its deadline and its thresholds.
fn show(checked: &load::Checked) -> String {
    let mut out = serde_json::to_string_pretty(&checked.config).unwrap_or_default();
    for target in &checked.targets {
        let seconds = target.deadline.as_secs_f64();
        let _ = write!(
            out,
            "\n# {} at {} ({}), deadline {seconds} s",
            target.id, target.place, target.origin
        );
        for threshold in &target.thresholds {
            let severity: Severity = threshold.severity;
            let Some(signal) = target.area.signal(threshold.signal) else { continue };
            let origin = if threshold.configured { "configured" } else { "default" };
            let value = signal.unit.show(threshold.value);
            let name = threshold.signal;
            let _ = write!(out, "\n#   {name} {} {value} ({origin})", severity.as_str());
        }
    }
    out + "\n"
}
