//! What is not judged because the configuration, or a thing's own label, switches it off.

use crate::catalogue::{Exception, Severity, Signal};
use crate::engine::{Entry, Snapshot, Target, title};

/// A signal without a threshold that it has by default.
#[derive(Debug, PartialEq)]
pub struct Off {
    pub area: &'static str,
    pub target: String,
    pub signal: &'static str,
    /// The things for which it is off, as the configuration names them; `None`: for all.
    pub key: Option<String>,
    /// It would be advice.
    pub advice: bool,
}

impl Off {
    /// "cpu of docker", "disk of /mnt/* (host)"
    pub fn subject(&self) -> String {
        let title = title(self.area, &self.target);
        match &self.key {
            None => format!("{} of {title}", self.signal),
            Some(key) => format!("{} of {key} ({title})", self.signal),
        }
    }
}

/// All of it, in the order of the targets.
pub fn switched_off(snapshot: &Snapshot) -> Vec<Off> {
    let targets = snapshot.entries.iter().filter_map(|entry| Some((entry, entry.target.as_ref()?)));
    targets
        .flat_map(|(entry, target)| {
            target.area.signals.iter().flat_map(|one| off(entry, target, one))
        })
        .collect()
}

fn off(entry: &Entry, target: &Target, signal: &'static Signal) -> Vec<Off> {
    let usual: Vec<Severity> = signal
        .severities()
        .filter(|one| signal.default_of(*one).is_some_and(|d| d.value.is_some()))
        .collect();
    if usual.is_empty() {
        return Vec::new();
    }
    let one = |key| Off {
        area: target.id.area,
        target: target.id.name.clone(),
        signal: signal.name,
        key,
        advice: usual.iter().all(|severity| *severity == Severity::Info),
    };
    let in_force = |severity: &Severity| target.thresholds.general(signal, *severity).is_some();
    // A threshold of another severity stands in for those that are off.
    if !signal.severities().any(|severity| in_force(&severity)) {
        return vec![one(None)];
    }
    let silences = |exception: &&Exception| {
        exception.signal == signal.name
            && signal.severities().all(|severity| {
                exception.says(severity).map_or(!in_force(&severity), |value| value.is_none())
            })
    };
    let all = target.thresholds.exceptions.iter().chain(entry.exceptions());
    all.filter(silences).map(|exception| one(Some(exception.key.as_str().to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::catalogue::{Batch, Key};
    use crate::collectors::host;
    use crate::engine::{Reading, Threshold};

    /// With the thresholds that are there by default and are kept, and one exception.
    fn told(kept: impl Fn(&Threshold) -> bool, exception: Option<Exception>) -> Vec<String> {
        let defaults = host::AREA.signals.iter().flat_map(|signal| {
            signal.severities().filter_map(|severity| {
                let value = signal.default_of(severity)?.value?;
                Some(Threshold { signal: signal.name, severity, value, configured: false })
            })
        });
        let reading = Arc::new(Reading::new(Batch::new()));
        let thresholds = defaults.filter(kept).collect();
        let mut snapshot =
            Snapshot::judged(&host::AREA, thresholds, Arc::clone(&reading), &reading);
        let target = snapshot.entries[0].target.as_mut().and_then(Arc::get_mut).unwrap();
        target.thresholds.exceptions.extend(exception);
        switched_off(&snapshot).iter().map(Off::subject).collect()
    }

    #[test]
    fn what_is_on_by_default_and_has_no_threshold_is_told() {
        assert_eq!(told(|_| true, None), Vec::<String>::new());
        assert_eq!(told(|one| one.signal != "disk", None), ["disk of host main"]);
        let fewer = |one: &Threshold| one.signal != "disk" || one.severity != Severity::Warning;
        assert_eq!(told(fewer, None), Vec::<String>::new(), "it is judged still");
    }

    #[test]
    fn so_is_what_is_off_for_one_thing() {
        let disk = |critical| Exception {
            signal: "disk",
            key: Key::new("/mnt/*").unwrap(),
            limits: vec![(Severity::Warning, None), (Severity::Critical, critical)],
        };
        assert_eq!(told(|_| true, Some(disk(None))), ["disk of /mnt/* (host main)"]);
        assert_eq!(told(|_| true, Some(disk(Some(0.99)))), Vec::<String>::new());
    }
}
