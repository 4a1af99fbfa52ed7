//! From the file and the environment to targets, or to the list of all mistakes.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use crate::catalogue::Area;
use crate::collectors::{self, Config};
use crate::config::{self, Web};
use crate::engine::{Memory, Missed, Target};
use crate::failure::plain;
use crate::files;
use crate::notify;
use crate::plan::{Mistake, OnDemand, Plan};

/// How long the file is waited for if it is a pipe.
const PATIENCE: Duration = Duration::from_secs(5);

/// A checked configuration and what follows from it.
pub struct Checked {
    pub config: Config,
    pub targets: Vec<Target>,
    pub missed: Vec<Missed>,
    /// What requests may have read beside the targets.
    pub on_demand: OnDemand,
}

/// Reads and checks the file, if there is one. An error is one line per mistake.
pub fn load(
    file: Option<&Path>,
    environment: &dyn Fn(&str) -> Option<String>,
    memory: &Memory,
) -> Result<Checked, Vec<String>> {
    let (name, text) = match file {
        None => (String::new(), String::new()),
        Some(path) => {
            let name = path.display().to_string();
            let text =
                files::read_text(path, PATIENCE).map_err(|error| vec![unreadable(path, &error)])?;
            (name, text)
        }
    };
    let mut loaded = config::load::<Config>(&name, &text, environment);
    let mut plan = Plan::new(environment, memory);
    if let Some(config) = &loaded.config {
        collectors::plan(config, &mut plan);
    }
    let web = loaded.config.as_ref().and_then(|config| config.web.as_ref());
    for (key, message) in web.map(Web::mistakes).unwrap_or_default() {
        plan.mistakes.push(Mistake { path: format!("web.{key}"), message: message.into() });
    }
    let allowed = web.map(|web| web.probe_allow.as_slice()).unwrap_or_default();
    for (index, pattern) in allowed.iter().enumerate() {
        if let Some(message) = OnDemand::mistake(pattern) {
            let path = format!("web.probe_allow[{index}]");
            plan.mistakes.push(Mistake { path, message: message.into() });
        }
    }
    let notify = loaded.config.as_ref().and_then(|config| config.notify.as_ref());
    for (key, message) in notify.map(notify::mistakes).unwrap_or_default() {
        let path = if key.is_empty() { "notify".to_owned() } else { format!("notify.{key}") };
        plan.mistakes.push(Mistake { path, message });
    }
    let Plan { targets, missed, mistakes, modules, .. } = plan;
    let on_demand = OnDemand::new(modules, allowed);
    for mistake in mistakes {
        // What a mistake already told took out is not missed a second time.
        if !loaded.was_dropped(&mistake.path) {
            loaded.push(&mistake.path, mistake.message);
        }
    }
    let config = loaded.finish()?;
    Ok(Checked { config, targets, missed, on_demand })
}

/// Why there is no text of the file, and what to do.
fn unreadable(path: &Path, error: &std::io::Error) -> String {
    let name = path.display();
    if let Some(line) = files::NotUtf8::line_of(error) {
        return format!("{name}:{line}: this line is not UTF-8 text (save the file as UTF-8)");
    }
    let hint = match error.kind() {
        ErrorKind::NotFound => " (`stack-exporter config init --output FILE` writes a first one)",
        ErrorKind::PermissionDenied => " (its reader is the user that the exporter runs as)",
        _ => "",
    };
    format!("{name}: cannot read the file: {}{hint}", plain(error))
}

/// The variable of this process, if it is set and text.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Areas by name, or what is wrong with the names.
pub fn areas(names: &[String]) -> Result<Vec<&'static Area>, String> {
    let known = |name: &String| {
        collectors::CATALOGUE.area(name).ok_or_else(|| {
            let names: Vec<_> = collectors::CATALOGUE.areas().map(|area| area.name).collect();
            // The name comes from outside and is not repeated.
            let near = config::nearest(name, names.iter().copied());
            let near = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
            format!("unknown area{near}; known: {}", names.join(", "))
        })
    };
    names.iter().map(known).collect()
}

/// Why nothing of an area is watched, and what to do about it.
pub fn why_absent(checked: &Checked, area: &'static Area) -> (String, String) {
    if let Some(missed) = checked.missed.iter().find(|missed| missed.area == area.name) {
        return (missed.why.clone(), missed.hint.clone());
    }
    let Some(section) = collectors::section_of(area.name) else {
        let hint = "look at /metrics of the running exporter, or at the alerts ExporterDown, TargetPartlyBlind";
        return ("its facts are of the running exporter, which this is not".into(), hint.into());
    };
    let written = serde_json::to_value(&checked.config).unwrap_or_default();
    match written.get(section) {
        Some(own) if own.get("enabled").is_some_and(|on| on == false) => (
            format!("it is switched off: `{section}.enabled` is false"),
            format!("set `{section}: {{ enabled: true }}`"),
        ),
        Some(_) => (
            format!("no target is declared under `{section}`"),
            format!("declare one there; docs/configuration.md has the keys of `{section}`"),
        ),
        None => (
            format!("no target is declared under `{section}`, and none can be found"),
            format!("declare one under `{section}` and name the file with --config.file"),
        ),
    }
}
