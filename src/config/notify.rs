//! The section `notify`: messages without Prometheus. `notify::mistakes` checks it.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Access, Dur, SafeUrl, Secret};

/// Messages from the exporter itself, for who has no Alertmanager. Without this section none is sent.
/// At least one of `ntfy`, `telegram`, `slack`, `mattermost`, `webhook` and `mail`; each gets every message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Notify {
    /// Least severity that is told: `critical` (the default) or `warning`. Advice never is.
    pub severity: Least,
    /// Messages within an hour; of what is more, one message says how it stands, and the rest waits.
    /// Default `20`.
    #[schemars(range(min = 1, max = 1000))]
    pub per_hour: u32,
    /// How often what is still critical is told again; `0s` is never. Default `1d`.
    pub repeat: Dur,
    /// A web service that alarms when nothing is heard from the exporter any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Heartbeat>,
    /// A topic of ntfy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ntfy: Option<Post>,
    /// A chat of Telegram, by a bot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub telegram: Option<Telegram>,
    /// An incoming webhook of Slack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slack: Option<Post>,
    /// An incoming webhook of Mattermost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mattermost: Option<Post>,
    /// An address that takes a JSON document by POST.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Post>,
    /// Mail by SMTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<Mail>,
}

impl Default for Notify {
    fn default() -> Self {
        Self {
            severity: Least::Critical,
            per_hour: 20,
            repeat: Duration::from_hours(24).into(),
            heartbeat: None,
            ntfy: None,
            telegram: None,
            slack: None,
            mattermost: None,
            webhook: None,
            mail: None,
        }
    }
}

/// From which severity on something is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Least {
    Critical,
    Warning,
}

/// An address that is a secret, as whoever knows it can send.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("additionalProperties" = false))]
pub struct Post {
    /// The address: of ntfy with the topic, `https://ntfy.sh/my-topic`. Better a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<Secret>,
    /// File with the address, one line; it is read at each message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_file: Option<PathBuf>,
    #[serde(flatten)]
    pub access: Access,
}

/// A sign of life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("additionalProperties" = false))]
pub struct Heartbeat {
    /// From one sign to the next; default `1m`.
    pub every: Dur,
    #[serde(flatten)]
    pub to: Post,
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self { every: Duration::from_mins(1).into(), to: Post::default() }
    }
}

/// A bot, and the chat that it writes to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Telegram {
    /// The chat: a number between quotes, which is negative for a group, or `@channel`.
    pub chat: String,
    /// Token of the bot; better a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// File with the token of the bot, one line; it is read at each message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// Address of a Bot API server of your own. Default `https://api.telegram.org`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<SafeUrl>,
}

/// A mail server, and who writes to whom.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    /// The mail server's name.
    pub server: String,
    /// Default `587`, with `tls: implicit` `465`, with `tls: none` `25`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// `starttls` (the default), `implicit` (TLS from the first byte), or `none`, for a server on
    /// this machine only.
    pub tls: MailTls,
    /// Let `tls: none` reach a server that is not on this machine: who listens on the way reads mails and password.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allow_plain: bool,
    /// PEM file of the authority that signed the server's certificate; default the public ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// User of the mail server, if it wants one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Password of `username`; better a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// File with the password of `username`, one line; it is read at each message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Sender: `stack@example.org` or `Stack <stack@example.org>`.
    pub from: String,
    /// Receivers, each in the same form.
    pub to: Vec<String>,
}

/// How a mail server is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailTls {
    #[default]
    Starttls,
    Implicit,
    None,
}
