#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "A node moves to another host while others talk to it: what came to the old place is sent on"

# n moves from r to s and back; p, on t, talks to it. The router f accepts from
# each host only what is under that host's locator.
make_ns r s t
router f
hosts=(r:a:ff s:b:fe t:c:fd)
for host in "${hosts[@]}"; do
    IFS=: read -r name locator net <<<"$host"
    uplink "$name" f "$net"
    ip_in f -6 route add "fd00:0:0:$locator::/64" via "fd00:0:0:$net::$locator"
done
source_filter f
node p t 02:00:00:00:00:0d 10.0.0.4/24
node q r 02:00:00:00:00:0e 10.0.0.5/24
# n has a NIC on either host, of which one is plugged in: behind a bridge, so that
# nothing of n itself changes.
make_ns n
cable n to-r r vm-n
cable n to-s s vm-n
ip_in n link add eth0 address 02:00:00:00:00:07 type bridge
ip_in n link set eth0 up
for nic in to-r to-s; do
    ip_in n link set "$nic" master eth0
done
ip_in n addr add 10.0.0.3/24 dev eth0
# plug HOST: n's NIC there, and no other.
plug() {
    local nic
    for nic in to-r to-s; do
        [[ $nic == "to-$1" ]] || ip_in n link set "$nic" down
    done
    ip_in n link set "to-$1" up
}

# drawn HOST: n is there.
drawn() {
    topology "n-on-$1" <<YAML
network: z
entity: Z
segments: [{ name: front, id: 0x00a001, subnet: 10.0.0.0/24 }]
nodes:
  - { name: n, host: $1, port: vm-n, segment: front, address: 10.0.0.3, mac: "02:00:00:00:00:07" }
  - { name: p, host: t, port: vm-p, segment: front, address: 10.0.0.4, mac: "02:00:00:00:00:0d" }
  - { name: q, host: r, port: vm-q, segment: front, address: 10.0.0.5, mac: "02:00:00:00:00:0e" }
YAML
}
drawn r
drawn s
at=0
for host in "${hosts[@]}"; do
    IFS=: read -r name locator net <<<"$host"
    others=
    for other in "${hosts[@]}"; do
        [[ $other == "$host" ]] || others+="{ name: ${other%%:*}, locator: \"fd00:0:0:$(cut -d: -f2 <<<"$other")::/64\" }, "
    done
    case $name in
    r) nodes="  - { name: vm-n, af_packet: vm-n }
  - { name: vm-q, af_packet: vm-q }" ;;
    s) nodes="  - { name: vm-n, af_packet: vm-n }" ;;
    t) nodes="  - { name: vm-p, af_packet: vm-p }" ;;
    esac
    configure "$name" "$(core "$at")" n-on-r.yaml <<YAML
substrate:
  locator: fd00:0:0:$locator::/64
  ports: [uplink0]
  address: fd00:0:0:$net::$locator/64
  routes: [{ to: "::/0", via: "fd00:0:0:$net::1" }]
  mtu: 1600
  move-grace: 4s
hosts: [${others%, }]
ports:
  - { name: uplink0, af_packet: uplink0 }
$nodes
YAML
    at=$((at + 1))
done
plug r
for host in "${hosts[@]}"; do
    IFS=: read -r name locator net <<<"$host"
    need "$name's vswitch answers" start "$name"
    need "$name knows the router" eventually 10 neighbor_known "$name" "fd00:0:0:$net::1"
done
need "p pings n" ping_all p 10.0.0.3 3
need "q, on n's host, pings n" ping_all q 10.0.0.3 3

# apply HOST PLACE: from now on HOST's drawing says that n is at PLACE.
apply() { ctl "$1" apply -f "$LAB_DIR/n-on-$2.yaml"; }
relayed() { ctl "$1" -o json counter list | jq 'map(select(.name == "relayed") | .value) | add // 0'; }
more_relayed() { (($(relayed "$1") > $2)); }
neighbours() { in_ns "$1" ip neigh show "$2" | grep -o 'lladdr [0-9a-f:]*'; }
begin_ping() {
    ip netns exec "$(ns "$1")" ping -n -q -i 0.02 -w "$3" "$2" >"$LAB_DIR/ping.$1" 2>&1 &
    pinging=$!
}
# lost: how many of the echoes came to nothing; fewer than the half.
lost() {
    wait "$pinging"
    local sent got
    read -r sent got < <(sed -n 's/^\([0-9]*\) packets transmitted, \([0-9]*\) received.*/\1 \2/p' "$LAB_DIR/ping.$1")
    DETAIL="$((sent - got)) of $sent echoes lost"
    ((got * 2 > sent))
}

check "diff says that it moves" grep -q 'node n.*moves from host r to host s' <(ctl t diff -f "$LAB_DIR/n-on-s.yaml" 2>&1)
seen_by_p=$(neighbours p 10.0.0.3)
seen_by_n=$(neighbours n 10.0.0.4)

# The old host first, then the new one, then the other.
ip netns exec "$(ns n)" iperf3 --server --one-off >"$LAB_DIR/iperf3.n" 2>&1 &
eventually 5 listens n 5201
ip netns exec "$(ns p)" iperf3 --json --interval 0.5 --time 5 --client 10.0.0.3 >"$LAB_DIR/iperf3.p" 2>&1 &
transfer=$!
begin_ping p 10.0.0.3 4
sleep 0.7
check "r, which has n, learns first that it moves to s" apply r s
plug s
check "then s" apply s s
check "r sends on what t still sends there" eventually 5 more_relayed r 0
check "t learns of it" apply t s
check "p's pings go on" lost p
check "r has sent on some packets" at_least "$(relayed r)" 1
check "TCP goes on to the end" wait "$transfer"
received() { jq '[.intervals[-3:][].sum.bytes] | add' "$LAB_DIR/iperf3.p"; }
check "and has not stopped" at_least "$(received)" 100000
check "p's ARP entry of n is as it was" same "$(neighbours p 10.0.0.3)" "$seen_by_p"
check "n's of p too" same "$(neighbours n 10.0.0.4)" "$seen_by_n"
check "q, on the old host, pings n" ping_all q 10.0.0.3 3
check "the router had nothing to filter" same "$(filtered f)" 0

# Back: the new host (now r) first, then the old one (s), then the other.
begin_ping p 10.0.0.3 3
sleep 0.5
relayed_before=$(relayed s)
check "n goes back; r learns first" apply r r
plug r
check "then s, which had it" apply s r
check "s sends on what t still sends there" eventually 5 more_relayed s "$relayed_before"
check "t learns of it" apply t r
check "p's pings go on" lost p
check "p's ARP entry of n is as it was" same "$(neighbours p 10.0.0.3)" "$seen_by_p"

# Who learns first still hears what n sends from where it was.
before=$(drops t source-not-proven)
capture at-p p eth0 icmp and src 10.0.0.3
check "t learns first that n moves again" apply t s
in_ns n ping -n -q -i 0.05 -c 10 -W 0.1 10.0.0.4 >/dev/null 2>&1
check "p hears n from where it still is" at_least "$(captured at-p | wc -l)" 10
check "nothing of it was refused" same "$(drops t source-not-proven)" "$before"
apply r s >/dev/null
plug s
apply s s >/dev/null
check "n is at s, and answers" eventually 5 ping_all p 10.0.0.3 2

# For how long, and for whom. The grace time ends with the last move of n.
forged() {
    local before
    before=$(drops s source-not-proven)
    in_ns f "$PYTHON" "$LAB_TOOLS/send.py" to-s "Ether(src='$(mac_of f to-s)', dst='$(mac_of s uplink0)')/IPv6(src='$2', dst='fd00::b:0:a001:a00:3', nh=97, hlim=60)/Raw(bytes.fromhex('3000')+raw(Ether(src='02:00:00:00:00:0d', dst='02:00:00:00:00:07')/IP(src='10.0.0.4', dst='10.0.0.3')/UDP(sport=1, dport=2)))" 3
    check "$1: source-not-proven" dropped s source-not-proven $((before + 3))
}
forged "relayed by a host that never had n" fd00::c:0:a001:a00:3
sleep 4.2
forged "relayed by the old host, after the grace time" fd00::a:0:a001:a00:3
late() { apply t r && sleep 0.1 && in_ns p ping -n -q -c 3 -i 0.1 -W 0.2 10.0.0.3; }
before=$(drops r moved-away)
late >/dev/null 2>&1
check "who comes to the old host so late is told nothing: moved-away" dropped r moved-away $((before + 3))
assert_books_balance r s t
lab_end
