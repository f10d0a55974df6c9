#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "Two routers lead to the other host: flows are spread, each keeps its way"

# A leaf switch (a bridge) on r's side has two routers behind it.
make_ns r s leaf
ip_in leaf link add leaf type bridge
ip_in leaf link set leaf mtu 1600 up
cable r uplink0 leaf to-r 1600
ip_in leaf link set to-r master leaf
for n in 1 2; do
    router "f$n"
    cable "f$n" west leaf "to-f$n" 1600
    ip_in leaf link set "to-f$n" master leaf
    ip_in "f$n" addr add "fd00:0:0:ff::$n/64" dev west nodad
    cable s "uplink$n" "f$n" east 1600
    ip_in "f$n" addr add "fd00:0:0:e$n::1/64" dev east nodad
    ip_in "f$n" -6 route add fd00:0:0:a::/64 via fd00:0:0:ff::a
    ip_in "f$n" -6 route add fd00:0:0:b::/64 via "fd00:0:0:e$n::b"
done
node a r 02:00:00:00:00:0a 10.0.0.2/24
node g s 02:00:00:00:00:0b 10.0.0.3/24

topology net <<'YAML'
network: z
segments: [{ name: lan, id: 0x00a001, subnet: 10.0.0.0/24 }]
nodes:
  - { name: a, host: r, port: vm-a, segment: lan, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: g, host: s, port: vm-g, segment: lan, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
YAML
configure r "$(core 0)" net.yaml <<'YAML'
substrate:
  locator: fd00:0:0:a::/64
  ports: [uplink0]
  address: fd00:0:0:ff::a/64
  routes: [{ to: "::/0", via: ["fd00:0:0:ff::1", "fd00:0:0:ff::2"] }]
  mtu: 1600
hosts: [{ name: s, locator: "fd00:0:0:b::/64" }]
ports:
  - { name: uplink0, af_packet: uplink0 }
  - { name: vm-a, af_packet: vm-a }
YAML
configure s "$(core 1)" net.yaml <<'YAML'
substrate:
  locator: fd00:0:0:b::/64
  uplinks:
    - { port: uplink1, address: fd00:0:0:e1::b/64, mtu: 1600, routes: [{ to: "::/0", via: "fd00:0:0:e1::1" }] }
    - { port: uplink2, address: fd00:0:0:e2::b/64, mtu: 1600, routes: [{ to: "::/0", via: "fd00:0:0:e2::1" }] }
hosts: [{ name: r, locator: "fd00:0:0:a::/64" }]
ports:
  - { name: uplink1, af_packet: uplink1 }
  - { name: uplink2, af_packet: uplink2 }
  - { name: vm-g, af_packet: vm-g }
YAML
need "r's vswitch answers" start r
need "s's vswitch answers" start s

check "a pings g" eventually 5 ping_all a 10.0.0.3 3
capture f1 f1 west src net fd00:0:0:a::/64
capture f2 f2 west src net fd00:0:0:a::/64
check "200 UDP flows leave" in_ns a "$PYTHON" -c '
import socket, time
# All open at once: a port that is free again would make two flows one.
flows = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(200)]
for flow in flows:
    for _ in range(3):
        flow.sendto(b"x", ("10.0.0.3", 9))
    time.sleep(0.002)
'
# The flow is what the fabric sees of it: the UDP source port.
flows() { captured "$1" udp | sed -n 's/.*a00:2\.\([0-9]*\) > .*/\1/p' | sort | uniq -c; }
flows f1 >"$LAB_DIR/flows1"
flows f2 >"$LAB_DIR/flows2"
check "f1 carries a fair part of the flows" at_least "$(wc -l <"$LAB_DIR/flows1")" 40
check "f2 carries a fair part of the flows" at_least "$(wc -l <"$LAB_DIR/flows2")" 40
check "no flow is split, no packet lost" \
    same "$(cat "$LAB_DIR"/flows[12] | awk '$1 == 3 { n++ } END { print n + 0 }')" 200
assert_books_balance r s
lab_end
