//! All that there is of a source of the configuration.

use std::path::PathBuf;

use super::{Container, Journal};
use crate::clients::engine::address::Address;
use crate::collectors::logs::Logs;
use crate::collectors::logs::input::Around;
use crate::collectors::logs::plan;
use crate::failure::Failure;

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
        let (source, _) = plan::source(name, logs, &Around { engine, ..Around::default() });
        source.input.whole().await
    }
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
