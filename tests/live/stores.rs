//! Redis, for real: with a password, killed, hung, another program in its place, full, evicting, failing to
//! save, and well again each time. [B07 C01]

use crate::servers::kostatus::KoStatus;
use crate::servers::prometheus::Labels;
use crate::servers::redis::Redis;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{run, watchdog};
use crate::stage::{Stage, Watched};

const CACHE: Watched =
    Watched { area: "store", target: "cache", alert: "StoreDown", severity: "critical" };
const OF: [(&str, &str); 2] = [("area", "store"), ("target", "cache")];

#[test]
fn redis_that_is_killed_hangs_lies_and_returns() {
    run(async {
        let redis = Redis::start(Some("hunter2"), &[]).await;
        let folder = watchdog::dir("redis-password");
        let file = folder.join("password");
        std::fs::write(&file, "hunter1\n").unwrap();
        let config = format!(
            "stores:\n  cache: {{ redis: \"{}\", password_file: {} }}\n",
            redis.url(),
            file.display()
        );
        let stage = Stage::start(&config).await;
        stage.sick(CACHE, "auth").await;
        // The file is read again by itself.
        std::fs::write(&file, "hunter2\n").unwrap();
        let scrape = stage.well(CACHE).await;
        assert_eq!(scrape.value("redis_up{target=\"cache\"}"), Some(1.0), "{}", scrape.body);
        assert!(scrape.value("redis_connected_clients{target=\"cache\"}") >= Some(1.0));

        redis.server.kill();
        stage.sick(CACHE, "refused").await;
        let told = stage.exporter.log().matches("cannot read target").count();
        assert_eq!(told, 2, "one log line per change of state: {}", stage.exporter.log());
        let lies = KoStatus::impostor(redis.port, "text/html", "<html>It works!</html>").await;
        stage.sick(CACHE, "protocol").await;
        drop(lies);
        redis.restart().await;
        stage.well(CACHE).await;

        redis.server.pause().await;
        stage.sick(CACHE, "timeout").await;
        redis.server.resume();
        stage.well(CACHE).await;

        // All places are taken: who asks is turned away, and so are we.
        redis.run(&["CONFIG", "SET", "maxclients", "1"]);
        let holds = std::net::TcpStream::connect(("127.0.0.1", redis.port)).unwrap();
        stage.sick(CACHE, "too_many_clients").await;
        drop(holds);
        stage.well(CACHE).await;
        assert!(!stage.exporter.log().contains("hunter"), "{}", stage.exporter.log());
    });
}

#[test]
fn redis_that_is_full_or_cannot_save_says_so_and_why() {
    run(async {
        let redis = Redis::start(None, &["--maxmemory", "3mb"]).await;
        let config = format!("stores:\n  cache: {{ redis: \"{}\" }}\n", redis.url());
        let stage = Stage::start(&config).await;
        // What is judged by its change has to go on while it is waited for.
        let fires = async |alert: &str, label: (&str, &str), act: &dyn Fn()| {
            until(alert, 2 * PATIENT, async || {
                act();
                let alerts = stage.prometheus.alerts().await;
                let is = |labels: &Labels| {
                    let all = [OF[0], OF[1], ("alertname", alert), label];
                    all.iter().all(|(key, value)| labels.get(*key).is_some_and(|is| is == value))
                };
                let found = alerts.iter().any(|(labels, state)| state == "firing" && is(labels));
                if found { Ok(()) } else { Err(alerts) }
            })
            .await;
        };
        let set = |key: &str| redis.run(&["SET", key, &"y".repeat(1000)]);
        let quiet = async |alert: &str| stage.prometheus.wait_quiet(alert, &OF, 2 * PATIENT).await;
        let scrape = stage.well(CACHE).await;
        let share = "stack_store_memory_ratio{target=\"cache\",when_full=\"refuses\"}";
        assert!(scrape.value(share) < Some(0.8), "{}", scrape.body);
        let refused = "redis_errors_total{target=\"cache\",err=\"OOM\"}";
        assert_eq!(scrape.value(refused), Some(0.0), "{}", scrape.body);

        // Full: a script may begin below the limit and end above it.
        let fill = "for i=1,50000 do redis.call('set','k'..i,string.rep('x',100)) end";
        redis.run(&["EVAL", fill, "0"]);
        let starts = |word: &str| assert!(set("more").starts_with(word));
        fires("RedisRefusesWrites", ("err", "OOM"), &|| starts("OOM")).await;
        fires("RedisMemoryFull", ("severity", "critical"), &|| {}).await;

        // A cache makes room, which is advice.
        redis.run(&["CONFIG", "SET", "maxmemory-policy", "allkeys-random"]);
        stage.exporter.wait_line(&share.replace("refuses\"}", "evicts\"}"), PATIENT).await;
        quiet("RedisMemoryFull").await;
        let next = std::cell::Cell::new(0);
        let more = || {
            next.set(next.get() + 1);
            set(&format!("more{}", next.get()));
        };
        fires("RedisEvicts", ("severity", "info"), &more).await;

        // Something stands where its file should go: as root it may write anywhere.
        redis.run(&["CONFIG", "SET", "maxmemory", "0"]);
        let taken = redis.dir.join("dump.rdb");
        std::fs::create_dir(&taken).unwrap();
        redis.run(&["CONFIG", "SET", "save", "3600 1"]);
        redis.run(&["BGSAVE"]);
        fires("RedisSnapshotFails", ("severity", "critical"), &|| {}).await;
        fires("RedisRefusesWrites", ("err", "MISCONF"), &|| starts("MISCONF")).await;
        std::fs::remove_dir(&taken).unwrap();
        redis.run(&["BGSAVE"]);
        quiet("RedisSnapshotFails").await;
        assert_eq!(redis.run(&["SET", "one", "1"]), "OK");
    });
}
