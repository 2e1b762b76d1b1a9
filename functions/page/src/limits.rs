//! How much may be attached, as people read it.

use shared::attachment::LARGEST_AT_ONCE;
use shared::connect::catalogue::AttachmentLimits;

const UNITS: [&str; 4] = ["bytes", "KiB", "MiB", "GiB"];

/// An app's limits.
pub(crate) struct Limits {
    /// Bytes of one file, for the page's script.
    pub(crate) largest_bytes: u64,
    /// The same for people: `5 GiB`.
    pub(crate) largest: String,
    /// How many files: `100,000`.
    pub(crate) most: String,
    /// All of them together: `500 GiB`.
    pub(crate) total: String,
    /// Up to how much a file is sealed before it rests anywhere: `4 MiB`.
    pub(crate) at_once: String,
}

impl Limits {
    pub(crate) fn of(limits: AttachmentLimits) -> Self {
        Self {
            largest_bytes: limits.largest_bytes,
            largest: size(limits.largest_bytes),
            most: grouped(limits.most),
            total: size(limits.total_bytes),
            at_once: size(LARGEST_AT_ONCE as u64),
        }
    }
}

/// In the largest unit that it is a whole number of, so that no limit is told as more or less than it is.
fn size(bytes: u64) -> String {
    let (mut count, mut units) = (bytes, UNITS.iter().peekable());
    while count >= 1024 && count.is_multiple_of(1024) && units.len() > 1 {
        count /= 1024;
        units.next();
    }
    format!("{} {}", grouped(count), units.next().unwrap_or(&"bytes"))
}

fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_sends_as_much_at_once_as_is_taken_and_parts_as_they_are_said() {
        let script = include_str!("../assets/transfer.js");
        let sizes = format!("[{} * MIB, {} * MIB, ", LARGEST_AT_ONCE >> 20, shared::attachment::upload::PART_BYTES >> 20);
        assert!(script.contains(&format!("const [LARGEST_BODY, PART_BYTES, RANGE_BYTES] = {sizes}")), "{sizes}");
    }

    #[test]
    fn a_limit_is_told_in_the_largest_unit_that_tells_it_exactly() {
        for (bytes, told) in [
            (0, "0 bytes"),
            (1000, "1,000 bytes"),
            (1024, "1 KiB"),
            (5 << 30, "5 GiB"),
            ((5 << 30) + 1024, "5,242,881 KiB"),
            (1 << 42, "4,096 GiB"),
        ] {
            assert_eq!(size(bytes), told);
        }
    }

    #[test]
    fn a_count_is_told_by_thousands() {
        assert_eq!([999, 1000, 100_000, 1_234_567].map(grouped), ["999", "1,000", "100,000", "1,234,567"]);
    }
}
