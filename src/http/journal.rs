//! Since when each trouble lasts, and one log line per change of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::history;
use crate::check::{Finding, Report, Verdict, judge};
use crate::engine::Board;
use crate::overview::Overview;

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

    /// Takes in a new report, and says what has changed once the lock is let go.
    pub fn note(&self, report: &Report) {
        let (begun, over) = self.changes(report);
        begun.into_iter().for_each(log);
        for finding in over {
            let (area, target, clear) = (finding.area, finding.target.as_str(), finding.clear());
            tracing::info!(area, target, signal = finding.signal.name, "{clear}");
        }
    }

    /// The troubles that have begun or become others, and those that are over.
    fn changes<'a>(&self, report: &'a Report) -> (Vec<&'a Finding>, Vec<&'a Finding>) {
        let (mut begun, mut over) = (Vec::new(), Vec::new());
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let mut present = BTreeMap::new();
        for finding in report.findings.iter().filter(|f| f.verdict >= Verdict::Warning) {
            let key = key(finding);
            let known = troubles.remove(&key).filter(|(verdict, _)| *verdict == finding.verdict);
            let entry = known.unwrap_or_else(|| {
                begun.push(finding);
                (finding.verdict, report.at)
            });
            present.insert(key, entry);
        }
        let well: BTreeMap<Key, &Finding> = report
            .findings
            .iter()
            .filter(|finding| finding.verdict < Verdict::Warning && finding.value.is_some())
            .map(|finding| (key(finding), finding))
            .collect();
        for (gone, entry) in std::mem::take(&mut *troubles) {
            let unseen =
                report.blind.iter().any(|blind| blind.area == gone.0 && blind.target == gone.1);
            if let Some(well) = well.get(&gone) {
                over.push(*well);
            } else if unseen {
                // Not visible is not cured: the trouble waits until it can be judged again.
                present.insert(gone, entry);
            }
        }
        *troubles = present;
        (begun, over)
    }
}

fn log(finding: &Finding) {
    let (area, target, signal) = (finding.area, finding.target.as_str(), finding.signal.name);
    let severity = finding.verdict.as_str();
    let figure = finding.figure().map_or_else(String::new, |figure| format!(". {figure}"));
    tracing::warn!(area, target, signal, "{}{figure} ({severity})", finding.title());
}

/// Judges the board for ever, and has the numbers kept.
pub async fn watch(board: Arc<Board>, journal: Arc<Journal>, overview: Arc<Overview>) {
    let mut saving = history::Saving::new(Arc::clone(&board));
    loop {
        tokio::time::sleep(PERIOD).await;
        let snapshot = board.snapshot();
        let report = judge(&snapshot);
        journal.note(&report);
        overview.note(&snapshot, &report);
        history::note(&board, &report);
        saving.tick().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Blind;
    use crate::collectors::nats;
    use crate::failure::{Failure, Reason};

    fn finding(verdict: Verdict) -> Finding {
        Finding {
            area: "nats",
            target: "main".into(),
            signal: nats::AREA.signal("consumer_pending").unwrap(),
            labels: Vec::new(),
            value: Some(1.0),
            threshold: Some(0.0),
            verdict,
        }
    }

    fn report(findings: Vec<Finding>, down: bool) -> Report {
        let blind = Blind {
            area: "nats",
            target: "main".into(),
            place: String::new(),
            what: None,
            failure: Failure::new(Reason::REFUSED, "refused"),
            since: SystemTime::now(),
            verdict: Verdict::Critical,
            up: None,
            told: false,
        };
        let blind = if down { vec![blind] } else { Vec::new() };
        Report { at: SystemTime::now(), findings, blind, idle: Vec::new() }
    }

    /// Whoever has a log line may have to wait for its reader; nobody may have to wait for him.
    #[test]
    fn nothing_is_logged_while_the_lock_is_held() {
        let journal = Arc::new(Journal::default());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let writer = {
            let (journal, seen) = (Arc::clone(&journal), Arc::clone(&seen));
            move || {
                seen.lock().unwrap().push(journal.troubles.try_lock().is_ok());
                std::io::sink()
            }
        };
        let subscriber = tracing_subscriber::fmt().with_writer(writer).finish();
        tracing::subscriber::with_default(subscriber, || {
            journal.note(&report(vec![finding(Verdict::Warning)], false));
            journal.note(&report(vec![finding(Verdict::Ok)], false));
        });
        assert_eq!(*seen.lock().unwrap(), [true, true], "begun, and over");
    }

    #[test]
    fn not_visible_is_not_cured() {
        let journal = Journal::default();
        journal.note(&report(vec![finding(Verdict::Warning)], false));
        let since = journal.since(&finding(Verdict::Warning));
        assert!(since.is_some());
        journal.note(&report(Vec::new(), true));
        journal.note(&report(vec![finding(Verdict::Warning)], false));
        assert_eq!(journal.since(&finding(Verdict::Warning)), since, "it went on all the time");
        journal.note(&report(vec![finding(Verdict::Ok)], false));
        assert_eq!(journal.since(&finding(Verdict::Ok)), None);
        journal.note(&report(vec![finding(Verdict::Warning)], false));
        journal.note(&report(Vec::new(), false));
        assert_eq!(journal.since(&finding(Verdict::Warning)), None, "what vanished is forgotten");
    }
}
