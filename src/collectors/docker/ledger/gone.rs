//! Services that were seen to go, over a restart of the exporter.
//!
//! Only those: of what went while nobody looked it is not known whether somebody wanted it so, and a
//! service that a deployment has renamed meanwhile would be missed for a day.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{CAP, Container, Key, Ledger, Service};

/// A Compose service without a container that is still remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gone {
    project: String,
    service: String,
    /// When it was seen last, by the Engine's clock.
    seen: f64,
    deployed: Option<f64>,
    dismissed: bool,
}

impl Ledger {
    /// What must not be forgotten, while these containers are there.
    pub fn gone(&self, containers: &[Container]) -> Vec<Gone> {
        let here: BTreeSet<Key> = containers.iter().map(Container::life_key).collect();
        let gone =
            self.services.iter().filter(|(key, _)| !key.0.is_empty() && !here.contains(*key));
        gone.map(|(key, entry)| Gone {
            project: key.0.clone(),
            service: key.1.clone(),
            seen: entry.seen,
            deployed: entry.deployed,
            dismissed: entry.dismissed,
        })
        .collect()
    }

    /// What was gone before the start. Of what has come back meanwhile the containers tell.
    pub fn remember(&mut self, gone: Vec<Gone>) {
        for Gone { project, service, seen, deployed, dismissed } in gone.into_iter().take(CAP) {
            let entry = || Service { seen, deployed, dismissed, ..Service::default() };
            self.services.entry((project, service)).or_insert_with(entry);
        }
    }
}
