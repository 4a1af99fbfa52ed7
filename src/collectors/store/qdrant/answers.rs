//! Qdrant's answers, as far as they are of use. What every version has is wanted, all else is optional.

use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Root {
    pub title: String,
    pub version: String,
}

#[derive(Deserialize)]
pub struct Collections {
    pub result: Names,
}

#[derive(Deserialize)]
pub struct Names {
    pub collections: Vec<Name>,
}

#[derive(Deserialize)]
pub struct Name {
    pub name: String,
}

#[derive(Deserialize)]
pub struct Described {
    pub result: Facts,
}

#[derive(Default, Deserialize)]
pub struct Facts {
    pub status: String,
    #[serde(default)]
    pub points_count: Option<u64>,
    /// Before version 1.8 the only count, of vectors.
    #[serde(default)]
    pub vectors_count: Option<u64>,
    #[serde(default)]
    pub indexed_vectors_count: Option<u64>,
    #[serde(default)]
    pub segments_count: Option<u64>,
}
