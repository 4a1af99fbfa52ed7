//! Every query of the shipped rules and dashboards, taken apart.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{Expr, LabelModifier, VectorSelector, parse};
use promql_parser::util::{ExprVisitor, walk_expr};
use serde_json::Value;
use stack_exporter::config::tree;

/// A query and where it stands.
#[derive(Clone, Debug)]
pub struct Query {
    pub place: String,
    pub expr: String,
    /// Labels that a legend or a table shows.
    pub shown: BTreeSet<String>,
    pub is_panel: bool,
}

/// What a query asks for: a metric, conditions on its labels, and labels that it groups by.
pub struct Selector {
    pub metric: String,
    matchers: Vec<Matcher>,
}

impl Selector {
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.matchers.iter().map(|matcher| matcher.name.as_str()).filter(|name| *name != "__name__")
    }

    /// Each word that a label must have, as `metric:label=word`.
    pub fn words(&self) -> impl Iterator<Item = String> {
        let equal = self.matchers.iter().filter(|matcher| matches!(matcher.op, MatchOp::Equal));
        equal.map(|matcher| format!("{}:{}={}", self.metric, matcher.name, matcher.value))
    }

    /// Whether a series with these labels is selected.
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> bool {
        self.matchers.iter().filter(|matcher| matcher.name != "__name__").all(|matcher| {
            // Prometheus adds these two when it scrapes.
            if matches!(matcher.name.as_str(), "instance" | "job") {
                return true;
            }
            let value = labels.get(&matcher.name).map_or("", String::as_str);
            match &matcher.op {
                MatchOp::Equal => value == matcher.value,
                MatchOp::NotEqual => value != matcher.value,
                MatchOp::Re(regex) => regex.is_match(value),
                MatchOp::NotRe(regex) => !regex.is_match(value),
            }
        })
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "nothing in {folder}");
    files
}

/// Dashboards by file name.
pub fn dashboards() -> Vec<(String, Value)> {
    let parsed = files("dashboards", ".json").into_iter();
    parsed.map(|(name, text)| (name, serde_json::from_str(&text).unwrap())).collect()
}

/// Panels, those in collapsed rows included.
pub fn panels(dashboard: &Value) -> Vec<&Value> {
    let top = dashboard["panels"].as_array().into_iter().flatten();
    top.flat_map(|panel| {
        let inner = panel["panels"].as_array().into_iter().flatten();
        std::iter::once(panel).chain(inner)
    })
    .filter(|panel| panel["type"] != "row")
    .collect()
}

/// All queries of rules and dashboards.
pub fn all() -> Vec<Query> {
    let mut queries = Vec::new();
    for (name, text) in files("alerts", ".rules.yml") {
        let json = tree::parse(&text).unwrap().to_json();
        let groups = json["groups"].as_array().into_iter().flatten();
        for rule in groups.flat_map(|group| group["rules"].as_array().into_iter().flatten()) {
            queries.push(Query {
                place: format!("{name}: {} {}", rule["alert"], rule["labels"]["severity"]),
                expr: rule["expr"].as_str().unwrap().to_owned(),
                shown: BTreeSet::new(),
                is_panel: false,
            });
        }
    }
    for (name, dashboard) in dashboards() {
        for panel in panels(&dashboard) {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let legend = target["legendFormat"].as_str().unwrap_or_default();
                let shown = legend.split("{{").skip(1).filter_map(|part| part.split("}}").next());
                queries.push(Query {
                    place: format!("{name}: {}", panel["title"]),
                    expr: substituted(target["expr"].as_str().unwrap_or_default()),
                    shown: shown.map(|label| label.trim().to_owned()).collect(),
                    is_panel: true,
                });
            }
        }
        let annotations = dashboard["annotations"]["list"].as_array().into_iter().flatten();
        for annotation in annotations.filter(|annotation| annotation["expr"].is_string()) {
            queries.push(Query {
                place: format!("{name}: annotation {}", annotation["name"]),
                expr: substituted(annotation["expr"].as_str().unwrap()),
                shown: BTreeSet::new(),
                is_panel: false,
            });
        }
    }
    queries
}

/// `label_values(metric, label)` of every variable: place, metric and label.
pub fn variables() -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for (name, dashboard) in dashboards() {
        for variable in dashboard["templating"]["list"].as_array().into_iter().flatten() {
            let query = variable["query"]["query"].as_str().or(variable["query"].as_str());
            let Some(inner) = query.and_then(|query| query.strip_prefix("label_values(")) else {
                continue;
            };
            let (metric, label) = inner.trim_end_matches(')').rsplit_once(',').unwrap();
            let metric = metric.split('{').next().unwrap().trim().to_owned();
            found.push((format!("{name}: {}", variable["name"]), metric, label.trim().to_owned()));
        }
    }
    found
}

/// Variables as Grafana would fill them in with "All".
fn substituted(expr: &str) -> String {
    expr.replace("$__rate_interval", "20s")
        .replace("$__interval", "5s")
        .replace("$__range", "1m")
        .replace("${instance:regex}", ".+")
        .replace("${target:regex}", ".+")
        .replace("$instance", ".+")
        .replace("$target", ".+")
        .replace("$container", ".+")
        .replace("$project", ".*")
        .replace("$queue", ".+")
        .replace("$datname", ".*")
}

/// The selectors in an expression, and the labels that it groups or joins by.
pub fn take_apart(expr: &str) -> Result<(Vec<Selector>, BTreeSet<String>), String> {
    let parsed = parse(expr)?;
    let mut parts = Parts::default();
    walk_expr(&mut parts, &parsed).map_err(|()| "walk".to_owned())?;
    Ok((parts.selectors, parts.labels))
}

#[derive(Default)]
struct Parts {
    selectors: Vec<Selector>,
    labels: BTreeSet<String>,
}

impl Parts {
    fn selector(&mut self, selector: &VectorSelector) {
        let matchers = selector.matchers.matchers.clone();
        let named = matchers.iter().find(|matcher| matcher.name == "__name__");
        let metric = selector.name.clone().or(named.map(|matcher| matcher.value.clone()));
        self.selectors.push(Selector { metric: metric.unwrap_or_default(), matchers });
    }

    fn modifier(&mut self, modifier: Option<&LabelModifier>) {
        if let Some(LabelModifier::Include(labels)) = modifier {
            self.labels.extend(labels.labels.iter().cloned());
        }
    }
}

impl ExprVisitor for Parts {
    type Error = ();

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, ()> {
        match expr {
            Expr::VectorSelector(selector) => self.selector(selector),
            Expr::MatrixSelector(matrix) => self.selector(&matrix.vs),
            Expr::Aggregate(aggregate) => self.modifier(aggregate.modifier.as_ref()),
            Expr::Binary(binary) => {
                let matching =
                    binary.modifier.as_ref().and_then(|modifier| modifier.matching.as_ref());
                self.modifier(matching);
            }
            _ => {}
        }
        Ok(true)
    }
}
