//! The conditions of a group, made from its settings, and what they ask of a process.

use std::net::IpAddr;
use std::path::PathBuf;

use globset::{Glob, GlobMatcher};
use regex::Regex;

use super::config::{Group, User};
pub use crate::clients::engine::named::Named;
use crate::clients::engine::named::id_in;

/// A regular expression larger than this is refused.
const SIZE: usize = 1 << 20;
/// The kernel keeps so much of a name.
const NAME: usize = 15;
/// Ports of one group.
const PORTS: usize = 50;

/// Programs that hold a text only because they look for it, or at it, or start what it names. Each of
/// them would keep a group alive whose process is gone, just while somebody looks for that, or be one
/// too many beside it.
const LOOKERS: [&[u8]; 40] = [
    b"sudo",
    b"su",
    b"ssh",
    b"timeout",
    b"xargs",
    b"env",
    b"nohup",
    b"docker",
    b"strace",
    b"cat",
    b"head",
    b"view",
    b"nvim",
    b"journalctl",
    b"find",
    b"script",
    b"grep",
    b"egrep",
    b"fgrep",
    b"zgrep",
    b"rg",
    b"ag",
    b"ack",
    b"pgrep",
    b"pkill",
    b"killall",
    b"pidof",
    b"ps",
    b"watch",
    b"awk",
    b"gawk",
    b"mawk",
    b"sed",
    b"less",
    b"more",
    b"vi",
    b"vim",
    b"nano",
    b"emacs",
    b"tail",
];

/// A group as it is looked for.
pub struct Wanted {
    pub name: String,
    pub conditions: Conditions,
    pub children: bool,
    pub min: u32,
    pub max: Option<u32>,
    pub memory: Option<u64>,
    /// The Compose service that it lives in: project and service, empty if none is named.
    pub lives: (String, String),
    pub ports: Vec<(Option<IpAddr>, u16)>,
}

#[derive(Default)]
pub struct Conditions {
    cmdline: Option<Regex>,
    exe: Option<GlobMatcher>,
    name: Option<Vec<u8>>,
    pub user: Option<User>,
    unit: Option<String>,
    pub container: Option<Named>,
    pub pid_file: Option<PathBuf>,
}

/// What is needed of a process to decide. What nobody asks for is not read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "one for each file, and no state among them")]
pub struct Needs {
    pub cmdline: bool,
    pub exe: bool,
    pub user: bool,
    pub cgroup: bool,
}

/// What is known of a process. `None`: not read, or not for us.
#[derive(Default)]
pub struct Facts<'a> {
    pub pid: u32,
    pub name: &'a [u8],
    pub cmdline: Option<String>,
    pub exe: Option<PathBuf>,
    pub user: Option<u32>,
    /// The text of its `cgroup`.
    pub cgroup: Option<String>,
}

/// What this look has found out once for all processes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Around {
    /// The number of the wanted user, by group.
    pub user: Option<u32>,
    /// The full id of the wanted container.
    pub container: Option<String>,
    /// The number in the pid file, if it is not left over.
    pub pid: Option<u32>,
    /// Whether one of these could not be found out, so that nobody knows who belongs to the group.
    pub unknown: bool,
}

impl Wanted {
    /// `Err` names the key and what is wrong with it.
    pub fn new(name: &str, group: &Group) -> Result<Self, Vec<(String, String)>> {
        let mut wrong = Vec::new();
        let (min, max) = group.bounds();
        if max.is_some_and(|max| max < min) {
            wrong.push(("count".to_owned(), "its `max` is smaller than its `min`".to_owned()));
        }
        if group.memory.is_some_and(|memory| memory.get() == 0) {
            wrong.push(("memory".to_owned(), "must be more than nothing".to_owned()));
        }
        if let Some(service) = &group.service {
            let whole = service.contains('/') && crate::engine::Service::parse(service).is_ok();
            if !whole {
                let why = "is a Compose service with its project: `shop/bot`";
                wrong.push(("service".to_owned(), why.to_owned()));
            }
        }
        let conditions = Conditions::new(group, &mut wrong);
        let mut ports = Vec::new();
        for (index, port) in group.listen.iter().enumerate() {
            match port.parse() {
                Ok(port) if ports.contains(&port) => {
                    wrong.push((format!("listen[{index}]"), "is listed twice".to_owned()));
                }
                Ok(port) => ports.push(port),
                Err(why) => wrong.push((format!("listen[{index}]"), why.to_owned())),
            }
        }
        if ports.len() > PORTS {
            wrong.push(("listen".to_owned(), format!("has more than {PORTS} ports")));
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let lives = group.service.as_ref().and_then(|service| service.split_once('/'));
        let lives = lives.map(|(project, service)| (project.to_owned(), service.to_owned()));
        let lives = lives.unwrap_or_default();
        let memory = group.memory.map(crate::config::Size::get);
        let (name, children) = (name.to_owned(), group.children);
        Ok(Self { name, conditions, children, min, max, memory, lives, ports })
    }
}

impl Conditions {
    fn new(group: &Group, wrong: &mut Vec<(String, String)>) -> Self {
        let mut told = |key: &str, why: String| wrong.push((key.to_owned(), why));
        let cmdline = group.cmdline.as_ref().and_then(|pattern| {
            let built = regex::RegexBuilder::new(pattern).size_limit(SIZE).build();
            // An empty one would match every process, and so never miss one.
            let empty = || "must not match everything".to_owned();
            match built {
                Ok(built) if built.is_match("") => told("cmdline", empty()),
                Ok(built) => return Some(built),
                Err(_) => told("cmdline", "is no regular expression".to_owned()),
            }
            None
        });
        let exe = group.exe.as_ref().and_then(|pattern| {
            match Glob::new(pattern) {
                Ok(glob) if pattern.starts_with(['/', '*']) => return Some(glob.compile_matcher()),
                Ok(_) => told("exe", "is a path: begin with `/` or `*`".to_owned()),
                Err(error) => told("exe", error.kind().to_string()),
            }
            None
        });
        for (key, text) in
            [("name", &group.name), ("unit", &group.unit), ("container", &group.container)]
        {
            if text.as_ref().is_some_and(String::is_empty) {
                told(key, "must not be empty".to_owned());
            }
        }
        if group.pid_file.as_ref().is_some_and(|path| !path.is_absolute()) {
            told("pid_file", "must be an absolute path".to_owned());
        }
        let cut = |name: &String| name.as_bytes().iter().take(NAME).copied().collect();
        let found = Self {
            cmdline,
            exe,
            name: group.name.as_ref().map(cut),
            user: group.user.clone(),
            unit: group.unit.as_ref().map(|unit| full_unit(unit)),
            container: group.container.as_ref().map(|text| Named::of(text)),
            pid_file: group.pid_file.clone(),
        };
        if !group.any_condition() {
            told("", "needs at least one of `cmdline`, `exe`, `name`, `user`, `unit`, `container` and `pid_file`".to_owned());
        }
        found
    }

    pub fn needs(&self) -> Needs {
        Needs {
            cmdline: self.cmdline.is_some(),
            exe: self.exe.is_some(),
            user: self.user.is_some(),
            cgroup: self.unit.is_some() || self.container.is_some(),
        }
    }

    /// Whether only its program, which may not be seen, decides on a process.
    pub fn may_meet(&self, facts: &Facts, around: &Around) -> bool {
        self.exe.is_some() && self.meets_but_program(facts, around)
    }

    pub fn meets(&self, facts: &Facts, around: &Around) -> bool {
        let is_program =
            is(self.exe.as_ref(), |glob| facts.exe.as_ref().is_some_and(|exe| glob.is_match(exe)));
        is_program && self.meets_but_program(facts, around)
    }

    fn meets_but_program(&self, facts: &Facts, around: &Around) -> bool {
        let asked_for = self.name.is_some() || self.exe.is_some();
        let looks_only = self.cmdline.is_some() && !asked_for && LOOKERS.contains(&facts.name);
        !looks_only
            && is(self.name.as_ref(), |name| facts.name == name.as_slice())
            && is(self.pid_file.as_ref(), |_| around.pid == Some(facts.pid))
            && is(self.user.as_ref(), |_| around.user.is_some() && facts.user == around.user)
            && is(self.unit.as_ref(), |unit| facts.is_of(|name| name == unit))
            && is(self.container.as_ref(), |_| {
                around.container.as_ref().is_some_and(|id| facts.is_of(|name| names(name, id)))
            })
            && is(self.cmdline.as_ref(), |pattern| {
                facts.cmdline.as_ref().is_some_and(|line| pattern.is_match(line))
            })
    }
}

/// Without a condition there is nothing to fail.
fn is<T>(condition: Option<&T>, holds: impl FnOnce(&T) -> bool) -> bool {
    condition.is_none_or(holds)
}

impl Facts<'_> {
    /// Whether the path of one of its control groups has such a part.
    fn is_of(&self, matches: impl Fn(&str) -> bool) -> bool {
        let text = self.cgroup.as_deref().unwrap_or_default();
        let mut groups = crate::clients::kernel::process::groups(text);
        groups.any(|(_, path)| path.split('/').any(&matches))
    }
}

impl Group {
    fn any_condition(&self) -> bool {
        let texts = [&self.cmdline, &self.exe, &self.name, &self.unit, &self.container];
        texts.iter().any(|text| text.is_some()) || self.user.is_some() || self.pid_file.is_some()
    }
}

fn full_unit(unit: &str) -> String {
    if unit.contains('.') { unit.to_owned() } else { format!("{unit}.service") }
}

/// Whether the part of a path names the container. `id` may be its beginning.
fn names(part: &str, id: &str) -> bool {
    id_in(part).is_some_and(|own| own.starts_with(id))
}

#[cfg(test)]
mod tests;
