#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "When the fabric cannot deliver: host unreachable, from an address of the drawn network"

pair 1600
node a r 02:00:00:00:00:0a 10.0.0.2/24
node g s 02:00:00:00:00:0b 10.0.0.3/24
node b r 02:00:00:00:01:0a 10.0.1.2/24
node h s 02:00:00:00:01:0b 10.0.1.3/24

topology net <<'YAML'
network: z
segments:
  - { name: lan, id: 0x00a001, subnet: 10.0.0.0/24 }
  - { name: routed, id: 0x00a002, subnet: 10.0.1.0/24 }
routers:
  - name: j
    interfaces: [{ segment: routed, address: 10.0.1.1, mac: "00:01:42:09:88:73" }]
nodes:
  - { name: a, host: r, port: vm-a, segment: lan, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: g, host: s, port: vm-g, segment: lan, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
  - { name: b, host: r, port: vm-b, segment: routed, address: 10.0.1.2, mac: "02:00:00:00:01:0a" }
  - { name: h, host: s, port: vm-h, segment: routed, address: 10.0.1.3, mac: "02:00:00:00:01:0b" }
YAML
ports r <<'YAML'
  - { name: vm-a, af_packet: vm-a }
  - { name: vm-b, af_packet: vm-b }
YAML
ports s <<'YAML'
  - { name: vm-g, af_packet: vm-g }
  - { name: vm-h, af_packet: vm-h }
YAML
configure_pair 1600
start_pair
need "a pings g" eventually 5 ping_all a 10.0.0.3 1
need "b pings h" eventually 5 ping_all b 10.0.1.3 1

# The fabric's router refuses packets to s from now on, in these words of nft.
refuse() {
    in_ns f nft -f - <<NFT
table ip6 refusal
delete table ip6 refusal
table ip6 refusal {
    chain before {
        type filter hook prerouting priority raw; policy accept;
        ip6 daddr fd00:0:0:b::/64 $1
    }
    chain forward {
        type filter hook forward priority filter; policy accept;
        ip6 daddr fd00:0:0:b::/64 ${2:-accept}
    }
}
NFT
}
accept_again() { in_ns f nft delete table ip6 refusal; }

# unreachable NODE ADDRESS FROM: an echo with TTL 37 is answered by FROM with ICMP
# 3/1, and what it quotes is the packet as the node sent it.
unreachable() {
    local node=$1 to=$2 from=$3 answer found
    capture "error-$node" "$node" eth0 -Q in icmp
    answer=$(in_ns "$node" ping -n -c 1 -W 2 -t 37 -Q 0x28 -s 100 "$to")
    found=$(captured "error-$node" -v)
    printf '%s\n%s\n' "$answer" "$found"
    [[ $answer == *"From $from "*"Destination Host Unreachable"* ]] &&
        [[ $found == *"$from > "*"ICMP host $to unreachable"*"(tos 0x28, ttl 37, "*"proto ICMP (1), length 128)"*"> $to: ICMP echo request"* ]] &&
        [[ $found != *"bad cksum"* && $found != *"wrong icmp cksum"* ]]
}

check "nft in f is ready" refuse accept
for refusal in no-route admin-prohibited addr-unreachable policy-fail reject-route; do
    refuse accept "reject with icmpv6 type $refusal"
    check "$refusal: a hears host unreachable" unreachable a 10.0.0.3 192.0.0.8
done
check "b hears it from its router j" unreachable b 10.0.1.3 10.0.1.1
refuse "ip6 hoplimit set 1"
check "hop limit exceeded: host unreachable, too" unreachable a 10.0.0.3 192.0.0.8
accept_again
in_ns f ip -6 route del fd00:0:0:b::/64
check "f has no route at all: host unreachable" unreachable a 10.0.0.3 192.0.0.8

# told_so PROTOCOL: a socket of that kind hears EHOSTUNREACH.
told_so() {
    in_ns a "$PYTHON" - "$1" <<'PYTHON'
import errno, socket, sys
kind = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}[sys.argv[1]]
s = socket.socket(socket.AF_INET, kind)
s.settimeout(5)
try:
    s.connect(("10.0.0.3", 7))
    s.setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR: errors that may pass, too
    s.send(b"x")
    s.recv(1)
except OSError as error:
    print(error)
    sys.exit(error.errno != errno.EHOSTUNREACH)
sys.exit("no error")
PYTHON
}
check "a's TCP hears it" told_so tcp
check "a's UDP hears it" told_so udp
check "traceroute says !H, and names nobody of the fabric" eval '
    found=$(in_ns a traceroute -n -q 1 -w 1 -m 3 10.0.0.3); echo "$found"
    [[ $found == *" 1  192.0.0.8 "*"!H"* ]]'
ip_in f -6 route add fd00:0:0:b::/64 via fd00:0:0:fe::b

need "a pings g again" eventually 5 ping_all a 10.0.0.3 1
for how in "" -I -T; do
    # shellcheck disable=SC2086  # No option is no word.
    check "traceroute ${how:-with UDP}: one hop, as on a wire" same "$(path a 10.0.0.3 $how)" 10.0.0.3
done

# Never an error about an error: g's port unreachable cannot come back. It quotes
# a packet that came without DF, and so goes raw: f takes it for anything.
set_sysctl g net.ipv4.icmp_ratelimit=0
refused() {
    in_ns a "$PYTHON" -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER: DF clear
s.sendto(b"x", ("10.0.0.3", 99))'
}
capture at-g g eth0 -Q in icmp
in_ns f ip -6 route del fd00:0:0:a::/64
check "a asks for a port that g has not" refused
check "g's error is lost on the fabric, and g hears of it nothing" eval 'sleep 1; same "$(captured at-g | wc -l)" 0'
check "s has heard, and told nobody" at_least "$(drops s fabric-error-not-reported)" 1
ip_in f -6 route add fd00:0:0:a::/64 via fd00:0:0:ff::a

# A forger on the fabric: errors about packets that nobody here has sent.
# forged ERROR SOURCE DESTINATION [TO]: TO, else SOURCE, is to hear of it.
forged() {
    send f "Ether(src='$(mac_of f to-r)', dst='$(mac_of r uplink0)')/IPv6(src='fd00:0:0:ff::1', dst='${4:-$2}')
        /$1/IPv6(src='$2', dst='$3', fl=64<<12)/UDP(sport=5, dport=6)/b'12345678'" 3 to-r
}
errors_refused() { drops r fabric-error-malformed uplink0; }
a=fd00::a:0:a001:a00:2 b=fd00::a:0:a002:a00:102 g=fd00::b:0:a001:a00:3
before=$(errors_refused)
capture at-a a eth0 -Q in icmp
check "errors about a destination that is not there" forged 'ICMPv6DestUnreach()' $a fd00::b:0:a001:a00:63
check "errors about a node of r itself" forged 'ICMPv6DestUnreach()' $a $b
check "errors about another node's packet" forged 'ICMPv6TimeExceeded()' $b $g $a
check "errors with a wrong checksum" forged 'ICMPv6TimeExceeded(cksum=1)' $a $g
check "r counts them" dropped r fabric-error-malformed $((before + 12)) uplink0
check "a heard nothing of them" same "$(captured at-a | wc -l)" 0
capture at-a a eth0 -Q in icmp
check "one about a packet that a may have sent" forged 'ICMPv6DestUnreach()' $a $g
check "a hears: only the fabric's routers can stop that" at_least "$(captured at-a | wc -l)" 1
check "a pings g" ping_all a 10.0.0.3
assert_books_balance r s
lab_end
