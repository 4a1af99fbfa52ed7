//! The three requests.

use crate::clients::http::{Answer, HttpClient};
use crate::engine::Failure;

/// The answers; `/varz` is there or the reading has failed.
pub struct Raw {
    pub varz: Answer,
    pub jsz: Result<Answer, Failure>,
    pub healthz: Result<Answer, Failure>,
}

pub async fn fetch(http: &HttpClient) -> Result<Raw, Failure> {
    let (varz, jsz, healthz) = tokio::join!(
        http.get_ok("/varz"),
        http.get_ok("/jsz?streams=true&consumers=true"),
        http.get("/healthz"),
    );
    Ok(Raw { varz: varz?, jsz, healthz })
}
