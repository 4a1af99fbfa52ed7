//! What is remembered of services over a restart of the exporter.

use super::*;

fn keys(ledger: &Ledger) -> Vec<(String, bool)> {
    ledger.services().map(|(key, seen)| (key.1.clone(), seen.dismissed)).collect()
}

#[test]
fn a_service_that_was_seen_to_go_is_missed_after_a_restart() {
    let mut book = Book::new();
    let here = [container("running", detail(100.0, 0.0))];
    book.look("running", detail(100.0, 0.0), 110.0, true);
    book.0.keep(&here, 110.0);
    assert_eq!(book.0.gone(&here), [], "what is there is nothing to remember");
    book.0.keep(&[], 200.0);
    let gone = book.0.gone(&[]);
    assert_eq!(gone.len(), 1);
    // Over the file and into another process, where events may come first.
    let gone: Vec<Gone> = serde_json::from_str(&serde_json::to_string(&gone).unwrap()).unwrap();
    let mut next = Ledger::default();
    next.remember(gone.clone());
    next.keep(&[], 300.0);
    assert_eq!(keys(&next), [("s".to_owned(), false)]);
    let counted = next.counted(300.0);
    assert_eq!((counted.len(), &counted[0].counts), (1, &Counts::default()));
    next.keep(&[], 110.0 + MEMORY + 1.0);
    assert_eq!(keys(&next), [], "for a day, as without a restart");
    // It has come back: the container tells more than memory does.
    let mut back = Ledger::default();
    back.observe(&here[0], 250.0, true);
    back.remember(gone);
    back.keep(&here, 250.0);
    assert_eq!(back.gone(&here), []);
}

#[test]
fn what_somebody_removed_stays_so() {
    let mut book = Book::new();
    book.look("running", detail(100.0, 0.0), 110.0, true).kill(120.0, "15").die(121.0, 143);
    book.0.keep(&[], 200.0);
    let mut next = Ledger::default();
    next.remember(book.0.gone(&[]));
    next.keep(&[], 300.0);
    assert_eq!(keys(&next), [("s".to_owned(), true)]);
}
