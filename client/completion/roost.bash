# bash completion for roost and roostd

_roost() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    local word verb="" skip=0 i
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((skip)); then skip=0; continue; fi
        case $word in
            --control|--timeout) skip=1 ;;
            ping|pub|sub|reply|req|nodes|topics|events|sessions|keygen|token|bench) verb=$word; break ;;
        esac
    done

    COMPREPLY=()
    case $previous in
        --control|--timeout) return ;;
        -C|-W|--after) [[ $verb == sub || $verb == events ]] && return ;;
        --command|--kind) [[ $verb == reply ]] && return ;;
        --id|--topic|--to|--except|--user|--node) [[ $verb == pub ]] && return ;;&
        --user) [[ $verb == req ]] && return ;;
        --sub|--topic|--join|--push|--claim|--expires|--kid|--check|--audience|--issuer)
            [[ $verb == token || $verb == bench ]] && return ;;
        --url|--token|--clients|--topics|--messages|--rate|--batch|--payload|--seconds|--at-once)
            [[ $verb == bench ]] && return ;;
        --out|--key-file) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    esac
    if [[ $current == -* ]]; then
        local options="--control --json --timeout --version --help"
        [[ $verb == sub ]] && options+=" -C -W -E"
        [[ $verb == events ]] && options+=" --after -C"
        [[ $verb == pub ]] && options+=" --id --binary --topic --to --except --user --local --node"
        [[ $verb == reply ]] && options+=" --command --kind"
        [[ $verb == bench ]] && options+=" --url --topic --token --clients --topics --messages --rate
            --batch --payload --seconds --at-once"
        [[ $verb == req ]] && options+=" --user"
        [[ $verb == keygen ]] && options+=" --out"
        [[ $verb == token ]] && options+=" --sub --topic --join --push --claim --expires --key-file
            --kid --check --audience --issuer"
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    elif [[ -z $verb ]]; then
        mapfile -t COMPREPLY < <(compgen -W "ping pub sub reply req nodes topics events sessions keygen token bench" -- "$current")
    elif [[ $verb == bench ]]; then
        mapfile -t COMPREPLY < <(compgen -W "fanout rooms cross idle join" -- "$current")
    fi
}

_roostd() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    COMPREPLY=()
    case $previous in
        --config|--group-key-file) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
        --log-level)
            mapfile -t COMPREPLY < <(compgen -W "debug info warning error" -- "$current")
            return ;;
        --no-beacon|--try-page|--events|--version|--help) ;;
        --*) return ;;
    esac
    local options="--listen --socket-path --name --group --group-key-file --group-listen --advertise
        --peer --no-beacon --beacon-address --beacon-port --control --shards --rule --backend-deadline --backend-connect --forward-header --handler-scope --fence-timeout
        --interest-bits --repair-buffer --repair-wait --group-queue-bytes --history-memory
        --dedup-window --events --events-memory
        --idle-timeout --max-frame-bytes --max-channels --max-joins --max-messages
        --max-topic-bytes --max-event-bytes --max-json-depth --max-queue-bytes --drain-rate --try-page
        --log-level --config --version --help"
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
}

complete -F _roost roost
complete -F _roostd roostd
