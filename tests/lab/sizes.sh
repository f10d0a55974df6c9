# Packets at a limit and beyond it. Sourced by lab.sh. Lengths are those of the
# IPv4 packet, in bytes; ping's -s counts 28 less (headers of IPv4 and ICMP).

# forget NODE...: what its kernel has learned of the paths' MTUs.
forget() {
    local name
    for name in "$@"; do
        ip_in "$name" route flush cache
    done
}

# data LENGTH [OPTIONS...]: what ping must put into a packet of that length. With
# -R its IPv4 header is 60 bytes long: the packet has options, and travels raw.
data() {
    if [[ " ${*:2} " == *" -R "* ]]; then
        echo $(($1 - 68))
    else
        echo $(($1 - 28))
    fi
}

# fits NODE ADDRESS LENGTH [OPTIONS...]: echoes of that length, with DF, are answered.
fits() {
    local node=$1 to=$2 length=$3
    shift 3
    forget "$node"
    ping_all "$node" "$to" 3 -M 'do' -s "$(data "$length" "$@")" "$@"
}

# too_large NODE ADDRESS LENGTH MTU FROM [OPTIONS...]: an echo of that length, with
# DF, is answered by FROM: MTU is what would pass (ICMP 3/4). The node's kernel
# remembers it.
too_large() {
    local node=$1 to=$2 length=$3 mtu=$4 from=$5 answer
    shift 5
    forget "$node"
    answer=$(in_ns "$node" ping -n -c 1 -W 2 -M 'do' -s "$(data "$length" "$@")" "$@" "$to")
    echo "$answer"
    [[ $answer == *"From $from "*"Frag needed and DF set (mtu = $mtu)"* ]] || return
    same "$(path_mtu "$node" "$to")" "$mtu"
}

# path_mtu NODE ADDRESS: what its kernel has learned; nothing, or bytes.
path_mtu() { ip_in "$1" route get "$2" | sed -n 's/.*expires.* mtu \([0-9]*\).*/\1/p'; }

# pieces NODE ADDRESS LENGTH AT WANTED [OPTIONS...]: echoes of that length, without
# DF, are answered; on their way each becomes WANTED frames, as node AT sees them.
pieces() {
    local node=$1 to=$2 length=$3 at=$4 wanted=$5
    shift 5
    forget "$node" "$at"
    capture "pieces-$at" "$at" eth0 -Q in icmp
    ping_all "$node" "$to" 3 -M dont -s "$(data "$length" "$@")" "$@" || return
    DETAIL=
    same "$(captured "pieces-$at" | wc -l)" $((3 * wanted))
}

# traced NODE ADDRESS MTU: tracepath finds that MTU, and one hop.
traced() {
    local found
    forget "$1"
    found=$(in_ns "$1" tracepath -n "$2")
    echo "$found"
    [[ $found == *"Resume: pmtu $3 hops 1 back 1"* ]]
}

# nothing_above NAME BYTES: the capture (ended here) has IPv6 packets, none longer.
nothing_above() {
    local all large
    all=$(captured "$1" ip6 | wc -l)
    large=$(captured "$1" "ip6[4:2] + 40 > $2" | wc -l)
    DETAIL="$all packets, $large of them larger"
    ((all > 0 && large == 0))
}
