//! Deserialises what passed the check, past the mistakes that only the types can tell.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use serde_path_to_error::Segment;

use super::Located;
use super::problem::{Problem, join_index, join_key};

/// Values taken out before giving up; each costs one more deserialisation.
const MOST_TRIES: usize = 50;

/// The value as a `T`. A value that its type refuses is reported, taken out, and the rest tried
/// again. The refusal's own words are dropped: they may repeat the value.
pub(super) fn deserialise<T: DeserializeOwned>(
    mut value: Json,
    located: &Located,
    problems: &mut Vec<Problem>,
    dropped: &mut Vec<String>,
) -> Option<T> {
    for _ in 0..MOST_TRIES {
        let error = match serde_path_to_error::deserialize::<_, T>(&value) {
            Ok(config) => return Some(config),
            Err(error) => error,
        };
        let segments: Vec<Segment> = error.path().iter().cloned().collect();
        let path = text_of(&segments);
        let missing = error.inner().to_string().starts_with("missing field");
        let ours = |gone: &String| gone.starts_with(path.as_str());
        // A field that is missing because it was taken out was reported then.
        let told = dropped.contains(&path);
        if !(told || missing && dropped.iter().any(ours)) {
            problems.push(Problem::at(located, &path, "value is not accepted here"));
        }
        dropped.push(path);
        if !take_out(&mut value, &segments) {
            return None;
        }
    }
    None
}

fn text_of(segments: &[Segment]) -> String {
    segments.iter().fold(String::new(), |path, segment| match segment {
        Segment::Seq { index } => join_index(&path, *index),
        Segment::Map { key } => join_key(&path, key),
        Segment::Enum { variant } => join_key(&path, variant),
        Segment::Unknown => path,
    })
}

/// Removes the value at the path, or the list that holds it: indexes must go on matching the
/// file. False when there is nothing to remove but the whole.
fn take_out(value: &mut Json, segments: &[Segment]) -> bool {
    let Some((first, rest)) = segments.split_first() else { return false };
    let name = match first {
        Segment::Map { key } => key,
        Segment::Enum { variant } => variant,
        Segment::Seq { .. } | Segment::Unknown => return false,
    };
    let Json::Object(object) = value else { return false };
    match object.get_mut(name) {
        None => false,
        Some(inner) => take_out(inner, rest) || object.remove(name).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::load;
    use schemars::JsonSchema;
    use serde::{Deserialize, Deserializer, de};
    use std::collections::BTreeMap;

    #[derive(Debug)]
    struct Even;

    impl<'de> Deserialize<'de> for Even {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = String::deserialize(deserializer)?;
            if text == "even" { Ok(Self) } else { Err(de::Error::custom(format!("bad {text}"))) }
        }
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Target {
        #[schemars(with = "String")]
        #[allow(dead_code, reason = "only its reading is tested")]
        even: Even,
        #[allow(dead_code, reason = "only its reading is tested")]
        n: Option<u8>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Config {
        #[serde(default)]
        targets: BTreeMap<String, Target>,
        #[schemars(with = "Option<Vec<String>>")]
        list: Option<Vec<Even>>,
    }

    #[test]
    fn reports_each_refusal_without_its_words() {
        let yaml = "targets:\n  a: {even: hunter2}\n  b: {even: even, n: 1}\n  c:\n    even: x\nlist:\n  - hunter2\n";
        let loaded = load::<Config>("c.yaml", yaml, &|_| None);
        let config = loaded.config.as_ref().unwrap();
        assert_eq!(config.targets.keys().collect::<Vec<_>>(), ["b"]);
        assert!(config.list.is_none());
        assert!(loaded.was_dropped("targets.a") && !loaded.was_dropped("targets.b"));
        assert_eq!(
            loaded.finish().unwrap_err(),
            [
                "c.yaml:2: targets.a.even: value is not accepted here",
                "c.yaml:5: targets.c.even: value is not accepted here",
                "c.yaml:7: list[0]: value is not accepted here",
            ]
        );
    }
}
