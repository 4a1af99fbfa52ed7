//! A backup in the configuration file.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::whole::Inside;
use crate::config::{Access, Dur, SafeUrl, Size};
use crate::plan::Thresholds;

/// Backups of one thing: `files`, or the snapshots of `qdrant`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Backup {
    /// Absolute paths of all its generations, with `*`, `?`, `[a-z]` and `{a,b}` where names vary and
    /// `%Y%m%d_%H%M%S` where they have a date, for example `/srv/backups/backup_*.sql.gz`.
    #[schemars(extend("x-show-value" = true))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Snapshots of a collection of Qdrant, as its API lists them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qdrant: Option<Qdrant>,
    /// How often one is made, for example `1d`. Default: nobody knows, and none is overdue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Dur>,
    /// When one is made, as in a crontab, for example `0 2 * * *`: instead of `every`.
    #[schemars(extend("x-show-value" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// For `cron`, for example `Europe/Kyiv`; default: the time zone of this machine.
    #[schemars(extend("x-show-value" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// How long after it was due one may be done, and copied; default `2h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Dur>,
    /// What the files are, without what they are packed in; default: seen by their names and their
    /// first bytes. `raw` is anything, of which only the size is judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Inside>,
    /// A smaller one is empty; default: one without content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smallest: Option<Size>,
    /// How many generations there have to be, for example `7`; default: one will do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<u32>,
    /// After which time they are deleted, for example `30d`; default: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_after: Option<Dur>,
    /// What changes the data so that an older backup is of no use: migrations, for example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newer_than: Option<NewerThan>,
    /// Folders elsewhere in which each backup has to be once more, with the same name and size.
    #[schemars(extend("x-show-value" = true))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<PathBuf>,
    /// Whether it is tried now and then that one can be restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restore_test: Option<RestoreTest>,
    /// Each file is read once from its first byte to its last; default: only its beginning and its
    /// end are looked at, unless it is small.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<Verify>,
    /// How often the files are looked for; default `1m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Dur>,
    /// Deadline of a reading; default `5s`. A listing beside it may take a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
    pub thresholds: Thresholds,
}

/// A collection of Qdrant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub struct Qdrant {
    /// Address of Qdrant, for example `http://127.0.0.1:6333`. Its key goes into `header_files`:
    /// `{ api-key: /run/secrets/qdrant }`.
    pub url: SafeUrl,
    /// Name of the collection.
    #[schemars(extend("x-show-value" = true))]
    pub collection: String,
    #[serde(flatten)]
    pub access: Access,
}

/// What makes an older backup useless.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewerThan {
    /// Absolute paths, as under `files`; the newest of them counts, for example
    /// `/srv/app/alembic/versions/*.py`, or a file that the deployment touches.
    #[schemars(extend("x-show-value" = true))]
    pub files: Vec<String>,
    /// How much older the backup may be; default `0s`. With `1d` it is one that was made on the day
    /// before the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack: Option<Dur>,
}

/// A trial of restoring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreTest {
    /// A file that whoever has restored one touches: `touch /srv/backups/.restored`.
    #[schemars(extend("x-show-value" = true))]
    pub stamp: PathBuf,
    /// How often; default `90d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Dur>,
}

/// Reading whole files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Verify {
    /// Bytes of files in a second, at most; default `20MB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<Size>,
}
