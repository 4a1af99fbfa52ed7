//! What a Compose file declares, as far as it says what should run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::config::tree::{self, Node};
use crate::engine::{Failure, Reason};

/// One Compose file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// The project's name, where the file or its folder has one.
    pub project: String,
    pub services: BTreeMap<String, Declared>,
    /// Services whose end another one waits for.
    pub jobs: BTreeSet<String>,
}

/// A service as declared; what the file does not say is left to the files before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declared {
    pub replicas: Option<u64>,
    /// Whether it belongs to a profile, and so does not start by default.
    pub profiled: Option<bool>,
}

impl Declared {
    /// Lays a later file of the same project over this one.
    pub fn overlay(&mut self, later: &Self) {
        self.replicas = later.replicas.or(self.replicas);
        self.profiled = later.profiled.or(self.profiled);
    }
}

pub fn parse(path: &Path, text: &str) -> Result<File, Failure> {
    let root = tree::parse(text).map_err(|problems| {
        let first = problems.first();
        let (line, message) = first.map_or((1, "not valid"), |p| (p.line, p.message.as_str()));
        Failure::new(Reason::Parse, format!("{}: line {line}: {message}", path.display()))
            .hint("does `docker compose config` take it?")
    })?;
    let Some(services) = root.get("services") else {
        let why = format!("{}: no `services` in it", path.display());
        return Err(Failure::new(Reason::Parse, why).hint("is it a Compose file?"));
    };
    let mut file = File { project: project(&root, path), ..File::default() };
    for entry in services.entries() {
        file.services.insert(entry.key.clone(), declared(&entry.value));
        let depends_on = entry.value.get("depends_on").map(Node::entries).unwrap_or_default();
        for on in depends_on {
            let condition = on.value.get("condition").and_then(Node::as_str);
            if condition == Some("service_completed_successfully") {
                file.jobs.insert(on.key.clone());
            }
        }
    }
    Ok(file)
}

fn declared(service: &Node) -> Declared {
    let deployed = service.get("deploy").and_then(|deploy| deploy.get("replicas"));
    Declared {
        replicas: deployed.or_else(|| service.get("scale")).and_then(number),
        profiled: service.get("profiles").map(|profiles| !profiles.items().is_empty()),
    }
}

fn number(node: &Node) -> Option<u64> {
    let value = node.to_json();
    value.as_u64().or_else(|| fill(value.as_str()?)?.parse().ok())
}

/// The text with `${NAME:-default}` as its default: the environment of `docker compose up` is not
/// ours. `None` if a variable has no default.
fn fill(text: &str) -> Option<String> {
    let Some((before, rest)) = text.split_once("${") else {
        return (!text.contains('$')).then(|| text.to_owned());
    };
    let (variable, after) = rest.split_once('}')?;
    let (_, default) = variable.split_once('-')?;
    Some(format!("{before}{default}{}", fill(after)?))
}

/// `name:`, else the folder's name, as Compose writes it.
fn project(root: &Node, path: &Path) -> String {
    let named = root.get("name").and_then(Node::as_str).and_then(fill);
    let folder = || path.parent()?.file_name()?.to_str().map(str::to_owned);
    normalise(&named.or_else(folder).unwrap_or_default())
}

fn normalise(name: &str) -> String {
    let kept = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let name: String = name.to_lowercase().chars().filter(kept).collect();
    name.trim_start_matches(['-', '_']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> File {
        parse(Path::new("/srv/_Task Tracker.v2/docker-compose.yml"), text).unwrap()
    }

    #[test]
    fn services_and_their_replicas() {
        let file = of(r#"
x-common: &common
  restart: unless-stopped
  environment: { PASSWORD: "${PASSWORD:?must be set}" }
services:
  postgres: { <<: *common, image: "pgvector/pgvector:pg15" }
  worker:
    <<: *common
    deploy: { replicas: 2 }
    depends_on: { migrate: { condition: service_completed_successfully }, postgres: { condition: service_healthy } }
  api: { scale: "${API_REPLICAS:-3}", depends_on: [postgres] }
  migrate:
  debug: { profiles: [debug] }
  off: { deploy: { replicas: 0 }, profiles: [] }
  variable: { deploy: { replicas: "${REPLICAS}" } }
"#);
        assert_eq!(file.project, "tasktrackerv2");
        let replicas = |name: &str| file.services.get(name).unwrap().replicas;
        assert_eq!(file.services.len(), 7);
        assert_eq!((replicas("postgres"), replicas("worker")), (None, Some(2)));
        assert_eq!((replicas("api"), replicas("off")), (Some(3), Some(0)));
        assert_eq!((replicas("migrate"), replicas("variable")), (None, None));
        let profiled = |name: &str| file.services.get(name).unwrap().profiled;
        assert_eq!((profiled("debug"), profiled("off")), (Some(true), Some(false)));
        assert_eq!(file.jobs, BTreeSet::from(["migrate".to_owned()]));
    }

    #[test]
    fn the_project_has_a_name() {
        assert_eq!(of("name: Alaw\nservices: {}").project, "alaw");
        assert_eq!(of("name: ${NAME:-my-stack}\nservices: {}").project, "my-stack");
        assert_eq!(of("name: ${NAME}\nservices: {}").project, "tasktrackerv2");
        assert_eq!(of("name: pre-${A-x}-${B:-y}\nservices: {}").project, "pre-x-y");
    }

    #[test]
    fn what_is_no_compose_file() {
        let wrong = |text| parse(Path::new("/srv/x.yml"), text).unwrap_err().detail;
        assert_eq!(wrong("a: 1"), "/srv/x.yml: no `services` in it");
        assert!(wrong("a: 1\n b: hunter2").starts_with("/srv/x.yml: line 2: "));
        assert!(!wrong("a: 1\n b: hunter2").contains("hunter2"));
    }
}
