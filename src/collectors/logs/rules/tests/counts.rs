//! What rules count, with exact numbers.

use super::super::tally::{Share, Sum};
use super::*;

fn shares(tallies: &Tallies, rule: &str) -> Vec<(String, u64)> {
    tallies.rules[rule].shares.iter().map(|share| (share.text.clone(), share.matches)).collect()
}

fn label(tallies: &Tallies, rule: &str, label: &str) -> BTreeMap<String, u64> {
    let count = |share: &Share| (share.text.clone(), share.matches);
    tallies.rules[rule].labels[label].iter().map(count).collect()
}

fn sum(tallies: &Tallies, rule: &str) -> Sum {
    tallies.rules[rule].shares[0].values[0].clone()
}

#[test]
fn a_block_gives_the_same_as_its_lines() {
    let block = "foo a\r\nb foo\nfoo\n\n x foo foo\r\n10%\r20%\nend\n";
    for (pattern, wanted) in [
        ("foo", &[0, 1, 2, 4][..]),
        ("^foo", &[0, 2]),
        ("foo$", &[1, 2, 4]),
        ("^foo$", &[2]),
        (r"\\bfoo\\s", &[0, 4]),
        (r"foo\\s+b", &[]),
        ("[^x]foo", &[1, 4]),
        (r"\\Afoo", &[0, 2]),
        (r"foo\\z", &[1, 2, 4]),
        ("(?-m:^)foo", &[0, 2]),
        ("(?s)a.*b", &[]),
        (r"\\d%$", &[5]),
        ("^20", &[5]),
        ("(?i)FOO", &[0, 1, 2, 4]),
        ("d$", &[6]),
        ("o a|nd", &[0, 6]),
    ] {
        assert_eq!(hits(&format!("{{\"regex\": \"{pattern}\"}}"), block), wanted, "{pattern}");
    }
}

#[test]
fn letters_count_in_any_spelling() {
    // What `json.dumps` makes of it, and what others make of that.
    let lines = "Запрос от пользователя 1\n\
        {\"msg\": \"\\u0417\\u0430\\u043f\\u0440\\u043e\\u0441 \\u043e\\u0442 \\u043f\\u043e\\u043b\\u044c\\u0437\\u043e\\u0432\\u0430\\u0442\\u0435\\u043b\\u044f 22\"}\n\
        {\"msg\": \"\\u0417\\u0430\\u043F\\u0440\\u043E\\u0441 \\u043E\\u0442 \\u043F\\u043E\\u043B\\u044C\\u0437\\u043E\\u0432\\u0430\\u0442\\u0435\\u043B\\u044F 333\"}\n\
        запрос от пользователя\nЗапрос от\n";
    assert_eq!(hits(r#"{"literal": "Запрос от пользователя"}"#, lines), [0, 1, 2]);
    assert_eq!(hits(r#"{"literal": "запрос ОТ", "ignore_case": true}"#, lines), [0, 1, 2, 3, 4]);
    let rules = rules(
        r#"{"r": {"regex": "Запрос от \\w*(?:\\\\u\\w+)* (?<n>\\d+)|пользователя (?<m>\\d+)", "values": ["n", "m"]}}"#,
    );
    let mut tallies = Tallies::default();
    rules.apply(lines.as_bytes(), at(0), &mut tallies);
    assert_eq!(tallies.rules["r"].matches, 3);
    let found: Vec<_> =
        tallies.rules["r"].shares[0].values.iter().map(|sum| (sum.sum, sum.count)).collect();
    let total = found.iter().map(|(sum, _)| sum).sum::<f64>();
    assert!((total - 356.0).abs() < 1e-9, "{found:?}");
    assert_eq!(
        hits(r#"{"literal": "📡 Broadcasting"}"#, "📡 Broadcasting\n\\ud83d\\udce1 Broadcasting\n"),
        [0, 1]
    );
}

/// Each as the writers of JSON of five languages have it.
#[test]
fn a_text_counts_in_each_spelling_of_json() {
    for (text, spelled) in [
        (r#"say "hi""#, &[r#"{"msg":"say \"hi\""}"#, r#"{"msg":"say \u0022hi\u0022"}"#][..]),
        (r"C:\tmp", &[r#"{"msg":"C:\\tmp"}"#]),
        ("a\tb", &[r#"{"msg":"a\tb"}"#]),
        ("x/y", &[r#"{"msg":"x\/y"}"#]),
        (
            "<b> & c",
            &[r#"{"msg":"\u003cb\u003e \u0026 c"}"#, r#"{"msg":"\u003Cb\u003E \u0026 c"}"#],
        ),
        ("it's a=b", &[r#"{"msg":"it\u0027s a=b"}"#, r#"{"msg":"it\u0027s a\u003db"}"#]),
        (
            "цена \"5/6\"",
            &[
                r#"{"msg":"цена \"5/6\""}"#,
                r#"{"msg":"\u0446\u0435\u043d\u0430 \"5\/6\""}"#,
                r#"{"msg":"\u0446\u0435\u043D\u0430 \u00225/6\u0022"}"#,
            ],
        ),
    ] {
        let lines = format!("{text}\n{}\nanother\n", spelled.join("\n"));
        let wanted: Vec<_> = (0..=spelled.len()).collect();
        for more in ["", r#", "ignore_case": true"#] {
            let rule = format!("{{\"literal\": {}{more}}}", serde_json::json!(text));
            assert_eq!(hits(&rule, &lines), wanted, "{rule}");
        }
        let not = format!("{{\"regex\": \"...\", \"not\": {}}}", serde_json::json!(text));
        assert_eq!(hits(&not, &lines), [wanted.len()], "{not}");
    }
}

/// What the reference says of both: digits and letters are those of ASCII.
#[test]
fn digits_and_cases_are_those_of_ascii() {
    let lines = "x5\nx\u{665}\ntask\nTASK\nta\u{17f}\u{212a}\n";
    assert_eq!(hits(r#"{"regex": "x\\d"}"#, lines), [0]);
    assert_eq!(hits(r#"{"regex": "(?i)TASK"}"#, lines), [2, 3]);
    assert_eq!(hits(r#"{"literal": "tAsk", "ignore_case": true}"#, lines), [2, 3]);
}

#[test]
fn a_second_name_stands_for_the_first() {
    let rules = rules(
        r#"{"r": {"regex": "a=(?<a>\\d+) b=(?<b>\\d+)|b=(?<b_2>\\d+) a=(?<a_2>\\d+)", "values": ["a", "b"]}}"#,
    );
    let mut tallies = Tallies::default();
    rules.apply(b"a=1 b=20\nb=300 a=4000\n", at(0), &mut tallies);
    let sums: Vec<_> =
        tallies.rules["r"].shares[0].values.iter().map(|sum| (sum.sum, sum.count)).collect();
    assert_eq!(sums, [(4001.0, 2), (320.0, 2)]);
}

#[test]
fn texts_that_overlap_are_all_found() {
    let lines = "Rate limit exceeded, error\nerror limit\nlimit exceeded error limit exceeded\n";
    let rules = rules(
        r#"{"a": {"literal": "limit"}, "b": {"literal": "limit exceeded"}, "c": {"literal": "exceeded, err"},
            "d": {"literal": "ERROR", "ignore_case": true}, "e": {"literal": "ed"}, "f": {"literal": "error", "not": "Rate"}}"#,
    );
    let mut tallies = Tallies::default();
    rules.apply(lines.as_bytes(), at(0), &mut tallies);
    let found: Vec<_> = tallies.rules.values().map(|tally| tally.matches).collect();
    assert_eq!(found, [3, 2, 1, 3, 2, 2]);
}

#[test]
fn many_texts_need_no_simd() {
    let many: Vec<_> =
        (0..90).map(|n| format!("\"r{n}\": {{\"literal\": \"text{n}!\"}}")).collect();
    let rules = rules(&format!("{{{}}}", many.join(",")));
    assert_eq!(rules.search.name(), "automaton");
    let mut tallies = Tallies::default();
    rules.apply(b"text1! text89!\ntext8!\n", at(0), &mut tallies);
    let found = |name: &str| tallies.rules[name].matches;
    assert_eq!((found("r1"), found("r89"), found("r8"), found("r9")), (1, 1, 1, 0));
}

#[test]
fn texts_are_capped_and_numbers_summed() {
    let rules = rules(
        r#"{"call": {"regex": "by (?<who>\\S+) took (?<ms>\\S+)", "labels": ["who"], "values": ["ms"]}}"#,
    );
    let mut tallies = Tallies::default();
    let users: Vec<_> = (0..25).map(|who| format!("by user{who} took 2.5 ms")).collect();
    let text = users.join("\n") + "\nby user1 took -1 ms\nby user2 took long\n";
    rules.apply(text.as_bytes(), at(0), &mut tallies);
    let who = label(&tallies, "call", "who");
    assert_eq!((tallies.rules["call"].matches, who.len(), tallies.capped), (27, 21, 5));
    assert_eq!((who["other"], who["user1"], tallies.no_number), (5, 2, 1));
    let ms = sum(&tallies, "call");
    assert_eq!((ms.sum, ms.last, ms.count), (62.5, Some(-1.0), 26));
}

#[test]
fn what_is_expected_is_there_before_it_comes() {
    let rules = rules(
        r#"{"task": {"regex": "task (?<task>\\w+) (?<end>ok|no) in (?<took>\\d+)", "split": "task",
            "labels": {"task": ["a", "b"], "end": []},
            "values": {"took": {"unit": "ms", "kind": "histogram", "buckets": [100, 1000], "limit": 0.1, "limits": {"a": 250}}}}}"#,
    );
    let mut tallies = Tallies::default();
    rules.expect(&mut tallies, at(0));
    assert_eq!(shares(&tallies, "task"), [("a".into(), 0), ("b".into(), 0), ("other".into(), 0)]);
    rules.apply(b"task a ok in 100\ntask a no in 251\ntask c ok in 2000\n", at(1), &mut tallies);
    assert_eq!(shares(&tallies, "task"), [("a".into(), 2), ("b".into(), 0), ("other".into(), 1)]);
    // Expected texts leave nothing to a cap.
    assert_eq!(tallies.capped, 0);
    let took = sum(&tallies, "task");
    let histogram = took.histogram.unwrap();
    assert_eq!(
        (took.count, took.over, histogram.buckets()),
        (2, 1, vec![(0.1, 1), (1.0, 1), (f64::INFINITY, 0)])
    );
    assert!((histogram.sum() - 0.351).abs() < 1e-9);
    let rows = super::rows(&rules, &tallies, 2);
    let matches: Vec<_> =
        rows.matches.iter().map(|row| (row.split.as_str(), row.matches)).collect();
    assert_eq!(matches, [("a", 2), ("b", 0), ("other", 1)]);
    // `end` is a surprise, so it is shown as 0 at first.
    assert_eq!(rows.labels[0].counts, [("ok".into(), 0), ("no".into(), 0)]);
    assert!(!rules.tick(at(60), &mut tallies) && rules.tick(at(61), &mut tallies));
    let later = super::rows(&rules, &tallies, 61).labels;
    assert_eq!((later.len(), &later[0].counts[..]), (1, &[("ok".into(), 2), ("no".into(), 1)][..]));
    let row = &rows.values[0];
    assert_eq!((row.sum, row.last, row.count, row.over), (None, None, Some(2), Some(1)));
}

#[test]
fn a_surprising_split_is_shown_as_zero_at_first() {
    let rules = rules(
        r#"{"r": {"regex": "job (?<job>\\w+) (?<n>\\d+)", "split": "job", "values": ["n"]}}"#,
    );
    let mut tallies = Tallies::default();
    rules.apply(b"job x 5\n", at(0), &mut tallies);
    let row = |tallies: &Tallies| {
        let rows = super::rows(&rules, tallies, 0);
        (rows.matches[0].matches, rows.values[0].sum, rows.values[0].count, rows.values[0].last)
    };
    let restarted = |tallies: &Tallies| -> Tallies {
        serde_json::from_str(&serde_json::to_string(tallies).unwrap()).unwrap()
    };
    let zero = (0, Some(0.0), Some(0), Some(5.0));
    assert_eq!(row(&tallies), zero);
    // After a restart nobody may have seen that.
    let mut kept = restarted(&tallies);
    kept.begin_again(at(1000));
    assert!(!rules.tick(at(1059), &mut kept));
    assert_eq!(row(&kept), zero);
    assert!(rules.tick(at(1060), &mut kept), "it is saved before it is shown");
    assert_eq!(row(&kept), (1, Some(5.0), Some(1), Some(5.0)));
    // What was shown never steps back.
    let mut kept = restarted(&kept);
    kept.begin_again(at(2000));
    assert_eq!(row(&kept), (1, Some(5.0), Some(1), Some(5.0)));
}

/// Lines must not be able to make a state that cannot be read again.
#[test]
fn numbers_without_measure_are_none() {
    let rules = rules(r#"{"r": {"regex": "n=(?<n>\\S+)", "values": {"n": {"unit": "min"}}}}"#);
    let mut tallies = Tallies::default();
    rules.apply(b"n=1e308\nn=1.7e308\nn=-1e308\nn=1e18\nn=inf\n", at(0), &mut tallies);
    assert_eq!(tallies.no_number, 4);
    let text = serde_json::to_string(&tallies).unwrap();
    let kept: Tallies = serde_json::from_str(&text).unwrap();
    let sum = kept.rules["r"].shares[0].values[0].sum;
    assert!((sum - 6e19).abs() < 1e6, "{sum}");
}

/// Case 37: rules changed over a restart.
#[test]
fn rules_that_stay_keep_their_numbers() {
    let before = rules(
        r#"{"a": {"regex": "a=(?<n>\\d+) b=(?<m>\\d+)", "values": ["n", "m"]}, "gone": {"literal": "a=1"}}"#,
    );
    let mut tallies = Tallies::default();
    before.apply(b"a=1 b=2\na=3 b=4\n", at(0), &mut tallies);
    let text = serde_json::to_string(&tallies).unwrap();
    let mut tallies: Tallies = serde_json::from_str(&text).unwrap();
    let after = rules(
        r#"{"a": {"regex": "a=(?<n>\\d+) (?<x>b)=(?<m>\\d+)", "values": ["m", "n"]}, "new": {"literal": "b=6"}}"#,
    );
    after.expect(&mut tallies, at(5));
    assert_eq!((tallies.rules["a"].matches, tallies.rules["new"].matches), (2, 0));
    after.apply(b"a=5 b=6\n", at(6), &mut tallies);
    let values: Vec<_> = tallies.rules["a"].shares[0]
        .values
        .iter()
        .map(|sum| (sum.name.as_str(), sum.sum))
        .collect();
    assert_eq!(values, [("m", 12.0), ("n", 9.0)]);
    let rows = super::rows(&after, &tallies, 6);
    let names: Vec<_> = rows.matches.iter().map(|row| (row.rule.as_str(), row.matches)).collect();
    assert_eq!(names, [("a", 3), ("new", 1)]);
}

#[test]
fn units_become_base_units() {
    let line = "took 250 of 250\n";
    for (unit, wanted) in [
        ("s", 250.0),
        ("ms", 0.25),
        ("us", 0.00025),
        ("min", 15000.0),
        ("bytes", 250.0),
        ("kB", 250e3),
        ("KiB", 256_000.0),
        ("MB", 250e6),
        ("MiB", 262_144_000.0),
        ("percent", 2.5),
        ("ratio", 250.0),
    ] {
        let rules = rules(&format!(
            r#"{{"r": {{"regex": "took (?<n>\\d+)", "values": {{"n": {{"unit": "{unit}"}}}}}}}}"#
        ));
        let mut tallies = Tallies::default();
        rules.apply(line.as_bytes(), at(0), &mut tallies);
        let found = sum(&tallies, "r").sum;
        assert!((found - wanted).abs() < 1e-12, "{unit}: {found}");
    }
}

/// Refusals that are minutes apart are of one rate limit [L02].
#[test]
fn a_run_of_matches_ends_with_a_pause() {
    let rules = rules(r#"{"hit": {"literal": "error"}}"#);
    let (mut tallies, mut now, mut run) = (Tallies::default(), at(0), Vec::new());
    for pause in [0, 60, 180, 300, 301, 10] {
        now += Duration::from_secs(pause);
        rules.apply(b"error\n", now, &mut tallies);
        run.push(tallies.rules["hit"].run(now).as_secs());
    }
    assert_eq!(run, [0, 60, 240, 540, 0, 10]);
    assert_eq!(tallies.rules["hit"].run(now + Duration::from_secs(301)).as_secs(), 0);
    // The clock goes back an hour (case 38): nothing is lost, nothing is counted twice.
    rules.apply(b"error\n", at(0), &mut tallies);
    assert_eq!(tallies.rules["hit"].matches, 7);
}

#[test]
fn texts_from_outside_are_bounded() {
    let rules = rules(r#"{"r": {"regex": "who=(?<who>[^;]*);", "labels": ["who"]}}"#);
    let mut tallies = Tallies::default();
    let long = "x".repeat(1000);
    let text = format!("who={long};\nwho=\x1b[31mred\x1b[0m;\nwho=;\nwho=a\rb;\n");
    rules.apply(text.as_bytes(), at(0), &mut tallies);
    rules.apply(b"who=\xff\xfe;\n", at(0), &mut tallies);
    let found: Vec<_> = label(&tallies, "r", "who").into_keys().collect();
    assert_eq!(
        found,
        [
            "[31mred[0m".to_owned(),
            "ab".into(),
            "other".into(),
            "x".repeat(64),
            "\u{fffd}\u{fffd}".into()
        ]
    );
}

/// Tries from each literal would take minutes.
#[test]
fn a_line_full_of_texts_is_no_trap() {
    let line = "Task ".repeat(12_000) + "\n";
    let begun = std::time::Instant::now();
    for pattern in
        ["Task .* completed", "Task ([^;]+); done", "Task (\\\\w+ )+in", "(Task )+completed"]
    {
        assert_eq!(hits(&format!("{{\"regex\": \"{pattern}\"}}"), &line), [0; 0]);
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
}
