#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "The fabric's router goes away and comes back: nothing has to be restarted"

make_ns r s
router f
uplink r f ff
uplink s f fe
ip_in f -6 route add fd00:0:0:a::/64 via fd00:0:0:ff::a
ip_in f -6 route add fd00:0:0:b::/64 via fd00:0:0:fe::b
node a r 02:00:00:00:00:0a 10.0.0.2/24
node g s 02:00:00:00:00:0b 10.0.0.3/24

topology net <<'YAML'
network: z
segments: [{ name: lan, id: 0x00a001, subnet: 10.0.0.0/24 }]
nodes:
  - { name: a, host: r, port: vm-a, segment: lan, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: g, host: s, port: vm-g, segment: lan, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
YAML
# host NAME LOCATOR NET NODE OTHER OTHER-LOCATOR CORE
host() {
    configure "$1" "$(core "$7")" net.yaml <<YAML
substrate:
  locator: fd00:0:0:$2::/64
  ports: [uplink0]
  address: fd00:0:0:$3::$2/64
  routes: [{ to: "::/0", via: "fd00:0:0:$3::1" }]
  mtu: 1600
hosts: [{ name: $5, locator: "fd00:0:0:$6::/64" }]
ports:
  - { name: uplink0, af_packet: uplink0 }
  - { name: vm-$4, af_packet: vm-$4 }
YAML
}
host r a ff a s b 0
host s b fe g r a 1
need "r's vswitch answers" start r
need "s's vswitch answers" start s
need "a pings g" eventually 5 ping_all a 10.0.0.3

state() { ctl r -o json neighbor list | jq -r '.[] | select(.address == "fd00:0:0:ff::1") | .state'; }
state_is() { [[ $(state) == "$1" ]]; }
check "the router is known" neighbor_known r fd00:0:0:ff::1

# The router is silent, while its wire stays up.
in_ns f nft 'add table ip6 mute; add chain ip6 mute in { type filter hook prerouting priority -400; }; add rule ip6 mute in iifname "to-r" drop'
ip netns exec "$(ns a)" ping -q -i 0.2 -W 1 10.0.0.3 >/dev/null 2>&1 &
traffic=$!
# Reachable for at most 45 s, then 5 s of doubt, then three questions (RFC 4861
# §10): that long it may take.
check "its silence is noticed" eventually 75 state_is failed
sleep 1
kill "$traffic"
wait "$traffic" 2>/dev/null
check "what was sent meanwhile is counted" \
    at_least $(($(drops r neighbor-unreachable) + $(drops r no-route) + $(drops r hold-queue-full))) 1
assert_books_balance r s

in_ns f nft delete table ip6 mute
check "it speaks again: so do a and g" eventually 15 ping_all a 10.0.0.3 3
check "and lose nothing" ping_all a 10.0.0.3 20

ip_in f link set to-r down
sleep 1
check "with the wire cut nothing arrives" ping_none a 10.0.0.3 2
ip_in f link set to-r up
ip_in f addr replace fd00:0:0:ff::1/64 dev to-r nodad
ip_in f -6 route replace fd00:0:0:a::/64 via fd00:0:0:ff::a
check "the wire is mended: a and g speak again" eventually 30 ping_all a 10.0.0.3 3
check "and lose nothing" ping_all a 10.0.0.3 20
assert_books_balance r s
lab_end
