//! Where Alertmanager sends: a chat that takes JSON, and a server that takes mail. Both keep all.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What has come, whole.
pub type Taken = Arc<Mutex<Vec<Vec<u8>>>>;

/// Starts one on a free port of loopback; it ends with the process.
pub fn start(take: fn(&TcpStream, &Taken) -> std::io::Result<()>) -> (u16, Taken) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken = Taken::default();
    let kept = Arc::clone(&taken);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let kept = Arc::clone(&kept);
            // A client that breaks off has sent nothing.
            std::thread::spawn(move || take(&stream, &kept).unwrap_or_default());
        }
    });
    (port, taken)
}

/// One request of HTTP.
pub fn chat(stream: &TcpStream, taken: &Taken) -> std::io::Result<()> {
    let (mut reader, mut length) = (BufReader::new(stream), 0);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    if length == 0 {
        // Closed before anything was asked.
        return Ok(());
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    taken.lock().unwrap().push(body);
    let mut stream = stream;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
}

/// One session of SMTP, with as many mails as it likes.
pub fn mail(stream: &TcpStream, taken: &Taken) -> std::io::Result<()> {
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    writer.write_all(b"220 sink ESMTP\r\n")?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        let answer = match line.get(..4).unwrap_or_default().to_uppercase().as_str() {
            "DATA" => {
                writer.write_all(b"354 go on\r\n")?;
                taken.lock().unwrap().push(data(&mut reader)?);
                "250 ok\r\n"
            }
            "QUIT" => return writer.write_all(b"221 bye\r\n"),
            _ => "250 sink\r\n",
        };
        writer.write_all(answer.as_bytes())?;
        line.clear();
    }
    Ok(())
}

fn data(reader: &mut impl std::io::BufRead) -> std::io::Result<Vec<u8>> {
    let (mut all, mut line) = (Vec::new(), Vec::new());
    while reader.read_until(b'\n', &mut line)? > 0 && line != b".\r\n" {
        // A line that begins with a dot has one more on its way.
        all.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        line.clear();
    }
    Ok(all)
}

/// The parts of a mail, decoded: its head, and the texts by their kind.
pub fn parts(mail: &[u8]) -> (String, Vec<(String, String)>) {
    let text = String::from_utf8_lossy(mail).replace("\r\n", "\n");
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let boundary = head.split("boundary=").nth(1).and_then(|rest| rest.split_whitespace().next());
    let boundary = format!("--{}", boundary.unwrap_or_default().trim_matches(['"', ';']));
    let parts = body.split(&boundary).filter_map(|part| {
        let (head, body) = part.split_once("\n\n")?;
        let kind = ["text/plain", "text/html"].into_iter().find(|kind| head.contains(kind))?;
        Some((kind.to_owned(), unquoted(body)))
    });
    (head.to_owned(), parts.collect())
}

/// What quoted-printable stands for.
fn unquoted(text: &str) -> String {
    let joined = text.replace("=\n", "");
    let (mut out, mut rest) = (Vec::new(), joined.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(byte) = byte.filter(|_| *first == b'=') {
            out.push(byte);
            rest = &after[2..];
        } else {
            out.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
