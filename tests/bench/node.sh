# What the benches share: builds the node and the load, and starts one node by itself.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
roostd=build/release/daemon/roostd
load=build/bench/bench_load
port=${PORT:-14000}
directory=$(mktemp -d)
node=

build_bench() {
    { cmake --preset release && cmake --build --preset release --target roostd &&
        mkdir -p build/bench &&
        "${CXX:-g++}" -std=c++20 -O2 -I. tests/bench/*.cpp -o "$load"; } \
        >"$directory/build.log" 2>&1 || { cat "$directory/build.log" >&2; exit 1; }
}

# start_node WORD... : the words come before the command line of the node.
start_node() {
    "$@" "$roostd" --shards 1 --no-beacon --max-messages 0 --listen "127.0.0.1:$port" \
        --group-listen "127.0.0.1:$((port + 1))" --control "ipc://$directory/control.sock" \
        "${node_options[@]}" 2>"$directory/node.log" &
    node=$!
    local tries=0
    until (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
        tries=$((tries + 1))
        if [ $tries -gt 300 ] || ! kill -0 "$node" 2>/dev/null; then
            cat "$directory/node.log" >&2
            exit 1
        fi
        sleep 0.1
    done
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
