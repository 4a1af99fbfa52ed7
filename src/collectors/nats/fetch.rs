//! The three requests.

use serde::de::IgnoredAny;

use super::answers::{Jsz, Varz};
use crate::clients::http::{HttpClient, Json};
use crate::failure::Failure;

/// The answers; `/varz` is there or the reading has failed.
pub struct Raw {
    pub varz: Json<Varz>,
    pub jsz: Result<Json<Jsz>, Failure>,
    /// Its status says it all.
    pub healthz: Result<Json<IgnoredAny>, Failure>,
}

pub async fn fetch(http: &HttpClient) -> Result<Raw, Failure> {
    let (varz, jsz, healthz) = tokio::join!(
        http.json("/varz", "/varz"),
        http.json("/jsz", "/jsz?streams=true&consumers=true"),
        http.json("/healthz", "/healthz"),
    );
    Ok(Raw { varz: varz?, jsz, healthz })
}
