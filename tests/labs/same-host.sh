#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "Two nodes on one host: a wire between them, and nothing reaches the fabric"

make_ns r
router f
uplink r f ff
node a r 02:00:00:00:00:0a 10.0.0.2/24
node b r 02:00:00:00:00:0b 10.0.0.3/24
node c r 02:00:00:00:00:0c 10.0.0.4/24
make_ns d e

topology net <<'YAML'
network: z
segments:
  - { name: lan, id: 0x00a001, subnet: 10.0.0.0/24 }
  - { name: other, id: 0x00a002, subnet: 10.0.0.0/24 }
nodes:
  - { name: a, host: r, port: vm-a, segment: lan, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: b, host: r, port: vm-b, segment: lan, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
  - { name: c, host: r, port: vm-c, segment: other, address: 10.0.0.4, mac: "02:00:00:00:00:0c" }
  - { name: d, host: r, port: vm-d, segment: lan, address: 10.0.0.5, mac: "02:00:00:00:00:0d" }
  - { name: e, host: r, port: vm-e, segment: lan, address: 10.0.0.6, mac: "02:00:00:00:00:0e" }
YAML
configure r "$(core 0)" net.yaml <<'YAML'
substrate:
  locator: fd00:0:0:a::/64
  ports: [uplink0]
  address: fd00:0:0:ff::a/64
  mtu: 1600
ports:
  - { name: uplink0, af_packet: uplink0 }
  - { name: vm-a, af_packet: vm-a }
  - { name: vm-b, af_packet: vm-b }
  - { name: vm-c, af_packet: vm-c }
  - { name: vm-d, tap: vm-d }
  - { name: vm-e, tap: vm-e }
YAML
need "the vswitch answers" start r
# A tap port's interface is made by the vswitch; it becomes the node's NIC.
adopt() {
    ip_in r link set "vm-$1" netns "$(ns "$1")" && ip_in "$1" link set "vm-$1" name eth0 &&
        ip_in "$1" link set eth0 address "$2" up && ip_in "$1" addr add "$3" dev eth0
}
check "d and e get taps" eval 'adopt d 02:00:00:00:00:0d 10.0.0.5/24 && adopt e 02:00:00:00:00:0e 10.0.0.6/24'

capture fabric f to-r net fd00:0:0:a::/64
capture at-b b eth0 icmp
check "a pings b" ping_all a 10.0.0.3 20
check "a's ARP table has b's MAC" \
    same "$(ip_in a -j neigh show to 10.0.0.3 | jq -r '.[].lladdr')" 02:00:00:00:00:0b
check "full-sized packets pass" ping_all a 10.0.0.3 3 -M 'do' -s 1472
check "from a veth to a tap and back" ping_all a 10.0.0.5
check "fragments pass, on one host" ping_all d 10.0.0.6 3 -s 4000
check "TTL 1 arrives: no hop is taken" ping_all a 10.0.0.3 1 -t 1
check "b sees the TTL that was sent" at_least "$(captured at-b -v | grep -c 'ttl 1,')" 1
check "the fabric saw none of it" same "$(captured fabric | wc -l)" 0
check "another segment of the same subnet is another world" ping_none a 10.0.0.4
check "each ARP for what is not there is counted" at_least "$(drops r arp-no-such-address vm-a)" 1
assert_books_balance r
lab_end
