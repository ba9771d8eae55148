//! A ring of equally wide buckets over the most recent past.
//!
//! Bucket `k` of width `w` holds the events of `((k-1)w, kw]`, so that at a slot `t = kw` the
//! buckets up to `k` are complete and any window that is a multiple of `w` is exact. An edge that
//! falls inside a bucket takes its share of it. Recent blocks are open for writing, older ones
//! packed; writing into a packed block opens it until the next [`Ring::seal`].

use std::borrow::Cow;
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::block::{self, Buckets, Packed};
use super::counts::Counts;
use super::time::{Span, Timestamp};

/// Blocks at the young end that stay open: late samples land there.
const OPEN_BLOCKS: usize = 2;

/// Blocks that room is made for at once; a longer ring grows as it is written.
const RESERVED_MAX: usize = 256;

/// Buckets of one width, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Ring {
    /// Width of a bucket in milliseconds, at least 1.
    width: i64,
    /// How many blocks are kept.
    capacity: usize,
    /// Number of the first block; block `b` holds the buckets `64b .. 64b+63`.
    first: i64,
    blocks: VecDeque<Block>,
    /// Every block before this position is packed.
    packed_until: usize,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Block {
    /// The sum of the buckets, kept beside them so that a window need not unpack.
    sum: Counts,
    buckets: Store,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Store {
    Empty,
    Open(#[serde(with = "open")] Box<Buckets>),
    Packed(Packed),
}

impl Ring {
    /// A ring that answers for windows up to `span`.
    pub(super) fn new(width: Span, span: Span) -> Self {
        let width = width.as_millis().max(1);
        let buckets = span.as_millis() / width + 2;
        let capacity = usize::try_from(buckets).unwrap_or(usize::MAX) / block::LEN + 2;
        Self {
            width,
            capacity,
            first: 0,
            blocks: VecDeque::new(),
            packed_until: 0,
        }
    }

    /// The width of a bucket.
    pub(super) fn width(&self) -> Span {
        Span::from_millis(self.width)
    }

    /// Books events at a time. What is older than the ring is not kept.
    pub(super) fn add(&mut self, at: Timestamp, counts: Counts) {
        let bucket = div_ceil(at.as_millis(), self.width);
        let number = bucket.div_euclid(block::LEN as i64);
        let Some(position) = self.position(number) else {
            return;
        };
        let block = &mut self.blocks[position];
        block.sum += counts;
        let within = bucket.rem_euclid(block::LEN as i64) as usize;
        block.open()[within] += counts;
        self.packed_until = self.packed_until.min(position);
    }

    /// Books a row of buckets, the first of them after `from`; whole ones make up those of the ring.
    pub(super) fn add_row(&mut self, from: Timestamp, width: Span, row: &[Counts]) {
        let width = width.as_millis().max(1);
        if width == self.width {
            return self.add_same(div_ceil(from.as_millis(), width).saturating_add(1), row);
        }
        let (mut at, mut rest) = (from.as_millis(), row);
        while !rest.is_empty() {
            let end = div_ceil(at.saturating_add(width), self.width).saturating_mul(self.width);
            let count = usize::try_from(end.saturating_sub(at) / width).unwrap_or(rest.len());
            let (inside, later) = rest.split_at(count.clamp(1, rest.len()));
            let sum = inside.iter().fold(Counts::ZERO, |sum, b| sum + *b);
            if sum != Counts::ZERO {
                self.add(Timestamp::from_millis(end), sum);
            }
            (at, rest) = (end, later);
        }
    }

    /// The same for buckets as wide as its own, from bucket number `first` on: block by block.
    fn add_same(&mut self, first: i64, row: &[Counts]) {
        let (mut bucket, mut rest) = (first, row);
        while !rest.is_empty() {
            let within = bucket.rem_euclid(block::LEN as i64) as usize;
            let (inside, later) = rest.split_at((block::LEN - within).min(rest.len()));
            let sum = inside.iter().fold(Counts::ZERO, |sum, b| sum + *b);
            let number = bucket.div_euclid(block::LEN as i64);
            if sum != Counts::ZERO
                && let Some(position) = self.position(number)
            {
                let block = &mut self.blocks[position];
                block.sum += sum;
                let buckets = block.open().iter_mut().skip(within);
                buckets
                    .zip(inside)
                    .for_each(|(bucket, more)| *bucket += *more);
                self.packed_until = self.packed_until.min(position);
            }
            bucket = bucket.saturating_add(inside.len() as i64);
            rest = later;
        }
    }

    /// Packs every block but the youngest.
    pub(super) fn seal(&mut self) {
        let end = self.blocks.len().saturating_sub(OPEN_BLOCKS);
        for block in self.blocks.range_mut(self.packed_until.min(end)..end) {
            block.pack();
        }
        self.packed_until = end;
    }

    /// The events after `edge`, up to the newest.
    pub(super) fn since(&self, edge: Timestamp) -> Counts {
        let bucket = div_ceil(edge.as_millis(), self.width);
        let share = (bucket
            .saturating_mul(self.width)
            .saturating_sub(edge.as_millis())) as f64
            / self.width as f64;
        let number = bucket.div_euclid(block::LEN as i64);
        let skip = number - self.first;
        if skip < 0 {
            return self
                .blocks
                .iter()
                .fold(Counts::ZERO, |sum, block| sum + block.sum);
        }
        let Ok(skip) = usize::try_from(skip) else {
            return Counts::ZERO;
        };
        let Some(edge_block) = self.blocks.get(skip) else {
            return Counts::ZERO;
        };
        let within = bucket.rem_euclid(block::LEN as i64) as usize;
        let mut sum = edge_block.tail(within, share);
        for block in self.blocks.range(skip + 1..) {
            sum += block.sum;
        }
        sum
    }

    /// At least and at most the events after `edge`: the block at the edge, which would have to be
    /// unpacked, is left out of the first and is wholly in the second.
    pub(super) fn since_about(&self, edge: Timestamp) -> (Counts, Counts) {
        let bucket = div_ceil(edge.as_millis(), self.width);
        let skip = bucket.div_euclid(block::LEN as i64) - self.first;
        let first = usize::try_from(skip.max(0)).unwrap_or(usize::MAX);
        let mut blocks = self.blocks.iter().skip(first).map(|block| block.sum);
        let at_edge = match skip < 0 {
            true => Counts::ZERO,
            false => blocks.next().unwrap_or(Counts::ZERO),
        };
        let least = blocks.fold(Counts::ZERO, |sum, block| sum + block);
        (least, least + at_edge)
    }

    /// The first `count` buckets after `edge`, which is the end of a bucket.
    pub(super) fn after(&self, edge: Timestamp, count: usize) -> Vec<Counts> {
        let first = edge.as_millis().div_euclid(self.width).saturating_add(1);
        let end = first.saturating_add(i64::try_from(count).unwrap_or(i64::MAX));
        let mut found = Vec::with_capacity(count);
        let mut bucket = first;
        while bucket < end {
            let number = bucket.div_euclid(block::LEN as i64);
            let within = bucket.rem_euclid(block::LEN as i64);
            let taken = (block::LEN as i64 - within).min(end - bucket);
            let position = usize::try_from(number - self.first).ok();
            let block = position.and_then(|position| self.blocks.get(position));
            let buckets = block.and_then(Block::read);
            let counts = |at: i64| {
                let at = usize::try_from(at).ok();
                let counts = at.and_then(|at| buckets.as_ref()?.get(at).copied());
                counts.unwrap_or(Counts::ZERO)
            };
            found.extend((within..within + taken).map(counts));
            bucket += taken;
        }
        found
    }

    /// The newest `count` events and the time after which they lie; `None` when that would be
    /// before `edge`. Blocks are passed over by their sums, only the one at the edge is opened.
    pub(super) fn last(&self, count: f64, edge: Timestamp) -> Option<(Timestamp, Counts)> {
        let mut sum = Counts::ZERO;
        for (position, block) in self.blocks.iter().enumerate().rev() {
            let number = self.first.saturating_add(i64::try_from(position).ok()?);
            let begin = number.saturating_mul(block::LEN as i64);
            let end = begin.saturating_add(block::LEN as i64);
            if end.saturating_mul(self.width) <= edge.as_millis() {
                return None;
            }
            if (sum + block.sum).total < count {
                sum += block.sum;
                continue;
            }
            let Some(buckets) = block.read() else {
                continue;
            };
            for (within, counts) in buckets.iter().enumerate().rev() {
                let missing = count - sum.total;
                if counts.total > 0.0 && counts.total >= missing {
                    let share = (missing / counts.total).clamp(0.0, 1.0);
                    let bucket = begin.saturating_add(within as i64);
                    let end = Timestamp::from_millis(bucket.saturating_mul(self.width));
                    let at = end - self.width().scale(share);
                    return (at >= edge).then(|| (at, sum + counts.scale(share)));
                }
                sum += *counts;
            }
        }
        None
    }

    /// The position of a block, making room for it at the young end; `None` if it is too old.
    fn position(&mut self, number: i64) -> Option<usize> {
        if self.blocks.is_empty() {
            self.first = number;
            // Growing by doubling would take nearly twice the room that is ever needed.
            self.blocks
                .reserve_exact(self.capacity.saturating_add(1).min(RESERVED_MAX));
        }
        if number < self.first {
            return self.position_before(number);
        }
        let ahead = usize::try_from(number - self.first).unwrap_or(usize::MAX);
        if ahead >= self.blocks.len().saturating_add(self.capacity) {
            self.blocks.clear();
            self.packed_until = 0;
            self.first = number;
        }
        let position = |ring: &Self| usize::try_from(number - ring.first).unwrap_or(usize::MAX);
        while position(self) >= self.blocks.len() {
            self.blocks.push_back(Block::EMPTY);
            if self.blocks.len() > self.capacity {
                self.blocks.pop_front();
                self.packed_until = self.packed_until.saturating_sub(1);
                self.first += 1;
            }
        }
        Some(position(self))
    }

    /// History may arrive after the present: make room at the old end while there is some.
    fn position_before(&mut self, number: i64) -> Option<usize> {
        let missing = usize::try_from(self.first - number).ok()?;
        if self.blocks.len().saturating_add(missing) > self.capacity {
            return None;
        }
        for _ in 0..missing {
            self.blocks.push_front(Block::EMPTY);
        }
        self.first = number;
        self.packed_until = 0;
        Some(0)
    }
}

impl Block {
    const EMPTY: Self = Self {
        sum: Counts::ZERO,
        buckets: Store::Empty,
    };

    fn open(&mut self) -> &mut Buckets {
        match &self.buckets {
            Store::Open(_) => {}
            Store::Empty => self.buckets = Store::Open(Box::new([Counts::ZERO; block::LEN])),
            Store::Packed(packed) => self.buckets = Store::Open(packed.unpack()),
        }
        match &mut self.buckets {
            Store::Open(buckets) => buckets,
            Store::Empty | Store::Packed(_) => unreachable!("the block was opened above"),
        }
    }

    fn pack(&mut self) {
        if let Store::Open(buckets) = &self.buckets {
            // The sum is taken anew: additions in another order leave binary dust.
            self.sum = buckets
                .iter()
                .fold(Counts::ZERO, |sum, bucket| sum + *bucket);
            self.buckets = Store::Packed(Packed::new(buckets));
        }
    }

    /// `share` of bucket `within`, and all after it.
    fn tail(&self, within: usize, share: f64) -> Counts {
        match &self.buckets {
            Store::Empty => Counts::ZERO,
            Store::Open(buckets) => {
                let rest = buckets.iter().skip(within + 1);
                rest.fold(buckets[within].scale(share), |sum, bucket| sum + *bucket)
            }
            Store::Packed(packed) => packed.tail(within, share),
        }
    }

    /// The buckets; `None` when there is nothing in them.
    fn read(&self) -> Option<Cow<'_, Buckets>> {
        match &self.buckets {
            Store::Empty => None,
            Store::Open(buckets) => Some(Cow::Borrowed(buckets)),
            Store::Packed(packed) => Some(Cow::Owned(*packed.unpack())),
        }
    }
}

/// Open buckets are stored packed: serde knows arrays only up to 32.
mod open {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Buckets, Packed};

    pub(super) fn serialize<S: Serializer>(b: &Buckets, to: S) -> Result<S::Ok, S::Error> {
        Packed::new(b).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Box<Buckets>, D::Error> {
        Ok(Packed::deserialize(from)?.unpack())
    }
}

fn div_ceil(value: i64, width: i64) -> i64 {
    value.div_euclid(width) + i64::from(value.rem_euclid(width) > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_the_youngest_blocks_are_packed() {
        let mut ring = Ring::new(Span::from_secs(30), Span::from_days(1));
        let one = Counts {
            bad: 0.0,
            total: 1.0,
        };
        for bucket in 0..10_000 {
            ring.add(Timestamp::from_secs(bucket * 30), one);
            ring.seal();
        }
        let open = |block: &&Block| matches!(block.buckets, Store::Open(_));
        assert_eq!(ring.blocks.len(), ring.capacity);
        assert_eq!(ring.blocks.iter().filter(open).count(), OPEN_BLOCKS);
    }
}
