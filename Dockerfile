# One static binary and the certificates of the public authorities; no shell, no user but nobody.
#
#     docker build -t slofuse:0.1.0 .
#     docker run --rm slofuse:0.1.0 demo

FROM rust:1.95.0-bookworm AS build
# musl-tools has the C compiler for what is not Rust: SQLite and parts of ring.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates musl-tools \
    && rm -rf /var/lib/apt/lists/*
RUN rustup target add "$(uname -m)-unknown-linux-musl"
# Otherwise the search for a compiler depends on the architecture.
ENV TARGET_CC=musl-gcc
WORKDIR /source
COPY Cargo.toml Cargo.lock ./
COPY src ./src
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    target="$(uname -m)-unknown-linux-musl" \
    && cargo build --locked --release --bin slofuse --target "$target" \
    && install -D "target/$target/release/slofuse" /image/slofuse
# Owned by nobody, and what a new volume that is mounted over it copies its owner from.
RUN install -d -m 0700 -o 65534 -g 65534 /image/state

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /image/slofuse /slofuse
COPY --from=build --chown=65534:65534 /image/state /var/lib/slofuse
USER 65534:65534
# The default state directory is relative to it.
WORKDIR /var/lib/slofuse
VOLUME /var/lib/slofuse
EXPOSE 9876
ENTRYPOINT ["/slofuse"]
CMD ["run", "--config", "/etc/slofuse/config/slofuse.yaml"]
