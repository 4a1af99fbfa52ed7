//! Messages in words.

use std::time::{Duration, SystemTime};

use super::alert::{Told, told};
use super::message::{Message, Status, seconds, span, title};
use super::tracker::{Due, Now, Say, Tracked, Tracker};
use crate::catalogue::Severity;
use crate::engine::Info;

/// Things that a message lists.
const LISTED: usize = 10;

/// The message that tells what is due. `None` if it is about nothing any more.
pub(super) fn message(due: &Due, tracker: &Tracker, now: Now, info: &Info) -> Option<Message> {
    let all: Vec<&Tracked> = due.keys.iter().filter_map(|key| tracker.get(key)).collect();
    let first = all.first()?;
    let since = all.iter().map(|one| one.since).min()?;
    let page = if let [one] = all.as_slice() { one.page.as_str() } else { "/" };
    let base = Message {
        status: Status::Firing,
        severity: String::new(),
        title: String::new(),
        alert: due.alert.clone(),
        machine: info.hostname.clone(),
        why: Vec::new(),
        next: Vec::new(),
        since: Some(seconds(since)),
        until: None,
        page: format!("{}{page}", info.external_url),
        runbook: format!("{}/runbooks/{}", info.external_url, due.alert),
    };
    let severity = match due.say {
        Say::Over => return Some(over(base, &all, now)),
        Say::Began(severity) | Say::Lasts(severity) | Say::Better(severity) => severity,
    };
    let told = sentences(&all, severity, now.at);
    let sentence = told.first().map_or(first.title.clone(), |told| told.sentence.clone());
    let sentence = and_more(sentence, told.len());
    let word = severity.as_str().to_uppercase();
    let lasted = now.at.duration_since(since).unwrap_or_default();
    let (status, word, tail) = match due.say {
        Say::Lasts(_) => {
            (Status::Repeated, format!("STILL {word}"), format!(", for {}", span(lasted)))
        }
        Say::Better(_) => (Status::Better, word, ", no longer critical".to_owned()),
        _ => (Status::Firing, word, String::new()),
    };
    let mut why: Vec<String> = Vec::new();
    let mut next: Vec<String> = Vec::new();
    for (index, one) in told.into_iter().take(LISTED).enumerate() {
        why.extend((index > 0).then_some(one.sentence));
        why.extend(one.why.into_iter().filter(|line| index == 0 || !line.is_empty()));
        next.extend(one.next);
    }
    next.truncate(LISTED);
    Some(Message {
        status,
        severity: severity.as_str().to_owned(),
        title: title(&word, &sentence, &tail, &info.hostname),
        why,
        next,
        ..base
    })
}

/// What `check` would say of them; of what was told before a restart and is not judged again, what was
/// said then.
fn sentences(all: &[&Tracked], severity: Severity, now: SystemTime) -> Vec<Told> {
    told(all.iter().filter_map(|one| one.seen.clone()).collect(), severity, now)
}

fn and_more(sentence: String, count: usize) -> String {
    match count {
        0 | 1 => sentence,
        more => format!("{sentence}, and {} more", more - 1),
    }
}

/// That it is over, and how long it lasted.
fn over(base: Message, all: &[&Tracked], now: Now) -> Message {
    let ended = all.iter().map(|one| one.ended(now)).max().unwrap_or(now.at);
    let since = base.since.unwrap_or_default();
    let lasted = Duration::from_secs(seconds(ended).saturating_sub(since));
    let mut said: Vec<String> = all.iter().map(|one| one.clear.clone()).collect();
    said.dedup();
    let sentence = and_more(said.first().cloned().unwrap_or_default(), said.len());
    let why = if said.len() > 1 { said.into_iter().take(LISTED).collect() } else { Vec::new() };
    Message {
        status: Status::Resolved,
        severity: all
            .iter()
            .filter_map(|one| one.told)
            .max()
            .map_or("", |(one, _)| one.as_str())
            .to_owned(),
        title: title("RESOLVED", &sentence, &format!(", after {}", span(lasted)), &base.machine),
        why,
        until: Some(seconds(ended)),
        // What helps against it is of no use any more.
        runbook: String::new(),
        ..base
    }
}

/// In place of more messages than an hour may have.
pub(super) fn summary(
    per_hour: usize,
    wait: SystemTime,
    firing: &[(Severity, &Tracked)],
    info: &Info,
) -> Message {
    let count = |of: Severity| firing.iter().filter(|(severity, _)| *severity == of).count();
    let sentence = format!(
        "{} critical and {} warnings at once; more than {per_hour} messages an hour are held back",
        count(Severity::Critical),
        count(Severity::Warning)
    );
    let listed = firing
        .iter()
        .take(LISTED)
        .map(|(severity, one)| format!("{}: {}", severity.as_str().to_uppercase(), one.title));
    let mut why: Vec<String> = listed.collect();
    if firing.len() > LISTED {
        why.push(format!("And {} more: the page has all of them", firing.len() - LISTED));
    }
    let minutes = wait.duration_since(SystemTime::now()).unwrap_or_default().as_secs().div_ceil(60);
    why.push(format!("The next message comes in {minutes}m at the earliest"));
    Message {
        status: Status::Summary,
        severity: firing.first().map_or("", |(severity, _)| severity.as_str()).to_owned(),
        title: title("MANY TROUBLES", &sentence, "", &info.hostname),
        alert: String::new(),
        machine: info.hostname.clone(),
        why,
        next: Vec::new(),
        since: None,
        until: None,
        page: format!("{}/", info.external_url),
        runbook: String::new(),
    }
}

/// That a way works.
pub(super) fn test(machine: &str, page: &str) -> Message {
    Message {
        status: Status::Test,
        severity: String::new(),
        title: title("TEST", "messages of stack-exporter arrive here", "", machine),
        alert: String::new(),
        machine: machine.to_owned(),
        why: vec!["Somebody has run `stack-exporter notify test`; nothing is wrong".to_owned()],
        next: Vec::new(),
        since: None,
        until: None,
        page: format!("{page}/"),
        runbook: String::new(),
    }
}
