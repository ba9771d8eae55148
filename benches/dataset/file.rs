//! A world that was drawn elsewhere: little-endian, everything known per second.
//!
//! `SLOFSET1`, i64 first second, i64 seconds, u32 services; of each service its name, bad and total
//! events since the beginning at every second (i64, both ends included), u32 series; of each series
//! pod, code, u32 samples, their milliseconds (i64) and values (f64, stale markers among them).
//! Texts are a u32 length and bytes.

use std::fs::File;
use std::io::{BufReader, Read};

use slofuse::engine::{RawSeries, Sample, Timestamp};

use super::exactness::traffic::{Service, labels};
use super::exactness::truth::{SLOT, Truth};
use super::exactness::world::{BEGIN, World};

/// No text in such a file is longer.
const TEXT_MAX: u32 = 1_000;

/// Reads it all, or ends the program.
pub(crate) fn read(path: &str) -> (World, Vec<Service>) {
    let file = File::open(path).unwrap_or_else(|error| panic!("open {path}: {error}"));
    let mut reader = Reader(BufReader::new(file));
    assert_eq!(&reader.bytes::<8>(), b"SLOFSET1", "{path} is no world");
    assert_eq!(
        reader.i64(),
        BEGIN,
        "the world of {path} begins at another time"
    );
    let seconds = reader.i64();
    let services = (0..reader.u32()).map(|_| reader.service(seconds)).collect();
    let world = World {
        seed: 0,
        days: seconds / 86_400,
        scrape: 15.0,
    };
    (world, services)
}

struct Reader(BufReader<File>);

impl Reader {
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        let read = self.0.read_exact(&mut bytes);
        read.unwrap_or_else(|error| panic!("read the world: {error}"));
        bytes
    }

    fn i64(&mut self) -> i64 {
        i64::from_le_bytes(self.bytes())
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes())
    }

    fn text(&mut self) -> String {
        let length = self.u32();
        assert!(length <= TEXT_MAX, "a text of {length} bytes");
        let bytes: Vec<u8> = (0..length).flat_map(|_| self.bytes::<1>()).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn points(&mut self, seconds: i64) -> Vec<u64> {
        let every = (0..=seconds).map(|second| (second, self.i64()));
        let slots = every.filter(|(second, _)| second % SLOT == 0);
        slots.map(|(_, count)| count.unsigned_abs()).collect()
    }

    fn service(&mut self, seconds: i64) -> Service {
        let name = self.text();
        let bad = self.points(seconds);
        let total = self.points(seconds);
        let series = (0..self.u32()).map(|_| self.series(&name)).collect();
        Service {
            name,
            truth: Truth::of_points(bad.into_iter().zip(total).collect()),
            series,
        }
    }

    fn series(&mut self, service: &str) -> RawSeries {
        let (pod, code) = (self.text(), self.text());
        let count = self.u32();
        let times: Vec<i64> = (0..count).map(|_| self.i64()).collect();
        let values: Vec<f64> = (0..count)
            .map(|_| f64::from_le_bytes(self.bytes()))
            .collect();
        let samples = times.into_iter().zip(values);
        let real = samples.filter(|(_, value)| !value.is_nan());
        let sample = |(at, value)| Sample {
            at: Timestamp::from_millis(at),
            value,
        };
        RawSeries {
            labels: labels(service, &pod, &code),
            samples: real.map(sample).collect(),
        }
    }
}
