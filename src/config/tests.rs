//! Exact messages on a small configuration of the same make as the real one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Dur, Loaded, Located, Problem, SafeUrl, Secret, Size, load};

#[derive(Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    listen: Option<String>,
    #[schemars(extend("x-show-value" = true), range(min = 1, max = 100))]
    workers: Option<u32>,
    debug: bool,
    #[schemars(extend("x-show-value" = true))]
    level: Option<Level>,
    memory: Option<Size>,
    secret_files: Vec<PathBuf>,
    postgres: BTreeMap<String, Postgres>,
    web: BTreeMap<String, OneOrMap>,
    auth: Option<Auth>,
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Postgres {
    url: SafeUrl,
    password: Option<Secret>,
    #[serde(default = "five")]
    timeout: Dur,
    #[serde(default)]
    #[schemars(extend("x-verbatim" = true))]
    queries: Vec<String>,
    ratio: Option<f64>,
    #[serde(default)]
    steps: Vec<Dur>,
}

fn five() -> Dur {
    Dur(Duration::from_secs(5))
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(extend("x-show-value" = true))]
enum Level {
    Debug,
    /// The usual.
    Info,
    Warning,
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
enum OneOrMap {
    One(SafeUrl),
    Map(Web),
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Web {
    url: SafeUrl,
    every: Option<Dur>,
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Auth {
    Off,
    Basic(Basic),
    Token { file: PathBuf },
}

#[derive(Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Basic {
    user: String,
    password: Secret,
}

fn env(name: &str) -> Option<String> {
    match name {
        "PW" => Some("hunter2".to_owned()),
        "PORT" => Some("42".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn read(yaml: &str) -> Loaded<Config> {
    load("c.yaml", yaml, &env)
}

/// The config of a file without mistakes.
fn good(yaml: &str) -> Config {
    read(yaml).finish().unwrap_or_else(|lines| panic!("{lines:#?}"))
}

/// A mistake as it is printed, without the file name.
fn lines(yaml: &str) -> Vec<String> {
    let loaded = read(yaml);
    let everything = format!("{loaded:?} {:?} {:?}", loaded.located, loaded.config);
    let json = serde_json::to_string(&loaded.config).unwrap();
    let lines = loaded.finish().err().unwrap_or_default();
    for text in lines.iter().chain([&everything, &json]) {
        assert!(!text.contains("hunter2"), "{text}");
    }
    lines.iter().map(|line| line.strip_prefix("c.yaml:").unwrap().to_owned()).collect()
}

/// Stands for a target that is right as far as it goes, before its next key on line 4.
const PG: &str = "postgres:\n  a:\n    url: postgres://u:hunter2@h/db\n    ";

fn expect(table: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (yaml, want) in table {
        let yaml = yaml.replace("PG ", PG);
        let found = lines(&yaml);
        if found != [*want] {
            wrong.push(format!("{yaml:?}\n  want {want}\n  have {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[rustfmt::skip]
#[test]
fn mistakes_in_keys() {
    expect(&[
        ("workerz: 5", "1: workerz: unknown key (did you mean `workers`?)"),
        ("Workers: 5", "1: Workers: unknown key (did you mean `workers`?)"),
        ("zebra: hunter2", "1: zebra: unknown key (valid keys: `listen`, `workers`, `debug`, `level`, `memory`, `secret_files`, `postgres`, `web`, `auth`)"),
        ("a hunter2: 5", "1: <key>: unknown key (valid keys: `listen`, `workers`, `debug`, `level`, `memory`, `secret_files`, `postgres`, `web`, `auth`)"),
        ("- hunter2", "1: expected a map, found a list"),
        ("hunter2", "1: expected a map, found a string"),
        ("postgres: []", "1: postgres: expected a map, found a list"),
        ("postgres:\n  a: {}", "2: postgres.a.url: required key is missing"),
        ("postgres:\n  a:", "2: postgres.a.url: required key is missing"),
        ("PG timeuot: 5s", "4: postgres.a.timeuot: unknown key (did you mean `timeout`?)"),
        ("web:\n  a: {every: 1m}", "2: web.a.url: required key is missing"),
        ("web:\n  a: {url: 'x', evry: 1m}", "2: web.a.evry: unknown key (did you mean `every`?)"),
        ("auth: {off: }", "1: auth: `off` takes no settings (write `off` as the value)"),
        ("auth:\n  baisc: {}", "2: auth.baisc: unknown key (did you mean `basic`?)"),
        ("auth: {}", "1: auth: needs exactly one key, found 0 (one of `basic`, `token`)"),
        ("auth: {basic: {}, token: {}}", "1: auth: needs exactly one key, found 2 (one of `basic`, `token`)"),
        ("auth: {basic: {user: u, password:hunter2}}", "1: auth.basic.<key>: unknown key (write a space after `password:`)"),
        ("postgres:\n  a:\n    ulr: x", "3: postgres.a.ulr: unknown key (did you mean `url`?)"),
        ("auth: {basic: {user: u, password: x,hunter2}}", "1: auth.basic.<key>: unknown key (valid keys: `user`, `password`)"),
        ("auth:\n  basic: {user: u}", "2: auth.basic.password: required key is missing"),
        ("auth:\n  token:\n    fil: x", "3: auth.token.fil: unknown key (did you mean `file`?)"),
    ]);
}

#[rustfmt::skip]
#[test]
fn mistakes_in_values() {
    expect(&[
        ("workers: 0", "1: workers: `0` must be at least 1"),
        ("workers: 101", "1: workers: `101` must be at most 100"),
        ("workers: hunter2", "1: workers: expected an integer, found a string"),
        ("workers: ${PW}", "1: workers: expected an integer, found a string"),
        ("workers: \"5\"", "1: workers: expected an integer, found a string"),
        ("workers: 1.5", "1: workers: expected an integer, found a number"),
        ("workers: [1]", "1: workers: expected an integer, found a list"),
        ("debug: yes", "1: debug: expected `true` or `false`, found a string"),
        ("debug:", "1: debug: expected `true` or `false`, found nothing"),
        ("listen: 9090", "1: listen: expected a string, found an integer (write it in quotes)"),
        ("listen: true", "1: listen: expected a string, found `true` or `false` (write it in quotes)"),
        ("listen: {a: b}", "1: listen: expected a string, found a map"),
        ("level: inof", "1: level: unknown value (did you mean `info`?)"),
        ("level: loud", "1: level: unknown value (valid values: `debug`, `warning`, `info`)"),
        ("level: ${PW}", "1: level: unknown value (valid values: `debug`, `warning`, `info`)"),
        ("memory: 512", "1: memory: `512` needs a unit, for example `512MB`"),
        ("memory: lots", "1: memory: is not a size, write for example `512MB` or `1GiB`"),
        ("memory: true", "1: memory: expected a size, found `true` or `false`"),
        ("secret_files: hunter2", "1: secret_files: expected a list, found a string"),
        ("secret_files:\n  - a\n  - 5", "3: secret_files[1]: expected a string, found an integer (write it in quotes)"),
        ("secret_files:", "1: secret_files: expected a list, found nothing"),
        ("postgres:\n  a:\n    url:", "3: postgres.a.url: expected a string, found nothing"),
        ("postgres:\n  a:\n    url: ''", "3: postgres.a.url: must not be empty"),
        ("PG timeout: 10", "4: postgres.a.timeout: `10` needs a unit, for example `5s`"),
        ("PG timeout: soon", "4: postgres.a.timeout: is not a duration, write for example `500ms`, `5s` or `1h30m`"),
        ("PG timeout: ${PW}", "4: postgres.a.timeout: is not a duration, write for example `500ms`, `5s` or `1h30m`"),
        ("PG timeout: 5sec", "4: postgres.a.timeout: `5sec` has an unknown unit, use one of `ms`, `s`, `m`, `h`, `d`"),
        ("PG timeout: hunter2", "4: postgres.a.timeout: is not a duration, write for example `500ms`, `5s` or `1h30m`"),
        ("PG timeout: 12345678", "4: postgres.a.timeout: needs a unit, for example `5s`"),
        ("PG timeout: never", "4: postgres.a.timeout: `never` is not a duration, write for example `500ms`, `5s` or `1h30m`"),
        ("workers: 1234567", "1: workers: must be at most 100"),
        ("level: hunter2", "1: level: unknown value (valid values: `debug`, `warning`, `info`)"),
        ("PG timeout: hunter2-and-more-than-32-characters", "4: postgres.a.timeout: is not a duration, write for example `500ms`, `5s` or `1h30m`"),
        ("PG timeout: {}", "4: postgres.a.timeout: expected a duration, found a map"),
        ("PG steps: [1s, 2]", "4: postgres.a.steps[1]: `2` needs a unit, for example `5s`"),
        ("PG ratio: hunter2", "4: postgres.a.ratio: expected a number, found a string"),
        ("PG password: ''", "4: postgres.a.password: must not be empty"),
        ("PG password: ${EMPTY}", "4: postgres.a.password: must not be empty"),
        ("PG password: 12345", "4: postgres.a.password: expected a string, found an integer (write it in quotes)"),
        ("PG password: ${NOPE}", "4: postgres.a.password: environment variable `NOPE` is not set"),
        ("PG password: ${hunter2", "4: postgres.a.password: `${` without a variable name and `}` after it (write `$${` for a plain `${`)"),
        ("PG timeout: ${NOPE}", "4: postgres.a.timeout: environment variable `NOPE` is not set"),
        ("web:\n  a: 5", "2: web.a: expected a string or a map, found an integer (write it in quotes)"),
        ("web:\n  a: {url: [hunter2]}", "2: web.a.url: expected a string, found a list"),
        ("auth: of", "1: auth: unknown value (did you mean `off`?)"),
        ("auth: hunter2", "1: auth: unknown value (valid values: `off`, `basic`, `token`)"),
        ("auth: basic", "1: auth: `basic` needs settings (write it as a key, `basic:`, with the settings below it)"),
    ]);
}

#[rustfmt::skip]
#[test]
fn mistakes_in_yaml() {
    expect(&[
        ("debug: true\ndebug: false", "2: debug: duplicate key (first on line 1)"),
        ("5: a", "1: a key must be a string (write the key in quotes)"),
        ("[a]: hunter2", "1: a key must be a string"),
        ("listen: !vault x", "1: listen: this tag is not supported (only the core tags, such as `!!str`)"),
        ("listen: !!int x", "1: listen: tag `!!int` does not fit the value"),
        ("debug: true\n---\ndebug: false", "2: only one yaml document is allowed"),
        ("listen: *hunter2", "1: alias of an anchor that is not defined above it"),
        ("postgres: &a\n  b: *a", "2: postgres.b: alias inside its own anchor"),
        ("<<: 5", "1: <<: a merge needs an alias of a map, or a list of them"),
        ("listen: @hunter2", "1: not valid yaml: unexpected character (write a value that starts with `@`, `%` or a backtick in quotes)"),
        ("listen: 'hunter2", "1: not valid yaml: while scanning a quoted scalar, found unexpected end of stream"),
        ("a: b: hunter2", "1: not valid yaml: mapping values are not allowed in this context"),
        ("listen: \"\\qhunter2\"", "1: not valid yaml: while parsing a quoted scalar, found unknown escape character"),
        ("{listen: ${PW}}", "1: not valid yaml: while parsing a flow mapping, did not find expected ',' or '}' (inside `{ }` write values with braces or commas in quotes)"),
    ]);
}

#[test]
fn all_mistakes_at_once() {
    let yaml = "\
workerz: 5
debug: maybe
level: loud
postgres:
  good:
    url: postgres://u:hunter2@h/db
    timeout: 1m
  a:
    url: postgres://u:${NOPE}@${NADA}/db
    timeout: 10
    timeout: 11
    hunter2 x: y
  b:
    password: hunter2
web:
  x: [hunter2]
memory: 1.5GiB
";
    let loaded = read(yaml);
    let config = loaded.config.as_ref().unwrap();
    // What is wrong in an entry does not hide what else is wrong in it: it stays, with what it has.
    assert_eq!(config.postgres.keys().collect::<Vec<_>>(), ["a", "b", "good"]);
    assert_eq!(config.postgres["good"].timeout.get(), Duration::from_mins(1));
    assert!(loaded.was_dropped("postgres.a.url") && loaded.was_dropped("web.x.url"));
    let pg_keys = "`url`, `password`, `timeout`, `queries`, `ratio`, `steps`";
    assert_eq!(
        lines(yaml),
        [
            "1: workerz: unknown key (did you mean `workers`?)".to_owned(),
            "2: debug: expected `true` or `false`, found a string".to_owned(),
            "3: level: unknown value (valid values: `debug`, `warning`, `info`)".to_owned(),
            "9: postgres.a.url: environment variable `NADA` is not set".to_owned(),
            "9: postgres.a.url: environment variable `NOPE` is not set".to_owned(),
            "10: postgres.a.timeout: `10` needs a unit, for example `5s`".to_owned(),
            "11: postgres.a.timeout: duplicate key (first on line 10)".to_owned(),
            format!("12: postgres.a.<key>: unknown key (valid keys: {pg_keys})"),
            "13: postgres.b.url: required key is missing".to_owned(),
            "16: web.x: expected a string or a map, found a list".to_owned(),
            "17: memory: `1.5GiB` must be whole numbers, for example `1536MiB`".to_owned(),
        ]
    );
}

#[test]
fn good_files() {
    for yaml in ["", "# nothing\n", "---\n", "{}", "null\n", "\u{feff}debug: false\n"] {
        assert_eq!(good(yaml), Config::default(), "{yaml:?}");
    }
    let config = good(
        "workers: ${PORT}\nlevel: info\nmemory: 1GiB\nsecret_files: [/run/a, b]\nlisten: \"5\"\n\
         auth:\n  basic:\n    user: $$u\n    password: ${PW}\n\
         web:\n  a: http://h/\n  b:\n    url: http://u:${PW}@h/\n    every: 1h30m\n\
         postgres:\n  a:\n    url: postgresql://u:${PW}@h/db\n    queries: ['select ${PW} $$']\n    ratio: 1\n",
    );
    assert_eq!((config.workers, config.memory), (Some(42), Some(Size(1 << 30))));
    assert_eq!(config.listen.as_deref(), Some("5"));
    assert_eq!(config.secret_files, [PathBuf::from("/run/a"), PathBuf::from("b")]);
    let pg = &config.postgres["a"];
    assert_eq!(pg.url.expose(), "postgresql://u:hunter2@h/db");
    assert_eq!(pg.queries, ["select ${PW} $$"]);
    let Some(Auth::Basic(basic)) = &config.auth else { panic!() };
    assert_eq!((basic.user.as_str(), basic.password.expose()), ("$u", "hunter2"));
    assert!(matches!(&config.web["a"], OneOrMap::One(url) if url.expose() == "http://h/"));
    assert!(
        matches!(&config.web["b"], OneOrMap::Map(web) if web.every == Some(Dur(Duration::from_mins(90))))
    );
    for text in [format!("{config:?}"), serde_json::to_string(&config).unwrap()] {
        assert!(!text.contains("hunter2") && text.contains("<secret>"), "{text}");
    }
    assert_eq!(good("auth: off").auth, Some(Auth::Off));
    assert_eq!(good("auth: ~\npostgres:\n").auth, None);
}

#[test]
fn anchors_and_merges() {
    let config = good(
        "postgres:\n  a: &a\n    url: postgres://h/a\n    timeout: 1m\n    ratio: 2\n\
         \x20 b:\n    <<: *a\n    url: postgres://h/b\n\
         \x20 c:\n    <<: [{ratio: 3, url: x}, *a]\n  d: *a\n",
    );
    let pg = &config.postgres;
    assert_eq!(pg["a"], pg["d"]);
    assert_eq!((pg["b"].url.expose(), pg["b"].ratio), ("postgres://h/b", Some(2.0)));
    assert_eq!((pg["c"].url.expose(), pg["c"].ratio), ("x", Some(3.0)));
    assert_eq!(pg["c"].timeout.get(), Duration::from_mins(1));
}

#[test]
fn bombs_are_refused_fast() {
    use std::fmt::Write;
    let started = Instant::now();
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..12 {
        let alias = format!("*a{}", n - 1);
        writeln!(laughs, "a{n}: &a{n} [{}]", [alias.as_str(); 10].join(", ")).unwrap();
    }
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 90_000].join(","));
    let deep = format!("a: {}", "[".repeat(100));
    let steps = format!("{}x", "- ".repeat(50_000));
    let mut chain = String::from("a0: &a0 [x]\n");
    for n in 1..80 {
        writeln!(chain, "a{n}: &a{n} [*a{}]", n - 1).unwrap();
    }
    let mut wide = String::new();
    for n in 0..120_000 {
        writeln!(wide, "k{n}: x").unwrap();
    }
    for (yaml, want) in [
        (laughs, "too large"),
        (long, "too large"),
        (wide, "too large"),
        (deep, "nested more than 64 levels deep"),
        (steps, "nested more than 64 levels deep"),
        (chain, "nested more than 64 levels deep"),
    ] {
        let found = lines(&yaml);
        assert!(found.len() == 1 && found[0].contains(want), "{found:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn later_checks_add_their_own() {
    let mut loaded = read("postgres:\n  a:\n    url: postgres://h/a\n");
    loaded.push("postgres.a.url", "no such database");
    loaded.problems.push(Problem::at(&loaded.located, "postgres.a.timeout", "too short"));
    loaded.push("web", "nothing to do");
    assert_eq!(
        loaded.finish().unwrap_err(),
        [
            "c.yaml:1: web: nothing to do",
            "c.yaml:2: postgres.a.timeout: too short",
            "c.yaml:3: postgres.a.url: no such database",
        ]
    );
    let root = super::tree::parse("services:\n  db:\n    image: postgres\n").unwrap();
    let compose = Located { file: "compose.yaml".to_owned(), root };
    assert_eq!(compose.line_of("services.db.image"), 3);
    assert_eq!(compose.root.lookup("services.db.image").unwrap().as_str(), Some("postgres"));
}
