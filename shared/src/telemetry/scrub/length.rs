//! Cutting without leaving halves: half an address is no address, and no rule would find it. So a text is scrubbed before it is cut, and only what
//! is far longer is cut before that, back to where nothing can go on.

/// What is left of one word that is longer than a text may be.
const TOO_LONG: &str = "[long]";

/// How much more than is kept is looked at: whatever a rule finds that begins in what is kept ends there.
const AHEAD: usize = 256;

/// The first `most` characters and some more, without what might be the beginning of something that is found only whole.
pub(super) fn ahead(text: &str, most: usize) -> &str {
    let Some(kept) = first(text, most + AHEAD) else { return text };
    let Some((kept, _)) = kept.rsplit_once(char::is_whitespace) else { return cut(text, most + AHEAD) };
    // Numbers are written with blanks, and names have them.
    let mut kept = kept.trim_end();
    while let Some((before, _)) = kept.rsplit_once(char::is_whitespace).filter(|(_, word)| goes_on(word)) {
        kept = before.trim_end();
    }
    kept
}

/// Whether a word may be a part of something that has blanks in it.
fn goes_on(word: &str) -> bool {
    word.chars().any(|letter| letter.is_ascii_digit() || letter == '+') || word.starts_with(char::is_uppercase)
}

/// The first `most` characters, without the word that the cut would go through.
pub(super) fn cut(text: &str, most: usize) -> &str {
    let Some(kept) = first(text, most) else { return text };
    let ends = |letter: char| letter.is_whitespace() || "/?,()<>\"'".contains(letter);
    match kept.trim_end_matches(|letter| !ends(letter)) {
        "" => TOO_LONG,
        kept => kept,
    }
}

/// The first `most` characters, if there are more.
fn first(text: &str, most: usize) -> Option<&str> {
    text.char_indices().nth(most).and_then(|(end, _)| text.get(..end))
}

#[cfg(test)]
mod tests {
    use super::super::Scrubbed;
    use super::*;

    #[test]
    fn a_cut_goes_through_no_word() {
        assert_eq!(cut("ask max@acme.example", 20), "ask max@acme.example");
        assert_eq!(cut("ask max@acme.example", 19), "ask ");
        assert_eq!(cut("ask äöü öäü", 10), "ask äöü ");
        assert_eq!(cut("https://acme.example/app.js", 25), "https://acme.example/");
    }

    #[test]
    fn a_word_that_is_too_long_is_not_kept_at_all() {
        assert_eq!(cut(&"x".repeat(30), 20), "[long]");
    }

    /// At every place of the cut, with texts that get shorter and with texts that do not.
    #[test]
    fn no_cut_leaves_a_half() {
        for (whole, half) in [
            ("max.muster&#64;acme.example", "muster"),
            ("4111 1111 1111 1111", "4111"),
            ("DE89 3704 0044 0532 0130 00", "3704"),
            ("+49 170 1234567", "170"),
            ("cannot ask Max Mustermann", "Max"),
        ] {
            for (before, most) in [("ab ".repeat(20), 80), ("max@acme.example ".repeat(18), 60)] {
                for blanks in 0..80 {
                    let text = format!("{before}{} {whole} and more of it {}", "x ".repeat(blanks), "and so on ".repeat(60));
                    let left = Scrubbed::cut(&text, most);
                    assert!(!left.as_str().contains(half), "{blanks}: {}", left.as_str());
                }
            }
        }
    }
}
