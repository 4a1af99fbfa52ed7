//! Containers as people name them, and as the kernel's files do.

use std::collections::BTreeMap;

use serde::Deserialize;
use tokio::time::Instant;

use super::address::Address;
use super::api::or_default;
use super::client::Client;
use super::is_id;
use crate::failure::Failure;

/// The shortest part of a container's id that names it.
const ID: usize = 12;

/// How a container is named in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    Id(String),
    Name(String),
}

impl Named {
    pub fn of(text: &str) -> Self {
        if text.len() >= ID && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            return Self::Id(text.to_ascii_lowercase());
        }
        Self::Name(text.trim_start_matches('/').to_owned())
    }
}

/// The id in a part of the path of a control group: `<id>`, `docker-<id>.scope`, `libpod-<id>.scope`; not
/// `libpod-conmon-<id>.scope`, which watches the container.
pub fn id_in(part: &str) -> Option<&str> {
    let part = part.strip_suffix(".scope").unwrap_or(part);
    let (before, own) = part.rsplit_once('-').unwrap_or(("", part));
    (is_id(own) && !before.contains("conmon")).then_some(own)
}

/// A container as the list has it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Listed {
    #[serde(deserialize_with = "or_default")]
    id: String,
    #[serde(deserialize_with = "or_default")]
    names: Vec<String>,
}

/// Ids of the containers that run, by name.
pub async fn ids(address: &Address, until: Instant) -> Result<BTreeMap<String, String>, Failure> {
    let (client, _) = Client::connect(address, until).await?;
    let list = client.get::<Vec<Listed>>("containers", "/containers/json", until).await?.value;
    let pairs = list.into_iter().flat_map(|one| {
        let id = one.id;
        one.names.into_iter().map(move |name| (name.trim_start_matches('/').to_owned(), id.clone()))
    });
    Ok(pairs.collect())
}
