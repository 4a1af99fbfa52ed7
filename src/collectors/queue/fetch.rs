//! One reading of each kind of source.

use serde_json::Value;

use super::config::{JetStream, Paths};
use super::jsz::{self, Jsz};
use super::sqlite::Reader;
use super::table::Table;
use super::workers::{self, Connections};
use super::{rabbitmq, redis};
use crate::clients::http::{HttpClient, Json};
use crate::clients::postgres::PostgresClient;
use crate::failure::Failure;

pub enum Source {
    Http { client: HttpClient, paths: Paths },
    JetStream { client: HttpClient, wanted: JetStream },
    Sql { client: Box<PostgresClient>, query: String },
    Sqlite(Reader),
    Redis(Box<redis::Reader>),
    RabbitMq(rabbitmq::Reader),
}

/// What was read, of the same kind as the source.
pub enum Raw {
    Json(Json<Value>),
    /// With those that are connected, where somebody has asked.
    Jsz(Json<Jsz>, Option<Result<Connections, Failure>>),
    Table(Table),
    Redis(redis::Raw),
    RabbitMq(Json<Vec<rabbitmq::sample::Queue>>),
}

impl Source {
    pub async fn fetch(&self) -> Result<Raw, Failure> {
        match self {
            Self::Http { client, .. } => client.json("the address", "").await.map(Raw::Json),
            Self::JetStream { client, .. } => {
                let jsz = client.json("/jsz", jsz::PATH);
                let (jsz, connections) = tokio::join!(jsz, workers::read(client));
                Ok(Raw::Jsz(jsz?, Some(connections)))
            }
            Self::Sql { client, query } => {
                let rows = client.query(query).await?;
                let width = rows.columns().len();
                let text = |row: crate::clients::postgres::Row, place: usize| {
                    row.at(place).map(ToOwned::to_owned)
                };
                Ok(Raw::Table(Table {
                    columns: rows.columns().to_vec(),
                    rows: rows
                        .iter()
                        .map(|row| (0..width).map(|at| text(row, at)).collect())
                        .collect(),
                    ..Table::default()
                }))
            }
            Self::Sqlite(reader) => reader.read().await.map(Raw::Table),
            Self::Redis(reader) => reader.read().await.map(Raw::Redis),
            Self::RabbitMq(reader) => reader.read().await.map(Raw::RabbitMq),
        }
    }
}
