//! What Compose files declare, as `docker compose config` would read them.
//!
//! Followed are `.env` beside the file, `include`, `extends`, several documents, YAML merges,
//! `!reset` and `!override`. Of the environment that `docker compose up` had, only `.env` is known:
//! a field with a variable from the shell and no default is left out, and a default stands for a
//! variable that is not in `.env`. Profiles come from the settings, else from
//! `COMPOSE_PROFILES` in `.env`; as in Compose, a service of a profile that is not in use does not start because
//! another one depends on it. Environments, commands and secrets of services are never kept.

mod declared;
mod dotenv;
mod figures;
mod files;
#[cfg(test)]
mod fixtures;
mod interpolate;
mod load;
mod ports;
mod service;
mod source;
#[cfg(test)]
mod tests;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub use declared::{Condition, Declared};
pub use files::{FileRead, Files};

/// One Compose file, with all that it includes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// The project's name as Compose writes it, empty where neither file nor folder has one.
    pub project: String,
    pub services: BTreeMap<String, Declared>,
    /// Services that files before it declare and that it drops.
    pub removed: BTreeSet<String>,
    /// Profiles in use, by the settings, else by `.env`.
    pub enabled: Vec<String>,
    /// Whether the project's name was given, and is not the folder's.
    is_named: bool,
}

impl File {
    /// Lays a later file of the same project over this one, as `-f a.yml -f b.yml` does.
    pub fn overlay(&mut self, later: &Self) {
        for name in &later.removed {
            self.services.remove(name);
        }
        for (name, service) in &later.services {
            self.services.entry(name.clone()).or_default().overlay(service);
        }
        self.removed.extend(later.removed.iter().cloned());
        for profile in &later.enabled {
            if !self.enabled.contains(profile) {
                self.enabled.push(profile.clone());
            }
        }
    }

    /// Whether the service starts by default.
    pub fn is_active(&self, service: &str) -> bool {
        self.services.get(service).is_some_and(|service| service.is_active(&self.enabled))
    }

    /// Services whose end another one waits for.
    pub fn jobs(&self) -> impl Iterator<Item = &str> {
        let awaited = self.services.values().flat_map(|service| &service.depends_on);
        awaited.filter(|(_, on)| **on == Condition::Completed).map(|(name, _)| name.as_str())
    }
}

/// Whether the file could be one of Compose's: YAML with services.
pub fn is_compose_file(path: &Path) -> bool {
    let Ok(documents) = source::Sources::default().tree(path) else { return false };
    documents.iter().any(|root| root.get("services").or(root.get("include")).is_some())
}

/// For `src/fuzzing.rs`: a file and the `.env` beside it, and each of its lines as a template.
#[cfg(fuzzing)]
pub fn fuzz(path: &Path, text: &str, env: &str) {
    let (variables, _) = dotenv::parse(env, &interpolate::Variables::default());
    for line in text.lines().take(64) {
        let _ = interpolate::fill(line, &variables);
    }
    let _ = load::load_from(source::Sources::of(path, text), path, &[]);
}

/// A file that is not on the disk.
#[cfg(test)]
pub fn parse(path: &Path, text: &str) -> Result<File, crate::failure::Failure> {
    load::load_from(source::Sources::of(path, text), path, &[]).file
}
