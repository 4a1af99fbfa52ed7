//! The host in the configuration file.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Dur;
use crate::plan::Thresholds;

/// Mount points of the kernel's own file systems and of containers, images and packages.
const IGNORE_MOUNTS: &str = "^/(dev|proc|sys|run/credentials/.+|run/docker/.+|run/user/.+|snap/.+\
                             |var/lib/(docker|containerd|containers/storage|kubelet)/.+)($|/)";

/// Without a disk of their own, always full by design, or of no use to another user.
const IGNORE_FSTYPES: &str = "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs\
                              |efivarfs|erofs|fuse\\.(gvfsd-fuse|lxcfs|portal|snapfuse)|fusectl\
                              |hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs\
                              |securityfs|selinuxfs|squashfs|sysfs|tracefs|udf)$";

/// The machine that the exporter runs on. Needs no configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Host {
    /// Whether the host is watched; default `true`. `false` where `node_exporter` runs already:
    /// its names are used here.
    pub enabled: bool,
    /// Deadline of a reading; default `5s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
    pub thresholds: Thresholds,
    /// Whether also what the closed rows of board 1860 read is shown: counts of the network's protocols and
    /// sockets, of each CPU's queue, more of each disk and link; default `false`. Some 150 series for the search
    /// of a cause by hand, which no alert reads.
    pub extended: bool,
    /// Where the host's proc file system is; default `/proc`. In a container that has the host's
    /// mounted: `/host/proc`.
    pub proc_path: PathBuf,
    /// Where the host's root is; default `/`. In a container that has it mounted: `/host`. Mount
    /// points are shown without it.
    pub root_path: PathBuf,
    /// Regular expression of mount points that are left out. The default leaves out the kernel's
    /// own (`/dev`, `/proc`, `/sys`) and those of containers, snaps and user sessions.
    #[schemars(extend("x-verbatim" = true, "x-show-value" = true))]
    pub ignore_mounts: String,
    /// Regular expression of file system types that are left out. The default leaves out those
    /// without a disk (but not `tmpfs`), overlays, and images that are always full.
    #[schemars(extend("x-verbatim" = true, "x-show-value" = true))]
    pub ignore_fstypes: String,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            enabled: true,
            timeout: None,
            thresholds: Thresholds::default(),
            extended: false,
            proc_path: "/proc".into(),
            root_path: "/".into(),
            ignore_mounts: IGNORE_MOUNTS.into(),
            ignore_fstypes: IGNORE_FSTYPES.into(),
        }
    }
}

impl Host {
    /// What is wrong with the paths, by key. Looks whether they exist and no further.
    pub fn path_mistakes(&self) -> Vec<(&'static str, String)> {
        let mut mistakes = Vec::new();
        let named = |path: &Path| path.is_absolute();
        if !named(&self.proc_path) {
            mistakes.push(("proc_path", "must be an absolute path".to_owned()));
        } else if !self.proc_path.join("stat").exists() {
            let why =
                "there is no file `stat` in it: expected a proc file system, for example `/proc`";
            mistakes.push(("proc_path", why.to_owned()));
        }
        if !named(&self.root_path) {
            mistakes.push(("root_path", "must be an absolute path".to_owned()));
        } else if !self.root_path.is_dir() {
            mistakes.push(("root_path", "there is no such directory".to_owned()));
        }
        mistakes
    }
}
