//! Fills `${NAME}` in from the environment, in place.

use serde_json::Value as Json;

use super::problem::{Problem, join_index, join_key};
use super::schema::{Alt, Marks, alternatives};
use super::tree::{Node, Scalar, Style, Value};

/// Replaces `${NAME}` and `$$` in every scalar of the tree whose key is known to the schema and
/// not marked `x-verbatim`. Returns every variable that is not set and every malformed `${`.
pub fn interpolate(
    root: &mut Node,
    schema: &Json,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Vec<Problem> {
    let mut filler = Filler { root: schema, lookup, problems: Vec::new() };
    let alts = alternatives(schema, schema, Marks::default());
    let line = root.line;
    filler.node(root, &alts, "", line);
    filler.problems
}

struct Filler<'s> {
    root: &'s Json,
    lookup: &'s dyn Fn(&str) -> Option<String>,
    problems: Vec<Problem>,
}

impl Filler<'_> {
    fn node(&mut self, node: &mut Node, alts: &[Alt<'_>], path: &str, line: usize) {
        // A key that may hold a pattern or a query is left alone whatever else it may hold.
        if alts.is_empty() || alts.iter().any(|alt| alt.marks.verbatim) {
            return;
        }
        match &mut node.value {
            Value::Scalar(scalar) => self.scalar(scalar, path, line),
            Value::Seq(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    let (path, line) = (join_index(path, index), item.line);
                    self.child(item, alts, &path, line, |alt| {
                        if alt.takes_any() {
                            Some(Json::Bool(true))
                        } else {
                            alt.word("items").cloned()
                        }
                    });
                }
            }
            Value::Map(entries) => {
                for entry in entries {
                    let (path, line) = (join_key(path, &entry.key), entry.line);
                    let key = &entry.key;
                    self.child(&mut entry.value, alts, &path, line, |alt| alt.child(key).cloned());
                }
            }
        }
    }

    fn child(
        &mut self,
        node: &mut Node,
        alts: &[Alt<'_>],
        path: &str,
        line: usize,
        pick: impl Fn(&Alt<'_>) -> Option<Json>,
    ) {
        // The schema is cloned out of the alternatives, which may own it; trees are small.
        let schemas: Vec<Json> = alts.iter().filter_map(pick).collect();
        let root = self.root;
        let below: Vec<Alt<'_>> = schemas
            .iter()
            .flat_map(|schema| alternatives(root, schema, Marks::default()))
            .collect();
        self.node(node, &below, path, line);
    }

    fn scalar(&mut self, scalar: &mut Scalar, path: &str, line: usize) {
        if !scalar.text.contains('$') {
            return;
        }
        let (text, used, faults) = fill(&scalar.text, self.lookup);
        scalar.broken = !faults.is_empty();
        for (message, hint) in faults {
            self.problems.push(Problem { line, path: path.to_owned(), message, hint });
        }
        scalar.text = text;
        // What stood in the place of a name is text, even if it looks like a number.
        scalar.style = Style::Quoted;
        scalar.from_env |= used;
    }
}

type Fault = (String, Option<String>);

/// The text with its names filled in, whether any was, and what is wrong with it.
fn fill(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> (String, bool, Vec<Fault>) {
    let (mut out, mut used, mut faults) = (String::new(), false, Vec::new());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(next) = after.strip_prefix('$') {
            out.push('$');
            rest = next;
        } else if let Some(inner) = after.strip_prefix('{') {
            let Some((name, next)) = inner.split_once('}').filter(|(name, _)| is_name(name)) else {
                // What stands there may be a secret, so it is not repeated.
                let message = "`${` without a variable name and `}` after it".to_owned();
                faults.push((message, Some("write `$${` for a plain `${`".to_owned())));
                rest = inner;
                continue;
            };
            match lookup(name) {
                Some(value) => {
                    out.push_str(&value);
                    used = true;
                }
                None => faults.push((format!("environment variable `{name}` is not set"), None)),
            }
            rest = next;
        } else {
            out.push('$');
            rest = after;
        }
    }
    out.push_str(rest);
    (out, used, faults)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::super::tree::parse;
    use super::*;
    use serde_json::json;

    fn env(name: &str) -> Option<String> {
        match name {
            "PW" => Some("hunter2".to_owned()),
            "N" => Some("5".to_owned()),
            "NESTED" => Some("${PW}$$".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn fills() {
        for (text, want) in [
            ("${PW}", "hunter2"),
            ("postgresql://u:${PW}@h/db", "postgresql://u:hunter2@h/db"),
            ("${N}${N}", "55"),
            ("$${PW}", "${PW}"),
            ("$$$$", "$$"),
            ("a$b$", "a$b$"),
            ("$$${N}", "$5"),
            ("${NESTED}", "${PW}$$"),
            ("x${EMPTY}y", "xy"),
        ] {
            let (out, _, faults) = fill(text, &env);
            assert_eq!((out.as_str(), faults.len()), (want, 0), "{text}");
        }
        for text in ["${", "${}", "${A B}", "${1A}", "${PW:-x}", "${PW"] {
            assert_eq!(fill(text, &env).2.len(), 1, "{text}");
        }
        assert_eq!(fill("${A}${B}", &env).2.len(), 2);
    }

    #[test]
    fn follows_the_schema() {
        let schema = json!({"type": "object", "properties": {
            "a": {"type": "string"},
            "q": {"type": "array", "items": {"type": "string"}, "x-verbatim": true},
            "m": {"type": "object", "additionalProperties": {"$ref": "#/$defs/t"}}},
            "$defs": {"t": {"anyOf": [{"type": "null"}, {"type": "object", "properties":
                {"p": {"type": "string", "x-verbatim": true}, "u": {"type": "string"}}}]}}});
        let yaml =
            "a: ${N}\nq: [\"${PW}\"]\nzzz: ${PW}\nm:\n  x:\n    p: ${PW}\n    u: ${NO}${NOT}\n";
        let mut root = parse(yaml).unwrap();
        let problems = interpolate(&mut root, &schema, &env);
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "line 7: m.x.u: environment variable `NO` is not set",
                "line 7: m.x.u: environment variable `NOT` is not set"
            ]
        );
        assert_eq!(root.get("a").unwrap().to_json(), json!("5"));
        assert_eq!(root.get("q").unwrap().to_json(), json!(["${PW}"]));
        assert_eq!(root.get("zzz").unwrap().to_json(), json!("${PW}"));
        assert_eq!(root.lookup("m.x.p").unwrap().to_json(), json!("${PW}"));
    }
}
