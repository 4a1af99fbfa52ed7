//! The list of collectors. A new one is a folder beside this file, named here and in `areas!`.

pub mod backup;
pub mod docker;
pub mod files;
pub mod gpu;
pub mod host;
pub mod logs;
pub mod nats;
pub mod postgres;
pub mod probe;
pub mod process;
pub mod queue;
pub mod store;
pub mod systemd;

use std::collections::BTreeMap;

use crate::catalogue::Catalogue;
use crate::plan::Plan;

/// From `section: module` this writes the configuration's sections, the catalogue
/// (in this order) and the plan. Every module provides `Section`, `AREA` and `plan`.
macro_rules! areas {
    ($($(#[doc = $doc:literal])+ $section:ident: $module:ident,)+) => {
        /// The configuration file: what to watch, by area. No file at all is valid; what can be
        /// found is then watched.
        #[derive(Debug, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct Config {
            $($(#[doc = $doc])+
            #[serde(skip_serializing_if = "Option::is_none")]
            pub $section: Option<$module::Section>,)+
            /// How addresses are read that a request to `/probe` names, by the name that it gives as
            /// `module`. `web.probe_allow` says which addresses.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub modules: Option<BTreeMap<String, Module>>,
            /// How the exporter is reached.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub web: Option<crate::config::Web>,
            /// Messages from the exporter itself, for who has no Alertmanager.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub notify: Option<crate::config::Notify>,
        }

        /// Everything that the exporter can say.
        pub static CATALOGUE: Catalogue =
            Catalogue::new(&[&crate::engine::OWN_AREA, $(&$module::AREA),+]);

        /// The sections of the file that declare targets.
        pub const SECTIONS: &[&str] = &[$(stringify!($section)),+];

        /// The section of the file in which targets of an area are declared.
        pub fn section_of(area: &str) -> Option<&'static str> {
            [$(($module::AREA.name, stringify!($section))),+]
                .into_iter()
                .find_map(|(name, section)| (name == area).then_some(section))
        }

        /// Which targets the configuration asks for, and which can be found without it.
        pub fn plan(config: &Config, plan: &mut Plan) {
            $(plan.section(stringify!($section), &$module::AREA);
            $module::plan(config.$section.as_ref(), plan);)+
            offer(config.modules.as_ref(), plan);
        }
    };
}

/// From `Name: module` this writes what the section `modules` may hold. Every module provides
/// `Module`, whose key `kind` tells it from the others, and `offer`.
macro_rules! modules {
    ($($name:ident: $module:ident,)+) => {
        /// A way to read what a request names.
        #[derive(Clone, Debug, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
        #[serde(untagged)]
        pub enum Module {
            $($name(Box<$module::Module>),)+
        }

        fn offer(modules: Option<&BTreeMap<String, Module>>, plan: &mut Plan) {
            for (name, module) in modules.into_iter().flatten() {
                match module {
                    $(Module::$name(module) => {
                        plan.section("modules", &$module::AREA);
                        $module::offer(name, module, plan);
                    })+
                }
            }
        }
    };
}

modules! {
    Postgres: postgres,
    Probe: probe,
}

areas! {
    /// Containers of a Docker Engine, and the services that its Compose files declare.
    /// A container may bring along thresholds of its own in its labels, as in a Compose file:
    /// `stack-exporter.threshold.memory: 95%`, with the name of a signal, and a value as under
    /// `thresholds` or one for each severity, `warning:90%,critical:95%`. They hold for this container,
    /// and those of signals that judge services, such as `restarts`, for its service; they go before
    /// patterns of `except`, and names in `except` before them. At most 16 a container and 200 in all;
    /// what is wrong with one is told as a part that cannot be seen. With
    /// `stack-exporter.ignore: true` the container is left out, as by `exclude`.
    docker: docker,
    /// PostgreSQL databases: each target is a session to one named database.
    postgres: postgres,
    /// NATS servers by their monitoring port.
    nats: nats,
    /// Stores: Redis, Qdrant, MongoDB.
    stores: store,
    /// Queues of jobs: an HTTP JSON status, a JetStream consumer, RabbitMQ, Redis, SQL on PostgreSQL, or SQLite.
    queues: queue,
    /// What has to answer: web pages, ports, certificates, WebSockets, hosts.
    probes: probe,
    /// Log files: lines by level, and what is counted in them.
    logs: logs,
    /// Files that must be there, be fresh, stay within bounds, or be seen by nobody.
    files: files,
    /// Backups: files by their generations, or snapshots of Qdrant.
    backups: backup,
    /// The machine itself.
    host: host,
    /// NVIDIA GPUs, and what has to be on them.
    gpu: gpu,
    /// Processes that must run.
    processes: process,
    /// Units of systemd that must be there, and those that have failed.
    systemd: systemd,
}
