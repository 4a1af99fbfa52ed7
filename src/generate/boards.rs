//! Which board of Grafana shows a signal.

use serde_json::Value;

use super::shipped;
use crate::catalogue::{Area, Signal};

/// What a link to a board needs.
pub(super) struct Board {
    pub(super) uid: String,
    /// Those that say of what it shows something.
    pub(super) variables: Vec<String>,
}

/// The board that draws the signal's threshold, else the one that shows its metric, that of its area
/// first, else that of its target's area, else the overview.
pub(super) fn of(area: &Area, signal: &Signal) -> Board {
    let text = |file: &str| file.replace("\\\"", "\"");
    let threshold = format!("stack_threshold{{area=\"{}\", signal=\"{}\"", area.name, signal.name);
    let draws = |file: &str| {
        let file = text(file);
        file.contains(&threshold)
            || file.contains(&format!("signal=\"{}\", area=\"{}\"", signal.name, area.name))
    };
    // That a target is there is asked for by the variables of all boards.
    let shows =
        |file: &str| !signal.is_up() && !is_overview(file) && file.contains(signal.measure.metric);
    let is_of = |file: &str| {
        let file = text(file);
        file.contains(&format!("stack_target_up{{area=\"{}\"", area.name))
            || file.contains(&format!("{}|", area.name))
            || file.contains(&format!("|{}\"", area.name))
    };
    let named = |file: &str| file.contains(&format!("\"uid\": \"stack-{}", area.name));
    let shows_its_own = |file: &str| named(file) && shows(file);
    let ways: [&dyn Fn(&str) -> bool; 6] =
        [&draws, &shows_its_own, &shows, &named, &is_of, &is_overview];
    let texts = || shipped::boards().map(|(_, text)| text);
    let found = ways.iter().find_map(|way| texts().find(|file| way(file)));
    parsed(found.unwrap_or_default())
}

fn is_overview(file: &str) -> bool {
    file.contains("\"uid\": \"stack-overview\"")
}

fn parsed(file: &str) -> Board {
    let board: Value = serde_json::from_str(file).unwrap_or_default();
    let list = board.pointer("/templating/list").and_then(Value::as_array);
    let names =
        list.into_iter().flatten().filter_map(|one| one.get("name").and_then(Value::as_str));
    Board {
        uid: board.get("uid").and_then(Value::as_str).unwrap_or_default().to_owned(),
        variables: names.map(ToOwned::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::CATALOGUE;

    #[test]
    fn each_signal_has_the_board_that_shows_it() {
        for (area, signal, uid) in [
            ("docker", "memory", "stack-containers"),
            ("docker", "up", "stack-docker"),
            ("host", "disk", "stack-host"),
            ("postgres", "up", "stack-postgres"),
            ("queue", "dead", "stack-nats-queues"),
            ("probe", "success", "stack-availability"),
            ("process", "missing", "stack-availability"),
            ("process", "zombie", "stack-processes"),
            ("files", "exposed", "stack-backups"),
        ] {
            let of_area = CATALOGUE.area(area).unwrap();
            let board = of(of_area, of_area.signal(signal).unwrap());
            assert_eq!(board.uid, uid, "{area} {signal}");
        }
        for (area, signal) in CATALOGUE.signals() {
            let board = of(area, signal);
            assert!(board.variables.iter().any(|name| name == "instance"), "{}", signal.name);
        }
    }
}
