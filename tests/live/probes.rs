//! Probes, for real: the end points of the guides, certificates of all kinds, WebSockets behind a proxy,
//! what is asked for on demand, and blackbox_exporter beside us. [B01 B02 B03 B04 B05 B07 B08]

use std::path::Path;
use std::time::Duration;

use tokio::net::{TcpListener, UdpSocket};

use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::port::free_port;
use crate::servers::process::{Server, Spec};
use crate::servers::wait::{PATIENT, get_ok, http_ok, until};
use crate::servers::web::{PRESENTED, Web};
use crate::servers::{run, text, watchdog};
use crate::stage::{Stage, Watched, binary};

const ELSE: &str = "docker: { enabled: false }\nhost: { enabled: false }\n";

fn of(scrape: &Scrape, metric: &str, target: &str) -> Option<f64> {
    scrape.value(&format!("{metric}{{target=\"{target}\"}}"))
}

fn assert_well(scrape: &Scrape, target: &str) {
    assert_eq!(of(scrape, "probe_success", target), Some(1.0), "{target}: {}", scrape.body);
    let failure = format!("stack_probe_failure{{target=\"{target}\"");
    assert_eq!(scrape.line(&failure), None, "{target}");
}

fn assert_ill(scrape: &Scrape, target: &str, phase: &str, reason: &str) {
    assert_eq!(of(scrape, "probe_success", target), Some(0.0), "{target}: {}", scrape.body);
    let line =
        format!("stack_probe_failure{{target=\"{target}\",phase=\"{phase}\",reason=\"{reason}\"}}");
    let start = format!("stack_probe_failure{{target=\"{target}\"");
    assert_eq!(scrape.value(&line), Some(1.0), "{target}: {:?}", scrape.line(&start));
    let up = format!("stack_target_up{{target=\"{target}\",area=\"probe\"}}");
    assert_eq!(scrape.value(&up), Some(1.0), "it was looked at");
}

/// A server of a program that only listens, answers like Redis, or like Qdrant.
async fn redis() -> Server {
    let (port, dir) = (free_port(), watchdog::dir("redis"));
    let port = port.to_string();
    let args = ["--port", &port, "--bind", "127.0.0.1", "--save", "", "--dir", text(&dir)];
    let server = Server::start(Spec::new(Path::new("redis-server"), "redis-server", &args), &dir);
    std::fs::write(dir.join("port"), &port).unwrap();
    until("redis", PATIENT, async || {
        tokio::net::TcpStream::connect(("127.0.0.1", port.parse::<u16>().unwrap())).await
    })
    .await;
    server
}

fn port_of(server: &Server) -> String {
    std::fs::read_to_string(server.dir().join("port")).unwrap()
}

/// KO: `/` and `/api/queue/health` answer with 200, and nginx adds the three security headers. EN:
/// `/health`. UK: `/`, `/api/health` with its JSON, `/nginx-health`, the dashboard, 443 and
/// `/ws?topics=...`. TH: Qdrant, MongoDB and Redis, and hosts outside by name and TLS without a key.
#[test]
fn the_end_points_of_the_guides_answer() {
    run(async {
        let web = Web::start().await;
        let redis = redis().await;
        let mongo = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mongo = (mongo.local_addr().unwrap().port(), mongo);
        let (plain, tls, ca) = (web.port, web.port_of("good"), web.file("ca.pem"));
        let (redis_port, ca) = (port_of(&redis), ca.display());
        let config = format!(
            r#"{ELSE}
probes:
  ko_root: {{ url: "http://127.0.0.1:{plain}/", required_headers: ["X-Frame-Options: DENY", "X-Content-Type-Options: nosniff", "X-XSS-Protection: 1; mode=block"] }}
  ko_bare: {{ url: "http://127.0.0.1:{plain}/bare", required_headers: ["X-Frame-Options: DENY", "X-Content-Type-Options: nosniff", "X-XSS-Protection: 1; mode=block"] }}
  ko_queue: {{ url: "http://127.0.0.1:{plain}/api/queue/health" }}
  en_health: {{ url: "http://127.0.0.1:{plain}/health" }}
  uk_api: {{ url: "http://127.0.0.1:{plain}/", slow: 50ms }}
  uk_api_health: {{ url: "http://127.0.0.1:{plain}/api/health", slow: 100ms, json: {{ status: ok }} }}
  uk_nginx_health: {{ url: "http://127.0.0.1:{plain}/nginx-health", slow: 10ms }}
  uk_dashboard: {{ url: "http://127.0.0.1:{plain}/dashboard" }}
  uk_https: {{ url: "https://localhost:{tls}/", ca_file: {ca} }}
  uk_ws: {{ url: "ws://127.0.0.1:{plain}/ws?topics=agents,tasks", hold: 0s }}
  th_qdrant: {{ url: "http://127.0.0.1:{plain}/", service: qdrant }}
  th_mongo: {{ url: "tcp://127.0.0.1:{mongo}" }}
  th_redis: {{ url: "tcp://127.0.0.1:{redis_port}", send: "PING\r\n", expect: '^(\+PONG|-NOAUTH)' }}
  th_llm: {{ url: "tls://localhost:{tls}", ca_file: {ca} }}
  th_tts: {{ url: "tls://localhost:{tls}", ca_file: {ca} }}
"#,
            mongo = mongo.0
        );
        let stage = Stage::start(&config).await;
        let scrape = stage.exporter.scrape().await;
        for target in [
            "ko_root",
            "ko_bare",
            "ko_queue",
            "en_health",
            "uk_api",
            "uk_api_health",
            "uk_nginx_health",
            "uk_dashboard",
            "uk_https",
            "uk_ws",
            "th_qdrant",
            "th_mongo",
            "th_redis",
            "th_llm",
            "th_tts",
        ] {
            assert_well(&scrape, target);
        }
        assert_eq!(of(&scrape, "stack_probe_headers_missing", "ko_root"), Some(0.0));
        assert_eq!(of(&scrape, "stack_probe_headers_missing", "ko_bare"), Some(3.0));
        assert_eq!(of(&scrape, "probe_http_status_code", "ko_queue"), Some(200.0));
        assert_eq!(of(&scrape, "probe_websocket_connection_upgraded", "uk_ws"), Some(1.0));
        assert!(scrape.line("probe_tls_version_info{target=\"th_llm\"").is_some());
        assert!(
            of(&scrape, "stack_probe_certificate_expiry_seconds", "uk_https")
                > Some(80.0 * 86_400.0)
        );
        let label = "{target=\"uk_https\"";
        let count = scrape
            .body
            .lines()
            .filter(|line| line.contains(label) && line.contains("probe_"))
            .count();
        assert!(count <= 40, "{count} series of one probe");
        let page = stage.exporter.get("/debug/probe/ko_bare", &[]).await;
        assert!(page.body.contains("x-content-type-options"), "{}", page.body);

        // The whole site is gone, and comes back.
        let watched =
            Watched { area: "probe", target: "ko_queue", alert: "ProbeDown", severity: "critical" };
        web.server.stop().await;
        let subset =
            [("area", watched.area), ("target", watched.target), ("severity", watched.severity)];
        stage.prometheus.wait_alert(watched.alert, &subset, "firing", PATIENT).await;
        let scrape = stage.exporter.scrape().await;
        assert_ill(&scrape, "ko_queue", "connect", "refused");
        assert_eq!(of(&scrape, "probe_http_status_code", "ko_queue"), Some(0.0));
        assert_well(&scrape, "th_redis");
        redis.pause().await;
        let hung =
            "stack_probe_failure{target=\"th_redis\",phase=\"processing\",reason=\"timeout\"}";
        stage.exporter.wait_line(hung, PATIENT).await;
        redis.resume();
        web.server.restart().await;
        http_ok(&web.url("/"), PATIENT).await;
        stage.prometheus.wait_quiet(watched.alert, &subset[..2], PATIENT).await;
        let log = stage.exporter.log();
        let told = log
            .lines()
            .filter(|line| line.contains("the probe fails") && line.contains("ko_queue"));
        assert_eq!(told.count(), 1, "one line per change of state: {log}");
    });
}

/// Certificates are told as they are, also those that nobody trusts, and one that was renewed on disk
/// and not loaded. [B05]
#[test]
fn certificates_are_told_as_they_are() {
    run(async {
        let web = Web::start().await;
        let ca = web.file("ca.pem");
        let mut config = format!("{ELSE}probes:\n");
        for name in PRESENTED {
            config += &format!(
                "  {name}: {{ url: \"https://localhost:{}/\", ca_file: {} }}\n",
                web.port_of(name),
                ca.display()
            );
        }
        for (name, file) in [("loaded", "good.pem"), ("renewed", "renewed.pem")] {
            config += &format!(
                "  {name}: {{ url: \"https://localhost:{}/\", ca_file: {}, certificate_file: {} }}\n",
                web.port_of("good"),
                ca.display(),
                web.file(file).display()
            );
        }
        config += &format!(
            "  other: {{ url: \"https://localhost:{}/\", ca_file: {}, server_name: other.example }}\n",
            web.port_of("named"),
            ca.display()
        );
        config += &format!("  plain: {{ url: \"https://127.0.0.1:{}/\" }}\n", web.port);
        config += &format!(
            "  own_file: {{ url: \"https://localhost:{}/\", ca_file: {} }}\n",
            web.port_of("self"),
            web.file("self.pem").display()
        );
        let exporter = Exporter::start(binary(), &config).await;
        let scrape = exporter.scrape().await;
        for well in ["good", "soon", "loaded", "renewed", "other", "own_file"] {
            assert_well(&scrape, well);
        }
        let left = |target: &str| of(&scrape, "stack_probe_certificate_expiry_seconds", target);
        let days = |target: &str| left(target).unwrap_or_else(|| panic!("{target}")) / 86_400.0;
        for (ill, reason) in [
            ("expired", "certificate_expired"),
            ("named", "certificate_name"),
            ("untrusted", "certificate_untrusted"),
            ("self", "certificate_self_signed"),
        ] {
            assert_ill(&scrape, ill, "tls", reason);
            assert!(of(&scrape, "probe_ssl_earliest_cert_expiry", ill).is_some(), "{ill}");
            let trusted = of(&scrape, "probe_ssl_last_chain_expiry_timestamp_seconds", ill);
            assert_eq!(trusted, None, "{ill} is not trusted");
        }
        assert!(days("expired") < 0.0 && (4.0..=5.0).contains(&days("soon")), "{}", days("soon"));
        assert!((89.0..=90.0).contains(&days("good")) && days("self") > 80.0);
        assert_ill(&scrape, "plain", "tls", "tls");
        assert_eq!(of(&scrape, "stack_probe_certificate_on_disk", "loaded"), Some(1.0));
        assert_eq!(of(&scrape, "stack_probe_certificate_on_disk", "renewed"), Some(0.0));
        assert_eq!(of(&scrape, "stack_probe_certificate_on_disk", "good"), None, "nobody asked");

        // Now the one on disk is loaded.
        std::fs::copy(web.file("renewed.pem"), web.file("good.pem")).unwrap();
        std::fs::copy(web.file("renewed-key.pem"), web.file("good-key.pem")).unwrap();
        web.server.signal(rustix::process::Signal::HUP);
        exporter.wait_line("stack_probe_certificate_on_disk{target=\"renewed\"} 1", PATIENT).await;
    });
}

/// A proxy that cuts what is silent for 3 s, against one that does not: held for 3.25 s, as 65 s are
/// against 60. [B04]
#[test]
fn a_proxy_that_cuts_web_sockets_is_told() {
    run(async {
        let web = Web::start().await;
        let port = web.port;
        let held = "timeout: 1s, hold: 3250ms, hold_every: 1s";
        let config = format!(
            "{ELSE}probes:\n  right: {{ url: \"ws://127.0.0.1:{port}/ws?topics=agents,tasks\", {held} }}\n\
             \x20 wrong: {{ url: \"ws://127.0.0.1:{port}/ws-wrong\", {held} }}\n\
             \x20 plain: {{ url: \"ws://127.0.0.1:{port}/ws-plain\", {held} }}\n\
             \x20 none: {{ url: \"ws://127.0.0.1:{port}/health\", {held} }}\n"
        );
        let exporter = Exporter::start(binary(), &config).await;
        let scrape = exporter.scrape().await;
        assert_well(&scrape, "right");
        assert_well(&scrape, "wrong");
        assert_ill(&scrape, "plain", "transfer", "upgrade");
        assert_ill(&scrape, "none", "transfer", "upgrade");
        assert_eq!(of(&scrape, "probe_websocket_status_code", "none"), Some(200.0));
        exporter
            .wait_line("stack_probe_websocket_cuts_in_a_row{target=\"wrong\"} 1", PATIENT)
            .await;
        let scrape = exporter
            .wait_line("stack_probe_websocket_cuts_in_a_row{target=\"right\"} 0", PATIENT)
            .await;
        assert_eq!(of(&scrape, "stack_probe_websocket_held_seconds", "right"), Some(3.25));
        let cut = of(&scrape, "stack_probe_websocket_held_seconds", "wrong").unwrap();
        assert!((2.5..3.25).contains(&cut), "{cut}");
        assert_eq!(
            of(&scrape, "stack_probe_websocket_cuts_in_a_row", "plain"),
            None,
            "it was never open"
        );
    });
}

/// Servers that take a connection and never answer cost the others nothing, and a scrape neither.
#[test]
fn what_hangs_costs_the_others_nothing() {
    run(async {
        let web = Web::start().await;
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = silent.local_addr().unwrap().port();
        let mut config = format!("{ELSE}probes:\n  fine: {{ url: \"{}\" }}\n", web.url("/"));
        for n in 0..9 {
            config +=
                &format!("  silent{n}: {{ url: \"http://127.0.0.1:{port}/\", timeout: 2s }}\n");
        }
        let exporter = Exporter::start(binary(), &config).await;
        let late =
            "stack_probe_failure{target=\"silent8\",phase=\"processing\",reason=\"timeout\"} 1";
        let scrape = exporter.wait_line(late, PATIENT).await;
        assert!(scrape.elapsed < Duration::from_millis(1500), "{:?}", scrape.elapsed);
        assert_well(&scrape, "fine");
        let phase = "probe_http_duration_seconds{target=\"silent0\",phase=\"processing\"}";
        assert!(scrape.value(phase) > Some(1.5), "the time is told: {:?}", scrape.line(phase));
    });
}

/// A DNS server that knows one address for all names, and none for `gone.example`.
async fn name_server() -> (u16, tokio::task::JoinHandle<()>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let mut question = [0; 512];
        loop {
            let Ok((length, from)) = socket.recv_from(&mut question).await else { return };
            // An extension in the question (EDNS) is left out of the answer.
            let end = 12 + question[12..length].iter().position(|byte| *byte == 0).unwrap() + 5;
            let mut answer = question[..end].to_vec();
            let gone = answer.windows(4).any(|part| part == b"gone");
            answer[2..4].copy_from_slice(if gone { &[0x81, 0x83] } else { &[0x81, 0x80] });
            answer[6..12].copy_from_slice(&[0, u8::from(!gone), 0, 0, 0, 0]);
            if !gone {
                answer.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
            }
            let _ = socket.send_to(&answer, from).await;
        }
    });
    (port, task)
}

const MODULES: &str = r#"
modules:
  http_2xx: { kind: http }
  http_json: { kind: http, json: { status: ok } }
  http_body: { kind: http, body: "no such text" }
  http_tls: { kind: http, ca_file: CA }
  tcp_connect: { kind: tcp }
  tls_connect: { kind: tcp, tls: true, ca_file: CA }
  ping: { kind: icmp }
  dns_a: { kind: dns, query_name: app.example, query_type: A }
  dns_gone: { kind: dns, query_name: gone.example, query_type: A }
"#;

/// What may be asked for on demand, and what may not: no credentials, no place that is not allowed, also
/// not by way of a redirect.
#[test]
fn hosts_are_probed_on_demand() {
    run(async {
        let web = Web::start().await;
        let (names, _task) = name_server().await;
        let (plain, tls) = (web.port, web.port_of("good"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let silent = listener.local_addr().unwrap().port();
        let modules = MODULES.replace("CA", text(&web.file("ca.pem")));
        let config = format!(
            "{ELSE}probes: {{ named: {{ url: \"{}\" }} }}\n{modules}web: {{ probe_allow: \
             [\"127.0.0.1:{plain}\", \"127.0.0.1:{silent}\", \"localhost:{tls}\", \"127.0.0.1:{names}\", \"127.0.0.1\"] }}\n",
            web.url("/health")
        );
        let exporter = Exporter::start(binary(), &config).await;
        let ask = async |query: String| exporter.get(&format!("/probe?{query}"), &[]).await;
        let success = |scrape: &Scrape| {
            let line = scrape.line("probe_success{").unwrap_or_else(|| panic!("{}", scrape.body));
            line.ends_with(" 1")
        };
        for (module, target, well) in [
            ("http_2xx", format!("http://127.0.0.1:{plain}/health"), true),
            ("http_2xx", format!("127.0.0.1:{plain}/there"), true),
            ("http_2xx", format!("127.0.0.1:{plain}/away"), false),
            ("http_json", format!("127.0.0.1:{plain}/api/health"), true),
            ("http_body", format!("127.0.0.1:{plain}/api/health"), false),
            ("http_tls", format!("https://localhost:{tls}/health"), true),
            ("http_2xx", format!("https://localhost:{tls}/health"), false),
            ("tcp_connect", format!("127.0.0.1:{plain}"), true),
            ("tls_connect", format!("localhost:{tls}"), true),
            ("dns_a", format!("127.0.0.1:{names}"), true),
            ("dns_gone", format!("127.0.0.1:{names}"), false),
        ] {
            let answer = ask(format!("module={module}&target={target}")).await;
            assert_eq!(answer.status, 200, "{module} {target}: {}", answer.body);
            assert_eq!(success(&answer), well, "{module} {target}: {}", answer.body);
            assert!(!answer.body.contains("stack_probe_duration_seconds"), "there is one reading");
        }
        let answer = ask("target=named".into()).await;
        assert!(success(&answer) && answer.body.contains("target=\"named\""), "{}", answer.body);
        let away = ask(format!("module=http_2xx&target=127.0.0.1:{plain}/away")).await;
        assert!(away.body.contains("reason=\"redirect\""), "{}", away.body);
        let ping = ask("module=ping&target=127.0.0.1".into()).await;
        let rights = ping.body.contains("reason=\"rights\"");
        assert!(success(&ping) || rights, "{}", ping.body);
        // Who waits less than the module does hears what hung, too.
        let path = format!("/probe?module=http_2xx&target=http://127.0.0.1:{silent}/");
        let hangs = exporter.get(&path, &[("X-Prometheus-Scrape-Timeout-Seconds", "2")]).await;
        assert!(!success(&hangs), "{}", hangs.body);
        let why = hangs.line("stack_probe_failure{").unwrap_or_else(|| panic!("{}", hangs.body));
        assert!(why.contains("phase=\"processing\",reason=\"timeout\""), "{why}");
        for (query, status) in [
            (format!("module=http_2xx&target=http://127.0.0.1:{}/", free_port()), 403),
            (format!("module=http_2xx&target=http://u:p%40@127.0.0.1:{plain}/"), 400),
            (format!("module=http_2xx&target=tcp://127.0.0.1:{plain}"), 400),
            (format!("module=tcp_connect&target=http://127.0.0.1:{plain}/"), 400),
            (format!("module=nothing&target=127.0.0.1:{plain}"), 400),
        ] {
            let answer = ask(query.clone()).await;
            assert_eq!(answer.status, status, "{query}: {}", answer.body);
        }
    });
}

const BLACKBOX: &str = r#"modules:
  http_2xx: { prober: http, http: { preferred_ip_protocol: ip4, enable_http2: false } }
  http_tls: { prober: http, http: { preferred_ip_protocol: ip4, enable_http2: false, tls_config: { ca_file: CA } } }
  http_body: { prober: http, http: { preferred_ip_protocol: ip4, fail_if_body_not_matches_regexp: ["no such text"] } }
  tcp_connect: { prober: tcp, tcp: { preferred_ip_protocol: ip4 } }
  tls_connect: { prober: tcp, tcp: { preferred_ip_protocol: ip4, tls: true, tls_config: { ca_file: CA } } }
  ping: { prober: icmp, icmp: { preferred_ip_protocol: ip4 } }
  dns_a: { prober: dns, dns: { preferred_ip_protocol: ip4, query_name: app.example, query_type: A } }
  dns_gone: { prober: dns, dns: { preferred_ip_protocol: ip4, query_name: gone.example, query_type: A } }
"#;

/// Each series of an answer without our label, and its value.
fn series(body: &str) -> std::collections::BTreeMap<String, f64> {
    let ours = regex::Regex::new(r#"target="[^"]*",?"#).unwrap();
    let serial = regex::Regex::new(r#",?serialnumber="[^"]*""#).unwrap();
    body.lines()
        .filter(|line| line.starts_with("probe_"))
        // Which cipher is agreed on is a matter of both sides, and 0.23 has no serial number.
        .filter(|line| !line.starts_with("probe_tls_cipher_info"))
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let series = ours.replace(series, "").replace("{}", "");
            // Labels in one order: theirs is by the alphabet.
            let series = match series.split_once('{') {
                None => series,
                Some((name, labels)) => {
                    let labels = serial.replace(labels.trim_end_matches('}'), "");
                    let mut labels: Vec<_> =
                        labels.split("\",").map(|one| one.trim_end_matches('"')).collect();
                    labels.sort_unstable();
                    format!("{name}{{{}}}", labels.join("|"))
                }
            };
            (series, value.parse().unwrap())
        })
        .collect()
}

/// blackbox_exporter of Debian beside us, on the same servers, family by family: the same series, and
/// where they are no times the same values.
#[test]
fn blackbox_exporter_says_the_same() {
    run(async {
        let web = Web::start().await;
        let (names, _task) = name_server().await;
        let (plain, tls, ca) = (web.port, web.port_of("good"), web.file("ca.pem"));
        let (port, dir) = (free_port(), watchdog::dir("blackbox"));
        let file = dir.join("blackbox.yml");
        std::fs::write(&file, BLACKBOX.replace("CA", text(&ca))).unwrap();
        let args = [
            format!("--config.file={}", text(&file)),
            format!("--web.listen-address=127.0.0.1:{port}"),
        ];
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let package = "prometheus-blackbox-exporter";
        let theirs = Server::start(Spec::new(Path::new(package), package, &args), &dir);
        http_ok(&format!("http://127.0.0.1:{port}/-/healthy"), PATIENT).await;
        let modules = MODULES.replace("CA", text(&ca));
        let config = format!("{ELSE}{modules}web: {{ probe_allow: [\"*\", \"*:*/**\"] }}\n");
        let exporter = Exporter::start(binary(), &config).await;
        let mut compared = 0;
        for (module, target) in [
            ("http_2xx", format!("http://127.0.0.1:{plain}/health")),
            ("http_2xx", format!("http://127.0.0.1:{plain}/there")),
            ("http_2xx", format!("http://127.0.0.1:{plain}/circle")),
            ("http_2xx", format!("http://127.0.0.1:{plain}/none")),
            ("http_2xx", format!("http://127.0.0.1:{plain}/old/page")),
            ("http_2xx", format!("http://127.0.0.1:{}/", free_port())),
            ("http_2xx", format!("https://localhost:{tls}/health")),
            ("http_tls", format!("https://localhost:{tls}/health")),
            ("http_body", format!("http://127.0.0.1:{plain}/health")),
            ("tcp_connect", format!("127.0.0.1:{plain}")),
            ("tcp_connect", format!("127.0.0.1:{}", free_port())),
            ("tls_connect", format!("localhost:{tls}")),
            ("dns_a", format!("127.0.0.1:{names}")),
            ("dns_gone", format!("127.0.0.1:{names}")),
        ] {
            let query = format!("/probe?module={module}&target={target}");
            let other = get_ok(&format!("http://127.0.0.1:{port}{query}")).await.unwrap();
            let own = exporter.get(&query, &[]).await;
            assert_eq!(own.status, 200, "{}", own.body);
            let (other, own) = (series(&other), series(&own.body));
            for (name, value) in &other {
                let place = format!("{module} {target}: {name}");
                if differs(&place, name) {
                    continue;
                }
                compared += 1;
                let ours = own.get(name).unwrap_or_else(|| panic!("{place} is missing: {own:#?}"));
                let timed = name.contains("duration") || name.contains("lookup_time");
                assert!(timed || (ours - value).abs() < 1e-6, "{place}: {ours} and {value}");
            }
        }
        assert!(compared > 120, "{compared} series");
        assert!(theirs.is_running());
    });
}

/// What we say otherwise, and why.
fn differs(place: &str, name: &str) -> bool {
    // A hash of the address is a number that nobody can read; the address itself is on the status page.
    name == "probe_ip_addr_hash"
        // Of the last answer that came, not of none: they forget it where the redirects do not end.
        || place.contains("/circle") && !name.starts_with("probe_success")
        // The chain of a handshake that failed, where they have none.
        || name.starts_with("probe_expect_info")
}
