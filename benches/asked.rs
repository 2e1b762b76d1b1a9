//! What a bench is asked for on its command line.

use std::collections::BTreeMap;

/// What all of them know.
const COMMON: [&str; 2] = ["--check", "--record"];

/// What cargo says to every bench.
const BY_CARGO: &str = "--bench";

/// The options of one run.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// Fails if something is worse than recorded.
    pub(crate) check: bool,
    /// Writes what was reached.
    pub(crate) record: bool,
    /// The bench's own, with their values.
    pub(crate) own: BTreeMap<&'static str, String>,
}

impl Asked {
    /// Reads what follows the program's name. `own` are options that this bench knows beside the common ones; each has a value.
    ///
    /// # Errors
    /// For a person, if there is an option that the bench does not know, or a value missing.
    pub(crate) fn read(bench: &str, own: &[&'static str], words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let (mut asked, mut words) = (Self::default(), words.into_iter());
        while let Some(word) = words.next() {
            if let Some(option) = own.iter().find(|option| **option == word) {
                let value = words.next().filter(|value| !value.starts_with("--"));
                asked.own.insert(option, value.ok_or_else(|| format!("{option} needs a value"))?);
                continue;
            }
            match word.as_str() {
                "--check" => asked.check = true,
                "--record" => asked.record = true,
                BY_CARGO => {}
                _ => {
                    let known: Vec<&str> = COMMON.iter().chain(own).copied().collect();
                    return Err(format!("the bench {bench} knows no {word}, only {}", known.join(", ")));
                }
            }
        }
        Ok(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::Asked;

    fn read(words: &str) -> Result<Asked, String> {
        Asked::read("cold", &["--starts"], words.split_whitespace().map(ToOwned::to_owned))
    }

    #[test]
    fn what_cargo_adds_asks_for_nothing() {
        let asked = read("--bench").unwrap();
        assert!(!asked.check && !asked.record && asked.own.is_empty());
    }

    #[test]
    fn an_option_of_its_own_has_a_value() {
        let asked = read("--starts 31 --check").unwrap();
        assert!(asked.check && asked.own["--starts"] == "31");
        assert_eq!(read("--starts --check").unwrap_err(), "--starts needs a value");
        assert_eq!(read("--starts").unwrap_err(), "--starts needs a value");
    }

    #[test]
    fn an_unknown_option_is_refused() {
        assert_eq!(read("--chekc").unwrap_err(), "the bench cold knows no --chekc, only --check, --record, --starts");
    }
}
