#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "Two hosts on one wire, without a router: each answers for its locator (announce: on-link)"

# The wire is a bridge; f, a Linux machine, is on it as well.
make_ns r s wire
router f
ip_in wire link add wire mtu 1600 type bridge
ip_in wire link set wire up
for machine in r s f; do
    cable "$machine" uplink0 wire "$machine" 1600
    ip_in wire link set "$machine" master wire
done
ip_in f addr add fd00:0:0:ff::1/48 dev uplink0 nodad
node a r 02:00:00:00:00:0a 10.0.0.2/24
node g s 02:00:00:00:00:0b 10.0.0.3/24

topology net <<'YAML'
network: z
segments: [{ name: lan, id: 0x00a001, subnet: 10.0.0.0/24 }]
nodes:
  - { name: a, host: r, port: vm-a, segment: lan, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: g, host: s, port: vm-g, segment: lan, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
YAML
# host NAME LOCATOR NODE OTHER OTHER-LOCATOR. The on-link prefix is wide enough
# for both locators: nothing needs a route.
host() {
    configure "$1" "$(core "$6")" net.yaml <<YAML
substrate:
  locator: fd00:0:0:$2::/64
  announce: on-link
  ports: [uplink0]
  address: fd00:0:0:ff::$2/48
  mtu: 1600
hosts: [{ name: $4, locator: "fd00:0:0:$5::/64" }]
ports:
  - { name: uplink0, af_packet: uplink0 }
  - { name: vm-$3, af_packet: vm-$3 }
YAML
}
host r a a s b 0
host s b g r a 1
need "r's vswitch answers" start r
need "s's vswitch answers" start s

check "a pings g" eventually 5 ping_all a 10.0.0.3 3
check "and loses nothing" ping_all a 10.0.0.3 20
check "g pings a" ping_all g 10.0.0.2
check "r knows s by an address in its locator" neighbor_known r fd00:0:0:b::1
check "s knows r by one in its" neighbor_known s fd00:0:0:a::1
check "f pings r there: segment 0 is the host itself" ping_all f fd00:0:0:a::1
# solicited ADDRESS: f asks for it as for any neighbour, and learns whose it is.
solicited() {
    in_ns f ping -q -c 1 -W 1 "$1"
    ip_in f -j neigh show to "$1" | jq -r '.[].lladdr // empty'
}
check "r answers f's solicitation for a's substrate address" \
    same "$(solicited fd00::a:0:a001:a00:2 | tail -n 1)" "$(mac_of r uplink0)"
check "and s for g's" \
    same "$(solicited fd00::b:0:a001:a00:3 | tail -n 1)" "$(mac_of s uplink0)"
assert_books_balance r s
lab_end
