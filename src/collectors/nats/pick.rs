//! Which consumers have series of their own, and what is told of the others.

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::answers::ConsumerDetail;
use super::config::{Consumers, Prefix};
use super::sample::Names;
use crate::catalogue::metrics;

/// Without `most`.
const MOST: usize = 2_000;

/// Patterns for consumers.
pub struct Pick {
    allow: GlobSet,
    deny: GlobSet,
    all: bool,
    pub most: usize,
    /// Whether all is told under the names of the helm chart, too.
    pub helm: bool,
}

impl Pick {
    /// A pattern that is none is a mistake of the configuration, and none here.
    pub fn new(config: &Consumers, prefix: Prefix) -> Self {
        let set = |patterns: &[String]| {
            let mut set = GlobSetBuilder::new();
            for glob in patterns.iter().filter_map(|pattern| Glob::new(pattern).ok()) {
                set.add(glob);
            }
            set.build().unwrap_or_default()
        };
        Self {
            allow: set(&config.allow),
            deny: set(&config.deny),
            all: config.allow.is_empty(),
            most: config.most.unwrap_or(MOST),
            helm: prefix == Prefix::Nats,
        }
    }

    /// Whether a consumer has series of its own. Those without a durable name come and go with their clients.
    pub fn has_own(&self, stream: &str, consumer: &ConsumerDetail) -> bool {
        if consumer.config.as_ref().is_some_and(|config| config.durable_name.is_empty()) {
            return false;
        }
        let both = format!("{stream}/{}", consumer.name);
        let one_of = |set: &GlobSet| set.is_match(&both) || set.is_match(&consumer.name);
        (self.all || one_of(&self.allow)) && !one_of(&self.deny)
    }
}

/// The consumers of a stream that have no series of their own.
pub struct Others {
    pub names: Names,
    pub account: String,
    pub stream: String,
    pub count: u64,
    pub pending: u64,
    pub ack_pending: u64,
}

impl Others {
    pub fn of(names: &Names, account: &str, stream: &str) -> Self {
        Self {
            names: names.clone(),
            account: account.to_owned(),
            stream: stream.to_owned(),
            count: 0,
            pending: 0,
            ack_pending: 0,
        }
    }

    pub fn add(&mut self, one: &ConsumerDetail) {
        self.count += 1;
        let add = |sum: u64, more: Option<u64>| sum.saturating_add(more.unwrap_or(0));
        let facts = one.known_here();
        self.pending = add(self.pending, facts.num_pending);
        self.ack_pending = add(self.ack_pending, facts.num_ack_pending);
    }
}

metrics! { Others {
    labels {
        server_id = |o| &o.names.server_id, account = |o| &o.account, stream_name = |o| &o.stream,
    }
    /// Consumers of the stream without series of their own: ephemeral ones, and those that `consumers` leaves out. Source: /jsz.
    gauge stack_nats_stream_other_consumers = |o| o.count;
    /// Messages not yet delivered to these consumers, as a sum. Source: /jsz num_pending.
    gauge stack_nats_stream_other_consumers_pending = |o| o.pending;
    /// Messages delivered to these consumers and not yet acknowledged, as a sum. Source: /jsz num_ack_pending.
    gauge stack_nats_stream_other_consumers_ack_pending = |o| o.ack_pending;
} }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Row as _;
    use crate::collectors::nats::sample::Consumer;

    fn one(name: &str, config: &str) -> ConsumerDetail {
        serde_json::from_str(&format!("{{\"name\": \"{name}\"{config}}}")).unwrap()
    }

    #[test]
    fn durable_ones_that_are_allowed_and_not_denied() {
        let durable =
            |name: &str| one(name, &format!(", \"config\": {{\"durable_name\": \"{name}\"}}"));
        let own = |allow: &[&str], deny: &[&str], consumer: &ConsumerDetail| {
            let text = |all: &[&str]| all.iter().map(ToString::to_string).collect();
            let config = Consumers { allow: text(allow), deny: text(deny), most: None };
            Pick::new(&config, Prefix::Gnatsd).has_own("TASKS", consumer)
        };
        assert!(own(&[], &[], &durable("w")));
        assert!(own(&[], &[], &one("w", "")), "a server that does not tell");
        assert!(!own(&[], &[], &one("AbC", ", \"config\": {\"inactive_threshold\": 5}")));
        assert!(own(&["TASKS/*"], &[], &durable("w")) && own(&["w*"], &[], &durable("w1")));
        assert!(!own(&["OTHER/*"], &[], &durable("w")));
        assert!(!own(&[], &["w*"], &durable("w1")) && !own(&["w*"], &["TASKS/w1"], &durable("w1")));
    }

    /// The bound of the issue: with all that is said of one consumer, under either prefix.
    #[test]
    fn twelve_series_of_a_consumer_at_most_and_five_labels_of_our_own() {
        let facts = Consumer::TABLE.facts();
        assert!(!facts.is_empty() && facts.len() <= 12, "{}", facts.len());
        for one in facts.iter().filter(|one| one.name.starts_with("stack_")) {
            assert!(one.labels.len() <= 5, "{}: {:?}", one.name, one.labels);
        }
        let tables = crate::collectors::nats::AREA.tables.iter().flat_map(|table| (table.facts)());
        let of_consumers = tables
            .filter(|one| one.labels.contains(&"consumer_name") && !one.name.starts_with("nats_"));
        assert!(of_consumers.count() <= 12);
    }
}
