//! Positions as they are written down: what makes a file the same one, and how far it is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::facts::Identity;
use super::print::Print;

/// All that a source knows of its files. What was counted and where reading stopped are one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    default,
    bound(
        serialize = "S: Default + PartialEq + Serialize",
        deserialize = "S: Default + Deserialize<'de>"
    )
)]
pub struct Positions<S> {
    /// The patterns of the last step, and those of them whose first look is over.
    pub texts: Vec<String>,
    pub primed: BTreeSet<String>,
    /// When the last step was.
    pub at: Option<SystemTime>,
    /// The state was lost: what is there at the first look does not count, whatever `start` says.
    pub lost: bool,
    /// Paths that were read and at which nothing known is now, since when.
    #[serde(serialize_with = "write_vacant", deserialize_with = "read_vacant")]
    pub vacant: BTreeMap<PathBuf, SystemTime>,
    pub files: Vec<Position<S>>,
}

impl<S> Default for Positions<S> {
    fn default() -> Self {
        Self {
            texts: Vec::new(),
            primed: BTreeSet::new(),
            at: None,
            lost: false,
            vacant: BTreeMap::new(),
            files: Vec::new(),
        }
    }
}

/// One file.
#[allow(clippy::struct_excessive_bools, reason = "each may come with any of the others")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(
    serialize = "S: Default + PartialEq + Serialize",
    deserialize = "S: Default + Deserialize<'de>"
))]
pub struct Position<S> {
    #[serde(serialize_with = "write_path", deserialize_with = "read_path")]
    pub path: PathBuf,
    /// Where the link leads, if `path` is one.
    #[serde(default, serialize_with = "write_link", deserialize_with = "read_link")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<PathBuf>,
    pub id: Identity,
    pub role: Role,
    /// Where counting began.
    #[serde(default, skip_serializing_if = "is_default")]
    pub begin: u64,
    /// The end of the last finished line that counts.
    pub offset: u64,
    /// Whether `stream` has seen all of `begin..offset` of this file, and nothing else.
    pub whole: bool,
    /// What the file holds before `offset`, as far as it is kept.
    pub print: Print,
    /// Size and time of change when it was last looked at.
    pub size: u64,
    #[serde(with = "nanoseconds")]
    pub modified: SystemTime,
    /// There was nothing more to read then.
    pub settled: bool,
    /// Not named any more: renamed or deleted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub gone: bool,
    /// Since when it is not found under any name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub missing: Option<SystemTime>,
    /// Read to the end, and let go when it was quiet.
    #[serde(default, skip_serializing_if = "is_default")]
    pub closed: bool,
    /// The unfinished last line counts already: nobody seemed to finish it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ended: bool,
    /// A copy in which the rest of another file is read: that one's last line may go on there.
    #[serde(default, skip_serializing_if = "is_default")]
    pub adopted: bool,
    /// Lines came since the last `settle`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unsettled: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub stream: S,
}

/// Thousands of quiet files are written down each time one of them has a new line, so what goes
/// without saying is left out.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A time as nanoseconds since 1970.
mod nanoseconds {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<T: Serializer>(time: &SystemTime, to: T) -> Result<T::Ok, T::Error> {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        to.serialize_u64(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SystemTime, D::Error> {
        Ok(UNIX_EPOCH + Duration::from_nanos(u64::deserialize(from)?))
    }
}

/// What a file is to its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Its lines count.
    Read,
    /// It lay beside a named file when that was first seen.
    Old,
    /// It has come to lie beside a named file that stayed: if at all, a copy of that.
    Beside,
    /// Named, and the same as another file as far as it goes: its lines count there.
    Copy,
}

/// Names need not be UTF-8.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Bytes(Vec<u8>),
}

impl From<&Path> for Name {
    fn from(path: &Path) -> Self {
        path.to_str().map_or_else(
            || Self::Bytes(path.as_os_str().as_bytes().to_vec()),
            |text| Self::Text(text.to_owned()),
        )
    }
}

impl From<Name> for PathBuf {
    fn from(name: Name) -> Self {
        match name {
            Name::Text(text) => text.into(),
            Name::Bytes(bytes) => OsString::from_vec(bytes).into(),
        }
    }
}

fn write_path<T: Serializer>(path: &Path, to: T) -> Result<T::Ok, T::Error> {
    Name::from(path).serialize(to)
}

fn read_path<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
    Ok(Name::deserialize(from)?.into())
}

#[allow(clippy::ref_option, reason = "serde gives a field as it is")]
fn write_link<T: Serializer>(link: &Option<PathBuf>, to: T) -> Result<T::Ok, T::Error> {
    link.as_deref().map(Name::from).serialize(to)
}

fn read_link<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
    Ok(Option::<Name>::deserialize(from)?.map(PathBuf::from))
}

fn write_vacant<T: Serializer>(
    vacant: &BTreeMap<PathBuf, SystemTime>,
    to: T,
) -> Result<T::Ok, T::Error> {
    to.collect_seq(vacant.iter().map(|(path, since)| (Name::from(path.as_path()), since)))
}

fn read_vacant<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<BTreeMap<PathBuf, SystemTime>, D::Error> {
    let vacant: Vec<(Name, SystemTime)> = Vec::deserialize(from)?;
    Ok(vacant.into_iter().map(|(name, since)| (name.into(), since)).collect())
}
