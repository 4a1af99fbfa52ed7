//! Reads a Compose file and all that it draws on: `.env`, `include`, `extends`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::File;
use super::declared::Declared;
use super::dotenv;
use super::interpolate::Variables;
use super::service::{Reader, get, is_said};
use super::source::{Sources, Stamp, identity};
use crate::config::tree::{Node, Value};
use crate::failure::{Failure, Reason};

/// Files within files, and services that extend services.
const DEPTH: usize = 32;

/// What came of a declared file.
pub struct Loaded {
    pub file: Result<File, Failure>,
    /// Files and services that could not be followed: the rest of the file holds.
    pub missing: Vec<Failure>,
    /// Values that Compose would not take.
    pub wrong: Vec<Failure>,
    /// Every file that was looked at, with `None` for one that is not there.
    pub seen: BTreeMap<PathBuf, Option<Stamp>>,
}

/// Reads the file. The profiles in use are those given, else those of `.env`.
pub fn load(path: &Path, profiles: &[String]) -> Loaded {
    load_from(Sources::default(), path, profiles)
}

/// As `load`, with what was read already.
pub fn load_from(sources: Sources, path: &Path, profiles: &[String]) -> Loaded {
    let mut loader = Loader { sources, ..Loader::default() };
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let beside = folder.join(".env");
    let variables = loader.variables(&[(beside, false)], &Variables::default());
    let place = Place { path: path.to_owned(), folder, variables };
    let file = loader.model(&place, &mut Vec::new()).map(|(mut file, name)| {
        let setting = |name| place.variables.get(name).filter(|text| !text.is_empty());
        let given = setting("COMPOSE_PROJECT_NAME").map(str::to_owned).or(name);
        file.is_named = given.is_some();
        let of_folder = || path.parent()?.file_name()?.to_str().map(str::to_owned);
        file.project = normalise(&given.or_else(of_folder).unwrap_or_default());
        file.enabled = profiles.to_vec();
        // As `--profile` takes the place of what the environment says.
        if profiles.is_empty() {
            let names = setting("COMPOSE_PROFILES").unwrap_or_default().split(',').map(str::trim);
            file.enabled.extend(names.filter(|name| !name.is_empty()).map(str::to_owned));
        }
        file
    });
    let Loader { sources, missing, wrong } = loader;
    Loaded { file, missing, wrong, seen: sources.seen }
}

/// As Compose makes a project's name.
fn normalise(name: &str) -> String {
    let kept = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let name: String = name.to_lowercase().chars().filter(kept).collect();
    name.trim_start_matches(['-', '_']).to_owned()
}

/// A file, the folder that its paths start from, and the variables that hold in it.
struct Place {
    path: PathBuf,
    folder: PathBuf,
    variables: Variables,
}

impl Place {
    fn failure(&self, node: &Node, what: &str) -> Failure {
        let detail = format!("{}: line {}: {what}", self.path.display(), node.line);
        Failure::new(Reason::PARSE, detail).hint("does `docker compose config` take it?")
    }
}

#[derive(Default)]
struct Loader {
    sources: Sources,
    missing: Vec<Failure>,
    wrong: Vec<Failure>,
}

impl Loader {
    /// The variables of `.env` files. One that is named outright has to be there.
    fn variables(&mut self, files: &[(PathBuf, bool)], outer: &Variables) -> Variables {
        let mut known = outer.clone();
        for (path, must_exist) in files {
            let text = match self.sources.text(path) {
                Ok(text) => text,
                Err(failure) => {
                    let absent = failure.reason == Reason::NOT_FOUND && !must_exist;
                    self.missing.extend((!absent).then_some(failure));
                    continue;
                }
            };
            // Of several files the last goes first, but what is around them before all.
            let (read, wrong) = dotenv::parse(&text, outer);
            known.0.extend(read.0);
            if let Some(line) = wrong {
                let detail = format!("{}: line {line}: no `NAME=value`", path.display());
                self.wrong.push(Failure::new(Reason::PARSE, detail));
            }
        }
        known
    }

    /// All documents of a file with what they include, and the project's name where it says one.
    fn model(
        &mut self,
        place: &Place,
        including: &mut Vec<PathBuf>,
    ) -> Result<(File, Option<String>), Failure> {
        let documents = self.sources.tree(&place.path)?;
        let is_some = |key| documents.iter().any(|document| get(document, key).is_some());
        if !is_some("services") && !is_some("include") {
            let why = format!("{}: no `services` in it", place.path.display());
            return Err(Failure::new(Reason::PARSE, why).hint("is it a Compose file?"));
        }
        let (mut file, mut name) = (File::default(), None);
        for document in documents.iter() {
            let (path, variables) = (&place.path, &place.variables);
            let said =
                Reader { path, variables, wrong: &mut self.wrong }.text(document.get("name"));
            name = said.or(name);
            let list = document.get("include").map(Node::items).unwrap_or_default();
            including.push(identity(&place.path));
            for entry in list.iter().filter(|entry| is_said(entry)) {
                match self.include(place, entry, including) {
                    Ok(included) => file.overlay(&included),
                    Err(failure) => self.missing.push(failure),
                }
            }
            including.pop();
            file.overlay(&self.document(place, document)?);
        }
        Ok((file, name))
    }

    fn document(&mut self, place: &Place, document: &Node) -> Result<File, Failure> {
        let mut file = File::default();
        let Some(services) = get(document, "services") else { return Ok(file) };
        if !matches!(services.value, Value::Map(_)) {
            return Err(place.failure(services, "`services` is no map"));
        }
        for entry in services.entries() {
            if entry.value.tag.as_deref() == Some("!reset") {
                file.removed.insert(entry.key.clone());
                continue;
            }
            let service = self.service(place, services, &entry.key, &mut Vec::new());
            file.services.insert(entry.key.clone(), service);
        }
        Ok(file)
    }

    /// A service with what it extends. Without that, if it cannot be followed.
    fn service(
        &mut self,
        place: &Place,
        services: &Node,
        name: &str,
        chain: &mut Vec<(PathBuf, String)>,
    ) -> Declared {
        let Some(node) = services.get(name) else { return Declared::default() };
        let (path, variables) = (&place.path, &place.variables);
        let own = Reader { path, variables, wrong: &mut self.wrong }.service(node);
        let Some(extends) = get(node, "extends") else { return own };
        let link = (identity(&place.path), name.to_owned());
        if chain.contains(&link) || chain.len() >= DEPTH {
            self.missing.push(place.failure(extends, "`extends` goes in a circle"));
            return own;
        }
        chain.push(link);
        let base = self.extended(place, services, extends, chain);
        chain.pop();
        match base {
            Ok(mut base) => {
                // What the base drops is nothing of the service's own.
                base.reset.clear();
                base.overlay(&own);
                base
            }
            Err(failure) => {
                self.missing.push(failure);
                own
            }
        }
    }

    fn extended(
        &mut self,
        place: &Place,
        services: &Node,
        extends: &Node,
        chain: &mut Vec<(PathBuf, String)>,
    ) -> Result<Declared, Failure> {
        let (path, variables) = (&place.path, &place.variables);
        let reader = Reader { path, variables, wrong: &mut self.wrong };
        let service = match &extends.value {
            Value::Map(_) => reader.text(get(extends, "service")),
            _ => reader.text(Some(extends)),
        };
        let unknown = || place.failure(extends, "`extends` names no service that is known");
        let service = service.ok_or_else(unknown)?;
        let Some(file) = get(extends, "file") else {
            services.get(&service).ok_or_else(unknown)?;
            return Ok(self.service(place, services, &service, chain));
        };
        let file = reader.text(Some(file)).ok_or_else(unknown)?;
        let path = local(place, extends, &file)?;
        let documents = self.sources.tree(&path)?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let there = Place { path, folder, variables: place.variables.clone() };
        let mut base = None::<Declared>;
        for services in documents.iter().filter_map(|document| get(document, "services")) {
            if services.get(&service).is_some() {
                let found = self.service(&there, services, &service, chain);
                base.get_or_insert_default().overlay(&found);
            }
        }
        base.ok_or_else(unknown)
    }

    fn include(
        &mut self,
        place: &Place,
        entry: &Node,
        including: &mut Vec<PathBuf>,
    ) -> Result<File, Failure> {
        let (path, variables) = (&place.path, &place.variables);
        let reader = Reader { path, variables, wrong: &mut self.wrong };
        let list = |node: Option<&Node>| node.map(|list| reader.list(list)).unwrap_or_default();
        let is_long = matches!(entry.value, Value::Map(_));
        let names = list(if is_long { get(entry, "path") } else { Some(entry) });
        let env_files = list(get(entry, "env_file"));
        let folder = reader.text(get(entry, "project_directory"));
        let paths: Result<Vec<PathBuf>, Failure> =
            names.iter().map(|name| local(place, entry, name)).collect();
        let paths = paths?;
        let Some(first) = paths.first() else {
            return Err(place.failure(entry, "`include` has no path that is known"));
        };
        if including.contains(&identity(first)) || including.len() >= DEPTH {
            return Err(place.failure(entry, "`include` goes in a circle"));
        }
        let folder = folder.map(|folder| place.folder.join(folder));
        let folder = folder.or_else(|| Some(first.parent()?.to_owned())).unwrap_or_default();
        let env_files: Vec<_> = if env_files.is_empty() {
            vec![(folder.join(".env"), false)]
        } else {
            env_files.iter().map(|file| (place.folder.join(file), true)).collect()
        };
        let variables = self.variables(&env_files, &place.variables);
        let mut included = File::default();
        for path in paths {
            let (folder, variables) = (folder.clone(), variables.clone());
            let (file, _) = self.model(&Place { path, folder, variables }, including)?;
            included.overlay(&file);
        }
        Ok(included)
    }
}

/// The path of another file. Those in a registry or a repository are not followed.
fn local(place: &Place, node: &Node, file: &str) -> Result<PathBuf, Failure> {
    let is_remote = file.contains("://") || file.starts_with("git@");
    if is_remote {
        return Err(place.failure(node, "files in a registry or a repository are not followed"));
    }
    Ok(place.folder.join(file))
}
