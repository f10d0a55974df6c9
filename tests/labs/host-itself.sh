#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "On the fabric a vswitch is an IPv6 host: it answers for itself, and for nothing else"

make_ns r
router f
uplink r f ff
ip_in f -6 route add fd00:0:0:a::/64 via fd00:0:0:ff::a

topology net <<'YAML'
network: z
segments: [{ name: lan, id: 0x00a001, subnet: 10.0.0.0/24 }]
nodes:
  - { name: a, host: r, port: vm-a, segment: lan, address: 10.0.0.2 }
YAML
configure r "$(core 0)" net.yaml <<'YAML'
substrate:
  locator: fd00:0:0:a::/64
  ports: [uplink0]
  address: fd00:0:0:ff::a/64
  routes: [{ to: "::/0", via: "fd00:0:0:ff::1" }]
  mtu: 1600
ports:
  - { name: uplink0, af_packet: uplink0 }
  - { name: vm-a, memory: true }
YAML
capture nd f to-r ip6
need "the vswitch answers" start r

check "f pings its address" eventually 5 ping_all f fd00:0:0:ff::a 10
check "with the largest packet that fits" ping_all f fd00:0:0:ff::a 3 -M 'do' -s 1552
link_local=$("$PYTHON" -c '
import ipaddress, sys
mac = bytes.fromhex(sys.argv[1].replace(":", ""))
eui = bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]
print(ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + eui))' "$(mac_of r uplink0)")
check "f pings its link-local address" ping_all f "$link_local%to-r"
check "f pings segment 0 of its locator" ping_all f fd00:0:0:a::1
check "nobody has the others: no answer" ping_none f fd00:0:0:ff::b
check "a tenant's address does not answer the fabric" ping_none f fd00::a:0:a001:a00:2
check "which is counted" dropped r source-not-proven 3 uplink0

check "it tried its address first (DAD)" \
    at_least "$(captured nd 'src host :: and ip6[40] == 135' | grep -c 'fd00:0:0:ff::a')" 1
check "it joined its solicited-node groups (MLDv2)" \
    at_least "$(captured nd 'ip6[48] == 143 or ip6[40] == 143' | grep -c 'multicast listener report')" 1

f=$(mac_of f to-r)
to_r="Ether(src='$f', dst='33:33:ff:00:00:0a')/IPv6(src='fd00:0:0:ff::1', dst='ff02::1:ff00:a'"
ask="ICMPv6ND_NS(tgt='fd00:0:0:ff::a')/ICMPv6NDOptSrcLLAddr(lladdr='$f')"
capture answers f to-r 'src host fd00:0:0:ff::a and ip6[40] == 136'
send f "$to_r, hlim=254)/$ask" 3 to-r
check "a solicitation that crossed a router is not answered" same "$(captured answers | wc -l)" 0
capture answers f to-r 'src host fd00:0:0:ff::a and ip6[40] == 136'
send f "$to_r, hlim=255)/$ask" 1 to-r
check "one from the link is" at_least "$(captured answers | wc -l)" 1
assert_books_balance r
lab_end
