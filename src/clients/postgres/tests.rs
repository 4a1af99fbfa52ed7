//! The session against a server that is made up: what it says, nobody could wait for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::session::MAX_ROWS;
use super::*;

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("a short message");
    [&[kind], &length.to_be_bytes()[..], body].concat()
}

/// Lets everybody in and answers with one row, or with too many where the query says `all`.
async fn serve(mut peer: TcpStream, asked: Arc<AtomicUsize>) -> std::io::Result<()> {
    let ready = message(b'Z', b"I");
    let start = peer.read_u32().await?;
    let mut rest = vec![0; start as usize - 4];
    peer.read_exact(&mut rest).await?;
    peer.write_all(&[message(b'R', &[0; 4]), ready.clone()].concat()).await?;
    while peer.read_u8().await? == b'Q' {
        let mut query = vec![0; peer.read_u32().await? as usize - 4];
        peer.read_exact(&mut query).await?;
        let all = String::from_utf8_lossy(&query).contains("select all");
        asked.fetch_add(usize::from(all), Ordering::Relaxed);
        let rows = if all { MAX_ROWS + 1 } else { 1 };
        let columns = message(b'T', &[&[0, 1, b'n', 0], &[0; 18][..]].concat());
        let rows = message(b'D', &[0, 1, 0, 0, 0, 1, b'1']).repeat(rows);
        let end = message(b'C', b"SELECT 1\0");
        peer.write_all(&[columns, rows, end, ready.clone()].concat()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn too_large_an_answer_is_asked_for_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((peer, _)) = listener.accept().await {
            tokio::spawn(serve(peer, Arc::clone(&count)));
        }
    });
    let url = SafeUrl::new(format!("postgresql://u@127.0.0.1:{port}/d"));
    let client = PostgresClient::new(&url, None);
    // On a kept session: one that has been lost would be made again.
    assert_eq!(client.query("select 1").await.expect("a row").len(), 1);
    let failure = client.query("select all").await.expect_err("too many rows");
    assert_eq!(failure.reason, Reason::PROTOCOL);
    assert!(failure.detail.contains("50000 rows"), "{failure}");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert_eq!(client.query("select 1").await.expect("a new session").len(), 1);
}
