#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "Truncated, malformed and random frames on every port: counted drops, and nothing else"

make_ns r
router f
uplink r f ff
ip_in f -6 route add fd00:0:0:a::/64 via fd00:0:0:ff::a
node a r 02:00:00:00:00:0a 10.0.0.2/24
node g r 02:00:00:00:00:0b 10.0.0.3/24

topology net <<'YAML'
network: z
segments: [{ name: lan, id: 0x00a001, subnet: 10.0.0.0/24 }]
nodes:
  - { name: a, host: r, port: vm-a, segment: lan, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: g, host: r, port: vm-g, segment: lan, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
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
  - { name: vm-a, af_packet: vm-a }
  - { name: vm-g, af_packet: vm-g }
YAML
need "the vswitch answers" start r
need "a pings g" ping_all a 10.0.0.3

received() { ctl r -o json books | jq --arg port "$1" '[.inputs[] | select(.port == $port).received] | add // 0'; }
# storm NODE IF MAC COUNT: random frames to MAC, and good ones with random damage.
storm() { in_ns "$1" "$PYTHON" "$LAB_TOOLS/storm.py" "$2" "$3" "$4"; }
got_all() { (($(received "$1") >= $2)); }

before=$(received vm-a)
check "a sends 20000 of them" storm a eth0 02:00:00:00:00:0b 20000
check "all were received" eventually 10 got_all vm-a $((before + 20000))
before=$(received uplink0)
check "f sends 20000 of them" storm f to-r "$(mac_of r uplink0)" 20000
check "all were received" eventually 10 got_all uplink0 $((before + 20000))
check "the vswitch is the same as before" same "$(ctl r -o json status | jq .pid)" "$(pid_of r)"
check "a still pings g" ping_all a 10.0.0.3
check "f still pings r" ping_all f fd00:0:0:ff::a
assert_books_balance r
lab_end
