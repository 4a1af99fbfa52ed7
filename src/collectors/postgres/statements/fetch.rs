//! Asks `pg_stat_statements`, where somebody has put it.

use std::sync::PoisonError;

use tokio::time::Instant;

use super::Statements;
use crate::clients::postgres::{Rows, identifier};
use crate::collectors::postgres::fetch::Source;
use crate::engine::Found;
use crate::failure::{Failure, Reason};

impl Source {
    /// What our own statements cost. The view is where somebody has put it, or nowhere.
    pub async fn read_own(&self) -> Result<Found<Rows>, Failure> {
        let Some(view) = self.view().await? else { return Ok(Found::from(Rows::default())) };
        self.client.query(&view.fill(include_str!("../sql/own_share.sql"))).await.map(Found::from)
    }

    /// Single statements, where somebody wants them.
    pub async fn read_statements(&self) -> Result<Found<Statements>, Failure> {
        let shown = || self.slow.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let view = self.view().await?.ok_or_else(no_view)?;
        let sql = view.fill(include_str!("../sql/statements.sql"));
        let sql = sql.replace("{top}", &self.statements.to_string());
        let sql = sql.replace("{shown}", &shown().list());
        let rows = self.client.query(&sql).await?;
        shown().note(&rows, self.statements, Instant::now());
        let unknown = shown().without_text();
        let mut missing = hidden(&rows);
        if let Some(unknown) = unknown {
            let sql = view.fill(include_str!("../sql/statement_texts.sql"));
            match self.client.query(&sql.replace("{shown}", &unknown)).await {
                Ok(texts) => shown().learn(&unknown, &texts),
                Err(failure) => missing = missing.or(Some(failure)),
            }
        }
        let texts = shown().texts();
        Ok(Found { value: Statements { rows, texts }, missing })
    }

    pub async fn view(&self) -> Result<Option<View>, Failure> {
        let found = self.client.query(include_str!("../sql/statements_schema.sql")).await?;
        Ok(found.first().map(|row| View {
            schema: row.text("schema").unwrap_or_default().replace('"', "\"\""),
            plans: row.flag("plans") == Some(true),
            shared: row.flag("shared") == Some(true),
        }))
    }
}

/// Where `pg_stat_statements` is, and what its columns are called there.
pub struct View {
    schema: String,
    /// From 1.8 on planning is told apart from execution.
    plans: bool,
    /// From 1.11 on shared blocks are told apart from local ones.
    shared: bool,
}

impl View {
    pub fn fill(&self, sql: &str) -> String {
        let prefix = if self.shared { "shared_" } else { "" };
        sql.replace("{schema}", &format!("\"{}\"", self.schema))
            .replace("{time}", if self.plans { "total_exec_time" } else { "total_time" })
            .replace("{read}", &format!("{prefix}blk_read_time"))
            .replace("{write}", &format!("{prefix}blk_write_time"))
    }
}

fn no_view() -> Failure {
    let text = "pg_stat_statements is not in this database, or in a schema that is no superuser's";
    Failure::new(Reason::NOT_FOUND, text).hint(
        "as a superuser in this database: CREATE SCHEMA monitoring; GRANT USAGE ON SCHEMA monitoring TO PUBLIC; CREATE EXTENSION pg_stat_statements SCHEMA monitoring",
    )
}

/// Statements of others have no number for those who may not read them.
fn hidden(rows: &Rows) -> Option<Failure> {
    let row = rows.first()?;
    let hidden = row.number::<u64>("hidden").filter(|hidden| *hidden > 0)?;
    let role = identifier(row.text("role").unwrap_or("monitor"));
    let text = format!("{hidden} statements of other roles are hidden from ours, their texts too");
    Some(Failure::new(Reason::RIGHTS, text).hint(format!("GRANT pg_read_all_stats TO {role}")))
}
