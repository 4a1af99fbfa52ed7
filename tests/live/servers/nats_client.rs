//! Just enough of the NATS text protocol to make streams, publish, pull and acknowledge.

use std::io;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// One connection; requests are made one after the other.
#[derive(Debug)]
pub struct NatsClient {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    last_sid: u64,
}

#[derive(Clone, Debug)]
pub struct Message {
    pub subject: String,
    /// Where an acknowledgement goes.
    pub reply: Option<String>,
    /// The status line of a message without content ("404 No Messages"), else empty.
    pub status: String,
    pub payload: Vec<u8>,
    sid: u64,
}

impl NatsClient {
    /// Connects; `options` is merged into CONNECT (`user`, `pass`, `auth_token`, `name`).
    pub async fn connect(port: u16, options: &Value) -> io::Result<Self> {
        let (reader, writer) = TcpStream::connect(("127.0.0.1", port)).await?.into_split();
        let mut client = Self { reader: BufReader::new(reader), writer, last_sid: 0 };
        let mut hello = json!({
            "verbose": false, "pedantic": false, "headers": true, "no_responders": true,
            "lang": "rust", "version": "0", "protocol": 1, "name": "live-test",
        });
        if let (Some(hello), Some(options)) = (hello.as_object_mut(), options.as_object()) {
            hello.extend(options.clone());
        }
        client.send(&format!("CONNECT {hello}\r\nPING\r\n"), b"").await?;
        // The server's first line is INFO; PONG says that CONNECT was accepted.
        while !client.line().await?.starts_with("PONG") {}
        Ok(client)
    }

    pub async fn publish(&mut self, subject: &str, payload: &[u8]) -> io::Result<()> {
        self.publish_to(subject, "", payload).await
    }

    /// Publishes and waits for one answer.
    pub async fn request(&mut self, subject: &str, payload: &[u8]) -> io::Result<Message> {
        let sid = self.ask(subject, payload, 1).await?;
        self.message(sid).await
    }

    /// A request of the `JetStream` API; an `error` in the answer is an error here.
    pub async fn api(&mut self, subject: &str, body: &Value) -> io::Result<Value> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.request(&format!("$JS.API.{subject}"), body.as_bytes()).await?;
        if !answer.status.is_empty() {
            return Err(io::Error::other(format!("{subject}: {}", answer.status)));
        }
        let value: Value = serde_json::from_slice(&answer.payload)?;
        match value.get("error") {
            Some(error) => Err(io::Error::other(format!("{subject}: {error}"))),
            None => Ok(value),
        }
    }

    /// `extra` is merged into the stream's configuration (`max_msgs`, `max_age`, ...).
    pub async fn create_stream(
        &mut self,
        name: &str,
        subjects: &[&str],
        extra: &Value,
    ) -> io::Result<Value> {
        let mut config = json!({
            "name": name, "subjects": subjects, "retention": "limits", "storage": "file",
            "discard": "old", "num_replicas": 1, "max_consumers": -1, "max_msgs": -1,
            "max_bytes": -1, "max_age": 0, "max_msg_size": -1,
        });
        merge(&mut config, extra);
        self.api(&format!("STREAM.CREATE.{name}"), &config).await
    }

    pub async fn delete_stream(&mut self, name: &str) -> io::Result<Value> {
        self.api(&format!("STREAM.DELETE.{name}"), &Value::Null).await
    }

    /// A durable pull consumer; `extra` is merged (`ack_wait` in ns, `max_deliver`, ...).
    pub async fn create_consumer(
        &mut self,
        stream: &str,
        durable: &str,
        extra: &Value,
    ) -> io::Result<Value> {
        let mut config = json!({
            "durable_name": durable, "deliver_policy": "all", "ack_policy": "explicit",
            "replay_policy": "instant",
        });
        merge(&mut config, extra);
        let body = json!({ "stream_name": stream, "config": config });
        self.api(&format!("CONSUMER.DURABLE.CREATE.{stream}.{durable}"), &body).await
    }

    /// Publishes into a stream and waits until it is stored; returns its sequence number.
    pub async fn publish_stored(&mut self, subject: &str, payload: &[u8]) -> io::Result<u64> {
        let answer = self.request(subject, payload).await?;
        let stored: Value = serde_json::from_slice(&answer.payload)?;
        let missing = || io::Error::other(format!("not stored: {stored} {}", answer.status));
        stored.get("seq").and_then(Value::as_u64).ok_or_else(missing)
    }

    /// Up to `count` messages that are there now; each is pending until it is acknowledged.
    pub async fn pull(
        &mut self,
        stream: &str,
        durable: &str,
        count: usize,
    ) -> io::Result<Vec<Message>> {
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}");
        let body = json!({ "batch": count, "no_wait": true }).to_string();
        let sid = self.ask(&subject, body.as_bytes(), count).await?;
        let mut messages = Vec::new();
        while messages.len() < count {
            let message = self.message(sid).await?;
            if !message.status.is_empty() {
                break;
            }
            messages.push(message);
        }
        // A status may have come before the announced count: end the subscription in any case.
        self.send(&format!("UNSUB {sid}\r\n"), b"").await?;
        Ok(messages)
    }

    /// Acknowledges and waits until the server has taken note.
    pub async fn ack(&mut self, message: &Message) -> io::Result<()> {
        self.answer(message, b"+ACK").await
    }

    /// Refuses a message: it is delivered again.
    pub async fn nak(&mut self, message: &Message) -> io::Result<()> {
        self.answer(message, b"-NAK").await
    }

    async fn answer(&mut self, message: &Message, word: &[u8]) -> io::Result<()> {
        let reply = message.reply.as_deref().ok_or_else(|| io::Error::other("no reply subject"))?;
        let taken = self.request(reply, word).await?;
        // "503" says that nobody listens there: the message was not ours to acknowledge.
        if taken.status.is_empty() { Ok(()) } else { Err(io::Error::other(taken.status)) }
    }

    /// Sends with a fresh inbox as reply subject, which at most `answers` messages may use.
    async fn ask(&mut self, subject: &str, payload: &[u8], answers: usize) -> io::Result<u64> {
        self.last_sid += 1;
        let sid = self.last_sid;
        let port = self.writer.local_addr()?.port();
        let inbox = format!("_INBOX.{port}.{sid}");
        self.send(&format!("SUB {inbox} {sid}\r\nUNSUB {sid} {answers}\r\n"), b"").await?;
        self.publish_to(subject, &format!("{inbox} "), payload).await?;
        Ok(sid)
    }

    async fn publish_to(&mut self, subject: &str, reply: &str, payload: &[u8]) -> io::Result<()> {
        let head = format!("PUB {subject} {reply}{}\r\n", payload.len());
        self.send(&head, &[payload, b"\r\n"].concat()).await
    }

    async fn send(&mut self, head: &str, rest: &[u8]) -> io::Result<()> {
        self.writer.write_all(&[head.as_bytes(), rest].concat()).await
    }

    /// The next message of a subscription; those of ended ones are dropped.
    async fn message(&mut self, sid: u64) -> io::Result<Message> {
        loop {
            let line = self.line().await?;
            let Some((kind, rest)) = line.split_once(' ') else { continue };
            if kind == "MSG" || kind == "HMSG" {
                let message = self.body(kind == "HMSG", rest).await?;
                if message.sid == sid {
                    return Ok(message);
                }
            }
        }
    }

    /// `<subject> <sid> [reply] [header bytes] <total bytes>`
    async fn body(&mut self, with_header: bool, rest: &str) -> io::Result<Message> {
        let bad = || io::Error::other(format!("not a message: {rest}"));
        let mut fields: Vec<&str> = rest.split_whitespace().collect();
        let total: usize = fields.pop().and_then(|n| n.parse().ok()).ok_or_else(bad)?;
        let header = if with_header { fields.pop() } else { Some("0") };
        let header: usize = header.and_then(|n| n.parse().ok()).ok_or_else(bad)?;
        let mut payload = vec![0; total + 2];
        self.reader.read_exact(&mut payload).await?;
        payload.truncate(total);
        let content = payload.split_off(header.min(total));
        let head = String::from_utf8_lossy(&payload);
        let status = head.lines().next().unwrap_or_default();
        Ok(Message {
            subject: (*fields.first().ok_or_else(bad)?).to_owned(),
            sid: fields.get(1).and_then(|n| n.parse().ok()).ok_or_else(bad)?,
            reply: fields.get(2).map(ToString::to_string),
            status: status.trim_start_matches("NATS/1.0").trim().to_owned(),
            payload: content,
        })
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.reader.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end().to_owned();
        if line == "PING" {
            self.send("PONG\r\n", b"").await?;
        } else if line.starts_with("-ERR") {
            return Err(io::Error::other(line));
        }
        Ok(line)
    }
}

fn merge(config: &mut Value, extra: &Value) {
    if let (Some(config), Some(extra)) = (config.as_object_mut(), extra.as_object()) {
        config.extend(extra.clone());
    }
}
