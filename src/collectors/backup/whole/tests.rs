use std::fs::{self, File};
use std::io::Cursor;
use std::path::Path;

use super::made::{mongodump, piped, script};
use super::*;

mod ends;

fn expected(name: &str, kind: Option<Inside>) -> Expected {
    Expected::of(Path::new(name), kind)
}

/// In full, at once.
fn whole(bytes: &[u8], expected: Expected) -> Verdict {
    full(Cursor::new(bytes), expected, &mut |_, _| Ok(())).unwrap()
}

/// By its ends, however small it is.
fn by_ends(bytes: &[u8], expected: Expected) -> Verdict {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    fs::write(&path, bytes).unwrap();
    let (file, size) = (File::open(&path).unwrap(), bytes.len() as u64);
    let source = Source::new(&file);
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    match expected.form(head) {
        Err(verdict) => verdict,
        Ok(Form::Packed(Packed::Gzip)) => gzip::ends(&source, size).unwrap(),
        Ok(Form::Packed(Packed::Zstd)) => zstd::ends(&source, size).unwrap(),
        Ok(Form::Plain(inside)) => inside_ends(&source, size, inside).unwrap(),
    }
}

/// A file that is whole, and none of whose beginnings may be called so, up to `from` its end.
fn each_beginning(name: &str, bytes: &[u8], kind: Option<Inside>, padding: usize) {
    let expected = expected(name, kind);
    assert_eq!(whole(bytes, expected), Verdict::Whole, "{name}");
    let ends = by_ends(bytes, expected);
    assert!(matches!(ends, Verdict::Whole | Verdict::Unknown), "{name}: {ends:?}");
    for length in 0..bytes.len() - padding {
        // Of long ones not all, or it would take minutes.
        let near = length + 1100 > bytes.len() - padding || length < 1100;
        if bytes.len() > 5000 && !near && length % 7 != 0 {
            continue;
        }
        let part = &bytes[..length];
        let verdict = whole(part, expected);
        assert_ne!(verdict, Verdict::Whole, "{name}, in full, {length} of {}", bytes.len());
        // One file a length would take long.
        if length % 7 == 0 || length + 40 > bytes.len() - padding {
            let verdict = by_ends(part, expected);
            assert_ne!(verdict, Verdict::Whole, "{name}, by its ends, {length} of {}", bytes.len());
        }
    }
}

/// A bit of each byte turned around is seen, but for the few that mean nothing to a decoder.
fn each_flip(name: &str, bytes: &[u8], most: usize) {
    let mut bytes = bytes.to_vec();
    let mut unseen = Vec::new();
    for at in 0..bytes.len() {
        bytes[at] ^= 0x10;
        if whole(&bytes, expected(name, None)) == Verdict::Whole {
            unseen.push(at);
        }
        bytes[at] ^= 0x10;
    }
    assert!(unseen.len() <= most, "{name}: {unseen:?} of {}", bytes.len());
}

// [F05]
#[test]
fn gzip() {
    let packed = piped("gzip", &["-c"], &script(200));
    each_beginning("backup_20260101_020000.sql.gz", &packed, None, 0);
    // The time and the system in the header, and the bits after the last block.
    each_flip("backup.sql.gz", &packed, 8);
    let two = [packed.clone(), packed.clone()].concat();
    let expected = expected("x.gz", None);
    assert_eq!(whole(&two, expected), Verdict::Whole, "members follow each other");
    let padded = [packed.clone(), vec![0; 700]].concat();
    assert_eq!(whole(&padded, expected), Verdict::Whole);
    let garbage = [packed, b"and more".to_vec()].concat();
    assert_eq!(whole(&garbage, expected), broken(Fault::Damaged, What::Gzip));
    // `pg_dump | gzip > x.sql.gz` after pg_dump has failed.
    let failed = piped("gzip", &["-c"], b"");
    assert_eq!(failed.len(), 20);
    for verdict in [whole(&failed, expected), by_ends(&failed, expected)] {
        assert_eq!(verdict, broken(Fault::Empty, What::Gzip));
    }
    // The script inside was cut, and gzip packed what there was.
    let script = script(200);
    let cut = piped("gzip", &["-c"], &script[..script.len() - 5]);
    let named = Expected::of(Path::new("a.sql.gz"), None);
    assert_eq!(whole(&cut, named), broken(Fault::Cut, What::PgDump));
    let text = piped("gzip", &["-c"], b"pg_dump: error: connection refused\n");
    assert_eq!(whole(&text, named), Verdict::Whole, "any script may be one");
    let dump = Expected::of(Path::new("a.sql.gz"), Some(Inside::PgDump));
    assert_eq!(whole(&text, dump), broken(Fault::Other, What::PgDump));
    assert_eq!(whole(b"pg_dump: error", named), broken(Fault::Other, What::Gzip));
}

#[test]
fn zstd_with_a_checksum() {
    let packed = piped("zstd", &["-q", "-c", "--check"], &script(200));
    each_beginning("a.sql.zst", &packed, None, 0);
    // Two bytes of the header, and the bits after the end of a stream.
    each_flip("a.sql.zst", &packed, 4);
    let big: Vec<u8> =
        (0..400_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let packed = piped("zstd", &["-q", "-c"], &big);
    let named = expected("a.zst", None);
    assert_eq!((by_ends(&packed, named), whole(&packed, named)), (Verdict::Whole, Verdict::Whole));
    for length in (0..packed.len()).step_by(9_973) {
        assert_ne!(by_ends(&packed[..length], named), Verdict::Whole, "{length}");
        assert_ne!(whole(&packed[..length], named), Verdict::Whole, "{length}");
    }
    let two = [packed.clone(), packed.clone()].concat();
    assert_eq!((by_ends(&two, named), whole(&two, named)), (Verdict::Whole, Verdict::Whole));
    let failed = piped("zstd", &["-q", "-c"], b"");
    for verdict in [whole(&failed, named), by_ends(&failed, named)] {
        assert_eq!(verdict, broken(Fault::Empty, What::Zstd));
    }
    // What would take 128 MiB is not looked at.
    let long = piped("zstd", &["-q", "-c", "--long=27", "--no-check"], &big);
    assert!(matches!(whole(&long, named), Verdict::Whole | Verdict::Unknown));
}

// [F05]
#[test]
fn tar_of_each_form() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("small"), "x").unwrap();
    fs::write(at("zeros"), vec![0; 3000]).unwrap();
    fs::write(at(&"long".repeat(40)), "a long name").unwrap();
    std::os::unix::fs::symlink("small", at("link")).unwrap();
    let sparse = File::create(at("sparse")).unwrap();
    sparse.set_len(1 << 20).unwrap();
    std::os::unix::fs::FileExt::write_at(&sparse, b"end", (1 << 20) - 3).unwrap();
    let folder = folder.path().to_str().unwrap();
    for form in ["gnu", "pax", "oldgnu"] {
        let format = format!("--format={form}");
        let packed = piped("tar", &["-c", "-S", "-C", folder, &format, "."], b"");
        let used = packed.iter().rposition(|byte| *byte != 0).unwrap();
        let used = used.next_multiple_of(512) + 1024;
        // Whatever follows the two blocks of zeros is padding.
        let padding = packed.len() - used + 512;
        each_beginning(&format!("{form}.tar"), &packed, None, padding);
        let zipped = piped("gzip", &["-c"], &packed);
        assert_eq!(whole(&zipped, expected("a.tar.gz", None)), Verdict::Whole);
        assert_eq!(whole(&zipped, expected("config_1.tgz", None)), Verdict::Whole);
        let cut = piped("gzip", &["-c"], &packed[..used - 1024]);
        assert_eq!(whole(&cut, expected("a.tar.gz", None)), broken(Fault::Cut, What::Tar));
    }
    let nothing = piped("tar", &["-c", "-T", "/dev/null"], b"");
    let named = expected("a.tar", None);
    assert_eq!(whole(&nothing, named), broken(Fault::Empty, What::Tar));
    assert_eq!(by_ends(&nothing, named), broken(Fault::Empty, What::Tar));
    let other = vec![b'x'; 4096];
    assert_eq!(whole(&other, named), broken(Fault::Other, What::Tar));
}

// [F08]
#[test]
fn a_plain_script_ends_with_a_line() {
    let plain = script(60);
    each_beginning("backup_1.sql", &plain, None, 0);
    let mut restricted = String::from_utf8(plain.clone()).unwrap();
    restricted = restricted.replacen("--\n\n", "--\n\n\\restrict abcDEF123\n\n", 1);
    assert_eq!(
        whole(restricted.as_bytes(), expected("b.sql", None)),
        broken(Fault::Cut, What::PgDump)
    );
    restricted += "\\unrestrict abcDEF123\n\n";
    each_beginning("b.sql", restricted.as_bytes(), None, 0);
    let more = [&plain[..], b"garbage\n"].concat();
    assert_eq!(by_ends(&more, expected("b.sql", None)), broken(Fault::Cut, What::PgDump));
    let mysql = b"-- MySQL dump 10.13\n\nINSERT;\n-- Dump completed on 2026-01-01  2:00:00\n";
    each_beginning("m.sql", mysql, None, 0);
    assert_eq!(whole(b"CREATE TABLE t ();\n", expected("b.sql", None)), Verdict::Unknown);
    let dump = expected("b.sql", Some(Inside::PgDump));
    assert_eq!(whole(b"--\n-- Post", dump), broken(Fault::Cut, What::PgDump));
}

// [F01]
#[test]
fn mongodump_in_its_documented_form() {
    let archive = mongodump();
    each_beginning("db_backup_2026-01-01.archive", &archive, None, 0);
    assert_eq!(by_ends(&archive, expected("a", None)), Verdict::Unknown);
    let zipped = piped("gzip", &["-c"], &archive);
    each_beginning("db_backup_2026-01-01.gz", &zipped, Some(Inside::Mongodump), 0);
    // Each byte of a document is in the checksum of its collection.
    let place = archive.windows(10).position(|bytes| bytes == b"Chiang Mai").unwrap();
    let mut other = archive.clone();
    other[place] ^= 1;
    assert_eq!(whole(&other, expected("a", None)), broken(Fault::Damaged, What::Mongodump));
    let cut = zipped.len() - 1;
    assert_eq!(whole(&zipped[..cut], expected("a.gz", None)), broken(Fault::Cut, What::Gzip));
    let cut = piped("gzip", &["-c"], &archive[..archive.len() - 90]);
    assert_eq!(whole(&cut, expected("a.gz", None)), broken(Fault::Cut, What::Mongodump));
    let kind = Some(Inside::Mongodump);
    assert_eq!(whole(b"nothing", expected("a", kind)), broken(Fault::Other, What::Mongodump));
}

#[test]
fn sqlite_and_zip() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    database.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1);").unwrap();
    drop(database);
    each_beginning("x.db", &fs::read(&path).unwrap(), None, 0);
    let zip = piped("zip", &["-q", "-", "-"], b"some text");
    let zip = if zip.starts_with(b"PK\x03\x04") { zip } else { Vec::new() };
    each_beginning("x.zip", &zip, None, 0);
}

#[test]
fn what_nobody_knows_is_not_judged() {
    for name in ["index_1.faiss", "x.db", "x"] {
        assert_eq!(whole(b"IxF2 and so on", expected(name, None)), Verdict::Unknown);
    }
    assert_eq!(whole(b"", expected("x", None)), broken(Fault::Empty, What::File));
    let raw = expected("x", Some(Inside::Raw));
    assert_eq!(whole(b"PGDMP", raw), Verdict::Unknown);
    assert_eq!(whole(b"PGDMP", expected("x", None)), broken(Fault::Cut, What::PgDumpCustom));
}

#[test]
fn errors_of_the_disk_and_whoever_watches_are_no_fault_of_the_file() {
    struct Bad<'a>(&'a [u8]);
    impl Read for Bad<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Err(io::Error::from_raw_os_error(5));
            }
            self.0.read(buffer)
        }
    }
    let script = script(50_000);
    let packed = piped("gzip", &["-c"], &script);
    let zstd = piped("zstd", &["-q", "-c"], &script);
    for (name, bytes) in [("a.sql", &script), ("a.gz", &packed), ("a.zst", &zstd)] {
        let named = expected(name, None);
        let failed = full(Bad(&bytes[..bytes.len() / 2]), named, &mut |_, _| Ok(()));
        assert_eq!(failed.unwrap_err().raw_os_error(), Some(5), "{name}");
        let mut seen = 0;
        let stopped = full(Cursor::new(bytes), named, &mut |read, made| {
            seen += read + made;
            if seen > 200_000 { Err(io::Error::other("enough")) } else { Ok(()) }
        });
        assert_eq!(stopped.unwrap_err().to_string(), "enough", "{name}");
        assert!(seen < 600_000, "{name}: {seen}");
    }
}

/// A few kilobytes of zeros that were packed grow to gigabytes.
#[test]
fn a_small_file_that_grows_is_not_read_to_its_end() {
    let zeros = piped("zstd", &["-q", "-c"], &vec![0; 200 << 20]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zeros.zst");
    fs::write(&path, &zeros).unwrap();
    let file = File::open(&path).unwrap();
    let named = expected("zeros.zst", None);
    assert_eq!(ends(&file, zeros.len() as u64, named).unwrap(), Verdict::Unknown);
}

/// Bytes from outside never end in a panic, or without an end.
#[test]
fn anything_at_all() {
    let mut seed = 0x1234_5678_u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        seed >> 33
    };
    let begins: [&[u8]; 7] = [
        b"PGDMP\x01\x0e\x00\x04\x08\x01",
        &[0x6d, 0xe2, 0x99, 0x81],
        &[0x1f, 0x8b, 8, 0],
        &[0x28, 0xb5, 0x2f, 0xfd],
        b"SQLite format 3\0",
        b"PK\x03\x04",
        b"--\n-- PostgreSQL database dump",
    ];
    for round in 0..20_000 {
        let length = usize::try_from(random() % 300).unwrap();
        let mut bytes = begins[round % begins.len()].to_vec();
        bytes.extend((0..length).map(|_| {
            let byte = random();
            if byte.is_multiple_of(3) { 0 } else { byte.to_le_bytes()[0] }
        }));
        let verdict = whole(&bytes, expected("x", None));
        assert_ne!(verdict, Verdict::Whole, "{bytes:?}");
        if round % 50 == 0 {
            assert_ne!(by_ends(&bytes, expected("x", None)), Verdict::Whole, "{bytes:?}");
        }
    }
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/backup");
    fs::read(folder.join(name)).unwrap()
}

/// Made by pg_dump 15.16 of a database with rows, an empty table, a large object and a view.
#[test]
fn custom_archives_of_pg_dump() {
    let named = expected("backup.dump", None);
    for (name, by_its_ends) in [
        // Into a file: the places of the blocks are in the table.
        ("pg15_custom.dump", Verdict::Whole),
        ("pg15_custom_plain.dump", Verdict::Whole),
        // Through a pipe they are not.
        ("pg15_custom_piped.dump", Verdict::Unknown),
    ] {
        let archive = fixture(name);
        assert_eq!(by_ends(&archive, named), by_its_ends, "{name}");
        each_beginning(name, &archive, None, 0);
        let more = [&archive[..], b"\x01"].concat();
        assert_ne!(whole(&more, named), Verdict::Whole, "{name}");
    }
    // What is packed has a checksum.
    let archive = fixture("pg15_custom.dump");
    let place = archive.windows(2).rposition(|bytes| bytes == [0x78, 0x9c]).unwrap();
    let mut other = archive.clone();
    other[place + 12] ^= 0x40;
    assert_eq!(whole(&other, named), broken(Fault::Damaged, What::PgDumpCustom));
    let zipped = piped("gzip", &["-c"], &archive[..archive.len() - 1]);
    let named = expected("backup.dump.gz", Some(Inside::PgDumpCustom));
    assert_eq!(whole(&zipped, named), broken(Fault::Cut, What::PgDumpCustom));
    each_beginning("pg15.sql", &fixture("pg15.sql"), None, 0);
}
