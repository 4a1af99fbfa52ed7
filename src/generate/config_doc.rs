//! docs/configuration.md: every key, from the types.

use std::fmt::Write as _;

use serde_json::Value;

use super::NOTICE;
use crate::collectors::Config;

pub(super) fn text() -> String {
    let schema = schemars::schema_for!(Config).to_value();
    let mut out = format!(
        "# Configuration\n\n<!-- {NOTICE} -->\n\n\
         One YAML file, named by `--config.file` or `STACK_EXPORTER_CONFIG_FILE`; without one, what can be found is \
         watched. Unknown keys, wrong units and missing files are mistakes: `stack-exporter config check` lists them \
         all with their lines. Durations are `500ms`, `5s`, `2m`, `1h30m`, `7d`; sizes `64kB`, `512MiB`, `1GB`. \
         `${{NAME}}` stands for an environment variable in any text but patterns and queries; `$$` is a dollar. \
         Thresholds by area stand in [metrics.md](metrics.md). `stack-exporter config schema` prints the JSON Schema.\n"
    );
    let sections = properties(&schema);
    for (name, section) in sections {
        let _ = write!(out, "\n## `{name}`\n\n{}\n", describe(section));
        let inner = resolve(&schema, section);
        let target = inner.get("additionalProperties").filter(|value| value.is_object());
        let shape = target.map_or_else(|| inner.clone(), |target| resolve(&schema, target));
        if name == "modules" {
            out += "\nA map: the keys are the names that a request gives.\n";
        } else if target.is_some() {
            out += "\nA map: the keys are the names of the targets (label `target`).\n";
        }
        keys(&mut out, &schema, &shape, "", 0);
    }
    out
}

/// A table of the keys of a struct, and of the structs in it.
fn keys(out: &mut String, root: &Value, shape: &Value, prefix: &str, depth: usize) {
    let found = properties(shape);
    if found.is_empty() || depth > 3 {
        return;
    }
    if depth == 0 {
        *out += "\n| key | type | meaning |\n|---|---|---|\n";
    }
    let required = shape.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    for (name, value) in found {
        let inner = resolve(root, value);
        let must = if required.iter().any(|key| key == name) { ", required" } else { "" };
        let path = format!("{prefix}{name}");
        let meaning = [describe(value), describe(&inner)].into_iter().find(|text| !text.is_empty());
        let _ = writeln!(
            out,
            "| `{path}` | {}{must} | {} |",
            kind(root, value),
            meaning.unwrap_or_default()
        );
        if name == "thresholds" {
            continue;
        }
        keys(out, root, &inner, &format!("{path}."), depth + 1);
        if let Some(values) = inner.get("additionalProperties").filter(|value| value.is_object()) {
            keys(out, root, &resolve(root, values), &format!("{path}.<name>."), depth + 1);
        }
        for choice in alternatives(&inner) {
            keys(out, root, &resolve(root, choice), &format!("{path}."), depth + 1);
        }
    }
}

fn properties(schema: &Value) -> Vec<(&str, &Value)> {
    let map = schema.get("properties").and_then(Value::as_object);
    map.into_iter().flatten().map(|(name, value)| (name.as_str(), value)).collect()
}

fn alternatives(schema: &Value) -> impl Iterator<Item = &Value> {
    ["anyOf", "oneOf"].into_iter().filter_map(|word| schema.get(word)?.as_array()).flatten()
}

fn describe(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// Follows references and looks through "this or null".
fn resolve(root: &Value, schema: &Value) -> Value {
    let mut schema = schema.clone();
    for _ in 0..8 {
        let reference = schema.get("$ref").and_then(Value::as_str).map(ToOwned::to_owned);
        let pointer = reference.as_deref().and_then(|text| text.strip_prefix('#'));
        if let Some(target) = pointer.and_then(|pointer| root.pointer(pointer)) {
            schema = target.clone();
            continue;
        }
        let present: Vec<_> = alternatives(&schema)
            .filter(|choice| choice.get("type") != Some(&"null".into()))
            .cloned()
            .collect();
        match present.as_slice() {
            [only] => schema = only.clone(),
            _ => return schema,
        }
    }
    schema
}

fn kind(root: &Value, schema: &Value) -> String {
    let schema = resolve(root, schema);
    if let Some(format @ ("duration" | "size")) = schema.get("format").and_then(Value::as_str) {
        return format.to_owned();
    }
    match schema.get("type") {
        Some(Value::String(name)) if name == "object" => "map".to_owned(),
        Some(Value::String(name)) if name == "array" => {
            format!(
                "list of {}",
                schema.get("items").map_or_else(String::new, |items| kind(root, items))
            )
        }
        Some(Value::String(name)) => name.clone(),
        Some(Value::Array(names)) => {
            let names = names.iter().filter_map(Value::as_str).filter(|name| *name != "null");
            names.collect::<Vec<_>>().join(" or ")
        }
        _ => {
            let mut kinds: Vec<_> =
                alternatives(&schema).map(|choice| kind(root, choice)).collect();
            kinds.dedup();
            kinds.join(" or ")
        }
    }
}
