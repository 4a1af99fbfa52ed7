//! Random secrets with every byte, in every place where an address may have one, looked for in all
//! that comes out: labels, places, mistakes, verdicts, the configuration as it is shown.

use std::fmt::Write as _;
use std::sync::Arc;

use stack_exporter::check::{Look, json, judge, table, troubles};
use stack_exporter::collectors::{CATALOGUE, section_of};
use stack_exporter::config::{SafeUrl, Url};
use stack_exporter::engine::Board;
use stack_exporter::exposition::{Format, encode};
use stack_exporter::load;

/// The same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Six letters and digits that nothing else has by chance.
    fn run(&mut self) -> String {
        const SIGNS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz";
        let sign = |n: u64| char::from(SIGNS[usize::try_from(n).unwrap() % SIGNS.len()]);
        let middle: String = (0..6).map(|_| sign(self.next() >> 8)).collect();
        format!("{middle}7")
    }
}

/// A secret: runs of plain signs with odd ones between, so that each piece of it can be looked for.
struct Secret {
    text: String,
    runs: Vec<String>,
}

impl Secret {
    fn around(random: &mut Random, odd: &str) -> Self {
        let runs = vec![random.run(), random.run(), random.run()];
        Self { text: runs.join(odd), runs }
    }

    fn encoded(&self) -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric();
        self.text.bytes().fold(String::new(), |mut out, byte| {
            if plain(byte) {
                out.push(char::from(byte));
            } else {
                write!(out, "%{byte:02X}").unwrap();
            }
            out
        })
    }

    /// Whether it has a sign that means something in an address.
    fn is_telling(&self) -> bool {
        self.text.contains(['@', ':', '/', '#', '?', '%', '&', '\'', ' '])
    }

    fn leaks(&self, place: &str, output: &str) -> Vec<String> {
        let found = self.runs.iter().filter(|run| output.contains(run.as_str()));
        found.map(|run| format!("{run} of {:?} in {place}: {output}", self.text)).collect()
    }
}

/// Where an address of a database may have a secret. Nobody listens on port 1.
const DATABASE: [&str; 16] = [
    "postgresql://monitor:SECRET@127.0.0.1:1/app",
    "postgresql+asyncpg://monitor:SECRET@127.0.0.1:1,127.0.0.1:2/app?sslmode=disable",
    "postgresql://:SECRET@127.0.0.1:1/app",
    "postgresql://monitor:SECRET@127.0.0.1:1",
    "postgresql://127.0.0.1:1/app?user=monitor&password=SECRET",
    "postgresql://monitor@127.0.0.1:1/app?password=SECRET&sslmode=disable",
    "postgresql://monitor@127.0.0.1:1/app?sslpassword=SECRET",
    "postgresql://monitor@127.0.0.1:1/app?anything=SECRET",
    "postgresql://monitor@127.0.0.1:1/app?SECRET",
    "postgresql://monitor@127.0.0.1:1/app?sslmode=SECRET",
    "postgresql://monitor@127.0.0.1:1/app?target_session_attrs=SECRET",
    "postgresql://monitor@127.0.0.1:1/app?password=SECRET&password=SECRET",
    "host=127.0.0.1 port=1 user=monitor password=SECRET dbname=app",
    "host=127.0.0.1 port=1 password='SECRET' user=monitor",
    "password=SECRET host=127.0.0.1 port=1",
    "monitor:SECRET@127.0.0.1:1/app",
];

/// The same for a web server. A lone user is an access token.
const WEB: [&str; 8] = [
    "http://user:SECRET@127.0.0.1:1",
    "http://SECRET@127.0.0.1:1/",
    "http://SECRET:@127.0.0.1:1/",
    "http://127.0.0.1:1/?token=SECRET",
    "http://127.0.0.1:1/?anything=SECRET&b=1",
    "http://127.0.0.1:1/?SECRET",
    "http://127.0.0.1:1/#SECRET",
    "user:SECRET@127.0.0.1:1",
];

const ENGINE: [&str; 3] =
    ["tcp://user:SECRET@127.0.0.1:1", "http://127.0.0.1:1/?token=SECRET", "ssh://u:SECRET@h"];

/// All that a configuration with this environment makes the program say.
async fn said(yaml: &str, environment: &[(&str, String)]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), yaml).unwrap();
    let board = Board::default();
    let variable = |name: &str| {
        environment.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone())
    };
    let mut out = String::new();
    let checked = match load::load(Some(file.path()), &variable, &board.memory) {
        Ok(checked) => checked,
        Err(mistakes) => return mistakes.join("\n"),
    };
    write!(out, "{:?}", checked.config).unwrap();
    out += &serde_json::to_string(&checked.config).unwrap();
    for missed in &checked.missed {
        write!(out, "{missed:?}").unwrap();
    }
    for target in &checked.targets {
        write!(out, "{} {} {}", target.id, target.place, target.origin).unwrap();
    }
    if checked.targets.is_empty() {
        return out;
    }
    board.apply(checked.targets);
    let snapshot = board.scrape(&[], None).await;
    let report = judge(&snapshot);
    out += &table(
        &report,
        Look {
            width: 80,
            colour: true,
            all: true,
            explain: true,
            catalogue: &CATALOGUE,
            section_of,
        },
    );
    out += &json(&report, &troubles(&report)).to_string();
    out += &encode(&CATALOGUE, Arc::new(snapshot), Format::Classic);
    out
}

const QUIET: &str = "docker: { enabled: false }\nhost: { enabled: false }\nlogs: {}\n";

/// What is written between quotes in YAML.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// A secret with each byte between its runs, and some with several.
fn secrets() -> Vec<Secret> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let single = (0..=255_u8).map(|byte| char::from(byte).to_string());
    let mut odd: Vec<String> = single.collect();
    for signs in ["@/", "/@", "@?", "?@", "#@", "@#", ":@", "@:1/", "]@[", "@@", "%40", "' ", "\\'"]
    {
        odd.push(signs.to_owned());
    }
    for signs in
        ["@127.0.0.1:1/", "@127.0.0.1,", "&user=", "&dbname=", " dbname=", "://", "\u{202e}"]
    {
        odd.push(signs.to_owned());
    }
    for _ in 0..32 {
        let signs = (0..3).map(|_| char::from(random.next().to_le_bytes()[2])).collect();
        odd.push(signs);
    }
    odd.iter().map(|odd| Secret::around(&mut random, odd)).collect()
}

/// `(leaks, outputs)` of one address in each place where it may be written.
async fn tried(text: &str, secret: &Secret, kind: &str) -> (Vec<String>, usize) {
    let url = SafeUrl::new(text);
    let mut outputs = vec![
        url.to_string(),
        format!("{url:?}"),
        serde_json::to_string(&url).unwrap(),
        url.origin(),
        format!("{:?}", url.parse()),
        url.http_mistake().unwrap_or_default(),
    ];
    let (section, variable) = match kind {
        "database" => ("postgres:\n  a: { url: URL }\n", "DATABASE_URL"),
        "web" => ("nats:\n  a: { url: URL }\n", "NATS_MONITOR_URL"),
        _ => ("docker: { url: URL }\n", "DOCKER_HOST"),
    };
    let own = if kind == "engine" {
        QUIET.replace("docker: { enabled: false }\n", "")
    } else {
        QUIET.to_owned()
    };
    let telling = secret.text.contains('@');
    // Each way to write it costs a whole configuration; one without an `@` takes one of them.
    let turn = text.len() % 3;
    if telling || turn == 0 {
        let of_file = format!("{own}{}", section.replace("URL", &quoted(text)));
        outputs.push(said(&of_file, &[]).await);
    }
    if telling || turn == 1 {
        let of_variable = format!("{own}{}", section.replace("URL", "\"${PLANTED}\""));
        outputs.push(said(&of_variable, &[("PLANTED", text.to_owned())]).await);
    }
    if telling || turn == 2 {
        outputs.push(said(&own, &[(variable, text.to_owned())]).await);
    }
    let leaks = outputs.iter().flat_map(|output| secret.leaks(text, output)).collect();
    (leaks, outputs.len())
}

#[test]
fn no_piece_of_a_secret_comes_out_of_an_address() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mut found, mut outputs) = (Vec::new(), 0);
    runtime.block_on(async {
        for (index, secret) in secrets().iter().enumerate() {
            let places = [("database", &DATABASE[..]), ("web", &WEB), ("engine", &ENGINE)];
            for (kind, places) in places {
                // Each in each would be 20,000 configurations: each sign comes to a third of the
                // places, as it is and encoded in turn, and the signs that mean something to all.
                let telling = secret.is_telling();
                for (at, place) in places.iter().enumerate() {
                    if !telling && !(index + at).is_multiple_of(3) {
                        continue;
                    }
                    let value = if telling || (index + at).is_multiple_of(2) {
                        secret.text.clone()
                    } else {
                        secret.encoded()
                    };
                    let (leaks, count) =
                        tried(&place.replace("SECRET", &value), secret, kind).await;
                    found.extend(leaks);
                    outputs += count;
                }
            }
        }
    });
    assert!(outputs > 10_000, "{outputs} outputs");
    let first: Vec<_> = found.iter().take(5).collect();
    assert!(found.is_empty(), "{} leaks, such as {first:#?}", found.len());
}

#[test]
fn what_is_encoded_arrives_as_it_is() {
    for secret in secrets() {
        let text = format!("postgresql://monitor:{}@db:1/app", secret.encoded());
        let read = Url::parse(&text).map(|url| url.password.map(|it| it.expose().to_owned()));
        if secret.text.contains('\0') {
            assert!(read.is_err(), "no password has a NUL");
        } else {
            assert_eq!(read, Ok(Some(secret.text.clone())), "{text}");
        }
    }
}

/// What comes out of a login to a web server: a secret in each of its keys and files, in each section
/// that has one.
async fn of_access(secret: &Secret, file: &std::path::Path) -> Vec<String> {
    let (file, text) = (file.display(), quoted(&secret.text));
    let mut found = Vec::new();
    for setting in [
        format!("username: u, password_file: {file}"),
        format!("username: u, password: {text}"),
        format!("bearer_token_file: {file}"),
        format!("header_files: {{ X-Key: {file} }}, ca_file: {file}"),
        // A secret where its file should be named.
        format!("bearer_token_file: {text}, header_files: {{ X-Key: {text} }}"),
        format!("username: u, password_file: {text}, cert_file: {text}, key_file: {text}"),
    ] {
        for section in [
            format!("nats:\n  a: {{ url: \"http://127.0.0.1:1\", {setting} }}\n"),
            format!(
                "queues:\n  a: {{ http: \"https://127.0.0.1:1\", paths: {{ pending: /n }}, {setting} }}\n"
            ),
        ] {
            let said = said(&format!("{QUIET}{section}"), &[]).await;
            found.extend(secret.leaks(&section, &said));
        }
    }
    found
}

#[test]
fn no_piece_of_a_secret_comes_from_the_parts_of_the_environment_or_a_file() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut found = Vec::new();
    runtime.block_on(async {
        for secret in secrets() {
            let parts = |name: &'static str, value: &str| {
                let mut parts =
                    vec![("PGHOST", "127.0.0.1".to_owned()), ("PGPORT", "1".to_owned())];
                parts.retain(|(known, _)| *known != name);
                parts.push((name, value.to_owned()));
                parts
            };
            let address = format!("postgresql://u:{}@h/d", secret.text);
            for parts in [
                parts("PGPASSWORD", &secret.text),
                parts("PGSSLMODE", &secret.text),
                parts("PGHOST", &address),
                parts("PGPORT", &secret.text),
                parts("PGDATABASE", &address),
            ] {
                let said = said(QUIET, &parts).await;
                found.extend(secret.leaks(&format!("{parts:?}"), &said));
            }
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), &secret.text).unwrap();
            let own = "postgres:\n  a: { url: \"postgresql://u@127.0.0.1:1/d\", ";
            for setting in [
                format!("password_file: {} }}\n", file.path().display()),
                format!("password: {} }}\n", quoted(&secret.text)),
                format!("timeout: {} }}\n", quoted(&secret.text)),
                format!("thresholds: {{ longest_query: {} }} }}\n", quoted(&secret.text)),
                format!("{}: 1 }}\n", quoted(&format!("{} x", secret.text))),
            ] {
                let said = said(&format!("{QUIET}{own}{setting}"), &[]).await;
                found.extend(secret.leaks(&setting, &said));
            }
            found.extend(of_access(&secret, file.path()).await);
        }
    });
    let first: Vec<_> = found.iter().take(5).collect();
    assert!(found.is_empty(), "{} leaks, such as {first:#?}", found.len());
}
