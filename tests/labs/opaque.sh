#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "Whatever is in an IPv4 packet arrives as it was: every protocol, every option, ESP between kernels"

pair 1600
node a r 02:00:00:00:00:0a 10.0.0.2/24
node g s 02:00:00:00:00:0b 10.0.0.3/24

topology net <<'YAML'
network: z
segments: [{ name: lan, id: 0x00a001, subnet: 10.0.0.0/24 }]
nodes:
  - { name: a, host: r, port: vm-a, segment: lan, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: g, host: s, port: vm-g, segment: lan, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
YAML
ports r <<<'  - { name: vm-a, af_packet: vm-a }'
ports s <<<'  - { name: vm-g, af_packet: vm-g }'
configure_pair 1600
start_pair
need "a pings g" eventually 5 ping_all a 10.0.0.3 1

# from_a <<FRAMES: a sends them. The words: to_g is the Ethernet header, some(N)
# are N random octets.
from_a() {
    capture sent a eth0 -Q out ip and src host 10.0.0.2
    capture received g eth0 -Q in ip and src host 10.0.0.2
    capture fabric f to-r src net fd00:0:0:a::/64
    sed "s/to_g/Ether(src='02:00:00:00:00:0a', dst='02:00:00:00:00:0b')/g
        s/a_g(/IP(src='10.0.0.2', dst='10.0.0.3', /g; s/some(/random.randbytes(/g" | send_all a
    captured fabric >/dev/null
}

# g's kernel would answer much of this, and a's be astonished.
in_ns g nft 'add table ip deaf; add chain ip deaf in { type filter hook input priority 0; }; add rule ip deaf in ip protocol != { icmp, tcp, udp } drop'

check "packets of all 256 protocols leave, of five sizes each" from_a <<'FRAMES'
[to_g/a_g(proto=p, id=p * 8 + n % 8, ttl=255 - p, tos=p)/Raw(some(n)) for p in range(256) for n in (0, 1, 8, 65, 1480)]
[to_g/a_g(proto=p, flags="DF", ttl=1 + p % 255)/Raw(some(200)) for p in range(256)]
FRAMES
check "all arrive as they were" same_packets sent received
# on_fabric PROTOCOL...: how many packets had one of these as next header.
on_fabric() {
    local filter
    filter=$(printf ' or ip6[6] == %s' "$@")
    captured fabric "${filter# or }" | wc -l
}
check "none that may not be a next header was one" same "$(on_fabric 0 43 44 51 59 60 135 139 140)" 0
check "they went raw" at_least "$(on_fabric 97)" $((11 * 6))
check "ESP, GRE, SCTP, OSPF did not" same "$(on_fabric 50 47 132 89)" $((4 * 6))

check "the same with right and wrong checksums" from_a <<'FRAMES'
[to_g/a_g(id=n)/UDP(sport=n, dport=9)/Raw(some(n)) for n in range(1, 300)]
[to_g/a_g(id=n)/UDP(sport=n, dport=9, chksum=0)/Raw(some(n)) for n in range(1, 30)]
[to_g/a_g(id=n)/UDP(sport=n, dport=9, chksum=n)/Raw(some(9)) for n in (1, 2, 0x7fff, 0x8000, 0xfffe, 0xffff)]
[to_g/a_g(id=n, flags="DF")/TCP(sport=n, dport=9, flags="R")/Raw(some(n)) for n in range(1, 300)]
[to_g/a_g(id=n)/TCP(sport=9, dport=9, flags="R", chksum=n)/Raw(some(9)) for n in (0, 1, 0x7fff, 0x8000, 0xfffe, 0xffff)]
[to_g/a_g(id=n)/ICMP(type=0, id=n, seq=n)/Raw(some(n)) for n in range(1, 300)]
[to_g/a_g(id=n)/ICMP(type=0, id=n, chksum=n) for n in (0, 1, 0xfffe, 0xffff)]
FRAMES
check "all arrive as they were" same_packets sent received

check "every ICMP type, with and without a quoted packet" from_a <<'FRAMES'
[to_g/a_g(id=1 + t)/ICMP(type=t, code=c)/Raw(some(24)) for t in range(256) if t not in (8, 13, 15, 17) for c in (0, 1, 4, 13)]
[to_g/a_g(id=1 + t)/ICMP(type=t, code=c)/IP(src="10.0.0.3", dst="10.0.0.2", id=i, flags=f)/UDP(sport=1, dport=2)/Raw(b"quoted") for t in (3, 4, 5, 11, 12) for c in range(16) for i in (0, 7) for f in (0, "DF")]
[to_g/a_g(id=1 + n)/ICMP(type=3, code=3)/Raw(raw(IP(src="10.0.0.3", dst="10.0.0.2", id=0, flags="DF", len=999)/UDP(sport=1, dport=2)/Raw(some(600)))[:n]) for n in (0, 8, 20, 24, 28, 100, 128, 500, 548, 576)]
FRAMES
check "all arrive as they were" same_packets sent received

check "IPv4 options: record route, timestamp, router alert, security, padding, the reserved flag" from_a <<'FRAMES'
[to_g/a_g(id=n, options=IPOption(o))/UDP(sport=5, dport=9)/Raw(some(n)) for n in (1, 100, 1400) for o in (b"\x07\x0b\x04" + bytes(8) + b"\x00", b"\x44\x0c\x05\x00" + bytes(8), b"\x94\x04\x00\x00", b"\x82\x0b" + bytes(9) + b"\x01", b"\x01\x01\x01\x00", b"\x07\x27\x04" + bytes(36) + b"\x00")]
[to_g/a_g(id=9, options=IPOption(b"\x94\x04\x00\x00"), proto=p)/Raw(some(50)) for p in (1, 2, 6, 47, 50, 51, 89, 97, 132)]
to_g/a_g(id=10, flags="evil")/UDP(sport=5, dport=9)/Raw(b"reserved")
FRAMES
check "all arrive as they were" same_packets sent received

# source_routed OPTION: a's packet with it is answered by ICMP 3/5, and g sees nothing.
source_routed() {
    capture at-a a eth0 -Q in 'icmp[0] == 3 and icmp[1] == 5'
    capture at-g g eth0 -Q in ip and src host 10.0.0.2
    send a "Ether(src='02:00:00:00:00:0a', dst='02:00:00:00:00:0b')/IP(src='10.0.0.2', dst='10.0.0.3',
        options=IPOption(b'$1\x07\x04\x0a\x00\x00\x03\x00'))/UDP(sport=5, dport=9)/b'routed'"
    same "$(captured at-a | wc -l) $(captured at-g | wc -l)" "1 0"
}
check "a loose source route is refused: ICMP 3/5" source_routed '\x83'
check "a strict one, too" source_routed '\x89'

in_ns g nft delete table ip deaf
# esp FROM TO FLOW-DIRECTIONS: kernels' own ESP between a and g, both ways.
esp() {
    local node out
    for node in a g; do
        for pair in "10.0.0.2 10.0.0.3 0x100" "10.0.0.3 10.0.0.2 0x200"; do
            # shellcheck disable=SC2086  # Three words.
            set -- $pair
            ip_in "$node" xfrm state add src "$1" dst "$2" proto esp spi "$3" mode transport \
                enc 'cbc(aes)' 0x000102030405060708090a0b0c0d0e0f \
                auth 'hmac(sha1)' 0x000102030405060708090a0b0c0d0e0f10111213 || return
            out=in
            [[ $node$1 != a10.0.0.2 && $node$1 != g10.0.0.3 ]] || out=out
            ip_in "$node" xfrm policy add src "$1" dst "$2" dir "$out" tmpl proto esp mode transport || return
        done
    done
}
if esp >/dev/null 2>&1; then
    capture fabric f to-r 'ip6[6] == 50'
    check "a pings g under ESP" ping_all a 10.0.0.3 5 -s 1000
    check "the fabric sees ESP" same "$(captured fabric | wc -l)" 10
    ip_in a xfrm policy flush
    ip_in g xfrm policy flush
else
    echo "  (this kernel has no ESP: the crafted packets above stand for it)"
fi

# UDP-Lite by the kernels: with a checksum over the header only, and over all.
udp_lite() {
    ip netns exec "$(ns g)" "$PYTHON" -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 136)
s.bind(("", 9))
while True:
    s.sendto(*s.recvfrom(2000))' &
    in_ns a "$PYTHON" -c '
import socket
for coverage in (8, 20, 0):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 136)
    s.setsockopt(136, 10, coverage)  # UDPLITE_SEND_CSCOV
    s.settimeout(1)
    for attempt in range(3):
        s.sendto(b"partly covered" * 9, ("10.0.0.3", 9))
        try:
            assert s.recv(2000) == b"partly covered" * 9
            break
        except TimeoutError:
            assert attempt < 2'
}
check "UDP-Lite of the nodes' kernels, there and back" udp_lite
check "no checksum was wrong" same "$(checksum_errors a) $(counted g UdpLiteInCsumErrors)" "0 0"
assert_books_balance r s
lab_end
