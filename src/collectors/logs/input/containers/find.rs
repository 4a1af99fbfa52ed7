//! Which containers a source consists of, and how their logs can be read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use globset::{Glob, GlobMatcher};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::clients::engine::api::or_default;
use crate::clients::engine::client::Client;
use crate::clients::engine::failure::another;
use crate::clients::engine::is_id;
use crate::failure::Failure;
use crate::text::short;

/// Containers of a source that are read.
pub const MAX_CONTAINERS: usize = 200;

/// Names are short; longer ones are cut off here, in bytes.
const NAME: usize = 256;

const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";
/// Of `docker compose run`: no part of the service.
const ONE_OFF: &str = "com.docker.compose.oneoff";

/// By what containers are chosen.
#[derive(Clone, Debug)]
pub enum Selector {
    /// A name, or a pattern of names.
    Name(GlobMatcher),
    /// A service, of this project or of any.
    Service { project: Option<String>, service: String },
}

impl Selector {
    /// Containers by a name such as `bot`, or `web-*`; or what is wrong with it.
    pub fn container(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("names no container, write for example `bot` or `web-*`".into());
        }
        let glob = Glob::new(text.trim_start_matches('/'))
            .map_err(|error| format!("is no pattern of names: {}", error.kind()))?;
        Ok(Self::Name(glob.compile_matcher()))
    }

    /// The containers of a Compose service: `service`, or `project/service`.
    pub fn compose_service(text: &str) -> Result<Self, String> {
        let (project, service) = match text.split_once('/') {
            Some((project, service)) => (Some(project.to_owned()), service),
            None => (None, text),
        };
        if service.is_empty() || service.contains('/') || project.as_deref() == Some("") {
            return Err("expected `service` or `project/service`".into());
        }
        Ok(Self::Service { project, service: service.to_owned() })
    }

    fn takes(&self, summary: &Summary) -> bool {
        // It has no log yet, and its driver no file.
        if summary.state == "created" {
            return false;
        }
        match self {
            Self::Name(glob) => summary.own_names().any(|name| glob.is_match(name)),
            Self::Service { project, service } => {
                let label = |key| summary.labels.get(key).map(String::as_str);
                label(SERVICE) == Some(service)
                    && project.as_deref().is_none_or(|project| label(PROJECT) == Some(project))
                    && label(ONE_OFF) != Some("True")
            }
        }
    }
}

/// An entry of `GET /containers/json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Summary {
    id: String,
    #[serde(deserialize_with = "or_default")]
    names: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    state: String,
    /// In words: `Exited (0) 5 seconds ago`.
    #[serde(deserialize_with = "or_default")]
    status: String,
    #[serde(deserialize_with = "or_default")]
    labels: BTreeMap<String, String>,
}

impl Summary {
    /// Without those that links of other containers gave it: `/other/alias`.
    fn own_names(&self) -> impl Iterator<Item = &str> {
        let names = self.names.iter().map(|name| name.strip_prefix('/').unwrap_or(name));
        names.filter(|name| !name.contains('/'))
    }
}

/// `GET /containers/<id>/json`: never its environment.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Inspection {
    id: String,
    log_path: String,
    host_config: HostConfig,
    config: Config,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct HostConfig {
    log_config: LogConfig,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct LogConfig {
    #[serde(rename = "Type")]
    driver: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Config {
    tty: bool,
}

/// What does not change in the life of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nature {
    pub driver: String,
    pub tty: bool,
    /// Its json-file, as we see it.
    pub file: Option<PathBuf>,
}

/// How the log is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    File,
    #[default]
    Engine,
}

/// A container of the source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub id: String,
    pub name: String,
    pub running: bool,
    /// It has ended within the last minute, and may have run unseen.
    pub just_ended: bool,
    pub way: Way,
    /// All of its log counts, not only what comes from now on.
    pub from_start: bool,
    pub nature: Nature,
}

impl Found {
    /// The json-file that is to be followed.
    pub fn file(&self) -> Option<&Path> {
        self.nature.file.as_deref().filter(|_| self.way == Way::File)
    }
}

/// The containers that the selector takes, without their nature, and how many more there are.
pub(super) async fn list(
    client: &Client,
    selector: &Selector,
    until: Instant,
) -> Result<(Vec<Found>, u64), Failure> {
    let path = "/containers/json?all=true";
    let all = client.get::<Vec<Summary>>("the list of containers", path, until).await?;
    let (found, beyond) = chosen(&all.value, selector);
    Ok((found, beyond + all.dropped))
}

fn chosen(all: &[Summary], selector: &Selector) -> (Vec<Found>, u64) {
    let taken = |summary: &&Summary| is_id(&summary.id) && selector.takes(summary);
    let mut found: Vec<Found> = all.iter().filter(taken).map(found).collect();
    // Always the same ones, whatever the order of the answer.
    found.sort_by(|a, b| (!a.running, &a.id).cmp(&(!b.running, &b.id)));
    let mut seen = BTreeSet::<String>::new();
    found.retain(|found| seen.insert(found.id.clone()));
    let beyond = found.len().saturating_sub(MAX_CONTAINERS);
    found.truncate(MAX_CONTAINERS);
    (found, beyond as u64)
}

fn found(summary: &Summary) -> Found {
    let running = !matches!(summary.state.as_str(), "exited" | "dead");
    Found {
        id: summary.id.clone(),
        name: short(summary.own_names().next().unwrap_or_default(), NAME).into_owned(),
        running,
        just_ended: !running && summary.status.contains("second"),
        ..Found::default()
    }
}

/// What kind of log it has. `root` stands before the Engine's paths.
pub(super) async fn nature(
    client: &Client,
    id: &str,
    root: &Path,
    until: Instant,
) -> Result<Nature, Failure> {
    let path = format!("/containers/{id}/json");
    let inspection = client.get::<Inspection>("an inspection", &path, until).await?.value;
    if inspection.id != id {
        return Err(another("an inspection"));
    }
    let driver = short(&inspection.host_config.log_config.driver, NAME).into_owned();
    let named = Path::new(&inspection.log_path).strip_prefix("/").ok();
    let file = named.filter(|_| driver == "json-file").map(|path| root.join(path));
    Ok(Nature { driver, tty: inspection.config.tty, file })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(name: &str, labels: &[(&str, &str)]) -> Summary {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Summary { names: vec![name.to_owned()], labels: labels.collect(), ..Summary::default() }
    }

    #[test]
    fn selectors() {
        let names =
            |text: &str, name: &str| Selector::container(text).unwrap().takes(&summary(name, &[]));
        assert!(names("bot", "/bot") && names("/bot", "/bot") && names("web-*", "/web-1"));
        assert!(!names("bot", "/bot2") && !names("web-*", "/other/web-1"));
        assert!(Selector::container("").is_err() && Selector::container("a[").is_err());
        let of = |text: &str, more: &[(&str, &str)]| {
            let labels = [&[(PROJECT, "shop"), (SERVICE, "web")], more].concat();
            Selector::compose_service(text).unwrap().takes(&summary("/x", &labels))
        };
        assert!(of("web", &[]) && of("shop/web", &[]) && of("web", &[(ONE_OFF, "False")]));
        assert!(!of("db", &[]) && !of("other/web", &[]) && !of("web", &[(ONE_OFF, "True")]));
        for wrong in ["", "/", "a/", "/b", "a/b/c"] {
            assert!(Selector::compose_service(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_container_is_chosen_once_by_its_id() {
        let one = |id: &str| Summary { id: id.to_owned(), ..summary("/bot", &[]) };
        let list = ["b", "a", "b", "", "../../etc", "a?x=1"].map(one);
        let (found, beyond) = chosen(&list, &Selector::container("bot").unwrap());
        let ids: Vec<_> = found.iter().map(|found| found.id.as_str()).collect();
        assert_eq!((ids, beyond), (vec!["a", "b"], 0));
        let many: Vec<_> = (0..300).map(|n| one(&format!("{n:x}"))).collect();
        let (found, beyond) = chosen(&many, &Selector::container("*").unwrap());
        assert_eq!((found.len(), beyond), (MAX_CONTAINERS, 100));
    }
}
