//! Pools of applications: how many connections each may have, and has.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::activity::{APPLICATIONS, keep_largest};
use crate::catalogue::{Batch, Cell, Column, Detail};
use crate::clients::postgres::{APPLICATION, Row, Rows};

/// The size of a pool that says none, as `SQLAlchemy` has it.
const SIZE: u32 = 5;
const OVERFLOW: u32 = 10;
/// Declared pools, each of which is a series.
const MOST: usize = 50;
const MOST_CONNECTIONS: u32 = 100_000;

/// A pool of connections: whose it is, and how large it may become.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pool {
    /// The name that its connections give themselves (`application_name`). asyncpg gives none: then `user` or `client`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-show-value" = true))]
    pub application: Option<String>,
    /// The role as which it logs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-show-value" = true))]
    pub user: Option<String>,
    /// The address that it comes from, or a network such as `172.18.0.0/16`: of a container that of the network in which
    /// it reaches the database.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-show-value" = true))]
    pub client: Option<String>,
    /// Connections that it keeps; default 5, as SQLAlchemy's `pool_size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// Connections beyond these that it may open; default 10, as `max_overflow`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overflow: Option<u32>,
    /// Processes that have such a pool each; default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<u32>,
}

impl Pool {
    /// As many as all its processes may open.
    fn limit(&self) -> u64 {
        let each =
            u64::from(self.size.unwrap_or(SIZE)) + u64::from(self.overflow.unwrap_or(OVERFLOW));
        each * u64::from(self.processes.unwrap_or(1))
    }

    fn has(&self, row: Row) -> bool {
        let is = |wanted: &Option<String>, column: &str| {
            wanted.as_deref().is_none_or(|wanted| row.text(column) == Some(wanted))
        };
        let network = self.client.as_deref().map(Network::of);
        let address = || row.text("client").and_then(|text| text.parse::<IpAddr>().ok());
        is(&self.application, "application_name")
            && is(&self.user, "usename")
            && network.is_none_or(|network| {
                network.zip(address()).is_some_and(|(network, address)| network.has(address))
            })
    }
}

/// An address, or all that begin alike.
#[derive(Clone, Copy)]
struct Network {
    bits: u128,
    /// Bits that do not matter.
    free: u32,
    six: bool,
}

impl Network {
    fn of(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            None => (text, None),
            Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
        };
        let (bits, six) = bits(address.parse().ok()?);
        let all: u32 = if six { 128 } else { 32 };
        let free = all.checked_sub(length.unwrap_or(all))?;
        Some(Self { bits, free, six })
    }

    fn has(self, address: IpAddr) -> bool {
        let (other, six) = bits(address);
        let differ = (self.bits ^ other).checked_shr(self.free).unwrap_or(0);
        six == self.six && differ == 0
    }
}

fn bits(address: IpAddr) -> (u128, bool) {
    match address.to_canonical() {
        IpAddr::V4(address) => (address.to_bits().into(), false),
        IpAddr::V6(address) => (address.to_bits(), true),
    }
}

/// Mistakes by key.
pub fn mistakes(pools: &BTreeMap<String, Pool>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if pools.len() > MOST {
        found.push((String::new(), format!("must be at most {MOST}")));
    }
    for (name, pool) in pools {
        let whose = [&pool.application, &pool.user, &pool.client];
        if whose.iter().all(|text| text.as_deref().is_none_or(str::is_empty)) {
            let text =
                "needs `application`, `user` or `client`, by which its connections are known";
            found.push((name.clone(), text.to_owned()));
        }
        if pool.client.as_deref().is_some_and(|text| Network::of(text).is_none()) {
            let text =
                "expected an address such as `172.18.0.5` or a network such as `172.18.0.0/16`";
            found.push((format!("{name}.client"), text.to_owned()));
        }
        if !(1..=u64::from(MOST_CONNECTIONS)).contains(&pool.limit()) {
            let text = format!("must come to 1 to {MOST_CONNECTIONS} connections");
            found.push((format!("{name}.size"), text));
        }
    }
    found
}

/// A declared pool, and what is open of it.
#[derive(Debug, PartialEq)]
pub struct Use {
    pub database: String,
    pub name: String,
    pub limit: u64,
    pub open: u64,
    pub idle_in_transaction: u64,
}

impl Use {
    pub fn ratio(&self) -> Option<f64> {
        (self.limit > 0).then(|| self.open as f64 / self.limit as f64)
    }
}

/// The pools of a database, and for people all clients of it.
pub fn of(batch: Batch, pools: &BTreeMap<String, Pool>, database: &str, rows: &Rows) -> Batch {
    let here = || rows.iter().filter(|row| is_client(*row, database));
    batch.with(uses(pools, database, here)).detail(table(here()))
}

fn is_client(row: Row, database: &str) -> bool {
    row.text("backend_type") == Some("client backend")
        && row.text("datname") == Some(database)
        && row.text("application_name") != Some(APPLICATION)
}

fn uses<'a, I: Iterator<Item = Row<'a>>>(
    pools: &BTreeMap<String, Pool>,
    database: &str,
    here: impl Fn() -> I,
) -> Vec<Use> {
    let one = |(name, pool): (&String, &Pool)| {
        let states: Vec<_> =
            here().filter(|row| pool.has(*row)).map(|row| row.text("state")).collect();
        let open_transaction = |state: Option<&str>| {
            state.is_some_and(|state| state.starts_with("idle in transaction"))
        };
        Use {
            database: database.to_owned(),
            name: name.clone(),
            limit: pool.limit(),
            open: states.len() as u64,
            idle_in_transaction: states.iter().filter(|state| open_transaction(**state)).count()
                as u64,
        }
    };
    pools.iter().map(one).collect()
}

/// Who has connections, by the address too: what gives itself no name is told apart by nothing else.
fn table<'a>(here: impl Iterator<Item = Row<'a>>) -> Detail {
    const COLUMNS: [(&str, &str); 7] = [
        ("application", "Application"),
        ("user", "User"),
        ("address", "Address"),
        ("connections", "Connections"),
        ("active", "Active"),
        ("idle", "Idle"),
        ("idle_in_transaction", "Idle in transaction"),
    ];
    let mut found: BTreeMap<[&str; 3], [u64; 4]> = BTreeMap::new();
    for row in here {
        let key = ["application_name", "usename", "client"];
        let key = key.map(|column| row.text(column).unwrap_or_default());
        let [all, active, idle, open] = found.entry(key).or_default();
        *all += 1;
        match row.text("state").unwrap_or_default() {
            "active" => *active += 1,
            "idle" => *idle += 1,
            state if state.starts_with("idle in transaction") => *open += 1,
            _ => {}
        }
    }
    let mut found: Vec<_> = found.into_iter().collect();
    keep_largest(&mut found, APPLICATIONS, |(_, [all, ..])| *all);
    found.sort_by_key(|(_, [all, ..])| std::cmp::Reverse(*all));
    let cells = |(key, counts): ([&str; 3], [u64; 4])| {
        let texts = key.map(|text| Cell::Text(text.to_owned())).into_iter();
        texts.chain(counts.map(Cell::Count)).collect()
    };
    Detail {
        title: "Connections by client",
        name: "clients",
        columns: COLUMNS.map(|(name, title)| Column { name, title }).to_vec(),
        rows: found.into_iter().map(cells).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pools(yaml: &str) -> BTreeMap<String, Pool> {
        serde_json::from_str(yaml).expect("pools")
    }

    fn sessions() -> Rows {
        let columns = ["datname", "application_name", "usename", "client", "state", "backend_type"];
        let row = |application: &str, client: &str, state: &str| {
            ["app", application, "shop", client, state, "client backend"].map(str::to_owned)
        };
        let mut rows = vec![
            row("api", "172.18.0.5", "idle"),
            row("api", "172.18.0.5", "idle in transaction"),
            row("", "172.18.0.6", "active"),
            row("", "172.18.0.6", "idle in transaction (aborted)"),
            row("stack-exporter", "172.18.0.6", "active"),
        ];
        rows.push(
            ["other", "api", "shop", "172.18.0.5", "idle", "client backend"].map(str::to_owned),
        );
        rows.push(
            ["app", "api", "shop", "172.18.0.5", "active", "parallel worker"].map(str::to_owned),
        );
        let json = serde_json::json!({ "columns": columns, "rows": rows });
        serde_json::from_value(json).expect("rows")
    }

    #[test]
    fn connections_are_counted_by_whoever_they_are() {
        let all = pools(
            r#"{"api": {"application": "api"}, "named": {"application": "nobody"},
                "worker": {"client": "172.18.0.6", "size": 1, "overflow": 0, "processes": 2},
                "net": {"client": "172.18.0.0/29", "user": "shop"}, "other": {"client": "172.18.0.6", "user": "x"}}"#,
        );
        assert!(mistakes(&all).is_empty());
        let rows = sessions();
        let here = || rows.iter().filter(|row| is_client(*row, "app"));
        let found: Vec<_> = uses(&all, "app", here)
            .into_iter()
            .map(|it| (it.name.clone(), it.limit, it.open, it.idle_in_transaction, it.ratio()))
            .collect();
        let want = [
            ("api", 15, 2, 1, Some(2.0 / 15.0)),
            ("named", 15, 0, 0, Some(0.0)),
            ("net", 15, 4, 2, Some(4.0 / 15.0)),
            ("other", 15, 0, 0, Some(0.0)),
            ("worker", 2, 2, 1, Some(1.0)),
        ];
        assert_eq!(found, want.map(|(name, a, b, c, d)| (name.to_owned(), a, b, c, d)));
        let clients = table(here());
        assert_eq!(clients.rows.len(), 2, "{clients:?}");
        assert_eq!(clients.rows[0][3], Cell::Count(2));
    }

    #[test]
    fn networks() {
        for (network, address, has) in [
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("10.0.0.0/24", "10.0.0.255", true),
            ("10.0.0.0/24", "10.0.1.0", false),
            ("10.0.0.0/24", "::ffff:10.0.0.7", true),
            ("0.0.0.0/0", "10.0.0.1", true),
            ("::/0", "10.0.0.1", false),
            ("::/0", "fd00::1", true),
            ("fd00::/64", "fd00::1:0:0:0:1", false),
        ] {
            let network = Network::of(network).expect("a network");
            assert_eq!(network.has(address.parse().unwrap()), has, "{address}");
        }
        for wrong in ["", "api", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "::/129"] {
            assert!(Network::of(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn mistakes_of_pools() {
        for (json, want) in [
            (r#"{"a": {"application": "x"}}"#, None),
            (r#"{"a": {}}"#, Some("a")),
            (r#"{"a": {"application": ""}}"#, Some("a")),
            (r#"{"a": {"client": "db"}}"#, Some("a.client")),
            (r#"{"a": {"user": "x", "size": 0, "overflow": 0}}"#, Some("a.size")),
            (r#"{"a": {"user": "x", "processes": 4000000}}"#, Some("a.size")),
        ] {
            let found = mistakes(&pools(json));
            let keys: Vec<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
            assert_eq!(keys, want.into_iter().collect::<Vec<_>>(), "{json}");
        }
    }
}
