#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "Nodes that leave checksums and segmentation to their NIC, as all do: veth and tap"

# On r: a, k and n behind veths, t behind a tap; on s: g and u. n's NIC can do
# nothing of the kind. In tight nobody has told p and q that 1500 are 20 too many.
pair 1600
node a r 02:00:00:00:00:0a 10.0.0.2/24
node k r 02:00:00:00:00:0c 10.0.0.4/24
node n r 02:00:00:00:00:0d 10.0.0.5/24
node g s 02:00:00:00:00:0b 10.0.0.3/24
node p r 02:00:00:00:01:0a 10.0.1.2/24
node q s 02:00:00:00:01:0b 10.0.1.3/24
make_ns t u

topology net <<'YAML'
network: z
segments:
  - { name: lan, id: 0x00a001, subnet: 10.0.0.0/24 }
  - { name: tight, id: 0x00a002, subnet: 10.0.1.0/24, mtu: 1480 }
nodes:
  - { name: a, host: r, port: vm-a, segment: lan, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: k, host: r, port: vm-k, segment: lan, address: 10.0.0.4, mac: "02:00:00:00:00:0c" }
  - { name: n, host: r, port: vm-n, segment: lan, address: 10.0.0.5, mac: "02:00:00:00:00:0d" }
  - { name: t, host: r, port: vm-t, segment: lan, address: 10.0.0.6, mac: "02:00:00:00:00:0e" }
  - { name: g, host: s, port: vm-g, segment: lan, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
  - { name: u, host: s, port: vm-u, segment: lan, address: 10.0.0.7, mac: "02:00:00:00:00:0f" }
  - { name: p, host: r, port: vm-p, segment: tight, address: 10.0.1.2, mac: "02:00:00:00:01:0a" }
  - { name: q, host: s, port: vm-q, segment: tight, address: 10.0.1.3, mac: "02:00:00:00:01:0b" }
YAML
ports r <<'YAML'
  - { name: vm-a, af_packet: vm-a }
  - { name: vm-k, af_packet: vm-k }
  - { name: vm-n, af_packet: vm-n }
  - { name: vm-t, tap: vm-t }
  - { name: vm-p, af_packet: vm-p, mtu: 1500 }
YAML
ports s <<'YAML'
  - { name: vm-g, af_packet: vm-g }
  - { name: vm-u, tap: vm-u }
  - { name: vm-q, af_packet: vm-q, mtu: 1500 }
YAML
for node in a k g p q; do
    need "$node's NIC has every offload on" offloads "$node" on
done
configure_pair 1600
start_pair
check "t and u get taps" eval 'adopt t r 02:00:00:00:00:0e 10.0.0.6/24 && adopt u s 02:00:00:00:00:0f 10.0.0.7/24'
need "a pings g" eventually 5 ping_all a 10.0.0.3 1

# super NAME: frames of a capture (ended here) that no wire of MTU 1500 carries.
super() { captured "$1" greater 3000 | wc -l; }
capture at-f f to-r -s 100 -Q in tcp
check "TCP a to g, over a fabric that carries nothing larger than its MTU" throughput a g 10.0.0.3
check "f got no larger frame" same "$(super at-f)" 0
check "and back" throughput a g 10.0.0.3 --reverse
check "TCP p to q, who have to find out that 1480 fit" throughput p q 10.0.1.3
check "they have" same "$(path_mtu p 10.0.1.3)" 1480
check "and back" throughput p q 10.0.1.3 --reverse
# From here on the fabric's NICs segment and join frames, as real ones do.
need "the fabric's NICs have every offload on" eval \
    'offloads r on uplink0 && offloads s on uplink0 && offloads f on to-r && offloads f on to-s'
capture at-r r vm-a -s 100 tcp and src host 10.0.0.2
capture at-f f to-r -s 100 -Q in tcp
capture at-g g eth0 -s 100 -Q in tcp
check "TCP a to g: veth, fabric, veth" throughput a g 10.0.0.3
check "a sent frames larger than its MTU" at_least "$(super at-r)" 1
check "so did r" at_least "$(super at-f)" 1
check "and g got such" at_least "$(super at-g)" 1
check "and back" throughput a g 10.0.0.3 --reverse
capture at-k k eth0 -s 100 -Q in tcp
check "TCP a to k: on one host" throughput a k 10.0.0.4
check "k got frames larger than its MTU" at_least "$(super at-k)" 1
check "and back" throughput a k 10.0.0.4 --reverse
capture at-n n eth0 -s 100 -Q in tcp
check "TCP a to n, which can nothing" throughput a n 10.0.0.5
check "n got no frame larger than its MTU" same "$(super at-n)" 0
check "and back" throughput a n 10.0.0.5 --reverse
check "TCP a to t: veth to tap" throughput a t 10.0.0.6
check "and back" throughput a t 10.0.0.6 --reverse
check "TCP a to u: veth, fabric, tap" throughput a u 10.0.0.7
check "and back" throughput a u 10.0.0.7 --reverse
check "TCP t to u: tap, fabric, tap" throughput t u 10.0.0.7
check "UDP a to g" throughput a g 10.0.0.3 --udp --bitrate 5M --length 1400
check "UDP a to g, fragmented by the nodes" throughput a g 10.0.0.3 --udp --bitrate 5M --length 8000
check "UDP a to t" throughput a t 10.0.0.6 --udp --bitrate 5M --length 1400
check "UDP p to q, fragmented by the nodes and cut by the vswitch" throughput p q 10.0.1.3 --udp --bitrate 5M --length 8000
check "UDP a to u, fragmented by the nodes" throughput a u 10.0.0.7 --udp --bitrate 5M --length 8000
# vxlan NODE OWN OTHER ADDRESS: a tunnel that the node makes itself.
vxlan() {
    ip_in "$1" link add vx0 type vxlan id 5 dev eth0 local "$2" remote "$3" dstport 4789 &&
        ip_in "$1" addr add "$4/24" dev vx0 && ip_in "$1" link set vx0 up
}
# Its super-frames are those of the packets inside.
if vxlan a 10.0.0.2 10.0.0.3 10.7.0.2 2>/dev/null; then
    need "g has the other end of a's VXLAN" vxlan g 10.0.0.3 10.0.0.2 10.7.0.3
    check "TCP a to g, in a tunnel of their own" throughput a g 10.7.0.3
    check "and back" throughput a g 10.7.0.3 --reverse
else
    printf '  (this kernel has no VXLAN)\n'
fi
for node in a k n t g u p q; do
    check "$node has met no wrong checksum" same "$(checksum_errors "$node")" 0
done

# To the octet, and not only as many.
echo_server g
echo_server u
echo_server n
for to in 10.0.0.3 10.0.0.5 10.0.0.7; do
    check "40000 bytes in datagrams of 1000, which a leaves to its NIC, to $to and back" \
        echoed a udp-segmented "$to" 40000 1000
done
check "4 MB a to g and back, the same bytes" echoed a tcp 10.0.0.3 4000000
check "4 MB a to u and back, the same bytes" echoed a tcp 10.0.0.7 4000000
check "4 MB t to g and back, the same bytes" echoed t tcp 10.0.0.3 4000000
check "60000-byte datagrams a to u and back" echoed a udp 10.0.0.7 60000 5
check "60000-byte datagrams t to g and back" echoed t udp 10.0.0.3 60000 5
check "1-byte datagrams a to g and back" echoed a udp 10.0.0.3 1 5
assert_books_balance r s
lab_end
