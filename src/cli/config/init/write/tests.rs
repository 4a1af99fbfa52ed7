//! Whatever was seen, the file is right as it is written, and becomes right again when what waits
//! is taken up.

use super::*;
use crate::collectors::{self, Config};
use crate::config;
use crate::engine::Memory;
use crate::plan::Plan;

fn container(
    name: &str,
    image: &str,
    service: Option<(&str, &str)>,
    ports: &[(u16, u16)],
) -> Container {
    let own = |(project, name): (&str, &str)| (project.to_owned(), name.to_owned());
    let at = |(inside, outside): &(u16, u16)| (*inside, ("0.0.0.0".parse().unwrap(), *outside));
    Container {
        name: name.into(),
        image: image.into(),
        service: service.map(own),
        files: vec![("/nonexistent/$x\n: evil.yml".into(), false)],
        published: ports.iter().map(at).collect(),
    }
}

fn seen() -> Seen {
    let shop = |service| Some(("shop", service));
    Seen {
        hostname: "host\n- evil".into(),
        containers: Ok(vec![
            container("shop-db-1", "postgres:15", shop("db"), &[(5432, 5555)]),
            container("blog-db-1", "pgvector/pgvector:pg17", Some(("blog", "db")), &[]),
            container("shop-nats-1", "nats:2", shop("nats"), &[(4222, 4222), (8222, 8222)]),
            container("shop-cache-1", "redis:7", shop("cache"), &[(6379, 6379)]),
            container("shop-places-1", "qdrant/qdrant:v1.17.0", shop("places"), &[(6333, 6334)]),
            container("shop-docs-1", "mongo:7", shop("docs"), &[]),
            container("shop-off-1", "app", shop("off"), &[(8000, 8080)]),
            container("odd 'name", "nginx", None, &[]),
        ]),
        ports: vec![5432, 5555, 8222],
        units: Ok(vec!["bot.service".into(), "worker@1.service".into(), "clean.timer".into()]),
        journal: true,
        gpu: true,
    }
}

/// Mistakes, and targets as `area/name place`.
fn planned(text: &str) -> (Vec<String>, Vec<String>) {
    let loaded = config::load::<Config>("x.yml", text, &|_| None);
    let found = loaded.finish().unwrap_or_else(|mistakes| panic!("{mistakes:?}\n{text}"));
    let memory = Memory::default();
    let mut plan = Plan::new(&|_| None, &memory);
    collectors::plan(&found, &mut plan);
    let mistakes = plan.mistakes.into_iter().map(|one| format!("{}: {}", one.path, one.message));
    let targets = plan.targets.iter().map(|one| format!("{} {}", one.id, one.place));
    (mistakes.collect(), targets.collect())
}

#[test]
fn what_runs_is_watched() {
    let text = configuration(&seen());
    let (mistakes, targets) = planned(&text);
    assert_eq!(mistakes, [""; 0], "{text}");
    for target in [
        "docker",
        "postgres db 127.0.0.1:5555/postgres",
        "postgres local 127.0.0.1:5432/postgres",
        "nats http://127.0.0.1:8222",
        "store cache redis://127.0.0.1:6379",
        "store places http://127.0.0.1:6334",
        "probe off tcp://127.0.0.1:8080",
        "logs db compose service shop/db",
        "logs blog-db compose service blog/db",
        "logs odd__name container odd 'name",
        "logs unit-bot journal at",
        "systemd",
        "gpu NVML",
    ] {
        assert!(targets.iter().any(|one| one.starts_with(target)), "{target}: {targets:?}\n{text}");
    }
    assert!(text.contains("shop-off-1") || text.contains("\"shop/off\""), "{text}");
    assert!(text.contains("blog-db-1 publishes no port 5432"), "{text}");
    assert!(text.contains("shop-docs-1 publishes no port 27017"), "{text}");
    assert!(
        !text.contains("\n- evil") && text.contains("# - \"/nonexistent/$$x\\n: evil.yml\""),
        "{text}"
    );
}

#[test]
fn without_anything_it_still_says_what_could_be() {
    let seen = Seen {
        hostname: "h".into(),
        containers: Err("no Docker socket at /var/run/docker.sock".into()),
        ports: Vec::new(),
        units: Err("no system bus".into()),
        journal: false,
        gpu: false,
    };
    let text = configuration(&seen);
    assert_eq!(planned(&text).0, [""; 0], "{text}");
    assert!(text.contains("# None was seen: no Docker socket at"), "{text}");
    assert!(text.contains("None was seen: no system bus"), "{text}");
    assert!(!text.contains("gpu:"), "{text}");
    // All that waits, taken up.
    let sections =
        ["docker", "postgres", "nats", "stores", "probes", "logs", "systemd", "backups", "web"];
    let (mut taken, mut inside) = (String::new(), false);
    for line in text.lines() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        if sections.iter().any(|section| bare == format!("{section}:")) {
            inside = true;
            taken += bare;
        } else if inside && line.starts_with("  ") {
            taken += &line.replacen("# ", "", 1);
        } else {
            inside = false;
        }
        taken.push('\n');
    }
    let (mistakes, targets) = planned(&taken);
    let absent =
        |mistake: &String| mistake.contains("no such file") || mistake.contains("is no file");
    assert!(mistakes.iter().all(absent), "{mistakes:?}\n{taken}");
    assert_eq!(targets.len(), 9, "{targets:?}\n{taken}");
}
