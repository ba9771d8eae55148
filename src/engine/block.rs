//! Sixty-four buckets in as few bytes as they need.
//!
//! Increments of counters are nearly always integers that change little from bucket to bucket, so
//! a column is stored as variable-length differences, a stretch without any as its length; a
//! column of zeros takes one byte. Columns with fractions (counters of seconds, spread gaps) are
//! stored as they are. Nothing is rounded: unpacking gives back the bits that were packed.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::series::is_whole;

/// Buckets in one block.
pub(super) const LEN: usize = 64;

/// The buckets of a block that is being written.
pub(super) type Buckets = [Counts; LEN];

/// A packed block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Packed(Box<[u8]>);

/// Most bytes of a packed block: two columns of doubles or of the longest differences.
const BYTES_MAX: usize = 2 * (1 + LEN * 10);

const ZEROS: u8 = 0;
const DIFFERENCES: u8 = 1;
const RAW: u8 = 2;
/// Integers beyond this are not exact in a double, nor their differences.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

impl Packed {
    /// Packs both columns.
    pub(super) fn new(buckets: &Buckets) -> Self {
        let mut bytes = Vec::with_capacity(BYTES_MAX);
        pack_column(buckets.iter().map(|b| b.bad), &mut bytes);
        pack_column(buckets.iter().map(|b| b.total), &mut bytes);
        // Copied, not shrunk: what a shrunk block leaves behind fits no other.
        Self(bytes.as_slice().into())
    }

    /// The buckets as they were packed. Foreign bytes unpack to zeros instead of failing.
    pub(super) fn unpack(&self) -> Box<Buckets> {
        let mut buckets = Box::new([Counts::ZERO; LEN]);
        let mut bytes = &*self.0;
        if each_value(&mut bytes, |at, bad| buckets[at].bad = bad).is_none() {
            buckets.iter_mut().for_each(|bucket| bucket.bad = 0.0);
        }
        if each_value(&mut bytes, |at, total| buckets[at].total = total).is_none() {
            buckets.iter_mut().for_each(|bucket| bucket.total = 0.0);
        }
        buckets
    }

    /// `share` of bucket `within`, and all after it, without unpacking.
    pub(super) fn tail(&self, within: usize, share: f64) -> Counts {
        let mut bytes = &*self.0;
        let mut column = || tail_of(&mut bytes, within, share).unwrap_or(0.0);
        Counts {
            bad: column(),
            total: column(),
        }
    }

    /// Heap bytes.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

fn pack_column(values: impl Iterator<Item = f64> + Clone, bytes: &mut Vec<u8>) {
    if values.clone().all(|v| v.to_bits() == 0) {
        bytes.push(ZEROS);
    } else if values.clone().all(is_exact_integer) {
        bytes.push(DIFFERENCES);
        let mut last = 0_i64;
        let mut still = 0_u64;
        for value in values {
            let value = value as i64;
            if value == last {
                still += 1;
                continue;
            }
            push_still(&mut still, bytes);
            push_varint(zigzag(value - last), bytes);
            last = value;
        }
        push_still(&mut still, bytes);
    } else {
        bytes.push(RAW);
        for value in values {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
    }
}

/// A stretch without a difference: a zero, then how many more follow it.
fn push_still(still: &mut u64, bytes: &mut Vec<u8>) {
    if *still > 0 {
        push_varint(0, bytes);
        push_varint(*still - 1, bytes);
        *still = 0;
    }
}

/// Negative zero is kept out: as an integer it would come back positive.
fn is_exact_integer(value: f64) -> bool {
    value.abs() < EXACT_MAX && is_whole(value) && (value != 0.0 || value.to_bits() == 0)
}

/// Takes a column and tells its values in order; `None` when it is cut off or foreign.
fn each_value(bytes: &mut &[u8], mut tell: impl FnMut(usize, f64)) -> Option<()> {
    match take_byte(bytes)? {
        ZEROS => (0..LEN).for_each(|at| tell(at, 0.0)),
        DIFFERENCES => {
            let mut last = 0_i64;
            let mut still = 0_u64;
            for at in 0..LEN {
                if still > 0 {
                    still -= 1;
                } else {
                    match take_varint(bytes)? {
                        0 => still = take_varint(bytes)?,
                        difference => last = last.wrapping_add(unzigzag(difference)),
                    }
                }
                tell(at, last as f64);
            }
        }
        RAW => {
            for at in 0..LEN {
                let (word, rest) = bytes.split_first_chunk()?;
                *bytes = rest;
                tell(at, f64::from_le_bytes(*word));
            }
        }
        _ => return None,
    }
    Some(())
}

/// Takes a column and sums up its tail; `None` when it is cut off or foreign. This is what every
/// window costs at every slot, so a stretch of equal values is passed over at once where it can be.
fn tail_of(bytes: &mut &[u8], within: usize, share: f64) -> Option<f64> {
    let mut sum = 0.0;
    let mut add = |at: usize, value: f64| match at.cmp(&within) {
        Ordering::Less => {}
        Ordering::Equal => sum = value * share,
        Ordering::Greater => sum += value,
    };
    if bytes.first() != Some(&DIFFERENCES) {
        each_value(bytes, add)?;
        return Some(sum);
    }
    *bytes = bytes.get(1..)?;
    let (mut at, mut last) = (0, 0_i64);
    while at < LEN {
        let difference = take_varint(bytes)?;
        if difference != 0 {
            last = last.wrapping_add(unzigzag(difference));
            add(at, last as f64);
            at += 1;
            continue;
        }
        let still = usize::try_from(take_varint(bytes)?).unwrap_or(LEN);
        let end = still.saturating_add(1).min(LEN - at) + at;
        // One zero adds as much as many.
        let first = match last {
            0 => at.max(within).max(end.saturating_sub(1)),
            _ => at.max(within),
        };
        if last == 0 && (at..end).contains(&within) {
            add(within, 0.0);
        }
        (first..end).for_each(|at| add(at, last as f64));
        at = end;
    }
    Some(sum)
}

fn take_byte(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}

const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

const fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

fn push_varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let first = take_byte(bytes)?;
    if first < 0x80 {
        return Some(u64::from(first));
    }
    let mut value = u64::from(first & 0x7f);
    for shift in (7..64).step_by(7) {
        let byte = take_byte(bytes)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => Just(0.0),
            4 => (-200_i32..5_000).prop_map(f64::from),
            1 => any::<i64>().prop_map(|v| v as f64),
            1 => any::<f64>(),
        ]
    }

    proptest! {
        #[test]
        fn unpacking_gives_back_the_bits(
            values in prop::collection::vec((value(), value()), LEN),
        ) {
            let mut buckets = [Counts::ZERO; LEN];
            for (bucket, (bad, total)) in buckets.iter_mut().zip(values) {
                *bucket = Counts { bad, total };
            }
            let back = Packed::new(&buckets).unpack();
            for (left, right) in buckets.iter().zip(back.iter()) {
                prop_assert_eq!(left.bad.to_bits(), right.bad.to_bits());
                prop_assert_eq!(left.total.to_bits(), right.total.to_bits());
            }
        }

        #[test]
        fn foreign_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let packed = Packed(bytes.into_boxed_slice());
            let (_buckets, _tail) = (packed.unpack(), packed.tail(7, 0.5));
        }

        #[test]
        fn a_tail_is_summed_as_if_unpacked(
            values in prop::collection::vec((value(), value()), LEN),
            within in 0..LEN,
            share in 0.0..=1.0_f64,
        ) {
            let mut buckets = [Counts::ZERO; LEN];
            for (bucket, (bad, total)) in buckets.iter_mut().zip(values) {
                *bucket = Counts { bad, total };
            }
            let rest = buckets.iter().skip(within + 1);
            let sum = rest.fold(buckets[within].scale(share), |sum, bucket| sum + *bucket);
            let tail = Packed::new(&buckets).tail(within, share);
            prop_assert_eq!(tail.bad.to_bits(), sum.bad.to_bits());
            prop_assert_eq!(tail.total.to_bits(), sum.total.to_bits());
        }
    }

    #[test]
    fn rare_errors_take_a_few_bytes_each() {
        let mut buckets = [Counts::ZERO; LEN];
        buckets[10].bad = 1.0;
        buckets[40].bad = 300.0;
        assert!(Packed::new(&buckets).len() <= 16);
    }

    #[test]
    fn steady_traffic_takes_about_a_byte_per_bucket() {
        let mut buckets = [Counts::ZERO; LEN];
        for (at, bucket) in buckets.iter_mut().enumerate() {
            bucket.total = 120.0 + ((at * 7) % 23) as f64;
        }
        assert_eq!(Packed::new(&buckets).len(), 1 + 1 + LEN + 1);
    }
}
