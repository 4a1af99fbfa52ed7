//! Since when each trouble lasts, and one log line per change of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::catalogue::Severity;
use crate::check::{Finding, Report, Verdict, judge};
use crate::collectors::CATALOGUE;
use crate::engine::Board;

/// How often the board is judged, whether somebody looks or not.
const PERIOD: Duration = Duration::from_secs(5);

type Key = (&'static str, String, String);

fn key(finding: &Finding) -> Key {
    (finding.area, finding.target.clone(), finding.subject())
}

/// The troubles of the moment.
#[derive(Default)]
pub struct Journal {
    troubles: Mutex<BTreeMap<Key, (Verdict, SystemTime)>>,
}

impl Journal {
    /// Since when the finding has had its verdict, if it is a trouble.
    pub fn since(&self, finding: &Finding) -> Option<SystemTime> {
        let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.get(&key(finding)).map(|(_, since)| *since)
    }

    /// Takes in a new report.
    pub fn note(&self, report: &Report) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let mut present = BTreeMap::new();
        for finding in report.findings.iter().filter(|f| f.verdict >= Verdict::Warning) {
            let key = key(finding);
            let known = troubles.remove(&key).filter(|(verdict, _)| *verdict == finding.verdict);
            let entry = known.unwrap_or_else(|| {
                log(finding);
                (finding.verdict, report.at)
            });
            present.insert(key, entry);
        }
        for (area, target, subject) in troubles.keys().filter(|key| !present.contains_key(*key)) {
            tracing::info!(area, target, "{subject} is no longer in trouble");
        }
        *troubles = present;
    }
}

fn log(finding: &Finding) {
    let (area, target) = (finding.area, finding.target.as_str());
    let severity =
        if finding.verdict == Verdict::Critical { Severity::Critical } else { Severity::Warning };
    let (value, threshold) = (finding.shown_value(), finding.shown_threshold());
    tracing::warn!(
        area,
        target,
        "{} is {value}, {threshold} ({})",
        finding.subject(),
        severity.as_str()
    );
}

/// Judges the board for ever.
pub async fn watch(board: Arc<Board>, journal: Arc<Journal>) {
    loop {
        tokio::time::sleep(PERIOD).await;
        journal.note(&judge(&CATALOGUE, &board.snapshot()));
    }
}
