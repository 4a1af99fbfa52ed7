//! Answers that say what the Engine is. All fields may be missing: versions of the API differ.

use serde::{Deserialize, Deserializer};

/// A map or list that may also be `null`.
pub fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// `GET /version`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Version {
    pub version: String,
    /// The newest version of the API that it speaks.
    pub api_version: String,
    #[serde(deserialize_with = "or_default")]
    pub components: Vec<Component>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Component {
    /// `Engine`, or `Podman Engine`.
    pub name: String,
}

/// `GET /info`.
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
