//! `/probe?target=&module=`: one target, read now.
//!
//! A declared target is asked for by its name or its address; what is read is its own reading, as
//! on `/metrics`. Another address is read if a module of the configuration can do so and
//! `web.probe_allow` lets it, as whom the module says: a request brings no credentials. That a
//! target cannot be read is an answer like any other, with 200 and its rows.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use tokio::sync::Semaphore;

use super::Server;
use super::metrics::{answer, patience};
use crate::engine::{Asked, Busy, Snapshot, Target, TargetId};
use crate::plan::{Module, OnDemand};

/// For who does not say how long he waits, and the most for those who do.
const PATIENCE: Duration = Duration::from_secs(10);
const MOST_PATIENCE: Duration = Duration::from_mins(1);
/// Requests that wait for a reading, be it one for all: each keeps a connection from others.
const WAITING: usize = 64;

/// What may be asked for, by the configuration in force.
pub struct Door {
    on_demand: RwLock<Arc<OnDemand>>,
    waiting: Semaphore,
}

impl Default for Door {
    fn default() -> Self {
        Self { on_demand: RwLock::default(), waiting: Semaphore::new(WAITING) }
    }
}

impl Door {
    /// Takes what a new configuration allows in place of what the last one did.
    pub fn allow(&self, on_demand: OnDemand) {
        *self.on_demand.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(on_demand);
    }

    fn now(&self) -> Arc<OnDemand> {
        Arc::clone(&self.on_demand.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Why there is no reading. The words say what to do and nothing of what was asked for.
#[derive(Debug, PartialEq, Eq)]
enum Refused {
    Invalid(String),
    NotAllowed,
    Busy,
}

const NOT_ALLOWED: &str = "this address may not be read: it is no declared target's, and no pattern of `probe_allow` in the \
                           section `web` of the configuration file matches its `host:port` or `host:port/...`; add one there\n";
const TOO_MANY: &str = "too many readings on demand at once; ask again, or declare the targets\n";
const USER_INFO: &str = "`target` must have no user and no password in it: they are those of the module, from the section \
                         `modules` of the configuration file";
const NO_MODULE: &str = "no declared target has this name or address; another address needs `module=` with a name from the \
                         section `modules` of the configuration file";

impl Refused {
    fn invalid(text: &str) -> Self {
        Self::Invalid(text.to_owned())
    }

    const fn asked(&self) -> Asked {
        match self {
            Self::Invalid(_) => Asked::Invalid,
            Self::NotAllowed => Asked::NotAllowed,
            Self::Busy => Asked::Busy,
        }
    }
}

impl From<Busy> for Refused {
    fn from(Busy: Busy) -> Self {
        Self::Busy
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Invalid(why) => (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
            Self::NotAllowed => (StatusCode::FORBIDDEN, NOT_ALLOWED).into_response(),
            Self::Busy => {
                let again = [(header::RETRY_AFTER, "1")];
                (StatusCode::SERVICE_UNAVAILABLE, again, TOO_MANY).into_response()
            }
        }
    }
}

pub(super) async fn serve(
    State(server): State<Server>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let patience = patience(&headers).unwrap_or(PATIENCE).min(MOST_PATIENCE);
    match read(&server, query.as_deref().unwrap_or_default(), patience).await {
        Ok(snapshot) => {
            server.board.note_probe(Asked::Served);
            answer(snapshot, &headers)
        }
        Err(refused) => {
            server.board.note_probe(refused.asked());
            refused.into_response()
        }
    }
}

async fn read(server: &Server, query: &str, patience: Duration) -> Result<Snapshot, Refused> {
    let question = Question::read(query)?;
    let _place = server.door.waiting.try_acquire().map_err(|_| Refused::Busy)?;
    let declared: Vec<_> = server.board.slots().iter().map(|slot| slot.target()).collect();
    match find(&question, &declared, &server.door.now(), patience)? {
        What::Declared(id) => match server.board.ask(&id, patience).await {
            Some(snapshot) => Ok(snapshot),
            // A reload came between.
            None => Err(Refused::invalid(NO_MODULE)),
        },
        What::Other(target) => Ok(server.board.once(*target, patience).await?),
    }
}

/// A declared target, or one that is made for this request.
enum What {
    Declared(TargetId),
    Other(Box<Target>),
}

fn find(
    question: &Question,
    declared: &[Arc<Target>],
    on_demand: &OnDemand,
    patience: Duration,
) -> Result<What, Refused> {
    let module = question.module.as_deref().map(|name| module(name, on_demand)).transpose()?;
    let area = module.map(|module| module.area().name);
    let fits = |target: &&Arc<Target>| area.is_none_or(|area| target.id.area == area);
    let one = |found: Vec<&Arc<Target>>| match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(What::Declared(one.id.clone()))),
        _ => Err(Refused::invalid("several declared targets have this name or address")),
    };
    let text = question.target.as_str();
    let named = declared.iter().filter(fits).filter(|target| target.id.name == text);
    if let Some(what) = one(named.collect())? {
        return Ok(what);
    }
    let Some(module) = module else {
        let bare = text.split_once("://").map_or(text, |(_, bare)| bare);
        let there = declared.iter().filter(|it| it.place == text || it.place == bare);
        return one(there.collect())?.ok_or_else(|| Refused::invalid(NO_MODULE));
    };
    let wanted = module.target(text, patience);
    let wanted = wanted.map_err(|why| Refused::Invalid(format!("target: {why}")))?;
    let there = declared.iter().filter(fits).filter(|it| it.place == wanted.target.place);
    if let Some(what) = one(there.collect())? {
        return Ok(what);
    }
    if on_demand.allows(&wanted) {
        return Ok(What::Other(Box::new(wanted.target)));
    }
    Err(Refused::NotAllowed)
}

fn module<'a>(name: &str, on_demand: &'a OnDemand) -> Result<&'a Module, Refused> {
    on_demand.modules.get(name).ok_or_else(|| {
        Refused::invalid("`module` names none of the section `modules` of the configuration file")
    })
}

#[derive(Debug, PartialEq, Eq)]
struct Question {
    target: String,
    module: Option<String>,
}

impl Question {
    fn read(query: &str) -> Result<Self, Refused> {
        let (mut target, mut module) = (None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let place = match key {
                "target" => &mut target,
                // As `postgres_exporter` has it.
                "module" | "auth_module" => &mut module,
                _ => return Err(Refused::invalid("only `target` and `module` are known here")),
            };
            let value = value.replace('+', " ");
            let value = percent_decode_str(&value).decode_utf8();
            let value = value.map_err(|_| Refused::invalid("the query is not UTF-8 text"))?;
            if place.replace(value.into_owned()).is_some() {
                return Err(Refused::invalid("`target` and `module` may be given once each"));
            }
        }
        let Some(target) = target.filter(|text| !text.is_empty()) else {
            return Err(Refused::invalid("`target=` is missing: a target's name or its address"));
        };
        if target.contains('@') {
            return Err(Refused::invalid(USER_INFO));
        }
        Ok(Self { target, module: module.filter(|text| !text.is_empty()) })
    }
}

#[cfg(test)]
mod tests;
