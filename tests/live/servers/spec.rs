//! What to run as a container.

use bollard::models::ContainerCreateBody;
use serde_json::{Value, json};

/// The image that every Engine gets first.
pub const IMAGE: &str = "stack-live/busybox:1";

/// What to run; see the methods.
#[derive(Clone, Debug)]
pub struct ContainerSpec {
    pub name: String,
    body: Value,
}

impl ContainerSpec {
    /// `name` gets the run's prefix. Without a command the container sleeps.
    pub fn new(name: &str) -> Self {
        let body = json!({
            "Image": IMAGE,
            "Cmd": ["sleep", "86400"],
            "Env": [],
            "Labels": {},
            // Few tests need a network in a container, and it takes a quarter of a second.
            "HostConfig": { "NetworkMode": "none" },
        });
        Self { name: name.to_owned(), body }
    }

    /// The only replica of a service, set up so that nothing about it deserves an alert.
    pub fn calm(project: &str, service: &str) -> Self {
        Self::lone(&format!("{project}-{service}")).compose(project, service, 1)
    }

    /// As `calm`, without Compose.
    pub fn lone(name: &str) -> Self {
        let log = json!({ "Type": "json-file", "Config": { "max-size": "1m", "max-file": "2" } });
        Self::new(name).memory(32 << 20).merge("HostConfig", json!({ "LogConfig": log }))
    }

    /// As `calm`, and under another name than that of the first replica.
    pub fn replica(project: &str, service: &str, number: u32) -> Self {
        let mut spec = Self::calm(project, service).compose(project, service, number);
        spec.name = format!("{project}-{service}-{number}");
        spec
    }

    /// What `POST /containers/create` gets.
    ///
    /// # Panics
    /// When it says something that the client's type has no place for.
    pub fn body(&self) -> ContainerCreateBody {
        let typed = serde_json::from_value(self.body.clone()).expect("a body");
        let kept = serde_json::to_value(&typed).expect("a body as JSON");
        assert_eq!(lost(&self.body, &kept), None, "{kept}");
        typed
    }

    /// `bridge`, `host`, `container:ID`.
    pub fn network(self, mode: &str) -> Self {
        self.merge("HostConfig", json!({ "NetworkMode": mode }))
    }

    /// Publishes a port of the container on a port of an address of the Engine's machine.
    pub fn publish(self, container: u16, address: &str, host: u16) -> Self {
        let port = format!("{container}/tcp");
        let bound = json!([{ "HostIp": address, "HostPort": host.to_string() }]);
        self.merge("", json!({ "ExposedPorts": { &port: {} } }))
            .merge("HostConfig", json!({ "PortBindings": { &port: bound } }))
            .network("bridge")
    }

    pub fn image(self, image: &str) -> Self {
        self.set("/Image", json!(image))
    }

    pub fn command(self, command: &[&str]) -> Self {
        self.set("/Cmd", json!(command))
    }

    /// `command` for `sh -c`.
    pub fn shell(self, script: &str) -> Self {
        self.command(&["sh", "-c", script])
    }

    /// The labels that Docker Compose puts on the containers of a service.
    pub fn compose(self, project: &str, service: &str, number: u32) -> Self {
        self.label("com.docker.compose.project", project)
            .label("com.docker.compose.service", service)
            .label("com.docker.compose.container-number", &number.to_string())
            .label("com.docker.compose.oneoff", "False")
    }

    pub fn label(self, name: &str, value: &str) -> Self {
        self.merge("Labels", json!({ name: value }))
    }

    /// Can be given several times; the last one counts for a name in most programs.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        if let Some(list) = self.body.pointer_mut("/Env").and_then(Value::as_array_mut) {
            list.push(json!(format!("{name}={value}")));
        }
        self
    }

    /// Memory limit in bytes, without swap on top.
    pub fn memory(self, bytes: u64) -> Self {
        self.merge("HostConfig", json!({ "Memory": bytes, "MemorySwap": bytes }))
    }

    /// CPU limit in CPUs.
    pub fn cpus(self, cpus: f64) -> Self {
        let quota = serde_json::Number::from_f64((cpus * 1e5).round());
        let quota = quota.and_then(|n| n.as_f64()).map(|n| format!("{n:.0}"));
        let quota: i64 = quota.and_then(|n| n.parse().ok()).unwrap_or(0);
        self.merge("HostConfig", json!({ "CpuPeriod": 100_000, "CpuQuota": quota }))
    }

    /// Runs `script` every second; one failure makes the container unhealthy.
    pub fn health(self, script: &str) -> Self {
        let second = 1_000_000_000_u64;
        let check = json!({
            // On a busy machine a second passes before a shell has begun, and a check that takes half
            // of its time deserves an alert.
            "Test": ["CMD-SHELL", script], "Interval": second, "Timeout": 10 * second, "Retries": 1,
        });
        self.merge("", json!({ "Healthcheck": check }))
    }

    /// `always`, `unless-stopped`, or `on-failure` with the number of tries.
    pub fn restart(self, policy: &str, tries: u32) -> Self {
        let policy = json!({ "Name": policy, "MaximumRetryCount": tries });
        self.merge("HostConfig", json!({ "RestartPolicy": policy }))
    }

    /// Merges into the body of `POST /containers/create`, at its top or in one of its objects.
    pub fn merge(mut self, object: &str, fields: Value) -> Self {
        let place = if object.is_empty() { String::new() } else { format!("/{object}") };
        let target = self.body.pointer_mut(&place).and_then(Value::as_object_mut);
        if let (Some(target), Value::Object(fields)) = (target, fields) {
            target.extend(fields);
        }
        self
    }

    fn set(mut self, pointer: &str, value: Value) -> Self {
        if let Some(place) = self.body.pointer_mut(pointer) {
            *place = value;
        }
        self
    }
}

/// The first field that is not, or not so, in what became of it.
fn lost(asked: &Value, kept: &Value) -> Option<String> {
    let Value::Object(fields) = asked else {
        return (asked != kept).then(|| asked.to_string());
    };
    fields.iter().find_map(|(name, value)| {
        let there = lost(value, &kept[name.as_str()])?;
        Some(format!("{name}: {there}"))
    })
}
