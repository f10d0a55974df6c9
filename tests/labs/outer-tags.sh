#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "Providers' outer tags and MPLS labels: a segment is what it is, whatever a link calls it"

# The links' frames are 4 or 8 bytes longer than their segment's MTU says.
pair
node a r 02:00:00:00:00:0a 10.0.0.2/24
node l r 02:00:00:00:00:0b '' 1508
node q s 02:00:00:00:00:0c '' 1508
node o s 02:00:00:00:00:0d '' 1508
tagged l front label:1000 10.0.0.3/24
tagged l back label:2000 10.0.5.3/24
tagged q front 0x88a8:300/100 10.0.0.4/24
tagged q back 0x88a8:300/200 10.0.5.4/24
tagged o front 0x88a8:301 10.0.0.5/24
# A provider's tag, and inside of it a label.
node n r 02:00:00:00:00:0e '' 1508
tagged n back 0x88a8:302/label:2000 10.0.5.5/24

topology net <<'YAML'
network: z
segments:
  - { name: front, id: 0x00a001, subnet: 10.0.0.0/24, vlan: 100, label: 1000 }
  - { name: back, id: 0x00a002, subnet: 10.0.5.0/24, vlan: 200, label: 2000 }
routers:
  - name: j
    interfaces: [{ segment: front, address: 10.0.0.1 }, { segment: back, address: 10.0.5.1 }]
nodes:
  - { name: a, host: r, port: vm-a, segment: front, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - name: l
    host: r
    port: vm-l
    mac: "02:00:00:00:00:0b"
    link: { trunk: [front, back], by: label }
    interfaces: [{ segment: front, address: 10.0.0.3 }, { segment: back, address: 10.0.5.3 }]
  - name: q
    host: s
    port: vm-q
    mac: "02:00:00:00:00:0c"
    link: { trunk: [front, back], outer: { vlan: 300, tpid: 0x88a8 } }
    interfaces: [{ segment: front, address: 10.0.0.4 }, { segment: back, address: 10.0.5.4 }]
  - { name: o, host: s, port: vm-o, link: { outer: 301 }, segment: front, address: 10.0.0.5, mac: "02:00:00:00:00:0d" }
  - name: n
    host: r
    port: vm-n
    mac: "02:00:00:00:00:0e"
    link: { trunk: [back], by: label, outer: 302 }
    interfaces: [{ segment: back, address: 10.0.5.5 }]
YAML
ports r <<'YAML'
  - { name: vm-a, af_packet: vm-a }
  - { name: vm-l, af_packet: vm-l }
  - { name: vm-n, af_packet: vm-n }
YAML
ports s <<'YAML'
  - { name: vm-q, af_packet: vm-q }
  - { name: vm-o, af_packet: vm-o }
YAML
configure_pair
start_pair

for name in l q o n; do capture "at-$name" "$name" eth0; done
capture fabric f to-r ip6
check "access to label, on one host" ping_all a 10.0.0.3 3
check "access to double tag, across the fabric" ping_all a 10.0.0.4 3
check "access to outer tag alone" ping_all a 10.0.0.5 3
check "label to double tag" ping_all l 10.0.0.4 3
check "double tag to label, in the other segment" ping_all q 10.0.5.3 3
check "double tag to outer tag, on one host" ping_all q 10.0.0.5 3
check "label to label in a provider's tag" ping_all l 10.0.5.5 3
check "a router between a label and another: its TTL" \
    same "$(in_ns l ping -n -c 1 -W 2 10.0.0.1 | sed -n 's/.*ttl=\([0-9]*\).*/\1/p')" 64
check "the largest packet, by label and by double tag" ping_all l 10.0.0.4 2 -s 1472 -M "do"
check "larger ones, in fragments" ping_all l 10.0.0.4 2 -s 4000
echo_server q
check "1 MB by TCP from label to double tag and back" echoed l tcp 10.0.0.4 1000000

# count NAME PATTERN [PATTERN]: of what tcpdump prints, lines that have both.
count() { captured "at-$1" -e | grep "$2" | grep -c "${3:-}"; }
none() { same "$(captured "at-$1" -e | grep -vcE "$2")" 0; }
check "tcpdump at l: labels 1000 and 2000, one entry each" \
    at_least $(($(count l 'MPLS (label 1000, tc 0, \[S\]' ) > 0 ? $(count l 'MPLS (label 2000, tc 0, \[S\]') : 0)) 6
check "and nothing else but ARP without labels" none l 'MPLS \(label (1000|2000), tc 0, \[S\]|ethertype ARP'
check "tcpdump at q: 802.1ad 300, and in it 802.1Q 100 and 200" \
    at_least $(($(count q '802.1Q-QinQ.*vlan 300' 'vlan 100,') > 0 ? $(count q '802.1Q-QinQ.*vlan 300' 'vlan 200,') : 0)) 6
check "and nothing else" none q '802.1Q-QinQ .*vlan 300,.*vlan (100|200),'
check "tcpdump at o: 802.1ad 301 alone" none o '802.1Q-QinQ .*vlan 301, p 0, ethertype (IPv4|ARP)'
check "tcpdump at n: 802.1ad 302, and in it the label" \
    at_least "$(count n '802.1Q-QinQ.*vlan 302' 'label 2000')" 6
check "on the fabric none of it: IPv6 right behind Ethernet" \
    same "$(captured fabric -e | grep -vc 'ethertype IPv6')" 0

# sends NODE WHAT FRAME REASON
sends() {
    send "$1" "$3" 3
    check "$2: $4" dropped "$5" "$4" 3 "vm-$1"
}
to_a="dst='02:00:00:00:00:0a'"
icmp="IP(src='10.0.0.3', dst='10.0.0.2')/ICMP()"
l="Ether(src='02:00:00:00:00:0b', $to_a, type=0x8847)"
sends l "another label" "$l/Raw(struct.pack('!I', 3000 << 12 | 0x140))/$icmp" unknown-tag r
sends l "two labels" "$l/Raw(struct.pack('!II', 1000 << 12 | 0x40, 16 << 12 | 0x140))/$icmp" label-malformed r
sends l "no label" "Ether(src='02:00:00:00:00:0b', $to_a)/$icmp" untagged-on-trunk r
q="Ether(src='02:00:00:00:00:0c', dst='02:00:00:00:00:0d')"
sends q "another provider's tag" "$q/Dot1AD(vlan=301)/Dot1Q(vlan=100)/$icmp" unknown-tag s
sends a "two tags where the link has none" \
    "Ether(src='02:00:00:00:00:0a', $to_a)/Dot1AD(vlan=300)/Dot1Q(vlan=100)/$icmp" double-tagged r

shows() { [[ $(ctl "$1" interface list) == *"$2"* ]]; }
check "interface list shows the label" shows r "label 1000"
check "interface list shows both tags" shows s "100 in 0x88a8 300"
assert_books_balance r s
lab_end
