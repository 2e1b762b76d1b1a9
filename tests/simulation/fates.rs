//! What is drawn for a tenant: how it uses the app, and what becomes of it when it has left.

use super::course::{Course, HOUR};
use super::story::Deed;
use super::telling::Choice;
use crate::model::DAY;

/// What becomes of a tenant that has left.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Never,
    Soon,
    JustInTime,
    JustTooLate,
    Late,
    Held,
    HeldAndBack,
    Early,
    EarlyAndBack,
    FalselyBack,
}

const FATES: [Fate; 14] = [
    Fate::Never,
    Fate::Never,
    Fate::Never,
    Fate::Soon,
    Fate::Soon,
    Fate::JustInTime,
    Fate::JustTooLate,
    Fate::Late,
    Fate::Held,
    Fate::Held,
    Fate::HeldAndBack,
    Fate::Early,
    Fate::EarlyAndBack,
    Fate::FalselyBack,
];

impl Course {
    /// Use for some days, and then mostly leaving.
    pub fn use_it(&mut self, index: usize) {
        let (uses, stays) = (self.dice.throw(10), self.dice.throw(3) == 0);
        // Some stay until their copies of issues end.
        let days = if uses < 2 && stays { 32 + self.drawn(15) } else { 1 + self.drawn(20) };
        for _ in 0..3 + self.dice.throw(5) {
            let deeds = [Deed::Put, Deed::Put, Deed::Put, Deed::Put, Deed::Attach, Deed::Attach, Deed::Begin, Deed::Upload];
            let more = [Deed::Remove, Deed::Rotate, Deed::Install, Deed::Look, Deed::Look, Deed::FalselyLeave];
            let at = 60 + self.drawn(days * DAY);
            let number = usize::try_from(self.dice.throw(u64::try_from(deeds.len() + more.len()).unwrap())).unwrap();
            let deed = deeds.iter().chain(&more).nth(number).cloned().unwrap();
            self.later(index, at, deed);
        }
        self.use_issues(index, uses, days);
        // Straight after something was begun, so that it lies there when the purge comes.
        let at = days * DAY + 120;
        match self.dice.throw(3) {
            0 => self.later(index, at, Deed::Begin),
            1 => {
                self.later(index, at - 30, Deed::Attach);
                self.later(index, at, Deed::Remove);
            }
            _ => {}
        }
        if self.dice.throw(10) > 0 {
            self.later(index, at + 60, Deed::Leave);
        }
    }

    /// One of five has issues copied, and changes its mind about which; some of the others work on issues all the same.
    fn use_issues(&mut self, index: usize, uses: u64, days: i64) {
        match uses {
            0 | 1 => {
                self.later(index, 30, Deed::Select(Choice::Any));
                self.later(index, 900, Deed::Work);
            }
            2 => {
                self.later(index, 600, Deed::Work);
                return;
            }
            _ => return,
        }
        for _ in 0..self.dice.throw(3) {
            let at = self.drawn(days * DAY);
            self.later(index, at, Deed::Select(Choice::Any));
        }
        // Those who stay are looked at when their copies end.
        for (most, within) in [(3, days * DAY), (2, (days + 30) * DAY)] {
            for _ in 0..self.dice.throw(most) {
                let at = 60 + self.drawn(within);
                self.later(index, at, Deed::Work);
                let ends = at + 30 * DAY - HOUR + self.drawn(3 * DAY);
                self.later(index, ends, Deed::Look);
            }
        }
        // Straight before it leaves, so that events are on their way then.
        if self.dice.throw(3) == 0 {
            self.later(index, days * DAY + 170, Deed::Work);
        }
    }

    /// What comes after leaving.
    pub fn draw_fate(&mut self, index: usize) {
        let fate = self.dice.pick(&FATES);
        let hundredth = DAY / 100;
        let look = self.drawn(100 * DAY);
        self.later(index, look, Deed::Look);
        if self.dice.throw(3) == 0 && self.tenants[index].tracker.last > 0 {
            let work = self.drawn(112 * DAY);
            self.later(index, work, Deed::Work);
        }
        match fate {
            Fate::Never => {}
            Fate::Soon => {
                let at = 1 + self.drawn(109 * DAY);
                self.later(index, at, Deed::Install);
            }
            Fate::JustInTime => self.later(index, 110 * DAY - hundredth, Deed::Install),
            Fate::JustTooLate => {
                let at = self.dice.pick(&[0, 1, hundredth, HOUR, HOUR + 1_300]);
                self.later(index, 110 * DAY + at, Deed::Install);
            }
            Fate::Late => {
                let at = 110 * DAY + self.drawn(15 * DAY);
                self.later(index, at, Deed::Install);
            }
            Fate::Held | Fate::HeldAndBack => {
                let (first, days) = (85 * DAY + self.drawn(24 * DAY), 5 + self.drawn(26));
                self.later(index, first, Deed::Hold(days));
                let mut until = first + days * DAY;
                if self.dice.throw(2) == 0 {
                    let (at, days) = (until - HOUR - self.drawn(2 * DAY), 1 + self.drawn(30));
                    self.later(index, at, Deed::Hold(days));
                    until = at + days * DAY;
                }
                if matches!(fate, Fate::HeldAndBack) {
                    let before = 1 + self.dice.pick(&[0, hundredth, DAY]);
                    self.later(index, until.max(110 * DAY) - before, Deed::Install);
                } else if self.dice.throw(2) == 0 {
                    let before = 1 + self.dice.pick(&[0, HOUR, 2 * DAY]);
                    self.later(index, until - before, Deed::Lift);
                }
            }
            Fate::Early | Fate::EarlyAndBack => {
                // Some so soon that older versions of their objects lie there still.
                let within = self.dice.pick(&[2 * DAY, 100 * DAY]);
                let at = HOUR + self.drawn(within);
                self.later(index, at, Deed::DeleteEarly);
                if matches!(fate, Fate::EarlyAndBack) {
                    let after = self.dice.pick(&[0, 1, HOUR, 2 * HOUR, 3 * DAY]);
                    self.later(index, at + after, Deed::Install);
                }
            }
            Fate::FalselyBack => {
                let at = HOUR + self.drawn(108 * DAY);
                self.later(index, at, Deed::FalselyReturn);
            }
        }
    }
}
