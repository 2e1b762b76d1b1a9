//! The salts that a day's counters are made anonymous with (promise A-12): one function makes and reads them, one destroys them, one may see that
//! a day's is gone, and nothing else comes near. That no copy is made of them is for [`super::backups`] to say, and that they end for
//! [`super::stores`].

use shared::records::backups::{Contents, STORES};

use super::deployed::Deployed;
use super::statements::Statement;

/// Who may do what.
const RIGHTS: &[(&str, &[&str])] = &[
    ("UsageRole", &["dynamodb:GetItem", "dynamodb:PutItem"]),
    ("UsageReportRole", &["dynamodb:GetItem"]),
    ("UsageSaltsRole", &["dynamodb:DeleteItem", "dynamodb:Scan"]),
];

/// Who may see salts: whoever counts must.
const READER: &str = "UsageRole";

pub fn salt_findings(deployed: &Deployed) -> Vec<String> {
    let mut findings = Vec::new();
    for table in STORES.iter().filter(|store| store.contents == Contents::Salts).map(|store| store.resource) {
        for statement in deployed.statements().iter().filter(|statement| statement.allows && statement.is_about(table)) {
            let holder = statement.holder.id;
            let rights = RIGHTS.iter().find(|(role, _)| *role == holder).map(|(_, rights)| *rights).unwrap_or_default();
            let beyond = statement.actions.iter().filter(|action| !rights.contains(&action.as_str()));
            findings.extend(beyond.map(|action| format!("{holder} may {action} in {table}, which holds salts")));
            let shown = statement.actions.iter().filter(|action| holder != READER && shows_all(statement, action));
            findings.extend(shown.map(|action| format!("{holder} is shown the salts of {table} by {action}")));
        }
    }
    findings
}

/// Whether an action may answer with more than which days have a salt.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_dynamodb_attributes.html>.
fn shows_all(statement: &Statement<'_>, action: &str) -> bool {
    let demands = |operator: &str, key: &str, value: &str| statement.demands(operator, key) == [value];
    let is_bound = match action {
        "dynamodb:DeleteItem" => demands("StringEqualsIfExists", "dynamodb:ReturnValues", "NONE"),
        _ => {
            demands("ForAllValues:StringEquals", "dynamodb:Attributes", "day")
                && demands("StringEqualsIfExists", "dynamodb:Select", "SPECIFIC_ATTRIBUTES")
        }
    };
    !is_bound
}

#[test]
fn there_is_a_table_of_salts_and_whoever_has_a_right_to_it_is_listed() {
    let deployed = Deployed::here();
    let table = STORES.iter().find(|store| store.contents == Contents::Salts).map(|store| store.resource).unwrap();
    for (role, rights) in RIGHTS {
        assert!(rights.iter().all(|right| deployed.may(role, right, table)), "{role}");
    }
}
