//! One session with the library: which GPUs there are, and what each says.

use std::collections::BTreeMap;
use std::time::SystemTime;

use nvml_wrapper::bitmasks::event::EventTypes;
use nvml_wrapper::enums::event::XidError;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, EventSet, Nvml, cuda_driver_version_major, cuda_driver_version_minor};

use super::super::model::{Gpu, Machine, OnGpu, State, Xids};
use super::super::people::MOST;
use super::super::reasons::NO_LIBRARY;
use super::{Answer, Trouble, device, failed};
use crate::failure::Failure;
use crate::text::{printable, short};

/// More GPUs than any machine has.
const GPUS: u32 = 64;
/// Events of one GPU that are taken in one look; what is left waits for the next.
const EVENTS: usize = 64;
/// `XidError::Unknown` as NVML numbers it.
const UNKNOWN: u64 = 999;

/// Xids since the thread began, by GPU.
pub type Tally = BTreeMap<String, Xids>;

/// What a GPU is, which it cannot tell any more once it is lost. Indices hold for a session.
#[derive(Clone, Default)]
struct Identity {
    uuid: String,
    name: String,
    bus: String,
    minor: Option<u32>,
}

pub struct Session<'nvml> {
    nvml: &'nvml Nvml,
    driver: String,
    cuda: String,
    known: BTreeMap<u32, Identity>,
    /// Each GPU has a set of its own, so it is known whose event it is when it cannot tell any more.
    events: BTreeMap<u32, Option<EventSet<'nvml>>>,
}

/// Asks a GPU one thing after the other, and nothing more once it is lost.
#[derive(Default)]
pub struct Ask {
    pub lost: Option<State>,
    /// The library is too old for what was asked, or the session has ended.
    pub ended: Option<NvmlError>,
    answers: u32,
    errors: u32,
}

impl Ask {
    /// What the call says. What is not supported is absent, like anything that fails.
    pub fn get<T>(&mut self, call: impl FnOnce() -> Result<T, NvmlError>) -> Option<T> {
        if self.lost.is_some() || self.ended.is_some() {
            return None;
        }
        match call() {
            Ok(value) => {
                self.answers += 1;
                return Some(value);
            }
            Err(NvmlError::GpuLost) => self.lost = Some(State::Lost),
            Err(NvmlError::ResetRequired) => self.lost = Some(State::ResetRequired),
            Err(
                error @ (NvmlError::Uninitialized
                | NvmlError::DriverNotLoaded
                | NvmlError::LibRmVersionMismatch),
            ) => self.ended = Some(error),
            Err(NvmlError::Unknown | NvmlError::Timeout | NvmlError::IrqIssue) => self.errors += 1,
            Err(_) => {}
        }
        None
    }

    /// As [`Self::get`], of something without which the library is of no use.
    pub fn must<T>(&mut self, call: impl FnOnce() -> Result<T, NvmlError>) -> Option<T> {
        let mut old = None;
        let value = self.get(|| {
            call().inspect_err(|error| {
                if let NvmlError::FailedToLoadSymbol(name) = error {
                    old = Some(NvmlError::FailedToLoadSymbol(name.clone()));
                }
            })
        });
        self.ended = self.ended.take().or(old);
        value
    }

    pub fn state(&self) -> State {
        let fails = self.answers == 0 && self.errors > 0;
        self.lost.unwrap_or(if fails { State::Error } else { State::Ok })
    }
}

impl<'nvml> Session<'nvml> {
    pub fn new(nvml: &'nvml Nvml) -> Self {
        let cuda = nvml.sys_cuda_driver_version().map(|version| {
            format!("{}.{}", cuda_driver_version_major(version), cuda_driver_version_minor(version))
        });
        Self {
            nvml,
            driver: shown(&nvml.sys_driver_version().unwrap_or_default()),
            cuda: cuda.unwrap_or_default(),
            known: BTreeMap::new(),
            events: BTreeMap::new(),
        }
    }

    /// All GPUs; or why the session is at its end.
    pub fn read(&mut self, tally: &mut Tally) -> Answer {
        let counted = self.nvml.device_count().map_err(|error| Trouble::Failed(failed(&error)))?;
        let mut gpus = Vec::new();
        for index in 0..counted.min(GPUS) {
            gpus.extend(self.gpu(index, tally)?);
        }
        Ok(Machine {
            source: "nvml",
            driver: self.driver.clone(),
            cuda: self.cuda.clone(),
            counted: counted.into(),
            gpus,
        })
    }

    /// `None` of one that does not even say which it is, and never did.
    fn gpu(&mut self, index: u32, tally: &mut Tally) -> Result<Option<Gpu>, Trouble> {
        let mut ask = Ask::default();
        let nvml = self.nvml;
        let device = ask.get(|| nvml.device_by_index(index));
        if let (Some(device), false) = (&device, self.known.contains_key(&index))
            && let Some(uuid) = ask.get(|| device.uuid())
        {
            let identity = Identity {
                uuid: shown(&uuid),
                name: shown(&ask.get(|| device.name()).unwrap_or_default()),
                bus: shown(
                    &ask.get(|| device.pci_info()).map(|info| info.bus_id).unwrap_or_default(),
                ),
                minor: ask.get(|| device.minor_number()),
            };
            self.known.insert(index, identity);
        }
        let Some(identity) = self.known.get(&index).cloned() else { return Ok(None) };
        let facts = device.as_ref().map(|device| device::facts(device, &mut ask));
        let processes = device.as_ref().and_then(|device| processes(device, &mut ask));
        if let Some(error) = ask.ended {
            return Err(ending(&error));
        }
        let xids = self.xids(index, device.as_ref(), &identity.uuid, tally);
        let state = if device.is_none() { ask.lost.unwrap_or(State::Error) } else { ask.state() };
        let facts = facts.filter(|_| state == State::Ok).unwrap_or_default();
        let Identity { uuid, name, bus, minor } = identity;
        let processes = processes.filter(|_| state == State::Ok);
        let index = Some(index);
        Ok(Some(Gpu { uuid, index, name, bus, minor, state, facts, processes, xids }))
    }

    /// Takes the events that have come. `None` where the driver tells none of this GPU.
    fn xids(
        &mut self,
        index: u32,
        device: Option<&Device<'nvml>>,
        uuid: &str,
        tally: &mut Tally,
    ) -> Option<Xids> {
        let set = match (self.events.get(&index), device) {
            (Some(set), _) => set.as_ref()?,
            (None, device) => {
                let set = listen(self.nvml, device?);
                self.events.entry(index).or_insert(set).as_ref()?
            }
        };
        let xids = tally.entry(uuid.to_owned()).or_default();
        for _ in 0..EVENTS {
            let Ok(event) = set.wait(0) else { break };
            let code = match event.event_data {
                Some(XidError::Value(code)) => code,
                Some(XidError::Unknown) => UNKNOWN,
                None => continue,
            };
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            xids.note(code, now.map_or(0.0, |now| now.as_secs_f64()));
        }
        Some(*xids)
    }
}

/// A set of events for one GPU.
fn listen<'nvml>(nvml: &'nvml Nvml, device: &Device<'nvml>) -> Option<EventSet<'nvml>> {
    let supported = device.supported_event_types().ok()?;
    let wanted = EventTypes::CRITICAL_XID_ERROR;
    let set = nvml.create_event_set().ok().filter(|_| supported.contains(wanted))?;
    device.register_events(wanted, set).ok()
}

/// Those that compute, draw, or share a server of CUDA; each once.
fn processes(device: &Device, ask: &mut Ask) -> Option<Vec<OnGpu>> {
    let compute = ask.must(|| device.running_compute_processes());
    let graphics = ask.get(|| device.running_graphics_processes());
    let shared = ask.get(|| device.mps_running_compute_processes());
    if compute.is_none() && graphics.is_none() {
        return None;
    }
    let mut all: BTreeMap<u32, OnGpu> = BTreeMap::new();
    for process in [compute, graphics, shared].into_iter().flatten().flatten().take(MOST) {
        let memory = device::memory_of(&process.used_gpu_memory);
        let one = all.entry(process.pid).or_insert(OnGpu { pid: process.pid, ..OnGpu::default() });
        one.memory = one.memory.max(memory);
    }
    Some(all.into_values().collect())
}

/// Why a session has ended that had begun.
fn ending(error: &NvmlError) -> Trouble {
    match error {
        NvmlError::FailedToLoadSymbol(_) => {
            let text = "NVIDIA's library is older than driver 510 and lacks what is asked of it";
            let hint =
                "install `nvidia-smi` of this driver, which is read instead, or a newer driver";
            Trouble::Unusable(Failure::new(NO_LIBRARY, text).hint(hint))
        }
        error => Trouble::Failed(failed(error)),
    }
}

fn shown(text: &str) -> String {
    short(&printable(text), 96).into_owned()
}
