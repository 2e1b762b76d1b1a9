//! Spells: for how long, and how often, a site has answered the same. Pure rules: given what is noted, what the site says now and the time,
//! what is to be noted, or that the tenant counts as gone.

use http::StatusCode;

use super::super::departure::{Cause, Evidence};
use super::asking::Answer;
use crate::connect::catalogue::App;
use crate::records::item::{self, Damaged, Item, n};
use aws_sdk_dynamodb::types::AttributeValue;

/// A site that has refused us for so long, in seconds, knows us no longer.
const REFUSED_FOR: i64 = 30 * 24 * 60 * 60;

/// And so often at least: two refusals a month apart may be two bad days.
const REFUSED_TIMES: u64 = 4;

/// The attributes of a tenants item that tell of refusals: whoever learns that the site knows us removes them.
pub(crate) const REFUSALS: &str = "refused_since, refused_times";

/// The attributes that tell of a licence that is not active: whoever comes back begins anew.
pub(crate) const UNLICENSED: &str = "unlicensed_since, unlicensed_times";

/// An unbroken row of like answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spell {
    /// When the first came, in epoch seconds.
    since: i64,
    /// How many there were.
    times: u64,
}

/// What is noted of a site's answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spells {
    refused: Option<Spell>,
    unlicensed: Option<Spell>,
}

/// What follows from an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The tenant stays; this is to be noted.
    Stays(Spells),
    /// The tenant counts as gone.
    Gone(Cause, Evidence),
}

impl Spell {
    fn and_now(before: Option<Self>, now: i64) -> Self {
        before.map_or(Self { since: now, times: 1 }, |spell| Self { times: spell.times.saturating_add(1), ..spell })
    }

    const fn has_lasted(self, time: i64, now: i64) -> bool {
        now.saturating_sub(self.since) >= time
    }

    const fn evidence(self, status: StatusCode) -> Evidence {
        Evidence { since: self.since, times: self.times, last_status: status.as_u16() }
    }

    fn of(item: &Item, since: &'static str, times: &'static str) -> Result<Option<Self>, Damaged> {
        let Some(since) = item::number_if_any(item, since)? else { return Ok(None) };
        Ok(Some(Self { since, times: item::number(item, times)? }))
    }
}

impl Spells {
    /// What follows from this answer of a site to this app.
    pub(super) fn after(self, answer: &Answer, app: &App, now: i64) -> Verdict {
        let licence = match answer {
            Answer::Refused(status) => {
                let refused = Spell::and_now(self.refused, now);
                let is_gone = refused.times >= REFUSED_TIMES && refused.has_lasted(REFUSED_FOR, now);
                return if is_gone {
                    Verdict::Gone(Cause::Dormant, refused.evidence(*status))
                } else {
                    Verdict::Stays(Self { refused: Some(refused), ..self })
                };
            }
            Answer::Known(licence) => licence,
        };
        let unlicensed = match (app.leaves_unlicensed_after(), licence.active) {
            (None, _) | (_, Some(true)) => None,
            // Nothing was said of it, so what was said before stands, and does not count twice.
            (Some(_), None) => self.unlicensed,
            (Some(patience), Some(false)) => {
                let unlicensed = Spell::and_now(self.unlicensed, now);
                if unlicensed.has_lasted(patience, now) {
                    return Verdict::Gone(Cause::LicenceEnded, unlicensed.evidence(StatusCode::OK));
                }
                Some(unlicensed)
            }
        };
        Verdict::Stays(Self { refused: None, unlicensed })
    }

    /// What a tenants item tells.
    pub(super) fn of(item: &Item) -> Result<Self, Damaged> {
        let refused = Spell::of(item, "refused_since", "refused_times")?;
        Ok(Self { refused, unlicensed: Spell::of(item, "unlicensed_since", "unlicensed_times")? })
    }

    /// The same as a change of a tenants item: what to set, with its values, and what to remove.
    pub(super) fn change(self) -> (String, String, Vec<(&'static str, AttributeValue)>) {
        let (mut set, mut remove, mut values) = (String::new(), Vec::new(), Vec::new());
        match self.refused {
            Some(Spell { since, times }) => {
                set.push_str(", refused_since = :refused_since, refused_times = :refused_times");
                values.extend([(":refused_since", n(since)), (":refused_times", n(times))]);
            }
            None => remove.push(REFUSALS),
        }
        match self.unlicensed {
            Some(Spell { since, times }) => {
                set.push_str(", unlicensed_since = :unlicensed_since, unlicensed_times = :unlicensed_times");
                values.extend([(":unlicensed_since", n(since)), (":unlicensed_times", n(times))]);
            }
            None => remove.push(UNLICENSED),
        }
        (set, remove.join(", "), values)
    }
}

#[cfg(test)]
mod tests {
    use super::super::licence::Licence;
    use super::*;
    use crate::connect::catalogue::{Catalogue, EndedLicence};

    const DAY: i64 = 86_400;
    const REFUSED: Answer = Answer::Refused(StatusCode::NOT_FOUND);
    const ACTIVE: Answer = Answer::Known(Licence { active: Some(true) });
    const ENDED: Answer = Answer::Known(Licence { active: Some(false) });
    const UNNAMED: Answer = Answer::Known(Licence { active: None });

    fn app() -> &'static App {
        Catalogue::hosted().find("test-management").unwrap()
    }

    /// What becomes of a tenant whose site answers so on these days: the day on which it counts as gone, why, and after how many answers.
    fn gone(app: &App, answers: &[(i64, Answer)]) -> Option<(i64, Cause, Evidence)> {
        let mut spells = Spells::default();
        for (day, answer) in answers {
            match spells.after(answer, app, day * DAY) {
                Verdict::Stays(noted) => spells = noted,
                Verdict::Gone(cause, evidence) => return Some((*day, cause, evidence)),
            }
        }
        None
    }

    fn weekly(answer: Answer) -> Vec<(i64, Answer)> {
        (0..10).map(|week| (week * 7, answer)).collect()
    }

    /// Promise E-33: a leaving that nobody told is one after 30 days.
    #[test]
    fn a_site_that_refuses_for_thirty_days_is_gone() {
        let evidence = Evidence { since: 0, times: 6, last_status: 404 };
        assert_eq!(gone(app(), &weekly(REFUSED)), Some((35, Cause::Dormant, evidence)));
        let on_the_day = [(0, REFUSED), (10, REFUSED), (20, REFUSED), (30, REFUSED)];
        assert_eq!(gone(app(), &on_the_day).unwrap().0, 30);
        assert_eq!(gone(app(), &[(0, REFUSED), (10, REFUSED), (20, REFUSED), (29, REFUSED)]), None);
    }

    #[test]
    fn fewer_than_four_refusals_are_not_enough_however_far_apart() {
        assert_eq!(gone(app(), &[(0, REFUSED), (40, REFUSED), (80, REFUSED)]), None);
        assert_eq!(gone(app(), &[(0, REFUSED), (40, REFUSED), (80, REFUSED), (81, REFUSED)]).unwrap().0, 81);
    }

    #[test]
    fn one_answer_that_knows_us_begins_the_count_anew() {
        for known in [ACTIVE, ENDED, UNNAMED] {
            let answers =
                [(0, REFUSED), (7, REFUSED), (14, REFUSED), (21, known), (28, REFUSED), (35, REFUSED), (42, REFUSED), (49, REFUSED)];
            assert_eq!(gone(app(), &answers), None, "{known:?}");
        }
    }

    #[test]
    fn a_licence_that_is_not_active_for_as_long_as_the_app_waits_is_an_end() {
        let evidence = Evidence { since: 0, times: 6, last_status: 200 };
        assert_eq!(gone(app(), &weekly(ENDED)), Some((35, Cause::LicenceEnded, evidence)));
        assert_eq!(gone(app(), &[(0, ENDED), (29, ENDED)]), None);
        assert_eq!(gone(app(), &[(0, ENDED), (28, ACTIVE), (35, ENDED), (63, ENDED)]), None);
    }

    #[test]
    fn a_site_that_names_no_licence_neither_ends_nor_renews_it() {
        assert_eq!(gone(app(), &weekly(UNNAMED)), None);
        assert_eq!(gone(app(), &[(0, ENDED), (20, UNNAMED), (30, UNNAMED)]), None);
        let named_again = [(0, ENDED), (20, UNNAMED), (31, ENDED)];
        assert_eq!(gone(app(), &named_again).unwrap().2, Evidence { since: 0, times: 2, last_status: 200 });
    }

    /// Promise A-07: a licence that is not needed, or that the app does not insist on, ends nothing.
    #[test]
    fn an_app_that_is_free_or_keeps_its_customers_never_ends_with_its_licence() {
        let free = App { licensed: false, ..*app() };
        let kind = App { ended_licence: EndedLicence::Keeps, ..*app() };
        for app in [free, kind] {
            assert_eq!(gone(&app, &weekly(ENDED)), None);
            assert_eq!(gone(&app, &weekly(REFUSED)).unwrap().1, Cause::Dormant);
        }
    }

    #[test]
    fn what_is_noted_is_read_again() {
        let spell = |since| Some(Spell { since, times: 3 });
        for spells in [
            Spells::default(),
            Spells { refused: spell(1), unlicensed: None },
            Spells { refused: None, unlicensed: spell(2) },
            Spells { refused: spell(1), unlicensed: spell(2) },
        ] {
            let (_, _, values) = spells.change();
            let item = values.into_iter().map(|(name, value)| (name.trim_start_matches(':').to_owned(), value)).collect();
            assert_eq!(Spells::of(&item).unwrap(), spells);
        }
        assert_eq!(Spells::of(&item::item([("refused_since", n(1))])).unwrap_err().0, "refused_times");
    }
}
