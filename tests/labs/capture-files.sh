#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "Capture files as ports, without DPDK: given these frames, exactly those come out"

make_ns r
topology net <<'YAML'
network: z
segments:
  - { name: front, id: 0x00a001, subnet: 10.0.0.0/24, vlan: 100, multicast: { snooping: false } }
  - { name: back, id: 0x00a002, subnet: 10.0.5.0/24, vlan: 200, multicast: { snooping: false } }
nodes:
  - { name: a, host: r, port: vm-a, segment: front, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - name: g
    host: r
    port: vm-g
    mac: "02:00:00:00:00:0b"
    link: { trunk: [front], native: back }
    interfaces: [{ segment: front, address: 10.0.0.3 }, { segment: back, address: 10.0.5.3 }]
YAML
configure r "$(core 0)" net.yaml <<'YAML'
substrate: { locator: "fd00:0:0:a::/64", ports: [uplink0], address: "fd00:0:0:ff::a/64", mtu: 1600 }
ports:
  - { name: uplink0, pcap: { transmit: uplink.out.pcap } }
  - { name: vm-a, pcap: { receive: a.in.pcap, transmit: a.out.pcap } }
  - { name: vm-g, pcap: { receive: g.in.pcap, transmit: g.out.pcap } }
YAML

frames() { "$PYTHON" "$LAB_TOOLS/frames.py" "$1" "$LAB_DIR/$2.pcap"; }
a='Ether(src="02:00:00:00:00:0a", dst="02:00:00:00:00:0b")'
g='Ether(src="02:00:00:00:00:0b", dst="02:00:00:00:00:0a")'
a_to_g='IP(src="10.0.0.2", dst="10.0.0.3", ttl=37, id=7)'
g_to_a='IP(src="10.0.0.3", dst="10.0.0.2", ttl=255, flags="DF", tos=184)'
frames write a.in <<FRAMES
Ether(src="02:00:00:00:00:0a", dst=BCAST)/ARP(op=1, hwsrc="02:00:00:00:00:0a", psrc="10.0.0.2", pdst="10.0.0.3")
$a/$a_to_g/ICMP(id=1, seq=1)/b"ping"
$a/$a_to_g/UDP(sport=1000, dport=2000)/b"odd"
$a/$a_to_g/UDP(sport=1000, dport=2000, chksum=0)/b"no sum"
$a/IP(src="10.0.0.9", dst="10.0.0.3")/UDP(sport=1000, dport=2000)/b"spoofed"
$a/Dot1Q(vlan=100)/$a_to_g/UDP()/b"tagged on an access link"
FRAMES
frames write g.in <<FRAMES
$g/Dot1Q(vlan=100)/$g_to_a/TCP(sport=80, dport=4000, flags="SA", options=[("MSS", 1460)])
$g/Dot1Q(vlan=100, prio=5)/$g_to_a/UDP(sport=1, dport=2)/b"with a priority"
$g/$g_to_a/UDP(sport=1, dport=2)/b"untagged is the other VLAN"
FRAMES

need "the vswitch answers" start r
check "without DPDK" same "$(ctl r -o json status | jq -r .dpdk)" null
received() { ctl r -o json books | jq '.whole.received'; }
all_received() { (($(received) >= 9)); }
check "all nine frames were read" eventually 10 all_received
assert_books_balance r
check "one of a's has another's address" dropped r spoofed-address 1 vm-a
check "one of g's has its address of the other VLAN" dropped r spoofed-address 1 vm-g
check "one of a's was tagged on an access link" dropped r tagged-on-access 1 vm-a
stop r
check "it ends with status 0" same "$?" 0

check "a gets the ARP answer, and g's frames without the tag" frames compare a.out <<FRAMES
Ether(src="02:00:00:00:00:0b", dst="02:00:00:00:00:0a")/ARP(op=2, hwsrc="02:00:00:00:00:0b", psrc="10.0.0.3", hwdst="02:00:00:00:00:0a", pdst="10.0.0.2")
$g/$g_to_a/TCP(sport=80, dport=4000, flags="SA", options=[("MSS", 1460)])
$g/$g_to_a/UDP(sport=1, dport=2)/b"with a priority"
FRAMES
check "g gets a's frames with the tag 100, to the bit" frames compare g.out <<FRAMES
$a/Dot1Q(vlan=100)/$a_to_g/ICMP(id=1, seq=1)/b"ping"
$a/Dot1Q(vlan=100)/$a_to_g/UDP(sport=1000, dport=2000)/b"odd"
$a/Dot1Q(vlan=100)/$a_to_g/UDP(sport=1000, dport=2000, chksum=0)/b"no sum"
FRAMES
check "the uplink saw no node's frame" same \
    "$(tcpdump -nr "$LAB_DIR/uplink.out.pcap" not icmp6 and not ip6 multicast 2>/dev/null | wc -l)" 0
lab_end
