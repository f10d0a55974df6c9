#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "A fabric of MTU 9000: jumbo packets at every limit"

# In lan the nodes believe in 9000, and there is room for 8980; in told they
# know; in roomy (8944) even raw frames have room.
pair 9000
node a r 02:00:00:00:00:0a 10.0.0.2/24 9000
node g s 02:00:00:00:00:0b 10.0.0.3/24 9000
node b r 02:00:00:00:01:0a 10.0.1.2/24 8980
node h s 02:00:00:00:01:0b 10.0.1.3/24 8980
node c r 02:00:00:00:02:0a 10.0.2.2/24 8944
node i s 02:00:00:00:02:0b 10.0.2.3/24 8944

topology net <<'YAML'
network: z
segments:
  - { name: lan, id: 0x00a001, subnet: 10.0.0.0/24, mtu: 8980 }
  - { name: told, id: 0x00a002, subnet: 10.0.1.0/24, mtu: 8980 }
  - { name: roomy, id: 0x00a003, subnet: 10.0.2.0/24, mtu: 8944 }
nodes:
  - { name: a, host: r, port: vm-a, segment: lan, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: g, host: s, port: vm-g, segment: lan, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
  - { name: b, host: r, port: vm-b, segment: told, address: 10.0.1.2, mac: "02:00:00:00:01:0a" }
  - { name: h, host: s, port: vm-h, segment: told, address: 10.0.1.3, mac: "02:00:00:00:01:0b" }
  - { name: c, host: r, port: vm-c, segment: roomy, address: 10.0.2.2, mac: "02:00:00:00:02:0a" }
  - { name: i, host: s, port: vm-i, segment: roomy, address: 10.0.2.3, mac: "02:00:00:00:02:0b" }
YAML
ports r <<'YAML'
  - { name: vm-a, af_packet: vm-a, mtu: 9000 }
  - { name: vm-b, af_packet: vm-b }
  - { name: vm-c, af_packet: vm-c }
YAML
ports s <<'YAML'
  - { name: vm-g, af_packet: vm-g, mtu: 9000 }
  - { name: vm-h, af_packet: vm-h }
  - { name: vm-i, af_packet: vm-i }
YAML
configure_pair 9000
start_pair
capture fabric f to-r 'net fd00:0:0:a::/64'
need "a pings g" eventually 5 ping_all a 10.0.0.3 1
limits() { ctl r -o json mtu check --to "$1" | jq -r '.[] | [.whole_bytes, .fragment_bytes, .raw_bytes, .verdict] | join(" ")'; }
check "vswitchctl says so of lan" same "$(limits 10.0.0.3)" "8980 8972 8944 tight"
check "and of roomy" same "$(limits 10.0.2.3)" "8944 8944 8944 ok"

check "8980 bytes with DF pass" fits a 10.0.0.3 8980
check "8981: told 8980" too_large a 10.0.0.3 8981 8980 192.0.0.8
check "9000: the same" too_large g 10.0.0.2 9000 8980 192.0.0.8
check "8944 with options (raw) pass" fits a 10.0.0.3 8944 -R
check "8945: told 8944" too_large a 10.0.0.3 8945 8944 192.0.0.8 -R
check "without DF 8980 bytes arrive whole" pieces a 10.0.0.3 8980 g 1
check "8981 in two pieces" pieces a 10.0.0.3 8981 g 2
check "the two fragments of 12000 in three pieces" pieces a 10.0.0.3 12000 g 3
check "tracepath finds 8980" traced a 10.0.0.3 8980
check "and back" traced g 10.0.0.2 8980

echo_server g
echo_server h
echo_server i
forget a g
check "lan: 60000-byte datagrams, both ways" echoed a udp 10.0.0.3 60000 5
forget a g
check "lan: the longest packets there are, 65535 bytes" ping_all a 10.0.0.3 3 -M dont -s 65507
check "lan: also of UDP, both ways" echoed a udp 10.0.0.3 65507 3
forget a g
check "lan: 4 MB of TCP, both ways, though both ends believe in 9000" echoed a tcp 10.0.0.3 4000000

check "told: 8980 bytes with DF pass" fits b 10.0.1.3 8980
check "told: tracepath finds 8980" traced b 10.0.1.3 8980
check "told: 60000-byte datagrams, both ways" echoed b udp 10.0.1.3 60000 5
check "told: 4 MB of TCP, both ways" echoed b tcp 10.0.1.3 4000000

capture sent c eth0 -Q out ip
capture received i eth0 -Q in ip
check "roomy: 8944 bytes with DF pass" fits c 10.0.2.3 8944
check "roomy: with options, too" fits c 10.0.2.3 8944 -R
check "roomy: 20000 bytes without DF" ping_all c 10.0.2.3 3 -M dont -s 20000
check "roomy: 60000-byte datagrams, both ways" echoed c udp 10.0.2.3 60000 5
check "roomy: nothing was cut or changed" same_packets sent received

check "no packet on the fabric was larger than 9000" nothing_above fabric 9000
assert_books_balance r s
lab_end
