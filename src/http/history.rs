//! The history of numbers: which there are at `/api/v1/history`, and what they were at
//! `/api/v1/history/<area>/<target>/<signal>`.

use std::fmt::Write as _;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};

use super::Server;
use crate::engine::{Line, Number};

/// The numbers that have a history. Documented in docs/status-api.md.
pub(super) async fn list(State(server): State<Server>) -> Json<Vec<Value>> {
    let numbers = server.board.chart.numbers();
    let one = |number: &Number| {
        json!({
            "area": number.area,
            "target": number.target,
            "signal": number.signal,
            "labels": labels(number),
        })
    };
    Json(numbers.iter().map(one).collect())
}

fn labels(number: &Number) -> Value {
    let labels = number.labels.iter();
    let labels: Map<_, _> =
        labels.map(|(name, value)| (name.clone(), value.clone().into())).collect();
    labels.into()
}

/// All lines of a signal of one target. Documented in docs/status-api.md.
pub(super) async fn lines(
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
    let _ = write!(text, "{{\"labels\":{},\"lines\":[", labels(number));
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
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::engine::Board;

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
