//! What a file should be, by its settings and its name, and what it is, by its beginning.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fault, Verdict, What, broken, mongo, tar};

/// What a backup is packed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packed {
    Gzip,
    Zstd,
}

/// What a backup is, without what it is packed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Inside {
    /// The SQL script of `pg_dump` or `pg_dumpall`.
    PgDump,
    /// The archive of `pg_dump -Fc`.
    PgDumpCustom,
    /// The SQL script of `mysqldump` or `mariadb-dump`.
    MysqlDump,
    /// The archive of `mongodump --archive`.
    Mongodump,
    Tar,
    Sqlite,
    Zip,
    /// Any SQL script: recognised by its first line.
    Sql,
    /// Anything else: of such a file only the size is judged, and what it is packed in.
    Raw,
}

/// What a file should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    pub packed: Option<Packed>,
    pub inside: Option<Inside>,
}

impl Expected {
    /// By its settings, else by the end of its name.
    pub fn of(path: &Path, kind: Option<Inside>) -> Self {
        let name = path.file_name().map(|name| name.as_encoded_bytes().to_ascii_lowercase());
        let name = name.unwrap_or_default();
        let ends = |ending: &str| name.ends_with(ending.as_bytes());
        let packed = if ends(".gz") || ends(".tgz") {
            Some(Packed::Gzip)
        } else if ends(".zst") || ends(".zstd") || ends(".tzst") {
            Some(Packed::Zstd)
        } else {
            None
        };
        let stem = [".gz", ".zst", ".zstd"].iter().find(|ending| ends(ending));
        let stem = name.get(..name.len() - stem.map_or(0, |ending| ending.len()));
        let stem = stem.unwrap_or_default();
        let ends = |ending: &str| stem.ends_with(ending.as_bytes());
        let by_name = if ends(".tar") || ends(".tgz") || ends(".tzst") {
            Some(Inside::Tar)
        } else if ends(".sql") {
            Some(Inside::Sql)
        } else if ends(".zip") {
            Some(Inside::Zip)
        } else {
            None
        };
        Self { packed, inside: kind.or(by_name) }
    }

    /// What it is, or that it is something else. The inside of what is packed is not seen here.
    pub fn form(self, head: &[u8]) -> Result<Form, Verdict> {
        let is = if head.starts_with(&GZIP) {
            Some(Packed::Gzip)
        } else if head.starts_with(&ZSTD) || is_skippable(head) {
            Some(Packed::Zstd)
        } else {
            None
        };
        match (self.packed, is) {
            (_, Some(is)) if self.packed.is_none_or(|wanted| wanted == is) => Ok(Form::Packed(is)),
            (Some(wanted), _) => {
                let (magic, what): (&[u8], _) = match wanted {
                    Packed::Gzip => (&GZIP, What::Gzip),
                    Packed::Zstd => (&ZSTD, What::Zstd),
                };
                Err(broken(cut_or_other(head, magic), what))
            }
            _ => inside(self.inside, head).map(Form::Plain),
        }
    }
}

/// What a file is, without the inside of what is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Packed(Packed),
    Plain(Inside),
}

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const SQLITE: &[u8] = b"SQLite format 3\0";
const CUSTOM: &[u8] = b"PGDMP";
const ZIP: &[u8] = b"PK\x03\x04";

/// A frame of zstd that holds no data.
fn is_skippable(head: &[u8]) -> bool {
    matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// Whether what is there could have become it.
fn cut_or_other(head: &[u8], magic: &[u8]) -> Fault {
    if head.len() < magic.len() && magic.starts_with(head) { Fault::Cut } else { Fault::Other }
}

/// What stands there unpacked, or that it is not what is expected.
pub fn inside(expected: Option<Inside>, head: &[u8]) -> Result<Inside, Verdict> {
    // Many a thing begins with zeros, such as the image of a disk.
    let nothing = expected == Some(Inside::Tar) && tar::is_empty(head);
    let found = by_content(head).or(nothing.then_some(Inside::Tar));
    match expected {
        None => Ok(found.unwrap_or(Inside::Raw)),
        Some(Inside::Raw) => Ok(Inside::Raw),
        // Scripts of other programs have no end that we know.
        Some(Inside::Sql) => match found {
            Some(Inside::PgDump | Inside::MysqlDump) => Ok(found.unwrap_or(Inside::Sql)),
            Some(_) => Err(broken(Fault::Other, What::Script)),
            None => Ok(Inside::Sql),
        },
        Some(wanted) if found == Some(wanted) => Ok(wanted),
        Some(wanted) => {
            let begins = match wanted {
                Inside::PgDump => PG_HEAD,
                Inside::MysqlDump => b"-- M",
                Inside::PgDumpCustom => CUSTOM,
                Inside::Mongodump => &mongo::MAGIC,
                Inside::Sqlite => SQLITE,
                Inside::Zip => ZIP,
                // Less than a header.
                Inside::Tar if head.len() < tar::BLOCK => head,
                Inside::Tar | Inside::Sql | Inside::Raw => b"",
            };
            let fault = match begins {
                [] => Fault::Other,
                begins if head.len() < begins.len() && begins.starts_with(head) => Fault::Cut,
                begins if wanted == Inside::Tar && begins == head => Fault::Cut,
                _ => Fault::Other,
            };
            Err(broken(fault, what(wanted)))
        }
    }
}

const fn what(inside: Inside) -> What {
    match inside {
        Inside::PgDump => What::PgDump,
        Inside::PgDumpCustom => What::PgDumpCustom,
        Inside::MysqlDump => What::MysqlDump,
        Inside::Mongodump => What::Mongodump,
        Inside::Tar => What::Tar,
        Inside::Sqlite => What::Sqlite,
        Inside::Zip => What::Zip,
        Inside::Sql | Inside::Raw => What::File,
    }
}

/// How both scripts of PostgreSQL begin.
const PG_HEAD: &[u8] = b"--\n-- PostgreSQL database ";

fn by_content(head: &[u8]) -> Option<Inside> {
    if head.starts_with(PG_HEAD) {
        Some(Inside::PgDump)
    } else if head.starts_with(CUSTOM) {
        Some(Inside::PgDumpCustom)
    } else if is_mysql(head) {
        Some(Inside::MysqlDump)
    } else if head.starts_with(&mongo::MAGIC) {
        Some(Inside::Mongodump)
    } else if head.starts_with(SQLITE) {
        Some(Inside::Sqlite)
    } else if head.starts_with(ZIP) {
        Some(Inside::Zip)
    } else if tar::is_header(head) {
        Some(Inside::Tar)
    } else {
        None
    }
}

/// MariaDB's has a line for its own client before.
fn is_mysql(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"/*M!999999\\- enable the sandbox mode */ \n").unwrap_or(head);
    head.starts_with(b"-- MySQL dump ") || head.starts_with(b"-- MariaDB dump ")
}
