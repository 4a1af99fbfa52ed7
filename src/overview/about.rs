//! What a finding is about.

use super::groups::DOCKER;
use crate::check::Finding;

/// The service of a finding, as its project and name; a container without Compose has no project.
/// `None` if it is not about one.
pub fn service_of(finding: &Finding) -> Option<(String, String)> {
    if finding.area != DOCKER {
        return None;
    }
    let label = |names: &[&str]| {
        let found = finding.labels.iter().find(|(name, _)| names.contains(name));
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    };
    let project = label(&["project", "container_label_com_docker_compose_project"]);
    let service = label(&["service", "container_label_com_docker_compose_service"]);
    match (project, service) {
        (Some(project), Some(service)) => Some((project, service)),
        (_, service) => label(&["name"]).or(service).map(|name| (String::new(), name)),
    }
}
