//! What was read of GPUs, whichever way: plain data in base units. What a GPU or its driver does not tell
//! is absent.

/// All GPUs of the machine at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    /// The way that it was read.
    pub source: &'static str,
    /// Version of the driver.
    pub driver: String,
    /// The newest version of CUDA that the driver can serve.
    pub cuda: String,
    /// How many GPUs the driver counts, those included that do not answer.
    pub counted: u64,
    pub gpus: Vec<Gpu>,
}

/// How a GPU answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    #[default]
    Ok,
    /// It has fallen off the bus, or cannot be reached any more.
    Lost,
    /// It answers nothing until it is reset.
    ResetRequired,
    /// The driver counts it and cannot read it.
    Error,
    /// It was there within the last day, and the driver does not know it any more.
    Gone,
}

/// In the order of [`State`].
pub const STATES: [(&str, State); 5] = [
    ("ok", State::Ok),
    ("lost", State::Lost),
    ("reset_required", State::ResetRequired),
    ("error", State::Error),
    ("gone", State::Gone),
];

/// One GPU.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gpu {
    pub uuid: String,
    /// As the driver counts.
    pub index: Option<u32>,
    pub name: String,
    /// Where it is plugged in.
    pub bus: String,
    /// Number of its device file.
    pub minor: Option<u32>,
    pub state: State,
    pub facts: Facts,
    /// `None`: it is not told.
    pub processes: Option<Vec<OnGpu>>,
    /// `None`: they are not told.
    pub xids: Option<Xids>,
}

/// A process that has work on a GPU.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnGpu {
    pub pid: u32,
    pub memory: Option<u64>,
    /// Its program, if the driver tells.
    pub name: Option<String>,
}

/// Why a clock is lower than it could be, in the order of NVML's bits. Newer drivers call them event
/// reasons, older ones throttle reasons.
pub const REASONS: [&str; 9] = [
    "idle",
    "applications_clocks",
    "sw_power_cap",
    "hw_slowdown",
    "sync_boost",
    "sw_thermal_slowdown",
    "hw_thermal_slowdown",
    "hw_power_brake",
    "display_clocks",
];

/// Which clocks there are.
pub const CLOCKS: [&str; 4] = ["graphics", "sm", "memory", "video"];

/// Numbers of a GPU. Bytes, degrees Celsius, watts, hertz; shares of one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    pub busy: Option<f64>,
    pub memory_busy: Option<f64>,
    pub memory: Memory,
    pub temperature: Temperature,
    pub watts: Option<f64>,
    pub watts_limit: Option<f64>,
    pub joules: Option<f64>,
    /// In the order of [`CLOCKS`].
    pub clocks: [Option<f64>; 4],
    pub clocks_most: [Option<f64>; 4],
    /// In the order of [`REASONS`].
    pub reasons: [Option<bool>; 9],
    pub performance_state: Option<u32>,
    pub persistence: Option<bool>,
    pub mig: Option<bool>,
    pub fan: Option<f64>,
    pub link: Link,
    pub ecc: Ecc,
    pub repair: Repair,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Memory {
    pub total: Option<u64>,
    pub used: Option<u64>,
    pub free: Option<u64>,
    /// Of the driver itself.
    pub reserved: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Temperature {
    pub gpu: Option<f64>,
    pub memory: Option<f64>,
    pub slowdown: Option<f64>,
    pub shutdown: Option<f64>,
    /// Up to which it is meant to work.
    pub operating: Option<f64>,
    /// Degrees until it slows itself down.
    pub margin: Option<f64>,
}

/// The way to the rest of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Link {
    pub generation: Option<u32>,
    pub generation_most: Option<u32>,
    pub width: Option<u32>,
    pub width_most: Option<u32>,
    pub replays: Option<u64>,
}

/// Errors of memory that it finds by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ecc {
    pub enabled: Option<bool>,
    /// Corrected and uncorrected since the driver was loaded.
    pub volatile: [Option<u64>; 2],
    /// The same over its life.
    pub aggregate: [Option<u64>; 2],
}

/// What it has taken out of use for errors.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Repair {
    /// Pages, for one bit and for two.
    pub pages: [Option<u64>; 2],
    pub pages_pending: Option<bool>,
    /// Rows, for corrected and for uncorrected errors.
    pub rows: [Option<u64>; 2],
    pub rows_pending: Option<bool>,
    pub rows_failed: Option<bool>,
    /// The driver asks for a reset or a restart of the machine.
    pub asked: Option<bool>,
}

/// Errors that the driver told by their number (Xid) since the exporter looks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Xids {
    /// In the order of [`KINDS`].
    pub counts: [u64; 3],
    /// The last one, and when: seconds since 1970.
    pub last: Option<(u64, f64)>,
}

/// What an Xid is about.
pub const KINDS: [&str; 3] = ["device", "program", "other"];

/// Of the hardware, its firmware or its link: NVIDIA's list of Xids says to reset, drain or replace.
const DEVICE: [u64; 15] = [46, 48, 54, 61, 62, 64, 74, 79, 94, 95, 119, 120, 140, 143, 154];
/// A program has done something wrong, or was ended: NVIDIA's own device plugin passes over them.
const PROGRAM: [u64; 7] = [13, 31, 43, 45, 68, 69, 109];

impl Gpu {
    /// Whether it is known who is on it: on one that does not answer is nobody.
    pub fn tells_processes(&self) -> bool {
        self.processes.is_some() || self.state != State::Ok
    }
}

impl Xids {
    pub fn note(&mut self, code: u64, at: f64) {
        let kind = match code {
            code if DEVICE.contains(&code) => 0,
            code if PROGRAM.contains(&code) => 1,
            _ => 2,
        };
        if let Some(count) = self.counts.get_mut(kind) {
            *count += 1;
        }
        self.last = Some((code, at));
    }
}

impl Memory {
    /// Used part, without what the driver has for itself.
    pub fn used_ratio(&self) -> Option<f64> {
        let (used, total) = (self.used?, self.total.filter(|total| *total > 0)?);
        (used <= total).then(|| used as f64 / total as f64)
    }
}

impl Temperature {
    /// As it is told, or from the limit that is.
    pub fn until_slowdown(&self) -> Option<f64> {
        self.margin.or_else(|| Some(self.slowdown? - self.gpu?))
    }
}

/// Bounds within which a number of a GPU is one: NVIDIA has numbers for "unknown" of its own.
pub mod sane {
    /// A share, from percent.
    pub fn percent(value: f64) -> Option<f64> {
        (0.0..=100.0).contains(&value).then_some(value / 100.0)
    }

    pub fn celsius(value: f64) -> Option<f64> {
        (-100.0..=300.0).contains(&value).then_some(value)
    }

    pub fn watts(value: f64) -> Option<f64> {
        (0.0..=100_000.0).contains(&value).then_some(value)
    }

    /// From megahertz.
    pub fn hertz(mega: f64) -> Option<f64> {
        (0.0..=100_000.0).contains(&mega).then_some(mega * 1e6)
    }

    /// A count or a number of bytes.
    pub fn count(value: u64) -> Option<u64> {
        (value < 1 << 53).then_some(value)
    }

    /// A small number: a generation, a width, a state.
    pub fn small(value: u32) -> Option<u32> {
        (value <= 64).then_some(value)
    }
}
