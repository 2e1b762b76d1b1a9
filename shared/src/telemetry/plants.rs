//! What must not leave: invented people, with their addresses, accounts, tokens and numbers, made of a seed. Tests plant them wherever a sink could
//! take something up.
//!
//! It knows nothing of this crate, so that tests elsewhere can include it by its path.

/// Numbers that follow from a seed (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Those of a seed.
    pub(crate) const fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below another.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or_default() % limit
    }

    /// One of some.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    /// So many letters of an alphabet.
    pub(crate) fn letters(&mut self, alphabet: &str, count: usize) -> String {
        let alphabet = alphabet.as_bytes();
        (0..count).map(|_| char::from(alphabet[self.below(alphabet.len())])).collect()
    }
}

/// What kind of thing it is, and so where it must be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// An e-mail address.
    Email,
    /// A user, as Atlassian names it.
    Account,
    /// What opens something.
    Token,
    /// The address of a machine.
    Host,
    /// A telephone number.
    Phone,
    /// The name of a person: found in known positions.
    Name,
}

/// One thing that must not leave.
#[derive(Clone, Debug)]
pub(crate) struct Plant {
    /// As it is planted.
    pub(crate) text: String,
    /// What would give it away: none of it may be in what leaves.
    pub(crate) telling: Vec<String>,
}

impl Plant {
    /// What of it is found in a text.
    pub(crate) fn found_in(&self, text: &str) -> Option<&str> {
        self.telling.iter().find(|telling| text.contains(telling.as_str())).map(String::as_str)
    }
}

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";
const HEX: &str = "0123456789abcdef";
const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_URL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const FIRST_NAMES: [&str; 18] = [
    "Max",
    "Erika",
    "Jean-Luc",
    "Siobhán",
    "Łukasz",
    "Zoë",
    "Наталья",
    "Дмитрий",
    "Γιώργος",
    "Ümit",
    "Ingeborg",
    "Nguyễn",
    "Chidi",
    "Aarav",
    "María",
    "Bjørn",
    "Åsa",
    "Armen",
];

const SURNAMES: [&str; 18] = [
    "Mustermann",
    "Picardson",
    "O'Sullivan",
    "Żółkiewska",
    "Lüdenscheidt",
    "Соколова",
    "Преображенский",
    "Παπαδόπουλος",
    "Öztürkoğlu",
    "Bergström",
    "Phạmvăn",
    "Okonkwo",
    "Krishnamurthy",
    "Villanueva",
    "Sørensen",
    "Haraldsdóttir",
    "Petrosyan",
    "McAllister",
];

const PARTICLES: [&str; 6] = ["", "", "", "von ", "de la ", "van der "];

/// Something of a sort.
pub(crate) fn plant(sort: Sort, dice: &mut Dice) -> Plant {
    match sort {
        Sort::Email => email(dice),
        Sort::Account => account(dice),
        Sort::Token => token(dice),
        Sort::Host => host(dice),
        Sort::Phone => phone(dice),
        Sort::Name => name(dice),
    }
}

/// One of everything but names.
pub(crate) fn plant_without_name(dice: &mut Dice) -> Plant {
    let sort = *dice.pick(&[&Sort::Email, &Sort::Account, &Sort::Token, &Sort::Host, &Sort::Phone]);
    plant(sort, dice)
}

fn email(dice: &mut Dice) -> Plant {
    let (word, number) = (5 + dice.below(6), 1 + dice.below(3));
    let local = match dice.below(4) {
        0 => format!("{}.{}", dice.letters(LOWER, word), dice.letters(LOWER, 6)),
        1 => format!("{}+jira", dice.letters(LOWER, word)),
        2 => format!("{}{}", dice.letters(LOWER, word), dice.letters(DIGITS, number)),
        _ => format!("{}_{}", dice.letters(LOWER, word), dice.letters(LOWER, 5)),
    };
    let domain = dice.pick(&["acme.example", "mail.acme.co.example", "bücher.example", "corp-9.example"]);
    let at = dice.pick(&["@", "@", "@", "@", "%40", "\\u0040", "&#64;"]);
    Plant { text: format!("{local}{at}{domain}"), telling: vec![local] }
}

fn uuid(dice: &mut Dice) -> String {
    [8, 4, 4, 4, 12].map(|count| dice.letters(HEX, count)).join("-")
}

fn account(dice: &mut Dice) -> Plant {
    let id = uuid(dice);
    let (text, telling) = match dice.below(5) {
        0 => (format!("557058:{id}"), id),
        1 => (format!("712020:{id}"), id),
        2 => (format!("qm:{}:{id}", uuid(dice)), id),
        3 => (format!("ug:{id}"), id),
        _ => {
            let old = format!("5{}", dice.letters(HEX, 23));
            (old.clone(), old)
        }
    };
    let text = if dice.below(4) == 0 { text.replace(':', "%3A") } else { text };
    Plant { text, telling: vec![telling] }
}

fn token(dice: &mut Dice) -> Plant {
    let bare = |text: String| (text.clone(), vec![text]);
    let (text, telling) = match dice.below(5) {
        0 => {
            let (claims, signature) = (dice.letters(BASE64_URL, 60), dice.letters(BASE64_URL, 43));
            (format!("eyJhbGciOiJIUzI1NiJ9.{claims}.{signature}"), vec![claims, signature])
        }
        1 => {
            let secret = dice.letters(BASE64_URL, 12);
            (format!("Bearer {secret}"), vec![secret])
        }
        2 => {
            let digits = *dice.pick(&[&32, &40, &64]);
            bare(dice.letters(HEX, digits))
        }
        3 => bare(format!("{}=", dice.letters(BASE64, 43))),
        _ => bare(dice.letters(BASE64_URL, 43)),
    };
    Plant { text, telling }
}

fn host(dice: &mut Dice) -> Plant {
    let groups = [0; 6].map(|_| format!("{:x}", 0x1000 + dice.below(0xefff)));
    let text = match dice.below(3) {
        0 => format!("2001:db8::{}", groups.get(..2).unwrap_or_default().join(":")),
        1 => format!("2001:0db8:{}", groups.join(":")),
        _ => format!("{}.{}.{}.{}", 128 + dice.below(90), dice.below(256), dice.below(256), 100 + dice.below(156)),
    };
    Plant { text: text.clone(), telling: vec![text] }
}

fn phone(dice: &mut Dice) -> Plant {
    let (area, line) = (dice.letters("23456789", 3), dice.letters(DIGITS, 7));
    let (head, tail) = line.split_at(3);
    let text = match dice.below(5) {
        0 => format!("+49 {area} {line}"),
        1 => format!("+1 ({area}) {head}-{tail}"),
        2 => format!("0{area}/{line}"),
        3 => format!("{area}-{head}-{tail}"),
        _ => format!("+44{area}{line}"),
    };
    Plant { text: text.clone(), telling: vec![text, format!("{head}-{tail}"), line] }
}

fn name(dice: &mut Dice) -> Plant {
    let (first, surname) = (dice.pick(&FIRST_NAMES), dice.pick(&SURNAMES));
    let text = format!("{first} {}{surname}", dice.pick(&PARTICLES));
    // As JSON and HTML write what is not Latin.
    let (text, escaped) = match dice.below(8) {
        0 => (escaped(&text, |unit| format!("\\u{unit:04x}")), escaped(surname, |unit| format!("\\u{unit:04x}"))),
        1 => (escaped(&text, |unit| format!("&#{unit};")), escaped(surname, |unit| format!("&#{unit};"))),
        _ => (text, surname.to_owned()),
    };
    Plant { text, telling: vec![surname.to_owned(), escaped] }
}

/// With every letter beyond ASCII escaped; by its units of UTF-16, of which these have one each.
fn escaped(text: &str, escape: impl Fn(u32) -> String) -> String {
    text.chars().map(|letter| if letter.is_ascii() { letter.to_string() } else { escape(u32::from(letter)) }).collect()
}
