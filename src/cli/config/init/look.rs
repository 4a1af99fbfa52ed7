//! Looking around, by reading alone: the list of containers, the ports that listen, names of units.
//! Never what a container was started with: its environment holds secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::seen::{Container, Seen};
use crate::clients::engine::address::{Address, discover};
use crate::clients::engine::api::or_default;
use crate::clients::engine::client::Client;
use crate::clients::kernel::sockets::listening;
use crate::failure::Failure;
use crate::files;
use crate::load::environment;

/// How long the Engine is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// More are not written down: who has more knows how to go on.
const MOST: usize = 100;
const BUS: &str = "/run/dbus/system_bus_socket";
const UNITS: &str = "etc/systemd/system";

const LABEL: &str = "com.docker.compose.";

pub(super) async fn look() -> Seen {
    let containers = match discover(&|name| environment(name).filter(|set| !set.is_empty()), None) {
        Ok((address, _)) => containers(&address).await.map_err(|failure| {
            let hint = failure.hint.as_deref().unwrap_or("docker ps");
            format!("{failure}; do: {hint}")
        }),
        Err(why) => Err(format!("{why}; do: set DOCKER_HOST if Docker runs elsewhere")),
    };
    let root = Path::new("/");
    Seen {
        hostname: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        containers,
        ports: ports(),
        units: units(root),
        journal: ["/var/log/journal", "/run/log/journal"]
            .iter()
            .any(|folder| fs::read_dir(folder).is_ok_and(|mut names| names.next().is_some())),
        gpu: crate::collectors::gpu::is_there(),
    }
}

/// An entry of `GET /containers/json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Summary {
    #[serde(deserialize_with = "or_default")]
    names: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    image: String,
    #[serde(deserialize_with = "or_default")]
    labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    ports: Vec<Port>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Port {
    #[serde(rename = "IP", deserialize_with = "or_default")]
    ip: String,
    private_port: u16,
    public_port: Option<u16>,
    #[serde(rename = "Type", deserialize_with = "or_default")]
    kind: String,
}

/// Those that run.
async fn containers(address: &Address) -> Result<Vec<Container>, Failure> {
    let until = Instant::now() + PATIENCE;
    let (client, _) = Client::connect(address, until).await?;
    let answer = client.get::<Vec<Summary>>("the list of containers", "/containers/json", until);
    let mut found: Vec<_> = answer.await?.value.iter().filter_map(container).collect();
    found.sort_by(|a, b| (&a.service, &a.name).cmp(&(&b.service, &b.name)));
    // Replicas of a service are one thing here.
    found.dedup_by(|a, b| a.service.is_some() && a.service == b.service);
    found.truncate(MOST);
    Ok(found)
}

fn container(summary: &Summary) -> Option<Container> {
    let label = |key: &str| summary.labels.get(&format!("{LABEL}{key}")).cloned();
    if label("oneoff").is_some_and(|value| value == "True") {
        return None;
    }
    let name = summary.names.iter().map(|name| name.trim_start_matches('/'));
    let tcp = summary.ports.iter().filter(|port| port.kind == "tcp");
    // The first of several ways is that of IPv4.
    let ways = tcp.rev().filter_map(|port| {
        let ip = port.ip.parse::<IpAddr>().ok()?;
        Some((port.private_port, (ip, port.public_port?)))
    });
    let files = label("project.config_files").unwrap_or_default();
    let files = files.split(',').map(PathBuf::from).filter(|path| path.is_absolute());
    Some(Container {
        name: name.filter(|name| !name.contains('/')).min()?.to_owned(),
        image: summary.image.clone(),
        service: label("project").zip(label("service")),
        files: files.map(|path| (path.clone(), files::open(&path).is_ok())).collect(),
        published: ways.collect(),
    })
}

/// Ports on which this machine listens.
fn ports() -> Vec<u16> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::File::open);
    let ports: BTreeSet<u16> =
        tables.into_iter().flatten().flat_map(listening).map(|socket| socket.port).collect();
    ports.into_iter().collect()
}

/// Units that the owner of the machine has written and enabled: others come with the system.
fn units(root: &Path) -> Result<Vec<String>, String> {
    if !root.join(BUS.trim_start_matches('/')).exists() {
        return Err(format!("no system bus at {BUS}"));
    }
    let folder = root.join(UNITS);
    let entries = fs::read_dir(&folder).map_err(|_| format!("cannot read /{UNITS}"))?;
    let wants = entries.flatten().map(|entry| entry.path());
    let wants = wants.filter(|path| path.extension().is_some_and(|ending| ending == "wants"));
    let links = wants.filter_map(|path| fs::read_dir(path).ok()).flatten().flatten();
    let own = links.filter(|link| {
        let target = fs::canonicalize(link.path()).unwrap_or_default();
        target.parent() == fs::canonicalize(&folder).ok().as_deref()
    });
    let names = own.filter_map(|link| link.file_name().into_string().ok());
    let known = |name: &String| {
        [".service", ".timer"].iter().any(|ending| name.ends_with(ending))
            && crate::collectors::systemd::mistake(name).is_none()
    };
    let found: BTreeSet<String> = names.filter(known).collect();
    Ok(found.into_iter().take(MOST).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_engine_lists() {
        let answer = r#"[
          {"Names": ["/shop-db-1", "/web/db"], "Image": "postgres:15", "Ports": [
             {"IP": "127.0.0.1", "PrivatePort": 5432, "PublicPort": 5555, "Type": "tcp"},
             {"IP": "::1", "PrivatePort": 5432, "PublicPort": 5556, "Type": "tcp"},
             {"PrivatePort": 9187, "Type": "tcp"}],
           "Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": "db",
             "com.docker.compose.project.config_files": "/nonexistent/compose.yml,relative.yml"}},
          {"Names": ["/run"], "Labels": {"com.docker.compose.oneoff": "True"}},
          {"Names": null, "Ports": null, "Labels": null}]"#;
        let answer: Vec<Summary> = serde_json::from_str(answer).unwrap();
        let found: Vec<_> = answer.iter().filter_map(container).collect();
        assert_eq!(
            found,
            [Container {
                name: "shop-db-1".into(),
                image: "postgres:15".into(),
                service: Some(("shop".into(), "db".into())),
                files: vec![("/nonexistent/compose.yml".into(), false)],
                published: [(5432, ("127.0.0.1".parse().unwrap(), 5555))].into(),
            }]
        );
    }

    #[test]
    fn units_are_those_that_the_owner_wrote_and_enabled() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        assert!(units(root).unwrap_err().contains("no system bus"));
        let (folder, system) = (root.join(UNITS), root.join("lib/systemd/system"));
        let wants = folder.join("multi-user.target.wants");
        for folder in [&wants, &system, &root.join("run/dbus")] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(root.join(BUS.trim_start_matches('/')), "").unwrap();
        for name in ["bot.service", "worker@.service", "off.service"] {
            fs::write(folder.join(name), "").unwrap();
        }
        fs::write(system.join("cron.service"), "").unwrap();
        symlink(folder.join("bot.service"), wants.join("bot.service")).unwrap();
        symlink(folder.join("worker@.service"), wants.join("worker@1.service")).unwrap();
        symlink(system.join("cron.service"), wants.join("cron.service")).unwrap();
        symlink(root.join("gone"), wants.join("gone.service")).unwrap();
        assert_eq!(units(root).unwrap(), ["bot.service", "worker@1.service"]);
    }
}
