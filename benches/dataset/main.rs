//! Whose decisions are true: slofuse's, or those of PromQL rules, from the same samples.
//!
//!     cargo bench --bench dataset                            # the table: six worlds of 30 days, 5 GB of memory
//!     cargo bench --bench dataset -- --seed 7 --scrape 15    # one world
//!     cargo bench --bench dataset -- --from-file FILE        # a world of `bench/dataset/export.py`
//!     cargo bench --bench dataset -- --verify                # the port of `rate` against a real Prometheus
//!
//! Twenty services with faults of every kind; what truly happened is known to the second. The four
//! rules of the SRE workbook are asked at every slot of 30 s after three days of run-in, with the
//! samples of that time and no later ones. Reading the table: `bench/README.md`.

#![expect(clippy::print_stdout, reason = "the table is the purpose")]

mod exactness;
mod file;
mod table;
mod verify;

use exactness::world::World;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let number = |name: &str, default: f64| match value(name) {
        Some(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} takes a number")),
        None => default,
    };
    if arguments.iter().any(|argument| argument == "--verify") {
        verify::run();
        return;
    }
    let explain = arguments.iter().any(|argument| argument == "--explain");
    let days = number("--days", 30.0) as i64;
    table::head();
    if let Some(path) = value("--from-file") {
        let (world, services) = file::read(&path);
        table::judge("file", &world, services, explain);
        return;
    }
    let world = |seed: f64, scrape: f64| World {
        seed: seed as u64,
        days,
        scrape,
    };
    let worlds = match value("--seed").or_else(|| value("--scrape")) {
        Some(_) => vec![world(number("--seed", 1.0), number("--scrape", 15.0))],
        None => vec![
            world(1.0, 15.0),
            world(2.0, 15.0),
            world(3.0, 15.0),
            world(1.0, 5.0),
            world(1.0, 60.0),
        ],
    };
    for world in worlds {
        let name = format!("seed {}, {} s", world.seed, world.scrape);
        table::judge(&name, &world, table::draw_all(&world), explain);
    }
}
