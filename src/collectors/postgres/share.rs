//! Who tells what of a server that several targets read: each fact once.
//!
//! Every target tells of its own database, by its own thresholds. The first of them, by name, tells of the
//! server as well, and of the databases that nobody declared.

use std::collections::{BTreeMap, BTreeSet};

use crate::clients::postgres::Address;
use crate::config::SafeUrl;

/// What one target tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Its database.
    pub database: String,
    /// It tells of its database; another target with the same one does not.
    owns: bool,
    /// It tells of the server.
    pub leads: bool,
    /// Databases that others tell of.
    others: BTreeSet<String>,
}

impl Share {
    /// Of a target that has the server for itself.
    pub fn all_of(database: &str) -> Self {
        Self { database: database.to_owned(), owns: true, leads: true, others: BTreeSet::new() }
    }

    pub fn tells(&self, database: &str) -> bool {
        if database == self.database {
            return self.owns;
        }
        self.leads && !self.others.contains(database)
    }
}

/// The shares of these targets: name and address, in the order of their names.
pub fn shares<'a>(
    targets: impl Iterator<Item = (&'a str, &'a SafeUrl)>,
) -> BTreeMap<String, Share> {
    let mut of_server: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for (name, url) in targets {
        let Some(address) = Address::of(url) else { continue };
        let server = address.server().replace("localhost", "127.0.0.1");
        of_server.entry(server).or_default().push((name.to_owned(), address.database));
    }
    let mut shares = BTreeMap::new();
    for targets in of_server.into_values() {
        let mut told = BTreeSet::new();
        for (at, (name, database)) in targets.iter().enumerate() {
            let owns = told.insert(database.clone());
            let others = targets.iter().map(|(_, other)| other).filter(|other| *other != database);
            let share = Share {
                database: database.clone(),
                owns,
                leads: at == 0,
                others: others.cloned().collect(),
            };
            shares.insert(name.clone(), share);
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fact_has_one_who_tells_it() {
        let at = |url: &str| SafeUrl::new(format!("postgresql://u@{url}"));
        let urls = [
            ("a", at("127.0.0.1/app")),
            ("b", at("localhost:5432/other")),
            ("c", at("127.0.0.1:5432/app")),
            ("d", at("127.0.0.1:5433/app")),
        ];
        let shares = shares(urls.iter().map(|(name, url)| (*name, url)));
        let leads: Vec<_> = shares.iter().filter(|(_, share)| share.leads).map(|it| it.0).collect();
        assert_eq!(leads, ["a", "d"]);
        for (database, who) in [("app", "a"), ("other", "b"), ("postgres", "a")] {
            let tell: Vec<_> = ["a", "b", "c"]
                .into_iter()
                .filter(|name| shares.get(*name).is_some_and(|share| share.tells(database)))
                .collect();
            assert_eq!(tell, [who], "{database}");
        }
    }
}
