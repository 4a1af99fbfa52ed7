//! From what was seen to the text of the file. Right as it is written: what is not known waits
//! behind a `#`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::section::{Entry, quoted, section, shown};
use super::seen::{Container, Kind, Seen};

/// Stands where the reader has something to say.
pub(super) const FILL_IN: &str = "FILL IN";
/// Probes and logs that are written down.
const MOST: usize = 40;

const POSTGRES: &str = "\
PostgreSQL. Make a role that sees everything and may change nothing:
  CREATE ROLE monitor LOGIN PASSWORD '...'; GRANT pg_monitor TO monitor;";
const NATS: &str = "\
NATS, by its monitoring port. It is off by default: `-m 8222`, or `http_port: 8222`.";
const STORES: &str = "\
Redis, Qdrant, MongoDB. Of Qdrant name the collections that must be there: `collections: [faq]`.";
const PROBES: &str = "\
What has to answer. A page says more than a port: url: http://127.0.0.1:8080/health";
const LOGS: &str = "\
Logs: lines by level, kinds of errors. `presets` counts documented texts: python, taskiq,
telegram_bot, nginx_access, nginx_error, postgres, websocket, rate_limit, deployment.
Files: `bot: { files: [\"/srv/bot/logs/*.log\"] }`; then `stack-exporter logs top bot` shows the
most frequent errors.";
const UNITS: &str = "\
Units that must be there. Any other that fails is told as well.";
const GPU: &str = "
# NVIDIA GPUs. Name what must not fall back to the CPU under `processes`.
gpu:
  enabled: true
  # count: 1
  # processes: { model: { cmdline: \"serve\\\\.py\" } }
";
const BACKUPS: &str = "\
Backups, which nobody can guess: name the newest file's pattern and how often it is made.";

pub(super) fn configuration(seen: &Seen) -> String {
    let nothing = Vec::new();
    let containers = seen.containers.as_ref().unwrap_or(&nothing);
    let named = Named::new(containers);
    let mut out = head(seen);
    out += "\n# The machine itself.\nhost:\n  enabled: true\n  \
            # thresholds: { disk: { warning: 85%, critical: 95% } }\n";
    out += &docker(seen);
    out += &section("postgres", POSTGRES, &postgres(seen, &named));
    out += &section("nats", NATS, &nats(seen, &named));
    out += &section("stores", STORES, &stores(seen, &named));
    out += &section("probes", PROBES, &probes(&named));
    out += &section("logs", LOGS, &logs(seen, &named));
    out += &systemd(seen);
    if seen.gpu {
        out += GPU;
    }
    out += &section("backups", BACKUPS, &[backup()]);
    out += "\n# How others reach the exporter, for the links in messages.\n# web:\n  \
            # external_url: https://monitor.example.org\n";
    out
}

fn head(seen: &Seen) -> String {
    let host = shown(&seen.hostname);
    format!(
        "# Configuration of stack-exporter: what `stack-exporter config init` found on {host}.\n\
         # Lines with {FILL_IN} want something of you; a line that begins with `#` is not in force.\n\
         #\n\
         #   stack-exporter config check --connect --config.file FILE   tries every target once\n\
         #   stack-exporter --config.file FILE                          serves\n\
         #\n\
         # No password belongs in here: `password_file` names a file with it, or `password:\n\
         # ${{DB_PASSWORD}}` a variable. All keys: docs/configuration.md; `stack-exporter config schema`\n\
         # helps an editor.\n"
    )
}

fn docker(seen: &Seen) -> String {
    let mut out =
        String::from("\n# Containers of the Docker Engine, and the services that should run.\n");
    let containers = match &seen.containers {
        Ok(containers) => containers,
        Err(why) => {
            let _ = writeln!(out, "# None was seen: {}", shown(why));
            out += "# docker:\n  # url: unix:///var/run/docker.sock\n";
            return out;
        }
    };
    out += "docker:\n  enabled: true\n";
    let files: BTreeMap<_, bool> = containers.iter().flat_map(|one| one.files.clone()).collect();
    let readable = files.values().any(|readable| *readable);
    out += "  # What should run, also if it never did:\n";
    let _ = writeln!(out, "  {}compose_files:", if readable { "" } else { "# " });
    for (path, readable) in &files {
        let (mark, why) =
            if *readable { ("", "") } else { ("# ", "   # cannot be read from here") };
        let _ = writeln!(out, "    {mark}- {}{why}", quoted(&path.to_string_lossy()));
    }
    if files.is_empty() {
        out += "    # - /srv/shop/docker-compose.yml\n";
    }
    out += "  # exclude: [\"test-*\"]      # containers that nobody wants to see\n";
    out += "  # thresholds: { memory: 90% }\n";
    out
}

/// Containers, each with a name that no other has.
struct Named<'a>(Vec<(String, &'a Container)>);

impl<'a> Named<'a> {
    fn new(containers: &'a [Container]) -> Self {
        let mut taken = BTreeSet::new();
        let mut named = Vec::new();
        for container in containers {
            let short = container.service.as_ref().map_or(&container.name, |(_, name)| name);
            let long = container.service.as_ref().map_or_else(
                || container.name.clone(),
                |(project, name)| format!("{project}-{name}"),
            );
            let numbered = (2..).map(|number| format!("{long}-{number}"));
            let mut candidates =
                [short.clone(), long.clone()].into_iter().chain(numbered).map(|name| plain(&name));
            let name = candidates.find(|name| !taken.contains(name)).unwrap_or_default();
            taken.insert(name.clone());
            named.push((name, container));
        }
        Self(named)
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = &(String, &'a Container)> {
        self.0.iter().filter(move |(_, container)| container.kind() == kind)
    }

    /// Whether this machine listens on a port that is no container's.
    fn is_free_of(&self, seen: &Seen, port: u16) -> bool {
        let published = |(_, one): &(String, &Container)| {
            one.published.values().any(|(_, outside)| *outside == port)
        };
        seen.ports.contains(&port) && !self.0.iter().any(published)
    }
}

/// As the name of a target may be.
fn plain(name: &str) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() || "_.-".contains(c) { c } else { '_' };
    name.chars().take(60).map(fit).collect()
}

/// The line `service`, of a container that is one's.
fn service(container: &Container) -> Option<String> {
    container.home().map(|home| format!("service: {}", quoted(&home)))
}

fn postgres(seen: &Seen, named: &Named) -> Vec<Entry> {
    let lines = |name: &str, at: &str| {
        vec![
            format!("url: \"postgresql://monitor@{at}/postgres\"   # {FILL_IN}: role and database"),
            format!(
                "# password_file: /etc/stack-exporter/{name}.password   # {FILL_IN}: a file with the password"
            ),
        ]
    };
    let mut entries: Vec<Entry> = named
        .of(Kind::Postgres)
        .map(|(name, container)| match container.at(5432) {
            Some(at) => {
                let lines = lines(name, &at).into_iter().chain(service(container));
                Entry::active(name, lines.collect())
            }
            None => unpublished(name, container, 5432, lines(name, "127.0.0.1:5432")),
        })
        .collect();
    if named.is_free_of(seen, 5432) {
        entries.push(Entry::active("local", lines("local", "127.0.0.1:5432")));
    }
    if entries.is_empty() {
        entries.push(Entry::waiting("app", lines("app", "127.0.0.1:5432")));
    }
    entries
}

/// A target that nobody reaches yet.
fn unpublished(name: &str, container: &Container, port: u16, lines: Vec<String>) -> Entry {
    let why = format!(
        "# {FILL_IN}: {} publishes no port {port}: add `ports: [\"127.0.0.1:{port}:{port}\"]` to it, or run",
        shown(&container.name)
    );
    let more = "# the exporter in its network and write its name in place of 127.0.0.1".to_owned();
    Entry::waiting(name, [why, more].into_iter().chain(lines).collect())
}

fn nats(seen: &Seen, named: &Named) -> Vec<Entry> {
    let line = |at: &str| vec![format!("url: \"http://{at}\"")];
    let mut entries: Vec<Entry> = named
        .of(Kind::Nats)
        .map(|(name, container)| match container.at(8222) {
            Some(at) => {
                Entry::active(name, line(&at).into_iter().chain(service(container)).collect())
            }
            None => unpublished(name, container, 8222, line("127.0.0.1:8222")),
        })
        .collect();
    if named.is_free_of(seen, 8222) {
        entries.push(Entry::active("local", line("127.0.0.1:8222")));
    }
    if entries.is_empty() {
        entries.push(Entry::waiting("main", line("127.0.0.1:8222")));
    }
    entries
}

fn stores(seen: &Seen, named: &Named) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (name, container) in &named.0 {
        let kind = container.kind();
        let Some(port) = kind.port().filter(|_| is_store(kind)) else { continue };
        let entry = if let Some(at) = container.at(port) {
            let lines = store(name, kind, &at).into_iter().chain(service(container));
            Entry::active(name, lines.collect())
        } else {
            let at = format!("127.0.0.1:{port}");
            unpublished(name, container, port, store(name, kind, &at))
        };
        entries.push(entry);
    }
    for (name, kind) in
        [("local-redis", Kind::Redis), ("local-qdrant", Kind::Qdrant), ("local-mongo", Kind::Mongo)]
    {
        if let Some(port) = kind.port().filter(|port| named.is_free_of(seen, *port)) {
            entries.push(Entry::active(name, store(name, kind, &format!("127.0.0.1:{port}"))));
        }
    }
    if entries.is_empty() {
        entries.push(Entry::waiting("cache", store("cache", Kind::Redis, "127.0.0.1:6379")));
    }
    entries
}

fn is_store(kind: Kind) -> bool {
    matches!(kind, Kind::Redis | Kind::Qdrant | Kind::Mongo)
}

/// The lines of a store at this address.
fn store(name: &str, kind: Kind, at: &str) -> Vec<String> {
    let file = |ending: &str| format!("/etc/stack-exporter/{name}.{ending}");
    match kind {
        Kind::Qdrant => vec![
            format!("qdrant: \"http://{at}\""),
            format!(
                "# header_files: {{ api-key: {} }}   # {FILL_IN}: if it has a key",
                file("key")
            ),
        ],
        Kind::Mongo => vec![format!("mongo: \"mongodb://{at}\"")],
        _ => vec![
            format!("redis: \"redis://{at}\""),
            format!("# password_file: {}   # {FILL_IN}: if it has a password", file("password")),
        ],
    }
}

fn probes(named: &Named) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (name, container) in &named.0 {
        let (Kind::Nginx | Kind::Other) = container.kind() else { continue };
        let Some(port) = container.published.keys().next() else { continue };
        let line = format!("url: \"tcp://{}\"", container.at(*port).unwrap_or_default());
        entries.push(Entry::active(name, [line].into_iter().chain(service(container)).collect()));
    }
    entries.truncate(MOST);
    if entries.is_empty() {
        let lines = vec!["url: \"http://127.0.0.1:8080/health\"".to_owned()];
        entries.push(Entry::waiting("app", lines));
    }
    entries
}

fn logs(seen: &Seen, named: &Named) -> Vec<Entry> {
    let of_container = |(name, container): &(String, &Container)| {
        let mut lines = vec![match container.home() {
            Some(home) => format!("compose_service: {}", quoted(&home)),
            None => format!("container: {}", quoted(&container.name)),
        }];
        lines.push(match container.kind() {
            Kind::Postgres => "presets: [postgres]".to_owned(),
            Kind::Nginx => "presets: [nginx_access, nginx_error]".to_owned(),
            _ => "# presets: [python]".to_owned(),
        });
        Entry::active(name, lines)
    };
    let mut entries: Vec<Entry> = named.0.iter().map(of_container).collect();
    let units = seen.units.iter().flatten().filter_map(|unit| unit.strip_suffix(".service"));
    for unit in units.filter(|_| seen.journal) {
        let name = plain(&format!("unit-{unit}"));
        let line = format!("journal: {{ unit: {} }}", quoted(unit));
        entries.push(Entry::active(&name, vec![line]));
    }
    entries.truncate(MOST);
    if entries.is_empty() {
        let lines =
            vec!["files: [\"/srv/app/logs/*.log\"]".to_owned(), "presets: [python]".to_owned()];
        entries.push(Entry::waiting("app", lines));
    }
    entries
}

fn systemd(seen: &Seen) -> String {
    let (about, entries) = match &seen.units {
        Ok(units) => {
            let lines: Vec<_> =
                units.iter().map(|unit| format!("{}: {{}}", quoted(unit))).collect();
            (UNITS.to_owned(), lines)
        }
        Err(why) => (format!("{UNITS}\nNone was seen: {}", shown(why)), Vec::new()),
    };
    let entry = if entries.is_empty() {
        Entry::waiting("units", vec!["bot.service: {}".to_owned()])
    } else {
        Entry::active("units", entries)
    };
    section("systemd", &about, &[entry])
}

fn backup() -> Entry {
    let lines = [
        format!("files: [\"/srv/backups/app_*.dump\"]   # {FILL_IN}"),
        "every: 1d".to_owned(),
        "verify: {}".to_owned(),
    ];
    Entry::waiting("app", lines.into())
}

#[cfg(test)]
mod tests;
