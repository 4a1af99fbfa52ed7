use super::*;

/// What a real Engine 20.10 answered.
pub fn captured(name: &str) -> Vec<u8> {
    let root = env!("CARGO_MANIFEST_DIR");
    let path = format!("{root}/tests/fixtures/logs_containers/{name}.bin.gz");
    std::process::Command::new("gzip").args(["-dc", &path]).output().unwrap().stdout
}

type Texts = Vec<(Origin, i64, Vec<u8>)>;

fn all(form: Form, chunks: &[&[u8]]) -> Result<Texts, Broken> {
    let (mut frames, mut texts) = (Frames::new(form), Vec::new());
    let mut give = |message: Message| {
        texts.push((message.origin, message.at, message.text.to_vec()));
        true
    };
    for chunk in chunks {
        frames.feed(chunk, &mut give)?;
    }
    frames.end(&mut give)?;
    Ok(texts)
}

fn shape(texts: &Texts) -> Vec<(usize, bool)> {
    texts.iter().map(|(_, _, text)| (text.len(), text.ends_with(b"\n"))).collect()
}

#[test]
fn frames_of_both_drivers() {
    let piece = (ENGINE_PIECE, false);
    for (name, ends) in [("odd-json-file", 1), ("odd-local", 0)] {
        let texts = all(Form::Multiplexed, &[&captured(name)]).unwrap();
        let mut out = texts.clone();
        out.retain(|(origin, ..)| *origin == Origin::Stdout);
        let last = |length: usize| (length + ends, ends == 1);
        let mut shapes = shape(&out);
        // The bad byte: one with one driver, three with the other.
        shapes.remove(7);
        let want = [
            piece,
            piece,
            last(7235),
            (6, true),
            piece,
            last(0),
            (29, true),
            (1, true),
            (4, false),
        ];
        assert_eq!(shapes, want, "{name}");
        assert_eq!(texts.len() - out.len(), 1);
        assert!(out[0].1 == out[1].1 && out[1].1 == out[2].1 && out[2].1 < out[3].1);
    }
}

#[test]
fn texts_of_a_terminal() {
    let want = [(7, true), (7, true), (7, true), (ENGINE_PIECE, false), (3618, true), (4, false)];
    let texts = all(Form::Raw { local: false }, &[&captured("tty")]).unwrap();
    assert_eq!(shape(&texts), want);
    let texts = all(Form::Raw { local: true }, &[&captured("tty-local")]).unwrap();
    let mut shapes = shape(&texts);
    assert_eq!(
        shapes.split_off(3),
        [
            (ENGINE_PIECE, false),
            (3617, false),
            (6, true),
            (ENGINE_PIECE, false),
            (1, false),
            (6, true),
            (4, false),
        ]
    );
}

#[test]
fn any_cut_of_the_answer_gives_the_same_texts() {
    for (name, form) in [
        ("odd-local", Form::Multiplexed),
        ("tty", Form::Raw { local: false }),
        ("tty-local", Form::Raw { local: true }),
    ] {
        let answer = captured(name);
        let whole = all(form, &[&answer]).unwrap();
        for at in (0..answer.len()).step_by(7) {
            assert_eq!(all(form, &[&answer[..at], &answer[at..]]).unwrap(), whole, "{name} {at}");
        }
        for size in [1, 3, 1000, 16_384] {
            let chunks: Vec<_> = answer.chunks(size).collect();
            assert_eq!(all(form, &chunks).unwrap(), whole, "{name} {size}");
        }
    }
}

#[test]
fn a_text_that_has_grown_is_one_piece() {
    let stamp = "2026-01-01T00:00:00.000000001Z ";
    let grown = "\u{fffd}".repeat(ENGINE_PIECE);
    let answer = format!("{stamp}{grown}{stamp}rest\r\n{stamp}x");
    let texts = all(Form::Raw { local: false }, &[answer.as_bytes()]).unwrap();
    assert_eq!(shape(&texts), [(grown.len(), false), (6, true), (1, false)]);
}

#[test]
fn rubbish_is_told_and_ends() {
    let frame = |stream: u8, text: &[u8]| {
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&[stream, 0, 0, 0][..], &length, text].concat()
    };
    let good = frame(1, b"2026-01-01T00:00:00.000000001Z x\n");
    assert_eq!(all(Form::Multiplexed, &[&good]).unwrap().len(), 1);
    for (answer, why) in [
        (frame(3, b"error grabbing logs"), Broken::Engine),
        (frame(9, b"x"), Broken::Frame),
        (vec![1, 0, 0, 0, 255, 0, 0, 0], Broken::Frame),
        (frame(1, b"no time\n"), Broken::Time),
        (frame(1, b""), Broken::Time),
        (b"<html>404 page not found</html>".to_vec(), Broken::Frame),
    ] {
        assert_eq!(all(Form::Multiplexed, &[&answer]), Err(why), "{answer:?}");
    }
    let raw = Form::Raw { local: true };
    assert_eq!(all(raw, &[b"<html>404 page not found</html>\n"]), Err(Broken::Time));
    for name in ["odd-local", "tty-local"] {
        let form = if name == "odd-local" { Form::Multiplexed } else { raw };
        let answer = captured(name);
        for at in (0..answer.len()).step_by(11) {
            let mut hurt = answer.clone();
            hurt[at] ^= 0x55;
            let _ = all(form, &[&hurt]);
            let _ = all(form, &[&hurt[at..]]);
        }
    }
}
