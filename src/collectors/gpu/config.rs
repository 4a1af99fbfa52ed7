//! GPUs in the configuration file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Dur;
use crate::plan::Thresholds;

/// NVIDIA GPUs of this machine. Without the section they are watched if their device files can be seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Gpu {
    /// Whether GPUs are watched; default `true`. With the section a driver that is not there is told.
    pub enabled: bool,
    /// How many GPUs there must be. Without it a GPU is missed for a day after it was seen last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// What has to be on a GPU, by a name that becomes the label `process`:
    /// `bot: { cmdline: "serve\\.py" }`, `llm: { container: ollama }`. At most 50. Each has a series also
    /// when it was never seen there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub processes: BTreeMap<String, OnGpu>,
    /// Whether the most asked for numbers are told under the names of DCGM's exporter as well
    /// (`DCGM_FI_DEV_GPU_UTIL` and the like); default `false`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dcgm_names: bool,
    /// NVIDIA's management library; default `libnvidia-ml.so.1`, where the system finds libraries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub library: Option<PathBuf>,
    /// The program that is run where the library is not there or too old; default `nvidia-smi` in one of the
    /// usual folders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nvidia_smi: Option<PathBuf>,
    /// Where the proc file system is, for names and containers of processes; default `/proc`. In a container
    /// that has the host's mounted: `/host/proc`.
    pub proc_path: PathBuf,
    /// Deadline of a reading; default `5s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
    pub thresholds: Thresholds,
}

impl Default for Gpu {
    fn default() -> Self {
        Self {
            enabled: true,
            count: None,
            processes: BTreeMap::new(),
            dcgm_names: false,
            library: None,
            nvidia_smi: None,
            proc_path: "/proc".into(),
            timeout: None,
            thresholds: Thresholds::default(),
        }
    }
}

/// By what a process is known that has to be on a GPU. All conditions that are given must be met; at least
/// one is needed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OnGpu {
    /// Regular expression that is looked for in the command line, whose arguments are parted by blanks
    /// and whose first 4096 bytes count.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-verbatim" = true))]
    pub cmdline: Option<String>,
    /// Name of the program as `ps -o comm` has it; its first 15 bytes count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The container that it belongs to, by its control group: its name, for which the Engine of the
    /// section `docker` is asked, or at least 12 signs of its id, for which nobody is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
}
