//! What slofuse costs, and what the same alerts cost as PromQL rules.
//!
//!     cargo bench --bench cost                 # beside burn-rate rules on a real Prometheus, 12 minutes
//!     cargo bench --bench cost -- instances    # 10 000 instances on a simulated Prometheus, 8 minutes
//!
//! Needs `prometheus` and `promtool`, or `PROMETHEUS_BIN`. Figures are CPU time and counts, so that
//! a busy machine blurs them little. Measured tables: `bench/README.md`.

#![expect(clippy::print_stdout, reason = "the table is the purpose")]

#[path = "../../tests/e2e/bed/mod.rs"]
#[allow(dead_code, unused_imports, reason = "only a part of the bed is needed")]
mod bed;
mod daemon;
mod fleet;
mod instances;
mod rules;
mod server;
mod slots;

#[tokio::main]
async fn main() {
    let provider = rustls::crypto::ring::default_provider();
    provider.install_default().expect("nobody was first");
    match std::env::args().any(|argument| argument == "instances") {
        true => instances::run().await,
        false => rules::run().await,
    }
}
