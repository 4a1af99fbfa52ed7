//! All that there is of a source of the configuration.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Container, Journal};
use crate::clients::engine::address::Address;
use crate::clients::folder::{Bounds, list};
use crate::collectors::logs::Logs;
use crate::collectors::logs::follow::find::may_copy;
use crate::collectors::logs::input::Input;
use crate::collectors::logs::plan;
use crate::failure::{Failure, Reason};

/// How much of the folders is looked at, and files that are taken of one pattern.
const ENTRIES: usize = 100_000;
const TIME: Duration = Duration::from_secs(10);
const MOST: usize = 1000;

/// What a source consists of.
pub enum Whole {
    /// Also rotated ones, and those that are packed.
    Files(Vec<PathBuf>),
    Containers(Vec<Container>),
    Journal(Journal),
}

impl Whole {
    /// Of a source by its settings. The Engine is that of the section `docker`.
    pub async fn of(name: &str, logs: &Logs, engine: Option<Address>) -> Result<Self, Failure> {
        let (source, _) = plan::source(name, logs, engine);
        let nothing = |input: &Input| {
            let place = input.place();
            Failure::new(Reason::NOT_FOUND, format!("{place}: {}", input.missing()))
                .hint(input.advice())
        };
        match &source.input {
            Input::Files(follow) => {
                let mut files = BTreeSet::new();
                for pattern in &follow.patterns {
                    let (found, _) = list(pattern, &mut Bounds::new(ENTRIES, TIME), MOST);
                    for file in found {
                        files.extend(rotated(&file.path));
                        files.insert(file.path);
                    }
                }
                if files.is_empty() {
                    return Err(nothing(&source.input));
                }
                Ok(Self::Files(files.into_iter().collect()))
            }
            Input::Containers(containers) => match containers.source.containers().await? {
                found if found.is_empty() => Err(nothing(&source.input)),
                found => Ok(Self::Containers(found)),
            },
            Input::Journal(journal) => Ok(Self::Journal(journal.0.clone())),
            Input::Stdin(_) => {
                let why = "it reads the standard input of the exporter, of which nothing is kept";
                Err(Failure::new(Reason::NOT_FOUND, why)
                    .hint("GET /api/v1/status of the running exporter has its errors"))
            }
        }
    }
}

/// What rotation has made of a file, packed or not.
fn rotated(file: &Path) -> Vec<PathBuf> {
    let Some(folder) = file.parent() else { return Vec::new() };
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = names.map(|name| name.path()).filter(|path| may_copy(path, file));
    paths.filter(|path| path.is_file()).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[tokio::test]
    async fn files_come_with_what_rotation_made_of_them() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["bot_a.log", "bot_a.log.1", "bot_a.log.2.gz", "bot_b.log", "other.log"] {
            std::fs::write(dir.path().join(name), "x\n").unwrap();
        }
        let of = async |yaml: &str| {
            let logs = config::load::<Logs>("x.yaml", yaml, &|_| None).finish().unwrap();
            Whole::of("bot", &logs, None).await
        };
        let folder = std::fs::canonicalize(dir.path()).unwrap();
        let found = of(&format!("files: [\"{}/bot_*.log\"]", folder.display())).await;
        let Ok(Whole::Files(files)) = found else { panic!("files") };
        let names: Vec<_> = files.iter().map(|path| path.file_name().unwrap()).collect();
        assert_eq!(names, ["bot_a.log", "bot_a.log.1", "bot_a.log.2.gz", "bot_b.log"]);
        let gone = of("files: [/nonexistent/x.log]").await.err().unwrap();
        assert_eq!(gone.detail, "/nonexistent/x.log: no such file");
        assert!(of("stdin: true").await.is_err());
    }
}
