//! Pending security updates, where the machine is a Debian or an Ubuntu: what the lists of apt that are of a security
//! archive have in a newer version than is installed. Nothing is run, and nothing is fetched: as old as the
//! lists are, so old is what is said, and that is told as well.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::time::SystemTime;

use crate::catalogue::metrics;
use crate::failure::{Failure, Reason};
use crate::files;

const INSTALLED: &str = "var/lib/dpkg/status";
const LISTS: &str = "var/lib/apt/lists";
const TRACES: [&str; 3] =
    [LISTS, "var/lib/apt/lists/partial", "var/lib/apt/periodic/update-success-stamp"];
/// Bytes of a file, and lists of security archives.
const LONGEST: u64 = 128 << 20;
const MOST: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Updates {
    pending: u64,
    /// When somebody last fetched lists, or the newest of them was made.
    looked: SystemTime,
}

/// The same at a moment.
pub struct Due {
    pending: u64,
    age: f64,
}

impl Updates {
    /// `None` where nobody tells: no packages of dpkg, no security archive, or lists that are compressed.
    pub fn read(root: &Path) -> Result<Option<Self>, Failure> {
        let installed = root.join(INSTALLED);
        if !installed.exists() {
            return Ok(None);
        }
        let lists = security_lists(&root.join(LISTS));
        let Some(newest) = lists.iter().map(|(_, at)| *at).max() else { return Ok(None) };
        // A list has the time at which the archive made it; these change when it is fetched.
        let traces =
            TRACES.iter().filter_map(|path| fs::metadata(root.join(path)).ok()?.modified().ok());
        let looked = traces.fold(newest, SystemTime::max);
        let mut versions: HashMap<String, String> = HashMap::new();
        paragraphs(&installed, |paragraph| {
            if paragraph.get("Status") == "install ok installed" {
                versions.insert(paragraph.key(), paragraph.get("Version").to_owned());
            }
        })?;
        let mut pending = HashSet::new();
        for (list, _) in lists {
            paragraphs(&list, |paragraph| {
                let key = paragraph.key();
                let is_newer = |installed: &String| {
                    compare(installed, paragraph.get("Version")) == Ordering::Less
                };
                if versions.get(&key).is_some_and(is_newer) {
                    pending.insert(key);
                }
            })?;
        }
        Ok(Some(Self { pending: pending.len() as u64, looked }))
    }

    pub fn at(&self, now: SystemTime) -> Due {
        let age = now.duration_since(self.looked).unwrap_or_default();
        Due { pending: self.pending, age: age.as_secs_f64() }
    }
}

/// Lists of packages as they are, of archives that call themselves so.
fn security_lists(folder: &Path) -> Vec<(std::path::PathBuf, SystemTime)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut lists: Vec<_> = entries
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.contains("security") && name.ends_with("_Packages")
        })
        .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?.modified().ok()?)))
        .collect();
    lists.sort();
    lists.truncate(MOST);
    lists
}

/// The fields of a paragraph that are asked for.
#[derive(Default)]
struct Paragraph(HashMap<&'static str, String>);

const FIELDS: [&str; 4] = ["Package", "Status", "Version", "Architecture"];

impl Paragraph {
    fn get(&self, field: &str) -> &str {
        self.0.get(field).map_or("", String::as_str)
    }

    /// A package of two architectures is two.
    fn key(&self) -> String {
        format!("{}:{}", self.get("Package"), self.get("Architecture"))
    }
}

fn paragraphs(path: &Path, mut each: impl FnMut(&Paragraph)) -> Result<(), Failure> {
    let failure = |error: &std::io::Error| Failure::io(&path.display().to_string(), error);
    let file = files::open(path).map_err(|error| failure(&error))?;
    if file.metadata().is_ok_and(|about| about.len() > LONGEST) {
        let why = format!("{}: longer than {LONGEST} bytes", path.display());
        return Err(Failure::new(Reason::OTHER, why));
    }
    let mut file = BufReader::new(file.take(LONGEST));
    let (mut line, mut paragraph) = (Vec::new(), Paragraph::default());
    loop {
        line.clear();
        let more = file.read_until(b'\n', &mut line).map_err(|error| failure(&error))?;
        let text = line.trim_ascii_end();
        if text.is_empty() {
            if !paragraph.0.is_empty() {
                each(&paragraph);
                paragraph.0.clear();
            }
            if more == 0 {
                return Ok(());
            }
            continue;
        }
        let field = FIELDS.iter().find_map(|field| {
            let rest = text.strip_prefix(field.as_bytes())?.strip_prefix(b":")?;
            Some((*field, String::from_utf8_lossy(rest.trim_ascii()).into_owned()))
        });
        paragraph.0.extend(field);
    }
}

/// As dpkg compares versions: `epoch:upstream-revision`.
fn compare(one: &str, other: &str) -> Ordering {
    let parts = |version: &str| -> (u64, String, String) {
        let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        (epoch.parse().unwrap_or(0), upstream.to_owned(), revision.to_owned())
    };
    let ((e1, u1, r1), (e2, u2, r2)) = (parts(one), parts(other));
    e1.cmp(&e2).then_with(|| piece(&u1, &u2)).then_with(|| piece(&r1, &r2))
}

/// What are no digits by their order, then digits as a number, and so on. A tilde comes before all, the end
/// included, letters before other signs.
fn piece(one: &str, other: &str) -> Ordering {
    fn split(text: &str, digits: bool) -> (&str, &str) {
        let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
        text.split_at(end)
    }
    fn weight(sign: Option<char>) -> u32 {
        match sign {
            Some('~') => 0,
            None => 1,
            Some(sign) if sign.is_ascii_alphabetic() => 2 + u32::from(sign),
            Some(sign) => 1000 + u32::from(sign),
        }
    }
    let (mut one, mut other) = (one, other);
    while !(one.is_empty() && other.is_empty()) {
        let ((a, rest_a), (b, rest_b)) = (split(one, false), split(other, false));
        let (mut signs_a, mut signs_b) = (a.chars(), b.chars());
        loop {
            let (x, y) = (signs_a.next(), signs_b.next());
            let order = weight(x).cmp(&weight(y));
            if order.is_ne() {
                return order;
            }
            if x.is_none() {
                break;
            }
        }
        let ((a, rest_a), (b, rest_b)) = (split(rest_a, true), split(rest_b, true));
        let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
        let order = a.len().cmp(&b.len()).then_with(|| a.cmp(b));
        if order.is_ne() {
            return order;
        }
        (one, other) = (rest_a, rest_b);
    }
    Ordering::Equal
}

metrics! { Due {
    labels {}
    /// Installed packages of which the lists of a security archive have a newer version; absent where no file tells. Source: /var/lib/dpkg/status, /var/lib/apt/lists.
    gauge stack_host_security_updates_pending = |d| d.pending;
    /// Time since the lists of packages were last fetched, in seconds: what is said of updates is as old. Source: times of /var/lib/apt/lists and /var/lib/apt/periodic.
    gauge stack_host_package_lists_age_seconds = |d| d.age;
} }

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn versions_are_in_the_order_of_dpkg() {
        // From lower to higher, by the examples of deb-version(7) and what archives have.
        let order = [
            "1.0~beta1~svn1245",
            "1.0~beta1",
            "1.0",
            "1.0-1",
            "1.0-1+deb12u1",
            "1.0-1+deb12u2",
            "1.0-1+deb12u10",
            "1.0-2",
            "1.0a",
            "1.0+b",
            "1.0.1-1",
            "1.9",
            "1.10",
            "10.0",
            "1:0.1",
        ];
        for (index, low) in order.iter().enumerate() {
            assert_eq!(compare(low, low), Ordering::Equal);
            for high in &order[index + 1..] {
                assert_eq!(compare(low, high), Ordering::Less, "{low} {high}");
                assert_eq!(compare(high, low), Ordering::Greater, "{high} {low}");
            }
        }
        assert_eq!(compare("1.007", "1.7"), Ordering::Equal);
        assert_eq!(compare("0:1.0", "1.0"), Ordering::Equal);
    }

    #[test]
    fn what_is_newer_in_a_security_archive_is_pending() {
        let root = tempfile::tempdir().unwrap();
        let read = || Updates::read(root.path()).unwrap();
        assert_eq!(read(), None);
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            INSTALLED,
            "Package: openssl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3.0.15-1~deb12u1\nDescription: x\n  Version: 9\n\n\
             Package: curl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 7.88.1-10+deb12u12\n\n\
             Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n\n\
             Package: tzdata\nStatus: install ok installed\nArchitecture: all\nVersion: 2024a-0+deb12u1\n",
        );
        assert_eq!(read(), None, "no list tells");
        let list = "var/lib/apt/lists/deb.debian.org_debian-security_dists_bookworm-security_main_binary-amd64_Packages";
        write(
            list,
            "Package: openssl\nArchitecture: amd64\nVersion: 3.0.15-1~deb12u2\n\nPackage: openssl\nArchitecture: i386\n\
             Version: 9\n\nPackage: curl\nArchitecture: amd64\nVersion: 7.88.1-10+deb12u8\n\nPackage: gone\n\
             Architecture: amd64\nVersion: 2\n\nPackage: tzdata\nVersion: 2025b-0+deb12u1\nArchitecture: all\n",
        );
        write(
            "var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_main_binary-amd64_Packages",
            "\u{0}",
        );
        let found = read().unwrap();
        assert_eq!(found.pending, 2);
        let later = found.at(found.looked + Duration::from_hours(1));
        assert!((later.age - 3600.0).abs() < 1.0);
        fs::remove_file(root.path().join(list)).unwrap();
        fs::create_dir(root.path().join(list)).unwrap();
        Updates::read(root.path()).unwrap_err();
    }
}
