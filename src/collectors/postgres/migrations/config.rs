//! What is expected of a database's migrations.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which revision the database should be at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Migrations {
    /// The revision as the tool's table has it; of Django as `app.name`. Either this or
    /// `expected_revision_file`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-show-value" = true))]
    pub expected_revision: Option<String>,
    /// A file that a deployment writes, read each time: the first word in it counts, so `alembic heads > file`
    /// will do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_revision_file: Option<PathBuf>,
    /// The table that is meant, where there are several: `app.alembic_version`, with its schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-show-value" = true))]
    pub table: Option<String>,
}

/// Mistakes by key.
pub fn mistakes(given: &Migrations) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    match (&given.expected_revision, &given.expected_revision_file) {
        (Some(_), Some(_)) => found.push((
            "migrations.expected_revision",
            "must not be set together with `expected_revision_file`".to_owned(),
        )),
        (None, None) => found.push((
            "migrations",
            "needs `expected_revision` or `expected_revision_file`".to_owned(),
        )),
        _ => {}
    }
    if given.expected_revision.as_ref().is_some_and(|text| text.trim().is_empty()) {
        found.push(("migrations.expected_revision", "must not be empty".to_owned()));
    }
    if given.table.as_ref().is_some_and(|table| !table.contains('.')) {
        let text = "expected the schema and the table, such as `public.alembic_version`";
        found.push(("migrations.table", text.to_owned()));
    }
    found
}
