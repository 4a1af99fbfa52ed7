//! Secrets planted everywhere a user would put them, and looked for in everything that comes out.

use std::process::Command;

use crate::servers::docker::ContainerSpec;
use crate::servers::exporter::Exporter;
use crate::servers::{Stack, run, watchdog};
use crate::stage::binary;

const PLANTED: [&str; 6] = [
    "s3cret-in-url",
    "s3cret-in-file",
    "s3cret-in-env",
    "s3cret-in-query",
    "s3cret-in-container",
    "s3cret-in-sql",
];

fn leaks(place: &str, text: &str) -> Vec<String> {
    let found = PLANTED.iter().filter(|secret| text.contains(**secret));
    found.map(|secret| format!("{secret} in {place}:\n{text}")).collect()
}

#[test]
fn no_planted_secret_comes_out_anywhere() {
    run(async {
        let docker = Stack::docker().await;
        let postgres = Stack::postgres().await;
        let spec = ContainerSpec::new("keeper").env("API_KEY", "s3cret-in-container");
        let _keeper = docker.run(spec);
        let file = watchdog::dir("secret").join("password");
        std::fs::write(&file, "s3cret-in-file").unwrap();
        let (file, port) = (file.display().to_string(), postgres.port);
        let config = format!(
            "docker: {{ url: \"{}\" }}\n\
             nats:\n  one: {{ url: \"http://user:s3cret-in-url@127.0.0.1:1/?token=s3cret-in-query\" }}\n\
             postgres:\n\
             \x20 wrong: {{ url: \"postgresql://monitor:s3cret-in-url@127.0.0.1:{port}/tasktracker\" }}\n\
             \x20 filed: {{ url: \"postgresql://monitor@127.0.0.1:{port}/tasktracker\", password_file: {file} }}\n\
             \x20 env: {{ url: \"postgresql://monitor:${{PLANTED_PW}}@127.0.0.1:{port}/tasktracker\" }}\n",
            docker.host()
        );
        let env = [("PLANTED_PW", "s3cret-in-env")];
        let exporter = Exporter::start_with(binary(), &config, &["--log.level=debug"], &env).await;
        let _sleeper = postgres.background("SELECT pg_sleep(60), 's3cret-in-sql'").await;

        let mut found = Vec::new();
        for path in [
            "/metrics",
            "/",
            "/api/v1/status",
            "/api/v1/stack",
            "/api/v1/services",
            "/api/v1/events",
            "/api/v1/history",
            "/debug/nats/one",
            "/debug/postgres/wrong",
            "/debug/postgres/filed",
            "/debug/postgres/env",
            "/debug/docker/docker",
        ] {
            let answer = exporter.get(path, &[]).await;
            assert_eq!(answer.status, 200, "{path}");
            found.extend(leaks(path, &answer.body));
        }
        assert!(exporter.scrape().await.body.contains("reason=\"auth\""), "they were really used");
        // A broken file: mistakes must not repeat what they complain of.
        exporter.write_config(&format!("{config}\x20 bad: s3cret-in-url\nnats_: s3cret-in-env\n"));
        let (status, answer) = exporter.reload().await;
        assert_eq!(status, 400, "{answer}");
        found.extend(leaks("the answer to a reload", &answer));
        found.extend(leaks("the log", &exporter.log()));

        let path = watchdog::dir("config").join("config.yaml");
        std::fs::write(&path, &config).unwrap();
        for arguments in [
            &["config", "show"][..],
            &["config", "check"],
            &["check"],
            &["check", "--format", "json"],
        ] {
            let output = Command::new(binary())
                .args(arguments)
                .arg("--config.file")
                .arg(&path)
                .env("PLANTED_PW", "s3cret-in-env")
                .output()
                .unwrap();
            let text =
                String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            assert!(!text.is_empty(), "{arguments:?}");
            found.extend(leaks(&format!("{arguments:?}"), &text));
        }
        assert!(found.is_empty(), "{}", found.join("\n\n"));
    });
}

/// Addresses of which one driver reads a piece of the password as the host. Each piece has a name.
const TORN: [&str; 6] = [
    "postgresql://monitor:s3cretA@s3cretB/s3cretC@127.0.0.1:1/app",
    "postgresql://monitor:s3cretA/s3cretB@127.0.0.1:1/app",
    "postgresql://monitor:s3cretA#s3cretB?s3cretC@127.0.0.1:1/app",
    "postgresql://monitor:s3cretA:1/s3cretB@127.0.0.1:1/app",
    "postgresql://monitor@127.0.0.1:1/app?password=s3cretA&user=s3cretB@s3cretC",
    "host=127.0.0.1 password=s3cretA s3cretB",
];

fn torn(place: &str, text: &str) -> Option<String> {
    text.contains("s3cret").then(|| format!("{place}: {text}"))
}

#[test]
fn an_address_with_two_readings_is_a_mistake_and_nothing_of_it_is_shown() {
    run(async {
        let mut found = Vec::new();
        let quiet = "docker: { enabled: false }\nhost: { enabled: false }\nlogs: {}\n";
        for address in TORN {
            let env = [("DATABASE_URL", address)];
            let exporter =
                Exporter::start_with(binary(), quiet, &["--log.level=debug"], &env).await;
            for path in ["/metrics", "/", "/api/v1/status", "/debug/postgres/app"] {
                let answer = exporter.get(path, &[]).await;
                found.extend(torn(&format!("{path} of {address}"), &answer.body));
            }
            let log = exporter.log();
            found.extend(torn(&format!("the log of {address}"), &log));
            assert!(log.contains("not watching") && log.contains("DATABASE_URL: "), "{log}");
            if address.contains("@127.0.0.1") {
                let advice = "percent-encode @ : / # ? in the password, or use password_file";
                assert!(log.contains(advice), "{log}");
            }
            // The same in a file: `config check` says what the start says, and the file is refused.
            let path = watchdog::dir("config").join("config.yaml");
            let quoted = serde_json::to_string(address).unwrap();
            std::fs::write(&path, format!("{quiet}postgres:\n  a: {{ url: {quoted} }}\n")).unwrap();
            for arguments in [&["config", "show"][..], &["config", "check"], &["check"], &["serve"]]
            {
                let output = Command::new(binary())
                    .args(arguments)
                    .arg("--config.file")
                    .arg(&path)
                    .output()
                    .unwrap();
                assert!(!output.status.success(), "{arguments:?} takes {address}");
                let said = [output.stdout, output.stderr].concat();
                let said = String::from_utf8_lossy(&said);
                assert!(said.contains(":5: postgres.a.url: "), "{arguments:?}: {said}");
                found.extend(torn(&format!("{arguments:?} of {address}"), &said));
            }
        }
        assert!(found.is_empty(), "{}", found.join("\n\n"));
    });
}

/// The same password, encoded, gets in, and does not come out.
#[test]
fn an_encoded_password_gets_in_and_is_not_shown() {
    run(async {
        let postgres = Stack::postgres().await;
        let password = "s3cret-Monitor%2Fwith%40odd%3Asigns";
        let address =
            format!("postgresql://monitor:{password}@127.0.0.1:{}/tasktracker", postgres.port);
        let settings = format!(
            "host=127.0.0.1 port={} user=monitor dbname=tasktracker password='{}'",
            postgres.port,
            crate::servers::postgres::MONITOR_PASSWORD
        );
        let config = format!(
            "docker: {{ enabled: false }}\nhost: {{ enabled: false }}\nlogs: {{}}\n\
             postgres:\n  a: {{ url: \"{address}\" }}\n  b: {{ url: \"{settings}\" }}\n"
        );
        let exporter = Exporter::start(binary(), &config).await;
        let mut said = exporter.log();
        for target in ["a", "b"] {
            let up = format!("stack_target_up{{target=\"{target}\",area=\"postgres\"}} 1");
            said += &exporter.wait_line(&up, crate::servers::wait::PATIENT).await.body;
        }
        for path in ["/", "/api/v1/status", "/debug/postgres/a", "/debug/postgres/b"] {
            said += &exporter.get(path, &[]).await.body;
        }
        assert!(!said.contains("s3cret") && !said.contains("odd:signs"), "{said}");
        assert!(said.contains(&format!("server=\"127.0.0.1:{}\"", postgres.port)), "{said}");
    });
}

#[test]
fn a_bad_reload_leaves_the_old_configuration_in_force() {
    run(async {
        let nats = Stack::nats().await;
        let config = format!("nats:\n  main: {{ url: \"{}\" }}\n", nats.monitor_url());
        let exporter = Exporter::start(binary(), &config).await;
        let reads = "stack_target_reads_total{target=\"main\",area=\"nats\",outcome=\"ok\"}";
        let before = exporter.scrape().await.value(reads).unwrap();
        exporter.write_config("nats:\n  main: { url: 7 }\n");
        let (status, answer) = exporter.reload().await;
        assert_eq!(status, 400);
        assert!(answer.contains("config.yaml:2: nats.main.url: expected a string"), "{answer}");
        let scrape = exporter.scrape().await;
        assert_eq!(scrape.value("stack_config_last_reload_successful"), Some(0.0));
        assert!(scrape.value(reads).unwrap() >= before, "{}", scrape.body);
        assert!(exporter.log().contains("the old one stays in force"), "{}", exporter.log());
        // Only a threshold changes: the reading and its counters go on.
        let looser = config.replace(" }", ", thresholds: { endpoint_duration: 7s } }");
        exporter.write_config(&looser);
        exporter.hangup();
        let scrape = exporter
            .wait_line("stack_config_last_reload_successful 1", crate::servers::wait::PATIENT)
            .await;
        let limit = "stack_threshold{target=\"main\",area=\"nats\",signal=\"endpoint_duration\",severity=\"warning\"}";
        assert_eq!(scrape.value(limit), Some(7.0), "{}", scrape.body);
        assert!(scrape.value(reads).unwrap() >= before);
    });
}
