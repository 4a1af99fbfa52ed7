//! A database that nobody declared, read on demand: `/probe?target=host:port/db&module=name`, as
//! `postgres_exporter` has it.
//!
//! Where it is comes from the request; who we are and how the connection is made, from the module.
//! A request can name one host, its port and a database, and `sslmode` where the module leaves it
//! open; a folder of a socket, several hosts and all other parameters it cannot.

use std::collections::BTreeMap;
use std::path::PathBuf;

use percent_encoding::utf8_percent_encode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::share::Share;
use super::{Postgres, check_password, target};
use crate::clients::postgres::{Address, PostgresClient, mistake};
use crate::config::url::{UNRESERVED, decode};
use crate::config::{Dur, SafeUrl, Secret, Url};
use crate::engine::Memory;
use crate::plan::{Common, Plan, Thresholds, Wanted};

/// Parameters of a connection that say nothing of where it goes and who we are.
const OPTIONS: [&str; 8] = [
    "channel_binding",
    "options",
    "require_auth",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
];

/// What reads the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Postgres,
}

/// How PostgreSQL databases are read that a request names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Module {
    /// What reads the address: `postgres`.
    pub kind: Kind,
    /// The role; default `postgres`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Password of the role; better a file. Whoever answers at an allowed address is asked to take
    /// it, so keep `web.probe_allow` narrow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// File with the password, read at each connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Parameters as in the `url` of a declared database: `sslmode`, `sslrootcert`, `sslcert`,
    /// `sslkey`, `sslnegotiation`, `channel_binding`, `require_auth`, `options`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    /// Deadline of a reading; default `5s`. The scrape's own may end it before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
    #[serde(default)]
    pub thresholds: Thresholds,
}

/// Offers a module, or says what is wrong with it.
pub fn offer(name: &str, module: &Module, plan: &mut Plan) {
    for key in module.options.keys().filter(|key| !OPTIONS.contains(&key.as_str())) {
        let message = format!("must be one of `{}`", OPTIONS.join("`, `"));
        plan.mistake(name, &format!("options.{key}"), message);
    }
    if let Some(message) = mistake(&module.url("localhost", 5432, None, None)) {
        plan.mistake(name, "options", message);
    }
    check_password(name, module.password.as_ref(), module.password_file.as_deref(), plan);
    let common = Common { timeout: module.timeout, thresholds: &module.thresholds, service: None };
    let of = module.clone();
    plan.offer(name, &common, move |address, _| of.wanted(address));
}

impl Module {
    fn wanted(&self, address: &str) -> Result<Wanted, String> {
        let expected = "expected an address such as `db:5432/app`";
        let text = match address.split_once("://") {
            Some(_) => address.to_owned(),
            None => format!("postgresql://{address}"),
        };
        let url = Url::parse(&text).map_err(|_| expected)?;
        if !url.is_database() || url.user.is_some() || url.password.is_some() {
            return Err(expected.to_owned());
        }
        let [host] = url.hosts.as_slice() else { return Err(expected.to_owned()) };
        if host.name.is_empty() || host.name.starts_with(['/', '@']) {
            return Err(format!("{expected}, with a host"));
        }
        let mode = match url.query.as_slice() {
            [] => None,
            [(name, Some(mode))] if name == "sslmode" && !self.options.contains_key("sslmode") => {
                Some(decode(mode).map_err(|_| expected)?)
            }
            _ => return Err("parameters are those of the module, not of the target".to_owned()),
        };
        let database = decode(url.path.strip_prefix('/').unwrap_or_default());
        let database = database.ok().filter(|name| !name.is_empty());
        let port = host.port.unwrap_or(5432);
        let url = self.url(&host.name, port, database.as_deref(), mode.as_deref());
        if let Some(message) = mistake(&url) {
            return Err(message);
        }
        Ok(self.at(url))
    }

    fn at(&self, url: SafeUrl) -> Wanted {
        let client = PostgresClient::new(&url, None);
        let (server, place) = client
            .address()
            .map(|address| (address.server(), address.to_string()))
            .unwrap_or_default();
        let postgres = Postgres {
            service: None,
            url,
            password: self.password.clone(),
            password_file: self.password_file.clone(),
            login: None,
            tables: None,
            statements: None,
            settings: None,
            queries: BTreeMap::new(),
            pools: BTreeMap::new(),
            migrations: None,
            timeout: self.timeout,
            thresholds: Thresholds::default(),
        };
        // A memory of its own: what is not read each time is not kept for the next request.
        let share = Share::all_of(&Address::database_of(&postgres.url));
        let target = target(&place, &postgres, share, &Memory::default());
        Wanted { target, addresses: vec![server, place] }
    }

    /// The address with all that the module says but the password.
    fn url(&self, host: &str, port: u16, database: Option<&str>, mode: Option<&str>) -> SafeUrl {
        let user = self.user.as_deref().unwrap_or("postgres");
        let of_module = self.options.get("sslmode").map(String::as_str);
        let mode = of_module.or(mode).unwrap_or("prefer");
        let (port, database) = (port.to_string(), database.unwrap_or(user));
        let mut url = Address::url(host, &port, user, database, mode);
        let options = self.options.iter().filter(|(name, _)| OPTIONS.contains(&name.as_str()));
        for (name, value) in options.filter(|(name, _)| *name != "sslmode") {
            url += &format!("&{name}={}", utf8_percent_encode(value, UNRESERVED));
        }
        SafeUrl::new(url)
    }
}
