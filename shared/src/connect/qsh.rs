//! The query string hash: what binds a Connect token to one method, path and query.
//!
//! We sign one canonical text and accept the few others that signers in use produce for the same request; each of them still covers the
//! method, the whole path and every pair. Refuses queries that two parsers could read differently. All paths and queries are
//! the raw ones, as they came over the wire, before any decoding.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/query-string-hash/> and Atlassian's own signed examples.

use std::borrow::Cow;
use std::cmp::Ordering;

use aws_lc_rs::digest::{SHA256, digest};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

/// RFC 3986's unreserved characters stay; everything else becomes `%XX` in upper case.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Escapes that change what a path means once they are decoded (`/ \ . % &`), so that such a path is only ever read raw.
const NEVER_DECODED: [&str; 5] = ["%2f", "%5c", "%2e", "%25", "%26"];

/// The query holds a bad percent sequence or is not UTF-8. Implementations disagree about such a query, so the answer to it is 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the query: bad percent sequence or not utf-8")]
pub struct MalformedQuery;

/// The parts of a request that its hash covers, as they came.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method, in any case.
    pub method: &'a str,
    /// The raw path, base path included.
    pub path: &'a str,
    /// The raw query without the question mark; empty if there is none.
    pub query: &'a str,
    /// The path of the base URL that the path is relative to, without a slash at the end: `""` or `/test-management`.
    pub base_path: &'a str,
}

/// The text that is hashed, in the form we sign with: names ordered by their encoded text, as Atlassian's own Java signer does.
///
/// # Errors
/// [`MalformedQuery`].
pub fn canonical(method: &str, raw_path: &str, raw_query: &str, base_path: &str) -> Result<String, MalformedQuery> {
    let query = Query::parse(raw_query)?.text(by_encoded_name);
    Ok(joined(method, relative(raw_path, base_path), &query))
}

/// Lower-case hexadecimal SHA-256 of a canonical text.
#[must_use]
pub fn hash(canonical: &str) -> String {
    hex::encode(digest(&SHA256, canonical.as_bytes()))
}

/// Whether `claimed` is [`hash`] of this text.
fn has_hash(canonical: &str, claimed: &str) -> bool {
    let mut letters = [0; 64];
    hex::encode_to_slice(digest(&SHA256, canonical.as_bytes()), &mut letters).is_ok() && claimed.as_bytes() == letters
}

/// The hash of a request, for a token of ours.
///
/// # Errors
/// [`MalformedQuery`].
pub fn sign(method: &str, raw_path: &str, raw_query: &str, base_path: &str) -> Result<String, MalformedQuery> {
    canonical(method, raw_path, raw_query, base_path).map(|text| hash(&text))
}

/// Whether `claimed` is a hash of this request by any signer in use. Besides the canonical form those are: names ordered by their decoded
/// text (npm), and the path decoded (the Java client, Jira), unless decoding would change what the path means.
///
/// # Errors
/// [`MalformedQuery`].
pub fn accepts(claimed: &str, method: &str, raw_path: &str, raw_query: &str, base_path: &str) -> Result<bool, MalformedQuery> {
    let mut query = Query::parse(raw_query)?;
    let path = relative(raw_path, base_path);
    let signed = |path: &str, query: &str| has_hash(&joined(method, path, query), claimed);
    // Nearly every token is hashed so; the other texts are made only of those that are not.
    let canonical = query.text(by_encoded_name);
    if signed(path, &canonical) {
        return Ok(true);
    }
    let in_raw_order = query.text(by_raw_name);
    let decoded = decoded(path);
    let decoded = decoded.as_deref();
    Ok(signed(path, &in_raw_order) || decoded.is_some_and(|path| signed(path, &canonical) || signed(path, &in_raw_order)))
}

/// The name and value pairs of a raw query, decoded as HTML forms are: split at `&` only, `+` is a space.
pub(super) fn pairs(raw_query: &str) -> impl Iterator<Item = Result<(Cow<'_, str>, Cow<'_, str>), MalformedQuery>> {
    raw_query.split('&').filter(|piece| !piece.is_empty()).map(|piece| {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        Ok((form_decoded(name)?, form_decoded(value)?))
    })
}

type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The pairs, in no order of their own.
struct Query<'a>(Vec<Pair<'a>>);

impl<'a> Query<'a> {
    fn parse(raw_query: &'a str) -> Result<Self, MalformedQuery> {
        let is_signed = |pair: &Result<Pair<'_>, _>| !pair.as_ref().is_ok_and(|(name, _)| name == "jwt");
        pairs(raw_query).filter(is_signed).collect::<Result<_, _>>().map(Self)
    }

    /// The pairs by name, in the order given; each name's values by commas, ordered by decoded text: the written rule says encoded, but every
    /// signer in use says decoded.
    fn text(&mut self, order: fn(&str, &str) -> Ordering) -> String {
        self.0.sort_by(|(name, value), (other, its)| order(name, other).then_with(|| utf16_order(value, its)));
        let mut text = String::new();
        let mut before = None;
        for (name, value) in &self.0 {
            if before == Some(name) {
                text.push(',');
            } else {
                if before.is_some() {
                    text.push('&');
                }
                text.extend(encoded(name));
                text.push('=');
            }
            text.extend(encoded(value));
            before = Some(name);
        }
        text
    }
}

fn by_encoded_name(one: &str, other: &str) -> Ordering {
    Cow::from(encoded(one)).cmp(&Cow::from(encoded(other)))
}

fn by_raw_name(one: &str, other: &str) -> Ordering {
    utf16_order(one, other)
}

/// The order of Java's and JavaScript's strings. It differs from Rust's where a character beyond U+FFFF meets one from U+E000 on.
fn utf16_order(one: &str, other: &str) -> Ordering {
    one.encode_utf16().cmp(other.encode_utf16())
}

fn joined(method: &str, relative_path: &str, query: &str) -> String {
    let path = relative_path.strip_suffix('/').unwrap_or(relative_path);
    let mut text = String::with_capacity(method.len() + path.len() + query.len() + 3);
    text.extend(method.chars().map(|letter| letter.to_ascii_uppercase()));
    text.push('&');
    if !path.starts_with('/') {
        text.push('/');
    }
    for (number, piece) in path.split('&').enumerate() {
        if number > 0 {
            text.push_str("%26");
        }
        text.push_str(piece);
    }
    text.push('&');
    text.push_str(query);
    text
}

/// Without the base path, which ends only where a segment does: `/v1` is no part of `/v1x/y`.
fn relative<'a>(path: &'a str, base_path: &str) -> &'a str {
    path.strip_prefix(base_path).filter(|rest| rest.is_empty() || rest.starts_with('/')).unwrap_or(path)
}

fn decoded(path: &str) -> Option<String> {
    let lower = path.to_ascii_lowercase();
    if NEVER_DECODED.iter().any(|escape| lower.contains(escape)) {
        return None;
    }
    percent_decoded(path.bytes()).filter(|decoded| decoded != path)
}

/// Piece by piece, and as it is where nothing is reserved.
fn encoded(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, RESERVED)
}

fn form_decoded(text: &str) -> Result<Cow<'_, str>, MalformedQuery> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Ok(Cow::Borrowed(text));
    }
    let spaced = text.bytes().map(|byte| if byte == b'+' { b' ' } else { byte });
    percent_decoded(spaced).map(Cow::Owned).ok_or(MalformedQuery)
}

/// Strict, unlike the usual crates, which pass a bad sequence through.
fn percent_decoded(mut bytes: impl Iterator<Item = u8>) -> Option<String> {
    let mut decoded = Vec::with_capacity(bytes.size_hint().0);
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' { (hex_digit(bytes.next()?)? << 4) | hex_digit(bytes.next()?)? } else { byte });
    }
    String::from_utf8(decoded).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(path: &str, query: &str, base_path: &str) -> String {
        canonical("GET", path, query, base_path).unwrap()
    }

    #[test]
    fn the_base_path_ends_only_at_a_segment() {
        assert_eq!(text("/v1/installed", "", "/v1"), "GET&/installed&");
        assert_eq!(text("/v1", "", "/v1"), "GET&/&");
        assert_eq!(text("/v1x/y", "", "/v1"), "GET&/v1x/y&");
        assert_eq!(text("/v1/v1/y", "", "/v1"), "GET&/v1/y&");
    }

    #[test]
    fn a_path_is_hashed_as_it_came() {
        assert_eq!(text("/a/../b", "", ""), "GET&/a/../b&");
        assert_eq!(text("//a//", "", ""), "GET&//a/&");
        assert_eq!(text("/a%20b&c!$'()*+,;=:@~", "", ""), "GET&/a%20b%26c!$'()*+,;=:@~&");
        assert_eq!(text("", "", ""), "GET&/&");
        assert_eq!(text("a", "", ""), "GET&/a&");
    }

    #[test]
    fn a_query_is_split_at_ampersands_only() {
        assert_eq!(text("/a", "&&x;q=1&y==&=v&", ""), "GET&/a&=v&x%3Bq=1&y=%3D");
    }

    #[test]
    fn values_are_ordered_as_java_orders_them() {
        assert_eq!(text("/a", "q=%EF%BF%BD&q=%F0%9F%98%80", ""), "GET&/a&q=%F0%9F%98%80,%EF%BF%BD");
    }

    #[test]
    fn only_a_parameter_named_exactly_jwt_is_left_out() {
        assert_eq!(text("/a", "jwt=1&JWT=2&%6Awt=3&jwt", ""), "GET&/a&JWT=2");
    }

    #[test]
    fn a_query_that_two_parsers_could_read_differently_is_malformed() {
        for query in ["q=%", "q=%4", "q=%zz", "q=%+1", "%ff=1", "q=%C3", "jwt=%"] {
            assert_eq!(canonical("GET", "/a", query, ""), Err(MalformedQuery), "{query}");
            assert_eq!(accepts("", "GET", "/a", query, ""), Err(MalformedQuery), "{query}");
        }
    }

    #[test]
    fn names_in_raw_order_are_accepted_but_never_signed() {
        let raw_order = hash("GET&/a&k-x=2&k%3Ax=1");
        assert_eq!(accepts(&raw_order, "GET", "/a", "k:x=1&k-x=2", ""), Ok(true));
        assert_ne!(sign("GET", "/a", "k:x=1&k-x=2", "").unwrap(), raw_order);
    }

    #[test]
    fn a_decoded_path_is_accepted_also_with_names_in_raw_order() {
        assert_eq!(accepts(&hash("GET&/caf\u{e9} b&"), "GET", "/v1/caf%C3%A9%20b", "", "/v1"), Ok(true));
        assert_eq!(accepts(&hash("GET&/a b&k-x=2&k%3Ax=1"), "GET", "/a%20b", "k:x=1&k-x=2", ""), Ok(true));
    }

    #[test]
    fn a_decoded_path_is_refused_where_decoding_changes_its_meaning() {
        for (raw, decoded) in [
            ("/a%2Fb", "/a/b"),
            ("/a%2fb", "/a/b"),
            ("/%2e%2E/b", "/../b"),
            ("/a%5cb", "/a\\b"),
            ("/a%252Fb", "/a%2Fb"),
            ("/x%26y%20z", "/x%26y z"),
        ] {
            assert_eq!(accepts(&hash(&format!("GET&{decoded}&")), "GET", raw, "", ""), Ok(false), "{raw}");
            assert_eq!(accepts(&hash(&format!("GET&{raw}&")), "GET", raw, "", ""), Ok(true), "{raw}");
        }
    }

    #[test]
    fn a_hash_in_upper_case_is_refused() {
        let claimed = sign("GET", "/a", "", "").unwrap().to_uppercase();
        assert_eq!(accepts(&claimed, "GET", "/a", "", ""), Ok(false));
    }

    #[test]
    fn another_method_has_another_hash() {
        let claimed = sign("GET", "/a", "b=1", "").unwrap();
        assert_eq!(accepts(&claimed, "get", "/a", "b=1", ""), Ok(true));
        assert_eq!(accepts(&claimed, "POST", "/a", "b=1", ""), Ok(false));
    }

    fn pair_text((name, value): &(String, String)) -> String {
        format!("{}={}", encoded(name), encoded(value))
    }

    proptest! {
        #[test]
        fn what_we_sign_we_accept(path in "\\PC*", query in "\\PC*", base in "(/[a-z]{1,3})?") {
            let signed = sign("PUT", &path, &query, &base);
            match signed {
                Ok(claimed) => prop_assert_eq!(accepts(&claimed, "PUT", &path, &query, &base), Ok(true)),
                Err(malformed) => prop_assert_eq!(accepts("", "PUT", &path, &query, &base), Err(malformed)),
            }
        }

        #[test]
        fn the_order_of_pairs_never_matters(pairs in prop::collection::vec((".{0,4}", ".{0,4}"), 0..8), turn in 0_usize..8) {
            let mut texts: Vec<String> = pairs.iter().map(pair_text).collect();
            let one = sign("GET", "/a", &texts.join("&"), "");
            let middle = turn.min(texts.len());
            texts.rotate_left(middle);
            prop_assert_eq!(one, sign("GET", "/a", &texts.join("&"), ""));
        }

        #[test]
        fn a_pair_more_is_another_hash(path in "/[a-z%A-Z0-9]{0,8}", query in "[a-z=&+]{0,12}", more in "[a-z]{1,4}") {
            let claimed = sign("GET", &path, &query, "").unwrap();
            prop_assume!(more != "jwt");
            prop_assert_eq!(accepts(&claimed, "GET", &path, &format!("{query}&{more}=1"), ""), Ok(false));
        }
    }
}
