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

exec cargo test --locked --no-fail-fast "$@"
