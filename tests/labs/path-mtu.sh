#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "A narrow link inside the fabric: its router says so once, and nothing falls into a hole"

# r and s and all the nodes believe in 1500; between the routers f and f2 there
# is room for 1400: 1380 rewritten, 1372 as a fragment, 1344 raw.
make_ns r s
router f
router f2
uplink r f ff uplink0 1500
uplink s f2 fe uplink0 1500
cable f east f2 west 1400
ip_in f addr add fd00:0:0:fd::1/64 dev east nodad
ip_in f2 addr add fd00:0:0:fd::2/64 dev west nodad
ip_in f -6 route add fd00:0:0:a::/64 via fd00:0:0:ff::a
ip_in f -6 route add ::/0 via fd00:0:0:fd::2
ip_in f2 -6 route add fd00:0:0:b::/64 via fd00:0:0:fe::b
ip_in f2 -6 route add ::/0 via fd00:0:0:fd::1
node a r 02:00:00:00:00:0a 10.0.0.2/24 1480
node g s 02:00:00:00:00:0b 10.0.0.3/24 1480

topology net <<'YAML'
network: z
segments: [{ name: lan, id: 0x00a001, subnet: 10.0.0.0/24, mtu: 1480 }]
nodes:
  - { name: a, host: r, port: vm-a, segment: lan, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: g, host: s, port: vm-g, segment: lan, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
YAML
ports r <<<'  - { name: vm-a, af_packet: vm-a }'
ports s <<<'  - { name: vm-g, af_packet: vm-g }'
configure_pair 1500
start_pair
echo_server g
capture fabric f east 'net fd00:0:0:a::/64'
capture learned f to-r 'icmp6 and ip6[40] == 2'
need "a pings g" eventually 5 ping_all a 10.0.0.3 1

# learned HOST: the path MTU that it has learned and still believes, in bytes.
learned() { ctl "$1" -o json mtu check --to "$(other "$1")" | jq -r '.[].learned_mtu_bytes // empty'; }
other() { [[ $1 == r ]] && echo 10.0.0.3 || echo 10.0.0.2; }

check "r has learned nothing yet" same "$(learned r)" ""
check "all is well, says vswitchctl: status 0" ctl r mtu check
check "1480 bytes with DF: f says 1400, a is told 1380" too_large a 10.0.0.3 1480 1380 192.0.0.8
check "r has learned 1400" same "$(learned r)" 1400
narrow() {
    local found
    found=$(ctl r -o json mtu check --to 10.0.0.3)
    same "$? $(jq -r '.[] | [.whole_bytes, .fragment_bytes, .raw_bytes, .verdict] | join(" ")' <<<"$found")" \
        "1 1380 1372 1344 narrow"
}
check "vswitchctl says what that means, and status 1" narrow
check "1380 bytes with DF pass" fits a 10.0.0.3 1380
check "1381: r itself says 1380, at once" too_large a 10.0.0.3 1381 1380 192.0.0.8
check "1345 with options (raw): told 1344" too_large a 10.0.0.3 1345 1344 192.0.0.8 -R
check "1344 with options pass" fits a 10.0.0.3 1344 -R
check "f had to say it once" same "$(captured learned | wc -l)" 1

check "from g, without DF: the first is lost, s learns" ping_none g 10.0.0.2 1 -M dont -s 1452
check "s has learned 1400" same "$(learned s)" 1400
check "g was told nothing: it had allowed to fragment" same "$(path_mtu g 10.0.0.2)" ""
check "now such packets arrive in two pieces" pieces g 10.0.0.2 1480 a 2
check "and a's" pieces a 10.0.0.3 1480 g 2
check "tracepath finds 1380" traced a 10.0.0.3 1380
check "and back" traced g 10.0.0.2 1380
check "60000-byte datagrams, both ways" echoed a udp 10.0.0.3 60000 5
forget a g
check "4 MB of TCP, both ways, both sides knowing" echoed a tcp 10.0.0.3 4000000
assert_books_balance r s

# Once more, and nobody knows anything: TCP, UDP and raw packets find out.
renew() {
    local host
    for host in r s; do
        stop "$host" && start "$host" || return
    done
    forget a g
    eventually 10 ping_all a 10.0.0.3 1
}
need "both start anew" renew
check "they have forgotten" same "$(learned r)$(learned s)" ""
check "4 MB of TCP, both ways, nobody knowing" echoed a tcp 10.0.0.3 4000000
check "both have learned" same "$(learned r) $(learned s)" "1400 1400"
need "both start anew" renew
check "of five 60000-byte datagrams one or two are lost until both know" echoed a udp 10.0.0.3 60000 5 2
need "both start anew" renew
check "1444 bytes with options, with DF: f says 1400, a is told 1344" too_large a 10.0.0.3 1444 1344 192.0.0.8 -R
check "r has learned 1400" same "$(learned r)" 1400

# What f did not say of r's own packets is not believed, and nothing below 1280.
# told MTU SOURCE DESTINATION: a Packet Too Big about a packet between these two.
told() {
    send f "Ether(src='$(mac_of f to-r)', dst='$(mac_of r uplink0)')/IPv6(src='fd00:0:0:ff::1', dst='$2')
        /ICMPv6PacketTooBig(mtu=$1)/IPv6(src='$2', dst='$3', fl=(64<<12)|(1<<11), plen=1460)
        /ICMPv6EchoRequest(data=b'x'*100)" 1 to-r
}
need "both start anew" renew
check "a Packet Too Big about a node that is not there" told 1300 fd00::a:0:a001:a00:63 fd00::b:0:a001:a00:3
check "one about a destination that is not there" told 1300 fd00::a:0:a001:a00:2 fd00::b:0:a001:a00:63
check "r has learned nothing" same "$(learned r)" ""
check "one that says 600" told 600 fd00::a:0:a001:a00:2 fd00::b:0:a001:a00:3
check "1260 bytes with DF pass, as on any IPv6 fabric" fits a 10.0.0.3 1260

check "no packet on the narrow link was larger than 1400" nothing_above fabric 1400
assert_books_balance r s
lab_end
