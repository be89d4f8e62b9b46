#!/usr/bin/env bash
# A coordinator, a standby and N workers on this machine's loopback: each a process of its own, as on N + 2 machines.
set -euo pipefail

usage() {
    cat <<'TEXT'
cluster.sh start [N] [OPTIONS]   start a coordinator, a standby and N workers (3); OPTIONS are those of 'train'
cluster.sh status                who is there, and how far the run is
cluster.sh kill NAME             kill -9 one of them: coordinator, standby, worker-1 ...
cluster.sh restart NAME          start one again; if it runs, it is asked to leave first (SIGTERM)
cluster.sh wait                  wait until the run is over; ends with its exit code
cluster.sh stop                  end the run for all, with a checkpoint, and every process

CLUSTER  the folder for the run and the logs [runs/cluster]
PORT     the coordinator's; the standby has the next one, their metrics have PORT + 10 and PORT + 11 [5500]
THREADS  of each worker [1]
BIN      the folder of the programs [the build's, else those on the PATH]

The same 'start' again goes on with the run where it was. Logs: CLUSTER/NAME.log.
TEXT
}

root=$(cd "$(dirname "$0")/../.." && pwd)
cluster=${CLUSTER:-runs/cluster}
port=${PORT:-5500}
threads=${THREADS:-1}

fail() {
    echo "cluster.sh: $1" >&2
    exit "${2:-1}"
}

# find_program NAME PROJECT
find_program() {
    local built="$root/$2/bin/Release/net10.0/$1"
    if [ -n "${BIN:-}" ]; then
        echo "$BIN/$1"
    elif [ -x "$built" ]; then
        echo "$built"
    else
        command -v "$1" || fail "there is no program '$1'; build first: dotnet build -c Release"
    fi
}

# launch NAME LINE...: starts a program that outlives this script, and leaves NAME.pid, NAME.exit and NAME.log.
launch() {
    local name=$1
    shift
    rm -f "$cluster/$name.pid" "$cluster/$name.exit"
    printf '%q ' "$@" > "$cluster/$name.line"
    (
        trap '' HUP
        "$@" < /dev/null >> "$cluster/$name.log" 2>&1 &
        echo $! > "$cluster/$name.pid"
        code=0
        wait $! || code=$?
        echo "$code" > "$cluster/$name.exit"
    ) < /dev/null > /dev/null 2>&1 &
    while [ ! -s "$cluster/$name.pid" ]; do sleep 0.05; done
}

# is_running NAME: by its number, if that still is a program of this folder.
is_running() {
    [ -s "$cluster/$1.pid" ] && [ ! -e "$cluster/$1.exit" ] \
        && ps -p "$(cat "$cluster/$1.pid")" -o args= 2> /dev/null | grep -qF -- "$cluster/run"
}

names() {
    local line
    for line in "$cluster"/*.line; do
        if [ -e "$line" ]; then basename "$line" .line; fi
    done
}

known() {
    [ -n "${1:-}" ] && [ -e "$cluster/$1.line" ] || fail "there is no '${1:-}'; there are: $(names | tr '\n' ' ')" 2
}

# until_ended SECONDS NAME...: whether all have ended by then.
until_ended() {
    local tries=$(($1 * 10)) name
    shift
    for name in "$@"; do
        while is_running "$name"; do
            [ "$tries" -gt 0 ] || return 1
            tries=$((tries - 1))
            sleep 0.1
        done
        [ -e "$cluster/$name.exit" ] || sleep 0.3 # The shell that waits for it writes that.
    done
}

signal() {
    if is_running "$2"; then kill "-$1" "$(cat "$cluster/$2.pid")" 2> /dev/null || true; fi
}

# until_said NAME TEXT: fails with the program's last lines if it fails before.
until_said() {
    while ! grep -qF "$2" "$cluster/$1.log"; do
        if [ "$(cat "$cluster/$1.exit" 2> /dev/null)" = 0 ]; then return; fi
        if [ -e "$cluster/$1.exit" ]; then
            tail -n 4 "$cluster/$1.log" >&2
            fail "the $1 ended with $(cat "$cluster/$1.exit"); see $cluster/$1.log" "$(cat "$cluster/$1.exit")"
        fi
        sleep 0.1
    done
}

start() {
    local workers=3 name i
    if [[ "${1:-}" =~ ^[0-9]+$ ]]; then
        workers=$1
        shift
    fi
    [ "$workers" -ge 1 ] || fail "at least one worker has to compute" 2
    for name in $(names); do
        if is_running "$name"; then fail "$name runs already; see: $0 status"; fi
    done
    mkdir -p "$cluster"
    cluster=$(cd "$cluster" && pwd)
    pwd > "$cluster/directory"
    rm -f "$cluster"/*.line "$cluster"/*.pid "$cluster"/*.exit "$cluster"/*.log
    coordinator=$(find_program coordinator Coordinator)
    worker=$(find_program worker Worker)
    holder() {
        launch "$1" "$coordinator" train --run "$cluster/run" --or-standby --workers 0 --min-workers "$workers" \
            --listen "127.0.0.1:$2" --http "127.0.0.1:$(($2 + 10))" "${@:3}"
    }
    holder coordinator "$port" "$@"
    until_said coordinator "Add workers:"
    holder standby $((port + 1)) "$@"
    until_said standby "standby: "
    for ((i = 1; i <= workers; i++)); do
        launch "worker-$i" "$worker" --join "127.0.0.1:$port,127.0.0.1:$((port + 1))" \
            --token-file "$cluster/run/secrets/join.token" --threads "$threads" --name "worker-$i"
    done
    status
    echo "Next:"
    echo "  $0 status"
    echo "  $0 kill coordinator      # the standby takes over"
    echo "  $0 restart coordinator   # it is the standby now"
    echo "  $0 stop"
}

status() {
    local name state
    printf '%-12s %-8s %s\n' NAME PROCESS STATE
    for name in $(names); do
        if is_running "$name"; then
            state="runs"
        elif [ -e "$cluster/$name.exit" ]; then
            state="ended with $(cat "$cluster/$name.exit")"
        else
            state="is gone"
        fi
        printf '%-12s %-8s %s\n' "$name" "$(cat "$cluster/$name.pid" 2> /dev/null)" "$state"
    done
    "$(find_program coordinator Coordinator)" status --run "$cluster/run"
}

kill_one() {
    known "${1:-}"
    is_running "$1" || fail "$1 does not run"
    signal KILL "$1"
    until_ended 10 "$1" || fail "$1 does not die"
    echo "$1 is killed."
}

restart_one() {
    known "${1:-}"
    signal TERM "$1"
    until_ended 60 "$1" || fail "$1 does not leave; kill it first"
    cd "$(cat "$cluster/directory")"
    eval "launch \"$1\" $(cat "$cluster/$1.line")"
    echo "$1 runs as process $(cat "$cluster/$1.pid")."
}

wait_all() {
    local name code=1
    for name in $(names); do
        while is_running "$name"; do sleep 0.2; done
    done
    for name in coordinator standby; do
        if [ "$(cat "$cluster/$name.exit" 2> /dev/null)" = 0 ]; then code=0; fi
    done
    status
    return "$code"
}

stop() {
    local all asked
    all=$(names)
    if is_running coordinator || is_running standby; then
        "$(find_program coordinator Coordinator)" stop --run "$cluster/run" &
        asked=$!
        # shellcheck disable=SC2086 # names have no blanks
        until_ended 60 $all || true
        kill "$asked" 2> /dev/null || true
    fi
    # What is left: workers without a coordinator, and what does not listen any more.
    for signal in TERM KILL; do
        for name in $all; do signal $signal "$name"; done
        # shellcheck disable=SC2086
        until_ended 15 $all || true
    done
    status || true
}

if [ -d "$cluster" ]; then cluster=$(cd "$cluster" && pwd); fi
case "${1:-}" in
    start) shift && start "$@" ;;
    status) status ;;
    kill) kill_one "${2:-}" ;;
    restart) restart_one "${2:-}" ;;
    wait) wait_all ;;
    stop) stop ;;
    -h | --help | help) usage ;;
    *)
        usage >&2
        exit 2
        ;;
esac
