//! What is wrong with a rule, and what would be right.

use super::*;

/// One rule beside a right one: where the mistake is, and what is said of it.
fn check(cases: &[(&str, &str, &str)]) {
    for (rule, key, message) in cases {
        let written = written(&format!(r#"{{"x": {rule}, "z": {{"regex": "(?<id>z)"}}}}"#));
        let (rules, mistakes) = Rules::compile(&written);
        assert_eq!(mistakes, [(format!("rules.x{key}"), (*message).to_owned())], "{rule}");
        assert_eq!(rules.all.len(), 1, "the right one stays");
    }
}

fn no_group(name: &str) -> String {
    format!("`{name}` is no named group of `regex`, such as `(?<{name}>...)`")
}

#[test]
fn mistakes_say_what_is_right() {
    let (empty, one_line) =
        ("matches the empty text, so it would count any line", "a rule sees one line at a time");
    let far =
        "counts too far, which is slow: write `*` or `+` where it repeats more than 128 characters";
    let (either, no_group) = ("needs either `literal` or `regex`", no_group("who"));
    check(&[
        ("{}", "", either),
        (r#"{"literal": "a", "regex": "a"}"#, "", either),
        (r#"{"literal": ""}"#, ".literal", empty),
        (r#"{"literal": "a\nb"}"#, ".literal", one_line),
        (r#"{"regex": "a*"}"#, ".regex", empty),
        (r#"{"regex": "a\\nb"}"#, ".regex", one_line),
        (r#"{"regex": "(a"}"#, ".regex", "is no regular expression: unclosed group"),
        (
            r#"{"regex": "(?=a)"}"#,
            ".regex",
            "is no regular expression: look-around, including look-ahead and look-behind, is not supported",
        ),
        (r#"{"regex": "\\pL{128}[^a]"}"#, ".regex", far),
        (r#"{"regex": "(\\w{100}){100}"}"#, ".regex", far),
        (r#"{"regex": "(?:\\w{8}){16}"}"#, ".regex", "the pattern is too large, write it smaller"),
        (r#"{"regex": "(?<whom>a)", "labels": ["who"]}"#, ".labels", &no_group),
        (r#"{"literal": "a", "labels": ["who"]}"#, ".labels", &no_group),
        (r#"{"literal": "a", "split": "who"}"#, ".split", &no_group),
        (r#"{"literal": "a", "values": {"who": {}}}"#, ".values", &no_group),
        (r#"{"literal": "a", "not": ""}"#, ".not", empty),
    ]);
}

#[test]
fn mistakes_in_what_a_rule_counts() {
    let time = "must be a time of day, for example `\"03:00\"`";
    let no_id = no_group("id");
    check(&[
        (
            r#"{"regex": "(?<n>a)", "values": {"n": {"kind": "histogram"}}}"#,
            ".values.n.buckets",
            "a histogram of other than times needs its bounds",
        ),
        (
            r#"{"regex": "(?<n>a)", "values": {"n": {"kind": "histogram", "buckets": [2, 1]}}}"#,
            ".values.n.buckets",
            "must be at most 30 rising numbers",
        ),
        (
            r#"{"regex": "(?<n>a)", "values": {"n": {"buckets": [1]}}}"#,
            ".values.n.buckets",
            "go with `kind: histogram`",
        ),
        (
            r#"{"regex": "(?<n>a)", "values": {"n": {"limits": {"x": 1}}}}"#,
            ".values.n.limits",
            "are by the texts of `split`, which is missing",
        ),
        (
            r#"{"literal": "a", "expect": {}}"#,
            ".expect",
            "needs either `every`, such as `24h`, or `daily`, such as `\"03:00\"`",
        ),
        (r#"{"literal": "a", "expect": {"daily": "3"}}"#, ".expect.daily", time),
        (r#"{"literal": "a", "expect": {"daily": "24:00"}}"#, ".expect.daily", time),
        (
            r#"{"literal": "a", "expect": {"daily": "03:00", "from": "-1:00"}}"#,
            ".expect.from",
            time,
        ),
        (
            r#"{"literal": "a", "expect": {"every": "60s", "from": "03:00"}}"#,
            ".expect.from",
            "goes with `daily`",
        ),
        (
            r#"{"literal": "a", "expect": {"every": "0s"}}"#,
            ".expect.every",
            "must be more than nothing, for example `24h`",
        ),
        (r#"{"literal": "a", "pair": {"end": "x"}}"#, ".pair.end", "must be another rule"),
        (r#"{"literal": "a", "pair": {"end": "y"}}"#, ".pair.end", "names no rule; there are: z"),
        (r#"{"literal": "a", "pair": {"end": "z", "id": "id"}}"#, ".pair.id", &no_id),
    ]);
}

#[test]
fn too_many_rules_are_a_mistake() {
    let many: Vec<_> = (0..101).map(|n| format!("\"r{n}\": {{\"literal\": \"t{n}\"}}")).collect();
    let (_, mistakes) = Rules::compile(&written(&format!("{{{}}}", many.join(","))));
    assert_eq!(mistakes, [("rules".to_owned(), "at most 100 rules, presets included".to_owned())]);
}
