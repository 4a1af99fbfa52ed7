//! The HTTP server: metrics, readings on demand, status page and its JSON, runbooks, health, reload, a debug view.
//!
//! Who asks for a name that is not ours is refused (`hosts.rs`), and so is who has no key where there
//! is a lock (`lock/`); clients have limits (`listen.rs`). Everything but the reload is read-only. Nothing shown here holds query texts or log
//! lines, but for the masked templates of errors.

mod debug;
mod details;
mod guard;
mod history;
mod hosts;
pub mod listen;
pub mod lock;
mod metrics;
mod overview;
mod page;
mod probe;
mod reload;
mod runbooks;
mod turned_away;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio::sync::Semaphore;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

use crate::engine::Board;
use crate::overview::Overview;

pub use details::bars;
pub use hosts::Hosts;
pub use lock::Lock;
pub use probe::Door;
pub use reload::Reloader;
pub use runbooks::sections as runbook_sections;
pub use turned_away::TurnedAway;

/// What the handlers share.
#[derive(Clone)]
pub struct Server {
    board: Arc<Board>,
    telemetry_path: Arc<str>,
    scrapes: Arc<Semaphore>,
    hosts: Arc<Hosts>,
    door: Arc<Door>,
    pub lock: Arc<Lock>,
    pub turned_away: Arc<TurnedAway>,
    pub reload: Reloader,
    pub overview: Arc<Overview>,
}

impl Server {
    pub fn new(
        board: Arc<Board>,
        telemetry_path: &str,
        max_requests: usize,
        (hosts, door, lock): (Arc<Hosts>, Arc<Door>, Arc<Lock>),
        reload: Reloader,
    ) -> Self {
        Self {
            turned_away: Arc::new(TurnedAway::new(Arc::clone(&board.clients))),
            overview: Arc::new(Overview::new(Arc::clone(&board))),
            hosts,
            door,
            lock,
            board,
            telemetry_path: telemetry_path.into(),
            scrapes: Arc::new(Semaphore::new(max_requests)),
            reload,
        }
    }

    pub fn router(&self) -> Router {
        Router::new()
            .route("/", get(page::status))
            .route("/assets/{name}", get(page::asset))
            .route(&self.telemetry_path, get(metrics::serve))
            .route("/probe", get(probe::serve))
            .route("/api/v1/status", get(overview::status))
            .route("/api/v1/stack", get(overview::stack))
            .route("/api/v1/services", get(overview::services))
            .route("/api/v1/events", get(overview::events))
            .route("/api/v1/history", get(history::list))
            .route("/api/v1/details/{area}/{target}", get(details::json))
            .route("/api/v1/history/{area}/{target}/{signal}", get(history::lines))
            .route("/runbooks", get(runbooks::list))
            .route("/runbooks/", get(runbooks::list))
            .route("/runbooks/{alert}", get(runbooks::page))
            .route("/service/{project}/{service}", get(page::service::page))
            .route("/target/{area}/{target}", get(page::target::page))
            .route("/debug/{area}/{target}", get(debug::page))
            .route("/-/healthy", get(|| async { "ok\n" }))
            .route("/-/ready", get(ready))
            .route("/-/reload", post(reload::serve))
            .fallback(|| async { (StatusCode::NOT_FOUND, "not found; / leads to all pages\n") })
            // Texts of metrics shrink twenty-fold at any level; this one costs a third of the usual.
            .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
            .layer(axum::middleware::from_fn_with_state(self.clone(), guard::guard))
            .with_state(self.clone())
    }
}

/// Ready after every target has been read once, well or badly.
async fn ready(
    axum::extract::State(server): axum::extract::State<Server>,
) -> (StatusCode, &'static str) {
    if server.board.ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready: the first readings are under way\n")
    }
}

/// See `src/fuzzing.rs`.
#[cfg(fuzzing)]
pub mod fuzzing {
    /// Host, origin and site of a request, one a line.
    pub fn host(data: &[u8]) {
        let mut headers = axum::http::HeaderMap::new();
        let lines = data.split(|byte| *byte == b'\n');
        for (name, line) in ["host", "origin", "sec-fetch-site"].into_iter().zip(lines) {
            if let Ok(value) = axum::http::HeaderValue::from_bytes(line) {
                headers.insert(name, value);
            }
        }
        let _ = super::reload::same_origin(&headers);
        let hosts = super::Hosts::new(vec!["box.example.org".to_owned()]);
        let _ = hosts.take(&axum::http::Uri::default(), &headers);
    }
}
