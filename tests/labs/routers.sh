#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "Logical routers, as real tools see them: the worked example's J and L, and M on one host"

pair
node a r 00:05:02:0b:27:44 10.0.0.2/24
node c r 02:00:00:00:5a:51 10.0.5.1/24
node g s 02:00:00:00:5a:03 10.0.5.4/24
node h s 00:00:7d:a2:34:11 10.1.5.3/24
tagged g front 100 10.0.0.3/24
ip_in a route add default via 10.0.0.1
ip_in h route add default via 10.1.5.1
ip_in c route add default via 10.0.5.254

topology net <<'YAML'
network: z
entity: Z
segments:
  - { name: front, id: 0x00a001, subnet: 10.0.0.0/24, vlan: 100 }
  - { name: back, id: 0x00a002, subnet: 10.0.5.0/24, vlan: 200 }
  - { name: far, id: 0x00a003, subnet: 10.1.5.0/24 }
  - { name: link, id: 0x00a004, subnet: 10.9.0.0/30 }
routers:
  - name: j
    interfaces: [{ segment: front, address: 10.0.0.1, mac: 00:01:42:09:88:73 }]
    routes:
      - { to: 10.1.5.0/24, via: l }
      - { to: 10.0.5.0/24, via: 10.0.0.254 }
  - name: l
    interfaces:
      - { segment: far, address: 10.1.5.1, mac: 00:01:42:cd:11:01 }
      - { segment: link, address: 10.9.0.1 }
    routes:
      - { to: 10.0.0.0/24, via: j }
      - { to: 10.0.5.0/24, via: 10.9.0.2 }
  - name: m
    interfaces:
      - { segment: front, address: 10.0.0.254 }
      - { segment: back, address: 10.0.5.254 }
      - { segment: link, address: 10.9.0.2 }
    routes: [{ to: 10.1.5.0/24, via: l }]
nodes:
  - { name: a, host: r, port: vm-a, segment: front, address: 10.0.0.2, mac: 00:05:02:0b:27:44 }
  - { name: c, host: r, port: vm-c, segment: back, address: 10.0.5.1, mac: 02:00:00:00:5a:51 }
  - name: g
    host: s
    port: vm-g
    mac: 02:00:00:00:5a:03
    link: { trunk: [front], native: back }
    interfaces: [{ segment: front, address: 10.0.0.3 }, { segment: back, address: 10.0.5.4 }]
  - { name: h, host: s, port: vm-h, segment: far, address: 10.1.5.3, mac: 00:00:7d:a2:34:11 }
YAML
ports r <<'YAML'
  - { name: vm-a, af_packet: vm-a }
  - { name: vm-c, af_packet: vm-c }
YAML
ports s <<'YAML'
  - { name: vm-g, af_packet: vm-g }
  - { name: vm-h, af_packet: vm-h }
YAML
configure_pair
start_pair

# answered NODE TO: TTL of the answer to a ping.
answered() { in_ns "$1" ping -n -c 1 -W 2 "$2" | sed -n 's/.*ttl=\([0-9]*\).*/\1/p'; }
# complaint NODE TO: who says what of a ping that gets no answer.
complaint() {
    in_ns "$1" ping -n -c 1 -W 2 "$2" | sed -n 's/^From \([0-9.]*\).*seq=1 \(.*\)$/\1 \2/p'
}

capture at-h h eth0 icmp
capture fabric f to-r icmp6
check "A pings H, two routers and a fabric away" ping_all a 10.1.5.3 5
check "H pings A" ping_all h 10.0.0.2 5
check "H sees L's MAC, and two hops less" \
    at_least "$(captured at-h 'ether src 00:01:42:cd:11:01 and ip[8] == 62' | wc -l)" 10
check "the answer comes with two hops less" same "$(answered a 10.1.5.3)" 62
check "on the fabric: from front to far, and nothing else" \
    same "$(captured fabric 'ip6[40] == 128 and ip6[18:2] == 0xa001 and ip6[34:2] == 0xa003' | wc -l)" 6

for how in -I -U -T; do
    check "traceroute $how from A to H: J, L, H" \
        same "$(path a 10.1.5.3 "$how")" "10.0.0.1 10.1.5.1 10.1.5.3"
done
# foretold FROM TO: the addresses that route get tells of the way.
foretold() { ctl r -o json route get --from "$1" --to "$2" | jq -r '[.hops[].address, .destination.address] | join(" ")'; }
check "route get tells what traceroute shows" same "$(foretold 10.0.0.2 10.1.5.3)" "10.0.0.1 10.1.5.1 10.1.5.3"
check "from C to H too, by the segment that M and L share" \
    same "$(foretold 10.0.5.1 10.1.5.3)" "10.0.5.254 10.9.0.1 10.1.5.3"
# mtr shows the same, and loses nothing.
seen_by_mtr() { in_ns a mtr -n -r -c 2 -i 0.2 10.1.5.3 | awk '/\|--/ { printf "%s%s %s", sep, $2, $3; sep = ", " }'; }
check "mtr from A to H" same "$(seen_by_mtr)" "10.0.0.1 0.0%, 10.1.5.1 0.0%, 10.1.5.3 0.0%"
check "traceroute from H to A: L, J, A" same "$(path h 10.0.0.2 -I)" "10.1.5.1 10.0.0.1 10.0.0.2"
check "traceroute from C to H: M, L by the segment they share, H" \
    same "$(path c 10.1.5.3 -I)" "10.0.5.254 10.9.0.1 10.1.5.3"
check "traceroute from A to C, both on one host: J, M in the same segment, C" \
    same "$(path a 10.0.5.1 -U)" "10.0.0.1 10.0.0.254 10.0.5.1"
check "traceroute to a router ends there" same "$(path a 10.1.5.1 -U)" "10.0.0.1 10.1.5.1"

check "J answers pings" same "$(answered a 10.0.0.1)" 64
check "L answers pings, one hop behind J" same "$(answered a 10.1.5.1)" 63
check "J answers arping" in_ns a arping -q -c 2 -I eth0 10.0.0.1
check "C pings A through M, back through J and M" ping_all c 10.0.0.2 3
check "nobody has the address: L says so" \
    same "$(complaint a 10.1.5.99)" "10.1.5.1 Destination Host Unreachable"
check "nobody knows the way: J says so" \
    same "$(complaint a 8.8.8.8)" "10.0.0.1 Destination Net Unreachable"
check "too few hops: L says so" same \
    "$(in_ns a ping -n -c 1 -W 2 -t 2 10.1.5.3 | sed -n 's/^From \([0-9.]*\).*seq=1 \(.*\)$/\1 \2/p')" \
    "10.1.5.1 Time to live exceeded"
# A node is told at once that a router listens nowhere.
refused() { [[ $(in_ns a timeout 2 bash -c 'exec 3<>/dev/tcp/10.1.5.1/22' 2>&1) == *refused* ]]; }
check "a router refuses connections" refused

echo_server h
echo_server a
check "4 MB by TCP from A to H and back" echoed a tcp 10.1.5.3 4000000
check "4 MB by TCP from C to A, on one host" echoed c tcp 10.0.0.2 4000000
check "large datagrams, in fragments" in_ns a ping -n -q -c 3 -W 2 -s 5000 10.1.5.3

# A drawing with a circle is allowed, and said.
sed 's/{ to: 10.1.5.0\/24, via: l }\]/{ to: 10.1.5.0\/24, via: l }, { to: 10.7.0.0\/16, via: l }]/;
     s/{ to: 10.0.5.0\/24, via: 10.9.0.2 }/{ to: 10.0.5.0\/24, via: 10.9.0.2 }\n      - { to: 10.7.0.0\/16, via: m }/' \
    "$LAB_DIR/net.yaml" >"$LAB_DIR/circle.yaml"
circles() { ctl r apply --dry-run -f "$LAB_DIR/circle.yaml" 2>&1 || ctl r diff -f "$LAB_DIR/circle.yaml" 2>&1; }
told_of_circles() { [[ $(circles) == *"go round in circles: "*" -> "* ]]; }
check "a drawing with a circle is told so" told_of_circles
assert_books_balance r s
lab_end
