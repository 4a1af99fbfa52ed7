use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::stream::Stream;
use super::{DECODED, Decoded, JsonError, from_slice};

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Thing {
    name: String,
    labels: BTreeMap<String, String>,
    ports: Vec<u16>,
    nested: Option<Box<Thing>>,
}

fn joined(count: u32, one: impl Fn(u32) -> String) -> String {
    (0..count).fold(String::new(), |text, number| text + &one(number))
}

/// A piece of an answer that tells when it is gone.
struct Piece(Vec<u8>, #[allow(dead_code, reason = "counts")] Arc<()>);

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// As it would come over the wire, in pieces of this length.
async fn streamed<T>(text: &[u8], piece: usize) -> Result<Decoded<T>, JsonError>
where
    T: serde::de::DeserializeOwned + Send + 'static,
{
    let mut stream = Stream::default();
    for piece in text.chunks(piece) {
        stream.take(piece.to_vec()).await?;
    }
    stream.finish().await
}

#[test]
fn what_fits_is_decoded_as_it_is() {
    let text = r#"[{"name": "a\u00e4", "labels": {"x": "1"}, "ports": [80, 443], "other": [{}],
        "nested": {"name": "b", "labels": {}}}, {}]"#;
    let plain: Vec<Thing> = serde_json::from_str(text).unwrap();
    assert_eq!(from_slice(text.as_bytes()).unwrap(), Decoded { value: plain, dropped: 0 });
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(from_slice(text.as_bytes()).unwrap(), Decoded { value, dropped: 0 });
}

#[test]
fn lists_and_maps_take_no_more_than_the_budget() {
    let many = |element: &str| format!("[{}{element}]", format!("{element},").repeat(1_000_000));
    let things = from_slice::<Vec<Thing>>(many("{}").as_bytes()).unwrap();
    assert!(things.value.len() * size_of::<Thing>() <= DECODED);
    assert_eq!(things.value.len() as u64 + things.dropped, 1_000_001);
    let values = from_slice::<serde_json::Value>(many("0").as_bytes()).unwrap();
    let taken = values.value.as_array().unwrap().len();
    assert!(taken > 1000 && taken * size_of::<serde_json::Value>() <= DECODED);
    assert_eq!(taken as u64 + values.dropped, 1_000_001);
    let map = joined(1_000_000, |n| format!(r#""{n}":0,"#));
    let map = format!(r#"{{{map}"last":0}}"#);
    let map = from_slice::<BTreeMap<String, u8>>(map.as_bytes()).unwrap();
    assert!(map.dropped > 0 && map.value.len() as u64 + map.dropped == 1_000_001);
}

/// A list that nobody asked for does not take what stands behind it.
#[test]
fn one_list_does_not_spend_it_all() {
    for element in ["0", "{}", "\"\"", "[]", "null"] {
        let junk = format!("{element},").repeat(1_000_000);
        let text = format!(r#"{{"junk":[{junk}{element}],"queues":{{"a":1}}}}"#);
        let value = from_slice::<serde_json::Value>(text.as_bytes()).unwrap();
        assert_eq!(value.value["queues"]["a"], 1, "{element}");
        assert_eq!(value.dropped, 990_001, "{element}");
    }
}

#[test]
fn words_count_and_are_cut() {
    let word = "w".repeat(100_000);
    let text = format!("[{}\"\"]", format!("\"{word}\",").repeat(1000));
    let words = from_slice::<Vec<String>>(text.as_bytes()).unwrap();
    assert!(words.value.iter().map(String::len).sum::<usize>() <= DECODED + 16_384);
    assert!(words.dropped > 400, "{}", words.dropped);
    assert!(words.value.iter().all(|word| word.len() <= 16 << 10));
}

/// The fields of what has begun are read, also when nothing is left.
#[test]
fn a_structure_is_never_half_read() {
    let labels = joined(9000, |n| format!(r#""{n}":"","#));
    let thing = format!(r#"{{"labels":{{{labels}"z":""}},"name":"thing"}}"#);
    let text = format!("[{}{thing}]", format!("{thing},").repeat(49));
    let things = from_slice::<Vec<Thing>>(text.as_bytes()).unwrap();
    assert!((2..50).contains(&things.value.len()), "{}", things.value.len());
    assert!(things.value.iter().all(|thing| thing.name == "thing"));
    assert!(things.value.last().unwrap().labels.len() < 9001 && things.dropped > 1);
}

#[tokio::test]
async fn a_large_answer_is_the_same_in_pieces() {
    let text = joined(40_000, |n| format!(r#"{{"name":"n\"{n}\\"}},"#));
    let text = format!("[{text}{{}}]");
    assert!(text.len() > 600_000);
    let whole = from_slice::<Vec<Thing>>(text.as_bytes()).unwrap();
    for piece in [997, 65_536, text.len()] {
        assert_eq!(streamed::<Vec<Thing>>(text.as_bytes(), piece).await.unwrap(), whole);
    }
}

#[tokio::test]
async fn what_is_no_json_says_where_and_no_more() {
    for text in ["", "[", "[{]", "<html>", "[] x", "{}", "[[\"list\"]]", "\"SECRET"] {
        let error = streamed::<Vec<Thing>>(text.as_bytes(), 3).await.unwrap_err();
        assert!(matches!(error, JsonError::Unexpected { .. }), "{text}: {error:?}");
        let failure = error.failure("it", "look").to_string();
        assert!(failure.starts_with("it: not the expected JSON (line 1"), "{failure}");
    }
    let deep = "[".repeat(1_000_000);
    assert!(streamed::<serde_json::Value>(deep.as_bytes(), 4096).await.is_err());
    let long = format!("[{}", "0,".repeat(200_000));
    assert!(streamed::<Vec<u8>>(long.as_bytes(), 4096).await.is_err());
    let more = format!("[] {}", "x".repeat(600_000));
    assert!(streamed::<Vec<u8>>(more.as_bytes(), 100_000).await.is_err());
}

#[tokio::test]
async fn neither_a_word_nor_an_answer_without_an_end_is_taken() {
    let too_large = |outcome: Result<Decoded<serde_json::Value>, JsonError>, text: &str| {
        let error = outcome.unwrap_err();
        assert!(matches!(&error, JsonError::TooLarge(why) if why.contains(text)), "{error:?}");
    };
    let word = format!("[\"{}", "\\\"x".repeat(7 << 20));
    too_large(streamed(word.as_bytes(), 65_536).await, "a word of over 12 MiB");
    // Also a key, and one that nobody asked for.
    let key = format!("{{\"{}", "k".repeat(13 << 20));
    too_large(streamed(key.as_bytes(), 65_536).await, "a word of over 12 MiB");
    let blanks = vec![b' '; 65 << 20];
    too_large(streamed(&blanks, 1 << 20).await, "an answer of over 64 MiB");
}

/// A reading that is given up leaves no thread behind that waits for more.
#[tokio::test]
async fn the_thread_ends_with_the_stream() {
    let mut stream = Stream::<Vec<u8>, Vec<u8>>::default();
    let piece = Arc::new(());
    let mut held = Stream::<Vec<u8>, Piece>::default();
    for _ in 0..2 {
        held.take(Piece(b"[0,".repeat(100_000), Arc::clone(&piece))).await.unwrap();
    }
    stream.take(b"[1]".to_vec()).await.unwrap();
    assert_eq!(stream.finish().await.unwrap().value, [1]);
    drop(held);
    while Arc::strong_count(&piece) > 1 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
