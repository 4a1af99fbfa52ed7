//! Sentences with a thing's labels in them: what the alert, `check` and the page say of it.
//!
//! `{label}` is the label's value. What stands in `[` and `]` is left out where one of its labels is
//! empty: `{service}[ ({project})] has no running container`. Braces that are doubled are text, for
//! commands with Go templates in them. The same sentence can be filled in here, and be written as a
//! template of Prometheus, so that all of them say the same.

use std::fmt::Write as _;

/// Signs that a shell takes as they are. All others of a name become `?`: a name comes from outside,
/// and a command is pasted.
const PLAIN: &str = "A-Za-z0-9_./:@%+=,-";

/// A sentence, or a command, about a thing with labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sentence(&'static str);

/// A piece of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Label(&'a str),
    Optional(&'a str),
}

impl Sentence {
    pub const fn new(text: &'static str) -> Self {
        Self(text)
    }

    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// The sentence about a thing: `label` gives the value of a label, empty if it has none.
    pub fn fill(self, label: &dyn Fn(&str) -> String) -> String {
        fill(self.0, label)
    }

    /// The same without its optional parts.
    pub fn fill_short(self, label: &dyn Fn(&str) -> String) -> String {
        cut(self.0, true)
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.to_owned(),
                Piece::Label(name) => label(name),
                Piece::Optional(_) => String::new(),
            })
            .collect()
    }

    /// The same as an annotation of Prometheus.
    pub fn template(self) -> String {
        template(self.0, &|label| format!("{{{{ $labels.{label} }}}}"))
    }

    /// As a command: names are made harmless to a shell, brackets are text.
    pub fn fill_command(self, label: &dyn Fn(&str) -> String) -> String {
        self.fill_command_all(&|name| vec![label(name)])
    }

    /// As one command about several things: the values of a label stand side by side.
    pub fn fill_command_all(self, values: &dyn Fn(&str) -> Vec<String>) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%+=,-".contains(c);
        let harmless = |value: &String| -> String {
            value.chars().map(|c| if plain(c) { c } else { '?' }).collect()
        };
        cut(self.0, false)
            .into_iter()
            .map(|piece| match piece {
                Piece::Label(name) => {
                    values(name).iter().map(harmless).collect::<Vec<_>>().join(" ")
                }
                Piece::Text(text) | Piece::Optional(text) => text.to_owned(),
            })
            .collect()
    }

    /// The same as an annotation of Prometheus.
    pub fn command_template(self) -> String {
        cut(self.0, false)
            .into_iter()
            .map(|piece| match piece {
                Piece::Label(name) => {
                    format!("{{{{ reReplaceAll \"[^{PLAIN}]\" \"?\" $labels.{name} }}}}")
                }
                Piece::Text(text) | Piece::Optional(text) => literal(text),
            })
            .collect()
    }

    /// The labels that it speaks of.
    pub fn labels(self) -> Vec<&'static str> {
        labels_in(self.0)
    }
}

fn fill(text: &str, label: &dyn Fn(&str) -> String) -> String {
    let mut out = String::new();
    for piece in cut(text, true) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Label(name) => out.push_str(&label(name)),
            Piece::Optional(inner) => {
                if labels_in(inner).iter().all(|name| !label(name).is_empty()) {
                    out.push_str(&fill(inner, label));
                }
            }
        }
    }
    out
}

fn template(text: &str, label: &dyn Fn(&str) -> String) -> String {
    let mut out = String::new();
    for piece in cut(text, true) {
        match piece {
            Piece::Text(text) => out.push_str(&literal(text)),
            Piece::Label(name) => out.push_str(&label(name)),
            Piece::Optional(inner) => {
                let names = labels_in(inner);
                let all: Vec<_> = names.iter().map(|name| format!("$labels.{name}")).collect();
                let condition = match all.as_slice() {
                    [one] => one.clone(),
                    more => format!("and {}", more.join(" ")),
                };
                let _ =
                    write!(out, "{{{{ if {condition} }}}}{}{{{{ end }}}}", template(inner, label));
            }
        }
    }
    out
}

/// Text that Prometheus must not take for a template.
fn literal(text: &str) -> String {
    text.replace("{{", "{{ `{{` }}")
}

/// The labels in a text, those of optional parts included.
fn labels_in(text: &str) -> Vec<&str> {
    let label = |piece| if let Piece::Label(name) = piece { Some(name) } else { None };
    cut(text, false).into_iter().filter_map(label).collect()
}

/// Cuts a text into its pieces; brackets are text unless `optional`.
fn cut(text: &str, optional: bool) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut rest, mut plain) = (text, 0);
    while let Some(found) = rest.get(plain..).and_then(|text| text.find(['{', '['])) {
        let at = plain + found;
        let Some((piece, length)) = rest.get(at..).and_then(|text| piece(text, optional)) else {
            // Go's double braces are passed over as a whole.
            plain =
                at + rest.get(at..).map_or(1, |text| if text.starts_with("{{") { 2 } else { 1 });
            continue;
        };
        let (before, from) = rest.split_at(at);
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(piece);
        (rest, plain) = (from.get(length..).unwrap_or_default(), 0);
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// The label or optional part that a text begins with, and its length.
fn piece(text: &str, optional: bool) -> Option<(Piece<'_>, usize)> {
    if let Some(inner) = text.strip_prefix('[') {
        let (inner, _) = inner.split_once(']').filter(|_| optional)?;
        return Some((Piece::Optional(inner), inner.len() + 2));
    }
    let (name, _) = text.strip_prefix('{')?.split_once('}')?;
    let is_label = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    is_label.then_some((Piece::Label(name), name.len() + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop(label: &str) -> String {
        match label {
            "service" => "db",
            "name" => "a b;rm",
            "project" => "shop",
            _ => "",
        }
        .to_owned()
    }

    #[test]
    fn labels_stand_in_it_and_optional_parts_go_without_theirs() {
        let sentence = Sentence::new("{service}[ ({project})][ in {datname}] is gone");
        assert_eq!(sentence.fill(&shop), "db (shop) is gone");
        assert_eq!(
            sentence.template(),
            "{{ $labels.service }}{{ if $labels.project }} ({{ $labels.project }}){{ end }}\
             {{ if $labels.datname }} in {{ $labels.datname }}{{ end }} is gone"
        );
        assert_eq!(sentence.labels(), ["service", "project", "datname"]);
        assert_eq!(
            Sentence::new("[a {b} {c}]").template(),
            "{{ if and $labels.b $labels.c }}a {{ $labels.b }} {{ $labels.c }}{{ end }}"
        );
        assert_eq!(Sentence::new("nothing { odd }").fill(&shop), "nothing { odd }");
    }

    #[test]
    fn a_command_keeps_its_braces_and_takes_no_name_that_a_shell_would_read() {
        let command = Sentence::new("[ -e x ]; docker inspect -f '{{.State}} {{json .X}}' {name}");
        assert_eq!(
            command.fill_command(&shop),
            "[ -e x ]; docker inspect -f '{{.State}} {{json .X}}' a?b?rm"
        );
        assert_eq!(
            command.command_template(),
            "[ -e x ]; docker inspect -f '{{ `{{` }}.State}} {{ `{{` }}json .X}}' \
             {{ reReplaceAll \"[^A-Za-z0-9_./:@%+=,-]\" \"?\" $labels.name }}"
        );
    }
}
