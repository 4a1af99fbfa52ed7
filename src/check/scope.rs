//! The part of a report that concerns something with a name: a service, a target, a container.

use std::collections::BTreeSet;

use super::report::{Finding, Report, Verdict};
use crate::engine::{Sample, Snapshot, samples};

/// Names of this many are told, where one is not known.
const NEAREST: usize = 3;

/// The things that can be named.
#[derive(Default)]
pub struct Known {
    /// Project and service.
    services: BTreeSet<(String, String)>,
    /// Name of the container, its project and service.
    containers: BTreeSet<(String, String, String)>,
    /// Area and name, and the service that the target lives in.
    targets: Vec<(&'static str, String, Option<String>)>,
    /// Containers whose health check has said neither yes nor no: name, project and service.
    starting: Vec<(String, String, String)>,
}

/// Things that were asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Scope {
    services: BTreeSet<(String, String)>,
    containers: BTreeSet<String>,
    /// What the Engine knows, once it can be asked.
    of_engine: bool,
    targets: BTreeSet<(&'static str, String)>,
    /// Other things by their names: a unit, a queue, a file system.
    things: BTreeSet<String>,
}

/// "project/service", or the service alone.
fn joined(project: &str, service: &str) -> String {
    if project.is_empty() { service.to_owned() } else { format!("{project}/{service}") }
}

impl Known {
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut known = Self::default();
        for entry in &snapshot.entries {
            let Some(target) = &entry.target else { continue };
            let home = target.home.given.as_ref().map(|one| joined(&one.project, &one.service));
            known.targets.push((target.id.area, target.id.name.clone(), home));
            let of = |metric| samples(target.area, entry.sets(), metric);
            let label = |sample: &Sample, name| sample.label(name).to_owned();
            for one in of("stack_service_state") {
                known.services.insert((label(&one, "project"), label(&one, "service")));
            }
            let container =
                |one: &Sample| (label(one, "name"), label(one, "project"), label(one, "service"));
            known.containers.extend(of("stack_container_state").iter().map(container));
            known.starting.extend(of("stack_container_starting_seconds").iter().map(container));
        }
        known
    }

    /// Whether something of the scope, or of all, has not said yet how it is.
    pub fn is_starting(&self, scope: Option<&Scope>) -> bool {
        let concerned = |(name, project, service): &(String, String, String)| {
            scope.is_none_or(|scope| {
                scope.targets.iter().any(|(area, _)| *area == "docker")
                    || scope.containers.contains(name)
                    || scope.services.contains(&(project.clone(), service.clone()))
            })
        };
        self.starting.iter().any(concerned)
    }

    /// What a name means; where it means nothing, the names that are nearest.
    pub fn find(&self, report: &Report, name: &str) -> Result<Scope, Vec<String>> {
        let mut scope = Scope::default();
        for (project, service) in &self.services {
            if service == name || joined(project, service) == name || project == name {
                scope.services.insert((project.clone(), service.clone()));
            }
        }
        for (container, project, service) in &self.containers {
            let service = (project.clone(), service.clone());
            if container == name && !service.1.is_empty() {
                scope.services.insert(service.clone());
            }
            if container == name || scope.services.contains(&service) {
                scope.containers.insert(container.clone());
            }
        }
        for (area, target, home) in &self.targets {
            let lives = home.as_ref().is_some_and(|home| scope.is_home(home));
            if target == name || format!("{area}/{target}") == name || lives {
                scope.targets.insert((area, target.clone()));
            }
        }
        if report.findings.iter().any(|finding| things(finding).iter().any(|one| one == name)) {
            scope.things.insert(name.to_owned());
        }
        // `docker` may be a service; an area is meant where nothing else is called so.
        if scope == Scope::default() {
            let area = self.targets.iter().filter(|(area, ..)| *area == name);
            scope.targets.extend(area.map(|(area, target, _)| (*area, target.clone())));
        }
        if scope == Scope::default() { Err(self.nearest(report, name)) } else { Ok(scope) }
    }

    fn nearest(&self, report: &Report, name: &str) -> Vec<String> {
        let mut all: BTreeSet<String> = BTreeSet::new();
        for (project, service) in &self.services {
            all.extend([joined(project, service), service.clone(), project.clone()]);
        }
        all.extend(self.containers.iter().map(|(container, ..)| container.clone()));
        for (area, target, _) in &self.targets {
            all.extend([target.clone(), format!("{area}/{target}")]);
        }
        all.extend(report.findings.iter().flat_map(things));
        all.remove("");
        let near = |other: &String| strsim::damerau_levenshtein(name, other);
        let mut all: Vec<String> = all.into_iter().collect();
        all.sort_by_cached_key(near);
        all.truncate(NEAREST);
        all
    }
}

/// What the thing of a finding is called, short and in full.
fn things(finding: &Finding) -> Vec<String> {
    let Some(many) = finding.signal.many else { return Vec::new() };
    let label = |name: &str| finding.label(name);
    vec![many.thing.fill_short(&label), many.thing.fill(&label)]
}

impl Scope {
    /// A name that nothing has while the Engine cannot be asked: what is said of the Engine.
    pub fn of_engine(report: &Report) -> Option<Self> {
        let down = report.blind.iter().any(|blind| {
            blind.area == "docker" && blind.what.is_none() && blind.verdict > Verdict::Ok
        });
        down.then(|| Self { of_engine: true, ..Self::default() })
    }

    pub fn add(&mut self, other: Self) {
        self.services.extend(other.services);
        self.containers.extend(other.containers);
        self.of_engine |= other.of_engine;
        self.targets.extend(other.targets);
        self.things.extend(other.things);
    }

    fn is_home(&self, home: &str) -> bool {
        let is = |(project, service): &(String, String)| {
            home == service || home == joined(project, service)
        };
        self.services.iter().any(is)
    }

    fn concerns(&self, finding: &Finding) -> bool {
        let label = |name: &str| finding.label(name);
        let target = (finding.area, finding.target.clone());
        if self.targets.contains(&target) {
            return true;
        }
        let is_docker = finding.area == "docker";
        let service = (label("project"), label("service"));
        is_docker && (self.services.contains(&service) || self.containers.contains(&label("name")))
            || things(finding).iter().any(|one| self.things.contains(one))
    }

    /// Leaves of a report what concerns these things. What is not seen of the Engine may be of any
    /// of its services.
    pub fn narrow(&self, report: &mut Report) {
        report.findings.retain(|finding| self.concerns(finding));
        let in_docker = self.of_engine || !self.services.is_empty() || !self.containers.is_empty();
        report.blind.retain(|blind| {
            self.targets.contains(&(blind.area, blind.target.clone()))
                || (in_docker && blind.area == "docker")
        });
        report.idle.retain(|idle| self.targets.contains(&(idle.area, idle.target.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests::samples::{blind, finding, report, unbounded};

    fn known() -> Known {
        let text = str::to_owned;
        Known {
            services: [("shop", "worker"), ("shop", "db"), ("blog", "db")]
                .map(|(project, service)| (text(project), text(service)))
                .into(),
            containers: [("shop-worker-1", "shop", "worker"), ("lone", "", "")]
                .map(|(name, project, service)| (text(name), text(project), text(service)))
                .into(),
            targets: vec![
                ("docker", text("docker"), None),
                ("postgres", text("app"), Some(text("shop/db"))),
                ("host", text("host"), None),
            ],
            starting: vec![(text("shop-worker-1"), text("shop"), text("worker"))],
        }
    }

    fn all() -> Report {
        let looping = |project, service| {
            let labels = [("service", service), ("project", project)];
            finding(("docker", "restart_loop"), Verdict::Critical, 1.0, &labels)
        };
        let mut unit =
            finding(("systemd", "unit_failed"), Verdict::Ok, 0.0, &[("name", "db.service")]);
        unit.target = "systemd".to_owned();
        let mut app = finding(("postgres", "connections"), Verdict::Ok, 1.0, &[]);
        app.target = "app".to_owned();
        let mut findings =
            vec![looping("shop", "worker"), looping("shop", "db"), looping("blog", "db")];
        findings.extend([unbounded("shop", "shop-worker-1"), unbounded("", "lone"), unit, app]);
        report(findings, vec![blind("postgres", "app", Some("locks"), Verdict::Ok, false)])
    }

    fn titles(name: &str) -> Vec<String> {
        let mut report = all();
        let scope = known().find(&report, name).unwrap();
        scope.narrow(&mut report);
        report.findings.iter().map(Finding::topic).collect()
    }

    #[test]
    fn a_name_is_a_service_a_container_a_target_a_project_or_a_thing() {
        let worker = ["restart loop: worker (shop)", "log bounded: shop-worker-1 (shop)"];
        for name in ["worker", "shop/worker", "shop-worker-1"] {
            assert_eq!(titles(name), worker, "{name}");
        }
        assert_eq!(titles("lone"), ["log bounded: lone"]);
        assert_eq!(titles("db").len(), 3, "both projects' and what lives in one");
        assert_eq!(titles("blog/db"), ["restart loop: db (blog)"]);
        assert_eq!(titles("postgres/app"), titles("app"));
        assert_eq!(titles("app"), ["connections"]);
        assert_eq!(titles("shop").len(), 4);
        assert_eq!(titles("db.service"), ["unit failed: db.service (systemd)"]);
        let mut report = all();
        known().find(&report, "worker").unwrap().narrow(&mut report);
        assert!(report.blind.is_empty() && report.exit_code() == 2);
    }

    #[test]
    fn what_is_not_seen_of_the_engine_may_be_of_its_services() {
        let narrowed = |name: &str| {
            let part = blind("docker", "docker", Some("block I/O"), Verdict::Ok, false);
            let mut report = report(vec![unbounded("", "lone")], vec![part]);
            known().find(&report, name).unwrap().narrow(&mut report);
            report
        };
        for name in ["worker", "lone", "docker"] {
            assert_eq!(narrowed(name).exit_code(), 3, "{name}");
        }
        assert_eq!(narrowed("host").exit_code(), 0);
    }

    #[test]
    fn a_name_is_judged_by_the_engine_while_that_is_down() {
        let down = |verdict| {
            let down = blind("docker", "docker", None, verdict, false);
            let broker = blind("nats", "main", None, Verdict::Critical, false);
            report(Vec::new(), vec![down, broker])
        };
        let mut report = down(Verdict::Critical);
        Scope::of_engine(&report).unwrap().narrow(&mut report);
        assert_eq!((report.exit_code(), report.blind.len()), (2, 1));
        assert!(Scope::of_engine(&down(Verdict::Ok)).is_none(), "nobody judges it");
    }

    #[test]
    fn something_may_be_starting() {
        let starting = |name: &str| {
            let scope = known().find(&all(), name).unwrap();
            known().is_starting(Some(&scope))
        };
        for name in ["worker", "shop", "shop-worker-1", "docker"] {
            assert!(starting(name), "{name}");
        }
        assert!(!starting("lone") && !starting("app"));
        assert!(known().is_starting(None) && !Known::default().is_starting(None));
    }

    #[test]
    fn an_area_is_meant_where_nothing_else_is_called_so() {
        let mut known = known();
        let app = known.find(&all(), "app").unwrap().targets;
        assert_eq!(known.find(&all(), "postgres").unwrap().targets, app);
        known.services.insert(("shop".to_owned(), "postgres".to_owned()));
        let scope = known.find(&all(), "postgres").unwrap();
        assert!(scope.targets.is_empty() && scope.services.len() == 1);
    }

    #[test]
    fn an_unknown_name_tells_the_nearest() {
        let nearest = known().find(&all(), "wroker").unwrap_err();
        assert_eq!(nearest[0], "worker");
        assert!(known().find(&all(), "").is_err());
    }
}
