#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "What a node must not claim to be, counted by reason"

make_ns r
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
substrate: { locator: "fd00:0:0:a::/64", ports: [uplink0], address: "fd00:0:0:ff::a/64", mtu: 1600 }
ports:
  - { name: uplink0, memory: true }
  - { name: vm-a, af_packet: vm-a }
  - { name: vm-g, af_packet: vm-g }
YAML
need "the vswitch answers" start r
need "a pings g" ping_all a 10.0.0.3

# sends WHAT FRAME REASON: a sends it four times, and it is counted so.
sends() {
    local before
    before=$(drops r "$3" vm-a)
    send a "$2" 4
    check "$1: $3" dropped r "$3" $((before + 4)) vm-a
}
mac=02:00:00:00:00:0a
to_g="Ether(src='$mac', dst='02:00:00:00:00:0b')"
icmp="IP(src='10.0.0.2', dst='10.0.0.3')/ICMP(id=7)"
arp="Ether(src='$mac', dst=BCAST)/ARP(op=1, hwsrc='$mac', psrc='10.0.0.2', pdst='10.0.0.3')"

capture at-g g eth0
sends "g's MAC as source" "Ether(src='02:00:00:00:00:0b', dst='02:00:00:00:00:0b')/$icmp" unknown-mac
sends "a MAC nobody has" "Ether(src='02:00:00:00:00:99', dst='02:00:00:00:00:0b')/$icmp" unknown-mac
sends "a group as source" "Ether(src='03:00:00:00:00:0a', dst='02:00:00:00:00:0b')/$icmp" source-mac-invalid
sends "g's IP address" "$to_g/IP(src='10.0.0.3', dst='10.0.0.3')/ICMP()" spoofed-address
sends "an address nobody has" "$to_g/IP(src='10.0.0.77', dst='10.0.0.3')/UDP(dport=9)" spoofed-address
sends "no address, and not DHCP" "$to_g/IP(src='0.0.0.0', dst='10.0.0.3')/UDP(dport=9)" spoofed-address
sends "ARP as g" "${arp/psrc=\'10.0.0.2\'/psrc=\'10.0.0.3\'}" spoofed-arp
sends "ARP with g's MAC inside" "${arp/hwsrc=\'$mac\'/hwsrc=\'02:00:00:00:00:0b\'}" spoofed-arp
sends "an ARP reply that gives g's address away" \
    "${to_g}/ARP(op=2, hwsrc='$mac', psrc='10.0.0.3', hwdst='02:00:00:00:00:0b', pdst='10.0.0.3')" spoofed-arp
sends "a tag on an access link" "Ether(src='$mac', dst='02:00:00:00:00:0b')/Dot1Q(vlan=5)/$icmp" tagged-on-access
sends "IPv6" "$to_g/IPv6(src='fe80::1', dst='fe80::2')/ICMPv6EchoRequest()" ipv6-not-yet
sends "an unknown protocol" "Ether(src='$mac', dst='02:00:00:00:00:0b', type=0x88b5)/Raw(b'x' * 46)" ethertype-not-allowed
check "g has seen nothing" same "$(captured at-g | wc -l)" 0
check "a itself still pings g" ping_all a 10.0.0.3
assert_books_balance r
lab_end
