//! Addresses of pages.

use super::words::part;
pub(in crate::http) use crate::overview::{page_of as of, service_of};

/// All of the tables of a target as JSON.
pub(in crate::http) fn details(area: &str, name: &str) -> String {
    format!("/api/v1/details/{}/{}", part(area), part(name))
}

pub(in crate::http) fn runbook(alert: &str) -> String {
    format!("/runbooks/{}", part(alert))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Finding, Verdict};
    use crate::collectors::docker;

    #[test]
    fn a_finding_leads_to_its_service_or_to_its_target() {
        let finding = |area: &'static str, labels: &[(&'static str, &str)]| Finding {
            area,
            target: area.into(),
            signal: docker::AREA.signal("restart_loop").unwrap(),
            labels: labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            value: Some(1.0),
            threshold: Some(0.0),
            verdict: Verdict::Critical,
        };
        for (area, labels, page) in [
            (
                "docker",
                &[("project", "shop"), ("service", "db"), ("name", "shop-db-1")][..],
                "/service/shop/db",
            ),
            ("docker", &[("project", ""), ("service", ""), ("name", "tool")], "/service/-/tool"),
            ("docker", &[("project", ""), ("service", "tool")], "/service/-/tool"),
            ("docker", &[], "/target/docker/docker"),
            ("host", &[("name", "eth0")], "/target/host/host"),
        ] {
            assert_eq!(of(&finding(area, labels)), page);
        }
        let cadvisor = [
            ("container_label_com_docker_compose_project", "shop"),
            ("container_label_com_docker_compose_service", "db"),
        ];
        assert_eq!(of(&finding("docker", &cadvisor)), "/service/shop/db");
    }
}
