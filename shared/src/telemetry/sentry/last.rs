//! The last members of a list, and as much of each as can be read: what comes may be long and of any form, and no more of it is held than is kept.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The last `N` of a list that can be read as `T`.
pub(super) struct Last<T, const N: usize>(pub(super) VecDeque<T>);

impl<'de, T: DeserializeOwned, const N: usize> Deserialize<'de> for Last<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Reader(PhantomData))
    }
}

struct Reader<T, const N: usize>(PhantomData<T>);

impl<'de, T: DeserializeOwned, const N: usize> Visitor<'de> for Reader<T, N> {
    type Value = Last<T, N>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut last = VecDeque::with_capacity(N);
        while let Some(raw) = members.next_element::<&RawValue>()? {
            let Ok(member) = serde_json::from_str(raw.get()) else { continue };
            if last.len() == N {
                last.pop_front();
            }
            last.push_back(member);
        }
        Ok(Last(last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_that_can_be_read_are_kept() {
        let last: Last<u8, 2> = serde_json::from_str(r#"[1, "x", 2, null, 3, {}]"#).unwrap();
        assert_eq!(last.0, [2, 3]);
    }

    #[test]
    fn what_is_no_list_is_none() {
        assert!(serde_json::from_str::<Last<u8, 2>>("{}").is_err());
    }
}
