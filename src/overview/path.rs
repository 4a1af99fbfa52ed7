//! Paths of pages.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::about::service_of;
use crate::check::Finding;

const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// A part of a path.
pub fn part(text: &str) -> String {
    // A browser would take these for the folder itself and the one above it.
    match text {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        text => utf8_percent_encode(text, PLAIN).to_string(),
    }
}

/// The page of a service; containers without Compose are in the project `-`.
pub fn service_path(project: &str, service: &str) -> String {
    let project = if project.is_empty() { "-" } else { project };
    format!("/service/{}/{}", part(project), part(service))
}

/// The page of another target.
pub fn target_path(area: &str, target: &str) -> String {
    format!("/target/{}/{}", part(area), part(target))
}

/// The page of what a finding is about.
pub fn page_of(finding: &Finding) -> String {
    match service_of(finding) {
        Some((project, name)) => service_path(&project, &name),
        None => target_path(finding.area, &finding.target),
    }
}
