//! Simulation: whole worlds in virtual time, each from one seed.
//!
//! A world has services that are scraped (`plant`), definitions and routes (`scenario`), faults of
//! every part and kills between any two awaits (`chaos`), and processes that live and die (`node`,
//! `backfill`, `courier`, `operate`) around the real engine, store, cache, retry policy and breaker.
//! Its source (`source`) and receivers (`phone`) are simulated. After every step an oracle
//! (`oracle`) that knows only what the source showed decides anew; at the end, after some peace, the
//! receivers' side is looked at (`verdict`).
//!
//! | variable | meaning |
//! |---|---|
//! | `SLOFUSE_SIM_SEED=7` | only this world, its events printed as they happen |
//! | `SLOFUSE_SIM_SEEDS=10000` | so many worlds, from seed 0 |
//! | `SLOFUSE_SIM_FROM=5000` | not from seed 0 up to there but from this one |
//! | `SLOFUSE_SIM_OFF=crash,clock` | without these faults (`switches`), to find out which one matters |

#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
#![expect(
    clippy::print_stdout,
    reason = "events and sums are for whoever reads a failure"
)]

mod backfill;
mod chaos;
mod chronicle;
mod courier;
mod dice;
mod node;
mod operate;
mod oracle;
mod phone;
mod plant;
mod scenario;
mod source;
mod switches;
mod verdict;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use switches::Switches;
use world::World;

/// Worlds of a run that is not told otherwise.
const WORLDS: u64 = 512;
/// Failures after which no more worlds are made.
const FAILURES_MAX: usize = 10;

/// What came of a world.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fate {
    hash: u64,
    lives: u32,
    messages: usize,
    /// Windows that were counted anew, and those that gaps left in doubt.
    windows: (u64, u64),
    /// Alerts that were pending, fired, or were held when a process began.
    restarted: [u64; 3],
}

/// Plays a world to its end; says what went wrong with its last events.
fn play(seed: u64, switches: &Switches, aloud: bool) -> Result<Fate, String> {
    let mut world = World::new(seed, switches, aloud);
    let played = catch_unwind(AssertUnwindSafe(|| {
        world.run();
        world.conclude();
    }));
    played.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        format!(
            "{}\n{}\nreplay: SLOFUSE_SIM_SEED={seed} cargo test --test sim -- --nocapture worlds",
            world.chronicle.tail(),
            text.unwrap_or_default()
        )
    })?;
    Ok(Fate {
        hash: world.chronicle.hash,
        lives: world.lives,
        messages: world.phones.heard.values().map(Vec::len).sum(),
        windows: world.oracle.windows,
        restarted: world.oracle.restarted,
    })
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is not a number")),
    )
}

#[test]
fn worlds_end_well() {
    let switches = Switches::from_env();
    if let Some(seed) = number("SLOFUSE_SIM_SEED") {
        let fate = play(seed, &switches, true).unwrap_or_else(|why| panic!("{why}"));
        println!("{fate:?}");
        return;
    }
    let worlds = number("SLOFUSE_SIM_SEEDS").unwrap_or(WORLDS);
    let next = AtomicU64::new(number("SLOFUSE_SIM_FROM").unwrap_or(0));
    let failures = Mutex::new(Vec::new());
    let sum = Mutex::new(Fate::default());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= worlds || failures.lock().unwrap().len() >= FAILURES_MAX {
                        return;
                    }
                    match play(seed, &switches, false) {
                        Ok(fate) => {
                            let mut sum = sum.lock().unwrap();
                            sum.lives += fate.lives;
                            sum.messages += fate.messages;
                            sum.windows.0 += fate.windows.0;
                            for (sum, more) in sum.restarted.iter_mut().zip(fate.restarted) {
                                *sum += more;
                            }
                            sum.windows.1 += fate.windows.1;
                        }
                        Err(why) => {
                            println!("seed {seed} ended badly");
                            failures.lock().unwrap().push((seed, why));
                        }
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    println!("{worlds} worlds: {:?}", sum.into_inner().unwrap());
    let seeds: Vec<u64> = failures.iter().map(|(seed, _)| *seed).collect();
    if let Some((seed, why)) = failures.first() {
        panic!("seeds {seeds:?} ended badly; seed {seed}:\n{why}");
    }
}

#[test]
fn a_seed_is_a_world() {
    let switches = Switches::default();
    for seed in [3, 5, 17] {
        let (first, again) = (play(seed, &switches, false), play(seed, &switches, false));
        assert_eq!(first, again, "seed {seed}");
    }
}
