//! Simulation: worlds in virtual time, each from one seed.

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
mod world;

#[test]
fn one() {
    let seed = std::env::var("SLOFUSE_SIM_SEED").map_or(1, |s| s.parse().unwrap());
    let n = std::env::var("SLOFUSE_SIM_SEEDS").map_or(1, |s| s.parse().unwrap());
    let switches = switches::Switches::from_env();
    for seed in seed..seed + n {
        let mut w = world::World::new(seed, &switches, n == 1);
        w.run();
        println!("{seed} {} {:x} lives {} heard {:?}", w.chronicle.count, w.chronicle.hash, w.lives, w.phones.heard.iter().map(|(k,v)| (k.clone(), v.len())).collect::<Vec<_>>());
    }
}
