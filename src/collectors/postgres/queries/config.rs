//! A query in the configuration file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::clients::postgres;
use crate::config::Dur;
use crate::plan::Own;

/// A query of your own, whose columns become series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// One SELECT, for example `select status, count(*) as jobs from jobs group by 1`. It runs in a read-only
    /// transaction.
    #[schemars(extend("x-verbatim" = true))]
    #[serde(serialize_with = "without_texts")]
    pub sql: String,
    /// What its numbers are, for whoever is woken by them: stands in the alert and on the page. At most 200 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Columns with numbers, for example `{ jobs: gauge }`, or `{ jobs: { above: 0 } }` for a warning. NULL is no
    /// number, and then there is none.
    pub values: BTreeMap<String, Value>,
    /// Columns that tell rows apart. They become one label, `row`, as in `status=running`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-show-value" = true))]
    pub labels: Vec<String>,
    /// How often it runs, at most as often as the target is read; default `1m`, from `5s` to `1d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Dur>,
    /// After which time the server ends it; default `3s`, from `100ms` to `30s`. Other queries of users of this server,
    /// those of the section `queues` among them, wait as long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
    /// How many rows are shown, the first that the server gives; default 100, at most 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u32>,
    /// Name or pattern of the databases in which it runs, such as `app_*`, at most 50 of them; default the one of `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-show-value" = true))]
    pub databases: Option<String>,
    /// Schemas in which the query's names are looked for, after PostgreSQL's own; default `[public]`. Name none but
    /// those that you trust: whoever may create things there can have the role run functions of theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-show-value" = true))]
    pub search_path: Option<Vec<String>>,
}

/// A column with numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Value {
    Kind(Kind),
    Each(Judged),
}

/// What a number means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// How things are at the moment.
    #[default]
    Gauge,
    /// A total that only grows.
    Counter,
}

/// A column with its thresholds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Judged {
    #[serde(rename = "type")]
    pub kind: Kind,
    /// More than this is told: a number for a warning, or `{ warning: 0, critical: 10 }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub above: Option<Own>,
    /// Less than this is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below: Option<Own>,
}

impl Value {
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Kind(kind) => *kind,
            Self::Each(judged) => judged.kind,
        }
    }
}

/// `config show` repeats no texts of a query.
fn without_texts<S: Serializer>(query: &str, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&postgres::without_texts(query))
}
