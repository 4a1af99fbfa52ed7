//! What a configuration says of the server itself: the names that it answers to, what may be asked
//! of it, and where people find it.

use std::sync::{Arc, Mutex, PoisonError};

use super::machine::Machine;
use super::{place, say};
use crate::collectors::Config;
use crate::engine::Board;
use crate::http::listen::Address;
use crate::http::{Door, Hosts, Lock};
use crate::plan::OnDemand;

pub(super) struct Front {
    pub hosts: Arc<Hosts>,
    pub door: Arc<Door>,
    pub lock: Arc<Lock>,
    address: Address,
    machine: Mutex<Machine>,
}

impl Front {
    pub fn new(address: Address, lock: Arc<Lock>) -> Self {
        let (hosts, door) = (Arc::new(Hosts::of_this_machine()), Arc::new(Door::default()));
        Self { hosts, door, lock, address, machine: Mutex::default() }
    }

    /// Takes what a new configuration says in place of the last one's.
    pub fn take(&self, config: &Config, on_demand: OnDemand, board: &Board) {
        self.hosts.allow(config.web.as_ref());
        self.door.allow(on_demand);
        *self.machine.lock().unwrap_or_else(PoisonError::into_inner) = Machine::of(config);
        self.introduce(board);
    }

    /// Says where we are found, which a lock that speaks TLS from now on changes.
    pub fn introduce(&self, board: &Board) {
        let machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        board.introduce(machine.info(&self.address, self.lock.is_https()));
    }

    /// Says to the person who started us where the metrics and the page are, and who else reads them.
    pub fn announce(&self, telemetry_path: &str) {
        let scheme = if self.lock.is_https() { "https" } else { "http" };
        if let Some(warning) = place::open_to_all(&self.address, self.lock.keeps_out()) {
            say(&warning);
        }
        match &self.address {
            Address::Tcp(address) => {
                say(&format!("serving {scheme}://{address}{telemetry_path}"));
                say(&format!("status page {scheme}://{}/", place::reachable(*address)));
            }
            Address::Unix(path) => say(&format!(
                "serving {}; try: curl {}--unix-socket {} {scheme}://localhost{telemetry_path}",
                self.address,
                if self.lock.is_https() { "--insecure " } else { "" },
                path.display()
            )),
        }
    }
}
