//! Containers in trouble before the exporter and a Prometheus with the shipped rules: each trouble
//! in a Compose project of its own, so that one stage shows many at once.

use std::collections::{BTreeMap, BTreeSet};

use crate::servers::docker::Docker;
use crate::servers::exporter::Scrape;
use crate::servers::prometheus::Labels;
use crate::servers::wait::{PATIENT, until};
use crate::stage::Stage;

/// So many evaluations in a row must judge alike.
const HELD: u32 = 3;

pub struct Scene<'a> {
    pub stage: Stage,
    docker: &'a Docker,
}

/// A trouble and the alerts that it deserves: all of them, and no other of the area.
pub type Deserved<'a> = (&'a str, &'a [&'a str]);

impl<'a> Scene<'a> {
    /// `more` are lines of the section `docker`.
    pub async fn start(docker: &'a Docker, more: &str) -> Self {
        let stage = Stage::start(&docker.section(more)).await;
        Self { stage, docker }
    }

    /// Until each project (or container without one) had exactly its alerts, pending or firing,
    /// over some evaluations. Those of what happens once may be over again at the end.
    pub async fn only(&self, deserved: &[Deserved<'_>]) {
        let mut held: BTreeMap<&str, u32> = BTreeMap::new();
        let mut last = f64::NAN;
        let mut open = Vec::new();
        let what = format!("exactly these alerts: {deserved:?}");
        until(&what, PATIENT * 2, async || {
            let at = self.query("timestamp(stack_target_up{area=\"docker\"})").await;
            let alerts = self.query("ALERTS{area=\"docker\"}").await;
            let at = at.first().map_or(f64::NAN, |(_, at)| *at);
            if at.to_bits() == last.to_bits() {
                return Err(open.join("; "));
            }
            last = at;
            open.clear();
            for (scope, wanted) in deserved {
                let count = held.entry(scope).or_default();
                if *count >= HELD {
                    continue;
                }
                let seen: BTreeSet<&str> = self.of(scope, &alerts).collect();
                *count = if seen == wanted.iter().copied().collect() { *count + 1 } else { 0 };
                if *count < HELD {
                    open.push(format!("{scope}: {seen:?}"));
                }
            }
            if open.is_empty() { Ok(()) } else { Err(open.join("; ")) }
        })
        .await;
    }

    fn of<'b>(&self, scope: &str, alerts: &'b [(Labels, f64)]) -> impl Iterator<Item = &'b str> {
        let name = self.docker.name(scope);
        let keys = [
            ("project", scope.to_owned()),
            ("container_label_com_docker_compose_project", scope.to_owned()),
            ("name", name),
        ];
        alerts.iter().filter_map(move |(labels, _)| {
            let is = |(key, value): &(&str, String)| labels.get(*key) == Some(value);
            keys.iter().any(is).then(|| labels.get("alertname").map(String::as_str))?
        })
    }

    async fn query(&self, promql: &str) -> Vec<(Labels, f64)> {
        self.stage.prometheus.query(promql).await
    }

    /// Until a series with these labels has this value.
    pub async fn sees(&self, metric: &str, labels: &[(&str, &str)], wanted: f64) {
        self.sees_that(metric, labels, |value| value == Some(wanted)).await;
    }

    /// Until there is no such series any more.
    pub async fn misses(&self, metric: &str, labels: &[(&str, &str)]) {
        self.sees_that(metric, labels, |value| value.is_none()).await;
    }

    pub async fn sees_that(
        &self,
        metric: &str,
        labels: &[(&str, &str)],
        holds: impl Fn(Option<f64>) -> bool,
    ) -> Option<f64> {
        until(&format!("{metric} {labels:?}"), PATIENT, async || {
            let scrape = self.stage.exporter.scrape().await;
            let value = value(&scrape, metric, labels);
            if holds(value) { Ok(value) } else { Err(lines(&scrape, metric, labels)) }
        })
        .await
    }

    /// The value right now.
    pub async fn value(&self, metric: &str, labels: &[(&str, &str)]) -> Option<f64> {
        value(&self.stage.exporter.scrape().await, metric, labels)
    }
}

/// The value of the first series of a metric that has these labels.
pub fn value(scrape: &Scrape, metric: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let found = series(scrape, metric, labels).next()?;
    found.rsplit(' ').next()?.parse().ok()
}

fn series<'a>(
    scrape: &'a Scrape,
    metric: &str,
    labels: &[(&str, &str)],
) -> impl Iterator<Item = &'a str> {
    let start = format!("{metric}{{");
    let labels: Vec<String> = labels
        .iter()
        .flat_map(|(name, value)| [format!("{{{name}=\"{value}\""), format!(",{name}=\"{value}\"")])
        .collect();
    scrape.body.lines().filter(move |line| {
        let has = |pair: &[String]| pair.iter().any(|one| line.contains(one.as_str()));
        line.starts_with(&start) && labels.chunks(2).all(has)
    })
}

/// For a failure: the series of the same project, with whatever other labels.
fn lines(scrape: &Scrape, metric: &str, labels: &[(&str, &str)]) -> Vec<String> {
    let few = labels.get(..1).unwrap_or_default();
    series(scrape, metric, few).map(str::to_owned).collect()
}
