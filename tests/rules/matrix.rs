//! The matrix of permissions: who may do what to which resource, and under which condition, one line each, as `tests/iam-matrix.txt` has it.
//! The file is what a reviewer reads; whoever changes a role changes a line of it.

use std::collections::{BTreeMap, BTreeSet};

use super::deployed::{Deployed, file};
use super::statements::{Place, Statement, statements_of};

const FILE: &str = "tests/iam-matrix.txt";

/// Of every role and policy in both templates, by name; a function's own role goes by the function's name.
fn matrix(deployed: &Deployed) -> String {
    let functions = deployed.template.functions();
    let mut lines = BTreeMap::<(String, String), BTreeSet<String>>::new();
    for (place, document) in [("", &deployed.main), ("backup-region.yaml: ", &deployed.backup_region)] {
        for statement in statements_of(document).into_iter().filter(|statement| statement.place == Place::Identity) {
            let id = statement.holder.id;
            let holder = id.strip_suffix("Role").filter(|function| functions.iter().any(|known| known == function)).unwrap_or(id);
            let verb = if statement.allows { "on" } else { "never on" };
            for resource in &statement.resources {
                let line = (format!("{place}{holder}"), format!("{verb} {resource}{}", conditions(&statement)));
                lines.entry(line).or_default().extend(statement.actions.iter().cloned());
            }
        }
    }
    let (mut text, mut before) = (String::new(), String::new());
    for ((holder, what), actions) in lines {
        if holder != before {
            text.push('\n');
        }
        text.push_str(&format!("{holder} {what}: {}\n", actions.into_iter().collect::<Vec<_>>().join(" ")));
        before = holder;
    }
    text
}

fn conditions(statement: &Statement<'_>) -> String {
    let texts: Vec<_> = statement.conditions.iter().map(|(_, key, values)| format!("{key} {}", values.join(" or "))).collect();
    if texts.is_empty() { String::new() } else { format!(" if {}", texts.join(" and ")) }
}

#[test]
fn the_matrix_of_permissions_is_the_one_that_was_reviewed() {
    let (computed, written) = (matrix(&Deployed::here()), file(FILE));
    let of = |text: &str| {
        text.lines().filter(|line| line.contains(" on ") && !line.starts_with('#')).map(ToOwned::to_owned).collect::<BTreeSet<_>>()
    };
    let gone: Vec<_> = of(&written).difference(&of(&computed)).map(|line| format!("- {line}")).collect();
    let new: Vec<_> = of(&computed).difference(&of(&written)).map(|line| format!("+ {line}")).collect();
    let head: String = written.lines().filter(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    assert!(
        written == format!("{head}{computed}"),
        "{FILE} is not what the template grants:\n{}\n{}\n\nThe whole of it, as it would be:\n{head}{computed}",
        gone.join("\n"),
        new.join("\n")
    );
}
