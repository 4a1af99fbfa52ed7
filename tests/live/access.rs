//! Logins over HTTP and TLS: each way is taken, a secret that changes is used without a reload, and
//! a wrong one is told from everything else, with the key and the file.

use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::servers::exporter::Exporter;
use crate::servers::httpd::{Httpd, Reply, Request};
use crate::servers::httpsd::Httpsd;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{certificates, run, watchdog};
use crate::stage::binary;

const ANSWER: &str = r#"{"n": 3}"#;

async fn up(exporter: &Exporter, target: &str, wanted: f64) {
    let series = format!("stack_target_up{{target=\"{target}\",area=\"queue\"}}");
    until(&format!("{target} {wanted}"), PATIENT, async || {
        let scrape = exporter.scrape().await;
        if scrape.value(&series) == Some(wanted) { Ok(()) } else { Err(scrape.body) }
    })
    .await;
}

/// What the status says of a target that cannot be read: its reason, and that it names all words.
async fn told(exporter: &Exporter, target: &str, reason: &str, words: &[&str]) {
    until(&format!("{target}: {reason} {words:?}"), PATIENT, async || {
        // A scrape reads, the status shows.
        exporter.scrape().await;
        let text = exporter.get("/api/v1/status", &[]).await.body;
        let status: serde_json::Value = serde_json::from_str(&text).unwrap();
        let all = status["not_visible"].as_array().cloned().unwrap_or_default();
        let one = all.iter().find(|one| one["target"] == target).cloned().unwrap_or_default();
        let said = one.to_string();
        let good = one["reason"] == reason && words.iter().all(|word| said.contains(word));
        if good { Ok(()) } else { Err(said) }
    })
    .await;
}

fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    let found = request.headers.iter().find(|(known, _)| known == name);
    found.map_or("", |(_, value)| value.as_str())
}

#[test]
fn a_secret_that_changes_is_used_and_a_wrong_one_is_told() {
    run(async {
        let dir = watchdog::dir("access");
        let file = |name: &str, text: &str| {
            let path = dir.join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let wanted = Arc::new(Mutex::new("tok-one"));
        let accepted = Arc::clone(&wanted);
        let server = Httpd::start(move |request| {
            let good = match request.path.as_str() {
                "/bearer" => {
                    header(request, "authorization")
                        == format!("Bearer {}", accepted.lock().unwrap())
                }
                // `monitor:pass:word` in base64.
                "/basic" => header(request, "authorization") == "Basic bW9uaXRvcjpwYXNzOndvcmQ=",
                "/header" => header(request, "x-api-key") == "key-1",
                _ => false,
            };
            let status = if good { 200 } else { 401 };
            Reply::new(status, "application/json", if good { ANSWER } else { "{}" })
        })
        .await;
        let (token, password, key) =
            (file("token", "tok-one\n"), file("password", "pass:word"), file("key", "key-1\n"));
        let at =
            |path: &str| format!("http: \"{}/{path}\", paths: {{ pending: /n }}", server.url());
        let exporter = Exporter::start(
            binary(),
            &format!(
                "queues:\n  bearer: {{ {}, bearer_token_file: {token} }}\n  \
                 basic: {{ {}, username: monitor, password_file: {password} }}\n  \
                 header: {{ {}, header_files: {{ X-Api-Key: {key} }} }}\n  naked: {{ {} }}\n",
                at("bearer"),
                at("basic"),
                at("header"),
                at("basic"),
            ),
        )
        .await;
        for target in ["bearer", "basic", "header"] {
            up(&exporter, target, 1.0).await;
        }
        told(&exporter, "naked", "auth", &["username", "bearer_token_file"]).await;
        // The server wants another token; the file has it a little later. Nobody reloads.
        *wanted.lock().unwrap() = "tok-two";
        up(&exporter, "bearer", 0.0).await;
        told(&exporter, "bearer", "auth", &["`bearer_token_file`", &token, "read again"]).await;
        file("token", "tok-two\n");
        up(&exporter, "bearer", 1.0).await;
        // As secrets are renewed by others: a new file in the place of the old one.
        *wanted.lock().unwrap() = "tok-333";
        std::fs::rename(file("next", "tok-333"), &token).unwrap();
        up(&exporter, "bearer", 1.0).await;
        std::fs::remove_file(&token).unwrap();
        told(&exporter, "bearer", "auth", &["`bearer_token_file`", &token, "no such file"]).await;
        for (text, why) in [("", "empty"), ("one\ntwo\n", "more than one line")] {
            file("token", text);
            told(&exporter, "bearer", "auth", &[why, "as one line"]).await;
        }
        file("token", "tok-333");
        up(&exporter, "bearer", 1.0).await;
        let said = exporter.get("/api/v1/status", &[]).await.body + &exporter.log();
        for secret in ["tok-", "pass:word", "key-1", "bW9uaXRvc"] {
            assert!(!said.contains(secret), "{secret}");
        }
    });
}

#[test]
fn a_server_that_wants_a_certificate_and_has_another_name() {
    run(async {
        let dir = certificates::made("access-tls");
        let server = Httpsd::start(&dir, "named", ANSWER).await;
        let section = |name: &str, authority: &str, own: &Path| {
            let file = |name: &str| dir.join(name).display().to_string();
            format!(
                "queues:\n  q: {{ http: \"https://127.0.0.1:{}/\", paths: {{ pending: /n }}, \
                 {name} ca_file: {}, cert_file: {}.pem, key_file: {}-key.pem }}\n",
                server.port,
                file(authority),
                own.display(),
                own.display(),
            )
        };
        let named = "server_name: status.example.org,";
        let own = dir.join("own");
        let take = |name: &str| {
            for end in [".pem", "-key.pem"] {
                std::fs::copy(dir.join(format!("{name}{end}")), dir.join(format!("own{end}")))
                    .unwrap();
            }
        };
        take("client");
        let exporter = Exporter::start(binary(), &section(named, "ca.pem", &own)).await;
        up(&exporter, "q", 1.0).await;
        // The certificate is replaced by one that the server does not know, and comes back.
        take("stranger");
        told(&exporter, "q", "tls", &["`cert_file`"]).await;
        take("client");
        up(&exporter, "q", 1.0).await;
        for (name, authority, words) in
            [("", "ca.pem", "`ca_file`"), (named, "other-ca.pem", "other-ca.pem")]
        {
            exporter.write_config(&section(name, authority, &own));
            assert_eq!(exporter.reload().await.0, 200);
            told(&exporter, "q", "tls", &[words]).await;
        }
    });
}
