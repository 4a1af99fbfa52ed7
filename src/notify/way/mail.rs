//! Mail by SMTP. The library encodes headers, so that no line end and no letter breaks them.

use std::error::Error as _;
use std::net::IpAddr;
use std::time::Duration;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{AsyncSmtpTransport, Error};
use lettre::{AsyncTransport as _, Message as Letter, Tokio1Executor};

use super::{Again, FILES, Refused, secret};
use crate::clients::access::secret_mistake;
use crate::clients::tls::is_refusal;
use crate::config::notify::{Mail, MailTls};
use crate::config::web::is_name;
use crate::engine::REFUSES;
use crate::failure::{Failure, Reason};
use crate::notify::message::{Message, Status};
use crate::text::printable;

/// For the whole dialogue, and for each answer of it.
const DEADLINE: Duration = Duration::from_secs(30);
const ANSWER: Duration = Duration::from_secs(10);
/// Signs of what the server has said.
const SAID: usize = 160;

/// What is wrong with the section, each with its key.
pub(in crate::notify) fn mistakes(mail: &Mail) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut wrong = |key: &str, message: &str| found.push((key.to_owned(), message.to_owned()));
    let number = mail.server.parse::<IpAddr>();
    if number.is_err() && !is_name(&mail.server) {
        wrong("server", "expected the name of a mail server, such as `smtp.example.org`");
    }
    let is_here = mail.server == "localhost" || number.is_ok_and(|ip| ip.is_loopback());
    if mail.tls == MailTls::None && !is_here && !mail.allow_plain {
        wrong(
            "tls",
            "`none` is for a server on this machine only: on the way to another all can be read; \
             use `starttls` or `implicit`, or say `allow_plain: true`",
        );
    }
    if mail.tls == MailTls::None && mail.ca_file.is_some() {
        wrong("ca_file", "is of no use with `tls: none`");
    }
    match (&mail.username, &mail.password, &mail.password_file) {
        (None, Some(_), _) => wrong("password", "needs `username`"),
        (None, None, Some(_)) => wrong("password_file", "needs `username`"),
        (Some(_), None, None) => wrong("username", "needs `password_file` or `password`"),
        (_, Some(_), Some(_)) => wrong("password", "must not be set together with `password_file`"),
        _ => {}
    }
    if let Some(message) = mail.password_file.as_deref().and_then(secret_mistake) {
        wrong("password_file", &message);
    }
    if mail.from.parse::<Mailbox>().is_err() {
        wrong("from", "expected an address such as `stack@example.org`");
    }
    if mail.to.is_empty() {
        wrong("to", "names nobody: expected a list of addresses");
    }
    for (index, to) in mail.to.iter().enumerate() {
        if to.parse::<Mailbox>().is_err() {
            wrong(&format!("to[{index}]"), "expected an address such as `me@example.org`");
        }
    }
    if let Some(file) = &mail.ca_file
        && let Err(why) =
            crate::clients::tls::trusted(&crate::config::Tls::of_authority(file.clone()))
    {
        wrong("ca_file", why.split_once("): ").map_or(why.as_str(), |(_, short)| short));
    }
    found
}

pub(super) async fn send(mail: &Mail, message: &Message) -> Result<(), Refused> {
    let port = mail.port.unwrap_or(match mail.tls {
        MailTls::Starttls => 587,
        MailTls::Implicit => 465,
        MailTls::None => 25,
    });
    let who = format!("{}:{port}", mail.server);
    let letter = letter(mail, message)
        .map_err(|why| Failure::new(Reason::OTHER, format!("the mail cannot be written: {why}")))?;
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&mail.server)
        .port(port)
        .timeout(Some(ANSWER))
        .tls(tls(mail).await?);
    if is_name(&message.machine) {
        builder = builder.hello_name(ClientId::Domain(message.machine.clone()));
    }
    if let Some(user) = &mail.username {
        let password =
            secret("password_file", mail.password.as_ref(), mail.password_file.as_ref()).await?;
        builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
    }
    let transport = builder.build();
    let late = |_| Failure::new(Reason::TIMEOUT, format!("{who}: the mail server takes too long"));
    let sent = tokio::time::timeout(DEADLINE, transport.send(letter)).await.map_err(late)?;
    sent.map(|_| ()).map_err(|error| refused(&who, mail, &error))
}

fn letter(mail: &Mail, message: &Message) -> Result<Letter, String> {
    let mailbox = |text: &str| text.parse::<Mailbox>().map_err(|error| error.to_string());
    let mut builder = Letter::builder()
        .from(mailbox(&mail.from)?)
        .date_now()
        .message_id(None)
        .subject(printable(&message.title).into_owned());
    for to in &mail.to {
        builder = builder.to(mailbox(to)?);
    }
    // No answering machine answers to it.
    builder = builder.raw_header(header("Auto-Submitted", "auto-generated"));
    if message.severity == "critical" && message.status != Status::Resolved {
        builder = builder.raw_header(header("X-Priority", "1"));
    }
    let text = match message.text() {
        text if text.is_empty() => message.title.clone(),
        text => text,
    };
    builder.singlepart(SinglePart::plain(text)).map_err(|error| error.to_string())
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

async fn tls(mail: &Mail) -> Result<Tls, Failure> {
    if mail.tls == MailTls::None {
        return Ok(Tls::None);
    }
    let wrong = |why: String| Failure::new(Reason::TLS, why);
    let mut parameters = TlsParameters::builder(mail.server.clone());
    if let Some(file) = mail.ca_file.clone() {
        let named = format!("`ca_file` ({})", file.display());
        let read = tokio::task::spawn_blocking(move || crate::files::read_small(&file));
        let read = tokio::time::timeout(FILES, read).await;
        let pem = read.map_err(|_| wrong(format!("{named} cannot be read in time")))?;
        let pem = pem.map_err(|_| wrong(format!("reading {named}: stopped")))?;
        let pem = pem.map_err(|error| wrong(format!("{named}: {error}")))?;
        let known = Certificate::from_pem(pem.as_bytes());
        let known = known.map_err(|_| wrong(format!("{named}: no certificate in it")))?;
        parameters = parameters.add_root_certificate(known);
    }
    let parameters = parameters.build_rustls();
    let parameters = parameters.map_err(|_| wrong("TLS could not be set up".to_owned()))?;
    Ok(match mail.tls {
        MailTls::Implicit => Tls::Wrapper(parameters),
        _ => Tls::Required(parameters),
    })
}

/// Why the server did not take it.
fn refused(who: &str, mail: &Mail, error: &Error) -> Refused {
    let said = error.source().map(ToString::to_string).unwrap_or_default();
    let said = printable(&said.chars().take(SAID).collect::<String>()).into_owned();
    if let Some(code) = error.status() {
        let failure = |reason| Failure::new(reason, format!("{who}: SMTP status {code}: {said}"));
        let later = Again::Later(None);
        return match code.to_string().as_str() {
            "530" | "534" | "535" | "538" => Refused {
                failure: failure(Reason::AUTH).hint(
                    "check `username` and the password; many providers want an app password made for this",
                ),
                again: later,
            },
            _ if error.is_permanent() => Refused {
                failure: failure(REFUSES).hint(
                    "the server refuses this sender or a receiver: check `from`, `to` and `username`",
                ),
                again: Again::Never,
            },
            _ => Refused {
                failure: failure(crate::engine::LIMITED).hint("it is tried again by itself"),
                again: later,
            },
        };
    }
    connection(who, mail, error, &said).into()
}

/// The dialogue broke, or did not begin.
fn connection(who: &str, mail: &Mail, error: &Error, said: &str) -> Failure {
    let (mut io, mut tls) = (None, error.is_tls());
    let mut source = error.source();
    while let Some(cause) = source {
        tls |= is_refusal(cause);
        io = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind).or(io);
        source = cause.source();
    }
    let lower = said.to_lowercase();
    let of = |reason, why: &str| Failure::new(reason, format!("{who}: {why}"));
    if tls || lower.contains("certificate") {
        let hint = match &mail.ca_file {
            Some(file) => format!("check that `ca_file` ({}) signed the server's certificate", file.display()),
            None => "check that `server` is the name in its certificate and that a public authority signed it, else set `ca_file`".to_owned(),
        };
        return of(Reason::TLS, "the TLS handshake failed").hint(hint);
    }
    if error.is_timeout() {
        return of(Reason::TIMEOUT, "no answer in time")
            .hint("is it the right port? 587 is for starttls, 465 for implicit TLS; many networks block 25");
    }
    if lower.contains("lookup") || lower.contains("resolve") {
        return of(Reason::DNS, "the host name does not resolve").hint("check `server`");
    }
    match io {
        Some(std::io::ErrorKind::ConnectionRefused) => of(Reason::REFUSED, "connection refused")
            .hint("is the mail server running, and on this port?"),
        _ if error.is_client() && mail.tls == MailTls::Starttls => {
            of(Reason::TLS, "the server offers no STARTTLS").hint(
                "use `tls: implicit` with port 465, or the port that offers STARTTLS, mostly 587",
            )
        }
        _ => of(Reason::PROTOCOL, "the dialogue was cut off, or is not SMTP")
            .hint("is `tls` right for this port? 587 is for starttls, 465 for implicit TLS"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            server: "127.0.0.1".into(),
            tls: MailTls::None,
            from: "Stack <stack@example.org>".into(),
            to: vec!["me@example.org".into()],
            ..Mail::default()
        }
    }

    #[test]
    fn plain_text_stays_on_this_machine_unless_somebody_says_otherwise() {
        assert_eq!(mistakes(&mail()), []);
        let away = Mail { server: "smtp.example.org".into(), ..mail() };
        assert_eq!(mistakes(&away)[0].0, "tls");
        assert_eq!(mistakes(&Mail { allow_plain: true, ..away }), []);
        let wrong = Mail { from: "me".into(), to: vec!["a@b.c\r\nBcc: x@y.z".into()], ..mail() };
        let keys: Vec<String> = mistakes(&wrong).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["from", "to[0]"]);
    }

    #[test]
    fn no_name_gets_a_header_of_its_own() {
        let message = Message {
            status: Status::Firing,
            severity: "critical".into(),
            title: "CRITICAL: база\r\nBcc: all@example.org is down".into(),
            alert: String::new(),
            machine: "db1".into(),
            why: vec!["Почему".into()],
            next: Vec::new(),
            since: None,
            until: None,
            page: String::new(),
            runbook: String::new(),
        };
        let letter = letter(&mail(), &message).unwrap();
        let text = String::from_utf8(letter.formatted()).unwrap();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        assert!(!head.lines().any(|line| line.starts_with("Bcc:")), "{head}");
        assert!(head.contains("Subject: ") && head.contains("=?utf-8?"), "{head}");
        assert!(head.contains("Auto-Submitted: auto-generated\r\nX-Priority: 1"), "{head}");
        assert!(head.contains("charset=utf-8"), "{head}");
    }
}
