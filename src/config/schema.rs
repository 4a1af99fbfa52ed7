//! Reads the JSON schema that schemars derives from the configuration types.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

/// Marks that hold for a key, from the key itself or from its type.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Marks {
    /// `x-show-value`: a wrong value may be printed.
    pub show: bool,
    /// `x-verbatim`: `${NAME}` is left alone.
    pub verbatim: bool,
}

impl Marks {
    fn with(self, schema: &Map<String, Json>) -> Self {
        let set = |name: &str| schema.get(name).and_then(Json::as_bool).unwrap_or(false);
        Self {
            show: self.show || set("x-show-value"),
            verbatim: self.verbatim || set("x-verbatim"),
        }
    }
}

/// One of the shapes that a value may take, with references resolved.
#[derive(Debug, Clone)]
pub(super) struct Alt<'s> {
    pub schema: Cow<'s, Map<String, Json>>,
    pub marks: Marks,
}

/// A reference that leads in a circle ends here.
const MAX_REFS: usize = 32;

/// All shapes that `schema` allows, `anyOf`, `oneOf` and `$ref` taken apart.
pub(super) fn alternatives<'s>(root: &'s Json, schema: &'s Json, marks: Marks) -> Vec<Alt<'s>> {
    let mut found = Vec::new();
    collect(root, Cow::Borrowed(schema), marks, MAX_REFS, &mut found);
    found
}

fn collect<'s>(
    root: &'s Json,
    schema: Cow<'s, Json>,
    marks: Marks,
    depth: usize,
    found: &mut Vec<Alt<'s>>,
) {
    let schema: Cow<'s, Map<String, Json>> = match schema {
        Cow::Borrowed(Json::Object(schema)) => Cow::Borrowed(schema),
        Cow::Owned(Json::Object(schema)) => Cow::Owned(schema),
        // `true` allows anything.
        _ => Cow::Owned(Map::new()),
    };
    let marks = marks.with(&schema);
    if depth == 0 {
        return;
    }
    if let Some(target) = schema.get("$ref").and_then(Json::as_str).map(|name| target(root, name)) {
        let Some(target) = target else { return };
        let merged = overlay(target, &schema);
        return collect(root, merged, marks, depth - 1, found);
    }
    for word in ["anyOf", "oneOf", "allOf"] {
        let inner = match &schema {
            Cow::Borrowed(schema) => schema.get(word).and_then(Json::as_array).map(Cow::Borrowed),
            Cow::Owned(schema) => {
                schema.get(word).and_then(Json::as_array).cloned().map(Cow::Owned)
            }
        };
        match inner {
            Some(Cow::Borrowed(list)) => {
                for item in list {
                    collect(root, Cow::Borrowed(item), marks, depth - 1, found);
                }
                return;
            }
            Some(Cow::Owned(list)) => {
                for item in list {
                    collect(root, Cow::Owned(item), marks, depth - 1, found);
                }
                return;
            }
            None => {}
        }
    }
    found.push(Alt { schema, marks });
}

fn target<'s>(root: &'s Json, name: &str) -> Option<&'s Json> {
    if name == "#" { Some(root) } else { root.pointer(name.strip_prefix('#')?) }
}

/// A field may tighten its type (`length`, `range`); such words stand beside the reference.
fn overlay<'s>(target: &'s Json, beside: &Map<String, Json>) -> Cow<'s, Json> {
    let tightens = |name: &str| {
        matches!(name, "minimum" | "maximum" | "minLength" | "maxLength" | "minItems" | "format")
    };
    match target {
        Json::Object(target) if beside.keys().any(|name| tightens(name)) => {
            let mut merged = target.clone();
            let words = beside.iter().filter(|(name, _)| tightens(name));
            merged.extend(words.map(|(name, word)| (name.clone(), word.clone())));
            Cow::Owned(Json::Object(merged))
        }
        _ => Cow::Borrowed(target),
    }
}

impl Alt<'_> {
    pub fn word(&self, name: &str) -> Option<&Json> {
        self.schema.get(name)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.word(name).and_then(Json::as_str)
    }

    /// The names of the types it takes; none at all means any type.
    pub fn types(&self) -> BTreeSet<&str> {
        let named: BTreeSet<&str> = match self.word("type") {
            Some(Json::String(name)) => BTreeSet::from([name.as_str()]),
            Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
            _ => BTreeSet::new(),
        };
        if !named.is_empty() {
            return named;
        }
        if self.word("properties").is_some() {
            return BTreeSet::from(["object"]);
        }
        let name = |value: &Json| match value {
            Json::Null => "null",
            Json::Bool(_) => "boolean",
            Json::Number(_) => "integer",
            Json::String(_) => "string",
            Json::Array(_) => "array",
            Json::Object(_) => "object",
        };
        self.values().map(name).collect()
    }

    pub fn takes(&self, name: &str) -> bool {
        self.types().contains(name)
    }

    pub fn takes_any(&self) -> bool {
        self.types().is_empty()
    }

    /// The fixed values it takes, if it takes no others.
    pub fn values(&self) -> impl Iterator<Item = &Json> {
        let listed = self.word("enum").and_then(Json::as_array).into_iter().flatten();
        listed.chain(self.word("const"))
    }

    pub fn is_unit(&self) -> bool {
        matches!(self.text("format"), Some("duration" | "size"))
    }

    pub fn properties(&self) -> Option<&Map<String, Json>> {
        self.word("properties").and_then(Json::as_object)
    }

    pub fn required(&self) -> impl Iterator<Item = &str> {
        let names = self.word("required").and_then(Json::as_array).into_iter().flatten();
        names.filter_map(Json::as_str)
    }

    /// The key of an externally tagged variant: an object of one key, which it needs.
    pub fn tag(&self) -> Option<&str> {
        let properties = self.properties().filter(|properties| properties.len() == 1)?;
        let name = properties.keys().next()?;
        let closed = self.word("additionalProperties") == Some(&Json::Bool(false));
        (closed && self.required().eq([name.as_str()])).then_some(name)
    }

    /// The schema of the value of `key`, or None when the key is not known here.
    pub fn child(&self, key: &str) -> Option<&Json> {
        if let Some(schema) = self.properties().and_then(|properties| properties.get(key)) {
            return Some(schema);
        }
        match self.word("additionalProperties") {
            Some(Json::Bool(false)) => None,
            Some(schema) => Some(schema),
            // A struct is closed even where serde would let unknown keys pass.
            None if self.properties().is_some() => None,
            None => Some(&Json::Bool(true)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn takes_apart() {
        let root = json!({"$defs": {"t": {"type": "string", "x-verbatim": true},
                                    "loop": {"$ref": "#/$defs/loop"}}});
        let schema = json!({"anyOf": [{"$ref": "#/$defs/t", "minLength": 1}, {"type": "null"}],
                            "x-show-value": true});
        let alts = alternatives(&root, &schema, Marks::default());
        assert_eq!(alts.len(), 2);
        assert!(alts[0].marks.show && alts[0].marks.verbatim && !alts[1].marks.verbatim);
        assert_eq!(alts[0].word("minLength"), Some(&json!(1)));
        let circle = json!({"$ref": "#/$defs/loop"});
        assert!(alternatives(&root, &circle, Marks::default()).is_empty());
    }

    #[test]
    fn tags_and_children() {
        let tagged = json!({"type": "object", "properties": {"a": {"type": "string"}},
                            "required": ["a"], "additionalProperties": false});
        let alts = alternatives(&tagged, &tagged, Marks::default());
        assert_eq!(alts[0].tag(), Some("a"));
        assert!(alts[0].child("a").is_some() && alts[0].child("b").is_none());
        let open = json!({"properties": {"a": true}});
        let alts = alternatives(&open, &open, Marks::default());
        assert!(alts[0].child("b").is_none() && alts[0].tag().is_none());
    }
}
