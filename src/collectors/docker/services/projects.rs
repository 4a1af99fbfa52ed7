//! Which project a declared file is of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::super::compose::{File, FileRead};
use super::super::container::Container;

/// The declared projects, each with all of its files.
pub fn declared(
    containers: &[Container],
    files: &[FileRead],
    root: &Path,
) -> BTreeMap<String, File> {
    let mut projects = BTreeMap::<String, File>::new();
    for read in files {
        let Some(file) = &read.file else { continue };
        let project = project(containers, read, &file.project, root);
        projects.entry(project).or_default().overlay(file);
    }
    projects
}

/// The project of a file: `-p` and `COMPOSE_PROJECT_NAME` go before what the file says, and only
/// the containers know.
fn project(containers: &[Container], read: &FileRead, derived: &str, root: &Path) -> String {
    // As Compose saw it, when the host's root is elsewhere for us.
    let outside = read.path.strip_prefix(root).ok().map(|path| Path::new("/").join(path));
    let is_it = |file: &String| {
        let file = Path::new(file);
        file == read.path || outside.as_deref() == Some(file)
    };
    let made_from_it = |container: &&Container| container.files.iter().any(is_it);
    let projects: BTreeSet<&str> = containers
        .iter()
        .filter(made_from_it)
        .map(|container| container.names.project.as_str())
        .collect();
    match projects.first() {
        Some(only) if projects.len() == 1 => (*only).to_owned(),
        _ => derived.to_owned(),
    }
}
