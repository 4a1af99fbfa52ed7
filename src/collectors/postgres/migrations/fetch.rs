//! Finds the tables and reads them.

use std::path::Path;

use super::config::Migrations;
use super::sample::{Expected, Place, Said, Tool, expected, migration, places};
use crate::clients::postgres::{PostgresClient, quoted};
use crate::engine::Found;
use crate::failure::{Failure, Reason};
use crate::files;

pub struct Reader {
    /// What is expected, if anything.
    pub wanted: Option<Migrations>,
}

impl Reader {
    pub async fn read(&self, client: &PostgresClient) -> Result<Found<Said>, Failure> {
        let found = client.query(include_str!("../sql/migrations.sql")).await?;
        let (mut expected, mut missing) = match self.expected().await {
            Ok(expected) => (expected, None),
            Err(failure) => (Expected::unknown(), Some(failure)),
        };
        let places = places(&found);
        let queries: Vec<String> =
            places.iter().filter(|place| place.trouble.is_none()).map(query).collect();
        let asked = queries.clone();
        let answers = if queries.is_empty() {
            Vec::new()
        } else {
            client.query_all(move |_| asked.clone(), client.limit()).await?
        };
        let mut answers = answers.into_iter();
        let mut said = Said::default();
        for place in places {
            if place.trouble.is_some() {
                // Nobody has asked for it, unless he has said what he expects there.
                if self.wanted.is_some() && expected.is_about(&place) {
                    missing = missing.or_else(|| place.trouble.clone());
                }
                said.migrations.push(migration(place, None, &mut expected));
                continue;
            }
            match answers.next().unwrap_or_else(|| Err(super::super::fetch::none())) {
                Ok(rows) => said.migrations.push(migration(place, Some(&rows), &mut expected)),
                Err(failure) => missing = missing.or(Some(of_table(&place, failure))),
            }
        }
        if missing.is_none() && self.wanted.is_some() && !expected.was_compared {
            let text = "no table of migrations was found to compare with the expected revision";
            let hint = "is it the right database? The runbook lists the tools that are known";
            missing = Some(Failure::new(Reason::NOT_FOUND, text).hint(hint));
        }
        Ok(Found { value: said, missing })
    }

    async fn expected(&self) -> Result<Expected, Failure> {
        let Some(wanted) = &self.wanted else { return Ok(Expected::unknown()) };
        let text = match (&wanted.expected_revision, &wanted.expected_revision_file) {
            (Some(text), _) => text.clone(),
            (None, Some(file)) => {
                // Off the workers: the file may lie on a disk that hangs.
                let file = file.clone();
                let read = tokio::task::spawn_blocking(move || revision_in(&file)).await;
                read.map_err(|_| Failure::new(Reason::OTHER, "the file: stopped"))??
            }
            (None, None) => return Ok(Expected::unknown()),
        };
        Ok(expected(&text, wanted.table.as_deref()))
    }
}

fn revision_in(file: &Path) -> Result<String, Failure> {
    const HINT: &str = "a deployment should write the revision into it: `alembic heads > file`";
    let wrong = |reason, why: String| {
        Failure::new(reason, format!("expected_revision_file {}: {why}", file.display())).hint(HINT)
    };
    let text = files::read(file, 4096).map_err(|error| {
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound => Reason::NOT_FOUND,
            std::io::ErrorKind::PermissionDenied => Reason::RIGHTS,
            _ => Reason::OTHER,
        };
        wrong(reason, error.to_string())
    })?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let word = text.split_whitespace().next();
    word.map(ToOwned::to_owned).ok_or_else(|| wrong(Reason::PARSE, "the file is empty".into()))
}

/// The lock, the proof that it is still a plain table, and what it says: if the proof fails, what follows
/// it is not even looked at.
fn query(place: &Place) -> String {
    let name = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let table = format!("{}.{}", name(&place.schema), name(place.tool.table()));
    let sql = match place.tool {
        Tool::Alembic => include_str!("../sql/migrations_alembic.sql"),
        Tool::Django => include_str!("../sql/migrations_django.sql"),
        Tool::Flyway => include_str!("../sql/migrations_flyway.sql"),
        Tool::Sqlx => include_str!("../sql/migrations_sqlx.sql"),
        Tool::Prisma => include_str!("../sql/migrations_prisma.sql"),
        Tool::Diesel => include_str!("../sql/migrations_diesel.sql"),
    };
    let plain = include_str!("../sql/migrations_plain.sql").replace("{name}", &quoted(&table));
    let read = sql.replace("{table}", &table);
    format!("LOCK TABLE ONLY {table} IN ACCESS SHARE MODE; {plain}; {read}")
}

fn of_table(place: &Place, mut failure: Failure) -> Failure {
    failure.detail = format!("table {}: {}", place.title(), failure.detail);
    failure
}
