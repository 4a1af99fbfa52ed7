//! What has to be on a GPU: by what it is known, and whether it is there.

use std::collections::BTreeMap;

use regex::Regex;

use super::config::OnGpu;
use super::people::Person;
pub use crate::clients::engine::named::Named;
use crate::failure::Failure;

/// A regular expression larger than this is refused.
const SIZE: usize = 1 << 20;
/// The kernel keeps so much of a name.
const NAME: usize = 15;

/// Ids of containers by name, or why nobody knows them.
pub type Containers = Result<BTreeMap<String, String>, Failure>;

/// One declared thing.
pub struct Wanted {
    pub name: String,
    cmdline: Option<Regex>,
    comm: Option<String>,
    pub container: Option<Named>,
}

impl Wanted {
    /// `Err` names the key and what is wrong with it.
    pub fn new(name: &str, given: &OnGpu) -> Result<Self, Vec<(&'static str, &'static str)>> {
        let mut wrong = Vec::new();
        let cmdline = given.cmdline.as_ref().and_then(|pattern| {
            let built = regex::RegexBuilder::new(pattern).size_limit(SIZE).build();
            match built {
                // An empty one would match every process, and so never miss one.
                Ok(built) if built.is_match("") => {
                    wrong.push(("cmdline", "must not match everything"));
                }
                Ok(built) => return Some(built),
                Err(_) => wrong.push(("cmdline", "is no regular expression")),
            }
            None
        });
        for (key, text) in [("name", &given.name), ("container", &given.container)] {
            if text.as_ref().is_some_and(String::is_empty) {
                wrong.push((key, "must not be empty"));
            }
        }
        if given.cmdline.is_none() && given.name.is_none() && given.container.is_none() {
            wrong.push(("", "needs at least one of `cmdline`, `name` and `container`"));
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let comm = given.name.as_ref().map(|name| {
            let cut = name.as_bytes().get(..NAME).unwrap_or(name.as_bytes());
            String::from_utf8_lossy(cut).into_owned()
        });
        let container = given.container.as_ref().map(|text| Named::of(text));
        Ok(Self { name: name.to_owned(), cmdline, comm, container })
    }

    /// In which container it has to be.
    pub fn inside(&self, containers: &Containers) -> Inside {
        match (&self.container, containers) {
            (None, _) => Inside::Any,
            (Some(Named::Id(id)), _) => Inside::Of(id.clone()),
            // One that is not there has no process either.
            (Some(Named::Name(name)), Ok(ids)) => {
                Inside::Of(ids.get(name).cloned().unwrap_or_else(|| "-".to_owned()))
            }
            (Some(Named::Name(_)), Err(_)) => Inside::Unknown,
        }
    }

    /// Whether a process is meant that has to be in there.
    pub fn is(&self, person: &Person, inside: &Inside) -> bool {
        let has =
            |one: Option<&String>, right: &dyn Fn(&str) -> bool| one.is_some_and(|one| right(one));
        let place = match inside {
            Inside::Any => true,
            Inside::Of(id) => has(person.container.as_ref(), &|own| own.starts_with(id.as_str())),
            Inside::Unknown => false,
        };
        self.comm.as_ref().is_none_or(|comm| *comm == person.name)
            && place
            && self
                .cmdline
                .as_ref()
                .is_none_or(|line| has(person.cmdline.as_ref(), &|own| line.is_match(own)))
    }
}

/// In which container a process has to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Inside {
    Any,
    Of(String),
    /// Nobody knows which one has the name.
    Unknown,
}

/// Where a declared process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    OnGpu,
    /// It runs, and not on a GPU.
    OnCpu,
    NotRunning,
}

/// In the order of [`Where`].
pub const PLACES: [(&str, Where); 3] =
    [("on_gpu", Where::OnGpu), ("on_cpu", Where::OnCpu), ("not_running", Where::NotRunning)];
