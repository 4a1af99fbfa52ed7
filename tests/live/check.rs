//! `check` before a real Engine: the table as a golden text, one service alone, waiting, watching.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::servers::docker::{ContainerSpec, Docker};
use crate::servers::run;
use crate::servers::wait::{PATIENT, until};
use crate::stage::binary;

/// At 80 columns; `RUN-` stands before the names of containers, so lines are put together again.
const GOLDEN: &str = "\
CRITICAL worker (shop) restarts again and again \
its log says why; the Engine tries again for ever, at most once a minute \
docker compose -p 'shop' logs --tail 50 worker || docker logs --tail 50 worker

WARNING Container RUN-shop-api (shop) fails its health check \
neither Compose nor the Engine restarts it: the output of its last checks names the failure \
docker inspect --format '{{range .State.Health.Log}}{{.ExitCode}} {{.Output}}{{println}}{{end}}' RUN-shop-api; docker logs --tail 50 RUN-shop-api

1 critical, 1 warning, 1 piece of advice (--all shows them), N ok";

const ADVICE: &str = "ADVICE 6 containers have no bound on their log: RUN-";

struct Shop {
    docker: Docker,
    file: tempfile::NamedTempFile,
}

impl Shop {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(["check", "--only", "docker", "--config.file"]).arg(self.file.path());
        command.args(arguments).env("COLUMNS", "80").env_remove("NO_COLOR");
        command
    }

    async fn check(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = self.command(arguments);
        let ended = tokio::task::spawn_blocking(move || command.output().unwrap());
        let Output { status, stdout, stderr } = ended.await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code(), text(stdout), text(stderr))
    }

    /// Paragraph by paragraph, without names and numbers that are of this run.
    fn masked(&self, table: &str) -> String {
        let prefix = self.docker.name("");
        let paragraphs = table.trim_end().split("\n\n").map(|paragraph| {
            let words: Vec<&str> = paragraph.split_whitespace().collect();
            words.join(" ").replace(&prefix, "RUN-")
        });
        // See `one_service`.
        let block_io = "UNKNOWN docker: cannot see block I/O";
        let paragraphs = paragraphs.filter(|paragraph| !paragraph.starts_with(block_io));
        let text = paragraphs.collect::<Vec<_>>().join("\n\n").replace("1 not visible, ", "");
        let text = text.replace("(--all),", "(--all shows them),");
        let Some((before, count)) = text.rsplit_once(", ") else { return text };
        if count.strip_suffix(" ok").is_some_and(|n| n.parse::<u32>().is_ok()) {
            return format!("{before}, N ok");
        }
        text
    }
}

#[test]
fn a_shop_with_a_loop_a_sick_service_and_six_logs_without_a_bound() {
    run(async {
        let Some(docker) = Docker::own("listed alone").await else { return };
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), docker.section("")).unwrap();
        let shop = Shop { docker, file };
        let run = |spec| shop.docker.run(spec);
        let calm = |service: &str| ContainerSpec::calm("shop", service);
        let bare = json!({ "LogConfig": { "Type": "json-file", "Config": {} } });
        let unbounded = |service: &str| run(calm(service).merge("HostConfig", bare.clone()));
        let mut kept = vec![
            run(calm("worker").shell("exit 3").restart("always", 0)),
            run(calm("api").health("echo no; false")),
        ];
        kept.extend(["db", "cron", "web", "mail", "cache", "jobs"].map(unbounded));
        kept[1].wait_health("unhealthy", PATIENT).await;

        until("the whole of it", PATIENT, async || {
            let (code, table, _) = shop.check(&[]).await;
            let masked = shop.masked(&table);
            if masked == GOLDEN && code == Some(2) { Ok(table) } else { Err(masked) }
        })
        .await;
        let (_, table, _) = shop.check(&[]).await;
        for line in table.lines().filter(|line| !line.trim_start().starts_with("docker ")) {
            assert!(line.chars().count() <= 80, "{line}");
        }
        let (_, all, _) = shop.check(&["--all"]).await;
        let advice = shop.masked(&all);
        assert!(advice.contains(ADVICE), "{advice}");
        assert!(!all.contains("--all shows them"), "{all}");

        one_service(&shop).await;
        waiting(&shop, &mut kept).await;
        watching(&shop).await;
    });
}

async fn one_service(shop: &Shop) {
    let (code, web, _) = shop.check(&["web"]).await;
    // Which kernel counts block I/O is none of our business: one that does not is a gap.
    let well = if web.contains("cannot see block I/O") { 3 } else { 0 };
    assert_eq!(code, Some(well), "advice alone: {web}");
    for there in ["ADVICE", "WELL", "shop-web"] {
        assert!(web.contains(there), "{there}: {web}");
    }
    for alien in ["worker", "api", "shop-db"] {
        assert!(!web.contains(alien), "{alien}: {web}");
    }
    let (code, worker, _) = shop.check(&["shop/worker"]).await;
    assert_eq!(code, Some(2));
    assert!(worker.starts_with("CRITICAL  worker (shop)") && !worker.contains("api"), "{worker}");
    let (code, _, told) = shop.check(&["wroker"]).await;
    assert_eq!(code, Some(3));
    assert!(told.contains("`worker`"), "{told}");
}

/// One that becomes healthy while somebody waits for it.
async fn waiting(shop: &Shop, kept: &mut Vec<crate::servers::docker::Container>) {
    let late = ContainerSpec::calm("shop", "late").shell("sleep 8; touch /ok; exec sleep 600");
    kept.push(shop.docker.run(late.health("test -f /ok")));
    kept.last().unwrap().wait_health("unhealthy", PATIENT).await;
    let (code, early, _) = shop.check(&["late", "--window", "1s"]).await;
    let (late, told, _) = shop.check(&["late", "--wait", "60s"]).await;
    assert_eq!(late, Some(0), "{told}");
    // On a machine that is busy it may have become healthy before the first look.
    assert!(code == Some(1) || code == Some(2) || !early.contains("fails its"), "{early}");
    let (code, ..) = shop.check(&["worker", "--wait", "3s"]).await;
    assert_eq!(code, Some(2), "what does not get well");
}

async fn watching(shop: &Shop) {
    let mut command = shop.command(&["worker", "--watch=1"]);
    let out = tempfile::NamedTempFile::new().unwrap();
    command.stdout(out.reopen().unwrap()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    until("three reports, one after the other", PATIENT, async || {
        let text = std::fs::read_to_string(out.path()).unwrap();
        let reports = text.matches("CRITICAL  worker (shop)").count();
        if reports >= 3 { Ok(()) } else { Err(text) }
    })
    .await;
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let status = until("its end", Duration::from_secs(20), async || {
        child.try_wait().unwrap().ok_or("it goes on")
    })
    .await;
    assert_eq!(status.code(), Some(2), "the last one's");
}
