//! What should run beside what does: one row a service, also for those that never ran.
//!
//! Wanted is what a Compose file declares, else the containers that exist, stopped ones too. Not
//! wanted are one-off containers of `docker compose run`, services of a profile that was never
//! started, and jobs that have done their work. A service that a person stopped is not told apart
//! from one that ended by itself: both are missing.

use std::collections::{BTreeMap, BTreeSet};

use super::compose::Declared;
use super::facts::Container;
use super::files::FileRead;

type Key = (String, String);

/// A service of a Compose project.
#[derive(Debug, PartialEq)]
pub struct Service {
    pub project: String,
    pub name: String,
    pub wanted: u64,
    pub running: u64,
    /// `None` where no replica has a health check.
    pub healthy: Option<u64>,
}

impl Service {
    pub const fn up(&self) -> bool {
        self.wanted == 0 || self.running > 0
    }

    pub const fn missing(&self) -> u64 {
        self.wanted.saturating_sub(self.running)
    }
}

/// The containers of one service.
#[derive(Default)]
struct Found {
    /// All but the jobs that have done their work.
    expected: u64,
    /// Whether there is any container of it.
    any: bool,
    running: u64,
    checked: u64,
    healthy: u64,
}

/// All services, by project and name.
pub fn services(containers: &[Container], files: &[FileRead]) -> Vec<Service> {
    let (declared, mut jobs) = declarations(containers, files);
    for container in containers.iter().filter(|container| container.is_of_compose()) {
        let job = |name: &String| (container.names.project.clone(), name.clone());
        jobs.extend(container.awaited.iter().map(job));
    }
    let mut found = BTreeMap::<Key, Found>::new();
    for container in containers.iter().filter(|container| container.is_of_compose()) {
        let key = (container.names.project.clone(), container.names.service.clone());
        let is_job = jobs.contains(&key);
        found.entry(key).or_default().count(container, is_job);
    }
    let keys: BTreeSet<Key> = found.keys().chain(declared.keys()).cloned().collect();
    let of = |key: Key| {
        let found = found.remove(&key).unwrap_or_default();
        let wanted = found.wanted(declared.get(&key), jobs.contains(&key));
        let healthy = (found.checked > 0).then_some(found.healthy);
        Service { project: key.0, name: key.1, wanted, running: found.running, healthy }
    };
    keys.into_iter().map(of).collect()
}

impl Found {
    fn count(&mut self, container: &Container, is_job: bool) {
        self.any = true;
        if !is_done(container, is_job) && container.state != "removing" {
            self.expected += 1;
        }
        if container.state == "running" {
            self.running += 1;
            self.checked += u64::from(container.health != "none");
            self.healthy += u64::from(container.health == "healthy");
        }
    }

    fn wanted(&self, declared: Option<&Declared>, is_job: bool) -> u64 {
        let Some(declared) = declared else { return self.expected };
        // A job is cleared away, or a profile is not in use: then nothing is missing.
        let optional = is_job || declared.profiled == Some(true);
        if self.expected == 0 && (self.any || optional) {
            return 0;
        }
        declared.replicas.unwrap_or(1)
    }
}

/// Whether the container has ended as it should. Without another service that waits for its end,
/// a job is known by what a server has and it has not.
fn is_done(container: &Container, is_job: bool) -> bool {
    if container.state != "exited" || container.ended_with != Some(0) {
        return false;
    }
    // Not inspected: no alarm on a guess.
    let Some(detail) = &container.detail else { return true };
    let ends = matches!(detail.policy.as_str(), "" | "no" | "on-failure");
    let serves = detail.publishes_ports || detail.check.is_some();
    ends && (is_job || !serves)
}

/// What the files declare, and which services of it are jobs.
fn declarations(
    containers: &[Container],
    files: &[FileRead],
) -> (BTreeMap<Key, Declared>, BTreeSet<Key>) {
    let (mut declared, mut jobs) = (BTreeMap::<Key, Declared>::new(), BTreeSet::new());
    for read in files {
        let Some(file) = &read.file else { continue };
        let project = project(containers, read, &file.project);
        for (name, service) in &file.services {
            let key = (project.clone(), name.clone());
            declared.entry(key).or_default().overlay(service);
        }
        jobs.extend(file.jobs.iter().map(|name| (project.clone(), name.clone())));
    }
    (declared, jobs)
}

/// The project of a file: `-p` and `COMPOSE_PROJECT_NAME` go before what the file says, and only
/// the containers know.
fn project(containers: &[Container], read: &FileRead, derived: &str) -> String {
    let path = read.path.to_string_lossy();
    let made_from_it = |container: &&Container| container.files.iter().any(|file| *file == path);
    let projects: BTreeSet<&str> = containers
        .iter()
        .filter(made_from_it)
        .map(|container| container.names.project.as_str())
        .collect();
    match projects.first() {
        Some(only) if projects.len() == 1 => (*only).to_owned(),
        _ => derived.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::Detail;
    use super::*;
    use bollard::models::ContainerSummary;
    use std::path::Path;
    use std::sync::Arc;

    fn container(service: &str, state: &str, status: &str) -> Container {
        let summary = serde_json::json!({
            "Id": format!("{service}{status}"), "Names": [format!("/p-{service}-1")], "State": state, "Status": status,
            "Labels": { "com.docker.compose.project": "p", "com.docker.compose.service": service },
        });
        let summary: ContainerSummary = serde_json::from_value(summary).unwrap();
        Container { detail: Some(Detail::default()), ..Container::of(summary).unwrap() }
    }

    fn file(text: &str) -> FileRead {
        let path = Path::new("/srv/p/docker-compose.yml");
        let file = super::super::compose::parse(path, text).unwrap();
        FileRead { path: path.to_owned(), file: Some(Arc::new(file)), failure: None }
    }

    fn counts(containers: &[Container], files: &[FileRead]) -> Vec<(String, u64, u64, bool)> {
        let row = |s: Service| (s.name.clone(), s.wanted, s.running, s.up());
        services(containers, files).into_iter().map(row).collect()
    }

    fn one(containers: &[Container], files: &[FileRead]) -> (u64, u64, bool) {
        let rows = counts(containers, files);
        assert_eq!(rows.len(), 1, "{rows:?}");
        (rows[0].1, rows[0].2, rows[0].3)
    }

    #[test]
    fn a_declared_service_that_never_ran_is_down() {
        assert_eq!(one(&[], &[file("services: { api: {} }")]), (1, 0, false));
        let scaled = file("services: { api: { scale: 3 } }");
        assert_eq!(one(&[container("api", "running", "Up 1 second")], &[scaled]), (3, 1, true));
    }

    #[test]
    fn a_profile_is_wanted_once_it_was_started() {
        let file = || [file("services: { debug: { profiles: [debug] } }")];
        assert_eq!(one(&[], &file()), (0, 0, true));
        let ended = container("debug", "exited", "Exited (1) 2 hours ago");
        assert_eq!(one(&[ended], &file()), (1, 0, false));
    }

    #[test]
    fn jobs_that_ended_well_are_not_missing() {
        let done = || container("migrate", "exited", "Exited (0) 2 hours ago");
        assert_eq!(one(&[done()], &[]), (0, 0, true));
        assert_eq!(one(&[done()], &[file("services: { migrate: {} }")]), (0, 0, true));
        assert_eq!(one(&[container("migrate", "exited", "Exited (1) 2 hours ago")], &[]).0, 1);
        let policy = |policy: &str| {
            let detail = Detail { policy: policy.to_owned(), ..Detail::default() };
            Container { detail: Some(detail), ..done() }
        };
        assert_eq!(one(&[policy("on-failure")], &[]).0, 0);
        assert_eq!(one(&[policy("unless-stopped")], &[]).0, 1);
        assert_eq!(one(&[Container { detail: None, ..done() }], &[]).0, 0);
        let server = Detail { publishes_ports: true, ..Detail::default() };
        assert_eq!(one(&[Container { detail: Some(server), ..done() }], &[]), (1, 0, false));
    }

    #[test]
    fn a_job_that_is_waited_for_may_be_cleared_away() {
        let text = "services: { m: {}, api: { depends_on: { m: { condition: service_completed_successfully } } } }";
        let api = container("api", "running", "Up 1 second");
        let rows = counts(&[api], &[file(text)]);
        assert_eq!(rows, [("api".into(), 1, 1, true), ("m".into(), 0, 0, true)]);
    }

    #[test]
    fn one_offs_and_half_running_states_do_not_count() {
        let oneoff = Container { oneoff: true, ..container("api", "running", "Up 1 second") };
        assert!(services(&[oneoff], &[]).is_empty());
        for state in ["paused", "restarting", "created", "exited", "dead"] {
            assert_eq!(one(&[container("api", state, "")], &[]), (1, 0, false), "{state}");
        }
        assert_eq!(one(&[container("api", "removing", "")], &[]), (0, 0, true));
    }

    #[test]
    fn replicas_are_healthy_where_there_is_a_check() {
        let with = |health| Container { health, ..container("api", "running", "Up 1 second") };
        let healthy = |list: &[Container]| services(list, &[]).remove(0).healthy;
        assert_eq!(healthy(&[with("none")]), None);
        assert_eq!(healthy(&[with("healthy"), with("starting")]), Some(1));
        assert_eq!(healthy(&[with("unhealthy")]), Some(0));
    }

    #[test]
    fn containers_know_the_project_of_a_file() {
        let file = file("name: other\nservices: { api: {} }");
        let files = vec!["/srv/p/docker-compose.yml".to_owned()];
        let api = Container { files, ..container("api", "running", "Up 1 second") };
        assert_eq!(one(&[api], std::slice::from_ref(&file)), (1, 1, true));
        assert_eq!(services(&[], &[file])[0].project, "other");
    }
}
