//! What `docs/SECURITY.md` says of functions is what the template says, and every test that it names exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use local::template::Template;

const PAGE: &str = include_str!("../docs/SECURITY.md");

/// The cells of the rows of a section's last table.
fn rows(section: &str) -> Vec<Vec<&str>> {
    let begin = PAGE.find(section).unwrap_or_else(|| panic!("no section {section}"));
    let rest = &PAGE[begin + section.len()..];
    let body = &rest[..rest.find("\n## ").unwrap_or(rest.len())];
    let table = body.rfind("\n|---").unwrap();
    let rows = body[table + 1..].lines().skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// What stands between back-quotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The names of all functions that a test attribute stands over.
fn tests() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    ["tests", "shared", "local", "functions"].iter().for_each(|folder| sources(&root.join(folder), &mut files));
    let mut names = BTreeSet::new();
    for file in files {
        let mut marked = false;
        for line in fs::read_to_string(file).unwrap().lines().map(str::trim_start) {
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                marked = true;
            } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| marked) {
                names.insert(rest.split('(').next().unwrap().to_owned());
                marked = false;
            }
        }
    }
    names
}

#[test]
fn every_threat_names_tests_and_they_exist() {
    let (tests, threats) = (tests(), rows("\n## Threats\n"));
    assert!(threats.len() >= 20, "{}", threats.len());
    for threat in threats {
        let [what, stopped, named] = threat[..] else { panic!("{threat:?}") };
        assert!(!stopped.is_empty() && quoted(named).count() > 0, "{what}: nothing shows that it is stopped");
        for test in quoted(named) {
            assert!(tests.contains(test), "{what}: there is no test {test}");
        }
    }
}

#[test]
fn every_function_is_listed_with_whether_it_can_open_what_customers_stored() {
    let template = Template::deployed().unwrap();
    let said: BTreeSet<(String, bool)> = rows("\n## Who can reach what\n")
        .into_iter()
        .map(|row| (quoted(row[0]).next().unwrap().to_owned(), ["no", "yes"].iter().position(|word| *word == row[1]).unwrap() == 1))
        .collect();
    let opens = |function: &String| {
        let grants = template.grants(function).into_iter();
        grants
            .filter(|grant| grant.resources.iter().any(|resource| resource == "WrappingKey"))
            .any(|grant| grant.actions.iter().any(|action| ["kms:Decrypt", "kms:GenerateDataKey"].contains(&action.as_str())))
    };
    let granted = template.functions().iter().map(|id| (Template::function_name(id), opens(id))).collect();
    assert_eq!(said, granted);
}
