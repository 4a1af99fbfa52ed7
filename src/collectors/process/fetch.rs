//! The look at `/proc`, beside the workers, and the names of containers if a group is named by one.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::scan::{Containers, Memory, Raw, Scan};
use super::tally::Saved;
use crate::clients::engine::address::Address;
use crate::clients::engine::named;
use crate::engine::{Form, Keeping, Kept, Pace, Part, blocking};
use crate::failure::Failure;

/// Of the deadline; the look itself is short.
const PATIENCE: Duration = Duration::from_secs(2);
/// Keys of some thousand processes.
pub const KEPT: Keeping = Keeping {
    form: Form { kind: "processes", version: 1 },
    most: 4 << 20,
    pause: Duration::from_secs(5),
};
/// Ids of containers change with each `up`; their list is short.
pub const NAMES: Pace = Pace {
    every: Duration::from_secs(5),
    again: Duration::from_secs(15),
    stale_after: Some(Duration::from_mins(5)),
    limit: PATIENCE,
};

/// What is asked of whom.
pub struct Source {
    pub scan: Arc<Scan>,
    pub memory: Arc<Mutex<Memory>>,
    pub busy: Arc<AtomicBool>,
    pub kept: Kept<Saved>,
    /// Where containers have names, if a group wants one.
    pub engine: Option<(Address, Part<BTreeMap<String, String>>)>,
}

impl Source {
    pub async fn look(&self) -> Result<Raw, Failure> {
        let until = Instant::now() + PATIENCE;
        let containers = self.containers(until).await;
        let restored = self.kept.restored(until).await;
        let (scan, memory) = (Arc::clone(&self.scan), Arc::clone(&self.memory));
        let (raw, saved) = blocking("the processes", &self.busy, move || {
            let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
            if memory.boot.is_empty() {
                memory.boot = scan.boot_id();
            }
            let boot = memory.boot.clone();
            if let Some(saved) = restored {
                memory.tallies.restore(saved, &boot);
            }
            let raw = scan.run(&mut memory, &containers)?;
            let names = scan.wanted.iter().map(|wanted| wanted.name.as_str());
            Ok((raw, memory.tallies.saved(names, &boot)))
        })
        .await?;
        self.kept.keep(&saved);
        Ok(raw)
    }

    async fn containers(&self, until: Instant) -> Containers {
        let Some((address, part)) = &self.engine else { return Ok(BTreeMap::new()) };
        let latest = part.get(
            until,
            |_| false,
            |_, until| async move { Ok(named::ids(address, until).await?.into()) },
        );
        latest.await.or_pending("the list of containers is not read yet")
    }
}
