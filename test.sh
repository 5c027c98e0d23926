#!/usr/bin/env bash
# Installs what the tests need and this machine lacks, then runs every check there is.
#
# Without root, or without apt, tests that need an absent part say "skipped, because"; with CI=true
# that is a failure.
set -euo pipefail
cd "$(dirname "$0")"

# The program whose absence is looked for, and the Debian package it comes from.
needed=(
  cc:gcc
  prometheus:prometheus
  promtool:prometheus
  prometheus-alertmanager:prometheus-alertmanager
  amtool:prometheus-alertmanager
  victoria-metrics:victoria-metrics
  ping:iputils-ping
  fping:fping
  ip:iproute2
  nft:nftables
  faketime:faketime
  snmpd:snmpd
  snmpget:snmp
  snmpsimd:snmpsim
  ippeveprinter:cups-ipp-utils
  dbus-daemon:dbus-daemon
  avahi-daemon:avahi-daemon
  curl:curl
)

missing=()
for entry in "${needed[@]}"; do
  PATH="$PATH:/usr/sbin:/sbin" command -v "${entry%%:*}" >/dev/null || missing+=("${entry##*:}")
done
if ((${#missing[@]})); then
  mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q </dev/null || echo "test.sh: apt-get update failed; trying with what is known" >&2
    # One by one: a package that this system lacks must not keep the others away. Without policy-rc.d
    # or systemd, services may refuse to start; only the programs are wanted.
    for package in "${missing[@]}"; do
      apt-get install -qy --no-install-recommends "$package" </dev/null \
        || echo "test.sh: could not install $package" >&2
    done
  else
    echo "test.sh: not installed, since this needs root and apt-get: ${missing[*]}" >&2
  fi
fi

# All of them, whatever fails: one run tells everything. Tests last, so that their summary ends it.
failed=0
cargo fmt --all --check || { failed=1; echo "test.sh: run cargo fmt --all" >&2; }
cargo clippy --workspace --all-targets --locked -- -D warnings || failed=1
cargo test --workspace --locked --no-run || failed=1
tests=(cargo test --workspace --locked --no-fail-fast)
own_network=(unshare --net --mount)
as_root=(unshare --user --map-root-user --net --mount)
if [[ $(id -u) == 0 ]] && "${own_network[@]}" true 2>/dev/null; then
  # In a network of their own, so that agents under test probe no real gateway or resolver.
  "${own_network[@]}" tests/own_network.sh "${tests[@]}" || failed=1
else
  "${tests[@]}" || failed=1
  # Some tests need to be really somebody else; those of the lab need only to look like root.
  if "${as_root[@]}" true 2>/dev/null; then
    "${as_root[@]}" tests/own_network.sh cargo test --locked --no-fail-fast --test lab || failed=1
  fi
fi
exit $failed
