//! One threshold as the file writes it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalogue::{Direction, Signal, Unit};
use crate::config::{Dur, Size};

/// A number, or a text with a unit: `5s`, `512MiB`, `90%`; `on` for what is a yes or no; `off`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Limit {
    Number(f64),
    #[schemars(extend("x-show-value" = true))]
    Text(String),
}

impl Limit {
    pub(super) fn is_off(&self) -> bool {
        matches!(self, Self::Text(text) if text == "off")
    }

    /// The value in the signal's base unit; `None` for `off`.
    pub(super) fn parse(&self, signal: &Signal) -> Result<Option<f64>, String> {
        if self.is_off() {
            return Ok(None);
        }
        match (signal.unit, self) {
            (Unit::Bool, Self::Text(text)) if text == "on" => Ok(Some(match signal.direction {
                Direction::Above => 0.0,
                Direction::Below => 1.0,
            })),
            (Unit::Bool, _) => Err("is a yes or no: write `on` or `off`".into()),
            (Unit::Seconds, Self::Text(text)) => {
                let duration: Dur = text.parse().map_err(message)?;
                Ok(Some(duration.get().as_secs_f64()))
            }
            (Unit::Bytes, Self::Text(text)) => {
                let size: Size = text.parse().map_err(message)?;
                Ok(Some(size.get() as f64))
            }
            (Unit::Seconds, Self::Number(_)) => Err("needs a unit, for example `5s`".into()),
            (Unit::Bytes, Self::Number(_)) => Err("needs a unit, for example `512MiB`".into()),
            (Unit::Ratio, Self::Text(text)) => percent(text).map(Some),
            (Unit::Ratio, Self::Number(n)) if !(0.0..=1.0).contains(n) => {
                Err("a ratio lies between 0 and 1, or is written as `90%`".into())
            }
            (_, Self::Number(n)) if n.is_finite() => Ok(Some(*n)),
            (_, _) => Err("expected a number or `off`".into()),
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn message(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    match number {
        Some(number) if (0.0..=100.0).contains(&number) => Ok(number / 100.0),
        _ => Err("expected a ratio: `0.9`, `90%` or `off`".into()),
    }
}
