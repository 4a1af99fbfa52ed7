//! Everything that is no service: databases, brokers, queues, probes, logs, backups, units, the host.

use serde::{Serialize, Serializer};

use super::{Day, Mood};

/// The targets of one area.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Group {
    pub area: &'static str,
    /// For people: "PostgreSQL".
    pub title: &'static str,
    pub targets: Vec<Target>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Target {
    pub area: &'static str,
    pub target: String,
    /// Its address or files, without credentials.
    pub place: String,
    pub mood: Mood,
    /// Why it cannot be read, in words.
    pub why: Option<String>,
    pub since: f64,
    /// In which Compose service it lives, where that is known.
    pub project: String,
    pub service: String,
    /// The two or three numbers that the area names; of several things the worst.
    pub figures: Vec<Figure>,
    /// Its things where it has several: units, disks, processes, files; those in trouble first, and
    /// of many the first ones.
    pub items: Vec<Item>,
    /// How many there are, and how many of these have a warning or worse.
    pub items_total: usize,
    pub items_bad: usize,
    pub day: Day,
}

/// A judged number.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figure {
    /// The signal, by which `/api/v1/history/<area>/<target>/<signal>` has its past.
    pub signal: &'static str,
    #[serde(serialize_with = "as_map")]
    pub labels: Vec<(&'static str, String)>,
    /// What it is, in words.
    pub what: &'static str,
    pub value: Option<f64>,
    /// The value as people read it: "93%".
    pub shown: String,
    /// The word of its verdict.
    pub verdict: &'static str,
    /// Its last 24 hours in a few points, oldest first: seconds since 1970 and the value.
    pub points: Vec<(u64, f32)>,
}

/// One thing of several.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Item {
    pub name: String,
    /// The word of the worst verdict on it.
    pub verdict: &'static str,
    /// What is to be said of it: "93% used", "active for 3d 2h".
    pub shown: String,
}

fn as_map<S: Serializer>(labels: &[(&str, String)], out: S) -> Result<S::Ok, S::Error> {
    out.collect_map(labels.iter().map(|(name, value)| (name, value)))
}
