//! A database in the configuration file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::migrations::Migrations;
use super::pools::Pool;
use super::queries::Query;
use crate::config::{Dur, SafeUrl, Secret};
use crate::plan::Thresholds;

/// A PostgreSQL database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    /// Address of the database, for example `postgresql://monitor@127.0.0.1:5432/app`. A driver
    /// as in `postgresql+asyncpg://` is ignored, and so are the driver's own parameters.
    /// `sslmode` is as for `libpq`: `require` encrypts, `verify-full` asks for a certificate of the host as well,
    /// by `sslrootcert` or else the public authorities; the default, `prefer`, encrypts to other machines where they
    /// offer it. `sslcert` and `sslkey` name our own certificate, and `passfile` a file such as `.pgpass`. Several hosts
    /// and `target_session_attrs` are as for `libpq`, and so is `host=db user=monitor` instead of an
    /// address. The password is sent in clear text over a socket of this machine or to a verified server alone, unless
    /// `?require_auth=password` allows it. In a password `@ : / # ? & %` must be percent-encoded.
    pub url: SafeUrl,
    /// Password of the role; better a file, or none where the server asks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// File with the password, read at each connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// The Compose service in which it runs, as `db` or `shop/db`: while that service is down, the alert
    /// that it cannot be used is muted. Default: found by its address among the services of the section `docker`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// How often a new connection asks whether one gets in; default `30s`. Each writes up to four lines into
    /// the server's log where `log_connections` and `log_disconnections` are on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Dur>,
    /// How many tables are told of one by one, the largest first; default 100, at most 1000, and 0 for none. The
    /// others are told of as a sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<u32>,
    /// How many statements are told of one by one: so many that take most of the server's time, and so many that take
    /// longest on average; default 0, at most 500. From `pg_stat_statements` of the named database, once a minute; one
    /// that was told of stays for an hour. The page shows the first 20 of each with their texts, constants left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statements: Option<u32>,
    /// `all` tells of every setting that is a number or a switch, as `pg_settings_*`: some 250 series. Default: those
    /// that boards and rules read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
    /// Queries of your own by name, whose columns become `stack_postgres_query_value`; see docs/how-to/postgres-queries.md.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub queries: BTreeMap<String, Query>,
    /// Pools of connections that applications have to this database, by names of your own: how many each may open,
    /// and by what its connections are known. Each is told of against its size.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pools: BTreeMap<String, Pool>,
    /// Which revision the database should be at. The tables of Alembic, Django, Flyway, sqlx, Prisma and Diesel are found
    /// without it, where the role may read them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrations: Option<Migrations>,
    /// Deadline of a reading; default `5s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
    #[serde(default)]
    pub thresholds: Thresholds,
}

/// Which settings of the server are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Settings {
    All,
}

impl Postgres {
    /// What tells one database from another. The engine compares deadlines itself, and thresholds
    /// are no reason for a new session.
    pub(super) fn identity(&self) -> Self {
        Self { service: None, timeout: None, thresholds: Thresholds::default(), ..self.clone() }
    }
}
