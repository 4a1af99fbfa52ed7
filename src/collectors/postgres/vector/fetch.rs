//! Asks for the extension, its columns and indexes, and for statements that use it.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::Instant;

use super::sample::{self, Class, Numbers, Said};
use crate::clients::postgres::Rows;
use crate::collectors::postgres::fetch::{Source, none};
use crate::engine::Found;
use crate::failure::Failure;

/// Texts are looked through this often.
const CLASSES: Duration = Duration::from_mins(5);

/// What is remembered of statements between readings.
#[derive(Default)]
pub struct Known {
    classes: BTreeMap<i64, Class>,
    /// When they were looked for last, and why that was in vain.
    classified: Option<Instant>,
    trouble: Option<Failure>,
    /// What each had when it was read last, and all since by what it is.
    last: BTreeMap<i64, Numbers>,
    totals: BTreeMap<Class, Numbers>,
}

impl Known {
    fn is_due(&self, now: Instant) -> bool {
        self.classified.is_none_or(|at| now.duration_since(at) >= CLASSES)
    }

    pub(super) fn classify(&mut self, rows: &Rows, now: Instant) {
        self.classes = sample::classes(rows);
        (self.classified, self.trouble) = (Some(now), None);
        for class in self.classes.values() {
            self.totals.entry(*class).or_default();
        }
        // It came while we watched, but how often it ran before it was known nobody can tell.
        self.last.retain(|id, _| self.classes.contains_key(id));
    }

    fn list(&self) -> Option<String> {
        let all: Vec<String> = self.classes.keys().map(ToString::to_string).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }

    /// Adds what has come since the last reading. Where a count is less, its entry was made anew.
    pub(super) fn count(&mut self, rows: &Rows) {
        let mut now = BTreeMap::new();
        for (id, numbers) in sample::numbers(rows) {
            let Some(class) = self.classes.get(&id) else { continue };
            if let Some(before) = self.last.get(&id) {
                self.totals.entry(*class).or_default().add(numbers.since(*before));
            }
            now.insert(id, numbers);
        }
        self.last = now;
    }

    pub(super) fn totals(&self) -> BTreeMap<Class, Numbers> {
        self.totals.clone()
    }

    pub(super) fn statements(&self) -> Vec<(i64, Class, Numbers)> {
        let of = |(id, numbers): (&i64, &Numbers)| Some((*id, *self.classes.get(id)?, *numbers));
        self.last.iter().filter_map(of).collect()
    }
}

impl Source {
    pub async fn read_vector(&self) -> Result<Found<Said>, Failure> {
        let installed = self.client.query(include_str!("../sql/vector_installed.sql")).await?;
        let Some(row) = installed.first() else { return Ok(Found::from(Said::default())) };
        let version = row.text("version").unwrap_or_default().to_owned();
        let both = |_| {
            [include_str!("../sql/vector_columns.sql"), include_str!("../sql/vector_indexes.sql")]
                .map(str::to_owned)
                .to_vec()
        };
        let mut answers = self.client.query_all(both, self.client.limit()).await?.into_iter();
        let mut next = || answers.next().unwrap_or_else(|| Err(none()));
        let (columns, indexes) = (next()?, next()?);
        let missing = self.read_searches().await.err();
        let known = self.slow.vector.lock().unwrap_or_else(PoisonError::into_inner);
        let value = Said {
            version,
            columns,
            indexes,
            totals: known.totals(),
            statements: known.statements(),
        };
        Ok(Found { value, missing })
    }

    /// Nothing, where nobody has set up `pg_stat_statements`.
    async fn read_searches(&self) -> Result<(), Failure> {
        let Some(view) = self.view().await? else { return Ok(()) };
        let known = || self.slow.vector.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let is_due = known().is_due(now);
        if is_due {
            let sql = view.fill(include_str!("../sql/vector_statements.sql"));
            match self.client.query(&sql).await {
                Ok(rows) => known().classify(&rows, now),
                // Not tried again and again: it is dear where it fails.
                Err(failure) => {
                    let mut known = known();
                    (known.classified, known.trouble) = (Some(now), Some(failure));
                }
            }
        }
        let list = known().list();
        if let Some(list) = list {
            let sql = view.fill(include_str!("../sql/vector_numbers.sql"));
            let rows = self.client.query(&sql.replace("{known}", &list)).await?;
            known().count(&rows);
        }
        let trouble = known().trouble.clone();
        trouble.map_or(Ok(()), Err)
    }
}
