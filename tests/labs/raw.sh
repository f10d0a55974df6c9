#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "Raw frames: only vswitches send them, only what is allowed is in them"

# The fabric may carry 1556: room for a raw frame with 1500 bytes in it, not for more.
pair 1556
node a r 02:00:00:00:00:0a 10.0.0.2/24 1556
node g s 02:00:00:00:00:0b 10.0.0.3/24 1556
node b r 02:00:00:00:01:0a 10.0.1.2/24
node h s 02:00:00:00:01:0b 10.0.1.3/24

topology net <<'YAML'
network: z
segments:
  - { name: lan, id: 0x00a001, subnet: 10.0.0.0/24, ethertypes: [0x88b5] }
  - { name: plain, id: 0x00a002, subnet: 10.0.1.0/24 }
nodes:
  - { name: a, host: r, port: vm-a, segment: lan, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: k, host: r, port: vm-k, segment: lan, address: 10.0.0.4, mac: "02:00:00:00:00:0c" }
  - { name: g, host: s, port: vm-g, segment: lan, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
  - { name: b, host: r, port: vm-b, segment: plain, address: 10.0.1.2, mac: "02:00:00:00:01:0a" }
  - { name: h, host: s, port: vm-h, segment: plain, address: 10.0.1.3, mac: "02:00:00:00:01:0b" }
YAML
ports r <<'YAML'
  - { name: vm-a, af_packet: vm-a, mtu: 1556 }
  - { name: vm-k, memory: true }
  - { name: vm-b, af_packet: vm-b }
YAML
ports s <<'YAML'
  - { name: vm-g, af_packet: vm-g, mtu: 1556 }
  - { name: vm-h, af_packet: vm-h }
YAML
configure_pair 1556
start_pair
need "a pings g" eventually 5 ping_all a 10.0.0.3 1
need "b pings h" eventually 5 ping_all b 10.0.1.3 1

# Another ethertype where the segment allows it.
to_g="Ether(src='02:00:00:00:00:0a', dst='02:00:00:00:00:0b', type=0x88b5)"
capture sent a eth0 -Q out ether proto 0x88b5
capture received g eth0 -Q in ether proto 0x88b5
check "frames of ethertype 0x88b5 leave a" send_all a <<FRAMES
[$to_g/Raw(random.randbytes(n)) for n in (46, 47, 100, 1499, 1500)]
FRAMES
check "g gets them as they were" same_packets sent received
send a "$to_g/Raw(b'x' * 1501)" 3
check "one byte more than the fabric carries: raw-too-big" dropped r raw-too-big 3 vm-a
send a "${to_g/88b5/88b6}/Raw(b'x' * 46)" 3
check "0x88b6: ethertype-not-allowed" dropped r ethertype-not-allowed 3 vm-a
send b "Ether(src='02:00:00:00:01:0a', dst='02:00:00:00:01:0b', type=0x88b5)/Raw(b'x' * 46)" 3
check "0x88b5 in a segment that does not allow it: ethertype-not-allowed" dropped r ethertype-not-allowed 3 vm-b

# A node that sends what looks like one: just another protocol.
inner="Ether(src='02:00:00:00:00:0b', dst='02:00:00:00:00:0a')/IP(src='10.0.0.3', dst='10.0.0.2', options=IPOption(b'\x94\x04\x00\x00'))/UDP(dport=9)"
capture sent a eth0 -Q out 'ip proto 97'
capture received g eth0 -Q in ip and src host 10.0.0.2 or src host 10.0.0.3
check "a node sends EtherIP to another" send_all a <<FRAMES
Ether(src='02:00:00:00:00:0a', dst='02:00:00:00:00:0b')/IP(src='10.0.0.2', dst='10.0.0.3', proto=97)/Raw(b'\x30\x00' + raw($inner))
FRAMES
check "it arrives as that, and is not opened" same_packets sent received

# Forgers on the fabric, whom no source filter stops.
a=fd00::a:0:a001:a00:2 g=fd00::b:0:a001:a00:3
capture at-a a eth0 -Q in ip or ether proto 0x88b5
# forge WHAT REASON OUTER-SOURCE OUTER-DESTINATION BYTES: five of them, dropped and counted.
forge() {
    local before total
    before=$(drops r "$2" uplink0)
    total=$(all_drops)
    send f "Ether(src='$(mac_of f to-r)', dst='$(mac_of r uplink0)')/IPv6(src='$3', dst='$4', nh=97, fl=64<<12)/Raw($5)" 5 to-r
    check "$1: $2" dropped r "$2" $((before + 5)) uplink0 ||
        printf '      %s\n' "$(ctl r counter list --drops --port uplink0)"
    check "... and for no other reason" same "$(all_drops)" $((total + 5))
}
all_drops() { ctl r -o json counter list --drops --port uplink0 | jq '[.[].value] | add // 0'; }
etherip="b'\x30\x00' + raw"
forge "a source whose locator is not g's" source-not-proven fd00::c:0:a001:a00:3 $a "$etherip($inner)"
forge "a source that is nobody" source-not-proven fd00::b:0:a001:a00:63 $a "$etherip($inner)"
forge "an inner MAC that is not g's" raw-not-proven $g $a "$etherip(${inner/00:0b/00:0c})"
forge "an inner address that is not g's" raw-not-proven $g $a "$etherip(${inner/0.3/0.4})"
forge "an inner destination that is not a" raw-not-proven $g $a "$etherip(${inner/0.2/0.4})"
forge "another version of EtherIP" raw-malformed $g $a "b'\x40\x00' + raw($inner)"
forge "a reserved bit of EtherIP" raw-malformed $g $a "b'\x30\x01' + raw($inner)"
forge "nothing behind EtherIP's header" raw-malformed $g $a "b'\x30\x00'"
forge "half an Ethernet header" raw-malformed $g $a "b'\x30\x00' + raw($inner)[:10]"
forge "half an IPv4 header" truncated $g $a "b'\x30\x00' + raw($inner)[:25]"
forge "IPv6 inside" ethertype-not-allowed $g $a "$etherip(Ether(src='02:00:00:00:00:0b', dst='02:00:00:00:00:0a')/IPv6()/UDP())"
forge "a tag inside" raw-malformed $g $a "$etherip(${inner/\/IP(/\/Dot1Q(vlan=5)\/IP(})"
forge "ARP inside" ethertype-not-allowed $g $a "$etherip(Ether(src='02:00:00:00:00:0b', dst='02:00:00:00:00:0a')/ARP(op=2, hwsrc='02:00:00:00:00:0b', psrc='10.0.0.3'))"
forge "an ethertype that lan does not allow" ethertype-not-allowed $g $a "$etherip(Ether(src='02:00:00:00:00:0b', dst='02:00:00:00:00:0a', type=0x88b6)/Raw(b'x' * 46))"
check "a has seen none of them" same "$(captured at-a | wc -l)" 0
capture at-a a eth0 -Q in ip
send f "Ether(src='$(mac_of f to-r)', dst='$(mac_of r uplink0)')/IPv6(src='$g', dst='$a', nh=97, fl=64<<12)/Raw($etherip($inner))" 5 to-r
check "one as s would have sent it arrives: only the fabric's source filter stops that" same "$(captured at-a | wc -l)" 5
assert_books_balance r s
lab_end
