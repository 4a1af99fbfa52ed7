//! The fields of a log line in text form: what comes from outside cannot begin a line of its own.

use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::debug_fn;

use crate::text::printable;

/// `message name=value`, as usual, and each of them printable.
pub(super) fn fields() -> impl for<'w> FormatFields<'w> + Send + Sync + 'static {
    debug_fn(|writer, field, value| {
        let value = format!("{value:?}");
        let value = printable(&value);
        if field.name() == "message" {
            write!(writer, "{value}")
        } else {
            write!(writer, "{}={value}", field.name())
        }
    })
    .delimited(" ")
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_line_is_forged() {
        let kept = Kept::default();
        let writer = kept.clone();
        let log = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .without_time()
            .fmt_fields(super::fields())
            .finish();
        let name = "x\nERROR forged\r\u{1b}[31m\u{9b}2J\u{202e}";
        tracing::subscriber::with_default(log, || {
            tracing::warn!(target: "t", name, shown = %name, "cannot read {name}");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let plain = "x\\nERROR forged\\r\\u001b[31m\\u009b2J\\u202e";
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        assert!(text.ends_with('\n') && text.contains("cannot read x\\nERROR"), "{text}");
        assert!(text.contains(&format!("shown={plain}")), "{text}");
        assert!(!text.trim_end().contains(crate::text::is_unseen), "{text}");
    }
}
