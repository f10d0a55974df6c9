#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "A fabric of MTU 1500: every packet that is too large is answered or cut, none is lost"

# Rewritten packets are 20 bytes longer on the fabric, fragments 28, raw ones 56.
# In lan nobody has told the nodes that there is room for 1480 bytes only; in
# told they know; in roomy (1444) even raw frames have room.
pair 1500
node a r 02:00:00:00:00:0a 10.0.0.2/24
node k r 02:00:00:00:00:0c 10.0.0.4/24
node g s 02:00:00:00:00:0b 10.0.0.3/24
node b r 02:00:00:00:01:0a 10.0.1.2/24 1480
node h s 02:00:00:00:01:0b 10.0.1.3/24 1480
node c r 02:00:00:00:02:0a 10.0.2.2/24 1444
node i s 02:00:00:00:02:0b 10.0.2.3/24 1444

topology net <<'YAML'
network: z
segments:
  - { name: lan, id: 0x00a001, subnet: 10.0.0.0/24, mtu: 1480 }
  - { name: told, id: 0x00a002, subnet: 10.0.1.0/24, mtu: 1480 }
  - { name: roomy, id: 0x00a003, subnet: 10.0.2.0/24, mtu: 1444 }
routers:
  - name: j
    interfaces: [{ segment: lan, address: 10.0.0.1, mac: "00:01:42:09:88:73" }]
nodes:
  - { name: a, host: r, port: vm-a, segment: lan, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: k, host: r, port: vm-k, segment: lan, address: 10.0.0.4, mac: "02:00:00:00:00:0c" }
  - { name: g, host: s, port: vm-g, segment: lan, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
  - { name: b, host: r, port: vm-b, segment: told, address: 10.0.1.2, mac: "02:00:00:00:01:0a" }
  - { name: h, host: s, port: vm-h, segment: told, address: 10.0.1.3, mac: "02:00:00:00:01:0b" }
  - { name: c, host: r, port: vm-c, segment: roomy, address: 10.0.2.2, mac: "02:00:00:00:02:0a" }
  - { name: i, host: s, port: vm-i, segment: roomy, address: 10.0.2.3, mac: "02:00:00:00:02:0b" }
YAML
ports r <<'YAML'
  - { name: vm-a, af_packet: vm-a, mtu: 1500 }
  - { name: vm-k, af_packet: vm-k, mtu: 1500 }
  - { name: vm-b, af_packet: vm-b }
  - { name: vm-c, af_packet: vm-c }
YAML
ports s <<'YAML'
  - { name: vm-g, af_packet: vm-g, mtu: 1500 }
  - { name: vm-h, af_packet: vm-h }
  - { name: vm-i, af_packet: vm-i }
YAML
configure_pair 1500
start_pair
capture fabric f to-r 'net fd00:0:0:a::/64'
need "a pings g" eventually 5 ping_all a 10.0.0.3 1
limits() { ctl r -o json mtu check --to "$1" | jq -r '.[] | [.whole_bytes, .fragment_bytes, .raw_bytes, .verdict] | join(" ")'; }
check "vswitchctl says so of lan" same "$(limits 10.0.0.3)" "1480 1472 1444 tight"
check "and of roomy" same "$(limits 10.0.2.3)" "1444 1444 1444 ok"

check "1480 bytes with DF pass" fits a 10.0.0.3 1480
check "1481: told 1480, by the segment's router" too_large a 10.0.0.3 1481 1480 10.0.0.1
check "1500: the same" too_large a 10.0.0.3 1500 1480 10.0.0.1
check "from the other side, too" too_large g 10.0.0.2 1481 1480 10.0.0.1
check "1444 with options (raw) pass" fits a 10.0.0.3 1444 -R
check "1445: told 1444" too_large a 10.0.0.3 1445 1444 10.0.0.1 -R
check "without DF 1480 bytes arrive whole" pieces a 10.0.0.3 1480 g 1
check "1481 in two pieces" pieces a 10.0.0.3 1481 g 2
check "1500 in two pieces" pieces a 10.0.0.3 1500 g 2
check "1445 with options in two pieces" pieces a 10.0.0.3 1445 g 2 -R
check "the three fragments of 4000 in five pieces" pieces a 10.0.0.3 4000 g 5
check "tracepath finds 1480" traced a 10.0.0.3 1480
check "and back" traced g 10.0.0.2 1480

check "on one host, too, 1480 bytes with DF pass" fits a 10.0.0.4 1480
check "1481: told 1480" too_large a 10.0.0.4 1481 1480 10.0.0.1
check "without DF 1481 bytes arrive in two pieces" pieces a 10.0.0.4 1481 k 2
check "tracepath finds 1480" traced a 10.0.0.4 1480

echo_server g
echo_server h
echo_server i
echo_server k
forget a g
check "lan: 60000-byte datagrams, both ways" echoed a udp 10.0.0.3 60000 5
forget a g
check "lan: the longest packets there are, 65535 bytes" ping_all a 10.0.0.3 3 -M dont -s 65507
check "lan: also of UDP, both ways" echoed a udp 10.0.0.3 65507 3
forget a g
check "lan: 4 MB of TCP, both ways, though both ends believe in 1500" echoed a tcp 10.0.0.3 4000000
forget a k
check "lan, one host: 60000-byte datagrams" echoed a udp 10.0.0.4 60000 5
forget a k
check "lan, one host: 4 MB of TCP" echoed a tcp 10.0.0.4 4000000

check "told: 1480 bytes with DF pass" fits b 10.0.1.3 1480
check "told: 1445 with options: told 1444, by nobody's address" too_large b 10.0.1.3 1445 1444 192.0.0.8 -R
check "told: tracepath finds 1480" traced b 10.0.1.3 1480
check "told: 60000-byte datagrams, both ways" echoed b udp 10.0.1.3 60000 5
check "told: 4 MB of TCP, both ways" echoed b tcp 10.0.1.3 4000000

capture sent c eth0 -Q out ip
capture received i eth0 -Q in ip
check "roomy: 1444 bytes with DF pass" fits c 10.0.2.3 1444
check "roomy: with options, too" fits c 10.0.2.3 1444 -R
check "roomy: 1444 and 8000 without DF" ping_all c 10.0.2.3 3 -M dont -s 8000
check "roomy: 60000-byte datagrams, both ways" echoed c udp 10.0.2.3 60000 5
check "roomy: nothing was cut or changed" same_packets sent received
check "roomy: tracepath finds 1444" traced c 10.0.2.3 1444

check "no packet on the fabric was larger than 1500" nothing_above fabric 1500
assert_books_balance r s
lab_end
