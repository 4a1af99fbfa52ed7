//! Asks the library, else `nvidia-smi`, and who the processes are.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::model::{Gpu, Machine};
use super::nvml::{Library, Trouble};
use super::people::{self, Look, People};
use super::smi;
use super::wanted::{Containers, Wanted};
use crate::clients::engine::address::Address;
use crate::clients::engine::named;
use crate::engine::{Latest, Pace, Part, blocking};
use crate::failure::Failure;

/// Of the deadline; a GPU answers within some milliseconds.
const PATIENCE: Duration = Duration::from_secs(3);
/// It takes long, and numbers that are half a minute old still tell what is wrong.
pub const SMI: Pace = Pace {
    every: Duration::from_secs(30),
    again: Duration::from_mins(1),
    stale_after: Some(Duration::from_mins(3)),
    limit: smi::LIMIT,
};
/// Ids of containers change with each `up`; their list is short.
pub const NAMES: Pace = Pace {
    every: Duration::from_secs(15),
    again: Duration::from_secs(30),
    stale_after: Some(Duration::from_mins(5)),
    limit: Duration::from_secs(1),
};

/// What is asked of whom.
pub struct Source {
    pub path: Option<PathBuf>,
    pub library: Arc<Library>,
    pub program: Option<PathBuf>,
    pub smi: Part<Machine>,
    pub lasting: Arc<Lasting>,
    pub proc: PathBuf,
    pub wanted: Arc<Vec<Wanted>>,
    /// Where containers have names.
    pub engine: Option<(Address, Part<BTreeMap<String, String>>)>,
}

/// Kept over a reload.
#[derive(Default)]
pub struct Lasting {
    busy: Arc<AtomicBool>,
    left: Arc<smi::Left>,
    people: Arc<Mutex<people::Memory>>,
}

/// What a look has found.
pub struct Raw {
    pub machine: Machine,
    pub people: People,
    pub containers: Containers,
}

impl Source {
    pub async fn look(&self) -> Result<Raw, Failure> {
        let machine = self.machine().await?;
        let until = Instant::now() + Duration::from_secs(1);
        // Of processes nobody is asked about no names are needed either.
        let any = machine.gpus.iter().any(|gpu| gpu.processes.iter().flatten().next().is_some());
        let containers = if any || !self.wanted.is_empty() {
            self.containers(until).await
        } else {
            Ok(BTreeMap::new())
        };
        let (proc, wanted) = (self.proc.clone(), Arc::clone(&self.wanted));
        let memory = Arc::clone(&self.lasting.people);
        blocking("processes on GPUs", &self.lasting.busy, move || {
            let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
            let look = Look {
                proc: &proc,
                wanted: &wanted,
                containers: &containers,
                sees: people::sees(&proc, machine.source == "nvml"),
                told: machine.gpus.iter().all(Gpu::tells_processes),
            };
            let all = machine.gpus.iter().filter_map(|gpu| gpu.processes.as_ref()).flatten();
            let people = look.run(all.map(|process| process.pid), &mut memory);
            Ok(Raw { machine, people, containers })
        })
        .await
    }

    /// By the library. Where that cannot serve, by the program if there is one.
    async fn machine(&self) -> Result<Machine, Failure> {
        let until = Instant::now() + PATIENCE;
        let failure = match self.library.read(self.path.as_ref(), until).await {
            Ok(machine) => return Ok(machine),
            Err(Trouble::Failed(failure)) => return Err(failure),
            Err(Trouble::Unusable(failure)) => failure,
        };
        let Some(program) = smi::find(self.program.as_ref()) else { return Err(failure) };
        let latest: Latest<Machine> = self
            .smi
            .get(
                Instant::now() + smi::LIMIT,
                |_| false,
                |_, _| async move {
                    let left = Arc::clone(&self.lasting.left);
                    let text = blocking("nvidia-smi", &self.lasting.busy, move || {
                        left.run(&program).and_then(|text| smi::parse::machine(&text))
                    });
                    Ok(text.await?.into())
                },
            )
            .await;
        latest.or_pending("nvidia-smi was not run yet")
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
