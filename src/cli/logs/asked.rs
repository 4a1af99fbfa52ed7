//! Which logs were asked for: files, or sources of the configuration by their names.

use std::path::{Path, PathBuf};

use super::source::Source;
use crate::cli::args::Options;
use crate::clients::engine::address::{Address, discover};
use crate::collectors::Config;
use crate::collectors::logs::Logs;
use crate::collectors::logs::offline::{Container, Journal, Reading, Whole};
use crate::config::nearest;
use crate::engine::Memory;
use crate::failure::Failure;
use crate::load;

/// A log that is to be read.
pub enum Log {
    File(Source, Reading),
    Container(Box<Container>, Reading),
    Journal(Journal, Reading),
}

/// What was asked for, and what of it cannot be had.
pub struct Asked {
    pub logs: Vec<Log>,
    pub failures: Vec<Failure>,
}

/// Nothing has such a name, or the configuration has mistakes: lines for people.
pub struct Unknown(pub Vec<String>);

/// Looks at a name as that of a source first.
pub fn asked(
    options: &Options,
    names: &[PathBuf],
    runtime: &tokio::runtime::Runtime,
) -> Result<Asked, Unknown> {
    let config = config(options, names)?;
    let section = config.logs.clone().unwrap_or_default();
    let mut asked = Asked { logs: Vec::new(), failures: Vec::new() };
    for name in names {
        let source = name.to_str().and_then(|name| section.get_key_value(name));
        match source {
            Some((name, logs)) => match runtime.block_on(Whole::of(name, logs, engine(&config))) {
                Ok(whole) => asked.take(whole, logs),
                Err(failure) => asked.failures.push(failure),
            },
            None if is_file(name) => asked.file(name, &Reading::default()),
            None => {
                return Err(unknown(name, &section.keys().map(String::as_str).collect::<Vec<_>>()));
            }
        }
    }
    Ok(asked)
}

impl Asked {
    fn take(&mut self, whole: Whole, logs: &Logs) {
        let reading = Reading::of(logs);
        match whole {
            Whole::Files(files) => files.iter().for_each(|file| self.file(file, &reading)),
            Whole::Containers(containers) => {
                let each = containers.into_iter().map(Box::new);
                self.logs.extend(each.map(|one| Log::Container(one, reading.clone())));
            }
            Whole::Journal(journal) => self.logs.push(Log::Journal(journal, reading)),
        }
    }

    fn file(&mut self, path: &Path, reading: &Reading) {
        match Source::new(path) {
            Ok(source) => self.logs.push(Log::File(source, reading.clone())),
            Err(failure) => self.failures.push(failure),
        }
    }
}

/// The configuration, where one is named. One with mistakes hinders nobody who names files.
fn config(options: &Options, names: &[PathBuf]) -> Result<Config, Unknown> {
    let Some(file) = options.config_file.as_deref() else { return Ok(Config::default()) };
    match load::load(Some(file), &load::environment, &Memory::default()) {
        Ok(checked) => Ok(checked.config),
        Err(_) if names.iter().all(|name| name.is_file()) => Ok(Config::default()),
        Err(mistakes) => Err(Unknown(mistakes)),
    }
}

fn is_file(name: &Path) -> bool {
    name.exists() || name.to_string_lossy().contains(['/', '.'])
}

fn unknown(name: &Path, known: &[&str]) -> Unknown {
    let name = name.to_string_lossy();
    let near = nearest(&name, known.iter().copied());
    let why = match (near, known) {
        (Some(near), _) => format!(" (did you mean `{near}`?)"),
        (None, []) => "; name the configuration with --config.file, or a file".to_owned(),
        (None, known) => format!("; known: {}", known.join(", ")),
    };
    Unknown(vec![format!("no source of logs is named `{name}`, and there is no such file{why}")])
}

/// The Engine of the section `docker`, else the one that can be found.
fn engine(config: &Config) -> Option<Address> {
    let docker = config.docker.as_ref();
    let tls = docker.map(|docker| &docker.tls).filter(|tls| !tls.is_usual());
    match docker.and_then(|docker| docker.url.as_ref()) {
        Some(url) => Address::parse(url, tls).ok(),
        None => discover(&load::environment, tls).ok().map(|(address, _)| address),
    }
}
