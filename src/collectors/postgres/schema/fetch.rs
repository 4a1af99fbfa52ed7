//! Asks the questions, and remembers which server it was.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::super::fetch::{Answer, none};
use crate::clients::postgres::PostgresClient;
use crate::engine::{Form, Found, Keeping, Kept};
use crate::failure::Failure;

/// How the identity is kept over a restart.
pub const KEPT: Keeping = Keeping {
    form: Form { kind: "postgres", version: 1 },
    most: 4096,
    pause: Duration::from_secs(1),
};

/// All answers.
pub struct Schema {
    pub invalid: Answer,
    pub unused: Answer,
    pub duplicates: Answer,
    pub vacuum: Answer,
    pub sequences: Answer,
    pub extensions: Answer,
    /// Of the server; only where this target tells of it.
    pub archive: Option<Answer>,
    pub control: Option<Answer>,
    pub identity: Identity,
}

impl Schema {
    /// What was not answered, in the operator's words.
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, &Failure)> {
        let all = [
            ("invalid indexes (pg_index)", Some(&self.invalid)),
            ("unused indexes (pg_stat_user_indexes)", Some(&self.unused)),
            ("duplicate indexes (pg_index)", Some(&self.duplicates)),
            ("autovacuum (pg_class.reloptions)", Some(&self.vacuum)),
            ("sequences (pg_sequence_last_value)", Some(&self.sequences)),
            ("extensions (pg_available_extensions)", Some(&self.extensions)),
            ("the archive (pg_ls_archive_statusdir)", self.archive.as_ref()),
            ("the server's identity (pg_control_system)", self.control.as_ref()),
        ];
        all.into_iter().filter_map(|(what, answer)| Some((what, answer?.as_ref().err()?)))
    }
}

/// Which server it was last, and since when if there was another one before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    pub id: String,
    /// In seconds since the epoch.
    pub changed: Option<f64>,
}

impl Identity {
    /// What is known once it has said who it is.
    pub fn then(&self, id: &str, now: f64) -> Self {
        let changed = if self.id.is_empty() || self.id == id { self.changed } else { Some(now) };
        Self { id: id.to_owned(), changed }
    }
}

pub struct Reader {
    kept: Kept<Identity>,
    known: Mutex<Option<Identity>>,
}

impl Reader {
    pub fn new(kept: Kept<Identity>) -> Self {
        Self { kept, known: Mutex::default() }
    }

    /// `leads`: it tells of the server as well.
    pub async fn read(
        &self,
        client: &PostgresClient,
        leads: bool,
        until: Instant,
    ) -> Result<Found<Schema>, Failure> {
        let answers = client.query_all(|major| questions(major, leads), client.limit()).await?;
        let mut answers = answers.into_iter();
        let mut next = || answers.next().unwrap_or_else(|| Err(none()));
        let mut schema = Schema {
            invalid: next(),
            unused: next(),
            duplicates: next(),
            vacuum: next(),
            sequences: next(),
            extensions: next(),
            archive: leads.then(&mut next),
            control: leads.then(&mut next),
            identity: Identity::default(),
        };
        if let Some(Ok(rows)) = &schema.control
            && let Some(id) = rows.first().and_then(|row| row.text("system_identifier"))
        {
            schema.identity = self.note(id, until).await;
        }
        // Asked again soon; the others are told by the sample.
        let missing = schema.failures().next().map(|(what, failure)| {
            let mut failure = failure.clone();
            failure.detail = format!("{what}: {}", failure.detail);
            failure
        });
        Ok(Found { value: schema, missing })
    }

    /// Sees to it that what is known gets written down; with each reading, for a write has its pause.
    pub fn keep(&self) {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(identity) = known {
            self.kept.keep(&identity);
        }
    }

    async fn note(&self, id: &str, until: Instant) -> Identity {
        let restored = self.kept.restored(until).await;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.take().or(restored).unwrap_or_default();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let identity = before.then(id, now);
        *known = Some(identity.clone());
        identity
    }
}

fn questions(major: u32, leads: bool) -> Vec<String> {
    // From 15 on two that are empty may count as the same.
    let nulls = if major >= 15 { "x.indnullsnotdistinct" } else { "false" };
    let own = [
        include_str!("../sql/schema_invalid.sql"),
        include_str!("../sql/schema_unused.sql"),
        include_str!("../sql/schema_duplicates.sql"),
        include_str!("../sql/schema_vacuum.sql"),
        include_str!("../sql/schema_sequences.sql"),
        include_str!("../sql/schema_extensions.sql"),
    ];
    let of_server =
        [include_str!("../sql/schema_archive.sql"), include_str!("../sql/schema_control.sql")];
    let of_server = of_server.into_iter().filter(|_| leads);
    own.into_iter().chain(of_server).map(|sql| sql.replace("{nulls}", nulls)).collect()
}
