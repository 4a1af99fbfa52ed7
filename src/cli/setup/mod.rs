//! `compose-setup`: what the services of `docker-compose.monitoring.yml` need before they start.
//!
//! Alertmanager reads no environment, so its file is made here from the one that is shipped and
//! from `.env`. Grafana's password is made up once. Each is put into a folder of its own, which
//! only the service that it is for sees.

mod receivers;
mod ways;

use std::io::{ErrorKind, Read as _};
use std::path::Path;

use serde_json::Value;

use super::args::ComposeSetup;
use super::{BAD_USAGE, bundle, print, tell, tell_all};
use crate::config::tree;
use crate::{files, load};

use ways::Ways;

/// More than any configuration of Alertmanager has.
const LONGEST: u64 = 8 << 20;
/// Beside `alertmanager.yml`.
const TEMPLATES: &str = "templates/stack.tmpl";
/// Bytes of chance in a password.
const STRENGTH: usize = 12;

pub(super) fn run(arguments: &ComposeSetup) -> u8 {
    let ways = match Ways::read(&load::environment) {
        Ok(ways) => ways,
        Err(mistakes) => {
            tell_all(&mistakes);
            tell("correct it in .env, then: docker compose -f docker-compose.monitoring.yml up -d");
            return BAD_USAGE;
        }
    };
    let told = alertmanager(&arguments.alertmanager, &arguments.into, &ways)
        .and_then(|()| password(&arguments.into.join("grafana/admin_password")));
    if let Err(message) = told {
        tell(&message);
        return 1;
    }
    print(&summary(&ways));
    0
}

/// The shipped file with the addresses that are set, and no way that is not.
fn alertmanager(from: &Path, into: &Path, ways: &Ways) -> Result<(), String> {
    let name = from.display();
    let bytes = files::read(from, LONGEST).map_err(|error| format!("{name}: {error}"))?;
    let read = tree::parse_foreign(&String::from_utf8_lossy(&bytes));
    let documents = read.map_err(|problems| match problems.first() {
        Some(problem) => problem.in_file(&name.to_string()).to_string(),
        None => format!("{name}: not valid yaml"),
    })?;
    let mut config = documents.first().map_or(Value::Null, tree::Node::to_json);
    let folder = from.parent().unwrap_or(from).display().to_string();
    receivers::fill(&mut config, ways, &folder);
    let templates = files::read(&Path::new(&folder).join(TEMPLATES), LONGEST).unwrap_or_default();
    let grafana = ways.grafana.as_deref();
    let links = grafana.and_then(|url| board_links(&String::from_utf8_lossy(&templates), url));
    let place = into.join("alertmanager/links.tmpl");
    put(&place, &links.unwrap_or_default())?;
    if let Some(Value::Array(list)) = config.get_mut("templates") {
        // The last definition of a template counts.
        list.push(Value::String("links.tmpl".to_owned()));
    }
    let text = serde_json::to_string_pretty(&config).unwrap_or_default() + "\n";
    put(&into.join("alertmanager/alertmanager.yml"), &text)
}

/// The line of the templates that holds Grafana's address, with this one.
fn board_links(templates: &str, url: &str) -> Option<String> {
    const EMPTY: &str = r#"$address := """#;
    let is_it = |line: &&str| line.contains(r#"define "stack.grafana""#) && line.contains(EMPTY);
    let line = templates.lines().find(is_it)?;
    Some(line.replace(EMPTY, &format!(r#"$address := "{url}""#)) + "\n")
}

/// A password for Grafana, the first time only: Grafana reads it at its own first start, and what
/// was changed there since is its own.
fn password(place: &Path) -> Result<(), String> {
    match place.metadata() {
        Ok(found) if found.len() > 0 => return Ok(()),
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(format!("{}: {error}", place.display()));
        }
        _ => {}
    }
    let mut bytes = [0; STRENGTH];
    let drawn = std::fs::File::open("/dev/urandom");
    let drawn = drawn.and_then(|mut source| source.read_exact(&mut bytes));
    drawn.map_err(|error| format!("/dev/urandom: {error}"))?;
    put(place, &bundle::hex(&bytes))
}

fn put(place: &Path, text: &str) -> Result<(), String> {
    bundle::write(place, text).map_err(|error| {
        format!("{}: not written: {error}; is the volume of another user?", place.display())
    })
}

/// Who is told, and if nobody is, what to do about it.
fn summary(ways: &Ways) -> String {
    const AGAIN: &str = "set one in .env (.env.example has them all), then: docker compose \
                         -f docker-compose.monitoring.yml up -d";
    let names = ways.names();
    let mut out = if names.is_empty() {
        format!(
            "messages: no way is set, so nobody is told of anything: alerts are on the pages of Prometheus, \
             Alertmanager and Grafana only; {AGAIN}\n"
        )
    } else {
        format!("messages: go out by {}\n", names.join(", "))
    };
    out += match ways.heartbeat {
        Some(_) => "heartbeat: goes out each minute\n",
        None => "heartbeat: none, so nobody is told when this machine is gone (HEARTBEAT_URL)\n",
    };
    out + "Grafana: user admin; the first password is printed by: docker compose -f \
           docker-compose.monitoring.yml exec grafana cat /run/stack/admin_password\n"
}

#[cfg(test)]
mod tests;
