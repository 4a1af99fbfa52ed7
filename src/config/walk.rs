//! The one pass that checks the tree against the schema and reports every mistake.

use serde_json::{Map, Value as Json};

use super::problem::{Problem, join_index, join_key, nearest, quote_list, shown_key};
use super::scalar::{self, Fault};
use super::schema::{Alt, Marks, alternatives};
use super::tree::{Entry, Node, Value};

/// What is left of the file once the mistakes are taken out.
#[derive(Clone, PartialEq)]
pub struct Walked {
    /// The values that passed, or None when the file as a whole did not.
    pub value: Option<Json>,
    pub problems: Vec<Problem>,
    /// Paths of what was taken out. A list goes as a whole, so that the indexes of what stays
    /// match the file; a map goes when a key that it needs is missing or wrong.
    pub dropped: Vec<String>,
}

/// Checks `root` against `schema`. Never deserialises, so that one mistake hides no other.
pub fn walk(root: &Node, schema: &Json) -> Walked {
    let mut walker = Walker { root: schema, problems: Vec::new(), dropped: Vec::new() };
    let spot = Spot { path: String::new(), line: root.line };
    let value = walker.check(root, schema, false, &spot);
    Walked { value, problems: walker.problems, dropped: walker.dropped }
}

struct Walker<'s> {
    root: &'s Json,
    problems: Vec<Problem>,
    dropped: Vec<String>,
}

/// Where a problem is reported: the line of the key rather than that of its value.
struct Spot {
    path: String,
    line: usize,
}

impl Walker<'_> {
    fn check(&mut self, node: &Node, schema: &Json, show: bool, spot: &Spot) -> Option<Json> {
        let marks = Marks { show, verbatim: false };
        let root = self.root;
        let alts = alternatives(root, schema, marks);
        let value = match &node.value {
            // Nothing after the key of a section is a section without keys.
            Value::Scalar(scalar) if scalar::is_empty_section(scalar, &alts) => {
                self.map(&[], &alts, spot)
            }
            Value::Scalar(scalar) => match scalar::check(scalar, &alts) {
                Ok(value) => Some(value),
                Err(None) => None,
                Err(Some(fault)) => self.fault(fault, spot),
            },
            _ if alts.iter().any(Alt::takes_any) => Some(node.to_json()),
            Value::Seq(items) => self.list(items, &alts, spot),
            Value::Map(entries) => self.map(entries, &alts, spot),
        };
        if value.is_none() {
            self.dropped.push(spot.path.clone());
        }
        value
    }

    fn fault(&mut self, fault: Fault, spot: &Spot) -> Option<Json> {
        let problem = Problem::new(spot.line, &spot.path, fault.message);
        self.problems.push(Problem { hint: fault.hint, ..problem });
        None
    }

    fn list(&mut self, items: &[Node], alts: &[Alt<'_>], spot: &Spot) -> Option<Json> {
        let fits: Vec<&Alt<'_>> = alts.iter().filter(|alt| alt.takes("array")).collect();
        if fits.is_empty() {
            return self.fault(scalar::mismatch(alts, "a list"), spot);
        }
        self.best(&fits, |walker, alt| walker.items(items, alt, spot))
    }

    fn items(&mut self, items: &[Node], alt: &Alt<'_>, spot: &Spot) -> Option<Json> {
        let least = alt.word("minItems").and_then(Json::as_u64).unwrap_or(0);
        if u64::try_from(items.len()).is_ok_and(|count| count < least) {
            let message = match least {
                1 => "must not be an empty list".to_owned(),
                _ => format!("must have at least {least} items"),
            };
            return self.fault(Fault { message, hint: None }, spot);
        }
        let any = Json::Bool(true);
        let schema = alt.word("items").unwrap_or(&any);
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let below = Spot { path: join_index(&spot.path, index), line: item.line };
            values.push(self.check(item, schema, alt.marks.show, &below));
        }
        values.into_iter().collect::<Option<Vec<Json>>>().map(Json::Array)
    }

    fn map(&mut self, entries: &[Entry], alts: &[Alt<'_>], spot: &Spot) -> Option<Json> {
        let fits: Vec<&Alt<'_>> = alts.iter().filter(|alt| alt.takes("object")).collect();
        match fits.as_slice() {
            [] => self.fault(scalar::mismatch(alts, "a map"), spot),
            [alt] => self.object(entries, alt, spot),
            many if many.iter().all(|alt| alt.tag().is_some()) => {
                self.tagged(entries, many, alts, spot)
            }
            many => {
                // Of several structs the one meant is the one whose keys were used.
                let known = |alt: &Alt<'_>| {
                    entries.iter().filter(|entry| alt.child(&entry.key).is_some()).count()
                };
                let most = many.iter().map(|alt| known(alt)).max().unwrap_or(0);
                let likely: Vec<&Alt<'_>> =
                    many.iter().filter(|alt| known(alt) == most).copied().collect();
                self.best(&likely, |walker, alt| walker.object(entries, alt, spot))
            }
        }
    }

    /// Tries each shape and keeps the one with the fewest problems.
    fn best(
        &mut self,
        alts: &[&Alt<'_>],
        mut attempt: impl FnMut(&mut Self, &Alt<'_>) -> Option<Json>,
    ) -> Option<Json> {
        let mut best: Option<(Self, Option<Json>)> = None;
        for alt in alts {
            let mut trial = Walker { root: self.root, problems: Vec::new(), dropped: Vec::new() };
            let value = attempt(&mut trial, alt);
            // A broken scalar drops its key without a problem, hence both counts.
            let cost = |walker: &Self| (walker.problems.len(), walker.dropped.len());
            if best.as_ref().is_none_or(|(kept, _)| cost(&trial) < cost(kept)) {
                best = Some((trial, value));
            }
        }
        let (trial, value) = best?;
        self.problems.extend(trial.problems);
        self.dropped.extend(trial.dropped);
        value
    }

    /// An enum whose variants are maps of one key, the name of the variant.
    fn tagged(
        &mut self,
        entries: &[Entry],
        fits: &[&Alt<'_>],
        all: &[Alt<'_>],
        spot: &Spot,
    ) -> Option<Json> {
        let tags: Vec<&str> = fits.iter().filter_map(|alt| alt.tag()).collect();
        let [entry] = entries else {
            let message = format!("needs exactly one key, found {}", entries.len());
            let hint = Some(format!("one of {}", quote_list(tags)));
            return self.fault(Fault { message, hint }, spot);
        };
        let fit = fits.iter().find(|alt| alt.tag() == Some(entry.key.as_str()));
        if let Some(alt) = fit {
            return self.object(entries, alt, spot);
        }
        if all.iter().flat_map(Alt::values).any(|value| value == entry.key.as_str()) {
            let message = format!("`{}` takes no settings", entry.key);
            let hint = Some(format!("write `{}` as the value", entry.key));
            return self.fault(Fault { message, hint }, spot);
        }
        self.unknown_key(entry, tags, spot);
        None
    }

    fn object(&mut self, entries: &[Entry], alt: &Alt<'_>, spot: &Spot) -> Option<Json> {
        let mut object = Map::new();
        let mut meant = Vec::new();
        for entry in entries {
            let Some(schema) = alt.child(&entry.key) else {
                let keys = alt.properties().into_iter().flat_map(Map::keys);
                let found = self.unknown_key(entry, keys.map(String::as_str).collect(), spot);
                let Some(name) = found else { continue };
                meant.push(name);
                if let Some(value) = self.as_meant(entry, alt.child(name)) {
                    object.entry(name.to_owned()).or_insert(value);
                }
                continue;
            };
            let below = Spot { path: join_key(&spot.path, &entry.key), line: entry.line };
            if let Some(value) = self.check(&entry.value, schema, false, &below) {
                object.insert(entry.key.clone(), value);
            }
        }
        for name in alt.required() {
            let path = join_key(&spot.path, name);
            // A misspelt key is one mistake, not two.
            if !meant.contains(&name) && !entries.iter().any(|entry| entry.key == name) {
                self.problems.push(Problem::new(spot.line, &path, "required key is missing"));
            }
            if !object.contains_key(name)
                && let Some(text) = alt.child(name).and_then(|schema| self.stand_in(schema))
            {
                // What else is wrong is told as well, and nothing of what the stand-in would cause.
                self.dropped.push(path);
                object.insert(name.to_owned(), text);
            }
        }
        let whole = alt.required().all(|name| object.contains_key(name));
        whole.then_some(Json::Object(object))
    }

    /// The value of a misspelt key as that of the key that was meant, so that the mistake hides no
    /// others. If it does not fit, something else was meant.
    fn as_meant(&self, entry: &Entry, schema: Option<&Json>) -> Option<Json> {
        let mut trial = Walker { root: self.root, problems: Vec::new(), dropped: Vec::new() };
        let spot = Spot { path: String::new(), line: entry.line };
        let value = trial.check(&entry.value, schema?, false, &spot)?;
        trial.problems.is_empty().then_some(value)
    }

    /// A text in the place of a required one that is missing.
    fn stand_in(&self, schema: &Json) -> Option<Json> {
        let alts = alternatives(self.root, schema, Marks { show: false, verbatim: false });
        let any_text = |alt: &Alt<'_>| alt.takes("string") && alt.values().next().is_none();
        alts.iter().any(any_text).then(|| Json::String(String::new()))
    }

    /// Reports a key that is not known, and gives the known one that it was meant to be.
    fn unknown_key<'k>(
        &mut self,
        entry: &Entry,
        keys: Vec<&'k str>,
        spot: &Spot,
    ) -> Option<&'k str> {
        let joined = entry.key.split_once(':').map(|(name, _)| name);
        let joined = keys.iter().copied().find(|key| joined == Some(*key));
        let meant = joined.or_else(|| nearest(&entry.key, keys.iter().copied()));
        let hint = match meant {
            Some(name) if joined.is_some() => format!("write a space after `{name}:`"),
            Some(name) => format!("did you mean `{name}`?"),
            None if keys.is_empty() => "no keys are known here".to_owned(),
            None => format!("valid keys: {}", quote_list(keys)),
        };
        // A key close to one of ours is a slip, not a secret.
        let shown = if meant.is_some() { shown_key(&entry.key) } else { entry.shown_key() };
        let path = join_key(&spot.path, shown);
        self.dropped.push(join_key(&spot.path, &entry.key));
        self.problems.push(Problem::new(entry.line, path, "unknown key").with_hint(hint));
        meant
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::parse;
    use super::*;
    use serde_json::json;

    fn run(yaml: &str, schema: &Json) -> (Option<Json>, Vec<String>, Vec<String>) {
        let walked = walk(&parse(yaml).unwrap(), schema);
        let lines = walked.problems.iter().map(ToString::to_string).collect();
        (walked.value, lines, walked.dropped)
    }

    #[test]
    fn prunes_and_goes_on() {
        let schema = json!({"type": "object", "additionalProperties": {"type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "integer"},
                           "c": {"type": "array", "items": {"type": "integer"}}},
            "required": ["a"], "additionalProperties": false}});
        let yaml = "x:\n  a: t\n  b: no\ny:\n  b: 1\nz:\n  a: t\n  c: [1, q, r]\n";
        let (value, lines, dropped) = run(yaml, &schema);
        let y = json!({"a": "", "b": 1});
        assert_eq!(value, Some(json!({"x": {"a": "t"}, "y": y, "z": {"a": "t"}})));
        assert_eq!(
            lines,
            [
                "line 3: x.b: expected an integer, found a string",
                "line 4: y.a: required key is missing",
                "line 8: z.c[1]: expected an integer, found a string",
                "line 8: z.c[2]: expected an integer, found a string",
            ]
        );
        assert_eq!(dropped, ["x.b", "y.a", "z.c[1]", "z.c[2]", "z.c"]);
    }

    #[test]
    fn picks_the_struct_that_was_meant() {
        let side = |name: &str| {
            json!({"type": "object", "properties": {name: {"type": "integer"},
                "common": {"type": "integer"}}, "required": [name]})
        };
        let schema = json!({"anyOf": [side("left"), side("right")]});
        let (_, lines, _) = run("right: x\ncommon: 1\n", &schema);
        assert_eq!(lines, ["line 1: right: expected an integer, found a string"]);
    }

    #[test]
    fn anything_goes() {
        let (value, lines, _) = run("a: [1, {b: c}]\n", &json!(true));
        assert_eq!((value, lines.len()), (Some(json!({"a": [1, {"b": "c"}]})), 0));
    }
}
