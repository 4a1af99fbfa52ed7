//! Whether a server that refuses us without encryption would take us with it. Its text says so, but in a
//! language that we need not know; so it is asked.

use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connect::{connector, reach};
use super::methods::{LogIn, Methods};
use super::server::Place;
use super::watch::{Watched, WatchedTls};
use crate::clients::anybody;

const PATIENCE: Duration = Duration::from_secs(1);

/// Says over TLS who we are and nothing else: whoever it is, he gets no password. A server that lets us in,
/// or asks for the password, has a line for us.
pub(super) async fn would_let_in(config: &Config, place: &Place) -> bool {
    let attempt = async {
        if place.is_socket() {
            return false;
        }
        let Ok(tls) = anybody::config().map(MakeRustlsConnect::new) else { return false };
        let Ok((stream, _)) = reach(place).await else { return false };
        let Ok(inner) = connector(&tls, &place.host) else { return false };
        let log_in = || LogIn::new(Methods::default(), true);
        let mut unarmed = Config::new();
        unarmed.ssl_mode(SslMode::Require);
        unarmed.user(config.get_user().unwrap_or_default());
        unarmed.dbname(config.get_dbname().unwrap_or_default());
        let stream = Watched::asked(stream, log_in());
        match unarmed.connect_raw(stream, WatchedTls { inner, log_in: log_in() }).await {
            Ok(_) => true,
            // He asks for the password, and the driver has none.
            Err(error) => error.to_string().contains("invalid configuration"),
        }
    };
    tokio::time::timeout(PATIENCE, attempt).await.unwrap_or(false)
}
