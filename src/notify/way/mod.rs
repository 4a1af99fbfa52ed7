//! The ways by which messages go out, each with its form and with what its answers mean.

mod answer;
mod chat;
mod mail;
mod ntfy;
mod telegram;
mod webhook;

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::message::Message;
use crate::clients::access::read_secret;
use crate::clients::post;
use crate::config::notify::{Notify, Post};
use crate::config::{SafeUrl, Secret, Url};
use crate::failure::{Failure, Reason};

pub(super) use mail::mistakes as mail_mistakes;
pub(super) use ntfy::topic;

/// Files with secrets on a disk that hangs are not waited for any longer.
const FILES: Duration = Duration::from_secs(5);

/// What is to become of a message that was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// After this, if the receiver has said so.
    Later(Option<Duration>),
    Never,
}

/// A message that was not delivered.
#[derive(Debug)]
pub(super) struct Refused {
    pub failure: Failure,
    pub again: Again,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self { failure, again: Again::Later(None) }
    }
}

/// A way, by the configuration.
pub(super) struct Way {
    pub name: &'static str,
    to: To,
}

enum To {
    Post(Post, Form),
    Telegram(crate::config::notify::Telegram),
    Mail(crate::config::notify::Mail),
}

#[derive(Clone, Copy)]
enum Form {
    Ntfy,
    Slack,
    Mattermost,
    Json,
}

impl Way {
    /// Those that are configured.
    pub fn all(config: &Notify) -> Vec<Self> {
        let post = |name, post: &Option<Post>, form| {
            post.clone().map(|post| Self { name, to: To::Post(post, form) })
        };
        let telegram = config.telegram.clone();
        let mail = config.mail.clone();
        [
            post("ntfy", &config.ntfy, Form::Ntfy),
            telegram.map(|telegram| Self { name: "telegram", to: To::Telegram(telegram) }),
            post("slack", &config.slack, Form::Slack),
            post("mattermost", &config.mattermost, Form::Mattermost),
            post("webhook", &config.webhook, Form::Json),
            mail.map(|mail| Self { name: "mail", to: To::Mail(mail) }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Delivers a message, within a quarter of a minute or so.
    pub async fn send(&self, message: &Message) -> Result<(), Refused> {
        match &self.to {
            To::Telegram(telegram) => telegram::send(telegram, message).await,
            To::Mail(mail) => mail::send(mail, message).await,
            To::Post(to, form) => {
                let mut url = address(to).await?;
                let document = match form {
                    Form::Ntfy => ntfy::document(message, &ntfy::topic(&mut url)?),
                    Form::Slack => chat::slack(message),
                    Form::Mattermost => chat::mattermost(message),
                    Form::Json => webhook::document(message),
                };
                posted(to, &url, Some(&document)).await
            }
        }
    }
}

/// A sign of life.
pub(super) async fn beat(to: &Post) -> Result<(), Refused> {
    posted(to, &address(to).await?, None).await
}

async fn posted(to: &Post, url: &Url, document: Option<&Value>) -> Result<(), Refused> {
    let answer = post::send(&to.access, url, document).await?;
    answer::judge(&answer, url)
}

/// The address, read now.
async fn address(to: &Post) -> Result<Url, Failure> {
    let text = secret("url_file", to.url.as_ref(), to.url_file.as_ref()).await?;
    SafeUrl::new(text.expose()).http().map_err(|why| {
        Failure::new(Reason::PROTOCOL, format!("the address of `url` or `url_file`: {why}"))
    })
}

/// A secret that stands in the configuration or in a file, which is read now.
async fn secret(
    key: &'static str,
    text: Option<&Secret>,
    file: Option<&PathBuf>,
) -> Result<Secret, Failure> {
    let Some(file) = file.cloned() else { return Ok(text.cloned().unwrap_or_default()) };
    let read = tokio::task::spawn_blocking(move || read_secret(key, &file));
    let hangs =
        |_| Failure::new(Reason::TIMEOUT, format!("the file of `{key}` cannot be read in time"));
    let read = tokio::time::timeout(FILES, read).await.map_err(hangs)?;
    read.unwrap_or_else(|_| Err(Failure::new(Reason::OTHER, format!("reading `{key}`: stopped"))))
}
