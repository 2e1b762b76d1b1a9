//! A clock that follows the machine's and can be moved ahead, so that day 180 is a button away. It is never moved back. How far it was moved is
//! kept in a file, so that a host that starts again goes on in the same time.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::platform::clock::{Clock, Moment, SystemClock};

/// The furthest that it goes, all moves together: dates beyond the year 9999 are none.
const FURTHEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// The machine's clock, moved ahead.
#[derive(Debug)]
pub struct MovableClock {
    machine: SystemClock,
    began: Moment,
    file: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    ahead: Duration,
    /// The last steady reading: the next one is no less, whatever the machine's wall clock does.
    steady: Duration,
}

/// Why the clock does not move, or does not start.
#[derive(Debug, thiserror::Error)]
pub enum ClockFault {
    /// The file cannot be read or written.
    #[error("cannot use {path}: {cause}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the file system said, or what is wrong with its content.
        #[source]
        cause: io::Error,
    },
    /// It would go further than a hundred years.
    #[error("cannot move the clock: a hundred years are enough")]
    TooFar,
}

impl MovableClock {
    /// A clock that shows the machine's time until it is moved, and forgets that it was.
    #[must_use]
    pub fn start() -> Self {
        Self::moved(Duration::ZERO, None)
    }

    /// A clock that goes on where the one of this file stopped being moved.
    ///
    /// # Errors
    /// [`ClockFault::File`] if the file is there and holds no number of seconds.
    pub fn kept_in(file: PathBuf) -> Result<Self, ClockFault> {
        let ahead = match fs::read_to_string(&file) {
            Ok(text) => text.trim().parse().map_err(io::Error::other),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(cause) => Err(cause),
        };
        match ahead {
            Ok(seconds) => Ok(Self::moved(Duration::from_secs(seconds).min(FURTHEST), Some(file))),
            Err(cause) => Err(ClockFault::File { path: file, cause }),
        }
    }

    fn moved(ahead: Duration, file: Option<PathBuf>) -> Self {
        let machine = SystemClock::start();
        let began = machine.now();
        Self { machine, began, file, state: Mutex::new(State { ahead, steady: Duration::ZERO }) }
    }

    /// Moves both readings ahead.
    ///
    /// # Errors
    /// [`ClockFault`]; the clock has not moved then.
    pub fn advance(&self, by: Duration) -> Result<(), ClockFault> {
        let mut state = self.state();
        let ahead = state.ahead.checked_add(by).filter(|ahead| *ahead <= FURTHEST).ok_or(ClockFault::TooFar)?;
        if let Some(file) = &self.file {
            fs::write(file, ahead.as_secs().to_string()).map_err(|cause| ClockFault::File { path: file.clone(), cause })?;
        }
        state.ahead = ahead;
        Ok(())
    }

    /// How far it was moved in all.
    #[must_use]
    pub fn ahead(&self) -> Duration {
        self.state().ahead
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Moment {
        let machine = self.machine.now();
        let mut state = self.state();
        state.steady = state.steady.max(machine.since(self.began).saturating_add(state.ahead));
        let ahead = i64::try_from(state.ahead.as_millis()).unwrap_or(i64::MAX);
        Moment::new(machine.epoch_millis().saturating_add(ahead), state.steady)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn both_readings_go_ahead_together() {
        let clock = MovableClock::start();
        let before = clock.now();
        clock.advance(110 * DAY).unwrap();
        let after = clock.now();
        assert!((110 * 86_400..110 * 86_400 + 60).contains(&(after.epoch_seconds() - before.epoch_seconds())));
        // By the steady reading alone: the wall clock is that of a machine whose time was set back.
        let set_back = Moment::new(0, Duration::ZERO);
        assert!(Moment::new(0, after.since(set_back)).since(set_back) >= 110 * DAY);
        assert_eq!(clock.ahead(), 110 * DAY);
    }

    #[test]
    fn a_clock_started_again_goes_on_in_the_same_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clock");
        MovableClock::kept_in(file.clone()).unwrap().advance(3 * DAY).unwrap();
        let again = MovableClock::kept_in(file.clone()).unwrap();
        assert_eq!(again.ahead(), 3 * DAY);
        again.advance(DAY).unwrap();
        assert_eq!(MovableClock::kept_in(file).unwrap().ahead(), 4 * DAY);
    }

    #[test]
    fn a_file_that_holds_no_time_is_not_taken_for_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clock");
        fs::write(&file, "tomorrow").unwrap();
        assert!(matches!(MovableClock::kept_in(file), Err(ClockFault::File { .. })));
    }

    #[test]
    fn a_move_that_cannot_be_kept_does_not_happen() {
        let folder = tempfile::tempdir().unwrap();
        let clock = MovableClock::kept_in(folder.path().join("missing").join("clock")).unwrap();
        assert!(clock.advance(DAY).is_err());
        assert!(matches!(clock.advance(Duration::MAX), Err(ClockFault::TooFar)));
        assert_eq!(clock.ahead(), Duration::ZERO);
    }
}
