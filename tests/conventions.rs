//! What this repository keeps to, where a compiler cannot say it: short files named by what they are about, promises that exist, nothing of
//! any one machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How long a file of code may be.
const LONGEST: usize = 450;

/// Names that say nothing about what lies behind them.
const EMPTY_NAMES: [&str; 8] = ["util", "utils", "common", "helper", "helpers", "types", "models", "misc"];

/// The clauses of the two statements that the promises are numbered by.
const STATEMENTS: [(char, u32); 2] = [('A', 49), ('E', 37)];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file of Rust of ours, by its path in the repository.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in ["shared", "functions", "local", "tests"] {
        walk(&repository().join(folder), &mut found);
    }
    assert!(found.len() > 50, "only {} files found", found.len());
    found
}

fn walk(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(repository()).unwrap().to_string_lossy().into_owned();
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn every_file_is_short() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= LONGEST, "{path} has {lines} lines: split it by noun");
    }
}

#[test]
fn every_module_is_named_by_what_it_is_about() {
    for (path, text) in sources() {
        let segments = path.split('/').map(|segment| segment.strip_suffix(".rs").unwrap_or(segment));
        let inline = text.lines().filter_map(|line| line.trim().strip_prefix("pub ").or(Some(line.trim()))?.strip_prefix("mod "));
        let inline = inline.filter_map(|rest| rest.split([' ', ';']).next());
        for name in segments.chain(inline) {
            assert!(!EMPTY_NAMES.contains(&name), "{path}: {name}");
        }
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    for (path, text) in sources().iter().filter(|(path, _)| !path.ends_with("/tests.rs")) {
        assert!(text.starts_with("//! "), "{path}");
    }
}

#[test]
fn every_promise_that_is_named_exists() {
    let mut named = 0;
    for (path, text) in sources() {
        for (statement, last) in STATEMENTS {
            let comments = text.lines().map(str::trim).filter(|line| line.starts_with("//"));
            for comment in comments.filter(|comment| comment.contains("romise")) {
                for (at, _) in comment.match_indices(&format!("{statement}-")) {
                    let number: String = comment.chars().skip(comment[..at].chars().count() + 2).take_while(char::is_ascii_digit).collect();
                    if number.len() == 2 {
                        let number: u32 = number.parse().unwrap();
                        assert!((1..=last).contains(&number), "{path}: {statement}-{number:02} is no promise");
                        named += 1;
                    }
                }
            }
        }
    }
    assert!(named > 20, "only {named} found");
}

#[test]
fn no_test_is_named_by_a_prefix_or_a_single_word() {
    for (path, text) in sources() {
        let mut lines = text.lines().map(str::trim);
        while let Some(line) = lines.next() {
            if !(line.starts_with("#[test]") || line.starts_with("#[tokio::test")) {
                continue;
            }
            let signature = lines.find(|line| line.contains("fn ")).unwrap_or_default();
            let name = signature.split("fn ").nth(1).and_then(|rest| rest.split('(').next()).unwrap_or_default();
            assert!(!name.starts_with("test_") && name.contains('_'), "{path}: {name}");
        }
    }
}

/// Skipped where the sources are not a checkout.
#[test]
fn nothing_that_is_committed_names_a_place_on_one_machine() {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(repository()).output();
    let Some(listed) = listed.ok().filter(|listed| listed.status.success()) else { return };
    // Put together here, so that this file does not hold what it looks for.
    let places = ["work", "root", "home", "Users"].map(|name| format!("/{name}/"));
    for path in String::from_utf8(listed.stdout).unwrap().split_terminator('\0') {
        let text = fs::read(repository().join(path)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        for place in &places {
            assert!(!text.contains(place.as_str()), "{path}: {place}");
        }
    }
}

#[test]
fn every_relative_link_in_a_document_leads_somewhere() {
    let mut documents: Vec<_> = ["README.md", "CONTRIBUTING.md"].map(|name| repository().join(name)).into();
    for folder in ["docs", "docs/decisions"] {
        documents.extend(fs::read_dir(repository().join(folder)).unwrap().map(|entry| entry.unwrap().path()));
    }
    let mut links = 0;
    for document in documents.iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let text = fs::read_to_string(document).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).filter(|target| !target.contains("://")) {
            assert!(document.with_file_name(target).exists(), "{}: {target}", document.display());
            links += 1;
        }
    }
    assert!(links > 5, "only {links} links found");
}
