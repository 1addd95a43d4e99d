#!/usr/bin/env bash
# Two nodes find each other by mDNS, in a network of their own: libp2p leaves loopback out, so no test on 127.0.0.1 can
# show it. Needs root.
#
#   sudo scripts/mdns-check.sh target/debug/basalt
set -euo pipefail
bin=$(realpath "${1:?the path of the binary}")
if [ -z "${INSIDE:-}" ]; then INSIDE=1 exec unshare --net "$0" "$bin"; fi

ip link set lo up
ip link add here type veth peer name there
ip addr add 10.9.0.1/24 dev here
ip link set here up
ip link set there up
ip route add 224.0.0.0/4 dev here
folder=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}"; wait; rm -rf "$folder"' EXIT
for port in 9941 9942; do
    "$bin" --chain local --base-path "$folder/$port" --listen-addr /ip4/10.9.0.1/tcp/0 --discover mdns \
        --rpc-port "$port" --no-prometheus --log warn &
    pids+=($!)
done
for _ in $(seq 60); do
    sleep 0.5
    health=$(curl -s -H 'content-type: application/json' http://127.0.0.1:9941 \
        -d '{"id":1,"jsonrpc":"2.0","method":"system_health","params":[]}' || true)
    case $health in *'"peers":1'*) echo "they found each other"; exit 0 ;; esac
done
echo "they did not find each other: $health" >&2
exit 1
