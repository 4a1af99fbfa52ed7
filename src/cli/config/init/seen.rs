//! What was seen on this machine, and which programs are known by it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use crate::engine::Service;

/// What runs here, as far as it could be seen.
pub(super) struct Seen {
    /// Name of the machine.
    pub hostname: String,
    /// Containers that run, or why none could be seen.
    pub containers: Result<Vec<Container>, String>,
    /// Ports that listen on this machine.
    pub ports: Vec<u16>,
    /// Units of its owner that start with the machine, or why none could be seen.
    pub units: Result<Vec<String>, String>,
    /// There is a journal that can be read.
    pub journal: bool,
    /// There is an NVIDIA GPU.
    pub gpu: bool,
}

/// A container that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Container {
    pub name: String,
    pub image: String,
    /// Project and service of Compose.
    pub service: Option<(String, String)>,
    /// Compose files of its project, each with whether it can be read here.
    pub files: Vec<(PathBuf, bool)>,
    /// TCP ports inside, and where they are reached from outside.
    pub published: BTreeMap<u16, (IpAddr, u16)>,
}

/// A program that the exporter knows by more than its container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Postgres,
    Nats,
    Redis,
    Qdrant,
    Mongo,
    Nginx,
    Other,
}

/// Last parts of names of images: exact, for `postgres-exporter` is no database.
const IMAGES: [(&str, Kind); 20] = [
    ("postgres", Kind::Postgres),
    ("postgresql", Kind::Postgres),
    ("postgresql-repmgr", Kind::Postgres),
    ("postgis", Kind::Postgres),
    ("pgvector", Kind::Postgres),
    ("timescaledb", Kind::Postgres),
    ("timescaledb-ha", Kind::Postgres),
    ("nats", Kind::Nats),
    ("nats-server", Kind::Nats),
    ("redis", Kind::Redis),
    ("redis-stack-server", Kind::Redis),
    ("valkey", Kind::Redis),
    ("keydb", Kind::Redis),
    ("dragonfly", Kind::Redis),
    ("qdrant", Kind::Qdrant),
    ("mongo", Kind::Mongo),
    ("mongodb-community-server", Kind::Mongo),
    ("nginx", Kind::Nginx),
    ("nginx-unprivileged", Kind::Nginx),
    ("openresty", Kind::Nginx),
];

impl Kind {
    /// By the image: `registry:5000/library/postgres:15@sha256:...`.
    pub(super) fn of(image: &str) -> Self {
        let image = image.split('@').next().unwrap_or_default();
        let last = image.rsplit('/').next().unwrap_or_default();
        let name = last.split(':').next().unwrap_or_default();
        IMAGES.iter().find(|(known, _)| *known == name).map_or(Self::Other, |(_, kind)| *kind)
    }

    /// The port at which it is watched.
    pub(super) const fn port(self) -> Option<u16> {
        match self {
            Self::Postgres => Some(5432),
            Self::Nats => Some(8222),
            Self::Redis => Some(6379),
            Self::Qdrant => Some(6333),
            Self::Mongo => Some(27017),
            Self::Nginx | Self::Other => None,
        }
    }
}

impl Container {
    pub(super) fn kind(&self) -> Kind {
        Kind::of(&self.image)
    }

    /// `shop/db`, where such a name may stand in the configuration.
    pub(super) fn home(&self) -> Option<String> {
        let (project, service) = self.service.as_ref()?;
        let home = format!("{project}/{service}");
        Service::parse(&home).is_ok().then_some(home)
    }

    /// Where a port of it is reached from this machine.
    pub(super) fn at(&self, port: u16) -> Option<String> {
        let (ip, outside) = self.published.get(&port)?;
        let ip = if ip.is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { *ip };
        Some(match ip {
            IpAddr::V4(ip) => format!("{ip}:{outside}"),
            IpAddr::V6(ip) => format!("[{ip}]:{outside}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_known_by_their_names() {
        for (image, kind) in [
            ("postgres:15", Kind::Postgres),
            ("localhost:5000/library/postgres", Kind::Postgres),
            ("pgvector/pgvector:pg17@sha256:0123", Kind::Postgres),
            ("prometheuscommunity/postgres-exporter:v0.19", Kind::Other),
            ("nats:2.10-alpine", Kind::Nats),
            ("natsio/nats-box", Kind::Other),
            ("docker.io/valkey/valkey:8", Kind::Redis),
            ("qdrant/qdrant:v1.17.0", Kind::Qdrant),
            ("mongo:7", Kind::Mongo),
            ("percona/mongodb_exporter:0.47", Kind::Other),
            ("sha256:0123", Kind::Other),
            ("", Kind::Other),
        ] {
            assert_eq!(Kind::of(image), kind, "{image}");
        }
    }

    #[test]
    fn all_addresses_of_the_machine_are_reached_by_loopback() {
        let published = [(1, ("0.0.0.0", 11)), (2, ("::", 22)), (3, ("fd00::1", 33))];
        let published = published.map(|(port, (ip, at))| (port, (ip.parse().unwrap(), at)));
        let container = Container { published: published.into(), ..Container::default() };
        assert_eq!(container.at(1).as_deref(), Some("127.0.0.1:11"));
        assert_eq!(container.at(2).as_deref(), Some("127.0.0.1:22"));
        assert_eq!(container.at(3).as_deref(), Some("[fd00::1]:33"));
        assert_eq!(container.at(4), None);
    }
}
