//! Files in the configuration file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Dur, Size};
use crate::plan::{Limit, Limits, Setting, Thresholds};

/// Files that must be there, or must not pile up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub struct Files {
    /// An absolute path, or several: with `*`, `?`, `[a-z]`, `{a,b}` and `**` where names vary,
    /// `%Y-%m-%d` for the digits of any day, `{today:%Y-%m-%d}` and `{yesterday:%Y-%m-%d}` for those
    /// of one. A path that ends in `/` is all files below that folder. Each is a thing of its own,
    /// and its label.
    pub path: Paths,
    /// Whether it is missed while no file is there; default `true`.
    #[serde(default = "yes")]
    pub required: bool,
    /// How long a documented rebuild takes: for so long the file may be missing, or older than what
    /// it is made from. Sets the thresholds `missing` and `behind`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebuild: Option<Dur>,
    /// The newest file has at least so many bytes. Sets the threshold `small`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_size: Option<Size>,
    /// No file has more bytes. Sets the threshold `large`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_size: Option<Size>,
    /// The newest file was written at most so long ago. Sets the threshold `stale`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Dur>,
    /// At least so many files. Sets the threshold `few`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_count: Option<u64>,
    /// At most so many files, or generations of one that is rotated. Sets the threshold `many`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_count: Option<u64>,
    /// How long files are kept: none is older by more than two days, for whoever clears up comes
    /// once a day and counts whole days. Sets the threshold `oldest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<Dur>,
    /// What all files may take on the disk, as `du` counts. Sets the threshold `budget`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Size>,
    /// What it is made from, a path or several as above: it is behind while any of it is newer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_from: Option<Paths>,
    /// What the size of the newest file is compared with: that of the `last` version before it, or
    /// the `largest` of the ten before. Default: with nothing, for a log shrinks at each rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shrunk_against: Option<Against>,
    /// Who owns each file: `app`, `app:app`, `1000:1000`, `:docker`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The rights of each file in octal digits, as `"644"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Whether it holds secrets: then it is exposed while all users can read it, git tracks it, or a
    /// copy of it lies beside it (`.env.bak`, `.env.tmp`). Its contents are never read. Default `false`.
    #[serde(default)]
    pub secret: bool,
    /// From one listing to the next; default `1m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Dur>,
    /// Deadline of a reading; default `5s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
    #[serde(default)]
    pub thresholds: Thresholds,
}

/// One path or several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Paths {
    #[schemars(extend("x-show-value" = true))]
    One(String),
    #[schemars(extend("x-show-value" = true))]
    Several(Vec<String>),
}

impl Paths {
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(path) => std::slice::from_ref(path),
            Self::Several(paths) => paths,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// The version before.
    Last,
    /// The largest of the ten versions before.
    Largest,
}

const fn yes() -> bool {
    true
}

/// How much longer than `keep` a file may be there.
const GRACE: std::time::Duration = std::time::Duration::from_hours(48);

impl Files {
    /// The thresholds that the keys set, with those under `thresholds`; and keys that say what is
    /// said there too.
    pub fn all_thresholds(&self) -> (Thresholds, Vec<(&'static str, String)>) {
        let (mut all, mut twice) = (self.thresholds.clone(), Vec::new());
        let long = |dur: Dur| Limit::Text(format!("{}ms", dur.get().as_millis()));
        let size = |size: Size| Limit::Text(format!("{}B", size.get()));
        let count = |count: u64| Limit::Number(count as f64);
        let kept = self.keep.map(|keep| Dur(keep.get().saturating_add(GRACE)));
        for (key, signal, limit) in [
            ("min_size", "small", self.min_size.map(size)),
            ("max_size", "large", self.max_size.map(size)),
            ("max_age", "stale", self.max_age.map(long)),
            ("min_count", "few", self.min_count.map(count)),
            ("max_count", "many", self.max_count.map(count)),
            ("keep", "oldest", kept.map(long)),
            ("budget", "budget", self.budget.map(size)),
            ("rebuild", "missing", self.rebuild.map(long)),
            ("rebuild", "behind", self.rebuild.map(long)),
        ] {
            let Some(limit) = limit else { continue };
            if all.0.contains_key(signal) {
                twice
                    .push((key, format!("`thresholds.{signal}` says the same: write one of them")));
                continue;
            }
            let limits = match signal {
                "missing" => Limits { critical: Some(limit), ..Limits::default() },
                _ => Limits { warning: Some(limit), ..Limits::default() },
            };
            all.0.insert(signal.to_owned(), Setting::Each(limits));
        }
        (all, twice)
    }

    /// What the files are looked for with: other thresholds need no other look.
    #[must_use]
    pub fn identity(&self) -> Self {
        Self {
            thresholds: Thresholds::default(),
            timeout: None,
            rebuild: None,
            min_size: None,
            max_size: None,
            max_age: None,
            min_count: None,
            max_count: None,
            keep: None,
            budget: None,
            ..self.clone()
        }
    }
}
