//! How the lines of a source are read: its own forms, and the one that is wanted.

use std::sync::Arc;
use std::time::SystemTime;

use super::config::Logs;
use super::presets;
use super::scan::forms::Forms;
use super::scan::tried::Tried;
use super::scan::{Format, Scanner};
use crate::config::nearest;

impl Logs {
    /// How its lines are read: its own forms and the one that is wanted, and what is wrong with them by key.
    pub(super) fn reading(&self) -> (Arc<Forms>, Option<Format>, Vec<(String, String)>) {
        let (forms, mistakes) = Forms::new(&self.forms);
        let mut mistakes: Vec<(String, String)> =
            mistakes.into_iter().map(|(key, message)| (format!("forms.{key}"), message)).collect();
        let format = self.format.as_ref().and_then(|name| {
            let format = forms.named(name);
            if format.is_none() {
                let mut known: Vec<&str> = self.forms.keys().map(String::as_str).collect();
                for name in Forms::names() {
                    known.push(name);
                }
                let near = nearest(name, known);
                let hint = near.map_or_else(
                    || "docs/logs.md has them, and `forms` makes one".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                mistakes.push(("format".into(), format!("no form is called `{name}`; {hint}")));
            }
            format
        });
        (Arc::new(forms), format, mistakes)
    }

    /// What each line of a sample is.
    pub fn tries(&self, sample: &[u8]) -> Vec<Tried> {
        let (forms, format, _) = self.reading();
        let scanner = Scanner {
            format,
            forms,
            levels: true,
            access: presets::access(&self.presets),
            errors: true,
            ..Scanner::default()
        };
        scanner.tries(sample, SystemTime::UNIX_EPOCH)
    }
}
