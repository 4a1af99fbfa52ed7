//! What the Engine says of its machine. All fields may be missing: versions of the API differ.

use serde::{Deserialize, Deserializer};

/// A map or list that may also be `null`.
pub fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// `GET /info`. Own, as the library's type has closed words (the driver of control groups, the kind
/// of isolation, the state of a swarm): one that it does not know loses the whole answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Info {
    #[serde(rename = "NCPU")]
    pub cores: Option<i64>,
    #[serde(rename = "MemTotal")]
    pub memory: Option<i64>,
    /// Where images, containers and volumes are.
    #[serde(rename = "DockerRootDir")]
    pub root: String,
    /// The Engine's clock.
    #[serde(rename = "SystemTime", deserialize_with = "or_default")]
    pub time: String,
}
