//! What could be mistaken, and what a look at the ends may cost.

use std::time::Duration;

use super::super::source::At;
use super::*;

/// `\restrict` in the head of `pg_dumpall` ends before the databases. [F08]
#[test]
fn a_cluster_ends_with_its_own_line_alone() {
    let key = "abcDEF123";
    let database = |key: &str| {
        format!(
            "--\n-- PostgreSQL database dump\n--\n\n\\restrict {key}\n\nSELECT 1;\n\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict {key}\n\n"
        )
    };
    let cluster = format!(
        "--\n-- PostgreSQL database cluster dump\n--\n\n\\restrict {key}\n\nCREATE ROLE x;\n\n\\unrestrict {key}\n\n{}{}--\n-- PostgreSQL database cluster dump complete\n--\n\n",
        database("one"),
        database("two")
    );
    each_beginning("all.sql", cluster.as_bytes(), None, 0);
    each_beginning("db.sql", database(key).as_bytes(), None, 0);
    let more = format!("{cluster}\\unrestrict {key}\n\n");
    assert_eq!(whole(more.as_bytes(), expected("all.sql", None)), broken(Fault::Cut, What::PgDump));
}

/// The image of a disk begins with zeros, and is no archive for that.
#[test]
fn zeros_at_the_head_are_a_tar_only_where_one_is_expected() {
    let mut image = vec![0; 4096];
    image.extend([7; 512]);
    for name in ["disk.img", "disk"] {
        assert_eq!(whole(&image, expected(name, None)), Verdict::Unknown);
        assert_eq!(by_ends(&image, expected(name, None)), Verdict::Unknown);
        let packed = piped("gzip", &["-c"], &image);
        assert_eq!(whole(&packed, expected("disk.img.gz", None)), Verdict::Whole);
    }
    let nothing = vec![0; 10_240];
    let empty = broken(Fault::Empty, What::Tar);
    assert_eq!(whole(&nothing, expected("a.tar", None)), empty);
    assert_eq!(whole(&nothing, expected("a", Some(Inside::Tar))), empty);
}

fn document(fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (key, text) in fields {
        body.push(2);
        body.extend(key.as_bytes());
        body.push(0);
        body.extend(i32::try_from(text.len() + 1).unwrap().to_le_bytes());
        body.extend(*text);
        body.push(0);
    }
    body.push(0);
    [&i32::try_from(body.len() + 4).unwrap().to_le_bytes()[..], &body].concat()
}

#[test]
fn names_that_no_server_gives_are_not_remembered() {
    for (length, wanted) in [(255, Fault::Cut), (256, Fault::Damaged)] {
        let name = vec![b'n'; length];
        let version: (&str, &[u8]) = ("version", b"1");
        let archive = [
            &[0x6d, 0xe2, 0x99, 0x81][..],
            &document(&[version]),
            &document(&[("db", b"d"), ("collection", &name)]),
            &[0xff; 4],
        ]
        .concat();
        let verdict = whole(&archive, expected("a", None));
        assert_eq!(verdict, broken(wanted, What::Mongodump), "{length}");
    }
}

#[test]
fn a_look_at_the_ends_has_a_bound_of_bytes_and_of_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    // Frames without data, one after the other.
    let frame = [0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0];
    fs::write(&path, frame.repeat(200_000)).unwrap();
    let file = File::open(&path).unwrap();
    let size = file.metadata().unwrap().len();
    let many = Source::new(&file);
    assert_eq!(zstd::ends(&many, size).unwrap(), Verdict::Unknown, "they are counted");
    for (bytes, time) in [(1000, Duration::from_mins(1)), (1 << 30, Duration::ZERO)] {
        let source = Source::within(&file, bytes, time);
        assert!(zstd::ends(&source, size).is_err() && source.is_spent());
        let source = Source::within(&file, bytes, time);
        let read = At::new(&source, 0).read_to_end(&mut Vec::new());
        assert!(read.is_err() && source.is_spent());
    }
    let expected = expected("f.zst", None);
    assert_eq!(ends(&file, size, expected).unwrap(), Verdict::Unknown);
}
