//! When the functions run that run by a schedule. The first run of each is due at once, so that nothing falls behind while no host ran; from
//! then on it is due in the same rhythm, whatever a run took.

use crate::template::{Schedule, Template};

const DAY: i64 = 86_400;

/// The functions that run every hour to look for something that is due, and do nothing if nothing is. While time is jumped over they need not
/// run at every hour of it: see [`Pace::Jumping`].
const LOOK_FOR: [(&str, Sought); 4] = [
    ("purge", Sought::Departures),
    ("doubtful", Sought::Departures),
    ("issue-copies-sweep", Sought::Copies),
    ("usage-salts", Sought::Salts),
];

/// What such a function looks for.
#[derive(Clone, Copy, Debug)]
enum Sought {
    Departures,
    Copies,
    Salts,
}

/// How time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// As it does: every run is due.
    Real,
    /// From event to event. This is a shortcut of the clock and not of the functions: a run of [`LOOK_FOR`] that would find nothing due is left
    /// out, but one a day.
    Jumping {
        /// When the first of all open departures is due, in epoch seconds.
        departure: Option<i64>,
        /// When the first of all copies of issues may be deleted.
        copy: Option<i64>,
        /// When the first of all salts of usage may be destroyed.
        salt: Option<i64>,
    },
}

/// When each is due, in epoch seconds.
#[derive(Debug)]
pub(crate) struct Timetable {
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    /// The function's logical id.
    function: String,
    every: i64,
    next: i64,
    ran_at: Option<i64>,
    looks_for: Option<Sought>,
}

impl Timetable {
    pub(crate) fn of(schedules: Vec<Schedule>, now: i64) -> Self {
        let lines = schedules.into_iter().map(|Schedule { function, every }| {
            let name = Template::function_name(&function);
            let looks_for = LOOK_FOR.into_iter().find(|(function, _)| *function == name).map(|(_, sought)| sought);
            let every = i64::try_from(every.as_secs()).unwrap_or(i64::MAX).max(1);
            Line { function, every, next: now, ran_at: None, looks_for }
        });
        Self { lines: lines.collect() }
    }

    /// When the next run is due; in the past, if one is due now.
    pub(crate) fn next(&self, pace: Pace) -> Option<i64> {
        self.lines.iter().map(|line| line.due_at(pace)).min()
    }

    /// The functions whose run is due, each once, however long it was due. They count as run.
    pub(crate) fn take_due(&mut self, now: i64, pace: Pace) -> Vec<String> {
        let due = self.lines.iter_mut().filter(|line| line.due_at(pace) <= now);
        due.map(|line| line.run(now)).collect()
    }
}

impl Line {
    fn due_at(&self, pace: Pace) -> i64 {
        match (pace, self.looks_for, self.ran_at) {
            (Pace::Jumping { departure, copy, salt }, Some(sought), Some(ran_at)) => {
                let next_due = match sought {
                    Sought::Departures => departure,
                    Sought::Copies => copy,
                    Sought::Salts => salt,
                };
                let needed = next_due.unwrap_or(i64::MAX).min(ran_at.saturating_add(DAY));
                let left_out = needed.saturating_sub(self.next).max(0).saturating_add(self.every - 1) / self.every;
                self.next.saturating_add(left_out.saturating_mul(self.every))
            }
            _ => self.next,
        }
    }

    fn run(&mut self, now: i64) -> String {
        let gone_by = now.saturating_sub(self.next) / self.every + 1;
        self.next = self.next.saturating_add(gone_by.saturating_mul(self.every));
        self.ran_at = Some(now);
        self.function.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HOUR: i64 = 3_600;
    const IDLE: Pace = Pace::Jumping { departure: None, copy: None, salt: None };

    fn timetable(schedules: &[(&str, i64)]) -> Timetable {
        let schedule = |(function, every): &(&str, i64)| Schedule {
            function: (*function).to_owned(),
            every: Duration::from_secs(u64::try_from(*every).unwrap()),
        };
        Timetable::of(schedules.iter().map(schedule).collect(), 0)
    }

    /// When the function runs between the start and `until`, jumping from run to run.
    fn runs(timetable: &mut Timetable, until: i64, pace: Pace) -> Vec<i64> {
        let mut runs = Vec::new();
        while let Some(at) = timetable.next(pace).filter(|at| *at <= until) {
            runs.extend(timetable.take_due(at, pace).iter().map(|_| at));
        }
        runs
    }

    #[test]
    fn the_first_run_is_due_at_once_and_the_others_in_their_rhythm() {
        let mut daily = timetable(&[("Daily", DAY)]);
        assert_eq!(runs(&mut daily, 2 * DAY, IDLE), [0, DAY, 2 * DAY]);
        let mut late = timetable(&[("Daily", DAY)]);
        assert_eq!(late.take_due(7 * DAY + 5, Pace::Real), ["Daily"]);
        assert_eq!(late.take_due(7 * DAY + 5, Pace::Real), [""; 0], "a week of runs that were missed is one run");
        assert_eq!(late.next(Pace::Real), Some(8 * DAY));
    }

    #[test]
    fn an_hourly_run_that_would_find_nothing_is_left_out_but_one_a_day() {
        assert_eq!(runs(&mut timetable(&[("Purge", HOUR)]), 180 * DAY, IDLE).len(), 181);
        assert_eq!(runs(&mut timetable(&[("Purge", HOUR)]), 2 * DAY, Pace::Real).len(), 49);
        assert_eq!(runs(&mut timetable(&[("IssueCopiesSweep", HOUR)]), 180 * DAY, IDLE).len(), 181);
        assert_eq!(runs(&mut timetable(&[("UsageSalts", HOUR)]), 180 * DAY, IDLE).len(), 181);
        assert_eq!(runs(&mut timetable(&[("Another", HOUR)]), 2 * DAY, IDLE).len(), 49);
    }

    #[test]
    fn it_runs_in_the_first_hour_at_or_after_something_is_due() {
        let at = |next_due| {
            let mut purge = timetable(&[("Purge", HOUR)]);
            purge.take_due(0, IDLE);
            purge.next(Pace::Jumping { departure: Some(next_due), copy: None, salt: None })
        };
        assert_eq!(at(5 * HOUR), Some(5 * HOUR));
        assert_eq!(at(5 * HOUR + 1), Some(6 * HOUR));
        assert_eq!(at(-9), Some(HOUR), "what is due already waits for the next hour");
        assert_eq!(at(40 * DAY), Some(DAY));
        let mut sweep = timetable(&[("IssueCopiesSweep", HOUR)]);
        sweep.take_due(0, IDLE);
        assert_eq!(
            sweep.next(Pace::Jumping { departure: Some(0), copy: Some(5 * HOUR), salt: Some(0) }),
            Some(5 * HOUR),
            "a departure is not its business"
        );
        let mut salts = timetable(&[("UsageSalts", HOUR)]);
        salts.take_due(0, IDLE);
        assert_eq!(salts.next(Pace::Jumping { departure: Some(0), copy: None, salt: Some(9 * HOUR) }), Some(9 * HOUR));
    }
}
