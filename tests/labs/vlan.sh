#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "Access, trunk and native: each node sees the tags of its own link, and no others"

make_ns r
node a r 02:00:00:00:00:0a 10.0.0.2/24
node c r 02:00:00:00:00:0c 10.0.5.2/24
node g r 02:00:00:00:00:0b 10.0.5.3/24
node t r 02:00:00:00:00:0d
tagged g front 100 10.0.0.3/24
tagged t front 100 10.0.0.4/24
tagged t back 200 10.0.5.4/24

topology net <<'YAML'
network: z
segments:
  - { name: front, id: 0x00a001, subnet: 10.0.0.0/24, vlan: 100 }
  - { name: back, id: 0x00a002, subnet: 10.0.5.0/24, vlan: 200 }
nodes:
  - { name: a, host: r, port: vm-a, segment: front, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: c, host: r, port: vm-c, segment: back, address: 10.0.5.2, mac: "02:00:00:00:00:0c" }
  - name: g
    host: r
    port: vm-g
    mac: "02:00:00:00:00:0b"
    link: { trunk: [front], native: back }
    interfaces: [{ segment: front, address: 10.0.0.3 }, { segment: back, address: 10.0.5.3 }]
  - name: t
    host: r
    port: vm-t
    mac: "02:00:00:00:00:0d"
    link: { trunk: [front, back] }
    interfaces: [{ segment: front, address: 10.0.0.4 }, { segment: back, address: 10.0.5.4 }]
YAML
configure r "$(core 0)" net.yaml <<'YAML'
substrate: { locator: "fd00:0:0:a::/64", ports: [uplink0], address: "fd00:0:0:ff::a/64", mtu: 1600 }
ports:
  - { name: uplink0, memory: true }
  - { name: vm-a, af_packet: vm-a }
  - { name: vm-c, af_packet: vm-c }
  - { name: vm-g, af_packet: vm-g }
  - { name: vm-t, af_packet: vm-t }
YAML
need "the vswitch answers" start r

capture at-a a eth0 icmp or vlan
capture at-g g eth0 icmp or vlan and icmp
capture at-t t eth0 icmp or vlan and icmp
check "access to trunk: a pings t in front" ping_all a 10.0.0.4 5
check "access to trunk: c pings t in back" ping_all c 10.0.5.4 5
check "access to native: c pings g in back" ping_all c 10.0.5.3 5
check "access to trunk with a native VLAN: a pings g in front" ping_all a 10.0.0.3 5
check "trunk to trunk, tag 100: t pings g in front" ping_all t 10.0.0.3 5
check "trunk to native: t pings g in back" ping_all t 10.0.5.3 5

# frames_at NODE FILTER: how many ICMP frames were captured there.
frames_at() { captured "at-$1" "$2" | wc -l; }
check "a saw no tag" same "$(frames_at a icmp) $(frames_at a vlan)" "20 0"
check "t saw 100 and 200 and nothing untagged" \
    same "$(frames_at t 'vlan 100') $(frames_at t 'vlan 200') $(frames_at t icmp)" "20 20 0"
check "g saw 100 tagged, back untagged" \
    same "$(frames_at g 'vlan 100') $(frames_at g 'vlan 200') $(frames_at g icmp)" "20 0 20"

# sends NODE WHAT FRAME REASON
sends() {
    send "$1" "$3" 3
    check "$2: $4" dropped r "$4" 3 "vm-$1"
}
icmp="IP(src='10.0.0.4', dst='10.0.0.3')/ICMP()"
t="Ether(src='02:00:00:00:00:0d', dst='02:00:00:00:00:0b')"
sends t "untagged on a trunk without a native VLAN" "$t/$icmp" untagged-on-trunk
sends t "a VLAN that is not on the trunk" "$t/Dot1Q(vlan=300)/$icmp" unknown-tag
sends t "two tags" "$t/Dot1Q(vlan=100)/Dot1Q(vlan=200)/$icmp" double-tagged
sends a "a tag on an access link" \
    "Ether(src='02:00:00:00:00:0a', dst='02:00:00:00:00:0b')/Dot1Q(vlan=100)/$icmp" tagged-on-access
assert_books_balance r
lab_end
