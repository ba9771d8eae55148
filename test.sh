#!/usr/bin/env bash
# Runs every test: unit, integration, end to end against a real Prometheus and a real browser, and
# the examples in the documentation. Arguments are passed on to `cargo test`.
#
# The servers and the browser that the tests start are installed by apt where they are missing,
# without starting them as services. Without apt nothing is installed, and the tests that need one
# fail.
set -euo pipefail
cd "$(dirname "$0")"

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install() {
    echo "installing $*"
    as_root sh -eu -s -- "$@" <<'SH'
# dpkg asks this file whether a service may start; 101 says no.
guard=/usr/sbin/policy-rc.d
if [ ! -e "$guard" ]; then
    trap 'rm -f "$guard"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$guard"
    chmod 755 "$guard"
fi
apt-get update -qq </dev/null
DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "$@" </dev/null
SH
}

missing=()
for package in prometheus prometheus-alertmanager chromium; do
    # Each package has a program of its own name.
    command -v "$package" >/dev/null || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ] && command -v apt-get >/dev/null; then
    install "${missing[@]}"
fi

# Most end-to-end tests wait for servers and slots, so two of them keep a core busy.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-$((2 * $(nproc)))}"

if [ "$#" -gt 0 ]; then
    exec cargo test --locked --no-fail-fast "$@"
fi

# The end-to-end tests take longest and wait most of that time. They begin as soon as they are
# built, in a process group of their own; all else is built and runs beside them, and leaves them
# the processor when they want it. What they say follows at the end.
cargo test --locked --test e2e --no-run
said=$(mktemp)
set -m
cargo test --locked --test e2e >"$said" 2>&1 </dev/null &
e2e=$!
set +m
trap 'kill -- -"$e2e" 2>/dev/null || true; rm -f "$said"' EXIT
# Cargo keeps others from building until it runs them.
while kill -0 "$e2e" 2>/dev/null && ! grep -q Running "$said"; do sleep 0.1; done

result=0
nice cargo test --locked --no-fail-fast --lib --bins --test it --test sim || result=$?
nice cargo test --locked --doc || result=$?
wait "$e2e" || result=$?
cat "$said"
exit "$result"
