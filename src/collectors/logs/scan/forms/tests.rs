//! The table of known forms is right, and each of its examples is taken as what it is.

use super::super::judge::judge;
use super::*;

#[test]
fn the_table_is_right_and_takes_its_examples() {
    let file =
        config::load::<File>("known.yaml", KNOWN, &|_| None).finish().expect("a right table");
    let (rows, mistakes) = Rows::new(&file.forms, false);
    assert_eq!(mistakes, []);
    assert_eq!(rows.rows.len(), file.forms.values().filter(|form| form.line.is_some()).count());
    let forms = Forms::default();
    for (name, form) in &file.forms {
        let Some(example) = &form.example else { continue };
        let found = judge(&forms, example.as_bytes(), None);
        let format = found.format.map(|format| forms.name(format));
        let wanted = if form.line.is_some() { name.as_str() } else { "json" };
        assert_eq!(format, Some(wanted), "{example}");
        assert!(found.level.is_some() || found.request.is_some(), "{example}");
    }
}

#[test]
fn names_are_those_of_the_configuration() {
    let forms = Forms::default();
    let names: Vec<_> = Forms::names().collect();
    for name in &names {
        let format = forms.named(name).expect(name);
        assert_eq!(forms.name(format), *name);
    }
    assert!(names.contains(&"python") && names.contains(&"klog"));
    assert_eq!(forms.named("no"), None);
}

#[test]
fn every_form_is_in_the_documents() {
    let page = include_str!("../../../../../docs/logs.md");
    for name in Forms::names() {
        assert!(page.contains(&format!("`{name}`")), "docs/logs.md does not know `{name}`");
    }
}
