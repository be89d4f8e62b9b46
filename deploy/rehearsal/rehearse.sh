#!/usr/bin/env bash
# Several machines on one: network namespaces for a coordinator and N workers on one switch, with the real programs, TLS
# and a token, started by the lines that docs/tutorial.md has. Their cables are as fast as 'tc tbf' makes them, in both
# directions. Kernels with netem could add delay and loss; this script uses none.
#
#   rehearse.sh [RATE...]        rates as tc knows them, or 'free' [free 1gbit 100mbit]
#
# BIN      the folder of the programs [artifacts/programs]
# WORKERS  hosts with a worker of one thread each [4]
# STEPS    of a run [40]
# TRAIN    what is trained [--model n2n-final --batch 32 --shard 4]
#
# Ends with a table: images a second, the share of what as many local workers do on the same cores without a network,
# bytes a step, and where a step's time went. Needs root, ip and tc.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
bin=${BIN:-$root/artifacts/programs}
workers=${WORKERS:-4}
steps=${STEPS:-40}
read -r -a train <<< "${TRAIN:---model n2n-final --batch 32 --shard 4}"
rates=("$@")
[ ${#rates[@]} -gt 0 ] || rates=(free 1gbit 100mbit)

[ -x "$bin/coordinator" ] || { echo "rehearse.sh: no coordinator in $bin; publish first, or set BIN" >&2; exit 2; }
bin=$(cd "$bin" && pwd)
work=$(mktemp -d)
prefix=r$$
started=()

end() {
    local id host
    for id in ${started[@]+"${started[@]}"}; do kill "$id" 2> /dev/null || true; done
    for ((host = 0; host <= workers; host++)); do ip netns del "$prefix-$host" 2> /dev/null || true; done
    ip netns del "$prefix-switch" 2> /dev/null || true
    rm -rf "$work"
}
trap end EXIT

build() {
    local host name
    ip netns add "$prefix-switch"
    ip -n "$prefix-switch" link add switch type bridge
    ip -n "$prefix-switch" link set switch up
    for ((host = 0; host <= workers; host++)); do
        name=$prefix-$host
        ip netns add "$name"
        ip -n "$name" link add cable type veth peer name "port$host" netns "$prefix-switch"
        ip -n "$name" addr add "192.0.2.$((10 + host))/24" dev cable
        ip -n "$name" link set lo up
        ip -n "$name" link set cable up
        ip -n "$prefix-switch" link set "port$host" master switch
        ip -n "$prefix-switch" link set "port$host" up
    done
}

# shape RATE: what a host sends at its own end of the cable, what it gets at the switch's.
shape() {
    local host
    for ((host = 0; host <= workers; host++)); do
        ip netns exec "$prefix-$host" tc qdisc del dev cable root 2> /dev/null || true
        ip netns exec "$prefix-switch" tc qdisc del dev "port$host" root 2> /dev/null || true
        if [ "$1" != free ]; then
            ip netns exec "$prefix-$host" tc qdisc add dev cable root tbf rate "$1" burst 256kb latency 50ms
            ip netns exec "$prefix-switch" tc qdisc add dev "port$host" root tbf rate "$1" burst 256kb latency 50ms
        fi
    done
}

on() {
    local host=$1
    shift
    exec ip netns exec "$prefix-$host" "$@"
}

# value NAME FILE: a number of the JSON object in the file's last line.
value() {
    tail -n 1 "$2" | grep -oE "\"$1\":[0-9.eE+-]+" | head -n 1 | cut -d: -f2
}

row() {
    local file=$2
    awk -v name="$1" -v images="$(value imagesPerSecond "$file")" -v local="$3" \
        -v ms="$(value stepMilliseconds "$file")" -v compute="$(value computeMilliseconds "$file")" \
        -v wait="$(value waitMilliseconds "$file")" -v sum="$(value sumMilliseconds "$file")" \
        -v update="$(value updateMilliseconds "$file")" -v in_="$(value bytesInPerStep "$file")" \
        -v out="$(value bytesOutPerStep "$file")" \
        'BEGIN { printf "| %s | %.0f | %.2f | %.2f / %.2f | %.0f | %.0f | %.0f | %.1f | %.1f |\n", name, images,
            images / local, in_ / 1e6, out / 1e6, ms, compute, wait, sum, update }'
}

# rehearse RATE: a run over the network; its JSON goes to RATE.json.
rehearse() {
    local run=$work/$1 host ids=()
    shape "$1"
    (on 0 "$bin/coordinator" train "${train[@]}" --steps "$steps" --workers 0 --min-workers "$workers" \
        --listen 192.0.2.10:5500 --run "$run" --checkpoint-every 0 --json > "$work/$1.json" 2> "$work/$1.log") &
    local coordinator=$!
    started+=("$coordinator")
    until grep -qs "Add workers:" "$work/$1.log"; do
        kill -0 "$coordinator" 2> /dev/null || { cat "$work/$1.log" >&2; return 1; }
        sleep 0.2
    done
    # The way that a token goes to other machines is scp; here they share a disk.
    cp "$run/secrets/join.token" "$work/join.token"
    for ((host = 1; host <= workers; host++)); do
        (DISTRIBUTED_CACHE=$work/cache-$host on "$host" "$bin/worker" --join 192.0.2.10:5500 \
            --token-file "$work/join.token" --threads 1 --name "host-$host" > "$work/$1-$host.log" 2>&1) &
        ids+=($!)
        started+=($!)
    done
    wait "$coordinator" || { tail -n 5 "$work/$1.log" >&2; return 1; }
    for host in "${ids[@]}"; do wait "$host"; done
}

build
echo "$(nproc) cores, $workers workers, ${train[*]}, $steps steps" >&2
"$bin/coordinator" train "${train[@]}" --steps "$steps" --workers "$workers" --threads 1 --run "$work/local" \
    --checkpoint-every 0 --json > "$work/local.json" 2> "$work/local.log"
images=$(value imagesPerSecond "$work/local.json")
hash=$(grep -oE '"weightsSha256":"[0-9a-f]+"' "$work/local.json")

echo "| cables | images/s | of local | MB a step in / out | step, ms | compute | wait | average | update |"
echo "|---|---|---|---|---|---|---|---|---|"
row "none: local workers" "$work/local.json" "$images"
for rate in "${rates[@]}"; do
    rehearse "$rate"
    grep -qF "$hash" "$work/$rate.json" || { echo "rehearse.sh: other weights than the local run's" >&2; exit 1; }
    row "$rate" "$work/$rate.json" "$images"
done
echo "Every run ended with the local run's bits." >&2
