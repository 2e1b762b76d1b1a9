//! `Content-Disposition` for any name: ASCII for those who read nothing else, and the name itself in RFC 8187's form. Always an attachment,
//! so that no file is ever shown as a page of ours.

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// RFC 8187, section 3.2.1: `attr-char`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The header's value for a file of this name.
#[must_use]
pub fn attachment(file_name: &str) -> HeaderValue {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, ' ' | '-' | '_' | '.' | '(' | ')');
    let ascii: String = file_name.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect();
    let exact = utf8_percent_encode(file_name, ESCAPED);
    let value = HeaderValue::try_from(format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{exact}"));
    value.unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_told_in_ascii_and_as_it_is() {
        for (name, value) in [
            ("plan.pdf", "attachment; filename=\"plan.pdf\"; filename*=UTF-8''plan.pdf"),
            ("Prüf \"1\".txt", "attachment; filename=\"Pr_f _1_.txt\"; filename*=UTF-8''Pr%C3%BCf%20%221%22.txt"),
            ("a';x=y%20*.txt", "attachment; filename=\"a__x_y_20_.txt\"; filename*=UTF-8''a%27%3Bx%3Dy%2520%2A.txt"),
        ] {
            assert_eq!(attachment(name), value);
        }
    }

    proptest! {
        #[test]
        fn no_name_breaks_out_of_its_quotes(name: String) {
            let value = attachment(&name);
            let value = value.to_str().unwrap();
            let inside = value.strip_prefix("attachment; filename=\"").unwrap();
            let (ascii, exact) = inside.split_once("\"; filename*=UTF-8''").unwrap();
            prop_assert!(!ascii.contains(['"', '\\', ';']) && !exact.contains(['"', ';', '\'', ' ']));
            prop_assert_eq!(percent_encoding::percent_decode_str(exact).decode_utf8().unwrap(), name);
        }
    }
}
