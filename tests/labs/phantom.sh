#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "A tenant's own firewall: a Linux machine that forwards between segments, and for what is behind it"

# w, on s, is the tenant's firewall: on a trunk, between front and back; behind it
# is site, which nobody has drawn. v, on r, is another, with a NIC in either
# segment of its own.
pair
node a r 02:00:00:00:00:0a 10.0.0.2/24
node c r 02:00:00:00:00:0c 10.0.5.1/24
node h s 02:00:00:00:00:4a 10.0.5.3/24
node g s 02:00:00:00:00:07 10.0.0.3/24
node w s 02:00:00:00:00:77 10.0.0.9/24
tagged w back 200 10.0.5.9/24
make_ns site
cable w site site eth0
ip_in w addr add 192.168.77.1/24 dev site
ip_in site addr add 192.168.77.5/24 dev eth0
ip_in site route add default via 192.168.77.1
node v r 02:00:00:00:00:55 10.0.0.8/24
cable v eth1 r vm-v2
ip_in v link set eth1 address 02:00:00:00:00:56
ip_in v addr add 10.0.5.8/24 dev eth1
for firewall in w v; do
    # It forwards, and says nothing of better ways.
    set_sysctl "$firewall" net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 \
        net.ipv4.conf.default.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0 \
        net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv4.icmp_ratelimit=0
done
for node in a g; do
    ip_in "$node" route add 10.0.5.0/24 via 10.0.0.9
    ip_in "$node" route add default via 10.0.0.1
done
for node in c h; do
    ip_in "$node" route add default via 10.0.5.9
done

topology net <<'YAML'
network: z
entity: Z
segments:
  - { name: front, id: 0x00a001, subnet: 10.0.0.0/24, vlan: 100 }
  - { name: back, id: 0x00a002, subnet: 10.0.5.0/24, vlan: 200 }
  - { name: far, id: 0x00a003, subnet: 10.1.5.0/24 }
routers:
  - name: j
    interfaces: [{ segment: front, address: 10.0.0.1 }, { segment: far, address: 10.1.5.1 }]
    routes: [{ to: 0.0.0.0/0, via: 10.0.0.9 }]
nodes:
  - { name: a, host: r, port: vm-a, segment: front, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: c, host: r, port: vm-c, segment: back, address: 10.0.5.1, mac: "02:00:00:00:00:0c" }
  - { name: g, host: s, port: vm-g, segment: front, address: 10.0.0.3, mac: "02:00:00:00:00:07" }
  - { name: h, host: s, port: vm-h, segment: back, address: 10.0.5.3, mac: "02:00:00:00:00:4a" }
  - name: w
    host: s
    port: vm-w
    mac: "02:00:00:00:00:77"
    link: { trunk: [back], native: front }
    interfaces:
      - { segment: front, address: 10.0.0.9, forwards: [10.0.5.0/24, 192.168.77.0/24] }
      - { segment: back, address: 10.0.5.9, forwards: 0.0.0.0/0 }
  - { name: v1, host: r, port: vm-v, segment: front, address: 10.0.0.8, mac: "02:00:00:00:00:55", forwards: 10.0.5.0/24 }
  - { name: v2, host: r, port: vm-v2, segment: back, address: 10.0.5.8, mac: "02:00:00:00:00:56", forwards: 10.0.0.0/24, slot: 5 }
YAML
ports r <<'YAML'
  - { name: vm-a, af_packet: vm-a }
  - { name: vm-c, af_packet: vm-c }
  - { name: vm-v, af_packet: vm-v }
  - { name: vm-v2, af_packet: vm-v2 }
YAML
ports s <<'YAML'
  - { name: vm-g, af_packet: vm-g }
  - { name: vm-h, af_packet: vm-h }
  - { name: vm-w, af_packet: vm-w }
YAML
configure_pair
start_pair
need "a reaches w itself" ping_all a 10.0.0.9 2

# Through w, which is on the other host, and back.
capture at-c c eth0 icmp
capture fabric f to-r icmp6
check "a pings c, both on r, through w on s" ping_all a 10.0.5.1 5
check "c sees w's MAC, and one hop less" \
    same "$(captured at-c 'ether src 02:00:00:00:00:77 and src 10.0.0.2 and ip[8] == 63' | wc -l)" 5
# Slot 9: the last six bits of w's 10.0.0.9 and 10.0.5.9. 9 << 2 | forward is 0x26.
check "on the fabric: to w for c, by w for a" same \
    "$(captured fabric 'ip6[40] == 128 and ip6[32:4] == 0x2600a001 and ip6[36:4] == 0x0a000501' | wc -l) $(
        captured fabric 'ip6[40] == 128 and ip6[16:4] == 0x2600a002 and ip6[20:4] == 0x0a000002' | wc -l)" "5 5"
check "h, on w's host, pings a" ping_all h 10.0.0.2 3
check "h pings g, all three on one host" ping_all h 10.0.0.3 3
for how in -I -U -T; do
    check "traceroute $how from a to c: w, c" same "$(path a 10.0.5.1 "$how")" "10.0.0.9 10.0.5.1"
done
check "traceroute from h to g, on one host: w, g" same "$(path h 10.0.0.3)" "10.0.5.9 10.0.0.3"

echo_server a
echo_server c
check "4 MB by TCP from a to c and back" echoed a tcp 10.0.5.1 4000000
check "4 MB by TCP from h to a and back" echoed h tcp 10.0.0.2 4000000
check "large datagrams, in fragments" in_ns a ping -n -q -c 3 -W 2 -s 5000 10.0.5.1
check "record route, which goes raw" in_ns a ping -n -R -q -c 2 -W 2 10.0.5.1

# What is behind w, and drawn nowhere: by a logical router's default route.
check "a pings what is behind w: by router j" ping_all a 192.168.77.5 3
check "traceroute: j, w, the site" same "$(path a 192.168.77.5)" "10.0.0.1 10.0.0.9 192.168.77.5"
check "the site's traceroute to a: w, a" same "$(path site 10.0.0.2)" "192.168.77.1 10.0.0.2"
echo_server site
check "1 MB by TCP from g to the site and back" echoed g tcp 192.168.77.5 1000000
check "1 MB by TCP from the site to a and back" echoed site tcp 10.0.0.2 1000000
check "an error from behind w comes through: nobody listens" \
    same "$(in_ns a traceroute -n -q 1 -w 2 -U -p 9999 192.168.77.5 | awk 'END { print $2 }')" 192.168.77.5

# A path of 1400 bytes between the hosts: told to w, which tells the site, and a.
ip_in f link set to-r mtu 1400
larger() { in_ns "$1" ping -n -M "do" -c 4 -i 0.3 -W 1 -s 1400 "$2"; }
told() { larger "$1" "$2" 2>&1 | grep -c "mtu = 13[0-9][0-9]\|mtu=13[0-9][0-9]"; }
check "the site hears of a narrow fabric" at_least "$(told site 10.0.0.2)" 1
check "its TCP goes on" echoed site tcp 10.0.0.2 300000
ip_in f link set to-r mtu 1600

# The other firewall, by its two NICs.
ip_in a route replace 10.0.5.0/24 via 10.0.0.8
ip_in c route replace default via 10.0.5.8
check "a pings c through v, all on one host" ping_all a 10.0.5.1 3
check "traceroute: v, c" same "$(path a 10.0.5.1)" "10.0.0.8 10.0.5.1"
ip_in g route replace 10.0.5.0/24 via 10.0.0.8
check "g pings c through v on the other host" ping_all g 10.0.5.1 3

# What it does not stand for, it cannot send: here …
sends() {
    local before
    before=$(drops s spoofed-address vm-w)
    send w "$2" 3
    check "w sends $1: spoofed-address" dropped s spoofed-address $((before + 3)) vm-w
}
to_a="Ether(src='02:00:00:00:00:77', dst='02:00:00:00:00:0a')"
sends "as 8.8.8.8" "$to_a/IP(src='8.8.8.8', dst='10.0.0.2')/ICMP()"
sends "as g, in front itself" "$to_a/IP(src='10.0.0.3', dst='10.0.0.2')/ICMP()"
sends "as a loopback" "$to_a/IP(src='127.0.0.1', dst='10.0.0.2')/ICMP()"
# … and on the fabric: forged with w's locator, slot and segment.
forged() {
    local before
    before=$(drops r source-not-proven)
    in_ns f "$PYTHON" "$LAB_TOOLS/send.py" to-r "Ether(src='$(mac_of f to-r)', dst='$(mac_of r uplink0)')/IPv6(src='$2', dst='fd00::a:0:a001:a00:2', hlim=60)/UDP(sport=1, dport=2)" 3
    check "forged on the fabric, $1: source-not-proven" dropped r source-not-proven $((before + 3))
}
capture forged-at-a a eth0 udp port 2
forged "an address w does not stand for" fd00::b:2600:a001:808:808
forged "a slot nobody has" fd00::b:2a00:a001:a00:501
forged "another host's locator" fd00::c:2600:a001:a00:501
forged "without the forward bit" fd00::b:2400:a001:a00:501
check "a has seen none of it" same "$(captured forged-at-a | wc -l)" 0

# What is seen of it.
check "interface list says what w forwards for" same "$(ctl s -o json interface list |
    jq -r '.[] | select(.node == "w" and .segment.name == "front") | "\(.forwards | join(" ")) \(.slot)"')" \
    "10.0.5.0/24 192.168.77.0/24 9"
check "mapping list says which are phantom routers" same "$(ctl r -o json mapping list |
    jq -r '[.[] | select(.kind == "phantom") | "\(.name) \(.slot)"] | join(", ")')" "v1 8, w 9, v2 5, w 9"
check "route get knows who passes it on" same \
    "$(ctl r -o json route get --from 10.0.0.2 --to 192.168.77.5 | jq -r '"\(.end) \(.destination.name)"')" "forwarded w"
check "address decode names the one in the slot" same \
    "$(ctl r -o json address decode fd00::b:2600:a001:a00:501 | jq -r '"\(.slot) \(.forward) \(.owner.kind) \(.owner.name)"')" \
    "9 true phantom w"
assert_books_balance r s
lab_end
