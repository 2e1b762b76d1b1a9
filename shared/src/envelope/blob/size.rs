//! How long what is: plain text of P bytes in frames of F has `max(1, ceil(P / F))` of them and `72 + P + 16 n` bytes sealed. A length that
//! this does not give is no blob's.

use std::ops::Range;

use super::{HEADER, TAG};

/// More frames than this one blob may not have.
const MOST_FRAMES: u64 = 1 << 32;

/// How much plain text each full frame holds: a power of two from 4 KiB to 16 MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameSize(u8);

impl FrameSize {
    /// 1 MiB.
    pub const DEFAULT: Self = Self(20);

    /// The size whose binary logarithm this is; `None` outside 12 to 24.
    #[must_use]
    pub const fn of_log2(log2: u8) -> Option<Self> {
        if matches!(log2, 12..=24) { Some(Self(log2)) } else { None }
    }

    /// Its binary logarithm.
    #[must_use]
    pub const fn log2(self) -> u8 {
        self.0
    }

    /// It in bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        1 << self.0
    }

    /// How many frames so much plain text takes: one at least, empty if need be.
    #[must_use]
    pub const fn frames(self, plain_len: u64) -> u64 {
        match plain_len.div_ceil(self.bytes()) {
            0 => 1,
            frames => frames,
        }
    }

    /// Length of the sealed blob; `None` if that is more than one blob may hold.
    #[must_use]
    pub fn sealed_len(self, plain_len: u64) -> Option<u64> {
        let frames = self.frames(plain_len);
        (frames <= MOST_FRAMES).then_some(())?;
        (HEADER as u64).checked_add(plain_len)?.checked_add(frames.checked_mul(TAG as u64)?)
    }

    /// Length of the plain text of a sealed blob; `None` if no blob has this length.
    #[must_use]
    pub fn plain_len(self, sealed_len: u64) -> Option<u64> {
        let body = sealed_len.checked_sub(HEADER as u64)?;
        let frames = body.div_ceil(self.bytes() + TAG as u64);
        let plain_len = body.checked_sub(frames.checked_mul(TAG as u64)?)?;
        (self.sealed_len(plain_len) == Some(sealed_len)).then_some(plain_len)
    }

    /// Plain text in one frame of a blob; `None` if it has no such frame.
    #[must_use]
    pub const fn held(self, frame: u64, plain_len: u64) -> Option<u64> {
        let last = self.frames(plain_len) - 1;
        if frame < last {
            Some(self.bytes())
        } else if frame == last {
            // An exact multiple fills its last frame; only an empty blob has an empty one.
            Some(plain_len - last * self.bytes())
        } else {
            None
        }
    }

    /// What must be fetched to read a range of the plain text; `None` if the range is empty or reaches beyond the end.
    #[must_use]
    pub fn span(self, range: Range<u64>, plain_len: u64) -> Option<Span> {
        if range.is_empty() || range.end > plain_len {
            return None;
        }
        let (first, last) = (range.start / self.bytes(), (range.end - 1) / self.bytes());
        let sealed_frame = self.bytes() + TAG as u64;
        let begin = (HEADER as u64).checked_add(first.checked_mul(sealed_frame)?)?;
        let end = (HEADER as u64).checked_add((last + 1).checked_mul(sealed_frame)?)?;
        let skip = range.start - first * self.bytes();
        Some(Span { frames: first..last + 1, bytes: begin..end.min(self.sealed_len(plain_len)?), skip })
    }
}

/// The part of a sealed blob that holds a range of its plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The frames.
    pub frames: Range<u64>,
    /// Where they lie in the object.
    pub bytes: Range<u64>,
    /// How much of the first frame comes before the range.
    pub skip: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const F: FrameSize = FrameSize::DEFAULT;
    const MIB: u64 = 1 << 20;

    #[test]
    fn lengths_are_as_the_format_says() {
        for (plain_len, frames, sealed_len) in [
            (0, 1, 88),
            (1, 1, 89),
            (MIB - 1, 1, 72 + MIB - 1 + 16),
            (MIB, 1, 72 + MIB + 16),
            (MIB + 1, 2, 72 + MIB + 1 + 32),
            (5 << 40, 5 << 20, 72 + (5 << 40) + (5 << 20) * 16),
        ] {
            assert_eq!((F.frames(plain_len), F.sealed_len(plain_len)), (frames, Some(sealed_len)), "{plain_len}");
            assert_eq!(F.plain_len(sealed_len), Some(plain_len));
        }
    }

    #[test]
    fn a_length_that_no_blob_has_is_refused() {
        // Too short for a header and a tag; and a second frame of a tag alone, or of less.
        for sealed_len in (0..88).chain(72 + MIB + 17..=72 + MIB + 32) {
            assert_eq!(F.plain_len(sealed_len), None, "{sealed_len}");
        }
        assert_eq!(F.plain_len(u64::MAX), None);
        assert_eq!(F.sealed_len(u64::MAX), None);
        assert_eq!(FrameSize::of_log2(12).unwrap().sealed_len((1 << 44) + 1), None);
    }

    #[test]
    fn only_sizes_from_4_kib_to_16_mib_are_sizes() {
        let sizes: Vec<u8> = (0..=u8::MAX).filter(|log2| FrameSize::of_log2(*log2).is_some()).collect();
        assert_eq!(sizes, (12..=24).collect::<Vec<_>>());
    }

    #[test]
    fn a_range_inside_one_frame_fetches_that_frame_alone() {
        let span = F.span(3 * MIB + 5..3 * MIB + 6, 10 * MIB).unwrap();
        assert_eq!(span, Span { frames: 3..4, bytes: 72 + 3 * (MIB + 16)..72 + 4 * (MIB + 16), skip: 5 });
        let last = F.span(10 * MIB..10 * MIB + 1, 10 * MIB + 1).unwrap();
        assert_eq!(last, Span { frames: 10..11, bytes: 72 + 10 * (MIB + 16)..72 + 10 * (MIB + 16) + 17, skip: 0 });
    }

    #[test]
    #[expect(clippy::reversed_empty_ranges, reason = "that is the point")]
    fn a_range_that_is_empty_or_too_far_is_none() {
        for range in [0..0, 5..5, 7..6, 0..11, 10..11, 11..12, 0..u64::MAX] {
            assert_eq!(F.span(range.clone(), 10), None, "{range:?}");
        }
    }

    proptest! {
        #[test]
        fn a_sealed_length_says_how_long_the_plain_text_is(log2 in 12_u8..=24, frames in 0_u64..1000, off in -40_i64..40) {
            let frame = FrameSize::of_log2(log2).unwrap();
            let Some(plain_len) = (frames * frame.bytes()).checked_add_signed(off) else { return Ok(()) };
            prop_assert_eq!(frame.plain_len(frame.sealed_len(plain_len).unwrap()), Some(plain_len));
            let held: u64 = (0..frame.frames(plain_len)).map(|index| frame.held(index, plain_len).unwrap()).sum();
            prop_assert_eq!((held, frame.held(frame.frames(plain_len), plain_len)), (plain_len, None));
        }

        #[test]
        fn any_length_is_one_blobs_or_none(log2 in 12_u8..=24, sealed_len: u64) {
            let frame = FrameSize::of_log2(log2).unwrap();
            if let Some(plain_len) = frame.plain_len(sealed_len) {
                prop_assert_eq!(frame.sealed_len(plain_len), Some(sealed_len));
            }
        }
    }
}
