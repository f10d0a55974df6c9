#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "The worked example: VLANs P and Q, routers J and L, as configs/ has them and real tools see them"

# VLAN Q is front, tag 100; VLAN P is back, tag 200; far has none. X is a stranger
# on the fabric, at home in fd00:0:0:c::/64.
pair
make_ns x
uplink x f fd eth0
ip_in f -6 route add fd00:0:0:c::/64 via fd00:0:0:fd::c
source_filter f
cp "$REPOSITORY"/configs/topology-[yz].yaml "$LAB_DIR"
# Where the drawing gives no MAC, one is derived: docs/configuration.md.
j=00:01:42:09:88:73 l=00:01:42:cd:11:01 g_front=02:a1:0a:00:00:03 g_back=02:a2:0a:00:05:04
a=00:05:02:0b:27:44 h=00:00:7d:a2:34:11 c=02:a2:0a:00:05:01
node a r $a 10.0.0.2/24
node b r 02:b1:0a:00:00:02 10.0.0.2/24
node c r $c 10.0.5.1/24
node g s $g_back 10.0.5.4/24
node h s $h 10.1.5.3/24
tagged g front 100 10.0.0.3/24
ip_in g link set front address $g_front
ip_in a route add default via 10.0.0.1
ip_in h route add default via 10.1.5.1
for name in a b c; do echo "  - { name: vm-$name, af_packet: vm-$name }"; done | ports r
for name in g h; do echo "  - { name: vm-$name, af_packet: vm-$name }"; done | ports s
configure_pair
sed -i 's/net.yaml/topology-z.yaml, topology-y.yaml/' "$LAB_DIR/r.yaml"
sed -i 's/net.yaml/topology-z.yaml/' "$LAB_DIR/s.yaml"
start_pair

ttl_of() { in_ns "$1" ping -n -c 1 -W 2 "$2" | sed -n 's/.*ttl=\([0-9]*\).*/\1/p'; }
neighbor_of() { ip_in "$1" neigh show "$2" | sed -n 's/.*lladdr \([^ ]*\).*/\1/p'; }
# sees CAPTURE FILTER PATTERN: all frames that match FILTER are printed as PATTERN by
# tcpdump -e, and there are some.
sees() {
    local all as
    all=$(captured "$1" -e "$2")
    as=$(grep -cE "$3" <<<"$all")
    DETAIL=$(head -n 1 <<<"$all" | cut -d ' ' -f 2-)
    [[ -n $all && $as == $(wc -l <<<"$all") ]]
}

for name in a c g h; do capture "at-$name" "$name" eth0 icmp or 'vlan and icmp'; done
capture fabric f to-r icmp6 and 'ip6[40] == 128 or ip6[40] == 129'
check "A pings G" ping_all a 10.0.0.3 3
check "one layer-2 hop: the TTL is as sent" same "$(ttl_of a 10.0.0.3)" 64
check "A has G's MAC, not a router's" same "$(neighbor_of a 10.0.0.3)" $g_front
check "C pings G in back" ping_all c 10.0.5.4 3
check "A pings H" ping_all a 10.1.5.3 3
check "two routers: TTL - 2" same "$(ttl_of a 10.1.5.3)" 62
check "A has J's MAC for it" same "$(neighbor_of a 10.0.0.1)" $j
check "H has L's MAC for A" same "$(neighbor_of h 10.1.5.1)" $l

check "tcpdump at A: untagged to G's MAC" sees at-a 'icmp[0] == 8 and dst 10.0.0.3' "$a > $g_front, ethertype IPv4"
check "tcpdump at G: tagged Q from A's MAC" sees at-g 'vlan and icmp[0] == 8' "$a > $g_front, ethertype 802.1Q .*vlan 100, .*10.0.0.2 > 10.0.0.3"
check "tcpdump at A: the answer comes untagged" sees at-a 'icmp[0] == 0 and src 10.0.0.3' "$g_front > $a, ethertype IPv4"
check "tcpdump at G: P is native, untagged" sees at-g 'icmp and dst 10.0.5.4' "$c > $g_back, ethertype IPv4"
check "tcpdump at A: to H by J's MAC" sees at-a 'icmp[0] == 8 and dst 10.1.5.3' "$a > $j, ethertype IPv4"
check "tcpdump at H: from L's MAC, TTL 62" sees at-h 'icmp[0] == 8 and ip[8] == 62' "$l > $h, ethertype IPv4"
check "tcpdump at H: none with another TTL" same "$(captured at-h 'icmp[0] == 8 and ip[8] != 62' | wc -l)" 0

# between FROM TO: echo requests on the fabric with these addresses, all bare IPv6.
between() { sees fabric "src $1 and dst $2 and ip6[40] == 128" 'ethertype IPv6'; }
check "on the fabric, A to G" between fd00::a:0:a001:a00:2 fd00::b:0:a001:a00:3
check "on the fabric, C to G in back" between fd00::a:0:a002:a00:501 fd00::b:0:a002:a00:504
check "on the fabric, A to H" between fd00::a:0:a001:a00:2 fd00::b:0:a003:a01:503
check "no tag or label there: 56 bytes of ping are 118 with Ethernet and IPv6" \
    same "$(captured fabric -e | grep -vc 'length 118:')" 0
check "address decode says so, too" \
    same "$("$VSWITCHCTL" -o json address decode fd00::b:0:a001:a00:3 | jq -r '.segment_id + " " + .virtual_address')" '0x00a001 10.0.0.3'

for how in -I -U -T; do
    check "traceroute $how from A to H: J, L, H" \
        same "$(path a 10.1.5.3 "$how")" "10.0.0.1 10.1.5.1 10.1.5.3"
    check "traceroute $how from H to A: L, J, A" \
        same "$(path h 10.0.0.2 "$how")" "10.1.5.1 10.0.0.1 10.0.0.2"
done
check "traceroute from A to G: G" same "$(path a 10.0.0.3 -U)" 10.0.0.3
seen_by_mtr() { in_ns a mtr -n -r -c 2 -i 0.2 10.1.5.3 | awk '/\|--/ { printf "%s%s %s", sep, $2, $3; sep = ", " }'; }
check "mtr from A to H" same "$(seen_by_mtr)" "10.0.0.1 0.0%, 10.1.5.1 0.0%, 10.1.5.3 0.0%"
# answers NODE ADDRESS MAC: arping hears that MAC, and no other.
answers() {
    local macs
    macs=$(in_ns "$1" arping -c 2 -w 3 -I "${4:-eth0}" "$2" | sed -n 's/.*\[\(.*\)\].*/\1/p' | sort -u)
    same "${macs,,}" "$3"
}
check "arping from A: J" answers a 10.0.0.1 $j
check "arping from A: G" answers a 10.0.0.3 $g_front
check "arping from H: L" answers h 10.1.5.1 $l
check "arping from G in Q: A" answers g 10.0.0.2 $a front

ip_in b route add 10.0.0.0/8 dev eth0
check "B, tenant Y, has A's address: nothing of Z answers it" ping_none b 10.0.0.3
check "nor does a router of Z" ping_none b 10.0.0.1
# forge SOURCE: an echo request to G as a vswitch would have sent it.
forge() {
    send x "Ether(dst='$(mac_of f to-x)', src='$(mac_of x eth0)')
        /IPv6(src='$1', dst='fd00::b:0:a001:a00:3', fl=64<<12)/ICMPv6EchoRequest(id=666)" 5
}
filtered_is() { same "$(filtered f)" "$1"; }
before=$(filtered f)
forge fd00::c:0:a001:a00:2
check "a forger with A's address under another locator: spoofed" dropped s source-not-proven 5
forge fd00::a:0:a001:a00:2
check "with A's own substrate address: the fabric's source filter" eventually 5 filtered_is $((before + 5))
check "S has not seen those" dropped s source-not-proven 5
assert_books_balance r s
lab_end
