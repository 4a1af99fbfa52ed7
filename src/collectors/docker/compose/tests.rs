//! What a folder of files declares, rule by rule. `fixtures.rs` holds it against Compose itself.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::declared::Declared;
use super::load::{Loaded, load};
use super::*;
use crate::failure::Reason;

fn read(files: &[(&str, &str)]) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("_Task Tracker.v2");
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    load(&folder.join(files[0].0), &["set".to_owned()])
}

fn whole(files: &[(&str, &str)]) -> File {
    let loaded = read(files);
    assert_eq!((loaded.missing, loaded.wrong), (vec![], vec![]));
    loaded.file.unwrap()
}

fn service(text: &str) -> Declared {
    whole(&[("c.yml", &format!("services: {{ a: {text} }}"))]).services.remove("a").unwrap()
}

fn wrong(files: &[(&str, &str)]) -> (Vec<String>, File) {
    let loaded = read(files);
    let all = loaded.missing.into_iter().chain(loaded.wrong);
    let short = |failure: crate::failure::Failure| {
        assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
        failure.detail.rsplit('/').next().unwrap().to_owned()
    };
    (all.map(short).collect(), loaded.file.unwrap())
}

#[test]
fn services_and_their_replicas() {
    let file = whole(&[(
        "docker-compose.yml",
        r#"
version: "3.8"
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
  on: { profiles: [debug, set] }
  off: { deploy: { replicas: 0 }, profiles: [] }
  variable: { deploy: { replicas: "${REPLICAS}" } }
"#,
    )]);
    assert_eq!(file.project, "tasktrackerv2");
    let of = |name: &str| file.services.get(name).unwrap();
    let replicas = |name: &str| of(name).replicas;
    assert_eq!(file.services.len(), 8);
    assert_eq!((replicas("postgres"), replicas("worker")), (None, Some(2)));
    assert_eq!((replicas("api"), replicas("off")), (Some(3), Some(0)));
    assert_eq!((replicas("migrate"), replicas("variable")), (None, None));
    assert_eq!(of("worker").restart.as_deref(), Some("unless-stopped"));
    assert_eq!(of("worker").depends_on.get("postgres"), Some(&Condition::Healthy));
    assert_eq!(of("api").depends_on.get("postgres"), Some(&Condition::Started));
    let idle: Vec<_> = file.services.keys().filter(|name| !file.is_active(name)).collect();
    assert_eq!(idle, ["debug"]);
    assert_eq!(file.jobs().collect::<Vec<_>>(), ["migrate"]);
}

#[test]
fn the_project_has_a_name() {
    let project = |text: &str, env: &str| whole(&[("c.yml", text), (".env", env)]).project;
    assert_eq!(project("name: Alaw\nservices: {}", ""), "alaw");
    assert_eq!(project("name: ${NAME:-my-stack}\nservices: {}", ""), "my-stack");
    assert_eq!(project("name: ${NAME}\nservices: {}", ""), "tasktrackerv2");
    assert_eq!(project("name: ${NAME}\nservices: {}", "NAME=given"), "given");
    assert_eq!(project("name: a\nservices: {}", "COMPOSE_PROJECT_NAME=b"), "b");
    assert_eq!(project("services: {}", "COMPOSE_PROJECT_NAME="), "tasktrackerv2");
    assert_eq!(project("services: {}\n---\nname: z\n", ""), "z");
}

#[test]
fn what_is_no_compose_file() {
    let wrong = |text: &str| read(&[("x.yml", text)]).file.unwrap_err().detail;
    assert!(wrong("a: 1").ends_with("/x.yml: no `services` in it"));
    assert!(wrong("services: [a]").ends_with("/x.yml: line 1: `services` is no map"));
    let broken = wrong("a: 1\n b: hunter2");
    assert!(broken.contains("/x.yml: line 2: ") && !broken.contains("hunter2"), "{broken}");
}

#[test]
fn limits_and_reservations() {
    let new = service(
        "{ deploy: { resources: { limits: { cpus: '2.0', memory: 2G, pids: 50 }, reservations: { cpus: 0.5, memory: 512M } } } }",
    );
    assert_eq!(
        (new.memory_limit, new.cpu_limit, new.pids_limit),
        (Some(2 << 30), Some(2.0), Some(50))
    );
    assert_eq!((new.memory_reservation, new.cpu_reservation), (Some(512 << 20), Some(0.5)));
    let old = service("{ mem_limit: 1.5gb, cpus: 0.5, pids_limit: -1, mem_reservation: 64m }");
    assert_eq!(
        (old.memory_limit, old.cpu_limit, old.pids_limit),
        (Some(3 << 29), Some(0.5), Some(0))
    );
    assert_eq!((old.memory_reservation, old.cpu_reservation), (Some(64 << 20), None));
}

#[test]
fn health_checks() {
    let health = service("{ healthcheck: { test: [CMD, x], interval: 1m30s, timeout: 500ms, retries: 5, start_period: 10s, start_interval: 1s } }").health.unwrap();
    let millis = |n| Some(Duration::from_millis(n));
    assert_eq!((health.interval, health.timeout), (millis(90_000), millis(500)));
    assert_eq!((health.start_period, health.start_interval), (millis(10_000), millis(1_000)));
    assert_eq!((health.retries, health.disabled), (Some(5), false));
    for off in ["{ disable: true }", "{ test: [NONE] }"] {
        assert!(service(&format!("{{ healthcheck: {off} }}")).health.unwrap().disabled, "{off}");
    }
    assert_eq!(service("{ healthcheck: null }").health, None);
}

#[test]
fn restart_policies() {
    let restart = |text: &str| service(text).restart;
    assert_eq!(restart("{ restart: no }").as_deref(), Some("no"));
    assert_eq!(restart("{ restart: 'on-failure:3' }").as_deref(), Some("on-failure:3"));
    let deploy =
        "restart: always, deploy: { restart_policy: { condition: on-failure, max_attempts: 3 } }";
    assert_eq!(restart(&format!("{{ {deploy} }}")).as_deref(), Some("on-failure:3"));
    assert_eq!(
        restart("{ deploy: { restart_policy: { condition: any } } }").as_deref(),
        Some("always")
    );
    assert_eq!(restart("{}"), None);
}

#[test]
fn variables_come_from_the_env_file() {
    let files = [
        (
            "c.yml",
            "services: { a: { image: 'x:$TAG', ports: ['${PORT:-80}:80', '$GONE:1'], mem_limit: '${MEM:?hunter2}', container_name: '$GONE' } }",
        ),
        (".env", "TAG=7\nPORT=8080\n"),
    ];
    let file = whole(&files);
    let a = file.services.get("a").unwrap();
    assert_eq!((a.image.as_deref(), a.memory_limit), (Some("x:7"), None));
    assert_eq!((a.container_name.as_deref(), a.ports.len()), (None, 1));
    assert_eq!(a.ports[0].published.as_deref(), Some("8080"));
}

#[test]
fn profiles_are_the_settings_else_those_of_the_env_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.yml");
    std::fs::write(&path, "services: { a: { profiles: [a] }, b: { profiles: [b] } }").unwrap();
    std::fs::write(folder.path().join(".env"), "COMPOSE_PROFILES=x, b\n").unwrap();
    let active = |profiles: &[String]| {
        let file = load(&path, profiles).file.unwrap();
        (file.is_active("a"), file.is_active("b"))
    };
    assert_eq!(active(&[]), (false, true));
    assert_eq!(active(&["a".to_owned()]), (true, false));
}

#[test]
fn mistakes_are_gaps_and_tell_no_value() {
    let text = "services:\n  a: { mem_limit: hunter2, scale: { hunter2: 1 } }\n  b: { ports: [hunter2, { published: 8 }] }\n  c: { depends_on: { a: { condition: hunter2 } } }\n";
    let (wrong, file) = wrong(&[("c.yml", text), (".env", "A='hunter2\n")]);
    let line = |line: usize, key: &str| {
        format!("c.yml: line {line}: `{key}` has no value that Compose takes")
    };
    let mut want =
        vec![".env: line 1: no `NAME=value`".to_owned(), line(2, "scale"), line(2, "mem_limit")];
    want.extend([line(3, "ports"), line(3, "ports"), line(4, "condition")]);
    assert_eq!(wrong, want);
    assert_eq!(file.services.len(), 3);
}

#[test]
fn what_extends_has_what_it_extends() {
    let file = whole(&[
        (
            "c.yml",
            "services: { a: { extends: { file: sub/b.yml, service: base }, image: a }, l: { extends: a, scale: 3 } }",
        ),
        (
            "sub/b.yml",
            "services: { base: { extends: { file: deep.yml, service: deep }, mem_limit: 1g, profiles: [set] } }",
        ),
        (
            "sub/deep.yml",
            "services: { deep: { restart: '${POLICY:-no}', image: deep, ports: ['1:1'] } }",
        ),
        (".env", "POLICY=always"),
    ]);
    let of = |name: &str| file.services.get(name).unwrap();
    assert_eq!((of("a").image.as_deref(), of("a").restart.as_deref()), (Some("a"), Some("always")));
    assert_eq!(
        (of("l").memory_limit, of("l").ports.len(), of("l").replicas),
        (Some(1 << 30), 1, Some(3))
    );
    assert_eq!(of("l").profiles.as_deref(), Some(&["set".to_owned()][..]));
}

#[test]
fn circles_and_what_is_not_there_are_gaps() {
    let (missing, file) = wrong(&[
        (
            "c.yml",
            "include: [i.yml, gone.yml, 'oci://x/y', '$GONE']\nservices:\n  a: { extends: b, image: a }\n  b: { extends: { file: c.yml, service: a } }\n  c: { extends: nobody }\n",
        ),
        ("i.yml", "include: [c.yml]\nservices: { i: {} }"),
    ]);
    assert_eq!(
        missing,
        [
            "i.yml: line 1: `include` goes in a circle",
            "gone.yml: No such file or directory",
            "c.yml: line 1: files in a registry or a repository are not followed",
            "c.yml: line 1: `include` has no path that is known",
            "c.yml: line 3: `extends` goes in a circle",
            "c.yml: line 4: `extends` goes in a circle",
            "c.yml: line 5: `extends` names no service that is known",
        ]
    );
    assert_eq!(file.services.keys().collect::<Vec<_>>(), ["a", "b", "c", "i"]);
}

#[test]
fn includes_have_a_folder_and_variables_of_their_own() {
    let file = whole(&[
        (
            "c.yml",
            "include:\n  - one/c.yml\n  - { path: [two/a.yml, two/b.yml], project_directory: dir, env_file: two/own.env }\nservices: { main: { image: 'm:$TAG' } }",
        ),
        (".env", "TAG=outer\n"),
        ("one/c.yml", "name: other\nservices: { one: { image: '$TAG:$OWN' } }"),
        ("one/.env", "TAG=inner\nOWN=1\n"),
        (
            "two/a.yml",
            "services: { two: { image: 'a:$OWN', restart: no, extends: { file: base.yml, service: b } } }",
        ),
        ("two/b.yml", "services: { two: { image: 'b:$OWN' } }"),
        ("two/own.env", "OWN=2\n"),
        ("dir/.env", "OWN=3\n"),
        ("dir/base.yml", "services: { b: { scale: 4 } }"),
    ]);
    let image = |name: &str| file.services.get(name).unwrap().image.clone().unwrap();
    assert_eq!(
        (image("main"), image("one"), image("two")),
        ("m:outer".into(), "outer:1".into(), "b:2".into())
    );
    assert_eq!(file.services.get("two").unwrap().replicas, Some(4));
    assert_eq!(file.project, "tasktrackerv2");
}

fn overlaid(texts: &[&str]) -> BTreeMap<String, Declared> {
    let mut all = File::default();
    for text in texts {
        all.overlay(&whole(&[("c.yml", text)]));
    }
    all.services
}

#[test]
fn later_files_change_earlier_ones() {
    let first = "services: { a: { image: x, build: ., scale: 2, profiles: [p], ports: ['80:80'], depends_on: { b: { condition: service_healthy } }, healthcheck: { interval: 5s, test: [NONE] } }, b: { image: y } }";
    let later = "services: { a: { image: z, profiles: [q], ports: ['0.0.0.0:80:80', '81:81'], links: [b], depends_on: [c], healthcheck: { retries: 2, test: x } }, c: {} }";
    let all = overlaid(&[first, later]);
    let a = all.get("a").unwrap();
    assert_eq!((a.image.as_deref(), a.build, a.replicas), (Some("z"), true, Some(2)));
    assert_eq!(a.profiles.as_deref().unwrap(), ["p", "q"]);
    assert_eq!(a.ports.len(), 2);
    assert_eq!(
        a.depends_on,
        [("b".into(), Condition::Healthy), ("c".into(), Condition::Started)].into()
    );
    let health = a.health.as_ref().unwrap();
    assert_eq!((health.interval, health.retries), (Some(Duration::from_secs(5)), Some(2)));
    assert!(!health.disabled);
    assert_eq!(all.len(), 3);
}

#[test]
fn later_files_can_drop_what_was_before() {
    let first = "services: { a: { image: x, restart: always, scale: 2, profiles: [p], ports: ['80:80'], depends_on: [b, c], healthcheck: { interval: 5s, retries: 1 }, deploy: { resources: { limits: { memory: 1g, cpus: 2 } } } }, b: { image: y }, c: { image: z, scale: 2 } }";
    let later = "services: { a: { restart: !reset null, scale: !reset 5, profiles: !override [q], ports: !override ['81:81'], depends_on: { b: !reset null }, healthcheck: { interval: !reset null }, deploy: { resources: { limits: !reset { memory: 5g } } } }, b: !reset null, c: !override { image: o } }";
    let all = overlaid(&[first, later]);
    let a = all.get("a").unwrap();
    assert_eq!((a.restart.as_deref(), a.replicas, a.image.as_deref()), (None, None, Some("x")));
    assert_eq!((a.profiles.as_deref().unwrap(), a.ports.len()), (&["q".to_owned()][..], 1));
    assert_eq!(a.depends_on.keys().collect::<Vec<_>>(), ["c"]);
    assert_eq!((a.memory_limit, a.cpu_limit), (None, None));
    let health = a.health.as_ref().unwrap();
    assert_eq!((health.interval, health.retries), (None, Some(1)));
    assert_eq!(all.keys().collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(
        (all.get("c").unwrap().image.as_deref(), all.get("c").unwrap().replicas),
        (Some("o"), None)
    );
    assert_eq!(service("{ image: !reset x, healthcheck: !reset { retries: 1 } }"), {
        let reset = vec!["image".to_owned(), "healthcheck".to_owned()];
        Declared { reset, ..Declared::default() }
    });
}

#[test]
fn nothing_of_environments_and_commands_is_kept() {
    let text = "{ environment: { A: hunter2, B: !reset hunter2 }, command: hunter2, secrets: [hunter2], labels: { x: hunter2 }, env_file: hunter2 }";
    assert_eq!(service(text), Declared::default());
}

#[test]
fn a_file_of_another_kind_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let is = |text: &str| {
        std::fs::write(folder.path().join("x"), text).unwrap();
        is_compose_file(&folder.path().join("x"))
    };
    assert!(is("services: {}") && is("include: [a.yml]") && is("services: { a: !reset null }"));
    assert!(!is("root:x:0:0:root:/root:/bin/sh\n") && !is("- services") && !is(""));
    assert!(!is_compose_file(Path::new("/nowhere/x.yml")));
    let read = read(&[("c.yml", "services: { a: {} }")]);
    assert!(read.seen.values().any(Option::is_none), "the `.env` that may come is watched");
    assert_eq!(load(Path::new("/nowhere/x.yml"), &[]).file.unwrap_err().reason, Reason::NOT_FOUND);
}

#[test]
fn a_service_may_say_that_it_is_nobodys_business() {
    for (labels, ignored) in [
        ("{ stack-exporter.ignore: true }", Some(true)),
        ("{ stack-exporter.ignore: 'false' }", Some(false)),
        ("[stack-exporter.ignore=true, a=b]", Some(true)),
        ("[stack-exporter.ignore]", None),
        ("[stack-exporter.ignored=true]", None),
        ("{ stack-exporter.ignore: yes }", None),
        ("{}", None),
        ("7", None),
    ] {
        assert_eq!(service(&format!("{{ labels: {labels} }}")).ignored, ignored, "{labels}");
    }
    let mut one = service("{ labels: { stack-exporter.ignore: true } }");
    one.overlay(&service("{}"));
    assert_eq!(one.ignored, Some(true));
    one.overlay(&service("{ labels: { stack-exporter.ignore: false } }"));
    assert_eq!(one.ignored, Some(false), "a later file");
}
