# vswitch processes: configure, start, ask, stop. Sourced by lab.sh.

# The cores that this machine lets us use.
mapfile -t CORES < <(taskset -cp $$ | sed 's/.*: //' | tr , '\n' |
    awk -F- '{ for (core = $1; core <= ($2 == "" ? $1 : $2); core++) print core }')

# core N: one of them; they are shared when there are too few.
core() { printf '%s' "${CORES[$(($1 % ${#CORES[@]}))]}"; }

# memory: hugepages if enough are free for two vswitches, else none.
memory() {
    local free
    free=$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages 2>/dev/null || echo 0)
    if ((free >= 512)); then
        echo '{ hugepages: 256MiB }'
    else
        echo none
    fi
}

socket_of() { printf '%s/%s.sock' "$LAB_DIR" "$1"; }

# topology NAME <<YAML: writes NAME.yaml, a network.
topology() { cat >"$LAB_DIR/$1.yaml"; }

# configure HOST CORES TOPOLOGIES <<YAML: writes HOST.yaml; the YAML given has
# the substrate and the ports.
configure() {
    {
        cat <<YAML
host: $1
workers: { cores: [$2], poll: adaptive }
memory: $(memory)
control: { socket: $(socket_of "$1") }
topology: [$3]
YAML
        cat
    } >"$LAB_DIR/$1.yaml"
}

# start HOST: starts its vswitch in its namespace; returns when it answers.
start() {
    launch "$1"
    eventually 60 answers_or_is_gone "$1"
    ctl "$1" status
}

# launch HOST [OPTIONS...]: only starts it; its process id goes to HOST.pid.
launch() {
    local host=$1
    shift
    # Not in_ns: a function in the background is one more process.
    ip netns exec "$(ns "$host")" "$VSWITCH" --config "$LAB_DIR/$host.yaml" "$@" >>"$LAB_DIR/$host.log" 2>&1 &
    echo $! >"$LAB_DIR/$host.pid"
}

pid_of() { cat "$LAB_DIR/$1.pid"; }

is_gone() { ! kill -0 "$(pid_of "$1")" 2>/dev/null; }

answers_or_is_gone() { ctl "$1" status >/dev/null 2>&1 || is_gone "$1"; }

# stop HOST [SIGNAL]: ends it and returns its exit status.
stop() {
    kill "-${2:-TERM}" "$(pid_of "$1")"
    wait "$(pid_of "$1")"
}

# ctl HOST ARGUMENTS...: vswitchctl on HOST's socket.
ctl() {
    local host=$1
    shift
    "$VSWITCHCTL" --socket "$(socket_of "$host")" "$@"
}

# drops HOST REASON [PORT]: how many packets were dropped for it.
drops() {
    ctl "$1" counter list --drops -o json |
        jq --arg reason "$2" --arg port "${3:-}" \
            'map(select(.name == $reason and ($port == "" or .port == $port)) | .value) | add // 0'
}

# dropped HOST REASON COUNT [PORT]: exactly so many, soon.
dropped() {
    eventually 5 dropped_now "$@"
    DETAIL="$1 counts $(drops "$1" "$2" "${4:-}") $2"
    dropped_now "$@"
}

dropped_now() { [[ $(drops "$1" "$2" "${4:-}") == "$3" ]]; }

# assert_books_balance HOST...: every packet that came went somewhere. Packets
# may be under way, so they get a moment to arrive.
assert_books_balance() {
    local host
    for host in "$@"; do
        check "the books of $host balance" ctl "$host" books --within 10
    done
}

# neighbor_known HOST ADDRESS: it knows the way to that next hop.
neighbor_known() {
    ctl "$1" -o json neighbor list | jq -e --arg address "$2" \
        'any(.address == $address and .mac != null)'
}
