//! The ways by which messages go out, from the environment that Compose makes of `.env`.

/// What is set. All of it may be a secret: no `Debug`, and mistakes name variables only.
#[derive(Default)]
pub(super) struct Ways {
    /// An incoming webhook of Slack or Mattermost.
    pub chat: Option<String>,
    pub telegram: Option<Telegram>,
    /// An address that takes what Alertmanager itself sends: ntfy and the like.
    pub webhook: Option<String>,
    pub mail: Option<Mail>,
    /// An address outside of the machine that is asked each minute, and alarms when it no longer is.
    pub heartbeat: Option<String>,
    /// Where people reach Grafana, for links in messages.
    pub grafana: Option<String>,
}

pub(super) struct Telegram {
    pub token: String,
    pub chat: i64,
}

pub(super) struct Mail {
    pub to: String,
    pub from: String,
    /// Host and port.
    pub server: String,
    pub user: Option<String>,
    pub password: Option<String>,
}

impl Ways {
    /// Reads the variables; one that is empty counts as not set.
    ///
    /// # Errors
    /// Every mistake as a sentence.
    pub fn read(environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<String>> {
        let mut env = Environment { look_up: environment, mistakes: Vec::new() };
        let ways = Self {
            chat: env.url("CHAT_WEBHOOK_URL"),
            telegram: env.telegram(),
            webhook: env.url("WEBHOOK_URL"),
            mail: env.mail(),
            heartbeat: env.url("HEARTBEAT_URL"),
            grafana: env.page("GRAFANA_URL"),
        };
        if env.mistakes.is_empty() { Ok(ways) } else { Err(env.mistakes) }
    }

    /// The words for those that reach people.
    pub fn names(&self) -> Vec<&'static str> {
        let there = [
            (self.chat.is_some(), "chat"),
            (self.telegram.is_some(), "Telegram"),
            (self.webhook.is_some(), "webhook"),
            (self.mail.is_some(), "mail"),
        ];
        there.into_iter().filter(|(is_set, _)| *is_set).map(|(_, name)| name).collect()
    }
}

struct Environment<'e> {
    look_up: &'e dyn Fn(&str) -> Option<String>,
    mistakes: Vec<String>,
}

impl Environment<'_> {
    fn text(&self, name: &str) -> Option<String> {
        let text = (self.look_up)(name)?.trim().to_owned();
        (!text.is_empty()).then_some(text)
    }

    fn url(&mut self, name: &str) -> Option<String> {
        let url = self.text(name)?;
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        if rest.is_none_or(|rest| rest.is_empty() || rest.contains(char::is_whitespace)) {
            self.mistakes.push(format!("{name} must be an address that begins with https://"));
        }
        Some(url)
    }

    /// An address that becomes part of every message.
    fn page(&mut self, name: &str) -> Option<String> {
        let url = self.url(name)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]%".contains(c);
        if !url.chars().all(plain) {
            self.mistakes.push(format!("{name} may hold letters, digits and -._~:/[]% only"));
        }
        Some(url.trim_end_matches('/').to_owned())
    }

    fn telegram(&mut self) -> Option<Telegram> {
        let (token, chat) = (self.text("TELEGRAM_BOT_TOKEN"), self.text("TELEGRAM_CHAT_ID"));
        let (token, chat) = match (token, chat) {
            (None, None) => return None,
            (Some(token), Some(chat)) => (token, chat),
            (token, _) => {
                let (set, missing) = match token {
                    Some(_) => ("TELEGRAM_BOT_TOKEN", "TELEGRAM_CHAT_ID"),
                    None => ("TELEGRAM_CHAT_ID", "TELEGRAM_BOT_TOKEN"),
                };
                self.mistakes.push(format!("{set} is set, but {missing} is not"));
                return None;
            }
        };
        let Ok(chat) = chat.parse() else {
            self.mistakes.push(
                "TELEGRAM_CHAT_ID must be a number, such as 123456789 for a person or -1001234567890 for a group"
                    .to_owned(),
            );
            return None;
        };
        Some(Telegram { token, chat })
    }

    fn mail(&mut self) -> Option<Mail> {
        let (to, server) = (self.text("MAIL_TO"), self.text("MAIL_SERVER"));
        let (from, user) = (self.text("MAIL_FROM"), self.text("MAIL_USER"));
        let password = self.text("MAIL_PASSWORD");
        let Some(to) = to else {
            let others = [
                ("MAIL_SERVER", server.is_some()),
                ("MAIL_FROM", from.is_some()),
                ("MAIL_USER", user.is_some()),
                ("MAIL_PASSWORD", password.is_some()),
            ];
            if let Some((name, _)) = others.iter().find(|(_, is_set)| *is_set) {
                self.mistakes.push(format!("{name} is set, but MAIL_TO is not: nobody gets mail"));
            }
            return None;
        };
        let has_port = |server: &String| {
            let port = server.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
            matches!(port, Some(Ok(_)))
        };
        let Some(server) = server.filter(has_port) else {
            self.mistakes.push(
                "MAIL_SERVER must name the mail server and its port, such as smtp.example.org:587"
                    .to_owned(),
            );
            return None;
        };
        if user.is_some() != password.is_some() {
            self.mistakes.push("set MAIL_USER and MAIL_PASSWORD, or neither".to_owned());
        }
        // Most servers let an account send under its own name only.
        let own = user.clone().filter(|user| user.contains('@'));
        let first = || to.split(',').next().unwrap_or(&to).trim().to_owned();
        let from = from.or(own).unwrap_or_else(first);
        Some(Mail { to, from, server, user, password })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Ways, Vec<String>> {
        Ways::read(&|name| {
            set.iter().find(|(one, _)| *one == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_need_be_set() {
        let none = read(&[("CHAT_WEBHOOK_URL", ""), ("MAIL_TO", " ")]).ok().unwrap();
        assert!(none.names().is_empty() && none.heartbeat.is_none());
    }

    #[test]
    fn a_mail_has_a_sender_whatever_is_set() {
        let mail = |more: &[(&str, &str)]| {
            let base = [("MAIL_TO", "a@example.org, b@example.org"), ("MAIL_SERVER", "mx:25")];
            read(&[&base, more].concat()).ok().unwrap().mail.unwrap()
        };
        assert_eq!(mail(&[]).from, "a@example.org");
        let account = [("MAIL_USER", "bot@example.org"), ("MAIL_PASSWORD", "x")];
        assert_eq!(mail(&account).from, "bot@example.org");
        assert_eq!(mail(&[("MAIL_FROM", "c@example.org")]).from, "c@example.org");
    }

    #[test]
    fn mistakes_are_told_at_once_and_without_what_was_typed() {
        for (set, expected) in [
            (
                &[("CHAT_WEBHOOK_URL", "hooks.sesame"), ("TELEGRAM_CHAT_ID", "7")][..],
                &[
                    "CHAT_WEBHOOK_URL must be an address that begins with https://",
                    "TELEGRAM_CHAT_ID is set, but TELEGRAM_BOT_TOKEN is not",
                ][..],
            ),
            (
                &[("TELEGRAM_BOT_TOKEN", "1:sesame")],
                &["TELEGRAM_BOT_TOKEN is set, but TELEGRAM_CHAT_ID is not"],
            ),
            (
                &[("GRAFANA_URL", "https://g.test/{{sesame}}")],
                &["GRAFANA_URL may hold letters, digits and -._~:/[]% only"],
            ),
            (
                &[("TELEGRAM_BOT_TOKEN", "1:x"), ("TELEGRAM_CHAT_ID", "@sesame")],
                &[
                    "TELEGRAM_CHAT_ID must be a number, such as 123456789 for a person or -1001234567890 for a group",
                ],
            ),
            (
                &[("MAIL_PASSWORD", "sesame")],
                &["MAIL_PASSWORD is set, but MAIL_TO is not: nobody gets mail"],
            ),
            (
                &[("MAIL_TO", "a@b"), ("MAIL_SERVER", "sesame")],
                &[
                    "MAIL_SERVER must name the mail server and its port, such as smtp.example.org:587",
                ],
            ),
            (
                &[("MAIL_TO", "a@b"), ("MAIL_SERVER", "mx:25"), ("MAIL_USER", "sesame")],
                &["set MAIL_USER and MAIL_PASSWORD, or neither"],
            ),
        ] {
            assert_eq!(read(set).err().unwrap(), expected);
        }
    }
}
