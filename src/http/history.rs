//! The history of judged numbers: noted while they are judged, written now and then, and read at
//! `/api/v1/history/<area>/<target>/<signal>`.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use tokio::time::Instant;

use super::Server;
use crate::check::Report;
use crate::engine::{Board, Line, Number};

/// A kill loses this much; each write is 1.5 MB at most.
const SAVE: Duration = Duration::from_mins(5);
/// The end of the process is not put off for longer by a disk that hangs.
const END: Duration = Duration::from_secs(2);

/// Notes the numbers of a report.
pub(super) fn note(board: &Board, report: &Report) {
    for finding in &report.findings {
        let Some(value) = finding.value else { continue };
        board.chart.note(finding.number(), SystemTime::now(), value);
    }
}

/// When the history is written, and whether the last write failed.
pub(super) struct Saving {
    board: Arc<Board>,
    last: Instant,
    failed: bool,
    homeless: bool,
}

impl Saving {
    pub(super) fn new(board: Arc<Board>) -> Self {
        Self { board, last: Instant::now(), failed: false, homeless: false }
    }

    /// Writes if it is time.
    pub(super) async fn tick(&mut self) {
        self.homes().await;
        if self.last.elapsed() < SAVE {
            return;
        }
        self.last = Instant::now();
        let failed = write(&self.board).await.err();
        if let Some(failure) = failed.as_ref().filter(|_| !self.failed) {
            tracing::warn!("the history of values is not kept over a restart: {failure}");
        }
        self.failed = failed.is_some();
    }

    /// Writes down in which services targets live; costs nothing while nothing has changed.
    async fn homes(&mut self) {
        let board = Arc::clone(&self.board);
        let save = move || board.homes.save(&board.memory.storage());
        let saved = tokio::task::spawn_blocking(save).await.unwrap_or(Ok(()));
        if let Some(failure) = saved.as_ref().err().filter(|_| !self.homeless) {
            tracing::warn!("in which services targets live is not kept over a restart: {failure}");
        }
        self.homeless = saved.is_err();
    }
}

async fn write(board: &Arc<Board>) -> Result<(), crate::failure::Failure> {
    let board = Arc::clone(board);
    let save = move || {
        let storage = board.memory.storage();
        // Without a directory it is in memory once already.
        if storage.dir().is_none() { Ok(()) } else { board.chart.save(&storage) }
    };
    tokio::task::spawn_blocking(save).await.unwrap_or(Ok(()))
}

/// The last write, at the end.
pub async fn end(board: &Arc<Board>) {
    // Whether it is done or not, nobody is left who could be told.
    let _ = tokio::time::timeout(END, write(board)).await;
}

/// All lines of a signal of one target. Documented in docs/status-api.md.
pub(super) async fn json(
    State(server): State<Server>,
    Path((area, target, signal)): Path<(String, String, String)>,
) -> impl IntoResponse {
    let mut numbers = server.board.chart.of(&area, &target);
    numbers.retain(|(number, _)| number.signal == signal);
    let mut text = String::from("[");
    for (index, (number, lines)) in numbers.iter().enumerate() {
        text.push_str(if index > 0 { ",\n" } else { "\n" });
        one(&mut text, number, lines);
    }
    text.push_str("\n]\n");
    (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], text)
}

/// By hand: as a tree of values this would be ten times as large.
fn one(text: &mut String, number: &Number, lines: &[Line]) {
    let labels: serde_json::Map<_, _> =
        number.labels.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    let _ = write!(text, "{{\"labels\":{},\"lines\":[", serde_json::Value::from(labels));
    for (index, line) in lines.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let _ = write!(text, "{comma}{{\"step_seconds\":{},\"points\":[", line.step.as_secs());
        for (index, (at, value)) in line.points().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let _ = write!(text, "{comma}[{at},{value}]");
        }
        text.push_str("]}");
    }
    text.push_str("]}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_json() {
        let board = Board::default();
        let labels = vec![("name".to_owned(), "a \"b\"".to_owned())];
        let number = Number {
            area: "docker".into(),
            target: "docker".into(),
            signal: "memory".into(),
            labels,
        };
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        for (second, value) in [(1500, 0.5), (1515, 1e30), (1530, f64::NAN)] {
            board.chart.note(number.clone(), at(second), value);
        }
        let mut text = String::new();
        let (number, lines) = board.chart.of("docker", "docker").remove(0);
        one(&mut text, &number, &lines);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["labels"]["name"], "a \"b\"");
        assert_eq!(json["lines"][0]["points"][0], serde_json::json!([1500, 0.5]));
        assert_eq!(json["lines"][0]["points"].as_array().unwrap().len(), 2, "no number is none");
        assert_eq!(json["lines"][1]["step_seconds"], 300);
    }
}
