//! The metrics that are read of Docker and of things: by name, as a person would ask for them.

/// Writes a constant for each name, and the list of all of them.
macro_rules! names {
    ($($constant:ident = $name:literal,)+) => {
        $(pub const $constant: &str = $name;)+

        /// All of them, to be held against the catalogue.
        #[cfg(test)]
        pub const ALL: &[&str] = &[$($name),+];
    };
}

names! {
    SERVICE_STATE = "stack_service_state",
    SERVICE_REPLICAS = "stack_service_replicas",
    SERVICE_DEPLOYING = "stack_service_deploying",
    SERVICE_RESTARTS = "stack_service_restarts_total",
    SERVICE_RESTART_LOOP = "stack_service_restart_loop",
    SERVICE_MEMORY_LIMIT = "stack_service_declared_memory_limit_bytes",
    SERVICE_CPU_LIMIT = "stack_service_declared_cpu_limit_cores",
    CONTAINER_STATE = "stack_container_state",
    CONTAINER_HEALTH = "stack_container_health",
    CONTAINER_FAILED = "stack_container_failed",
    CONTAINER_FAILED_START = "stack_container_failed_start",
    CONTAINER_CREATED = "stack_container_created_timestamp_seconds",
    CONTAINER_STARTED = "container_start_time_seconds",
    CONTAINER_FINISHED = "stack_container_finished_timestamp_seconds",
    CONTAINER_EXIT_CODE = "stack_container_exit_code",
    CONTAINER_MEMORY = "stack_container_memory_unreclaimable_bytes",
    CONTAINER_MEMORY_LIMIT = "container_spec_memory_limit_bytes",
    CONTAINER_CPU = "container_cpu_usage_seconds_total",
    CONTAINER_CPU_LIMIT = "stack_container_cpu_limit_cores",
    CONTAINER_IMAGE = "stack_container_image_info",
    CONTAINER_IMAGE_AGE = "stack_container_image_age_seconds",
    CONTAINER_IMAGE_OUTDATED = "stack_container_image_outdated",
    CONTAINER_PORT = "stack_container_port_exposed",
    UNIT_STATE = "stack_unit_state",
    UNIT_STARTED = "stack_unit_start_time_seconds",
    PROCESSES = "namedprocess_namegroup_num_procs",
    PROCESS_STARTED = "namedprocess_namegroup_oldest_start_time_seconds",
    FILES = "stack_file_matches",
    FILE_AGE = "stack_file_newest_age_seconds",
    LOADED = "stack_config_last_reload_success_timestamp_seconds",
}

#[cfg(test)]
mod tests {
    use crate::collectors::CATALOGUE;

    #[test]
    fn each_is_in_the_catalogue() {
        for name in super::ALL {
            assert!(CATALOGUE.locate(name).is_some(), "{name}");
        }
    }
}
