//! Templates with a fault: each file in `tests/fixtures/template-faults` replaces one piece of what is deployed, and says which rule must turn
//! red, alone, and in which words. A rule that no fault turns red proves nothing, so every rule has one.

use std::collections::BTreeSet;
use std::fs;

use serde::Deserialize;

use super::deployed::{Deployed, file, repository};
use super::{RULES, findings};

const FOLDER: &str = "tests/fixtures/template-faults";

/// One fault.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    /// The template that has it.
    of: String,
    /// The logical id of what it is in; a parameter's, too.
    within: String,
    /// The piece that is replaced: it stands there once.
    replaced: String,
    by: String,
    /// The rule that must turn red.
    rule: String,
    /// All that it says.
    says: Vec<String>,
}

fn faults() -> Vec<(String, Fault)> {
    let mut names: Vec<_> = fs::read_dir(repository().join(FOLDER)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let named = names.into_iter().map(|name| name.into_string().unwrap());
    named.map(|name| (name.clone(), yaml_serde::from_str(&file(&format!("{FOLDER}/{name}"))).expect(&name))).collect()
}

impl Fault {
    /// The template's text with the fault in it.
    fn applied(&self, name: &str) -> String {
        let text = file(&self.of);
        let begin =
            text.find(&format!("\n  {}:\n", self.within)).unwrap_or_else(|| panic!("{name}: {} has no {}", self.of, self.within)) + 1;
        let rest = &text[begin..];
        let is_within = |line: &&str| line.starts_with("    ") || line.trim().is_empty();
        let mut lines = rest.split_inclusive('\n');
        let heading = lines.next().map_or(0, str::len);
        let end = heading + lines.take_while(is_within).map(str::len).sum::<usize>();
        let section = &rest[..end];
        assert_eq!(section.matches(&self.replaced).count(), 1, "{name}: {} does not have once\n{}", self.within, self.replaced);
        format!("{}{}{}", &text[..begin], section.replacen(&self.replaced, &self.by, 1), &rest[end..])
    }

    fn deployed(&self, name: &str) -> Deployed {
        match self.of.as_str() {
            "template.yaml" => Deployed::of(&self.applied(name), &file("backup-region.yaml")),
            "backup-region.yaml" => Deployed::of(&file("template.yaml"), &self.applied(name)),
            other => panic!("{name}: {other} is not deployed"),
        }
    }
}

#[test]
fn each_fault_turns_its_rule_red_alone_and_is_named() {
    for (name, fault) in faults() {
        let found = findings(&fault.deployed(&name));
        let found: BTreeSet<_> = found.iter().flat_map(|(rule, said)| said.iter().map(|said| (*rule, said.as_str()))).collect();
        let expected: BTreeSet<_> = fault.says.iter().map(|said| (fault.rule.as_str(), said.as_str())).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn every_rule_is_turned_red_by_some_fault() {
    let red: BTreeSet<_> = faults().into_iter().map(|(_, fault)| fault.rule).collect();
    let rules: BTreeSet<_> = RULES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(red, rules);
}
