#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "Access, trunk and native, each with each, here and far away: a node sees its own link's tags, and no others"

# Senders and receivers on r, more receivers on s; the second letter is the link.
pair
number_of() { case $1 in sa) echo 11 ;; st) echo 12 ;; sn) echo 13 ;; ra) echo 21 ;; rt) echo 22 ;; rn) echo 23 ;; fa) echo 31 ;; ft) echo 32 ;; fn) echo 33 ;; esac; }
mac_of_node() { echo "02:00:00:00:00:$(number_of "$1")"; }
links=(a t n)
for from in s r f; do
    for link in "${links[@]}"; do
        name=$from$link
        host=r
        [[ $from == f ]] && host=s
        node "$name" "$host" "$(mac_of_node "$name")"
        if [[ $link == t ]]; then
            tagged "$name" front 100 "10.0.0.$(number_of "$name")/24"
            tagged "$name" back 200 "10.0.5.$(number_of "$name")/24"
        else
            ip_in "$name" addr add "10.0.0.$(number_of "$name")/24" dev eth0
            [[ $link == a ]] || tagged "$name" back 200 "10.0.5.$(number_of "$name")/24"
        fi
    done
done
# Two nodes behind one port, in one VLAN: the switch must send back what it got.
node p r 02:00:00:00:00:41 10.0.0.41/24
make_ns q
ip_in p link add link eth0 name eth1 netns "$(ns q)" type macvlan mode vepa
ip_in q link set eth1 address 02:00:00:00:00:42
ip_in q link set eth1 up
ip_in q addr add 10.0.0.42/24 dev eth1
# The address of sa, in another VLAN of its network, and in another network.
node w r 02:00:00:00:00:51 10.0.0.11/24
node v s 02:00:00:00:00:52 10.0.0.99/24
node b r 02:00:00:00:00:61 10.0.0.11/24
node x s 02:00:00:00:00:62 10.0.0.99/24

link_of() {
    case $1 in
        ?a) echo "segment: front, address: 10.0.0.$(number_of "$1")" ;;
        ?t) echo "link: { trunk: [front, back] }, interfaces: [{ segment: front, address: 10.0.0.$(number_of "$1") }, { segment: back, address: 10.0.5.$(number_of "$1") }]" ;;
        ?n) echo "link: { trunk: [back], native: front }, interfaces: [{ segment: front, address: 10.0.0.$(number_of "$1") }, { segment: back, address: 10.0.5.$(number_of "$1") }]" ;;
    esac
}
{
    cat <<'YAML'
network: z
segments:
  - { name: front, id: 0x00a001, subnet: 10.0.0.0/24, vlan: 100 }
  - { name: back, id: 0x00a002, subnet: 10.0.5.0/24, vlan: 200 }
  - { name: twin, id: 0x00a003, subnet: 10.0.0.0/24, vlan: 300 }
nodes:
YAML
    for name in sa st sn ra rt rn fa ft fn; do
        host=r
        [[ $name == f* ]] && host=s
        echo "  - { name: $name, host: $host, port: vm-$name, mac: \"$(mac_of_node "$name")\", $(link_of "$name") }"
    done
    cat <<'YAML'
  - { name: p, host: r, port: vm-p, segment: front, address: 10.0.0.41, mac: "02:00:00:00:00:41" }
  - { name: q, host: r, port: vm-p, segment: front, address: 10.0.0.42, mac: "02:00:00:00:00:42" }
  - { name: w, host: r, port: vm-w, segment: twin, address: 10.0.0.11, mac: "02:00:00:00:00:51" }
  - { name: v, host: s, port: vm-v, segment: twin, address: 10.0.0.99, mac: "02:00:00:00:00:52" }
---
network: y
segments: [{ name: lan, id: 0x00b001, subnet: 10.0.0.0/24, vlan: 100 }]
nodes:
  - { name: b, host: r, port: vm-b, segment: lan, address: 10.0.0.11, mac: "02:00:00:00:00:61" }
  - { name: x, host: s, port: vm-x, segment: lan, address: 10.0.0.99, mac: "02:00:00:00:00:62" }
YAML
} | topology net
for name in sa st sn ra rt rn p w b; do echo "  - { name: vm-$name, af_packet: vm-$name }"; done | ports r
for name in fa ft fn v x; do echo "  - { name: vm-$name, af_packet: vm-$name }"; done | ports s
configure_pair
start_pair

for name in sa st sn ra rt rn fa ft fn; do capture "at-$name" "$name" eth0 icmp or 'vlan and icmp'; done
capture fabric f to-r icmp6 and 'ip6[40] == 128 or ip6[40] == 129'
kind() { case $1 in ?a) echo access ;; ?t) echo trunk ;; ?n) echo native ;; esac; }
for from in sa st sn; do
    for to in ra rt rn fa ft fn; do
        check "$(kind $from) to $(kind $to), $([[ $to == f* ]] && echo on another host || echo on one host)" \
            ping_all "$from" "10.0.0.$(number_of "$to")" 2
    done
done
for to in rt rn ft fn; do
    check "in back, trunk to $(kind $to), tagged at both" ping_all st "10.0.5.$(number_of "$to")" 2
done
# tags_at NODE: how many frames without a tag, with that of front, of back.
tags_at() {
    local frames
    frames=$(captured "at-$1" -e)
    echo "$(grep -vc 'ethertype 802.1Q' <<<"$frames") $(grep -c 'vlan 100,' <<<"$frames") $(grep -c 'vlan 200,' <<<"$frames")"
}
# Each sender has six partners, each receiver three; two pings and two answers.
check "tcpdump at an access link: no tags" same "$(tags_at sa), $(tags_at ra), $(tags_at fa)" "24 0 0, 12 0 0, 12 0 0"
check "tcpdump at a trunk: tags on all" same "$(tags_at st), $(tags_at rt), $(tags_at ft)" "0 24 16, 0 12 4, 0 12 4"
check "tcpdump at a native link: front bare, back tagged" \
    same "$(tags_at sn), $(tags_at rn), $(tags_at fn)" "24 0 0, 12 0 4, 12 0 4"
# 18 in front, 4 + 4 in back: nothing but IPv6 right behind Ethernet.
check "no tag on the fabric" same "$(captured fabric -e | grep -c 'ethertype IPv6')" $((9 * 4 + 2 * 4))

neighbor_is() { same "$(ip_in "$1" neigh show "$2" | sed -n 's/.*lladdr \([^ ]*\).*/\1/p')" "$3"; }
check "two nodes behind one port, in one VLAN: p and q" ping_all p 10.0.0.42 2
check "the same address in another VLAN is another node" ping_all v 10.0.0.11 2
check "it is w's" neighbor_is v 10.0.0.11 02:00:00:00:00:51
check "the same address in another network, too" ping_all x 10.0.0.11 2
check "it is b's" neighbor_is x 10.0.0.11 02:00:00:00:00:61
check "in front it is sa's" neighbor_is ra 10.0.0.11 02:00:00:00:00:11

# sends NODE WHAT FRAME REASON
sends() {
    send "$1" "$3" 3
    check "$2: $4" dropped r "$4" 3 "vm-$1"
}
icmp="IP(src='10.0.0.12', dst='10.0.0.13')/ICMP()"
t="Ether(src='$(mac_of_node st)', dst='$(mac_of_node sn)')"
sends st "untagged on a trunk without a native VLAN" "$t/$icmp" untagged-on-trunk
sends st "a VLAN that is not on the trunk" "$t/Dot1Q(vlan=300)/$icmp" unknown-tag
sends st "two tags" "$t/Dot1Q(vlan=100)/Dot1Q(vlan=200)/$icmp" double-tagged
sends sa "a tag on an access link" \
    "Ether(src='$(mac_of_node sa)', dst='$(mac_of_node st)')/Dot1Q(vlan=100)/$icmp" tagged-on-access
assert_books_balance r s
lab_end
