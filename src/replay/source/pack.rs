//! Numbers in few bytes: varints, and runs of integers packed to as many bits as they need.
//!
//! Reading never trusts what is written: whatever the bytes, the answer is `None` or some numbers,
//! and memory is bounded by the length of the input.

/// So many integers share a smallest value and a width.
const GROUP: usize = 64;

/// Appends an unsigned integer, seven bits a byte, lowest first (LEB128).
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed integer: small magnitudes take few bytes (zigzag).
pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Appends integers in groups: the smallest, the width in bits of what is above it, the bits.
pub(super) fn put_packed(out: &mut Vec<u8>, values: &[i64]) {
    for group in values.chunks(GROUP) {
        let least = group.iter().copied().min().unwrap_or_default();
        let above = |value: &i64| value.wrapping_sub(least) as u64;
        let width = 64 - group.iter().map(above).max().unwrap_or(0).leading_zeros();
        put_signed(out, least);
        out.push(width as u8);
        let (mut bits, mut filled) = (0_u128, 0);
        for value in group {
            bits |= u128::from(above(value)) << filled;
            filled += width;
            while filled >= 8 {
                out.push(bits as u8);
                bits >>= 8;
                filled -= 8;
            }
        }
        if filled > 0 {
            out.push(bits as u8);
        }
    }
}

/// Reads what the functions above have written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    /// The next bytes.
    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// One byte.
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// An unsigned integer.
    pub(super) fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A number of things, each of which takes some bytes yet to come: bounded by their number.
    pub(super) fn count(&mut self, per_byte: usize) -> Option<usize> {
        let count = usize::try_from(self.varint()?).ok()?;
        (count <= self.0.len().saturating_mul(per_byte)).then_some(count)
    }

    /// A signed integer.
    pub(super) fn signed(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// So many packed integers, each handed over in turn.
    pub(super) fn packed(&mut self, count: usize, mut take: impl FnMut(i64)) -> Option<()> {
        let mut left = count;
        while left > 0 {
            let size = left.min(GROUP);
            let least = self.signed()?;
            let width = u32::from(self.byte()?);
            if width > 64 {
                return None;
            }
            let mut rest = self.bytes((size * width as usize).div_ceil(8))?.iter();
            let mask = u64::MAX.checked_shr(64 - width).unwrap_or(0);
            let (mut bits, mut filled) = (0_u128, 0);
            for _ in 0..size {
                while filled < width {
                    bits |= u128::from(*rest.next()?) << filled;
                    filled += 8;
                }
                take(least.wrapping_add((bits as u64 & mask) as i64));
                bits >>= width;
                filled -= width;
            }
            left -= size;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round(values: &[i64]) -> Vec<i64> {
        let mut bytes = Vec::new();
        put_packed(&mut bytes, values);
        let (mut cursor, mut read) = (Cursor(&bytes), Vec::new());
        cursor
            .packed(values.len(), |value| read.push(value))
            .unwrap();
        assert!(cursor.0.is_empty(), "all is read");
        read
    }

    #[test]
    fn a_steady_run_takes_two_bytes_a_group() {
        let mut bytes = Vec::new();
        put_packed(&mut bytes, &[7; 240]);
        assert_eq!(bytes.len(), 4 * 2);
    }

    #[test]
    fn the_widest_numbers_survive() {
        let values = [i64::MIN, i64::MAX, 0, -1, 1, i64::MIN];
        assert_eq!(round(&values), values);
    }

    proptest! {
        #[test]
        fn packed_runs_come_back(values in prop::collection::vec(any::<i64>(), 0..200)) {
            prop_assert_eq!(round(&values), values);
        }

        #[test]
        fn narrow_runs_come_back(values in prop::collection::vec(-40..40_i64, 0..200)) {
            prop_assert_eq!(round(&values), values);
        }

        #[test]
        fn integers_come_back(value in any::<u64>(), signed in any::<i64>()) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            put_signed(&mut bytes, signed);
            let mut cursor = Cursor(&bytes);
            prop_assert_eq!((cursor.varint(), cursor.signed()), (Some(value), Some(signed)));
        }

        #[test]
        fn any_bytes_are_read_without_harm(
            bytes in prop::collection::vec(any::<u8>(), 0..64),
            count in 0..100_000_usize,
        ) {
            let mut read = 0;
            let whole = Cursor(&bytes).packed(count, |_| read += 1);
            prop_assert!(whole.is_none() || read == count);
        }
    }
}
