//! The samples of many series over a short stretch of time as bytes.
//!
//! Series that are scraped together have the same times, so each list of times is written once.
//! Times are nearly regular: the differences of their differences are packed. Values that are all
//! integers, as counters are, are packed as their differences; others keep the bytes in which they
//! differ from the value before. Every float comes back bit for bit.
//!
//! ```text
//! block  := count of time lists, time list*, count of series, series*
//! times  := count, first time, first difference, packed differences of differences
//! series := number of the series, number of its time list, length of values, values
//! values := 0, first, packed differences | 1, (control, differing bytes)*
//! ```

use std::collections::HashMap;

use super::pack::{Cursor, put_packed, put_signed, put_varint};
use crate::engine::{Sample, Timestamp};

const INTEGERS: u8 = 0;
const FLOATS: u8 = 1;
/// Integers up to here are exact in a float.
const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;
/// A group of 64 packed integers takes at least two bytes, so one byte stands for at most so many.
const PER_BYTE: usize = 64;

/// Writes series, each under its number and with its samples in the order given.
pub(super) fn encode(series: &[(usize, &[Sample])]) -> Vec<u8> {
    let mut lists: Vec<Vec<i64>> = Vec::new();
    let mut known: HashMap<Vec<i64>, usize> = HashMap::new();
    let mut of_series = Vec::with_capacity(series.len());
    for (_, samples) in series {
        let times: Vec<i64> = samples.iter().map(|s| s.at.as_millis()).collect();
        let list = *known.entry(times).or_insert_with_key(|times| {
            lists.push(times.clone());
            lists.len() - 1
        });
        of_series.push(list);
    }
    let mut out = Vec::new();
    put_varint(&mut out, lists.len() as u64);
    for list in &lists {
        put_times(&mut out, list);
    }
    put_varint(&mut out, series.len() as u64);
    for ((number, samples), list) in series.iter().zip(of_series) {
        let values = values(samples);
        put_varint(&mut out, *number as u64);
        put_varint(&mut out, list as u64);
        put_varint(&mut out, values.len() as u64);
        out.extend(values);
    }
    out
}

fn put_times(out: &mut Vec<u8>, times: &[i64]) {
    put_varint(out, times.len() as u64);
    let Some(first) = times.first() else { return };
    put_signed(out, *first);
    let pairs = times.iter().zip(times.iter().skip(1));
    let steps: Vec<i64> = pairs.map(|(one, two)| two.wrapping_sub(*one)).collect();
    let Some(step) = steps.first() else { return };
    put_signed(out, *step);
    let pairs = steps.iter().zip(steps.iter().skip(1));
    let changes: Vec<i64> = pairs.map(|(one, two)| two.wrapping_sub(*one)).collect();
    put_packed(out, &changes);
}

fn values(samples: &[Sample]) -> Vec<u8> {
    let integer = |sample: &Sample| {
        let value = sample.value;
        let exact = value.trunc() == value && value.abs() <= INTEGER_MAX;
        (exact && (value != 0.0 || value.is_sign_positive())).then_some(value as i64)
    };
    let integers: Option<Vec<i64>> = samples.iter().map(integer).collect();
    let mut out = Vec::new();
    match integers {
        Some(integers) => {
            out.push(INTEGERS);
            put_signed(&mut out, integers.first().copied().unwrap_or_default());
            let pairs = integers.iter().zip(integers.iter().skip(1));
            let steps: Vec<i64> = pairs.map(|(one, two)| two - one).collect();
            put_packed(&mut out, &steps);
        }
        None => {
            out.push(FLOATS);
            let mut before = 0;
            for sample in samples {
                let bits = sample.value.to_bits();
                let differs = bits ^ before;
                before = bits;
                // High zero bytes are left out: values near each other share sign, exponent and
                // leading digits. Low ones too: few digits need few bytes.
                let high = differs.leading_zeros() / 8;
                let low = if differs == 0 {
                    0
                } else {
                    differs.trailing_zeros() / 8
                };
                let bytes = (differs >> (8 * low)).to_le_bytes();
                let count = 8 - high.min(8) - low;
                out.push((low << 4 | count) as u8);
                out.extend(bytes.iter().take(count as usize));
            }
        }
    }
    out
}

/// Takes samples out of a block.
pub(in crate::replay) trait Gather {
    /// Where the samples of the series with this number are appended; `None` skips it.
    fn samples_of(&mut self, number: usize) -> Option<&mut Vec<Sample>>;
}

/// Reads the samples of a block in `(from, until]`, where the times of each series rise; `None`
/// when the bytes are no block.
pub(super) fn decode(
    bytes: &[u8],
    (from, until): (Timestamp, Timestamp),
    into: &mut impl Gather,
) -> Option<()> {
    let mut cursor = Cursor(bytes);
    let lists = (0..cursor.count(1)?).map(|_| times(&mut cursor));
    let lists: Vec<Vec<i64>> = lists.collect::<Option<_>>()?;
    let mut values = Vec::new();
    for _ in 0..cursor.count(1)? {
        let number = usize::try_from(cursor.varint()?).ok()?;
        let times = lists.get(usize::try_from(cursor.varint()?).ok()?)?;
        let length = cursor.count(1)?;
        let bytes = cursor.bytes(length)?;
        let Some(samples) = into.samples_of(number) else {
            continue;
        };
        values.clear();
        values_of(Cursor(bytes), times.len(), &mut values)?;
        let start = times.partition_point(|at| *at <= from.as_millis());
        let end = times.partition_point(|at| *at <= until.as_millis());
        let pairs = times.iter().zip(&values);
        samples.extend(pairs.take(end).skip(start).map(|(at, value)| Sample {
            at: Timestamp::from_millis(*at),
            value: *value,
        }));
    }
    cursor.0.is_empty().then_some(())
}

fn times(cursor: &mut Cursor<'_>) -> Option<Vec<i64>> {
    let count = cursor.count(PER_BYTE)?;
    let mut times = Vec::with_capacity(count);
    if count > 0 {
        times.push(cursor.signed()?);
    }
    if count > 1 {
        let mut step = cursor.signed()?;
        let mut at = times.first()?.wrapping_add(step);
        times.push(at);
        cursor.packed(count - 2, |change| {
            step = step.wrapping_add(change);
            at = at.wrapping_add(step);
            times.push(at);
        })?;
    }
    Some(times)
}

fn values_of(mut cursor: Cursor<'_>, count: usize, out: &mut Vec<f64>) -> Option<()> {
    match cursor.byte()? {
        INTEGERS => {
            let mut value = cursor.signed()?;
            if count > 0 {
                out.push(value as f64);
            }
            cursor.packed(count.saturating_sub(1), |step| {
                value = value.wrapping_add(step);
                out.push(value as f64);
            })?;
        }
        FLOATS => {
            let mut bits = 0;
            for _ in 0..count {
                let control = cursor.byte()?;
                let (low, count) = (u32::from(control >> 4), usize::from(control & 0xf));
                let mut differs = [0; 8];
                differs
                    .get_mut(..count)?
                    .copy_from_slice(cursor.bytes(count)?);
                bits ^= u64::from_le_bytes(differs).checked_shl(8 * low)?;
                out.push(f64::from_bits(bits));
            }
        }
        _ => return None,
    }
    cursor.0.is_empty().then_some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn samples(pairs: &[(i64, f64)]) -> Vec<Sample> {
        let sample = |(at, value): &(i64, f64)| Sample {
            at: Timestamp::from_millis(*at),
            value: *value,
        };
        pairs.iter().map(sample).collect()
    }

    /// Keeps everything, by number of the series.
    #[derive(Default)]
    struct All(Vec<Vec<Sample>>);

    impl Gather for All {
        fn samples_of(&mut self, number: usize) -> Option<&mut Vec<Sample>> {
            let needed = self.0.len().max(number.min(1000) + 1);
            self.0.resize(needed, Vec::new());
            self.0.get_mut(number)
        }
    }

    const ALWAYS: (Timestamp, Timestamp) = (
        Timestamp::from_millis(i64::MIN),
        Timestamp::from_millis(i64::MAX),
    );

    /// Times and bits of what comes back; series are numbered from 0 in their order.
    fn round(series: &[Vec<Sample>]) -> Vec<Vec<(i64, u64)>> {
        let numbered: Vec<_> = series.iter().map(Vec::as_slice).enumerate().collect();
        let mut all = All(vec![Vec::new(); series.len()]);
        decode(&encode(&numbered), ALWAYS, &mut all).unwrap();
        bits(&all.0)
    }

    fn bits(series: &[Vec<Sample>]) -> Vec<Vec<(i64, u64)>> {
        let pair = |s: &Sample| (s.at.as_millis(), s.value.to_bits());
        let one = |samples: &Vec<Sample>| samples.iter().map(pair).collect();
        series.iter().map(one).collect()
    }

    #[test]
    fn odd_floats_come_back_bit_for_bit() {
        let payload = f64::from_bits(0x7FF0_0000_0000_0002);
        let odd = [
            payload,
            -0.0,
            0.0,
            f64::NAN,
            f64::NEG_INFINITY,
            f64::MAX,
            f64::MIN_POSITIVE / 2.0,
            INTEGER_MAX + 2.0,
            0.1,
        ];
        let times = [i64::MIN + 1, -7, -1, 0, 1, 15_000, 30_000, 30_001, i64::MAX];
        let series = vec![samples(&std::iter::zip(times, odd).collect::<Vec<_>>())];
        assert_eq!(round(&series), bits(&series));
        let alone: Vec<_> = odd.iter().map(|v| samples(&[(0, *v)])).collect();
        assert_eq!(round(&alone), bits(&alone));
    }

    #[test]
    fn scraped_counters_take_less_than_a_byte_and_a_half_a_sample() {
        let series: Vec<_> = (0..20)
            .map(|_| {
                let mut value = 1e6;
                let pairs = (0..240_i64).map(|scrape| {
                    value += 150.0 + (scrape * 7919 % 25) as f64;
                    (1_700_000_000_000 + scrape * 15_000 + scrape * 31 % 3, value)
                });
                samples(&pairs.collect::<Vec<_>>())
            })
            .collect();
        assert_eq!(round(&series), bits(&series));
        let borrowed: Vec<_> = series.iter().map(Vec::as_slice).enumerate().collect();
        let bytes = encode(&borrowed).len();
        assert!(bytes * 2 < 20 * 240 * 3 / 2, "{bytes} bytes");
    }

    fn floats() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<u64>().prop_map(f64::from_bits),
            (-1000..1000_i64).prop_map(|n| n as f64),
            (-1000..1000_i64).prop_map(|n| n as f64 / 8.0),
        ]
    }

    fn any_series() -> impl Strategy<Value = Vec<Vec<Sample>>> {
        // The least time of all lies before every stretch.
        let times = prop_oneof![(i64::MIN + 1)..=i64::MAX, 0..100_000_i64];
        let pairs = prop::collection::btree_map(times, floats(), 0..150);
        let pairs = pairs.prop_map(|pairs| samples(&pairs.into_iter().collect::<Vec<_>>()));
        prop::collection::vec(pairs, 0..5)
    }

    proptest! {
        #[test]
        fn any_samples_come_back(series in any_series()) {
            prop_assert_eq!(round(&series), bits(&series));
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _whole = decode(&bytes, ALWAYS, &mut All::default());
        }

        #[test]
        fn a_changed_byte_does_no_harm(
            series in any_series(),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let borrowed: Vec<_> = series.iter().map(Vec::as_slice).enumerate().collect();
            let mut bytes = encode(&borrowed);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _whole = decode(&bytes, ALWAYS, &mut All::default());
        }
    }
}
