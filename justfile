# Shortcuts; .ci/run and ./test.sh do not need them.

fmt:
    cargo fmt

clippy:
    cargo clippy --locked --all-targets -- -D warnings

test *arguments:
    ./test.sh {{arguments}}

doc:
    RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps

deny:
    cargo deny check

demo *arguments:
    cargo run --release -- demo {{arguments}}

bench:
    cargo bench --bench engine
