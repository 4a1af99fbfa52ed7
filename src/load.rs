//! From the file and the environment to targets, or to the list of all mistakes.

use std::path::Path;

use crate::catalogue::Area;
use crate::collectors::{self, Config};
use crate::config::{self, Web};
use crate::engine::{Memory, Target};
use crate::plan::{Missed, Mistake, Plan};

/// A checked configuration and what follows from it.
pub struct Checked {
    pub config: Config,
    pub targets: Vec<Target>,
    pub missed: Vec<Missed>,
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
            let text = std::fs::read_to_string(path)
                .map_err(|error| vec![format!("{name}: cannot read the file: {error}")])?;
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
    let Plan { targets, missed, mistakes, .. } = plan;
    for mistake in mistakes {
        // What a mistake already told took out is not missed a second time.
        if !loaded.was_dropped(&mistake.path) {
            loaded.push(&mistake.path, mistake.message);
        }
    }
    let config = loaded.finish()?;
    Ok(Checked { config, targets, missed })
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
            format!("unknown area; known: {}", names.join(", "))
        })
    };
    names.iter().map(known).collect()
}
