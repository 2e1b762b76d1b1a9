//! Which part of a file a request asks for (RFC 9110, section 14): all of it, one range, or what cannot be had.
//!
//! More than one range in a request, another unit, and what cannot be read are answered with all of the file, as the RFC allows; a range that
//! lies behind the end is not.

use std::ops::Range;

use http::{HeaderMap, HeaderValue, header};
use http_range_header::{EndPosition, StartPosition};

/// What is to be sent of a file of a known length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// All of it.
    Whole,
    /// These bytes: 206.
    Part(Range<u64>),
    /// Bytes that are not there: 416.
    Nothing,
}

impl Asked {
    /// What the headers ask for of a file of `length` bytes with this tag. `If-Range` with another tag asks for the whole.
    #[must_use]
    pub fn of(headers: &HeaderMap, length: u64, etag: &HeaderValue) -> Self {
        let other_version = headers.get(header::IF_RANGE).is_some_and(|tag| tag != etag);
        let Some(range) = headers.get(header::RANGE).filter(|_| !other_version) else { return Self::Whole };
        let Some(range) = range.to_str().ok().and_then(|range| http_range_header::parse_range_header(range).ok()) else {
            return Self::Whole;
        };
        let [range] = range.ranges.as_slice() else { return Self::Whole };
        // The crate reads; what it means of this length is said here, because the crate refuses a suffix longer than the file.
        let end = match range.end {
            EndPosition::LastByte => length,
            // The last byte is told inclusively; a range that ends behind the end ends there.
            EndPosition::Index(last) => last.saturating_add(1).min(length),
        };
        let start = match (range.start, range.end) {
            (StartPosition::FromLast(count), _) => length - count.min(length),
            (StartPosition::Index(first), EndPosition::Index(last)) if first > last => return Self::Whole,
            (StartPosition::Index(first), _) => first,
        };
        if start < end { Self::Part(start..end) } else { Self::Nothing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &'static str, length: u64) -> Asked {
        let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static(range))]);
        Asked::of(&headers, length, &HeaderValue::from_static("\"tag\""))
    }

    #[test]
    fn one_range_is_a_part() {
        for (range, part) in [("bytes=0-0", 0..1), ("bytes=2-4", 2..5), ("bytes=5-", 5..10), ("bytes=-3", 7..10), ("bytes=8-99", 8..10)] {
            assert_eq!(asked(range, 10), Asked::Part(part), "{range}");
        }
        assert_eq!(asked("bytes=-99", 10), Asked::Part(0..10));
    }

    #[test]
    fn a_range_behind_the_end_cannot_be_had() {
        for (range, length) in [("bytes=10-", 10), ("bytes=10-12", 10), ("bytes=0-0", 0), ("bytes=0-", 0), ("bytes=-1", 0)] {
            assert_eq!(asked(range, length), Asked::Nothing, "{range} of {length}");
        }
    }

    #[test]
    fn what_is_not_one_range_of_bytes_asks_for_all() {
        for range in ["", "bytes", "bytes=", "lines=1-2", "bytes=a-b", "bytes=4-2", "bytes=0-1,3-4", "bytes=1-2-3", "bytes=--1"] {
            assert_eq!(asked(range, 10), Asked::Whole, "{range}");
        }
    }

    #[test]
    fn a_part_of_another_version_is_not_sent() {
        let headers = |tag| HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static("bytes=0-1")), (header::IF_RANGE, tag)]);
        let etag = HeaderValue::from_static("\"now\"");
        assert_eq!(Asked::of(&headers(etag.clone()), 10, &etag), Asked::Part(0..2));
        assert_eq!(Asked::of(&headers(HeaderValue::from_static("\"then\"")), 10, &etag), Asked::Whole);
        assert_eq!(Asked::of(&headers(HeaderValue::from_static("Sun, 22 Nov 2026 12:00:00 GMT")), 10, &etag), Asked::Whole);
    }
}
