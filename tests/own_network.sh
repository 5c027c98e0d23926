#!/usr/bin/env bash
# Runs a command in a network namespace that it finds empty: loopback, one interface, and behind it a
# gateway that answers and leads nowhere, and no resolver. Call it as `unshare --net --mount tests/own_network.sh COMMAND …`,
# or without root as `unshare --user --map-root-user --net --mount tests/own_network.sh COMMAND …`.
set -euo pipefail

# What /sys tells of interfaces is what the namespace of its mount has.
mount -t sysfs sysfs /sys ||
  echo "own_network.sh: /sys tells of the machine's own interfaces, because it cannot be mounted here" >&2

# Named namespaces live in /run/netns. Who may not write to /run gets one of their own, with what
# /etc/resolv.conf may point to.
if ! mkdir -p /run/netns 2>/dev/null || ! [[ -w /run/netns ]]; then
  mount -t tmpfs tmpfs /run
  resolver=$(readlink -m /etc/resolv.conf)
  [[ -e $resolver ]] || { mkdir -p "$(dirname "$resolver")" && touch "$resolver"; }
  mkdir /run/netns
fi

# The machine's own resolver cannot be reached from here, and is not to be missed.
mount --bind /dev/null "$(readlink -m /etc/resolv.conf)" ||
  echo "own_network.sh: the machine's resolver is asked, because /etc/resolv.conf cannot be covered here" >&2

# The gateway's namespace lives as long as this process does.
unshare --net sleep infinity &
gateway=$!
trap 'kill "$gateway"' EXIT
while [[ $(readlink "/proc/$gateway/ns/net") == $(readlink /proc/self/ns/net) ]]; do :; done

at_the_gateway() { nsenter --target "$gateway" --net "$@"; }
ip link set lo up
ip link add eth0 type veth peer name eth1
ip link set eth1 netns "$gateway"
at_the_gateway ip link set lo up
at_the_gateway ip address add 10.213.0.1/24 dev eth1
at_the_gateway ip link set eth1 up
ip address add 10.213.0.2/24 dev eth0
ip link set eth0 up
ip route add default via 10.213.0.1

"$@"
