use proptest::prelude::*;

use super::*;
use crate::telemetry::plants::{Dice, Sort, plant};

/// Texts that are made of what the rules look for, whole and in pieces.
fn pieces() -> impl Strategy<Value = String> {
    let plant = (any::<u64>(), 0..6_usize).prop_map(|(seed, sort)| {
        let sort = [Sort::Email, Sort::Account, Sort::Token, Sort::Host, Sort::Phone, Sort::Name][sort];
        plant(sort, &mut Dice::of(seed)).text
    });
    let mark = prop::sample::select(vec![
        "@",
        "%40",
        "[",
        "]",
        "[name]",
        "[email]",
        "name=",
        "user ",
        "by ",
        "\"displayName\":\"",
        "token=",
        "https://",
        "?",
        "#",
        "/",
        ":",
        "\\u0040",
        "\\u0141",
        "\\\"",
        "[\"",
        "{\"name\":",
        "?jql=",
        "/~",
        " (at) ",
        "with key ",
        " is not valid JSON",
        "&#64;",
        "+49 ",
        " ",
        "\"",
        "'",
        "Max ",
        "Error ",
        "[~",
        "cookie: ",
        "%25",
        "eyJ",
        "data:",
        "blob:",
        "qm:",
        "::",
        "12:",
        ",",
        "=",
    ]);
    prop::collection::vec(prop_oneof![plant, mark.prop_map(str::to_owned), "\\PC{0,12}"], 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn scrubbing_again_changes_nothing(text in pieces(), most in 1..200_usize) {
        for clean in [Scrubbed::of(&text), Scrubbed::cut(&text, most)] {
            prop_assert_eq!(Scrubbed::of(clean.as_str()), clean.clone());
            let carried: Scrubbed = serde_json::from_str(&serde_json::to_string(&clean).unwrap()).unwrap();
            prop_assert_eq!(carried, clean);
        }
    }

    #[test]
    fn no_text_is_longer_than_it_may_be(text in pieces(), most in 20..200_usize) {
        prop_assert!(Scrubbed::cut(&text, most).as_str().chars().count() <= most);
    }
}

#[test]
fn what_comes_from_the_queue_is_scrubbed() {
    let carried: Scrubbed = serde_json::from_str("\"ask max@acme.example\"").unwrap();
    assert_eq!(carried.as_str(), "ask [email]");
}

/// What would keep a careless pattern busy takes no longer than any other text: it is cut first, and the patterns never go back.
#[test]
fn a_text_of_any_form_and_length_is_done_with_soon() {
    for piece in [
        "a@",
        "@a",
        "%25",
        "A ",
        "A. ",
        "Max ",
        "name=",
        "\"name\":\"",
        "1:",
        "::",
        "1 ",
        "eyJ",
        "[~",
        "user ",
        "\\",
        "/home",
        "https://",
        "=?",
        "\u{301}",
        "Ä ",
        "&#64;",
        "%2540",
        "\"a\":",
        "\"a\":\"",
        "token:[",
        "?jql=",
        "\\u0141",
    ] {
        let clean = Scrubbed::of(&piece.repeat(200_000));
        assert!(clean.as_str().chars().count() <= LONGEST, "{piece}");
    }
}
