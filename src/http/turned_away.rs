//! Clients that were turned away: counted always, told once a minute.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::{Clients, Refusal};

const QUIET: Duration = Duration::from_mins(1);

/// Counts refusals and says so in the log.
pub struct TurnedAway {
    clients: Arc<Clients>,
    told: Mutex<[Option<Instant>; Refusal::ALL.len()]>,
}

impl TurnedAway {
    pub(super) fn new(clients: Arc<Clients>) -> Self {
        Self { clients, told: Mutex::default() }
    }

    pub(super) fn note(&self, why: Refusal) {
        let count = self.clients.refused(why);
        if self.is_news(why, Instant::now()) {
            let reason = why.as_str();
            tracing::warn!(
                reason,
                count,
                "clients are turned away: {}; stack_http_refused_total goes on counting",
                sentence(why)
            );
        }
    }

    fn is_news(&self, why: Refusal, now: Instant) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = told.get_mut(why as usize) else { return false };
        let news = last.is_none_or(|last| now.saturating_duration_since(last) >= QUIET);
        if news {
            *last = Some(now);
        }
        news
    }
}

const fn sentence(why: Refusal) -> &'static str {
    match why {
        Refusal::Connections => "too many connections at once, so those that waited longest go",
        Refusal::Files => "hardly a file is left to open, so those that waited longest go",
        Refusal::HeadTime => "the head of a request did not come in time",
        Refusal::HeadSize => "the head of a request is too large",
        Refusal::AnswerTime => "an answer was not taken in time",
        Refusal::Tls => {
            "a TLS handshake failed, was none, or did not come in time; a client may lack the certificate that is wanted"
        }
        Refusal::Login => "the user or the password is wrong",
        Refusal::Logins => "more passwords are to be checked at once than there is time for",
        Refusal::Host => "the name asked for is not in web.allowed_hosts",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_told_once_a_minute_and_counted_always() {
        let clients = Arc::new(Clients::default());
        let away = TurnedAway::new(Arc::clone(&clients));
        let now = Instant::now();
        assert!(away.is_news(Refusal::Host, now));
        assert!(!away.is_news(Refusal::Host, now + QUIET / 2));
        assert!(away.is_news(Refusal::Files, now + QUIET / 2), "another reason");
        assert!(away.is_news(Refusal::Host, now + QUIET));
        for why in Refusal::ALL {
            away.note(why);
            away.note(why);
        }
        assert!(
            clients.refusals().iter().all(|(_, count)| *count == 2),
            "{:?}",
            clients.refusals()
        );
    }
}
