//! A world that was drawn elsewhere: little-endian, everything known per second.
//!
//! `SLOFSET2`, i64 first second, i64 seconds, u32 services. Of each service its name and u32 places
//! for pods; of each place the bad and all events of every second (u16 each), u32 processes and
//! the seconds at which they began (i64); u32 series; of each series its place (u32), pod, code,
//! u32 samples, their milliseconds (i64) and values (f64, stale markers among them). Texts are a
//! u32 length and bytes. Times but the first second count from the beginning, those of samples
//! from the epoch. `bench/dataset/export.py` writes it.

use std::fs::File;
use std::io::{BufReader, Read};

use slofuse::engine::{RawSeries, Sample, Timestamp};

use super::exactness::hindsight::{Hindsight, Place};
use super::exactness::traffic::{Service, labels};
use super::exactness::truth::Truth;
use super::exactness::world::{BEGIN, World};

/// No text in such a file is longer.
const TEXT_MAX: u32 = 1_000;

/// Reads it all, or ends the program.
pub(crate) fn read(path: &str) -> (World, Vec<Service>) {
    let file = File::open(path).unwrap_or_else(|error| panic!("open {path}: {error}"));
    let mut reader = Reader(BufReader::new(file));
    assert_eq!(&reader.bytes::<8>(), b"SLOFSET2", "{path} is no world");
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

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.bytes())
    }

    fn service(&mut self, seconds: i64) -> Service {
        let name = self.text();
        let mut events = vec![(0, 0); usize::try_from(seconds).unwrap_or(0)];
        let mut places = Vec::new();
        for _ in 0..self.u32() {
            let of_place: Vec<(u16, u16)> =
                (0..seconds).map(|_| (self.u16(), self.u16())).collect();
            for (sum, (bad, total)) in events.iter_mut().zip(&of_place) {
                sum.0 += u64::from(*bad);
                sum.1 += u64::from(*total);
            }
            let starts: Vec<i64> = (0..self.u32()).map(|_| self.i64()).collect();
            places.push((of_place, starts, Vec::new()));
        }
        let mut all = Vec::new();
        for _ in 0..self.u32() {
            let place = self.u32() as usize;
            let series = self.series(&name);
            let times = series.samples.iter().map(|sample| sample.at.as_millis());
            let times = times.map(|at| at - BEGIN * 1_000);
            places[place].2.extend(times);
            all.push(series);
        }
        let place = |(events, starts, mut scrapes): (Vec<(u16, u16)>, Vec<i64>, Vec<i64>)| {
            scrapes.sort_unstable();
            scrapes.dedup();
            let seconds = events.into_iter();
            let seconds = seconds.map(|(bad, total)| (u64::from(bad), u64::from(total)));
            Place::new(seconds, &starts, &scrapes)
        };
        Service {
            name,
            truth: Truth::of_seconds(events.into_iter()),
            series: all,
            hindsight: Hindsight(places.into_iter().map(place).collect()),
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
