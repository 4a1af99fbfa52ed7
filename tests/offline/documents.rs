//! What the documents tell people to type exists: every command of ours is understood, every piece of
//! configuration is valid, every link leads somewhere.

use std::collections::BTreeSet;

use stack_exporter::collectors::SECTIONS;

use crate::support::{files, read, root, run, said, temporary};

const EXPORTER: &str = env!("CARGO_BIN_EXE_stack-exporter");

/// The documents that people read, and the rules, whose messages name commands as well.
fn documents() -> Vec<String> {
    let mut found = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    for (folder, ending) in [
        ("docs", ".md"),
        ("docs/how-to", ".md"),
        ("docs/runbooks", ".md"),
        ("alerts", ".rules.yml"),
        ("packaging", ".yml"),
    ] {
        found.extend(files(folder, ending));
    }
    found
}

fn pages() -> Vec<String> {
    documents().into_iter().filter(|file| file.rsplit('.').next() == Some("md")).collect()
}

/// What stands before a command of ours: nothing, or what ends another one.
const BEGINS: [&str; 6] = ["`", "&& ", "; ", "| ", "$(", "stack-exporter "];

/// The commands of ours in a text, without the name: in blocks of commands, between backticks, and as
/// the `next` of an alert.
fn commands(text: &str) -> Vec<String> {
    let (mut found, mut block) = (Vec::new(), false);
    for line in text.lines() {
        let line = line.trim().replace("cargo run --release -- ", "stack-exporter ");
        if line.starts_with("```") {
            block = line == "```sh";
            continue;
        }
        let next = line.strip_prefix("next: \"");
        let code = block || next.is_some();
        let line = next.unwrap_or(&line).trim_start_matches("sudo ");
        for (at, name) in line.match_indices("stack-exporter ") {
            let (before, rest) = (&line[..at], &line[at + name.len()..]);
            let quoted = before.matches('`').count() % 2 == 1;
            let begins = BEGINS.iter().any(|begin| before.ends_with(begin));
            if (code || quoted) && (begins || before.is_empty()) {
                let end =
                    rest.find(['`', '|', ';', '#', ')', '"', '\\', '&']).unwrap_or(rest.len());
                found.push(words(&rest[..end]).join(" "));
            }
        }
    }
    found
}

/// The words of a command, up to a redirection. What stands for something (`<folder>`) is a word, too;
/// what may be left out (`[FILE]`) is none.
fn words(command: &str) -> Vec<String> {
    let name =
        |word: &str| word.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).is_some();
    let words = command.split_whitespace();
    let words = words.take_while(|word| name(word) || !word.contains(['<', '>']));
    let words = words.filter(|word| !word.contains(['[', '{']));
    words.map(|word| word.trim_matches(['\'', ',', '<', '>']).to_owned()).collect()
}

#[test]
fn every_command_is_understood() {
    let mut all = BTreeSet::new();
    for file in documents() {
        all.extend(commands(&read(&file)).into_iter().map(|command| (command, file.clone())));
    }
    let (mut tried, mut wrong) = (BTreeSet::new(), String::new());
    for (command, file) in &all {
        let words: Vec<&str> = command.split_whitespace().collect();
        if words.is_empty() || !tried.insert(words.clone()) {
            continue;
        }
        // Help ends the reading of arguments before anything is done; what comes before it is checked.
        let output = run(EXPORTER, &[words.as_slice(), &["--help"]].concat());
        if !output.status.success() {
            wrong += &format!("{file}: stack-exporter {command}: {}", said(&output));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(tried.len() > 25, "{tried:?}");
    for typo in ["chekc", "check --wiat 2m", "logs tpo FILE"] {
        let words: Vec<&str> = typo.split(' ').chain(["--help"]).collect();
        assert!(!run(EXPORTER, &words).status.success(), "{typo}");
    }
}

#[test]
fn commands_are_found_where_they_stand() {
    let text = "Say `stack-exporter check worker`. The stack-exporter is one.\n\
                ```sh\nstack-exporter check --wait 2m   # wait\n\
                docker compose exec stack-exporter stack-exporter check\n\
                systemctl restart stack-exporter && stack-exporter logs top <file> | head\n\
                stack-exporter check [SERVICE] > file\n```\n\
                stack-exporter is no command here\n";
    let found = commands(text);
    assert_eq!(
        found,
        ["check worker", "check --wait 2m", "check", "logs top file", "check"],
        "{found:?}"
    );
}

/// Pieces of `stack.yml` are right but for the files that they name, which are other people's.
#[test]
fn every_piece_of_configuration_is_valid() {
    let (mut tried, mut wrong) = (0, String::new());
    for file in pages() {
        let text = read(&file);
        for block in text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            let section = block.split(':').next().unwrap_or_default().trim();
            if !SECTIONS.contains(&section) && !["web", "modules", "notify"].contains(&section) {
                continue;
            }
            tried += 1;
            let (_folder, place) = temporary("stack.yml", block);
            let place = place.display().to_string();
            let output = run(EXPORTER, &["config", "check", "--config.file", &place]);
            for line in said(&output).lines().filter(|line| line.starts_with(&place)) {
                if !line.contains("no such file") {
                    wrong += &format!("{file}: {line}\n");
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(tried >= 8, "{tried}");
}

/// Files and headings of this repository; addresses of others are not asked.
#[test]
fn every_link_leads_somewhere() {
    let (mut links, mut wrong) = (0, String::new());
    for file in pages() {
        let text = read(&file);
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        for rest in text.split("](").skip(1) {
            let target = rest.split(')').next().unwrap_or_default();
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            links += 1;
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let place =
                if path.is_empty() { root().join(&file) } else { root().join(folder).join(path) };
            let text = std::fs::read_to_string(&place).unwrap_or_default();
            let mut headings = text.lines().filter_map(|line| line.strip_prefix('#')).map(slug);
            if !place.exists() || !heading.is_empty() && !headings.any(|one| one == heading) {
                wrong += &format!("{file}: {target}\n");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(links > 60, "{links}");
}

/// As GitHub makes an anchor of a heading.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}
