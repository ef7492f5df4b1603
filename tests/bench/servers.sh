# The servers of the comparison. start KIND sets `urls`, `pids` and `dialect` for the generator, and
# stop_all ends what was started. All of them share one core.
phoenix_address=
pids=()
urgently=()

# run_server PORT WORD... : on the core of the servers, until it listens.
run_server() {
    local at=$1
    shift
    "${urgently[@]}" taskset -c 0 "$@" >"$directory/server-$at.log" 2>&1 &
    pids+=($!)
    wait_for $! "$at" "$directory/server-$at.log"
}

# roost_at NUMBER WORD... : a node, with two further ports.
roost_at() {
    local at=$((port + 3 * $1))
    run_server "$at" "$roostd" --name "node$1" --shards 1 --no-beacon --max-messages 0 --max-joins 0 \
        --max-channels 2000 --listen "127.0.0.1:$at" --group-listen "127.0.0.1:$((at + 1))" \
        --control "ipc://$directory/control$1.sock" "${@:2}"
    urls+=("url=ws://127.0.0.1:$at")
}

# in_view NUMBER NODES : until the node sees so many others.
in_view() {
    local tries=0
    until curl -s "http://127.0.0.1:$((port + 3 * $1))/metrics" | grep -q "^roost_group_nodes_in_view $2\$"; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || { echo 'the nodes do not see each other' >&2; exit 1; }
        sleep 0.1
    done
}

nats_at() {
    local at=$((port + 3 * $1)) routes=
    [ "$1" = 0 ] || routes="routes: [nats://127.0.0.1:$((port + 2))]"
    cat >"$directory/nats$1.conf" <<END
listen: 127.0.0.1:$((at + 1))
max_connections: 100000
websocket { host: 127.0.0.1, port: $at, no_tls: true }
cluster { name: bench, listen: 127.0.0.1:$((at + 2)), $routes }
END
    run_server "$at" nats-server -c "$directory/nats$1.conf"
    urls+=("url=ws://127.0.0.1:$at")
}

mosquitto_at() {
    # Version 2.0.11 does not start with listeners for WebSockets alone.
    cat >"$directory/mosquitto.conf" <<END
listener $((port + 1)) 127.0.0.1
listener $port
protocol websockets
allow_anonymous true
persistence false
set_tcp_nodelay true
log_type error
END
    run_server "$port" mosquitto -c "$directory/mosquitto.conf"
    urls+=("url=ws://127.0.0.1:$port")
}

start() {
    urls=()
    pids=()
    dialect=phoenix
    case $1 in
        roost) roost_at 0 ;;
        roost-pair)
            roost_at 0
            roost_at 1 --peer "127.0.0.1:$((port + 1))"
            in_view 0 1 && in_view 1 1 ;;
        roost-and-10)
            local peer
            roost_at 0
            for peer in {1..10}; do roost_at "$peer" --peer "127.0.0.1:$((port + 1))"; done
            in_view 0 10
            urls=("${urls[0]}") ;;
        nats) dialect=nats && nats_at 0 ;;
        nats-pair)
            dialect=nats
            nats_at 0
            nats_at 1
            sleep 1 ;; # it does not say when routes are up
        mosquitto) dialect=mqtt && mosquitto_at ;;
        bare)
            run_server "$port" build/dev/tests/bench_bare "$port"
            urls+=("url=ws://127.0.0.1:$port") ;;
        phoenix)
            urls+=("url=ws://${phoenix_address%%,*}")
            [[ $phoenix_address != *,* ]] || phoenix_pid=${phoenix_address#*,} ;;
    esac
}

stop_all() {
    local pid
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null; done
    pids=()
}
