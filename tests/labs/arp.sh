#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "ARP as on a real wire: requests, probes, announcements (RFC 826, RFC 5227)"

make_ns r
node a r 02:00:00:00:00:0a 10.0.0.2/24
node g r 02:00:00:00:00:0b 10.0.0.3/24

topology net <<'YAML'
network: z
segments: [{ name: lan, id: 0x00a001, subnet: 10.0.0.0/24 }]
routers:
  - name: j
    interfaces: [{ segment: lan, address: 10.0.0.1, mac: 00:01:42:09:88:73 }]
nodes:
  - { name: a, host: r, port: vm-a, segment: lan, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: g, host: r, port: vm-g, segment: lan, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
mappings:
  - { segment: lan, address: 10.0.0.9, locator: "fd00:0:0:d::/64", mac: "02:00:00:00:00:09" }
YAML
configure r "$(core 0)" net.yaml <<'YAML'
substrate: { locator: "fd00:0:0:a::/64", ports: [uplink0], address: "fd00:0:0:ff::a/64", mtu: 1600 }
ports:
  - { name: uplink0, memory: true }
  - { name: vm-a, af_packet: vm-a }
  - { name: vm-g, af_packet: vm-g }
YAML
need "the vswitch answers" start r

# who_has ADDRESS: the MAC that answers a's request.
who_has() { in_ns a arping -c 1 -w 2 -I eth0 "$1" | sed -n 's/.*\[\(.*\)\].*/\L\1/p'; }
# duplicate ADDRESS: does arping's duplicate detection (a probe) find somebody?
duplicate() { ! in_ns a arping -q -D -c 2 -w 2 -I eth0 "$1"; }

capture at-g g eth0 arp
check "g is answered for" same "$(who_has 10.0.0.3)" 02:00:00:00:00:0b
check "a logical router is answered for" same "$(who_has 10.0.0.1)" 00:01:42:09:88:73
check "a node on another host is answered for" same "$(who_has 10.0.0.9)" 02:00:00:00:00:09
check "an address nobody has is not" same "$(who_has 10.0.0.99)" ""
check "that is counted" at_least "$(drops r arp-no-such-address vm-a)" 1
check "a probe for g's address finds the conflict" duplicate 10.0.0.3
check "a probe for a's own address finds none" fails duplicate 10.0.0.2
before=$(drops r spoofed-arp vm-a)
in_ns a arping -q -U -c 2 -w 3 -I eth0 10.0.0.2
in_ns a arping -q -A -c 2 -w 3 -I eth0 10.0.0.2
check "a may announce itself" same "$(drops r spoofed-arp vm-a)" "$before"
check "nothing was flooded: g's wire was silent" same "$(captured at-g | wc -l)" 0
before=$(drops r arp-malformed vm-a)
send a "Ether(src='02:00:00:00:00:0a', dst=BCAST)/ARP(op=9, hwsrc='02:00:00:00:00:0a', psrc='10.0.0.2', pdst='10.0.0.3')" 3
check "an operation that does not exist is counted" dropped r arp-malformed $((before + 3)) vm-a
check "a pings g" ping_all a 10.0.0.3
assert_books_balance r
lab_end
