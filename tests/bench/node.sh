# What the benches share: builds what they need, and starts nodes. The preset dev compiles with the
# flags of a release.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
roostd=build/dev/daemon/roostd
load=build/dev/tests/bench_load
port=${PORT:-14000}
directory=$(mktemp -d)
node=

# build_bench TARGET...
build_bench() {
    { cmake --preset dev && cmake --build --preset dev --target "$@"; } \
        >"$directory/build.log" 2>&1 || { cat "$directory/build.log" >&2; exit 1; }
}

# wait_for PROCESS PORT LOG : until somebody listens there.
wait_for() {
    local tries=0
    until (: <"/dev/tcp/127.0.0.1/$2") 2>/dev/null; do
        tries=$((tries + 1))
        if [ $tries -gt 300 ] || ! kill -0 "$1" 2>/dev/null; then
            cat "$3" >&2
            exit 1
        fi
        sleep 0.1
    done
}

# start_node WORD... : the words come before the command line of the node.
start_node() {
    "$@" "$roostd" --shards 1 --no-beacon --max-messages 0 --listen "127.0.0.1:$port" \
        --group-listen "127.0.0.1:$((port + 1))" --control "ipc://$directory/control.sock" \
        "${node_options[@]}" 2>"$directory/node.log" &
    node=$!
    wait_for "$node" "$port" "$directory/node.log"
}

stop_node() {
    [ -n "$node" ] || return 0
    kill "$node" 2>/dev/null
    wait "$node"
    node=
}

node_options=()
ulimit -n "$(ulimit -Hn)"
trap 'stop_node; rm -rf "$directory"' EXIT
