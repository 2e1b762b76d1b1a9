//! Names of people: by the member that they stand in, by the word before them, and by how they are written.

use std::borrow::Cow;

use super::rule::{Found, Rule};
use super::values::Value;
use super::words;

/// A word that may be a name, or the first letter of one.
macro_rules! word {
    () => {
        r"\p{Lu}(?:\.|['’]?[\p{L}\p{M}]+(?:['’-][\p{L}\p{M}]+)*)"
    };
}

/// More of them, with what stands between: `Max von Muster`, `Maria de la Cruz`, `A. B. Muster`.
macro_rules! more_words {
    () => {
        concat!(r"[ \t\x{a0}]+(?:(?:von|van|vom|der|den|de|la|las|del|della|di|da|das|dos|do|du|le|bin|bint|ibn|al|el|ben|ten|ter|zu|zur|af|av|y|e|i)[ \x{a0}]+){0,3}", word!())
    };
}

pub(super) use {more_words, word};

/// A member that names somebody, up to its value.
macro_rules! member {
    () => {
        concat!(
            r"(?i:(?-u:\b)(?:[a-z0-9_.-]*(?:displayname|display[_-]name|fullname|full[_-]name|firstname|first[_-]name|lastname|last[_-]name|middlename|surname|nickname|givenname|given[_-]name|",
            r"familyname|family[_-]name|publicname|realname|username|user[_-]name|loginname|vorname|nachname|kontakt|screen[_-]name)",
            r"|(?:[a-z0-9_-]+\.)*(?:user|author|assignee|assigned|reporter|reported|creator|owner|commenter|watcher|voter|approver|requester|requestor|participant|recipient|sender|customer|contact|",
            r"person|people|member|employee|colleague|account|actor|initiator|profile|benutzer|bearbeiter|autor|ersteller|caller)(?:[a-z]*|[_-][a-z_-]*)",
            r"|(?:[a-z0-9_-]+\.)*(?:names?|logins?|leads?|nick|initials|salutation|greeting|by|from|to|cc|bcc|mentions?))",
            r#"\\*["'`”]?\]?\s*(?::|=>|=)\s*)"#,
        )
    };
}

/// What stands before a name in a sentence, and needs no more than one word behind it.
macro_rules! introduction {
    () => {
        concat!(
            r"(?i:(?-u:\b)(?:users?|by|author|assignee|reporter|creator|owner|member|commenter|watcher|approver|requester|customer|colleague|employee|person|named|called|contact|",
            r"mr|mrs|ms|miss|dr|prof|herr|herrn|frau|dear|hello|hi|hey|welcome(?:[ ]back)?|(?:re)?assigned(?:[ ]to)?|shared[ ](?:to|with)|invited|mentioned|hallo|liebe|lieber|bonjour|hola|ciao|thanks|thank[ ]you|benutzer|nutzer|bearbeiter|autor)[.,:]?[ \t\x{a0}]+)"
        )
    };
}

/// The clearest first. What they find is a name unless all its words are of programs.
pub(super) const RULES: &[Rule] = &[
    Rule { pattern: member!(), instead: enclosed },
    Rule {
        pattern: concat!(
            "(",
            member!(),
            r#")([^\s,;&|(){}\[\]"'`<>\\“„«‘#?/:=][^,;&|(){}\[\]"`<>\n]*(?:,[ ]?"#,
            word!(),
            "(?:",
            more_words!(),
            ")*)?)"
        ),
        instead: bare,
    },
    Rule {
        pattern: concat!(
            r"((?i:(?-u:\b)(?:users?|author|assignee|reporter|creator|owner|member|customer|contact|person|account|benutzer)[ \t]+(?:named[ ]|called[ ])?))",
            r#"(["'`“„‚«])([^"'`”“»‘\n]{1,80})(["'`”“»‘])"#
        ),
        instead: called,
    },
    // As Jira speaks of users and of what was chosen for a field.
    Rule {
        pattern: r#"((?i:(?-u:\b)(?:user[ ]?name|user[ ]key|with[ ](?:the[ ])?(?:key|name))[ ]))(["'`]?)([^\s"'`,;:(){}\[\]]+)"#,
        instead: introduced,
    },
    Rule {
        pattern: r#"(?i)((?-u:\b)the value[ ]["'])([^\n]+)(["'][ ]does not exist for)"#,
        instead: |found| (!says_nobody(found.group(2))).then(|| format!("{}[name]{}", found.group(1), found.group(3)).into()),
    },
    Rule {
        pattern: concat!(
            "(",
            introduction!(),
            r#")(["'“„«@]?)("#,
            word!(),
            "(?:",
            more_words!(),
            r")*|[\p{Lo}]{2,}(?:[ ·・][\p{Lo}]{2,}){0,3})"
        ),
        instead: introduced,
    },
    Rule { pattern: concat!(r"(^|[^\p{L}\p{N}\p{M}_$])(", word!(), "(?:", more_words!(), ")+)"), instead: row },
    // German for `by`, where it is no part of a name.
    Rule { pattern: concat!(r"((?i:(?-u:\b)von[ \t\x{a0}]+))()(", word!(), ")"), instead: introduced },
];

/// What a member says if it names nobody.
fn says_nobody(value: &str) -> bool {
    let value = value.trim();
    let placeholder = value.strip_prefix('[').map_or(value, |inner| inner.strip_suffix(']').unwrap_or(inner));
    let nobody = ["undefined", "null", "true", "false", "none", "nan", "unknown", "anonymous", "object", "function"];
    let number = value.len() <= 3 && value.bytes().all(|byte| byte.is_ascii_digit());
    number || nobody.iter().any(|word| value.eq_ignore_ascii_case(word)) || LABELS.contains(&placeholder) || words::is_error(value)
}

/// What our own rules write.
const LABELS: [&str; 18] = [
    "name", "text", "email", "account", "uuid", "ip", "mac", "card", "iban", "ssn", "phone", "jwt", "token", "secret", "cookie", "user",
    "long", "scrubbed",
];

/// A value in quotes or brackets.
fn enclosed(found: &Found<'_>) -> Option<Cow<'static, str>> {
    let value = Value::at_begin_of(found.after())?;
    let empty = value.inner.trim_matches(['[', ']', '{', '}', '\\']).trim().is_empty() || value.inner.starts_with("[object ");
    (!empty && !says_nobody(value.inner)).then(|| value.replaced(found, "[name]").into())
}

fn bare(found: &Found<'_>) -> Option<Cow<'static, str>> {
    (!says_nobody(found.group(2))).then(|| format!("{}[name]", found.group(1)).into())
}

fn called(found: &Found<'_>) -> Option<Cow<'static, str>> {
    let (before, open, close) = (found.group(1), found.group(2), found.group(4));
    (!says_nobody(found.group(3))).then(|| format!("{before}{open}[name]{close}").into())
}

fn introduced(found: &Found<'_>) -> Option<Cow<'static, str>> {
    (!words::are_technical(found.group(3)) && !says_nobody(found.group(3)))
        .then(|| format!("{}{}[name]", found.group(1), found.group(2)).into())
}

fn row(found: &Found<'_>) -> Option<Cow<'static, str>> {
    (!words::are_technical(found.group(2))).then(|| format!("{}[name]", found.group(1)).into())
}

#[cfg(test)]
mod tests {
    use super::super::Scrubbed;

    #[test]
    fn a_member_that_names_somebody_loses_its_value() {
        for (text, left) in [
            (r#"{"displayName":"Max Muster","n":1}"#, r#"{"displayName":"[name]","n":1}"#),
            (r#"{"user":{"displayName":"max"}}"#, r#"{"user":[name]}"#),
            (r#"{"name":{"first":"max","last":"muster"},"n":1}"#, r#"{"name":[name],"n":1}"#),
            (r#"{"displayName":"Max \"Maxi\" muster"}"#, r#"{"displayName":"[name]"}"#),
            (r#"{"displayName":"max\\muster"}"#, r#"{"displayName":"[name]"}"#),
            (r#"{\"name\":\"Max \\\"Maxi\\\" muster\",\"n\":1}"#, r#"{\"name\":\"[name]\",\"n\":1}"#),
            (r#"{\"displayName\":\"Max\",\"n\":1}"#, r#"{\"displayName\":\"[name]\",\"n\":1}"#),
            ("{&quot;name&quot;:&quot;Max&quot;}", "{\"name\":\"[name]\"}"),
            ("{displayName: 'Conan O'Brien'}", "{displayName: '[name]'}"),
            ("author: max muster, n: 1", "author: [name], n: 1"),
            ("assignee=Max Muster;n", "assignee=[name];n"),
            ("lastName: Muster, Max", "lastName: [name]"),
            ("user.name = 'Max'", "user.name = '[name]'"),
            ("reporterDisplayName => Max", "reporterDisplayName => [name]"),
            (r#""watchers":["Max","Erika"],"n":1"#, r#""watchers":[name],"n":1"#),
            (r#"{"watchers":["Max","Eri"#, r#"{"watchers":[name]"#),
            (r#"{"users":[],"owner":{}}"#, r#"{"users":[],"owner":{}}"#),
            ("displayName: 田中太郎", "displayName: [name]"),
            ("userName=محمد", "userName=[name]"),
            ("name=[email]", "name=[email]"),
            (&format!("{{\"name\":\"{}\"}}", "max ".repeat(150)), "{\"name\":\"[name]\"}"),
            ("user: [max]", "user: [name]"),
        ] {
            assert_eq!(Scrubbed::of(text).as_str(), left, "{text}");
        }
    }

    #[test]
    fn a_word_before_a_name_gives_it_away() {
        for (text, left) in [
            ("No access for user Max.", "No access for user [name]."),
            ("changed by Max", "changed by [name]"),
            ("changed by Max von Muster today", "changed by [name] today"),
            ("geändert von Max am", "geändert von [name] am"),
            ("ask Åsa von Muster", "ask [name]"),
            ("Hello Max, welcome back", "Hello [name], welcome back"),
            ("Hi, Erika", "Hi, [name]"),
            ("User 'mmuster' does not exist", "User '[name]' does not exist"),
            ("user \"max muster\" is gone", "user \"[name]\" is gone"),
            ("asked by Наталья", "asked by [name]"),
            ("username mmuster is taken", "username [name] is taken"),
            ("no user with key 'mmuster'", "no user with key '[name]'"),
            ("no user with the name \"mmuster\"", "no user with the name \"[name]\""),
            (
                "The value 'max muster' does not exist for the field 'assignee'.",
                "The value '[name]' does not exist for the field 'assignee'.",
            ),
            ("assigned to Max", "assigned to [name]"),
            ("Shared with Erika, today", "Shared with [name], today"),
            ("invited Max", "invited [name]"),
            ("user 田中太郎", "user [name]"),
            ("mentioned by @Max", "mentioned by @[name]"),
        ] {
            assert_eq!(Scrubbed::of(text).as_str(), left, "{text}");
        }
    }

    #[test]
    fn a_row_of_capitalised_words_is_a_name() {
        for (text, left) in [
            ("cannot ask Max Muster now", "cannot ask [name] now"),
            ("(Erika Mustermann-Schmidt)", "([name])"),
            ("for Jean-Luc O’Neill", "for [name]"),
            ("for Maria de la Cruz", "for [name]"),
            ("for Conan O'Brien", "for [name]"),
            ("MAX MUSTERMANN", "[name]"),
            ("saw J. R. R. Tolkien", "saw [name]"),
            ("saw Наталья Соколова", "saw [name]"),
            ("saw Γιώργος Παπαδόπουλος", "saw [name]"),
            ("saw Łukasz Żółć", "saw [name]"),
            ("saw Max\u{a0}Muster", "saw [name]"),
            ("/people/Max%20Muster/x", "/people/[name]/x"),
            ("Max Error", "[name]"),
        ] {
            assert_eq!(Scrubbed::of(text).as_str(), left, "{text}");
        }
    }

    #[test]
    fn what_names_nobody_stays() {
        for text in [
            "jira.issue.view",
            "Cannot read properties of undefined (reading 'summary')",
            "Cannot read properties of null (reading 'displayName')",
            "undefined is not an object (evaluating 'e.user.name')",
            "Failed to fetch",
            "Load failed",
            "Network Error",
            "Internal Server Error",
            "502 Bad Gateway",
            "Request failed with status code 404 (Not Found)",
            "NetworkError when attempting to fetch resource.",
            "Non-Error promise rejection captured with value: Object Not Found Matching Id:2, MethodName:update, ParamCount:4",
            "NullInjectorError: R3InjectorError(AppModule)[HttpClient -> HttpClient]: No provider for HttpClient!",
            "ResizeObserver loop completed with undelivered notifications.",
            "Failed to execute 'removeChild' on 'Node': The node to be removed is not a child of this node.",
            "Objects are not valid as a React child (found: object with keys {id, self})",
            "Minified React error #425; visit https://reactjs.org/docs/error-decoder.html",
            "JSON Parse error: Unexpected EOF",
            "JSON.parse: unexpected character at line 1 column 1 of the JSON data",
            "AbortError: The user aborted a request.",
            "Loading chunk 12 failed.",
            "Loading CSS chunk 4 failed.",
            "The user is not logged in",
            "Invalid Date",
            "Sun Nov 22 2026 12:00:00 GMT+0100 (Central European Standard Time)",
            "violates the following Content Security Policy directive: \"script-src 'self'\"",
            "QuotaExceededError: Failed to execute 'setItem' on 'Storage'",
            "user: undefined",
            "Can't find variable: AP",
            "Invariant Violation: Minified exception occurred",
            "Maximum call stack size exceeded",
            "sorted by Priority",
            "Type Error in Issue View",
            "username is required",
            "Found two children with key `1`",
            "assigned to Project",
        ] {
            assert_eq!(Scrubbed::of(text).as_str(), text);
        }
    }
}
