//! Groups of processes in the configuration file.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Dur, Size};
use crate::plan::Thresholds;

/// Processes that must run, by groups. All groups are found in one look at `/proc`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Processes {
    /// What must run, by a name that becomes the label `groupname`: `bot: { cmdline: "python3? .*bot\\.py" }`.
    /// At most 100. A process belongs to each group whose conditions it meets, so no order matters.
    pub groups: BTreeMap<String, Group>,
    /// Deadline of a reading; default `5s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
    pub thresholds: Thresholds,
    /// Where the proc file system is; default `/proc`. In a container that has the host's mounted:
    /// `/host/proc`.
    pub proc_path: PathBuf,
}

impl Default for Processes {
    fn default() -> Self {
        Self {
            groups: BTreeMap::new(),
            timeout: None,
            thresholds: Thresholds::default(),
            proc_path: "/proc".into(),
        }
    }
}

/// By what its processes are known, and how they should be. All conditions that are given must be met;
/// at least one is needed. The exporter itself never belongs to a group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Group {
    /// Regular expression that is looked for in the command line, whose arguments are parted by blanks
    /// and whose first 4096 bytes count. Programs that only look for a text (`grep`, `pgrep`, `less`,
    /// `vim` and the like) or start another (`sudo`, `timeout`, `docker`) are passed over unless `name` or `exe` asks for them. A shell that runs
    /// `sh -c 'python bot.py'` holds the text as well: begin with `^` to leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-verbatim" = true))]
    pub cmdline: Option<String>,
    /// Path of the program, with `*`, `?` and `[]` for parts of it: `/srv/bot/venv/bin/python*`. Of
    /// another user's process that can be seen by root only, or with `CAP_SYS_PTRACE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-verbatim" = true))]
    pub exe: Option<String>,
    /// Name of the program as `ps -o comm` has it; its first 15 bytes count, as the kernel keeps no
    /// more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The user that it runs as, by name or number. Names are those of the host's `/etc/passwd`, users
    /// of a container go by their numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    /// The systemd unit that it belongs to, by its control group: `nginx` means `nginx.service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The container that it belongs to, by its control group: its name, for which the Engine of the
    /// section `docker` is asked, or at least 12 signs of its id, for which nobody is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// A file with the number of the process, as the host counts. One that is older than the process of
    /// this number is left over from another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid_file: Option<PathBuf>,
    /// Whether what they have started belongs to the group, and what that has started; default `false`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub children: bool,
    /// How many there must be, as a number or as `{ min: 1, max: 8 }`; default at least one. With
    /// `{ min: 0 }` none is missed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<Count>,
    /// How much memory all of them together may have resident, as `ps -o rss` has it: `1000MiB`. What
    /// several share counts for each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Size>,
    /// The Compose service in which it runs, with its project: `shop/bot`. While Docker tells that this
    /// is down, it is not told as well that the group is missing or does not listen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Ports of TCP on which one of them must listen, in its own network namespace: `8443`, or with an
    /// address that it must be reached at, `127.0.0.1:8000` or `[::1]:8000`. At most 50.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listen: Vec<Port>,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum User {
    Number(u32),
    Name(String),
}

/// How many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Count {
    Exactly(u32),
    Between(Bounds),
}

/// From so many to so many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// The smallest number that is right; default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    /// The largest number that is right; none by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
}

/// A port, with an address or without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Port {
    Number(u16),
    Address(String),
}

impl Port {
    /// The address, if one is asked for, and the port.
    pub fn parse(&self) -> Result<(Option<IpAddr>, u16), &'static str> {
        let why = "is a port such as `8443`, or one of an address: `127.0.0.1:8443`, `[::1]:8443`";
        let (address, port) = match self {
            Self::Number(port) => (None, Some(*port)),
            Self::Address(text) => match text.parse::<std::net::SocketAddr>() {
                Ok(place) => (Some(place.ip()), Some(place.port())),
                Err(_) => (None, text.parse().ok()),
            },
        };
        // To listen on all addresses is to listen on any.
        let address = address.filter(|address| !address.is_unspecified());
        port.filter(|port| *port > 0).map(|port| (address, port)).ok_or(why)
    }
}

impl Group {
    /// The smallest and the largest number of processes that is right.
    pub fn bounds(&self) -> (u32, Option<u32>) {
        match &self.count {
            None => (1, None),
            Some(Count::Exactly(count)) => (*count, Some(*count)),
            Some(Count::Between(bounds)) => (bounds.min.unwrap_or(1), bounds.max),
        }
    }
}
