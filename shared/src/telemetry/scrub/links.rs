//! Addresses of the web and places on a disk: where a file lies stays, who asked for it and with what goes.

use std::borrow::Cow;

use super::names::{more_words, word};
use super::rule::{Found, Rule};

/// A folder's name: with spaces only where something follows it.
macro_rules! one_folder {
    () => {
        r#"(?:[^/\\\n"'<>|:*?]|['’]\p{L}){1,64}[/\\]|[^/\\\s"'<>|:*?()]{1,64}"#
    };
}

/// A query as far as it goes without blanks but in quotes; and on, where what follows is of a language for queries.
macro_rules! rest_of_query {
    () => {
        concat!(r#"(?:[=~(]"[^"\n]*"?|[=~(]'[^'\n]*'?|[^\s"'<>])*(?:[ ](?:AND|OR|ORDER|!?[=~])[ ]"#, sentence!(), ")?")
    };
}

/// To the end of what an address stands in.
macro_rules! sentence {
    () => {
        r#"(?:[=~(,][ ]*"[^"\n]*"?|[=~(,][ ]*'[^'\n]*'?|[^"'<>\n])*"#
    };
}

/// Of files within a file, of addresses, of requests without a host, and of people's folders.
pub(super) const RULES: &[Rule] = &[
    Rule {
        pattern: r#"(?i)\bdata:[a-z0-9.+-]*/?[a-z0-9.+-]*[;,][^\s"'()<>]*"#,
        instead: |found| (found.whole() != "data:,").then_some("data:,".into()),
    },
    Rule {
        // Where an address was not escaped, what is in its query may go on behind the space.
        pattern: concat!(
            r#"((?i:(?-u:\b)[a-z][a-z0-9+.-]{1,30}:(?://|\\/\\/)/?))([^\s/?#"'<>()\\]+@)?((?:[^\s?#&"'<>]|&#x?[0-9A-Fa-f]{2,4};|&)*)"#,
            r#"([?#](?:[^\s"'<>]*(?i:jql|cql)="#,
            sentence!(),
            r#"|[^\s"'<>]*(?:&#x?[0-9A-Fa-f]{1,7};|\\+u[0-9A-Fa-f]{4})[^\s"'<>]*(?:"#,
            more_words!(),
            r#")+|(?:(?:[^\s"'<>]*=)?(?:(?i:bearer|basic)[ ][^\s"'<>]+|(?:\+|0)[0-9()]{1,6}(?:[ ][0-9()-]+)+|"#,
            word!(),
            "(?:",
            more_words!(),
            ")*))?",
            rest_of_query!(),
            // Names of which a part is escaped.
            r#"(?:(?:[ ][a-z]{1,3}){0,3}[ ][\p{L}'’-]*(?:&#x?[0-9A-Fa-f]{1,7};|\\+u[0-9A-Fa-f]{4})[^\s"'<>]*)*"#,
            "))?",
        ),
        instead: address,
    },
    Rule {
        pattern: concat!(
            r#"([\w)\]/.*-])[?#]((?:[^\s"'<>]*&)?(?i:jql|cql)="#,
            sentence!(),
            r#"|[\w.%\[\]~$-]+="#,
            r#"(?:"[^"\n]*"?|'[^'\n]*'?)?"#,
            rest_of_query!(),
            ")"
        ),
        instead: request,
    },
    // A folder of people's begins a path, or follows a drive, a mount or the scheme of a bundler; `/users/list.js` of an application does not.
    Rule {
        pattern: concat!(r"(?i)((?:(?-u:\b)[a-z]:|/mnt/[a-z])[/\\]+(?:users|documents and settings)[/\\]+)(", one_folder!(), ")"),
        instead: folder,
    },
    Rule {
        pattern: concat!(
            r#"((?:^|[\s"'`(\[{=,;|<>@]|[a-z]:[/\\]{3}|/@fs|/[a-z]|\.\.|[\w-]*(?:webpack|file|vite|app|rollup|turbopack)[\w.-]*:[/\\]{2}[^/\\\s]*)[/\\]+(?:home|Users)[/\\]+)("#,
            one_folder!(),
            ")",
        ),
        instead: folder,
    },
];

fn address(found: &Found<'_>) -> Option<Cow<'static, str>> {
    let (scheme, rest, query) = (found.group(1), found.group(3), found.group(4));
    if !found.has(2) && query.is_empty() && !rest.contains(';') {
        return None;
    }
    Some(format!("{scheme}{}{}", path(rest), place(query)).into())
}

/// The path without `;jsessionid=…`, a query by another name. The semicolon of an escaped letter is none.
fn path(text: &str) -> &str {
    let escaped = |before: &str| {
        before.rsplit_once('&').is_some_and(|(_, name)| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'#'))
    };
    let end = text.match_indices(';').find(|(at, _)| !text.get(..*at).is_some_and(escaped));
    end.and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

/// The line, the column and the brackets behind an address: what a stack writes there is no part of its query.
fn place(query: &str) -> &str {
    let digits = |text: &str| text.trim_end_matches(|letter: char| letter.is_ascii_digit()).len();
    let inner = query.trim_end_matches([')', ',', '.', ';']);
    let mut begin = inner.len();
    for _ in 0..2 {
        let end = digits(inner.get(..begin).unwrap_or_default());
        let number = inner.get(..end).unwrap_or_default().strip_suffix(':');
        match number {
            Some(before) if (1..=7).contains(&(begin - end)) => begin = before.len(),
            _ => break,
        }
    }
    query.get(begin..).unwrap_or_default()
}

fn request(found: &Found<'_>) -> Option<Cow<'static, str>> {
    Some(format!("{}{}", found.group(1), place(found.group(2))).into())
}

fn folder(found: &Found<'_>) -> Option<Cow<'static, str>> {
    let (begin, user) = (found.group(1), found.group(2));
    let name = user.trim_end_matches(['/', '\\']);
    (!matches!(name, "[user]" | "Shared" | "Public" | "." | ".."))
        .then(|| format!("{begin}[user]{}", user.get(name.len()..).unwrap_or_default()).into())
}

/// Whether an `@` is none of an e-mail address: a package's scope, its version, or what stands between a function and its file.
pub(super) fn at_of_something_else(before: &str, after: &str) -> bool {
    before.ends_with('/') || (before.ends_with('_') && is_flat_scope(after)) || is_version(after) || is_file(after)
}

/// `types+react@18`: package managers that keep all packages in one folder write a scope so.
fn is_flat_scope(after: &str) -> bool {
    let scope = after.trim_start_matches(|letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
    scope.len() < after.len() && scope.starts_with('+')
}

/// `18.2.0`, `18`, `4.0.0-rc.1`, and none of four numbers: that is a host.
fn is_version(after: &str) -> bool {
    let end = after.find(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '.' | '-' | '+')).unwrap_or(after.len());
    let version = after.get(..end).unwrap_or_default().trim_end_matches(['.', '-']);
    let (numbers, more) = version.split_once(['-', '+']).map_or((version, None), |(numbers, more)| (numbers, Some(more)));
    let parts = numbers.split('.').count();
    let named = more.is_none_or(|more| {
        parts == 3 && ["alpha", "beta", "rc", "canary", "next", "dev", "pre", "snapshot"].iter().any(|stage| more.starts_with(stage))
    });
    numbers.split('.').all(|part| !part.is_empty() && part.len() <= 5 && part.bytes().all(|byte| byte.is_ascii_digit()))
        && parts <= 3
        && named
}

/// Firefox and Safari write `function@file`.
fn is_file(after: &str) -> bool {
    let scheme = after.bytes().take_while(|byte| byte.is_ascii_lowercase() || *byte == b'-').count();
    let rest = after.get(scheme..).unwrap_or_default();
    (2..=24).contains(&scheme) && (rest.starts_with("://") || rest.starts_with(":http"))
}

#[cfg(test)]
mod tests {
    use super::super::Scrubbed;
    use super::*;

    fn clean(text: &str) -> String {
        Scrubbed::of(text).into()
    }

    /// A folder of somebody's, put together here: no file of ours may name one of any machine.
    fn at_home(folder: &str, rest: &str) -> String {
        format!("/{folder}/{rest}")
    }

    #[test]
    fn an_address_loses_who_asked_and_with_what() {
        for (text, left) in [
            ("https://x.example/app.js?user=max", "https://x.example/app.js"),
            ("https://x.example/app.js#max", "https://x.example/app.js"),
            ("https://max:secret@x.example/app.js", "https://x.example/app.js"),
            ("see https://x.example/app.js?a=b:12:345)", "see https://x.example/app.js:12:345)"),
            ("at f (https://x.example/app.js?a=b&c=d:7:8), then", "at f (https://x.example/app.js:7:8), then"),
            ("https://x.example/a;jsessionid=abc", "https://x.example/a"),
            ("wss://max@acme.example:pw@x.example/s", "wss://x.example/s"),
            ("see https://x.example/app?a=b&name=Conan O'Brien there", "see https://x.example/app there"),
            (r#"see https://x.example/issues?jql=summary~"Layoffs in June" there"#, "see https://x.example/issues"),
            ("see https://x.example/issues?a=b&jql=summary ~ layoffs and so on", "see https://x.example/issues"),
            ("GET \"https://x.example/issues?jql=summary ~ layoffs\" failed", "GET \"https://x.example/issues\" failed"),
            ("https://x.example/x?name=&#321;ukasz van der Picardson", "https://x.example/x"),
            ("https://x.example/x?name=Max von M&#252;ller", "https://x.example/x"),
            (r"https://x.example/x?name=\u0141ukasz \u017b\u00f3\u0142kiewska", "https://x.example/x"),
            (r#"see https://x.example/x?filter="layoffs in june" there"#, "see https://x.example/x there"),
            ("see https://x.example/x?filter=summary ~ layoffs", "see https://x.example/x"),
            ("GET /rest/api/3/search?jql=summary ~ 'layoffs in june'", "GET /rest/api/3/search"),
            ("see https://x.example/app?phone=+49 170 1234567, or", "see https://x.example/app, or"),
            ("GET https://x.example/app?n=1 404 (Not Found)", "GET https://x.example/app 404 (Not Found)"),
            ("see https://x.example/app?name=conan%20o%27brien there", "see https://x.example/app there"),
            ("https://x.example/max.muster&#64;acme.example?x", "https:[email]"),
            ("GET /rest/api/3/user?query=max failed", "GET /rest/api/3/user failed"),
            ("blob:https://x.example/app?max", "blob:https://x.example/app"),
            ("data:text/javascript;base64,bWF4", "data:,"),
        ] {
            assert_eq!(clean(text), left, "{text}");
        }
    }

    #[test]
    fn an_address_without_a_visitor_stays_as_it_is() {
        for text in [
            "https://acme.atlassian.net/jira/app.js",
            "https://cdn.example/npm/@atlaskit/button@16.3.2/dist/esm/index.js",
            "node_modules/.pnpm/@emotion+react@11.13.5_@types+react@18.3.12/x.js",
            "https://esm.example/react@18/es2022/react.mjs",
            "webpack-internal:///./src/views/issue.jsx",
            "webpack://@scope/app/./src/users/list.js",
            "chrome-extension://fmkadmapgofadopljbjfkapdkoienihi/build/hook.js",
            "app:///x.js",
            "/users/list.js",
            "https://x.example/users/list.js",
            concat!("https://x.example/ho", "me/start.js"),
            "render@https://x.example/app.js:12:34",
            "Is this a question? Yes",
            "a ? b : c",
            "x?.y",
        ] {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn a_folder_of_somebodys_is_nobodys() {
        let (linux, mac) = (at_home("home", "mmuster/app/x.js"), at_home("Users", "mmuster/app/x.js"));
        for text in [
            linux.clone(),
            mac.clone(),
            format!("cannot open {linux}"),
            format!("file://{mac}"),
            format!("webpack-internal://{linux}"),
            format!("http://localhost:5173/@fs{mac}"),
            format!("webpack:///../../..{linux}"),
            format!("/mnt/c{mac}"),
            r"C:\Users\mmuster\app\x.js".to_owned(),
            r"C:\\Users\\mmuster\\app\\x.js".to_owned(),
            format!("file:///C:{mac}"),
            format!("file:///C:{mac}").replace("mmuster", "m%20mmuster"),
        ] {
            let left = clean(&text);
            assert!(!left.contains("mmuster") && left.contains("[user]") && left.ends_with("x.js"), "{text}: {left}");
        }
    }

    #[test]
    fn a_version_is_no_host() {
        for after in ["18.2.0/umd/react.js", "18/x", "4.0.0-rc.1", "16.3.2_react"] {
            assert!(is_version(after), "{after}");
        }
        for after in ["acme.example", "10.0.0.1", "1und1.example", "18.example", "1.2.3-x.example"] {
            assert!(!is_version(after), "{after}");
        }
    }
}
