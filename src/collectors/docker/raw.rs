//! What a reading of the Engine yields.

use std::sync::Arc;
use std::time::Duration;

use super::client::{About, Engine};
use super::compose::FileRead;
use super::container::{ById, Container};
use super::disk::Walk;
use super::facts::Usages;
use super::images::Images;
use super::kernel;
use super::known::LeftOut;
use super::ledger::Counted;
use super::services::Past;
use crate::engine::Latest;
use crate::failure::Failure;

/// What a reading yields.
pub struct Raw {
    pub engine: Engine,
    pub about: About,
    /// How long the Engine took for the list.
    pub took: Duration,
    /// All containers, those beyond the cap without an inspection.
    pub containers: Vec<Container>,
    /// Why some have no inspection.
    pub uninspected: Option<Failure>,
    /// Where the figures come from, and why not from the kernel's files.
    pub source: Source,
    pub stats: Option<Latest<Usages>>,
    pub kernel: kernel::Found,
    /// Command lines, from wherever.
    pub commands: Arc<ById<Vec<String>>>,
    pub images: Option<Arc<Images>>,
    pub disk: Option<Arc<Walk>>,
    pub counted: Vec<Counted>,
    pub past: Past,
    pub stream: StreamState,
    pub files: Vec<FileRead>,
    /// Answers left out so far, by call.
    pub skipped: [(&'static str, u64); 3],
    /// What of the answers is not shown.
    pub out: LeftOut,
}

/// Where CPU, memory and so on come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Source {
    pub name: &'static str,
    /// Empty unless the kernel's files are out of reach.
    pub why: &'static str,
}

#[derive(Clone, Debug, Default)]
pub struct StreamState {
    pub connected: bool,
    pub failure: Option<Failure>,
    pub events: u64,
    pub gaps: u64,
}
