//! A container as the list has it, with what its inspection adds.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::api::Summary;
use super::compose::Condition;
use super::detail::Detail;
use super::labels::Asked;
use super::ports::Ports;
use crate::text;

pub use crate::clients::engine::is_id;

/// What names a container: the labels that its series share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Names {
    /// `/docker/<64 hex>`, as cAdvisor has it with the cgroupfs driver; `/` is the machine.
    pub id: String,
    pub name: String,
    pub image: String,
    pub project: String,
    pub service: String,
    /// Of the replica.
    pub number: String,
    /// Labels of the container that the configuration lets through, as cAdvisor names them.
    pub more: Vec<(String, String)>,
}

/// How the configuration wants containers to be named.
#[derive(Clone, Debug, Default)]
pub struct Naming {
    /// Labels of containers that go out as labels of series.
    pub labels: Vec<String>,
    /// Services that go by another name.
    pub aliases: BTreeMap<String, String>,
}

impl Naming {
    pub fn service(&self, name: String) -> String {
        self.aliases.get(&name).cloned().unwrap_or(name)
    }
}

#[derive(Debug)]
pub struct Container {
    pub id: String,
    pub names: Arc<Names>,
    pub state: String,
    /// Status of the health check; `none` where there is none.
    pub health: &'static str,
    pub created: Option<i64>,
    /// Made by `docker compose run`.
    pub oneoff: bool,
    /// The Compose files it was made from.
    pub files: Vec<String>,
    pub depends_on: Vec<(String, Condition)>,
    /// The exit code in the list's text, of a container that has ended.
    pub ended_with: Option<i64>,
    pub ports: Ports,
    /// What its labels want of us.
    pub asked: Asked,
    pub detail: Option<Arc<Detail>>,
}

/// Values of labels that go out are cut off here, in characters.
const LONGEST: usize = 128;
/// Names are short; longer ones are cut off here, in bytes.
const NAME: usize = 256;
/// Files of a project, and services that one waits for.
const PARTS: usize = 100;
/// The prefix of the labels that Compose sets.
const COMPOSE: &str = "com.docker.compose.";

impl Container {
    pub fn of(summary: Summary, naming: &Naming) -> Option<Self> {
        let Summary { id, names, labels, status, state, .. } = summary;
        if id.is_empty() {
            return None;
        }
        let label = |key: &str| labels.get(&format!("{COMPOSE}{key}")).map(String::as_str);
        let of_compose = |key: &str| cut(label(key).unwrap_or_default());
        let value = |key| Some(labels.get(key)?.chars().take(LONGEST).collect());
        let more = naming.labels.iter().filter_map(|key| Some((label_name(key), value(key)?)));
        let names = Names {
            id: format!("/docker/{id}"),
            name: name(&names).map_or_else(|| short(&id), cut),
            image: cut(&summary.image),
            project: of_compose("project"),
            service: naming.service(of_compose("service")),
            number: of_compose("container-number"),
            more: more.collect(),
        };
        let health = summary
            .health
            .map_or_else(|| health_of(&status), |health| known_health(&health.status));
        Some(Self {
            oneoff: of_compose("oneoff").eq_ignore_ascii_case("true"),
            files: split(label("project.config_files")),
            depends_on: split(label("depends_on"))
                .iter()
                .filter_map(|one| awaited(one))
                .map(|(service, awaits)| (naming.service(cut(&service)), awaits))
                .collect(),
            id,
            names: Arc::new(names),
            state: known_state(cut(&state)),
            health,
            created: summary.created,
            ended_with: ended_with(&status),
            ports: summary.ports,
            asked: Asked::of(&labels),
            detail: None,
        })
    }

    /// Takes over what an inspection says. A fresh one is newer than the list.
    pub fn inspected(&mut self, detail: Arc<Detail>, fresh: bool) {
        if fresh {
            self.state.clone_from(&detail.state);
        }
        // The list says nothing of a paused one's health, and Podman's of nobody's.
        if fresh || self.health == "none" {
            self.health = detail.health;
        }
        if let Some(names) = Arc::get_mut(&mut self.names) {
            if let Some(image) = &detail.image {
                // The list shows a bare id once the tag has moved on.
                names.image.clone_from(image);
            }
            if names.name == short(&self.id) && !detail.name.is_empty() {
                // The list has none of a dead one.
                names.name.clone_from(&detail.name);
            }
        }
        self.detail = Some(detail);
    }

    /// Whether its processes exist, or the Engine is about to start them again.
    pub fn is_alive(&self) -> bool {
        matches!(self.state.as_str(), "running" | "paused" | "restarting" | "stopping")
    }

    /// Whether there is something to measure.
    pub fn has_usage(&self) -> bool {
        matches!(self.state.as_str(), "running" | "paused")
    }

    /// Whether it ran and does not run any more.
    pub fn has_ended(&self) -> bool {
        matches!(self.state.as_str(), "exited" | "dead")
    }

    pub fn is_of_compose(&self) -> bool {
        !self.names.project.is_empty() && !self.names.service.is_empty() && !self.oneoff
    }

    /// Under which its life is counted: a service outlives its containers, all others are their
    /// own.
    pub fn life_key(&self) -> (String, String) {
        if self.is_of_compose() {
            (self.names.project.clone(), self.names.service.clone())
        } else {
            (String::new(), self.names.name.clone())
        }
    }

    /// Of the last run that ended; a container that could not even be started has one as well.
    pub fn exit_code(&self) -> Option<i64> {
        let code = self.detail.as_ref().map_or(self.ended_with, |detail| detail.exit_code);
        code.filter(|code| match self.state.as_str() {
            "exited" | "dead" | "restarting" => true,
            "created" => *code != 0,
            _ => false,
        })
    }
}

/// A label of a container as cAdvisor names it.
fn label_name(key: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("container_label_{}", key.chars().map(plain).collect::<String>())
}

/// The container's own name; with old links it has those of others too: `/other/alias`.
fn name(names: &[String]) -> Option<&str> {
    let names = || names.iter().map(|name| name.trim_start_matches('/'));
    let mut said = names().filter(|name| !name.is_empty());
    let plain = said.clone().find(|name| !name.contains('/'));
    plain.or_else(|| said.next())
}

/// A name from outside, as it is kept.
pub fn cut(name: &str) -> String {
    text::short(name, NAME).into_owned()
}

/// What stands for a container without a name: its series must not be another one's.
fn short(id: &str) -> String {
    id.chars().take(12).collect()
}

/// The Engine's word for a state. Podman has more, and its list and its inspection use different
/// ones: a container that has ended is `stopped` until it is cleaned up.
pub fn known_state(state: String) -> String {
    match state.as_str() {
        "stopped" => "exited".to_owned(),
        "configured" | "initialized" => "created".to_owned(),
        _ => state,
    }
}

pub fn known_health(status: &str) -> &'static str {
    match status {
        "healthy" => "healthy",
        "unhealthy" => "unhealthy",
        "starting" => "starting",
        _ => "none",
    }
}

/// From the text of the list: `Up 3 seconds (health: starting)`.
fn health_of(status: &str) -> &'static str {
    let inner = status.rsplit_once('(').map_or("", |(_, inner)| inner);
    known_health(inner.trim_end_matches(')').trim_start_matches("health: "))
}

/// From the text of the list: `Exited (3) 5 seconds ago`.
fn ended_with(status: &str) -> Option<i64> {
    status.strip_prefix("Exited (")?.split_once(')')?.0.parse().ok()
}

fn split(list: Option<&str>) -> Vec<String> {
    let parts = list.into_iter().flat_map(|list| list.split(','));
    parts.filter(|part| !part.is_empty()).take(PARTS).map(str::to_owned).collect()
}

/// From `service:condition:restart`.
fn awaited(one: &str) -> Option<(String, Condition)> {
    let mut parts = one.split(':');
    let service = parts.next().filter(|service| !service.is_empty())?;
    let awaits = parts.next().and_then(Condition::of).unwrap_or(Condition::Started);
    Some((service.to_owned(), awaits))
}

/// By the id of the container.
pub type ById<T> = BTreeMap<String, T>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_list_says() {
        let summary: Summary = serde_json::from_value(serde_json::json!({
            "Id": "ab", "Names": ["/other/alias", "/shop-api-1"], "State": "running",
            "Status": "Up 3 seconds (health: starting)", "Created": null, "Ports": [
                {"IP": "0.0.0.0", "PrivatePort": 5432, "PublicPort": 5555, "Type": "tcp"},
                {"PrivatePort": 8080, "Type": "tcp"}
            ],
            "Labels": {
                "com.docker.compose.project": "shop", "com.docker.compose.service": "api",
                "com.docker.compose.container-number": "2", "org.team/owner": "ann",
                "com.docker.compose.depends_on": "db:service_healthy:false,migrate:service_completed_successfully:false,x"
            }
        }))
        .unwrap();
        let naming = Naming {
            labels: vec!["org.team/owner".to_owned()],
            aliases: [("x".to_owned(), "y".to_owned())].into(),
        };
        let container = Container::of(summary, &naming).unwrap();
        assert_eq!(container.names.name, "shop-api-1");
        assert_eq!(container.names.number, "2");
        assert_eq!(container.names.more, [("container_label_org_team_owner".into(), "ann".into())]);
        assert_eq!(container.health, "starting");
        assert_eq!(container.ports.count(), 1, "only what is published");
        let awaits: Vec<_> = container.depends_on.iter().map(|(_, awaits)| *awaits).collect();
        assert_eq!(awaits, [Condition::Healthy, Condition::Completed, Condition::Started]);
        assert_eq!(container.depends_on[2].0, "y", "by its other name");
        assert_eq!(ended_with("Exited (137) 2 hours ago"), Some(137));
    }

    #[test]
    fn a_container_without_a_name() {
        let named = |names: serde_json::Value, inspected: &str| {
            let list = serde_json::json!({ "Id": "0123456789abcdef", "Names": names });
            let summary: Summary = serde_json::from_value(list).unwrap();
            let mut container = Container::of(summary, &Naming::default()).unwrap();
            let detail = Detail { name: inspected.into(), ..Detail::default() };
            container.inspected(Arc::new(detail), false);
            container.names.name.clone()
        };
        for none in [serde_json::json!(null), serde_json::json!([]), serde_json::json!(["", "/"])] {
            assert_eq!(named(none.clone(), ""), "0123456789ab");
            assert_eq!(named(none, "db"), "db", "the inspection knows");
        }
        assert_eq!(named(serde_json::json!(["/x/y", "/db"]), "other"), "db");
        assert_eq!(named(serde_json::json!(["/x/y"]), ""), "x/y");
    }

    #[test]
    fn ids_are_hexadecimal() {
        assert!(is_id(&"a0".repeat(32)) && is_id("F"));
        for wrong in ["", "..", "a/b", "x", "a?b", "é", &"a".repeat(65)] {
            assert!(!is_id(wrong), "{wrong}");
        }
    }

    #[test]
    fn long_names_are_cut() {
        let long = "n".repeat(100_000);
        let list = serde_json::json!({
            "Id": "ab", "Names": [format!("/{long}")], "Image": long, "State": long,
            "Labels": { "com.docker.compose.project": long, "com.docker.compose.service": long,
                "com.docker.compose.depends_on": "x,".repeat(5000) }
        });
        let summary: Summary = serde_json::from_value(list).unwrap();
        let container = Container::of(summary, &Naming::default()).unwrap();
        let names = &container.names;
        let words = [&names.name, &names.image, &names.project, &names.service, &container.state];
        for word in words {
            assert!(word.len() == NAME && word.starts_with("nnn"), "{}", word.len());
        }
        assert_eq!(container.depends_on.len(), PARTS);
    }

    #[test]
    fn words_of_podman() {
        let state = |word: &str| known_state(word.to_owned());
        assert_eq!((state("stopped"), state("exited")), ("exited".into(), "exited".into()));
        assert_eq!(
            (state("configured"), state("initialized")),
            ("created".into(), "created".into())
        );
        let ending = Summary { id: "x".into(), state: "stopping".into(), ..Summary::default() };
        let ending = Container::of(ending, &Naming::default()).unwrap();
        assert!(ending.is_alive() && !ending.has_ended());
    }

    #[test]
    fn a_state_that_the_engine_adds_is_no_mistake() {
        let summary = Summary { id: "x".into(), state: "hibernating".into(), ..Summary::default() };
        assert_eq!(Container::of(summary, &Naming::default()).unwrap().state, "hibernating");
        assert!(Container::of(Summary::default(), &Naming::default()).is_none());
    }
}
