//! Messages without Prometheus: each way takes what the rules would tell, once, and its end, once, also
//! over a restart; what fails is tried again; and nobody is flooded.
//!
//! The exporter's clock of messages goes sixty times as fast as ours.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::servers::exporter::Exporter;
use crate::servers::httpd::{Httpd, Reply, Request};
use crate::servers::smtpd::Smtpd;
use crate::servers::wait::until;
use crate::servers::{certificates, run, watchdog};
use crate::stage::binary;

const PACE: (&str, &str) = ("STACK_EXPORTER_TEST_NOTIFY_PACE", "60");
/// Holds, ends and restarts take seconds; a busy machine takes more.
const SOON: Duration = Duration::from_mins(1);
const TOKEN: &str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";

/// A web server whose paths are the receivers. Telegram wants to be left alone at first, and the webhook
/// is broken at first.
async fn sink() -> Httpd {
    let first = std::sync::Mutex::new(Vec::<String>::new());
    Httpd::start(move |request| {
        let mut first = first.lock().unwrap();
        let is_first = !first.contains(&request.path);
        first.push(request.path.clone());
        let json = |status, body: &str| Reply::new(status, "application/json", body.as_bytes());
        match request.path.as_str() {
            "/hangs" => Reply::Hang,
            "/gone" => json(404, "no_team at /gone"),
            path if path.contains("/sendMessage") && is_first => json(
                429,
                r#"{"ok":false,"description":"Too Many Requests: retry after 1","parameters":{"retry_after":1}}"#,
            ),
            "/hook" if is_first => json(500, "{}"),
            // More of the head than its type.
            "/mattermost" if is_first => Reply::new(503, "text/plain\r\nretry-after: 1", "later"),
            _ => json(200, r#"{"ok":true}"#),
        }
    })
    .await
}

fn bodies(sink: &Httpd, path: &str) -> Vec<Value> {
    let is_it = |request: &Request| request.path == path;
    let requests = sink.requests();
    let bodies = requests.iter().filter(|request| is_it(request));
    bodies.map(|request| serde_json::from_slice(&request.body).unwrap_or_default()).collect()
}

/// How many requests a path has had that say this; refused attempts count as well.
fn said(sink: &Httpd, path: &str, text: &str) -> usize {
    bodies(sink, path).iter().filter(|body| body.to_string().contains(text)).count()
}

async fn wait_for(exporter: &Exporter, sink: &Httpd, path: &str, text: &str, times: usize) {
    until(&format!("{times} of {text:?} at {path}"), SOON, async || {
        exporter.scrape().await;
        let all = bodies(sink, path);
        if said(sink, path, text) >= times { Ok(()) } else { Err((all, exporter.log())) }
    })
    .await;
}

#[test]
fn each_way_is_told_once_and_of_the_end_once_over_a_restart() {
    run(async {
        let (sink, folder) = (sink().await, certificates::made("notify"));
        let smtpd = Smtpd::start(&folder, "stack", "mail-secret").await;
        let watched = watchdog::dir("watched");
        let secret = |name: &str, text: &str| {
            std::fs::write(folder.join(name), text).unwrap();
            folder.join(name).display().to_string()
        };
        let url = sink.url();
        let config = format!(
            r#"
docker: {{ enabled: false }}
host: {{ enabled: false }}
files:
  one: {{ path: "{watched}/one", every: 1s }}
  two: {{ path: "{watched}/two", every: 1s }}
notify:
  heartbeat: {{ every: 10s, url: "{url}/beat" }}
  ntfy: {{ url_file: {ntfy}, bearer_token_file: {bearer} }}
  telegram: {{ chat: "-100123", token_file: {token}, url: "{url}" }}
  slack: {{ url: "{url}/slack" }}
  mattermost: {{ url: "{url}/mattermost" }}
  webhook: {{ url: "{url}/hook" }}
  mail:
    server: 127.0.0.1
    port: {port}
    ca_file: {ca}
    username: stack
    password_file: {password}
    from: Stack <stack@example.org>
    to: [me@example.org, you@example.org]
"#,
            watched = watched.display(),
            ntfy = secret("ntfy", &format!("{url}/base/my-topic\n")),
            bearer = secret("bearer", "tk_secret"),
            token = secret("token", TOKEN),
            password = secret("password", "mail-secret"),
            ca = folder.join("ca.pem").display(),
            port = smtpd.port,
        );
        std::fs::write(watched.join("two"), "2").unwrap();
        let exporter = Exporter::start_with(binary(), &config, &[], &[PACE]).await;
        let telegram = format!("/bot{TOKEN}/sendMessage");
        let ways = ["/base/", "/slack", "/mattermost", "/hook", telegram.as_str()];
        for path in ways {
            // The first attempts at three of them failed.
            let times = if matches!(path, "/base/" | "/slack") { 1 } else { 2 };
            wait_for(&exporter, &sink, path, "/one is not there", times).await;
        }
        until("the mail", SOON, async || smtpd.mails().first().cloned()).await;
        forms(&sink, &smtpd, &telegram);
        let metrics = exporter.wait_line("stack_notify_sent_total{way=\"webhook\"} 1", SOON).await;
        assert_eq!(metrics.value("stack_notify_sent_total{way=\"ntfy\"}"), Some(1.0));
        let failed = "stack_notify_failures_total{way=\"webhook\",reason=\"protocol\"}";
        assert_eq!(metrics.value(failed), Some(1.0), "{}", metrics.body);
        let limited = "stack_notify_failures_total{way=\"telegram\",reason=\"limited\"}";
        assert_eq!(metrics.value(limited), Some(1.0), "{}", metrics.body);

        // It goes on over a restart: the next one is told, the first is not told again.
        exporter.restart().await;
        std::fs::remove_file(watched.join("two")).unwrap();
        for path in ways {
            wait_for(&exporter, &sink, path, "/two is not there", 1).await;
        }
        // What ends while nobody looks is told as over.
        exporter.stop().await;
        for name in ["one", "two"] {
            std::fs::write(watched.join(name), "").unwrap();
        }
        exporter.restart().await;
        for path in ways {
            wait_for(&exporter, &sink, path, "RESOLVED", 1).await;
            let began = if matches!(path, "/base/" | "/slack") { 1 } else { 2 };
            assert_eq!(said(&sink, path, "is not there"), began + 1, "{path}");
            assert_eq!(said(&sink, path, "RESOLVED"), 1, "both in one message: {path}");
        }
        until("the mails", SOON, async || {
            let mails = smtpd.mails();
            if mails.len() == 3 { Ok(()) } else { Err(mails) }
        })
        .await;
        let beats = sink.requests();
        assert!(beats.iter().any(|beat| beat.path == "/beat" && beat.method == "GET"));
        let (log, page) = (exporter.log(), exporter.get("/", &[]).await.body);
        for secret in [TOKEN, "tk_secret", "mail-secret", "my-topic"] {
            assert!(!log.contains(secret) && !page.contains(secret), "{secret}: {log}");
        }
    });
}

/// Each has the form that its receiver wants.
fn forms(sink: &Httpd, smtpd: &Smtpd, telegram: &str) {
    let ntfy = &bodies(sink, "/base/")[0];
    assert_eq!((&ntfy["topic"], &ntfy["priority"]), (&"my-topic".into(), &5.into()), "{ntfy}");
    let title = ntfy["title"].as_str().unwrap();
    assert!(title.starts_with("CRITICAL: The required file ") && title.contains(" · "), "{title}");
    let text = ntfy["message"].as_str().unwrap();
    assert!(text.contains("\nNext: ls -lat ") && text.contains("/runbooks/FileMissing"), "{text}");
    let sent = sink.requests();
    let sent = sent.iter().find(|request| request.path == "/base/").unwrap();
    let bearer = ("authorization".to_owned(), "Bearer tk_secret".to_owned());
    assert!(sent.headers.contains(&bearer), "{:?}", sent.headers);
    let telegram = &bodies(sink, telegram)[0];
    assert_eq!(telegram["chat_id"], "-100123");
    assert!(telegram.get("parse_mode").is_none(), "{telegram}");
    assert_eq!(bodies(sink, "/slack")[0]["mrkdwn"], false);
    let hook = &bodies(sink, "/hook")[0];
    assert_eq!((&hook["status"], &hook["alert"]), (&"firing".into(), &"FileMissing".into()));
    assert!(hook["since"].as_u64().is_some_and(|at| at > 1_700_000_000), "{hook}");
    let mail = &smtpd.mails()[0];
    assert_eq!(mail.to.len(), 2, "{mail:?}");
    assert!(mail.text.contains("Auto-Submitted: auto-generated"), "{}", mail.text);
}

/// Beyond the bound one message says how it stands; a way that hangs costs the others nothing.
#[test]
fn nobody_is_flooded_and_a_way_that_hangs_costs_the_others_nothing() {
    run(async {
        let sink = sink().await;
        let config = format!(
            r#"
docker: {{ enabled: false }}
host: {{ enabled: false }}
files: {{ one: {{ path: /no/such/file }} }}
nats: {{ main: {{ url: "http://127.0.0.1:1" }} }}
probes: {{ web: {{ url: "http://127.0.0.1:1" }} }}
notify:
  per_hour: 1
  slack: {{ url: "{url}/hangs" }}
  webhook: {{ url: "{url}/flood" }}
"#,
            url = sink.url()
        );
        let exporter = Exporter::start_with(binary(), &config, &[], &[PACE]).await;
        wait_for(&exporter, &sink, "/flood", "MANY TROUBLES", 1).await;
        exporter.wait_line("stack_notify_held_back 2", SOON).await;
        let all = bodies(&sink, "/flood");
        assert_eq!(all.len(), 2, "{all:?}");
        assert_eq!((&all[0]["status"], &all[1]["status"]), (&"firing".into(), &"summary".into()));
        let pending = exporter.scrape().await;
        assert_eq!(pending.value("stack_notify_pending{way=\"slack\"}"), Some(2.0), "{pending:?}");
    });
}

#[test]
fn a_test_message_says_what_is_wrong_with_a_way() {
    run(async {
        let sink = sink().await;
        let dir = watchdog::dir("notify-test");
        let test = |section: &str| {
            let file = dir.join("stack.yml");
            let url = sink.url();
            std::fs::write(&file, section.replace("URL", &url)).unwrap();
            tested(&file)
        };
        let (code, said) = test("notify: { ntfy: { url: URL/topic }, slack: { url: URL/gone } }");
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("ntfy        sent\n"), "{said}");
        assert!(said.contains("HTTP status 404: no_team at /gone"), "{said}");
        assert!(said.contains("do: there is no such webhook"), "{said}");
        assert_eq!(said_by(&sink, "/").as_str(), "TEST: messages of stack-exporter arrive here");
        let (code, said) = test(
            "notify: { mail: { server: 127.0.0.1, port: 1, tls: none, from: a@b.c, to: [d@e.f] } }",
        );
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("mail        not sent: 127.0.0.1:1: connection refused"), "{said}");
        let (code, said) = test("notify: { telegram: { chat: 12, token_file: /no/such } }");
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("stack.yml:1: ") && said.contains("there is no such file"), "{said}");
        assert_eq!(test("host: {}").0, Some(2));
    });
}

fn tested(file: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(binary());
    let done = command.arg("--config.file").arg(file).args(["notify", "test"]).output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.code(), String::from_utf8_lossy(&said).into_owned())
}

/// The title without the machine.
fn said_by(sink: &Httpd, path: &str) -> String {
    let title = bodies(sink, path)[0]["title"].as_str().unwrap_or_default().to_owned();
    title.split(" · ").next().unwrap_or_default().to_owned()
}
