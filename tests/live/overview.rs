//! What the API tells of a stack: its services with what they take, the last day of each, and what
//! has happened, also over a restart of the exporter.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::servers::docker::ContainerSpec;
use crate::servers::exporter::Exporter;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{Stack, run};
use crate::stage::binary;

async fn json(exporter: &Exporter, path: &str) -> Value {
    let answer = exporter.get(path, &[]).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The service once it is as wanted; each look is after a scrape, which has it read.
async fn service(
    exporter: &Exporter,
    (project, name): (&str, &str),
    wanted: impl Fn(&Value) -> bool,
) -> Value {
    until(&format!("{project}/{name}"), PATIENT, async || {
        exporter.scrape().await;
        let all = json(exporter, "/api/v1/services").await;
        let is_it = |one: &&Value| one["project"] == project && one["service"] == name;
        let found = all.as_array().unwrap().iter().find(is_it).cloned().unwrap_or_default();
        if wanted(&found) { Ok(found) } else { Err(found) }
    })
    .await
}

fn texts(events: &Value) -> Vec<&str> {
    events.as_array().unwrap().iter().filter_map(|event| event["text"].as_str()).collect()
}

/// The events of the service, oldest first, once this is the newest.
async fn told(exporter: &Exporter, project: &str, newest: &str) -> Vec<String> {
    let path = format!("/api/v1/events?project={project}&service=app");
    until(newest, PATIENT, async || {
        exporter.scrape().await;
        let events = json(exporter, &path).await;
        let mut texts: Vec<String> = texts(&events).into_iter().map(ToOwned::to_owned).collect();
        // Troubles come and go with the states; they are told elsewhere.
        texts.retain(|text| text.starts_with("app ("));
        if texts.iter().any(|text| text == newest) {
            texts.reverse();
            return Ok(texts);
        }
        Err(texts)
    })
    .await
}

fn app(project: &str) -> ContainerSpec {
    ContainerSpec::calm(project, "app").cpus(0.5).shell("while :; do sleep 0.01; done")
}

#[test]
fn a_service_is_stopped_started_and_deployed_and_the_api_tells_it() {
    run(async {
        let (docker, nats) = (Stack::docker().await, Stack::nats().await);
        let project = "overview";
        let first = docker.run(app(project));
        let config = format!(
            "{}nats:\n  main: {{ url: \"{}\" }}\nweb: {{ external_url: \"https://page.example.com/\" }}\n",
            docker.section(""),
            nats.monitor_url(),
        );
        let exporter = Exporter::start(binary(), &config).await;
        let busy = |one: &Value| one["cpu_cores"]["used"].as_f64().is_some_and(|used| used > 0.0);
        let one = service(&exporter, (project, "app"), busy).await;
        assert_eq!((&one["mood"], &one["state"]), (&"up".into(), &"running".into()));
        assert!(one["since"].as_f64().is_some_and(|since| since > 1.7e9), "{one}");
        assert_eq!(one["memory_bytes"]["limit"], 33_554_432.0);
        assert!(one["memory_bytes"]["used"].as_f64().is_some_and(|used| used > 0.0), "{one}");
        assert!(one["cpu_cores"]["used"].as_f64().is_some_and(|used| used < 0.7), "{one}");
        assert_eq!(one["cpu_cores"]["limit"], 0.5);
        assert_eq!(one["image"]["name"], "stack-live/busybox:1");
        assert_eq!(one["restarts"], 0);
        assert_eq!(one["containers"][0], docker.name("overview-app"));
        assert_eq!(one["day"]["steps"].as_array().unwrap().last(), Some(&"up".into()));
        the_rest(&exporter).await;

        first.stop().unwrap();
        told(&exporter, project, "app (overview) was stopped").await;
        let idle = |one: &Value| one["state"] == "stopped";
        assert_eq!(service(&exporter, (project, "app"), idle).await["mood"], "idle");
        first.start().unwrap();
        told(&exporter, project, "app (overview) was started").await;
        first.restart().unwrap();
        told(&exporter, project, "app (overview) was started again").await;
        first.remove();
        let second = docker.run(app(project));
        let events = told(&exporter, project, "app (overview) was deployed").await;
        restarted(&exporter, project, &events).await;
        drop(second);
    });
}

/// What else there is: the target of NATS, the status, and which numbers have a history.
async fn the_rest(exporter: &Exporter) {
    let target = until("the figures of nats", PATIENT, async || {
        exporter.scrape().await;
        let stack = json(exporter, "/api/v1/stack").await;
        let groups = stack["groups"].as_array().unwrap().clone();
        let nats = groups.into_iter().find(|group| group["area"] == "nats").unwrap_or_default();
        let target = nats["targets"][0].clone();
        let points = &target["figures"][0]["points"];
        if points.as_array().is_some_and(|points| !points.is_empty()) {
            Ok(target)
        } else {
            Err(stack)
        }
    })
    .await;
    assert_eq!((&target["target"], &target["mood"]), (&"main".into(), &"up".into()));
    assert_eq!(target["day"]["steps"].as_array().unwrap().last(), Some(&"up".into()));
    let status = json(exporter, "/api/v1/status").await;
    assert!(status["machine"].as_str().is_some_and(|name| !name.is_empty()), "{status}");
    assert!(status["last_scrape"].as_f64().is_some_and(|at| at > 1.7e9), "{status}");
    assert!(status["troubles"].is_array(), "{status}");
    let info = exporter.scrape().await;
    let info = info.line("stack_exporter_info{").unwrap_or_default().to_owned();
    assert!(
        info.contains("external_url=\"https://page.example.com\"") && info.ends_with(" 1"),
        "{info}"
    );
    let numbers = json(exporter, "/api/v1/history").await;
    let signal = &target["figures"][0]["signal"];
    assert!(numbers.as_array().unwrap().iter().any(|one| &one["signal"] == signal), "{numbers}");
}

/// What the path answers once it has said the same for longer than from one look of the overview to the next.
async fn settled(exporter: &Exporter, path: &str) -> Value {
    let mut last = (json(exporter, path).await, Instant::now());
    until("events that stay as they are", PATIENT, async || {
        exporter.scrape().await;
        let now = json(exporter, path).await;
        if now != last.0 {
            last = (now, Instant::now());
        }
        if last.1.elapsed() > Duration::from_secs(6) { Ok(last.0.clone()) } else { Err(()) }
    })
    .await
}

/// Over a restart of the exporter nothing is lost, and what has not changed is no news.
async fn restarted(exporter: &Exporter, project: &str, events: &[String]) {
    // Others may have containers and troubles there.
    let ours = format!("/api/v1/events?project={project}");
    let all = settled(exporter, &ours).await;
    exporter.restart().await;
    // Once this is told, the look after the restart has been compared with the one before.
    assert_eq!(exporter.reload().await.0, 200);
    let after = until("the reload", PATIENT, async || {
        exporter.scrape().await;
        let loaded = json(exporter, "/api/v1/events?area=exporter").await;
        let after = json(exporter, &ours).await;
        let told = texts(&loaded).contains(&"the configuration was loaded again");
        if told { Ok(after) } else { Err(loaded) }
    })
    .await;
    assert_eq!(after, all);
    let last = events.last().unwrap();
    assert_eq!(told(exporter, project, last).await, events);
    let running = |one: &Value| one["state"] == "running";
    let day = service(exporter, (project, "app"), running).await["day"]["steps"].clone();
    assert!(day.as_array().unwrap().contains(&"up".into()), "{day}");
}
