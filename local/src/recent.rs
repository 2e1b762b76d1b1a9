//! The last of what came, numbered from 1.

use std::collections::VecDeque;

/// At most so many.
#[derive(Debug)]
pub(crate) struct Recent<T> {
    most: usize,
    last: u64,
    kept: VecDeque<T>,
}

impl<T> Recent<T> {
    /// Nothing has come yet.
    pub(crate) const fn of(most: usize) -> Self {
        Self { most, last: 0, kept: VecDeque::new() }
    }

    /// Keeps what came, which is told its number; the oldest goes if there are too many.
    pub(crate) fn keep(&mut self, numbered: impl FnOnce(u64) -> T) {
        self.last += 1;
        if self.kept.len() == self.most {
            self.kept.pop_front();
        }
        self.kept.push_back(numbered(self.last));
    }

    /// What is kept, the newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &T> {
        self.kept.iter().rev()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_and_numbers_go_on() {
        let mut recent = Recent::of(2);
        (0..3).for_each(|_| recent.keep(|number| number));
        assert_eq!(recent.newest_first().copied().collect::<Vec<_>>(), [3, 2]);
    }
}
