//! The rules that are made for measures of every form do what they should in Prometheus' own words.

use std::process::Command;

use super::{RUNBOOK_BASE, rule_tests, rules};
use crate::catalogue::examples::AREA;

#[test]
fn promtool_passes_the_cases_of_every_form_of_measure() {
    let folder = tempfile::tempdir().unwrap();
    let tests = folder.path().join("tests");
    std::fs::create_dir(&tests).unwrap();
    std::fs::write(folder.path().join("example.rules.yml"), rules::text(&AREA, RUNBOOK_BASE))
        .unwrap();
    let cases = tests.join("example.test.yml");
    std::fs::write(&cases, rule_tests::text(&AREA, RUNBOOK_BASE)).unwrap();
    let output = Command::new("promtool").args(["test", "rules"]).arg(&cases).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}
