//! Compose services, as other areas find them by the addresses of their own targets.

/// A service, and what it answers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub project: String,
    pub service: String,
    /// Its name in the networks of its project, and those of its containers.
    pub names: Vec<String>,
    /// Ports of this machine that it publishes.
    pub ports: Vec<u16>,
}
