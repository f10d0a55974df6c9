#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "Fragments pass as they are, and nobody on the way puts them together"

# veth and tap, on one host and on two.
pair 1600
node a r 02:00:00:00:00:0a 10.0.0.2/24
node k r 02:00:00:00:00:0c 10.0.0.4/24
node g s 02:00:00:00:00:0b 10.0.0.3/24
make_ns t u

topology net <<'YAML'
network: z
segments: [{ name: lan, id: 0x00a001, subnet: 10.0.0.0/24 }]
nodes:
  - { name: a, host: r, port: vm-a, segment: lan, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: k, host: r, port: vm-k, segment: lan, address: 10.0.0.4, mac: "02:00:00:00:00:0c" }
  - { name: t, host: r, port: vm-t, segment: lan, address: 10.0.0.6, mac: "02:00:00:00:00:0e" }
  - { name: g, host: s, port: vm-g, segment: lan, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
  - { name: u, host: s, port: vm-u, segment: lan, address: 10.0.0.7, mac: "02:00:00:00:00:0f" }
YAML
ports r <<'YAML'
  - { name: vm-a, af_packet: vm-a }
  - { name: vm-k, af_packet: vm-k }
  - { name: vm-t, tap: vm-t }
YAML
ports s <<'YAML'
  - { name: vm-g, af_packet: vm-g }
  - { name: vm-u, tap: vm-u }
YAML
configure_pair 1600
start_pair
need "t and u get taps" eval 'adopt t r 02:00:00:00:00:0e 10.0.0.6/24 && adopt u s 02:00:00:00:00:0f 10.0.0.7/24'
need "a pings g" eventually 5 ping_all a 10.0.0.3 1

# Fragments as no kernel makes them. FROM, TO: addresses; ether: their MACs.
cat >"$LAB_DIR/fragments" <<'FRAMES'
[ether/f for f in fragment(IP(src=FROM, dst=TO, id=1)/UDP(sport=5, dport=9)/Raw(random.randbytes(3000)), fragsize=1480)]
[ether/f for f in fragment(IP(src=FROM, dst=TO, id=2, flags="DF")/UDP(sport=5, dport=9)/Raw(random.randbytes(3000)), fragsize=1000)]
[ether/IP(src=FROM, dst=TO, id=3, flags="MF+DF", frag=n, proto=17)/Raw(random.randbytes(64)) for n in (0, 8, 16)]
[ether/f for f in fragment(IP(src=FROM, dst=TO, id=4)/TCP(sport=5, dport=9, flags="R")/Raw(random.randbytes(100)), fragsize=8)]
[ether/f for f in fragment(IP(src=FROM, dst=TO, id=5)/ICMP(type=0)/Raw(random.randbytes(900)), fragsize=200)]
[ether/f for f in reversed(fragment(IP(src=FROM, dst=TO, id=6)/UDP(sport=5, dport=9)/Raw(random.randbytes(900)), fragsize=200))]
[ether/f for f in fragment(IP(src=FROM, dst=TO, id=7)/UDP(sport=5, dport=9)/Raw(random.randbytes(900)), fragsize=200) for again in (1, 2)]
[ether/IP(src=FROM, dst=TO, id=8, flags="MF", frag=n, proto=17)/Raw(random.randbytes(160)) for n in (0, 10, 5, 0, 15)]
[ether/IP(src=FROM, dst=TO, id=9, frag=n, proto=17)/Raw(random.randbytes(7)) for n in (1, 100, 185)]
[ether/IP(src=FROM, dst=TO, id=10, flags="MF", frag=n, proto=17)/Raw(random.randbytes(8)) for n in range(20)]
[ether/IP(src=FROM, dst=TO, id=11, flags="MF", frag=n, proto=17)/Raw(random.randbytes(13)) for n in (0, 2)]
[ether/IP(src=FROM, dst=TO, id=12, frag=8189, proto=17)/Raw(random.randbytes(n)) for n in (3, 24, 500)]
[ether/IP(src=FROM, dst=TO, id=13, flags=f, frag=n, proto=17) for f in (0, "MF") for n in (1, 200)]
[ether/IP(src=FROM, dst=TO, id=14, flags="MF", frag=0, proto=p)/Raw(random.randbytes(64)) for p in (0, 1, 6, 33, 43, 44, 47, 50, 51, 58, 59, 60, 97, 132, 135, 136, 139, 140, 253)]
[ether/IP(src=FROM, dst=TO, id=15, frag=8, proto=p)/Raw(random.randbytes(64)) for p in (0, 1, 6, 33, 43, 44, 47, 50, 51, 58, 59, 60, 97, 132, 135, 136, 139, 140, 253)]
[ether/f for f in fragment(IP(src=FROM, dst=TO, id=16, options=IPOption(b"\x94\x04\x00\x00"))/UDP(sport=5, dport=9)/Raw(random.randbytes(900)), fragsize=200)]
[ether/IP(src=FROM, dst=TO, id=n, flags="MF", frag=0, ttl=n % 255 + 1, tos=n % 256, proto=17)/Raw(random.randbytes(1480)) for n in (0, 1, 0x8000, 0xffff)]
FRAMES
mac_of_node() { mac_of "$1" eth0; }
address_of() { ip_in "$1" -4 -j addr show eth0 | jq -r '.[].addr_info[0].local'; }
# crafted FROM TO: these fragments, from node to node, arrive as they were.
crafted() {
    local from to
    from=$(address_of "$1") to=$(address_of "$2")
    capture sent "$1" eth0 -Q out ip and src host "$from" and dst host "$to"
    capture received "$2" eth0 -Q in ip and src host "$from" and dst host "$to"
    sed "s/FROM/'$from'/g; s/TO/'$to'/g; s/ether/Ether(src='$(mac_of_node "$1")', dst='$(mac_of_node "$2")')/g" \
        "$LAB_DIR/fragments" | send_all "$1" || return
    same_packets sent received
}
check "crafted: veth to veth over the fabric" crafted a g
check "crafted: veth to veth on one host" crafted a k
check "crafted: veth to tap over the fabric" crafted a u
check "crafted: tap to veth over the fabric" crafted t g
check "crafted: tap to tap over the fabric" crafted t u
check "crafted: veth to tap on one host" crafted a t
check "crafted: tap to veth on one host" crafted t a

# Fragments as kernels make them: a's route has MTU 576, the others' have 1500.
for node in g k t u; do
    echo_server "$node"
done
ip_in a route change 10.0.0.0/24 dev eth0 src 10.0.0.2 mtu 576
for pair in "g veth over the fabric" "k veth on one host" "u tap over the fabric" "t tap on one host"; do
    read -r node what <<<"$pair"
    to=$(address_of "$node")
    capture sent a eth0 -Q out udp and dst host "$to"
    capture received "$node" eth0 -Q in udp and src host 10.0.0.2
    check "a's kernel to $what: 60000-byte datagrams come back" echoed a udp "$to" 60000 3
    check "in the fragments that a made" same_packets sent received
    check "4000-byte pings are answered" ping_all a "$to" 3 -s 4000
done
check "tap to tap over the fabric: 60000-byte datagrams" echoed t udp "$(address_of u)" 60000 3
check "no checksum was wrong" same "$(checksum_errors a) $(checksum_errors t)" "0 0"
assert_books_balance r s
lab_end
