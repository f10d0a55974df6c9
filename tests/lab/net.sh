# Namespaces, links, nodes, the fabric's router. Sourced by lab.sh.

# Namespaces of this run are vs-RUN-NAME; inside, names are short and plain.
ns() { printf 'vs-%s-%s' "$RUN" "$1"; }

# in_ns NAME COMMAND...
in_ns() {
    local name=$1
    shift
    ip netns exec "$(ns "$name")" "$@"
}

# ip_in NAME ARGUMENTS...: iproute2 there.
ip_in() {
    local name=$1
    shift
    ip -n "$(ns "$name")" "$@"
}

# make_ns NAME...: bare machines, without IPv6 until it is asked for.
make_ns() {
    local name
    for name in "$@"; do
        ip netns add "$(ns "$name")" ||
            give_up "cannot make a network namespace (in a container: run it privileged)"
        set_sysctl "$name" net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 ||
            give_up "cannot run anything in a network namespace; the message is above"
        ip_in "$name" link set lo up
    done
}

# set_sysctl NAME KEY=VALUE...
set_sysctl() {
    local name=$1
    shift
    in_ns "$name" sysctl -qw "$@"
}

# cable NS IF NS IF [MTU]: a veth pair, both ends up, without the offloads that
# leave checksums and segmentation to a NIC which is not there.
cable() {
    local mtu=${5:-1500}
    ip link add "$2" netns "$(ns "$1")" mtu "$mtu" type veth \
        peer name "$4" netns "$(ns "$3")" || give_up "cannot make a veth pair"
    ip_in "$3" link set "$4" mtu "$mtu"
    wire_end "$1" "$2"
    wire_end "$3" "$4"
}

wire_end() {
    in_ns "$1" ethtool -K "$2" tx off rx off tso off gso off gro off >/dev/null 2>&1
    ip_in "$1" link set "$2" up
}

# node NAME HOST MAC [ADDRESS/LENGTH] [MTU]: a machine with one NIC, eth0, on
# HOST's port vm-NAME.
node() {
    make_ns "$1"
    cable "$1" eth0 "$2" "vm-$1" "${5:-1500}"
    ip_in "$1" link set eth0 address "$3"
    [[ -z ${4:-} ]] || ip_in "$1" addr add "$4" dev eth0
}

# tagged NODE NAME MARKS ADDRESS/LENGTH: an interface on the node's eth0 for frames
# with these marks: a VLAN id, or what else vlan_tap.py knows. For a VLAN id it is
# the kernel's own if that has such devices, else one in user space.
tagged() {
    local node=$1 name=$2 marks=$3 address=$4 mac
    if ! ip_in "$node" link add link eth0 name "$name" type vlan id "$marks" 2>/dev/null; then
        in_ns "$node" "$LAB_TOOLS/vlan_tap.py" eth0 "$marks" "$name" >>"$LAB_DIR/$node.log" 2>&1 &
        eventually 10 ip_in "$node" link show "$name" >/dev/null ||
            give_up "no interface for $marks on node $node"
        mac=$(in_ns "$node" cat /sys/class/net/eth0/address)
        ip_in "$node" link set "$name" address "$mac"
    fi
    ip_in "$node" link set "$name" up
    ip_in "$node" addr add "$address" dev "$name"
}

# router NAME: a Linux machine that forwards IPv6 and knows of nothing else.
router() {
    make_ns "$1"
    set_sysctl "$1" net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0 \
        net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0 \
        net.ipv6.conf.default.router_solicitations=0
}

# uplink HOST ROUTER NET [IF] [MTU]: HOST's port IF (uplink0) to ROUTER's to-HOST;
# on the link fd00:0:0:NET::/64 the router is ::1. MTU 1600: room for raw frames.
uplink() {
    cable "$1" "${4:-uplink0}" "$2" "to-$1" "${5:-1600}"
    ip_in "$2" addr add "fd00:0:0:$3::1/64" dev "to-$1" nodad
}

# source_filter ROUTER: strict reverse-path check on every port (BCP 38, RFC
# 3704 §2.2): a source that the router would not route back through the port it
# came in by is dropped and counted.
source_filter() {
    in_ns "$1" nft -f - <<'NFT' || give_up "nft cannot set the router's source filter"
table ip6 fabric {
    counter spoofed { }
    chain source-filter {
        type filter hook prerouting priority raw; policy accept;
        ip6 saddr { ::, fe80::/10 } accept
        fib saddr . iif oif missing counter name spoofed drop
    }
}
NFT
}

# filtered ROUTER: how many packets its source filter has dropped.
filtered() {
    in_ns "$1" nft -j list counter ip6 fabric spoofed | jq '.nftables[].counter? | values | .packets'
}

# adopt NODE HOST MAC ADDRESS/LENGTH [MTU]: HOST's tap vm-NODE, which its vswitch
# has made, becomes the node's NIC.
adopt() {
    ip_in "$2" link set "vm-$1" netns "$(ns "$1")" && ip_in "$1" link set "vm-$1" name eth0 &&
        ip_in "$1" link set eth0 address "$3" mtu "${5:-1500}" up && ip_in "$1" addr add "$4" dev eth0
}

# mac_of NAME IF
mac_of() { in_ns "$1" cat "/sys/class/net/$2/address"; }

# send NODE FRAME [COUNT] [IF]: a crafted frame; see send.py.
send() {
    in_ns "$1" "$PYTHON" "$LAB_TOOLS/send.py" "${4:-eth0}" "$2" "${3:-1}"
}

# send_all NODE [IF] <<FRAMES: many of them; see packets.py.
send_all() { in_ns "$1" "$PYTHON" "$LAB_TOOLS/packets.py" send "${2:-eth0}"; }

# same_packets SENT RECEIVED: two captures (ended here) have the same packets, but
# for the id of whole datagrams; see packets.py.
same_packets() {
    captured "$1" >"$LAB_DIR/$1.txt"
    captured "$2" >"$LAB_DIR/$2.txt"
    local found status
    found=$("$PYTHON" "$LAB_TOOLS/packets.py" compare "$LAB_DIR/$1.pcap" "$LAB_DIR/$2.pcap")
    status=$?
    DETAIL=$(tail -n 1 <<<"$found")
    echo "$found"
    return "$status"
}

# ping_all NODE ADDRESS [COUNT] [OPTIONS...]: every echo is answered.
ping_all() {
    local node=$1 to=$2 count=${3:-10} answer
    shift $(($# < 3 ? $# : 3))
    answer=$(in_ns "$node" ping -n -i 0.2 -W 2 -c "$count" "$@" "$to") || { echo "$answer"; return 1; }
    echo "$answer"
    DETAIL=$(sed -n 's/.* \([0-9.]*%\) packet loss.*/\1 loss/p; s#^rtt [^=]*= [^/]*/\([^/]*\)/.*#rtt \1 ms on average#p' \
        <<<"$answer" | paste -sd, | sed 's/,/, /')
    [[ $answer == *" 0% packet loss"* && $answer != *duplicates* ]]
}

# ping_none NODE ADDRESS [COUNT] [OPTIONS...]: no echo is answered.
ping_none() {
    local node=$1 to=$2 count=${3:-3} answer
    shift $(($# < 3 ? $# : 3))
    answer=$(in_ns "$node" ping -n -i 0.2 -W 1 -c "$count" "$@" "$to")
    echo "$answer"
    [[ $answer == *" 0 received"* ]]
}

# capture NAME NODE IF FILTER...: from now on, frames that match go to a file.
capture() {
    local name=$1 node=$2 interface=$3 file="$LAB_DIR/$1.pcap"
    shift 3
    # Words of an earlier capture of that name are not this one's.
    rm -f "$LAB_DIR/$name.tcpdump"
    # Not in_ns: a function in the background is one more process. Of the default
    # buffer a frame takes 64 KiB where the NIC has offloads: 32 would fill it.
    ip netns exec "$(ns "$node")" tcpdump -Z root --immediate-mode -B 32768 -U -n -i "$interface" -w "$file" "$@" \
        2>"$LAB_DIR/$name.tcpdump" &
    echo $! >"$LAB_DIR/$name.tcpdump.pid"
    eventually 10 grep -qs 'listening on' "$LAB_DIR/$name.tcpdump" || give_up "tcpdump does not start"
}

# captured NAME [OPTIONS...]: ends the capture (the first time) and prints it.
captured() {
    local name=$1 pid
    shift
    if pid=$(cat "$LAB_DIR/$name.tcpdump.pid" 2>/dev/null); then
        # A moment for the frames that are still on their way to the file.
        sleep 0.3
        rm -f "$LAB_DIR/$name.tcpdump.pid"
        kill "$pid" 2>/dev/null
    fi
    tcpdump -n -r "$LAB_DIR/$name.pcap" "$@" 2>/dev/null
}

# path NODE TO [OPTIONS]: the hops that traceroute shows, one after the other.
# Now and then traceroute 2.1.2 -I overlooks answers that the node's capture
# shows in order, and a router's errors are limited: three attempts.
path() {
    local node=$1 to=$2 hops try
    shift 2
    for try in 1 2 3; do
        hops=$(in_ns "$node" traceroute -n -q 1 -w 2 -N 1 -m 8 "$@" "$to" |
            awk 'NR > 1 { printf "%s%s", sep, $2; sep = " " }')
        [[ $hops == *"*"* ]] || break
        sleep "$try"
    done
    printf '%s' "$hops"
}

# remove_namespaces RUN: ends what runs in them, then removes them.
remove_namespaces() {
    local names name pids
    names=$(ip netns list | awk -v prefix="vs-$1-" 'index($1, prefix) == 1 { print $1 }')
    for signal in TERM KILL; do
        for name in $names; do
            pids=$(ip netns pids "$name" 2>/dev/null)
            [[ -z $pids ]] || kill "-$signal" $pids 2>/dev/null
        done
        for _ in {1..50}; do
            pids=
            for name in $names; do
                pids+=$(ip netns pids "$name" 2>/dev/null)
            done
            [[ -z $pids ]] && break
            sleep 0.1
        done
    done
    for name in $names; do
        ip netns del "$name" 2>/dev/null
    done
}
