//! The configuration file: read, filled in, checked and deserialised, with every mistake found
//! in one run.

mod access;
mod address;
mod de;
pub mod env;
pub mod notify;
mod parse;
pub mod problem;
mod scalar;
mod schema;
pub mod secret;
#[cfg(test)]
mod tests;
pub mod tree;
pub mod units;
pub mod url;
pub mod walk;
pub mod web;
pub mod web_file;

use std::fmt;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

pub use access::{Access, Tls};
pub use notify::Notify;
pub use problem::Problem;
pub(crate) use problem::nearest;
pub use secret::{SafeUrl, Secret};
pub use tree::Node;
pub use units::{Dur, Size};
pub use url::{Fault, Url};
pub use web::Web;

/// The tree of a file under its name, to find the line of a key by its path.
#[derive(Debug, Clone)]
pub struct Located {
    pub file: String,
    pub root: Node,
}

impl Located {
    /// The line of the key at `path`, or of its nearest ancestor that exists.
    pub fn line_of(&self, path: &str) -> usize {
        self.root.line_of(path)
    }

    /// A problem as one line that starts with the file name.
    pub fn describe(&self, problem: &Problem) -> String {
        problem.in_file(&self.file).to_string()
    }
}

/// What came of a file.
pub struct Loaded<T> {
    /// The configuration without its mistakes, for further checks only while there are problems.
    pub config: Option<T>,
    /// Every mistake, by line.
    pub problems: Vec<Problem>,
    pub located: Located,
    /// Paths of what was left out of `config` because of a mistake.
    pub dropped: Vec<String>,
}

impl<T> Loaded<T> {
    /// Adds a mistake that the types cannot tell.
    pub fn push(&mut self, path: &str, message: impl Into<String>) {
        self.problems.push(Problem::at(&self.located, path, message));
    }

    /// Whether a mistake took out `path` or what holds it: its absence says nothing then.
    pub fn was_dropped(&self, path: &str) -> bool {
        self.dropped.iter().any(|dropped| {
            dropped.is_empty()
                || path
                    .strip_prefix(dropped.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }

    /// The configuration if the file has no mistake, else each mistake as a line.
    pub fn finish(mut self) -> Result<T, Vec<String>> {
        problem::sort(&mut self.problems);
        match self.config {
            Some(config) if self.problems.is_empty() => Ok(config),
            _ => Err(self.problems.iter().map(|found| self.located.describe(found)).collect()),
        }
    }
}

/// The configuration may hold anything, so only the mistakes are printed.
impl<T> fmt::Debug for Loaded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("file", &self.located.file)
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}

/// Reads the text of a configuration file. `file` is only a name for messages; `env` looks up
/// environment variables.
pub fn load<T: DeserializeOwned + JsonSchema>(
    file: &str,
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Loaded<T> {
    load_with(file, text, Some(env))
}

/// The same of a file in which a dollar is nothing but a dollar.
fn load_as_is<T: DeserializeOwned + JsonSchema>(file: &str, text: &str) -> Loaded<T> {
    load_with(file, text, None)
}

/// What fills in `${NAME}`, if anything does.
type Environment<'a> = Option<&'a dyn Fn(&str) -> Option<String>>;

fn load_with<T: DeserializeOwned + JsonSchema>(
    file: &str,
    text: &str,
    env: Environment<'_>,
) -> Loaded<T> {
    let (root, mut problems) = parse::parse_all(text);
    let Some(mut root) = root else {
        // Not YAML: there is nothing to check further, and nothing to point at but the file.
        let root = Node { value: tree::Value::Map(Vec::new()), tag: None, line: 1, column: 1 };
        let located = Located { file: file.to_owned(), root };
        problem::sort(&mut problems);
        return Loaded { config: None, problems, located, dropped: vec![String::new()] };
    };
    let schema: Json = schemars::schema_for!(T).to_value();
    if let Some(env) = env {
        problems.extend(env::interpolate(&mut root, &schema, env));
    }
    let walked = walk::walk(&root, &schema);
    problems.extend(walked.problems);
    let located = Located { file: file.to_owned(), root };
    let mut dropped = walked.dropped;
    let config = walked
        .value
        .and_then(|value| de::deserialise(value, &located, &mut problems, &mut dropped));
    if config.is_none() && problems.is_empty() {
        problems.push(Problem::new(1, "", "not a valid configuration"));
    }
    problem::sort(&mut problems);
    Loaded { config, problems, located, dropped }
}
