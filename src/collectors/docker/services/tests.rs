use std::path::Path;
use std::sync::Arc;

use super::super::api::Summary;
use super::super::compose;
use super::super::container::Naming;
use super::super::detail::{Check, Detail, StartError};
use super::super::exclude::Exclude;
use super::super::ledger::Death;
use super::*;

const NOW: f64 = 10_000.0;

fn container(service: &str, state: &str, status: &str) -> Container {
    let label = |key: &str, value: &str| (format!("com.docker.compose.{key}"), value.to_owned());
    let summary = Summary {
        id: format!("{service}{state}{status}"),
        names: vec![format!("/p-{service}-1")],
        state: state.into(),
        status: status.into(),
        labels: [label("project", "p"), label("service", service)].into(),
        ..Summary::default()
    };
    with(Container::of(summary, &Naming::default()).unwrap(), Detail::default())
}

fn with(mut container: Container, detail: Detail) -> Container {
    let detail = Detail { exit_code: container.ended_with, ..detail };
    container.inspected(Arc::new(detail), false);
    container
}

fn file(text: &str) -> FileRead {
    let path = Path::new("/srv/p/docker-compose.yml");
    let file = compose::parse(path, text).unwrap();
    FileRead { path: path.to_owned(), file: Some(Arc::new(file)), failure: None }
}

fn all(containers: &[Container], files: &[FileRead]) -> Vec<Service> {
    services(containers, files, &Past::default(), &Manner::default(), NOW).rows
}

fn one(containers: &[Container], files: &[FileRead]) -> (u64, u64, State) {
    let rows = all(containers, files);
    assert_eq!(rows.len(), 1, "{rows:?}");
    (rows[0].wanted, rows[0].running, rows[0].state)
}

fn named(rows: &[Service], name: &str) -> (u64, u64, State) {
    let row = rows.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("{name}"));
    (row.wanted, row.running, row.state)
}

#[test]
fn a_declared_service_that_never_ran_is_missing() {
    assert_eq!(one(&[], &[file("services: { api: {} }")]), (1, 0, State::Missing));
    let scaled = file("services: { api: { scale: 3 } }");
    let up = container("api", "running", "Up 1 second");
    let rows = all(&[up], &[scaled]);
    assert_eq!((named(&rows, "api"), rows[0].missing()), ((3, 1, State::Degraded), 2));
    assert!(rows[0].up());
}

#[test]
fn a_profile_is_wanted_once_it_was_started() {
    let file = || [file("services: { debug: { profiles: [debug] } }")];
    assert_eq!(one(&[], &file()), (0, 0, State::Off));
    let ended = container("debug", "exited", "Exited (1) 2 hours ago");
    assert_eq!(one(&[ended], &file()), (1, 0, State::Crashed));
}

#[test]
fn jobs_that_ended_well_are_done() {
    let done = || container("migrate", "exited", "Exited (0) 2 hours ago");
    assert_eq!(one(&[done()], &[]), (0, 0, State::Done));
    assert_eq!(one(&[done()], &[file("services: { migrate: {} }")]), (0, 0, State::Done));
    let policy = |policy: &str| with(done(), Detail { policy: policy.into(), ..Detail::default() });
    assert_eq!(one(&[policy("on-failure")], &[]).2, State::Done);
    assert_eq!(one(&[policy("unless-stopped")], &[]), (1, 0, State::Stopped));
    let server = with(done(), Detail { publishes_ports: true, ..Detail::default() });
    assert_eq!(one(&[server], &[]), (1, 0, State::Crashed), "a server does not just end");
    let checked = with(done(), Detail { check: Some(Check::default()), ..Detail::default() });
    assert_eq!(one(&[checked], &[]).2, State::Crashed);
}

#[test]
fn a_job_that_is_waited_for() {
    let text = "services: { m: {}, api: { depends_on: { m: { condition: service_completed_successfully } } } }";
    let api = || container("api", "running", "Up 1 second");
    let rows = all(&[api()], &[file(text)]);
    assert_eq!(named(&rows, "m"), (0, 0, State::Off), "it may be cleared away");
    let failed = || container("m", "exited", "Exited (3) 2 seconds ago");
    let found =
        services(&[api(), failed()], &[file(text)], &Past::default(), &Manner::default(), NOW);
    assert_eq!(named(&found.rows, "m"), (1, 0, State::JobFailed));
    assert!(found.failed.contains(&failed().id));
    let own = Container { oneoff: true, ..failed() };
    let found = services(&[own], &[], &Past::default(), &Manner::default(), NOW);
    assert_eq!((found.rows.len(), found.failed.len()), (0, 1), "made by docker compose run");
}

#[test]
fn each_way_of_not_running_has_its_name() {
    for (state, want) in [
        ("paused", State::Paused),
        ("restarting", State::Restarting),
        ("created", State::Created),
        ("exited", State::Stopped),
        ("dead", State::Stopped),
    ] {
        let of = with(
            container("api", state, ""),
            Detail { policy: "always".into(), ..Detail::default() },
        );
        assert_eq!(one(&[of], &[]), (1, 0, want), "{state}");
    }
    assert_eq!(one(&[container("api", "removing", "")], &[]), (0, 0, State::Off));
    let failed = Detail { start_error: Some(StartError::PortInUse), ..Detail::default() };
    let failed = with(container("api", "created", "Created"), failed);
    assert_eq!(one(&[failed], &[]), (1, 0, State::FailedStart));
}

#[test]
fn what_was_seen_tells_a_stop_from_a_crash() {
    let ended = || container("api", "exited", "Exited (137) 2 seconds ago");
    let state = |death| {
        let known = Known { death: Some(death), ..Known::default() };
        let past = Past { known: [(ended().id, known)].into(), ..Past::default() };
        services(&[ended()], &[], &past, &Manner::default(), NOW).rows[0].state
    };
    assert_eq!(state(Death::Stopped), State::Stopped);
    assert_eq!(state(Death::Oom), State::Crashed);
}

#[test]
fn replicas_are_healthy_where_there_is_a_check() {
    let with = |health| Container { health, ..container("api", "running", "Up 1 second") };
    let healthy = |list: &[Container]| all(list, &[]).remove(0).healthy;
    assert_eq!(healthy(&[with("none")]), None);
    assert_eq!(healthy(&[with("healthy"), with("starting")]), Some(1));
    assert_eq!(healthy(&[with("unhealthy")]), Some(0));
}

#[test]
fn containers_know_the_project_of_a_file() {
    let file = file("name: other\nservices: { api: {} }");
    let files = vec!["/srv/p/docker-compose.yml".to_owned()];
    let api = Container { files, ..container("api", "running", "Up 1 second") };
    assert_eq!(one(&[api], std::slice::from_ref(&file)), (1, 1, State::Running));
    assert_eq!(all(&[], std::slice::from_ref(&file))[0].project, "other");
    let inside = FileRead { path: "/host/srv/p/docker-compose.yml".into(), ..file };
    let files = vec!["/srv/p/docker-compose.yml".to_owned()];
    let api = Container { files, ..container("api", "running", "Up 1 second") };
    let manner = Manner { root: "/host".into(), ..Manner::default() };
    let rows = services(&[api], &[inside], &Past::default(), &manner, NOW).rows;
    assert_eq!(rows.len(), 1, "in a container the host's root is elsewhere");
}

#[test]
fn without_a_file_labels_and_memory_say_what_is_missing() {
    let depends_on =
        vec![("db".to_owned(), Condition::Healthy), ("m".to_owned(), Condition::Completed)];
    let api = || Container { depends_on: depends_on.clone(), ..container("api", "running", "Up") };
    let rows = all(&[api()], &[]);
    assert_eq!((rows.len(), named(&rows, "db")), (2, (1, 0, State::Missing)));

    let key = |project: &str, name: &str| (project.to_owned(), name.to_owned());
    let seen = |dismissed| Seen { deployed: Some(1.0), dismissed };
    let seen = [
        (key("p", "worker"), seen(false)),
        (key("p", "old"), seen(true)),
        (key("gone", "web"), seen(false)),
    ];
    let past = Past { seen: seen.into(), ..Past::default() };
    let rows = services(&[api()], &[], &past, &Manner::default(), NOW).rows;
    assert_eq!(named(&rows, "worker"), (1, 0, State::Missing), "removed from a project that runs");
    assert_eq!(named(&rows, "old"), (1, 0, State::Stopped), "and that was somebody's will");
    assert_eq!(rows.iter().find(|row| row.project == "gone"), None, "taken down as a whole");
    let rows = services(
        &[api()],
        &[file("name: p\nservices: { api: {} }")],
        &past,
        &Manner::default(),
        NOW,
    )
    .rows;
    assert_eq!(rows.len(), 1, "the file says what there is");
}

#[test]
fn a_service_may_go_by_two_names() {
    let aliases = [("mongodb".to_owned(), "mongo".to_owned())].into();
    let manner = Manner { aliases, ..Manner::default() };
    // Containers have their other name from the list on.
    let running = container("mongo", "running", "Up");
    let file = file("name: p\nservices: { mongodb: {} }");
    let rows = services(&[running], &[file], &Past::default(), &manner, NOW).rows;
    assert_eq!((rows.len(), named(&rows, "mongo")), (1, (1, 1, State::Running)));
}

#[test]
fn a_deployment_may_take_its_time() {
    let state = |containers: &[Container], at: f64| {
        let seen = Seen { deployed: Some(at), dismissed: false };
        let past = Past { seen: [(("p".into(), "api".into()), seen)].into(), ..Past::default() };
        let manner = Manner { deploy_window: 120.0, ..Manner::default() };
        services(
            containers,
            &[file("name: p\nservices: { api: { scale: 2 } }")],
            &past,
            &manner,
            NOW,
        )
        .rows[0]
            .state
    };
    let up = || container("api", "running", "Up");
    let ended = || container("api", "exited", "Exited (1) 1 second ago");
    assert_eq!(state(&[up()], NOW - 60.0), State::Deploying);
    assert_eq!(state(&[up()], NOW - 180.0), State::Degraded);
    assert_eq!(state(&[ended()], NOW - 60.0), State::Deploying);
    assert_eq!(state(&[ended()], NOW - 180.0), State::Crashed);
    assert_eq!(state(&[], NOW - 60.0), State::Missing, "nothing is being deployed");
}

#[test]
fn what_went_with_the_engine_is_down() {
    let ended = |code: i64| container("api", "exited", &format!("Exited ({code}) 2 hours ago"));
    let by = |container: &Container, death: Option<Death>, lost: bool| {
        let known = Known { death, ..Known::default() };
        let ids = if lost { [container.id.clone()].into() } else { BTreeSet::new() };
        let past =
            Past { known: [(container.id.clone(), known)].into(), lost: ids, ..Past::default() };
        let one = std::slice::from_ref(container);
        let row = services(one, &[], &past, &Manner::default(), NOW).rows.remove(0);
        (row.state, row.wanted)
    };
    for code in [0, 130, 137, 143] {
        let ended = ended(code);
        assert_eq!(by(&ended, Some(Death::Engine), false), (State::Down, 1), "seen, {code}");
        assert_eq!(by(&ended, None, true), (State::Down, 1), "before we came, {code}");
        assert_eq!(by(&ended, Some(Death::Stopped), true), (State::Stopped, 1), "by hand, {code}");
    }
    assert_eq!(by(&ended(137), None, false).0, State::Stopped);
    assert_eq!(by(&ended(1), None, true).0, State::Crashed, "by itself, whatever came then");
    // Of no service that should run.
    let lone = Container { oneoff: true, ..ended(137) };
    let past = Past { lost: [lone.id.clone()].into(), ..Past::default() };
    let found = services(&[lone], &[], &past, &Manner::default(), NOW);
    assert_eq!((found.rows.len(), found.failed.len()), (0, 1));
}

#[test]
fn services_without_containers() {
    let text = "services: { db: { provider: { type: cloud, options: { a: b } } }, \
        model: { provider: { type: model }, profiles: [ai] }, \
        none: { scale: 0 }, zero: { deploy: { replicas: 0x0 } }, \
        app: { depends_on: [db, model] } }\nmodels: { llm: { model: ai/smol } }";
    let rows = all(&[container("app", "running", "Up 1 second")], &[file(text)]);
    assert_eq!(rows.len(), 5, "{rows:?}");
    for name in ["db", "model", "none", "zero"] {
        assert_eq!(named(&rows, name), (0, 0, State::Off), "{name}");
    }
    assert!(rows.iter().all(Service::up));
    // A later file makes it one with a container.
    let later = file("services: { db: { provider: !reset null, image: postgres } }");
    let rows = all(&[container("app", "running", "Up 1 second")], &[file(text), later]);
    assert_eq!(named(&rows, "db"), (1, 0, State::Missing));
}

#[test]
fn a_failed_run_by_hand_is_told_for_an_hour() {
    let failed = |ended: f64, oneoff| {
        let summary = Summary {
            id: "a".into(),
            state: "exited".into(),
            names: vec!["/p-api-run-1".into()],
            status: "Exited (1) 2 hours ago".into(),
            ..Summary::default()
        };
        let one = Container { oneoff, ..Container::of(summary, &Naming::default()).unwrap() };
        let one = with(one, Detail { finished: Some(ended), ..Detail::default() });
        services(&[one], &[], &Past::default(), &Manner::default(), NOW).failed.len()
    };
    assert_eq!((failed(NOW - 60.0, true), failed(NOW - 2.0 * RUN, true)), (1, 0));
    assert_eq!(failed(NOW - 2.0 * RUN, false), 1, "a container of its own stays in sight");
}

#[test]
fn what_is_left_out_is_not_missing() {
    let text = "services: { api: { scale: 3 }, db: {}, cron: { labels: { stack-exporter.ignore: true } } }";
    let of = |patterns: &[&str], before: &[&str], containers: &[Container]| {
        let texts: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
        let before = before.iter().map(|name| ("p".to_owned(), (*name).to_owned()));
        let mut aside = Aside::new(&Arc::new(Exclude::new(&texts).0), before.collect());
        // One replica that is left out by its name.
        assert!(patterns.len() < 2 || aside.takes(&container("api", "exited", "Exited (1)")));
        let past = Past { aside, ..Past::default() };
        services(containers, &[file(text)], &past, &Manner::default(), NOW)
    };
    let names = |found: &Services| -> Vec<String> {
        found.rows.iter().map(|row| row.name.clone()).collect()
    };
    let none = of(&[], &[], &[]);
    assert_eq!(names(&none), ["api", "db"], "the file itself has the label");
    assert_eq!(names(&of(&["p/api"], &[], &[])), ["db"]);
    assert_eq!(names(&of(&["p/*"], &[], &[])), [""; 0]);
    let seen = of(&[], &["db"], &[]);
    assert_eq!((names(&seen), seen.hidden.len()), (vec!["api".to_owned()], 2));
    let up = || container("api", "running", "Up 1 second");
    let two = of(&["p-api-1", "x"], &[], &[up(), up()]);
    assert_eq!(named(&two.rows, "api"), (2, 2, State::Running), "the third is not looked at");
    // Whatever the file says: a container without the label is looked at.
    let made_before = of(&[], &[], &[container("cron", "running", "Up 1 second")]);
    assert_eq!(named(&made_before.rows, "cron").2, State::Running);
}
