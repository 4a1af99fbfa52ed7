//! A mail server that takes everything and keeps it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

#[derive(Debug)]
pub struct Mailbox {
    pub port: u16,
    mails: Arc<Mutex<Vec<String>>>,
    _task: JoinHandle<()>,
}

impl Mailbox {
    /// # Panics
    /// When there is no port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mails: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = mails.clone();
        let task = tokio::spawn(async move {
            while let Ok((peer, _)) = listener.accept().await {
                let kept = kept.clone();
                // A peer that goes in the middle has sent nothing.
                tokio::spawn(async move { talk(peer, &kept).await });
            }
        });
        Self { port, mails, _task: task }
    }

    /// All mails so far, with their heads.
    pub fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn talk(peer: TcpStream, kept: &Mutex<Vec<String>>) -> io::Result<()> {
    let (reader, mut writer) = peer.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 mailbox\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let answer: &[u8] = match verb.as_str() {
            "DATA" => b"354 go on\r\n",
            "QUIT" => b"221 bye\r\n",
            // No extension: neither TLS nor a log-in is offered.
            _ => b"250 fine\r\n",
        };
        writer.write_all(answer).await?;
        if verb == "DATA" {
            let mut mail = String::new();
            while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                mail.extend([line.as_str(), "\n"]);
            }
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
            writer.write_all(b"250 taken\r\n").await?;
        }
    }
    Ok(())
}
