//! Signatures as JOSE writes them (RFC 7518, section 3.4), with the one twin cut off that ECDSA has.
//!
//! Of (r, s) and (r, n − s) both verify. The file holds the smaller s; the other is refused, so that no second file certifies the same.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The order n of P-256, and n / 2 rounded down (FIPS 186-4, D.1.2.3). Big-endian, so arrays compare as numbers do.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
    0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42,
    0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];

/// r ‖ s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Signature([u8; 64]);

impl Signature {
    /// The one of the two twins that a file may hold.
    pub(super) fn normalised(drawn: [u8; 64]) -> Self {
        let signature = Self(drawn);
        if signature.is_low() { signature } else { signature.twin() }
    }

    /// Strict base64url without padding: each signature has one spelling.
    pub(super) fn read(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    pub(super) fn written(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    pub(super) const fn bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// Whether s ≤ n / 2.
    pub(super) fn is_low(&self) -> bool {
        self.halves().1 <= HALF_ORDER
    }

    /// (r, n − s).
    pub(super) fn twin(&self) -> Self {
        let (r, s) = self.halves();
        let mut difference = [0; 32];
        let mut borrow = 0;
        for ((out, from), less) in difference.iter_mut().zip(ORDER).zip(s).rev() {
            let (taken, first) = from.overflowing_sub(less);
            let (taken, second) = taken.overflowing_sub(borrow);
            *out = taken;
            borrow = u8::from(first || second);
        }
        Self::of(r, difference)
    }

    fn halves(&self) -> ([u8; 32], [u8; 32]) {
        let (mut r, mut s) = ([0; 32], [0; 32]);
        r.iter_mut().chain(&mut s).zip(self.0).for_each(|(out, byte)| *out = byte);
        (r, s)
    }

    fn of(r: [u8; 32], s: [u8; 32]) -> Self {
        let mut both = [0; 64];
        both.iter_mut().zip(r.into_iter().chain(s)).for_each(|(out, byte)| *out = byte);
        Self(both)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_half_order_is_half_the_order() {
        // 2 · ⌊n / 2⌋ + 1 = n, because n is odd: the twin of ⌊n / 2⌋ is the number after it, the first that is high.
        let low = Signature::of([1; 32], HALF_ORDER);
        let mut after = HALF_ORDER;
        after[31] += 1;
        let high = Signature::of([1; 32], after);
        assert_eq!(low.twin(), high);
        assert!(low.is_low() && !high.is_low());
    }

    #[test]
    fn of_two_twins_the_low_one_is_kept() {
        let low = Signature::of([3; 32], [0x70; 32]);
        assert_eq!(low.twin().twin(), low);
        assert_eq!(Signature::normalised(low.twin().0), low);
        assert_eq!(Signature::normalised(low.0), low);
    }

    #[test]
    fn a_second_spelling_is_not_read() {
        let written = Signature([0xff; 64]).written();
        assert!(Signature::read(&written).is_some());
        let last_bits = format!("{}_", &written[..85]);
        for other in [format!("{written}=="), written.replace('_', "/"), last_bits, written[..84].to_owned(), format!("{written}A")] {
            assert_eq!(Signature::read(&other), None, "{other}");
        }
    }
}
