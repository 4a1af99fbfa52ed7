//! What can be read on demand without being declared: the modules, how each makes a target of an
//! address, and which addresses are allowed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::{Common, Plan};
use crate::catalogue::Area;
use crate::config::Dur;
use crate::engine::{Target, Thresholds};

/// A target of an address that somebody asked for.
pub struct Wanted {
    pub target: Target,
    /// The ways to write where it is that are held against what is allowed.
    pub addresses: Vec<String>,
}

type Make = Arc<dyn Fn(&str, Duration) -> Result<Wanted, String> + Send + Sync>;

/// How an address is read, and as whom.
#[derive(Clone)]
pub struct Module {
    area: &'static Area,
    make: Make,
    timeout: Option<Dur>,
    thresholds: Thresholds,
}

impl Module {
    pub fn area(&self) -> &'static Area {
        self.area
    }

    /// The target at this address, for who waits so long; or what is wrong with the address in words
    /// that do not repeat it. No I/O.
    pub fn target(&self, address: &str, patience: Duration) -> Result<Wanted, String> {
        let mut wanted = (self.make)(address, patience)?;
        wanted.target.origin = "probe";
        wanted.target.thresholds = self.thresholds.clone();
        if let Some(timeout) = self.timeout {
            wanted.target.deadline = timeout.get();
        }
        Ok(wanted)
    }
}

impl Plan<'_> {
    /// Offers a module that reads addresses for the area at hand.
    pub fn offer(
        &mut self,
        name: &str,
        common: &Common,
        make: impl Fn(&str, Duration) -> Result<Wanted, String> + Send + Sync + 'static,
    ) {
        let Some(area) = self.area else { return };
        let thresholds = self.settle(name, area, common);
        let make = Arc::new(make);
        self.modules
            .insert(name.to_owned(), Module { area, make, timeout: common.timeout, thresholds });
    }
}

/// All of it, as one configuration has it.
#[derive(Clone, Default)]
pub struct OnDemand {
    pub modules: BTreeMap<String, Module>,
    allowed: GlobSet,
}

impl OnDemand {
    /// `patterns` have been checked by `mistake`; one that is none allows nothing.
    pub fn new(modules: BTreeMap<String, Module>, patterns: &[String]) -> Self {
        let mut allowed = GlobSetBuilder::new();
        for glob in patterns.iter().filter_map(|pattern| glob(pattern).ok()) {
            allowed.add(glob);
        }
        Self { modules, allowed: allowed.build().unwrap_or_default() }
    }

    /// What is wrong with a pattern of `web.probe_allow`.
    pub fn mistake(pattern: &str) -> Option<&'static str> {
        let wrong = "expected a pattern for addresses such as `10.0.0.*:5432` or `db-*:5432/app`, \
                     without user and password";
        (pattern.is_empty() || pattern.contains('@') || glob(pattern).is_err()).then_some(wrong)
    }

    pub fn allows(&self, wanted: &Wanted) -> bool {
        wanted.addresses.iter().any(|address| self.allowed.is_match(address))
    }
}

fn glob(pattern: &str) -> Result<globset::Glob, globset::Error> {
    // `*` stays before the slash: a pattern for hosts says nothing of what is behind it.
    GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build()
}
