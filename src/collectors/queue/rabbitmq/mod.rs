//! Queues of RabbitMQ, by its management API: `GET /api/queues/{vhost}` with the columns that are needed.
//!
//! One request for all queues of a virtual host, 300 bytes each. The server's numbers are up to five seconds old
//! (`collect_statistics_interval`).

pub mod config;
pub mod sample;

use globset::GlobSet;
use percent_encoding::utf8_percent_encode;

use crate::clients::http::{HttpClient, Json};
use crate::config::url::UNRESERVED;
use crate::failure::Failure;

const COLUMNS: &str = "name,state,consumers,auto_delete,exclusive,messages_ready,messages_unacknowledged,head_message_timestamp,message_stats.deliver_get,message_stats.ack,arguments,effective_policy_definition";

/// What is read of which server.
pub struct Reader {
    pub client: HttpClient,
    path: String,
    pub vhost: String,
    pub wanted: Wanted,
}

/// Which queues are told of: those that patterns name, or all that outlive who has made them.
pub struct Wanted {
    pub patterns: Vec<String>,
    pub set: GlobSet,
}

impl Reader {
    pub fn new(client: HttpClient, vhost: String, wanted: Wanted) -> Self {
        let name = utf8_percent_encode(&vhost, UNRESERVED);
        let path = format!("/api/queues/{name}?columns={COLUMNS}");
        Self { client, path, vhost, wanted }
    }

    pub async fn read(&self) -> Result<Json<Vec<sample::Queue>>, Failure> {
        self.client.json("/api/queues", &self.path).await
    }
}
