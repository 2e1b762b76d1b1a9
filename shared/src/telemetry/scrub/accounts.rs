//! Users as Atlassian names them, and whatever else is named by a number that nobody else has.

use std::borrow::Cow;

use super::rule::{Found, Rule};

/// Of account ids, mentions and UUIDs.
pub(super) const RULES: &[Rule] = &[
    Rule {
        pattern: r"(?i)(?:(?-u:\b)(?:[0-9]{4,12}|qm|ug|unknown|usersync|rnd):)+[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?::[\w-]+)?",
        instead: |_| Some("[account]".into()),
    },
    Rule { pattern: r"(?i)(?-u:\b)qm:[\w-]+(?::[\w-]+)*", instead: |_| Some("[account]".into()) },
    // Of personal spaces, and of users who were made anonymous.
    Rule {
        pattern: r#"(?i)((?:/|(?-u:\b)(?:space[ ]?key|space|key)[ ]?[=: ][ ]?["']?)~)[\p{L}\p{N}_.%@-]*[\p{L}\p{N}_]"#,
        instead: |found| Some(format!("{}[account]", found.group(1)).into()),
    },
    Rule { pattern: r"(?i)JIRAUSER[0-9]{3,}", instead: |_| Some("[account]".into()) },
    // In Jira's wiki markup and in Confluence's.
    Rule { pattern: r"(?i)\[~[^\]\n]{1,128}\]?", instead: |found| (found.whole() != "[~account]").then_some("[~account]".into()) },
    Rule { pattern: r"(?i)(blob:(?:[a-z-]+:/+[^\s/]*|null)/)?([0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12})", instead: uuid },
];

/// The name of a blob is made anew by every page: it is nobody's, and a frame needs it.
fn uuid(found: &Found<'_>) -> Option<Cow<'static, str>> {
    let dashed = found.group(2).contains('-');
    (dashed && !found.has(1)).then_some("[uuid]".into())
}

#[cfg(test)]
mod tests {
    use super::super::Scrubbed;

    #[test]
    fn an_account_is_removed_in_every_form_of_its_name() {
        let uuid = "0f3a1b2c-4d5e-6f70-8192-a3b4c5d6e7f8";
        for id in
            [format!("557058:{uuid}"), format!("712020:{uuid}"), format!("qm:{uuid}:{uuid}"), format!("ug:{uuid}"), "qm:abc:def".to_owned()]
        {
            assert_eq!(Scrubbed::of(&format!("of {id}, or not")).as_str(), "of [account], or not", "{id}");
            let escaped = id.replace(':', "%3A");
            assert_eq!(Scrubbed::of(&format!("of {escaped}")).as_str(), "of [account]", "{id}");
        }
        assert_eq!(Scrubbed::of("of 5b10ac8d82e05b22cc7d4ef5.").as_str(), "of [account].");
        assert_eq!(Scrubbed::of("ask [~accountid:5b10] and [~mmuster]").as_str(), "ask [~account] and [~account]");
        assert_eq!(Scrubbed::of(&format!("of {uuid}")).as_str(), "of [uuid]");
        assert_eq!(Scrubbed::of("GET /wiki/spaces/~mmuster/x failed").as_str(), "GET /wiki/spaces/~[account]/x failed");
        assert_eq!(Scrubbed::of("no space with spaceKey=~max.muster").as_str(), "no space with spaceKey=~[account]");
        assert_eq!(Scrubbed::of("no user JIRAUSER10100.").as_str(), "no user [account].");
    }

    #[test]
    fn what_only_looks_like_an_account_stays() {
        for text in [
            "12:30",
            "jira:issue_created",
            "ug:",
            "webpack:///./~/react/index.js",
            "requires react@~18.2.0 or ~17",
            "evaluating '~x'",
            "blob:https://x.example/0f3a1b2c-4d5e-6f70-8192-a3b4c5d6e7f8",
            "blob:null/0f3a1b2c-4d5e-6f70-8192-a3b4c5d6e7f8",
        ] {
            assert_eq!(Scrubbed::of(text).as_str(), text);
        }
    }
}
