//! Every call to AWS of a story dies once before and once after its effect; then what would come again comes again, and the end is as if nothing
//! had happened.

use local::aws::Fault;

use super::course::{Actor, Course, Held, Plan};
use super::story::Deed;
use crate::model::{DAY, GRACE};

/// What happens to a tenant before, and what then dies.
#[derive(Clone, Copy, Debug)]
enum Story {
    Leave,
    Return,
    NextEpoch,
    /// The hourly run, the worker until the tombstone, and the runs between.
    Purge,
    EarlyDeletion,
    Hold,
    Lift,
    Rotation,
}

/// More calls than any story makes.
const MOST: u64 = 400;

impl Course {
    async fn prepare(&mut self, story: Story, number: u64) -> Held<usize> {
        let index = self.add(&format!("{story:?}-{number}"));
        for deed in [Deed::Install, Deed::Put, Deed::Attach, Deed::Begin] {
            self.deed(index, deed).await?;
        }
        self.forget_plans();
        self.live_until(self.now() + 2 * DAY).await?;
        if matches!(story, Story::Leave | Story::Rotation) {
            return Ok(index);
        }
        self.deed(index, Deed::Leave).await?;
        self.forget_plans();
        match story {
            Story::NextEpoch => self.pass_to(self.now() + GRACE),
            Story::Purge => {
                self.deed(index, Deed::DeleteEarly).await?;
            }
            Story::Lift => self.deed(index, Deed::Hold(20)).await?,
            _ => {}
        }
        self.pass_to(self.now() + 10);
        Ok(index)
    }

    /// Whether a function died on the way.
    async fn crash(&mut self, story: Story, number: u64, call: u64, fault: Fault) -> Held<bool> {
        let index = self.prepare(story, number).await?;
        let crashes = self.totals.crashes;
        self.dies(call, fault);
        match story {
            Story::Leave => self.deed(index, Deed::Leave).await?,
            Story::Return | Story::NextEpoch => self.deed(index, Deed::Install).await?,
            Story::Purge => self.live_until(self.now() + DAY).await?,
            Story::EarlyDeletion => self.deed(index, Deed::DeleteEarly).await?,
            Story::Hold => self.deed(index, Deed::Hold(10)).await?,
            Story::Lift => self.deed(index, Deed::Lift).await?,
            Story::Rotation => self.deed(index, Deed::Rotate).await?,
        }
        let died = self.totals.crashes > crashes;
        self.forget_plans();
        self.world.aws().faults().clear();
        self.absorb(Actor::Tenant(index))?;
        if matches!(story, Story::Purge | Story::NextEpoch) {
            self.live_until(self.now() + DAY).await?;
            let is_certified = self.tenants[index].lives[0].is_certified;
            if !is_certified {
                return self.broken("E-36", format!("not purged after {fault:?} at call {call}"), Some(index));
            }
        }
        Ok(died)
    }
}

/// Every point of a story; gives how many there were.
fn enumerate(story: Story) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut course = Course::begin(Plan { seed: 1, tenants: 0, days: i64::MAX / DAY / 4, troubled: 0, defect: None }).await;
        let (mut points, mut number) = (0, 0);
        for call in 1..MOST {
            let mut died = false;
            for fault in [Fault::DiesBefore, Fault::DiesAfter] {
                number += 1;
                let crashed = course.crash(story, number, call, fault).await;
                died = crashed.unwrap_or_else(|broken| panic!("{story:?}, {fault:?} at call {call}: {broken}"));
                points += u64::from(died);
            }
            if !died {
                assert!(points > 1, "{story:?} makes no call");
                return points;
            }
        }
        panic!("{story:?} does not end")
    })
}

fn enumerate_all(stories: &[Story]) {
    for story in stories {
        println!("{story:?}: {} deaths, and each ends as if nothing had happened", enumerate(*story));
    }
}

/// Promises E-33, E-35, E-36.
#[test]
fn moves_end_as_if_nothing_had_happened_wherever_they_die() {
    enumerate_all(&[Story::Leave, Story::Return, Story::NextEpoch, Story::EarlyDeletion, Story::Hold, Story::Lift, Story::Rotation]);
}

/// Promises E-34, E-36.
#[test]
fn a_purge_ends_as_if_nothing_had_happened_wherever_it_dies() {
    enumerate_all(&[Story::Purge]);
}
