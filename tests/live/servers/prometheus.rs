//! A real Prometheus that scrapes and evaluates every second or two.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::port::free_port;
use super::process::{Server, Spec};
use super::rules::Pace;
use super::wait::{PATIENT, get_ok, until};
use super::{http_client, text, watchdog};

pub type Labels = BTreeMap<String, String>;

#[derive(Clone, Debug)]
pub struct Target {
    pub job: String,
    /// `127.0.0.1:9090`
    pub address: String,
    pub path: String,
    pub labels: Labels,
    /// More keys of the scrape job, such as `scheme`.
    pub more: Value,
}

impl Target {
    pub fn new(job: &str, port: u16) -> Self {
        Self {
            job: job.to_owned(),
            address: format!("127.0.0.1:{port}"),
            path: "/metrics".to_owned(),
            labels: Labels::new(),
            more: json!({}),
        }
    }
}

/// What to start.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    pub targets: Vec<Target>,
    /// A folder whose `*rules.yml` are rules.
    pub rules: Option<PathBuf>,
    /// How fast the time of the rules goes.
    pub pace: Pace,
    pub alertmanager_port: Option<u16>,
    /// Another version's binary; else the one in `PATH`.
    pub program: Option<PathBuf>,
}

#[derive(Debug)]
pub struct Prometheus {
    pub server: Server,
    pub port: u16,
}

impl Prometheus {
    pub async fn start(setup: &Setup) -> Self {
        let (port, dir) = (free_port(), watchdog::dir("prometheus"));
        write_config(setup, &dir);
        let program = setup.program.clone().unwrap_or_else(|| "prometheus".into());
        let args = [
            format!("--config.file={}", text(&dir.join("prometheus.yml"))),
            format!("--storage.tsdb.path={}", text(&dir.join("data"))),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--web.enable-lifecycle".to_owned(),
            "--rules.alert.for-grace-period=1s".to_owned(),
        ];
        let flags = setup.pace.of_flags();
        let args: Vec<&str> = args.iter().chain(&flags).map(String::as_str).collect();
        let server = Server::start(Spec::new(&program, "prometheus", &args), &dir);
        let prometheus = Self { server, port };
        prometheus.ready().await;
        prometheus
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// An instant query; the samples with their labels, sorted by labels.
    ///
    /// # Panics
    /// When Prometheus refuses the query.
    pub async fn query(&self, promql: &str) -> Vec<(Labels, f64)> {
        let answer = self.get("/api/v1/query", &[("query", promql)]).await;
        let answer = answer.unwrap_or_else(|error| panic!("{promql}: {error}"));
        let result = &answer["data"]["result"];
        if answer["data"]["resultType"] == "scalar" {
            return vec![(Labels::new(), number(&result[1]))];
        }
        let series = result.as_array().into_iter().flatten();
        let mut samples: Vec<_> =
            series.map(|one| (labels(&one["metric"]), number(&one["value"][1]))).collect();
        samples.sort_by(|a, b| a.0.cmp(&b.0));
        samples
    }

    /// Waits until a query has a result and returns it.
    pub async fn wait_query(&self, promql: &str, deadline: Duration) -> Vec<(Labels, f64)> {
        until(promql, deadline, async || {
            Some(self.query(promql).await).filter(|samples| !samples.is_empty())
        })
        .await
    }

    /// All pending and firing alerts: labels (with `alertname`) and state.
    ///
    /// # Panics
    /// When Prometheus does not answer.
    pub async fn alerts(&self) -> Vec<(Labels, String)> {
        let answer = self.get("/api/v1/alerts", &[]).await.expect("the alerts");
        let alerts = answer["data"]["alerts"].as_array().into_iter().flatten();
        alerts.map(|one| (labels(&one["labels"]), text_of(&one["state"]))).collect()
    }

    /// Waits for an alert with (at least) these labels in `state` ("pending", "firing").
    pub async fn wait_alert(
        &self,
        name: &str,
        subset: &[(&str, &str)],
        state: &str,
        deadline: Duration,
    ) -> Labels {
        until(&format!("alert {name} {subset:?} {state}"), deadline, async || {
            let alerts = self.alerts().await;
            let found =
                alerts.iter().find(|(labels, now)| now == state && has(labels, name, subset));
            found.map(|(labels, _)| labels.clone()).ok_or_else(|| alerts.clone())
        })
        .await
    }

    /// Waits until no such alert is pending or firing.
    pub async fn wait_quiet(&self, name: &str, subset: &[(&str, &str)], deadline: Duration) {
        until(&format!("no alert {name} {subset:?}"), deadline, async || {
            let mut alerts = self.alerts().await;
            alerts.retain(|(labels, _)| has(labels, name, subset));
            if alerts.is_empty() { Ok(()) } else { Err(alerts) }
        })
        .await;
    }

    /// Waits until every target was scraped well.
    pub async fn targets_up(&self, deadline: Duration) {
        until("all targets up", deadline, async || {
            let answer = self.get("/api/v1/targets", &[("state", "active")]).await?;
            let targets = answer["data"]["activeTargets"].as_array().cloned().unwrap_or_default();
            let all = !targets.is_empty() && targets.iter().all(|one| one["health"] == "up");
            if all { Ok(()) } else { Err(format!("{targets:?}")) }
        })
        .await;
    }

    /// Rules that Prometheus could not evaluate: name and error.
    ///
    /// # Panics
    /// When Prometheus does not answer.
    pub async fn broken_rules(&self) -> Vec<(String, String)> {
        let answer = self.get("/api/v1/rules", &[]).await.expect("the rules");
        let groups = answer["data"]["groups"].as_array().cloned().unwrap_or_default();
        let rules = groups.iter().filter_map(|group| group["rules"].as_array()).flatten();
        rules
            .map(|rule| (text_of(&rule["name"]), text_of(&rule["lastError"])))
            .filter(|(_, error)| !error.is_empty())
            .collect()
    }

    /// Takes other targets or rules from now on.
    ///
    /// # Panics
    /// When Prometheus refuses them.
    pub async fn reconfigure(&self, setup: &Setup) {
        write_config(setup, self.server.dir());
        let sent = http_client().post(format!("{}/-/reload", self.url())).send().await;
        let status = sent.expect("a reload").status();
        assert_eq!(status, 200, "reload: {}", self.server.log());
    }

    pub async fn restart(&self) {
        self.server.restart().await;
        self.ready().await;
    }

    async fn ready(&self) {
        let ready = format!("{}/-/ready", self.url());
        until("prometheus", PATIENT, async || {
            self.server.assert_alive();
            get_ok(&ready).await
        })
        .await;
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, String> {
        let query: Vec<String> =
            query.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
        let url = format!("{}{path}?{}", self.url(), query.join("&"));
        let answer = http_client().get(&url).send().await.map_err(|error| format!("{error:?}"))?;
        let value: Value = answer.json().await.map_err(|error| format!("{error:?}"))?;
        if value["status"] == "success" { Ok(value) } else { Err(value.to_string()) }
    }
}

/// JSON is YAML: no need to quote by hand.
fn write_config(setup: &Setup, dir: &Path) {
    let rules = dir.join("rules");
    let _ = fs::remove_dir_all(&rules);
    fs::create_dir(&rules).expect("the rules' folder");
    for file in setup.rules.iter().flat_map(|from| fs::read_dir(from).expect("rules")).flatten() {
        if file.file_name().to_string_lossy().ends_with("rules.yml") {
            let slow = fs::read_to_string(file.path()).expect("a rule file");
            fs::write(
                rules.join(file.file_name()).with_extension("yml"),
                setup.pace.of_rules(&slow),
            )
            .expect("a rule file");
        }
    }
    let scrapes: Vec<Value> = setup
        .targets
        .iter()
        .map(|target| {
            let one = json!({ "targets": [target.address], "labels": target.labels });
            let mut job = target.more.clone();
            job["job_name"] = json!(target.job);
            job["metrics_path"] = json!(target.path);
            job["static_configs"] = json!([one]);
            job
        })
        .collect();
    let managers: Vec<Value> = setup
        .alertmanager_port
        .iter()
        .map(|port| json!({ "static_configs": [{ "targets": [format!("127.0.0.1:{port}")] }] }))
        .collect();
    let (scrape, second) = (setup.pace.of_scrapes(), "1s");
    let config = json!({
        "global": {
            "scrape_interval": scrape, "scrape_timeout": scrape, "evaluation_interval": second,
        },
        "rule_files": [rules.join("*.yml")],
        "scrape_configs": scrapes,
        "alerting": { "alertmanagers": managers },
    });
    fs::write(dir.join("prometheus.yml"), config.to_string()).expect("prometheus.yml");
}

fn has(labels: &Labels, name: &str, subset: &[(&str, &str)]) -> bool {
    let is = |key: &str, value: &str| labels.get(key).is_some_and(|is| is == value);
    is("alertname", name) && subset.iter().all(|(key, value)| is(key, value))
}

fn labels(object: &Value) -> Labels {
    let fields = object.as_object().into_iter().flatten();
    fields.map(|(name, value)| (name.clone(), text_of(value))).collect()
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Numbers come as text, also `NaN` and `+Inf`.
fn number(value: &Value) -> f64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
}

/// For a query string: everything but letters and digits as `%XX`.
fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
