//! The stack on the page, from real containers: 25 that are well, and 25 with six troubles; the pages of
//! services and targets; small, quick, and fit for each width and theme. The pictures lie in
//! `target/page/`; with `STACK_EXPORTER_PICTURES=1` the README's is made anew.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use futures_util::future::join_all;
use serde_json::json;

use crate::page::{fits, seen};
use crate::servers::block_io;
use crate::servers::browser::Browser;
use crate::servers::docker::{Container, ContainerSpec, Docker};
use crate::servers::exporter::Exporter;
use crate::servers::port::free_port;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{http_client, run};
use crate::stage::binary;

/// A page may weigh so much on its way.
const HEAVY: usize = 60_000;
const H1: &str = "return document.querySelector('h1').innerText";

/// Gives the machine a name that a reader may have, for this process alone.
const NAMED: &str = "name=$(mktemp) && echo homeserver >$name && exec unshare --mount --uts \
    sh -c 'mount --bind \"$0\" /etc/hostname && hostname homeserver && exec \"$@\"' \"$name\" \"$@\"";

/// Project, service, image, MiB that it holds of its 32.
const CALM: [(&str, &str, &str, u32); 19] = [
    ("blog", "db", "mariadb:11.4", 14),
    ("blog", "web", "wordpress:6.6-apache", 11),
    ("media", "indexer", "ghcr.io/example/indexer:2.3", 9),
    ("media", "library", "jellyfin/jellyfin:10.10", 17),
    ("media", "torrent", "linuxserver/qbittorrent:5.0", 6),
    ("monitoring", "alertmanager", "prom/alertmanager:v0.28.0", 3),
    ("monitoring", "grafana", "grafana/grafana:11.4.0", 12),
    ("monitoring", "loki", "grafana/loki:3.3", 8),
    ("monitoring", "prometheus", "prom/prometheus:v3.1.0", 18),
    ("shop", "auth", "ghcr.io/example/shop-auth:1.8.2", 7),
    ("shop", "mail", "mailserver/docker-mailserver:14", 5),
    ("shop", "nats", "nats:2.10", 4),
    ("shop", "proxy", "traefik:v3.2", 6),
    ("shop", "redis", "redis:7.4", 5),
    ("shop", "scheduler", "ghcr.io/example/shop:1.8.2", 8),
    ("shop", "web", "nginx:1.27", 3),
    ("wiki", "db", "postgres:17", 10),
    ("wiki", "outline", "outlinewiki/outline:0.81", 16),
    ("", "watchtower", "containrrr/watchtower:1.7.1", 2),
];

/// Those that have troubles in the second act.
const SICK: [(&str, &str); 6] = [
    ("shop", "api"),
    ("shop", "cache"),
    ("shop", "db"),
    ("shop", "search"),
    ("shop", "worker"),
    ("media", "transcoder"),
];

fn spec(project: &str, service: &str) -> ContainerSpec {
    let name =
        if project.is_empty() { service.to_owned() } else { format!("{project}-{service}-1") };
    let spec = ContainerSpec::lone(&name);
    if project.is_empty() { spec } else { spec.compose(project, service, 1) }
}

/// Holds some memory, and goes on.
fn holds(spec: ContainerSpec, mebibytes: u32) -> ContainerSpec {
    spec.shell(&format!(
        "dd if=/dev/zero of=/dev/shm/f bs=1M count={mebibytes} 2>/dev/null; exec sleep 86400"
    ))
}

/// Starts them side by side: one after the other takes half a minute.
fn start(docker: &Docker, all: Vec<ContainerSpec>) -> Vec<Container> {
    std::thread::scope(|scope| {
        let run = |spec| scope.spawn(move || docker.run(spec));
        let running: Vec<_> = all.into_iter().map(run).collect();
        running.into_iter().map(|one| one.join().expect("a container")).collect()
    })
}

fn calm(docker: &Docker) -> Vec<Container> {
    std::thread::scope(|scope| {
        for (_, _, image, _) in CALM {
            scope.spawn(move || docker.import(image));
        }
    });
    let of = |(project, service, image, mebibytes): (&str, &str, &str, u32)| {
        holds(spec(project, service), mebibytes).image(image).cpus(1.0)
    };
    start(docker, CALM.into_iter().map(of).collect())
}

/// The six as they should be.
fn well(docker: &Docker) -> Vec<Container> {
    let of = |(project, service): (&str, &str)| holds(spec(project, service), 5);
    start(docker, SICK.into_iter().map(of).collect())
}

/// The six as they should not.
fn sick(docker: &Docker) -> Vec<Container> {
    let refused = "echo '[ERROR] app: cannot connect to 10.0.4.2:5432: connection refused'; sleep 0.2; exit 1";
    let all = [
        holds(spec("shop", "api"), 5).health("false"),
        // What lies in a tmpfs cannot be given back.
        holds(spec("shop", "cache"), 30),
        holds(spec("shop", "db"), 9).publish(5432, "0.0.0.0", free_port()),
        spec("shop", "search").shell("tail /dev/zero"),
        spec("shop", "worker").shell(refused).restart("always", 0),
        spec("media", "transcoder").shell("exit 3"),
    ];
    start(docker, all.into())
}

fn config(docker: &Docker) -> String {
    let worker = docker.name("shop-worker-1");
    format!(
        "{}host: {{ enabled: false }}\nlogs:\n  worker: {{ container: \"{worker}\", engine: \"{}\", engine_root: /, start: beginning }}\n",
        docker.section(""),
        docker.host(),
    )
}

fn pictures() -> PathBuf {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/page");
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// All of the page; for readers elsewhere its first part, a little smaller.
async fn picture(browser: &Browser, file: &Path, all: bool) -> usize {
    let mut taken = json!({ "format": "png", "captureBeyondViewport": true });
    if !all {
        taken["clip"] = json!({ "x": 0, "y": 0, "width": 1600, "height": 1700, "scale": 0.7 });
    }
    let answer = browser.command("Page.captureScreenshot", &taken).await;
    let data = answer["data"].as_str().expect("a picture");
    let png = base64::engine::general_purpose::STANDARD.decode(data).unwrap();
    fs::write(file, &png).unwrap();
    png.len()
}

/// Bytes on their way, with gzip.
async fn weight(exporter: &Exporter, path: &str) -> usize {
    let url = format!("{}{path}", exporter.url());
    let answer = http_client().get(url).header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    answer.bytes().await.unwrap().len()
}

/// Width, height, and whether it is dark.
type Window = (u32, u32, bool);

const WINDOWS: [Window; 4] =
    [(1600, 1000, false), (390, 844, true), (1600, 1000, true), (390, 844, false)];

/// The page in each width and theme, with a picture of each.
async fn looks(exporter: &Exporter, act: &str, paths: &[(&str, &str)], windows: &[Window]) {
    join_all(windows.iter().map(async |(width, height, dark)| {
        let (width, dark) = (*width, *dark);
        let browser = Browser::open(width, *height, dark).await;
        for (path, name) in paths {
            browser.visit(&format!("{}{path}", exporter.url())).await;
            fits(&browser, width).await;
            let theme = if dark { "dark" } else { "light" };
            let file = pictures().join(format!("{act}-{name}-{width}-{theme}.png"));
            picture(&browser, &file, true).await;
        }
    }))
    .await;
}

/// The first paint comes soon after the answer: the best of some loads, as the machine may be busy.
async fn paints(exporter: &Exporter, browser: &Browser, act: &str) {
    let script = "const paint = performance.getEntriesByName('first-contentful-paint')[0];
        const page = performance.getEntriesByType('navigation')[0];
        return paint ? [page.responseEnd - page.requestStart, paint.startTime - page.responseEnd] : []";
    let times = until("a first paint 200 ms after the answer", PATIENT, async || {
        browser.visit(&exporter.url()).await;
        let times = browser.script(script).await;
        let times: Vec<f64> =
            times.as_array().unwrap().iter().filter_map(serde_json::Value::as_f64).collect();
        if times.len() == 2 && times[1] < 200.0 { Ok(times) } else { Err(times) }
    })
    .await;
    eprintln!("{act}: answered in {:.0} ms, painted {:.0} ms later", times[0], times[1]);
}

async fn text(browser: &Browser, selector: &str) -> String {
    let script = format!("return document.querySelector({}).innerText", json!(selector));
    browser.text(&script).await
}

#[test]
fn twenty_five_containers_that_are_well_and_then_six_troubles() {
    run(async {
        let Some(docker) = Docker::own("containers that are alone on a page").await else { return };
        let docker = docker.plain();
        // Else this would be told as what cannot be seen; whether it can be is not the question here.
        let _ = block_io::counted(&docker).await;
        let (calm, before) = (calm(&docker), well(&docker));
        let exporter = Exporter::scripted(binary(), &config(&docker), NAMED, &[]);
        let browser = Browser::open(1600, 1000, false).await;
        until("the page of 25 containers that are well", PATIENT, async || {
            browser.visit(&exporter.url()).await;
            let count = "return ['.services .state.up', '.trouble.critical, .trouble.warning']\
                         .map(which => document.querySelectorAll(which).length)";
            let (head, counts) = (browser.text(H1).await, browser.script(count).await);
            if counts == json!([25, 0]) { Ok(()) } else { Err((head, counts)) }
        })
        .await;
        let services = text(&browser, "#services h2").await;
        assert_eq!(services, "Services 25, all up");
        assert_eq!(text(&browser, "#project-shop h3").await, "shop 12 services, all up");
        paints(&exporter, &browser, "well").await;
        looks(&exporter, "well", &[("/", "page")], &WINDOWS[..2]).await;
        let well = weight(&exporter, "/").await;

        drop(before);
        let _sick = sick(&docker);
        troubles(&exporter, &browser).await;
        paints(&exporter, &browser, "sick").await;
        looks(
            &exporter,
            "sick",
            &[
                ("/", "page"),
                ("/service/shop/worker", "service"),
                ("/target/docker/docker", "docker"),
                ("/target/logs/worker", "log"),
                ("/service/shop/none", "missing"),
            ],
            &WINDOWS,
        )
        .await;
        let sick = weight(&exporter, "/").await;
        let service = weight(&exporter, "/service/shop/worker").await;
        eprintln!("well {well} B, with six troubles {sick} B, a service {service} B, with gzip");
        assert!(well.max(sick).max(service) < HEAVY);
        pages(&exporter, &browser).await;
        if std::env::var_os("STACK_EXPORTER_PICTURES").is_some() {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/page.png");
            browser.visit(&exporter.url()).await;
            let bytes = picture(&browser, &file, false).await;
            assert!(bytes < 300_000, "{bytes}");
        }
        drop(calm);
    });
}

/// Until each of the six has said what is wrong with it.
async fn troubles(exporter: &Exporter, browser: &Browser) {
    until("six troubles on the page", 2 * PATIENT, async || {
        exporter.scrape().await;
        browser.visit(&exporter.url()).await;
        let all = text(browser, "main").await;
        let wanted = [
            "worker (shop) restarts again and again",
            "shop-api-1 (shop) fails its health check",
            "has killed search (shop)",
            "shop-cache-1 (shop) is near its memory limit",
            "shop-db-1 (shop) can be reached from anywhere",
            "have no running container: ",
            "cannot connect to",
        ];
        let missing: Vec<_> = wanted.iter().filter(|word| !all.contains(**word)).collect();
        let bad = browser
            .script("return document.querySelectorAll('#troubles > *, #troubles .trouble').length")
            .await;
        if missing.is_empty() && bad.as_u64() >= Some(6) {
            Ok(())
        } else {
            Err(format!("{missing:?} {all}"))
        }
    })
    .await;
}

/// What stands on the pages of one service and of one target.
async fn pages(exporter: &Exporter, browser: &Browser) {
    browser.visit(&exporter.url()).await;
    browser.script("document.querySelector('#service-shop_2fworker a').click()").await;
    seen(browser, "return location.pathname", "/service/shop/worker").await;
    seen(browser, H1, "worker (shop)").await;
    let all = text(browser, "main").await;
    for wanted in ["restarts again and again", "Thresholds", "How it is read", "Containers"] {
        assert!(all.contains(wanted), "{wanted}: {all}");
    }
    browser.visit(&format!("{}/target/docker/docker", exporter.url())).await;
    let all = text(browser, "main").await;
    for wanted in ["How it is read", "unix://", "Its services:"] {
        assert!(all.contains(wanted), "{wanted}: {all}");
    }
    let gone = exporter.get("/target/docker/<b>", &[]).await;
    assert_eq!(gone.status, 404);
    assert!(gone.body.contains("There is no such target") && !gone.body.contains("<b>\""));
}
