//! What is read each time: the queries for facts of the server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::migrations;
use super::parts::{Read, Slow};
use super::pools::Pool;
use super::queries::{Queries, Query};
use super::share::Share;
use crate::clients::postgres::{PostgresClient, Rows, quoted};
use crate::failure::{Failure, Reason};

pub(super) type Answer = Result<Rows, Failure>;

/// What the server said. The first answer is there or the reading has failed.
pub struct Raw {
    /// Host and port of the server that was reached.
    pub place: String,
    pub share: Share,
    pub server: Rows,
    pub facts: Facts,
    pub parts: Read,
    /// Declared queries.
    pub declared: BTreeMap<String, Query>,
    pub pools: BTreeMap<String, Pool>,
}

/// Facts of the whole server, each read or not for itself.
pub struct Facts {
    pub activity: Answer,
    pub databases: Answer,
    pub locks: Answer,
    pub waits: Answer,
    pub background: Answer,
    pub archiver: Answer,
    pub wal: Answer,
    pub slots: Answer,
    pub senders: Answer,
    pub receiver: Answer,
    pub horizon: Answer,
}

pub struct Source {
    pub client: PostgresClient,
    pub slow: Slow,
    pub share: Share,
    /// How many tables are told of one by one.
    pub tables: u32,
    /// And how many statements.
    pub statements: u32,
    pub every_setting: bool,
    /// How long a reading waits for queries that have not run yet.
    pub patience: Duration,
    pub queries: Queries,
    pub declared: BTreeMap<String, Query>,
    pub pools: BTreeMap<String, Pool>,
    pub migrations: migrations::Reader,
}

/// The queries for facts of the server, in the order of [`Facts`] after the first.
fn facts(major: u32, database: &str) -> Vec<String> {
    let own = quoted(database);
    let background = if major >= 17 {
        include_str!("sql/background_17.sql")
    } else {
        include_str!("sql/background.sql")
    };
    [
        include_str!("sql/server.sql"),
        include_str!("sql/activity.sql"),
        include_str!("sql/databases.sql"),
        include_str!("sql/locks.sql"),
        include_str!("sql/waits.sql"),
        background,
        include_str!("sql/archiver.sql"),
        include_str!("sql/wal.sql"),
        include_str!("sql/slots.sql"),
        include_str!("sql/senders.sql"),
        include_str!("sql/receiver.sql"),
        include_str!("sql/horizon.sql"),
    ]
    .iter()
    .map(|sql| sql.replace("{own}", &own))
    .collect()
}

impl Source {
    /// The facts, and the parts behind them: whoever reads often has these from the last reading.
    pub async fn fetch(self: &Arc<Self>) -> Result<Raw, Failure> {
        let begun = Instant::now();
        let (server, facts) = self.facts().await?;
        let recent = self.slow.is_recent();
        if recent {
            self.slow.behind(|| {
                let source = Arc::clone(self);
                tokio::spawn(async move { Box::pin(source.refresh()).await })
            });
        } else {
            Box::pin(self.refresh()).await;
        }
        self.run_queries((!recent).then(|| begun + self.patience)).await;
        let parts = self.parts()?;
        let place = self.client.place().unwrap_or_default();
        let (share, declared) = (self.share.clone(), self.declared.clone());
        let pools = self.pools.clone();
        Ok(Raw { place, share, server, facts, parts, declared, pools })
    }

    /// The first answer, and the others.
    async fn facts(&self) -> Result<(Rows, Facts), Failure> {
        let all = |major| facts(major, &self.share.database);
        let answers = self.client.query_server(all, self.client.limit()).await?;
        let mut answers = answers.into_iter();
        let mut next = || answers.next().unwrap_or_else(|| Err(none()));
        let server = next()?;
        let facts = Facts {
            activity: next(),
            databases: next(),
            locks: next(),
            waits: next(),
            background: next(),
            archiver: next(),
            wal: next(),
            slots: next(),
            senders: next(),
            receiver: next(),
            horizon: next(),
        };
        Ok((server, facts))
    }
}

/// In place of an answer that has not come.
pub(super) fn none() -> Failure {
    Failure::new(Reason::PARSE, "the server gave fewer answers than there were questions")
}
