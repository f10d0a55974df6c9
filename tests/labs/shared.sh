#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "Shared addresses: keepalived fails over between nodes of one host and of two, with and without a virtual MAC"

pair
node a r 02:00:00:00:00:0a 10.0.0.2/24
node b r 02:00:00:00:00:0b 10.0.0.3/24
node p r 02:00:00:00:00:0e 10.0.0.5/24
node c s 02:00:00:00:00:0c 10.0.0.4/24
node q s 02:00:00:00:00:0f 10.0.0.6/24
topology net <<'YAML'
network: z
segments:
  - { name: front, id: 0x00a001, subnet: 10.0.0.0/24 }
nodes:
  - { name: a, host: r, port: vm-a, segment: front, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: b, host: r, port: vm-b, segment: front, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
  - { name: p, host: r, port: vm-p, segment: front, address: 10.0.0.5, mac: "02:00:00:00:00:0e" }
  - { name: c, host: s, port: vm-c, segment: front, address: 10.0.0.4, mac: "02:00:00:00:00:0c" }
  - { name: q, host: s, port: vm-q, segment: front, address: 10.0.0.6, mac: "02:00:00:00:00:0f" }
shared:
  - { address: 10.0.0.100, segment: front, nodes: [a, b, c] }
  - { address: 10.0.0.200, segment: front, nodes: [a, c], mac: "00:00:5e:00:01:c8" }
YAML
ports r <<'YAML'
  - { name: vm-a, af_packet: vm-a }
  - { name: vm-b, af_packet: vm-b }
  - { name: vm-p, af_packet: vm-p }
YAML
ports s <<'YAML'
  - { name: vm-c, af_packet: vm-c }
  - { name: vm-q, af_packet: vm-q }
YAML
configure_pair
for host in r s; do
    printf 'state: state-%s\n' "$host" >>"$LAB_DIR/$host.yaml"
done
start_pair

# keepalived_in NODE PRIORITY [PRIORITY]: for 10.0.0.100, and for 10.0.0.200 by
# the virtual MAC.
keepalived_in() {
    {
        printf 'global_defs { vrrp_version 3\n}\n'
        instance plain 100 "$2" ''
        [[ -z ${3:-} ]] || instance virtual 200 "$3" 'use_vmac vmac'
    } >"$LAB_DIR/$1.conf"
    ip netns exec "$(ns "$1")" keepalived -P -n -l -f "$LAB_DIR/$1.conf" \
        -p "$LAB_DIR/$1.keepalived" -r "$LAB_DIR/$1.vrrp" >>"$LAB_DIR/$1.log" 2>&1 &
}
instance() {
    cat <<CONF
vrrp_instance $1 {
    state BACKUP
    interface eth0
    virtual_router_id $2
    priority $3
    advert_int 0.2
    $4
    virtual_ipaddress { 10.0.0.$2/24 }
}
CONF
}
# is_at HOST ADDRESS PLACE: the host's mapping leads there, and was learned.
is_at() {
    ctl "$1" mapping list -o json | jq -e --arg address "$2" --arg host "$3" \
        '.[] | select(.address == $address and .host == $host and .origin == "learned")' >/dev/null
}
# everywhere ADDRESS PLACE: on both hosts.
everywhere() { is_at r "$1" "$2" && is_at s "$1" "$2"; }
# learned_mac NODE ADDRESS: what its kernel takes for the address's MAC.
learned_mac() { ip_in "$1" neigh show "$2" | sed -n 's/.* lladdr \([^ ]*\) .*/\1/p'; }
has() { ip_in "$1" -br addr | grep -q "10\.0\.0\.$2/"; }

check "nobody has the address before it is claimed" fails ping_all p 10.0.0.100 1
keepalived_in a 150 150
keepalived_in b 100
keepalived_in c 50 50
check "A becomes the master of both" eventually 10 eval 'has a 100 && has a 200'
check "both hosts know where they are" eventually 5 eval 'everywhere 10.0.0.100 r && everywhere 10.0.0.200 r'
for name in p q; do
    check "$name pings the shared address" ping_all "$name" 10.0.0.100 3
    check "$name pings the one with the virtual MAC" ping_all "$name" 10.0.0.200 3
    check "$name sees A's MAC, and the virtual one" same \
        "$(learned_mac $name 10.0.0.100) $(learned_mac $name 10.0.0.200)" \
        "02:00:00:00:00:0a 00:00:5e:00:01:c8"
done
check "A's pings from the shared address are answered" in_ns a ping -qnc 3 -i 0.1 -W 1 -I 10.0.0.100 10.0.0.6

# over NODE LABEL COMMAND...: pings the plain address from P and Q all the while,
# and says how many were lost.
over() {
    local label=$1 name pids=()
    shift
    for name in p q; do
        in_ns "$name" ping -qnD -i 0.05 -c 60 -W 1 10.0.0.100 >"$LAB_DIR/$name-$label.ping" 2>&1 &
        pids+=($!)
    done
    "$@"
    wait "${pids[@]}"
}
received() { sed -n 's/.* \([0-9]*\) received.*/\1/p' "$LAB_DIR/$1-$2.ping"; }

over one-host ip_in a link set eth0 down
check "B of the same host takes over" eval 'has b 100 && everywhere 10.0.0.100 r'
for name in p q; do
    check "$name loses what passes until B notices, no more" at_least "$(received $name one-host)" 35
    check "$name sees B's MAC" same "$(learned_mac $name 10.0.0.100)" 02:00:00:00:00:0b
done
check "C of the other host takes over the virtual MAC" eval 'has c 200 && everywhere 10.0.0.200 s'
check "P and Q reach it, and it is the same" eval \
    'ping_all p 10.0.0.200 3 && ping_all q 10.0.0.200 3 &&
     [[ $(learned_mac p 10.0.0.200) == 00:00:5e:00:01:c8 ]]'

over two-hosts ip_in b link set eth0 down
check "C of the other host takes over" eval 'has c 100 && everywhere 10.0.0.100 s'
for name in p q; do
    check "$name loses what passes until C notices, no more" at_least "$(received $name two-hosts)" 35
    check "$name sees C's MAC" same "$(learned_mac $name 10.0.0.100)" 02:00:00:00:00:0c
done

over back ip_in a link set eth0 up
check "A comes back and takes it again" eval 'everywhere 10.0.0.100 r && everywhere 10.0.0.200 r'
for name in p q; do
    check "$name loses next to nothing" at_least "$(received $name back)" 50
done
check "the moves are counted" at_least \
    "$(ctl s mapping list -o json | jq '.[] | select(.address == "10.0.0.100") | .learned.moves')" 2

# Who is not declared claims nothing; nor does the fabric.
send p "Ether(src='02:00:00:00:00:0e', dst=BCAST)/ARP(op=1, hwsrc='02:00:00:00:00:0e', psrc='10.0.0.100', pdst='10.0.0.100')" 2
check "P's claim is spoofed" dropped r spoofed-arp 2
check "and moves nothing" everywhere 10.0.0.100 r
# Without keepalived: an announcement alone is enough.
for name in a b c; do
    kill "$(cat "$LAB_DIR/$name.keepalived")"
done
eventually 10 eval '! has a 100' || give_up "keepalived does not end"
ip_in c addr add 10.0.0.100/32 dev eth0
in_ns c arping -qU -c 1 -I eth0 -s 10.0.0.100 10.0.0.100
check "arping -U moves it, too" eventually 3 everywhere 10.0.0.100 s
check "P reaches C" ping_all p 10.0.0.100 2

stop r
check "what was learned survives a restart" eval 'start r && everywhere 10.0.0.100 s'
assert_books_balance r
assert_books_balance s
lab_end
