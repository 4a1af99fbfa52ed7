//! The status page of a queue application, well or ill as the test wants it.
//!
//! `Httpd` behind it answers every path alike, so it also stands in for any other server that
//! answers rubbish, hangs, or is gone.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::httpd::{Httpd, Reply, Request};
use super::port::free_port;

pub const PATH: &str = "/api/queue/status/json";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Normal,
    /// Answers, but late.
    Slow(Duration),
    /// Accepts and reads, and never answers.
    Hang,
    /// 200 with a page where JSON is expected.
    Rubbish,
    Http500,
    /// The port refuses.
    Closed,
}

struct State {
    mode: Mode,
    content_type: String,
    body: String,
}

pub struct KoStatus {
    http: Httpd,
    state: Arc<Mutex<State>>,
}

impl KoStatus {
    /// The status page under its own path; other paths are 404.
    pub async fn start() -> Self {
        let body = example().to_string();
        Self::serve(free_port(), Some(PATH), "application/json", &body).await
    }

    /// Any body under every path: in the place of another server.
    pub async fn impostor(port: u16, content_type: &str, body: &str) -> Self {
        Self::serve(port, None, content_type, body).await
    }

    async fn serve(port: u16, path: Option<&'static str>, kind: &str, body: &str) -> Self {
        let (content_type, body) = (kind.to_owned(), body.to_owned());
        let state = State { mode: Mode::Normal, content_type, body };
        let state = Arc::new(Mutex::new(state));
        let shown = state.clone();
        let answer = move |request: &Request| {
            let wanted = request.path.split('?').next();
            if path.is_some() && path != wanted {
                return Reply::new(404, "text/plain", "not found");
            }
            shown.lock().unwrap_or_else(PoisonError::into_inner).reply()
        };
        Self { http: Httpd::start_on(port, answer).await, state }
    }

    pub fn port(&self) -> u16 {
        self.http.port
    }

    /// `http://127.0.0.1:<port>/api/queue/status/json`
    pub fn url(&self) -> String {
        format!("{}{PATH}", self.http.url())
    }

    pub async fn set_mode(&self, mode: Mode) {
        self.lock().mode = mode;
        if mode == Mode::Closed {
            self.http.close().await;
        } else {
            self.http.open().await;
        }
    }

    pub fn set_body(&self, body: &str) {
        body.clone_into(&mut self.lock().body);
    }

    pub fn set_json(&self, body: &Value) {
        self.set_body(&body.to_string());
    }

    pub fn requests(&self) -> Vec<Request> {
        self.http.requests()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn reply(&self) -> Reply {
        let body = self.body.clone().into_bytes();
        let (status, content_type) = (200, self.content_type.clone());
        match self.mode {
            Mode::Normal => Reply::Send { status, content_type, body, after: Duration::ZERO },
            Mode::Slow(after) => Reply::Send { status, content_type, body, after },
            Mode::Hang | Mode::Closed => Reply::Hang,
            Mode::Rubbish => Reply::new(200, "text/html", "<html>"),
            Mode::Http500 => Reply::new(500, "text/plain", "internal server error"),
        }
    }
}

/// What the application's documentation shows.
pub fn example() -> Value {
    json!({
        "status": "healthy",
        "is_running": true,
        "queue_stats": {
            "search": { "pending": 0, "processing": 1, "completed": 15 },
            "analysis": { "pending": 2, "processing": 1, "completed": 8 },
        },
        "resource_usage": { "memory_percent": 68.5, "cpu_percent": 35.2 },
        "timestamp": "2024-01-01T12:00:00Z",
    })
}
