//! Reads one service of a Compose file. Its environment, commands and secrets are not looked at.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::labels::{IGNORE, truth};
use super::declared::{Condition, Declared, Health, Said};
use super::figures::{Figure, Number};
use super::interpolate::{Variables, fill};
use super::ports::{self, Port};
use super::values;
use crate::config::tree::{Node, Value};
use crate::failure::{Failure, Reason};

/// Reads values of one file, and keeps what is wrong with them.
pub struct Reader<'a> {
    pub path: &'a Path,
    pub variables: &'a Variables,
    /// Values that Compose would not take. The text of a value is never part of it.
    pub wrong: &'a mut Vec<Failure>,
}

impl Reader<'_> {
    pub fn service(&mut self, node: &Node) -> Declared {
        let mut service = Declared {
            profiles: get(node, "profiles").map(|list| self.list(list)),
            image: self.text(get(node, "image")),
            build: get(node, "build").is_some(),
            provided: get(node, "provider").is_some(),
            container_name: self.text(get(node, "container_name")),
            ignored: get(node, "labels").and_then(|labels| self.ignored(labels)),
            cpu_reservation: self.at(node, "deploy.resources.reservations.cpus", values::decimal),
            health: get(node, "healthcheck").map(|node| self.health(node)),
            ports: self.ports(node),
            newer: Said {
                replicas: self.at(node, "deploy.replicas", values::whole),
                restart: self.policy(node),
                memory_limit: self.at(node, "deploy.resources.limits.memory", values::size),
                cpu_limit: self.at(node, "deploy.resources.limits.cpus", values::decimal),
                pids_limit: self.at(node, "deploy.resources.limits.pids", values::limit),
                memory_reservation: self.at(
                    node,
                    "deploy.resources.reservations.memory",
                    values::size,
                ),
            },
            older: Said {
                replicas: self.at(node, "scale", values::whole),
                restart: self.text(get(node, "restart")),
                memory_limit: self.at(node, "mem_limit", values::size),
                cpu_limit: self.at(node, "cpus", values::decimal),
                pids_limit: self.at(node, "pids_limit", values::limit),
                memory_reservation: self.at(node, "mem_reservation", values::size),
            },
            ..Declared::default()
        };
        self.dependencies(node, &mut service);
        resets(node, "", &mut service.reset);
        service.settle();
        service
    }

    /// The text of a scalar, filled in. `None` if it is null, empty or cannot be known.
    pub fn text(&self, node: Option<&Node>) -> Option<String> {
        let node = node.filter(|node| is_said(node))?;
        let Value::Scalar(scalar) = &node.value else { return None };
        fill(&scalar.text, self.variables).filter(|text| !text.is_empty())
    }

    /// A port's number, or a text with several.
    fn port(&self, node: Option<&Node>) -> Option<String> {
        let text = self.text(node)?;
        let Value::Scalar(scalar) = &node?.value else { return None };
        match Figure::of(scalar, text.clone()).number {
            Some(Number::Whole(port)) => Some(port.to_string()),
            _ => Some(text),
        }
    }

    /// A text, or a list of them.
    pub fn list(&self, node: &Node) -> Vec<String> {
        let items = match &node.value {
            Value::Seq(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        items.iter().filter_map(|item| self.text(Some(item))).collect()
    }

    pub fn wrong(&mut self, node: &Node, key: &str) {
        let (path, line) = (self.path.display(), node.line);
        let detail = format!("{path}: line {line}: `{key}` has no value that Compose takes");
        let failure = Failure::new(Reason::PARSE, detail);
        self.wrong.push(failure.hint("does `docker compose config` take it?"));
    }

    /// The value at a dotted key.
    fn at<T>(&mut self, service: &Node, key: &str, parse: fn(&Figure) -> Option<T>) -> Option<T> {
        let node = key.split('.').try_fold(service, get)?;
        let Value::Scalar(scalar) = &node.value else {
            self.wrong(node, key);
            return None;
        };
        let value = parse(&Figure::of(scalar, self.text(Some(node))?));
        if value.is_none() {
            self.wrong(node, key);
        }
        value
    }

    /// `deploy.restart_policy`, as the Engine names it.
    fn policy(&mut self, service: &Node) -> Option<String> {
        let policy = get(get(service, "deploy")?, "restart_policy")?;
        let condition = self.text(get(policy, "condition"))?;
        let attempts = self.at(policy, "max_attempts", values::whole);
        Some(match (condition.as_str(), attempts) {
            ("none", _) => "no".to_owned(),
            ("any", _) => "always".to_owned(),
            ("on-failure", Some(attempts)) => format!("on-failure:{attempts}"),
            _ => condition,
        })
    }

    fn health(&mut self, node: &Node) -> Health {
        // As a text it would be a command of that name.
        let is_none = |test: &Node| self.items(test).first().is_some_and(|text| text == "NONE");
        let test_is_none = get(node, "test").map(is_none);
        let mut health = Health {
            interval: self.at(node, "interval", |of| values::duration(&of.text)),
            timeout: self.at(node, "timeout", |of| values::duration(&of.text)),
            start_period: self.at(node, "start_period", |of| values::duration(&of.text)),
            start_interval: self.at(node, "start_interval", |of| values::duration(&of.text)),
            retries: self.at(node, "retries", values::whole),
            disable: self.at(node, "disable", |of| values::truth(&of.text)),
            test_is_none,
            disabled: false,
        };
        health.settle();
        health
    }

    fn ports(&mut self, service: &Node) -> Vec<Port> {
        let mut all = Vec::new();
        for node in get(service, "ports").map(Node::items).unwrap_or_default() {
            let is_map = matches!(node.value, Value::Map(_));
            let read = if is_map {
                self.long_port(node).map(|port| vec![port])
            } else {
                let Some(text) = self.port(Some(node)) else { continue };
                ports::short(&text)
            };
            match read {
                Some(ports) if all.len() + ports.len() <= ports::MOST => {
                    ports::add(&mut all, ports);
                }
                _ => self.wrong(node, "ports"),
            }
        }
        all
    }

    fn long_port(&mut self, node: &Node) -> Option<Port> {
        let target = self.port(get(node, "target"))?.parse().ok()?;
        let published = self.port(get(node, "published"));
        if let Some(published) = &published {
            ports::range(published)?;
        }
        let protocol = self.text(get(node, "protocol"));
        Some(Port {
            host_ip: self.text(get(node, "host_ip")).map(|ip| ports::ip(&ip)),
            published,
            target,
            protocol: ports::protocol(protocol.as_deref().unwrap_or("tcp"))?,
        })
    }

    fn dependencies(&mut self, node: &Node, service: &mut Declared) {
        let depends_on = get(node, "depends_on");
        for entry in depends_on.map(Node::entries).unwrap_or_default() {
            if entry.value.tag.as_deref() == Some("!reset") {
                continue;
            }
            let condition = self.text(get(&entry.value, "condition"));
            let condition = condition.as_deref().map_or(Some(Condition::Started), Condition::of);
            let condition = condition.unwrap_or_else(|| {
                self.wrong(&entry.value, "condition");
                Condition::Started
            });
            service.depends_on.insert(entry.key.clone(), condition);
        }
        for name in depends_on.map(|list| self.items(list)).unwrap_or_default() {
            service.depends_on.insert(name, Condition::Started);
        }
        for name in self.implied(node) {
            if !service.depends_on.contains_key(&name) {
                service.depends_on.insert(name.clone(), Condition::Started);
                service.implied.insert(name);
            }
        }
    }

    /// Services that it needs for another reason than `depends_on`.
    fn implied(&self, node: &Node) -> BTreeSet<String> {
        let first = |text: &String| text.split(':').next().unwrap_or_default().to_owned();
        let of = |key: &str| get(node, key).map(|list| self.items(list)).unwrap_or_default();
        let mut names: BTreeSet<String> = of("links").iter().map(first).collect();
        let volumes = of("volumes_from");
        names.extend(volumes.iter().map(first).filter(|name| name != "container"));
        for key in ["network_mode", "ipc", "pid", "uts", "cgroup"] {
            let text = self.text(get(node, key)).unwrap_or_default();
            names.extend(text.strip_prefix("service:").map(str::to_owned));
        }
        names
    }

    /// Labels are a map, or a list of `key=value`.
    fn ignored(&self, labels: &Node) -> Option<bool> {
        let of_list = |item: String| Some(item.strip_prefix(IGNORE)?.strip_prefix('=')?.to_owned());
        let listed = || self.items(labels).into_iter().find_map(of_list);
        truth(&self.text(get(labels, IGNORE)).or_else(listed)?)
    }

    /// The texts of a list; none for anything else.
    fn items(&self, node: &Node) -> Vec<String> {
        node.items().iter().filter_map(|item| self.text(Some(item))).collect()
    }
}

/// The value of a key, if the file says one.
pub fn get<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    node.get(key).filter(|value| is_said(value))
}

/// Null says nothing, and what stands behind `!reset` counts for nothing.
pub fn is_said(node: &Node) -> bool {
    let is_null = matches!(&node.value, Value::Scalar(scalar) if scalar.resolve().is_null());
    !is_null && node.tag.as_deref() != Some("!reset")
}

/// The keys below the node that drop what was before.
fn resets(node: &Node, path: &str, found: &mut Vec<String>) {
    if matches!(node.tag.as_deref(), Some("!reset" | "!override")) {
        found.extend(Declared::has(path).then(|| path.to_owned()));
        return;
    }
    for entry in node.entries() {
        let dot = if path.is_empty() { "" } else { "." };
        resets(&entry.value, &format!("{path}{dot}{}", entry.key), found);
    }
}
