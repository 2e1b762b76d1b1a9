//! Numbers by which people, machines and accounts are reached: telephones, hosts, cards. What has a check digit is checked.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::rule::{Found, Rule};

/// The most specific first: what one has replaced no other finds.
pub(super) const RULES: &[Rule] = &[
    Rule { pattern: r"(?i)(?-u:\b)(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?-u:\b)", instead: |_| Some("[mac]".into()) },
    Rule { pattern: r"(?i)[0-9a-f]{0,4}:[0-9a-f:]*:[0-9a-f:.]*", instead: ipv6 },
    Rule { pattern: r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", instead: ipv4 },
    // As clouds name their machines.
    Rule { pattern: r"(?i)ip-[0-9]{1,3}(?:-[0-9]{1,3}){3}(?-u:\b)", instead: |_| Some("[ip]".into()) },
    Rule { pattern: r"(?i)(?-u:\b)[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?-u:\b)", instead: iban },
    Rule { pattern: r"(?-u:\b)[0-9](?:[ -]?[0-9]){11,18}(?-u:\b)", instead: card },
    Rule { pattern: r"(?-u:\b)[0-9]{3}-[0-9]{2}-[0-9]{4}(?-u:\b)", instead: |found| alone(found, "[ssn]") },
    Rule { pattern: r"(?:\+|(?-u:\b)00)[ ]?[1-9](?:[ ()./-]{0,3}[0-9]){6,14}", instead: phone },
    Rule { pattern: r"(?-u:\b)0[1-9](?:[ /.-]{0,2}[0-9]){7,12}(?-u:\b)", instead: phone },
    Rule { pattern: r"(?:\([2-9][0-9]{2}\) ?|(?-u:\b)[2-9][0-9]{2}[ .-])[0-9]{3}[ .-][0-9]{4}(?-u:\b)", instead: phone },
];

/// What is no part of a longer number or word.
fn alone(found: &Found<'_>, label: &'static str) -> Option<Cow<'static, str>> {
    let joins = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_');
    let joined = found.before().ends_with(joins) || found.after().starts_with(joins);
    (!joined).then_some(label.into())
}

/// What a machine calls itself says nothing of anybody.
fn ipv4(found: &Found<'_>) -> Option<Cow<'static, str>> {
    let digit = |letter: char| letter.is_ascii_digit();
    if found.before().ends_with(digit) || found.after().starts_with(digit) {
        return None;
    }
    let numbers = found.whole().split('.').map(|number| number.parse::<u8>().ok());
    let mut address = [0; 4];
    for (part, number) in address.iter_mut().zip(numbers) {
        *part = number?;
    }
    let address = Ipv4Addr::from(address);
    (!address.is_loopback() && !address.is_unspecified()).then_some("[ip]".into())
}

fn ipv6(found: &Found<'_>) -> Option<Cow<'static, str>> {
    if found.before().ends_with(char::is_alphanumeric) || found.after().starts_with(|letter: char| letter.is_alphabetic()) {
        return None;
    }
    let text = found.whole();
    // A colon or a stop behind it belongs to the sentence; numbers behind it may be a line and a column.
    let ends = [text, text.trim_end_matches([':', '.'])];
    let ends = ends.into_iter().chain(text.rsplit_once(':').map(|(before, _)| before));
    let (address, parsed) = ends.filter_map(|end| Some((end, end.parse::<Ipv6Addr>().ok()?))).next()?;
    // `a::b` is of a style sheet or of a program.
    let looks_so = address.bytes().any(|byte| byte.is_ascii_digit()) || address.matches(':').count() > 3;
    let nobodys = parsed.is_loopback() || parsed.is_unspecified();
    (looks_so && !nobodys).then(|| format!("[ip]{}", text.get(address.len()..).unwrap_or_default()).into())
}

/// ISO 13616: the first four behind the rest, letters as numbers from 10, leave 1 when divided by 97.
/// In all countries most of them are numbers, which sentences are not.
fn iban(found: &Found<'_>) -> Option<Cow<'static, str>> {
    let letters: String = found.whole().chars().filter(|letter| *letter != ' ').collect();
    if letters.bytes().filter(u8::is_ascii_digit).count() < 7 {
        return None;
    }
    let turned = letters.get(4..)?.chars().chain(letters.get(..4)?.chars());
    let rest =
        turned.filter_map(|letter| letter.to_digit(36)).fold(0, |rest, digit| (rest * if digit > 9 { 100 } else { 10 } + digit) % 97);
    (rest == 1).then_some("[iban]".into())
}

/// Cards and devices: 12 to 19 digits with Luhn's check digit, that begin as issuers have them (ISO 7812) or are 15 (IMEI).
fn card(found: &Found<'_>) -> Option<Cow<'static, str>> {
    let digits: Vec<u32> = found.whole().chars().filter_map(|letter| letter.to_digit(10)).collect();
    let issued = matches!(digits.first(), Some(2..=6)) || digits.len() == 15;
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(place, digit)| if place % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { *digit }).sum();
    if issued && digits.len() >= 13 && sum.is_multiple_of(10) { alone(found, "[card]") } else { None }
}

fn phone(found: &Found<'_>) -> Option<Cow<'static, str>> {
    let text = found.whole();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let decimal = found.before().strip_suffix('.').is_some_and(|before| before.ends_with(|letter: char| letter.is_ascii_digit()));
    // What begins with `+` begins there, whatever stands before it.
    let joins =
        |letter: char| if text.starts_with('+') { letter.is_ascii_digit() } else { letter.is_ascii_alphanumeric() || letter == '_' };
    let part_of_more = found.before().ends_with(joins) || found.after().starts_with(|letter: char| letter.is_ascii_alphabetic()) || decimal;
    ((9..=17).contains(&digits) && !part_of_more).then_some("[phone]".into())
}

#[cfg(test)]
mod tests {
    use super::super::Scrubbed;

    #[test]
    fn a_number_that_reaches_somebody_is_removed() {
        for (number, label) in [
            ("192.0.2.17", "[ip]"),
            ("10.4.2.1", "[ip]"),
            ("2001:db8::8a2e:370:7334", "[ip]"),
            ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", "[ip]"),
            ("::ffff:192.0.2.17", "[ip]"),
            ("fe80::1", "[ip]"),
            ("00:1b:44:11:3a:b7", "[mac]"),
            ("00-1B-44-11-3A-B7", "[mac]"),
            ("4111 1111 1111 1111", "[card]"),
            ("5500-0000-0000-0004", "[card]"),
            ("490154203237518", "[card]"),
            ("DE89 3704 0044 0532 0130 00", "[iban]"),
            ("de89 3704 0044 0532 0130 00", "[iban]"),
            ("GB82WEST12345698765432", "[iban]"),
            ("078-05-1120", "[ssn]"),
            ("+49 170 1234567", "[phone]"),
            ("+1 (555) 123-4567", "[phone]"),
            ("+491701234567", "[phone]"),
            ("0049 170 1234567", "[phone]"),
            ("0170/1234567", "[phone]"),
            ("044 668 18 00", "[phone]"),
            ("(555) 123-4567", "[phone]"),
            ("555-123-4567", "[phone]"),
        ] {
            assert_eq!(Scrubbed::of(&format!("from {number}, or not")).as_str(), format!("from {label}, or not"), "{number}");
        }
        assert_eq!(Scrubbed::of("http://[2001:db8::1]:8080/x.js").as_str(), "http://[[ip]]:8080/x.js");
        assert_eq!(Scrubbed::of("x_192.0.2.17, v192.0.2.17ms").as_str(), "x_[ip], v[ip]ms");
        assert_eq!(Scrubbed::of("at ip-192-168-1-7.").as_str(), "at [ip].");
        assert_eq!(Scrubbed::of("T+491701234567").as_str(), "T[phone]");
        assert_eq!(Scrubbed::of("from 2001:db8::1: no").as_str(), "from [ip]: no");
    }

    #[test]
    fn a_number_that_reaches_nobody_stays() {
        for text in [
            "127.0.0.1",
            "http://0.0.0.0:3000/x.js",
            "::1",
            "Chrome 131.0.6778.86",
            "version 10.4.2",
            "main.js:12:34",
            "a::before",
            "std::fmt::Debug",
            "12:34:56",
            "2026-11-22T12:00:00.123Z",
            "2026-01-02 03:04:05",
            "took 1763812345123 ms",
            "issue 10001",
            "0.123456789012",
            "React error #425",
            "4111 1111 1111 1112",
            "DE00370400440532013000",
            "x+1234567",
        ] {
            assert_eq!(Scrubbed::of(text).as_str(), text);
        }
    }
}
