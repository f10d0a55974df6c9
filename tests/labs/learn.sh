#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "Addresses that nobody drew: learned of what a node sends, and of what a tenant's own DHCP server gives"

pair
node a r 02:00:00:00:00:0a 10.0.0.2/24
node l r 02:00:00:00:00:1a 10.0.0.50/24
node u r 02:00:00:00:00:2a
node g s 02:00:00:00:00:0b 10.0.0.3/24
node m s 02:00:00:00:00:1b 10.0.0.60/24
node d s 02:00:00:00:00:2b 10.0.0.4/24
node v s 02:00:00:00:00:3b
topology net <<'YAML'
network: z
segments:
  - { name: front, id: 0x00a001, subnet: 10.0.0.0/24 }
routers:
  - { name: j, interfaces: [{ segment: front, address: 10.0.0.1 }] }
nodes:
  - { name: a, host: r, port: vm-a, segment: front, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: l, host: r, port: vm-l, segment: front, mac: "02:00:00:00:00:1a", policy: learn, learn: { most: 2, age: 5s } }
  - { name: u, host: r, port: vm-u, segment: front, mac: "02:00:00:00:00:2a", policy: dhcp }
  - { name: g, host: s, port: vm-g, segment: front, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
  - { name: m, host: s, port: vm-m, segment: front, mac: "02:00:00:00:00:1b", policy: learn }
  - { name: d, host: s, port: vm-d, segment: front, address: 10.0.0.4, mac: "02:00:00:00:00:2b", dhcp-server: true }
  - { name: v, host: s, port: vm-v, segment: front, mac: "02:00:00:00:00:3b", policy: dhcp }
YAML
ports r <<'YAML'
  - { name: vm-a, af_packet: vm-a }
  - { name: vm-l, af_packet: vm-l }
  - { name: vm-u, af_packet: vm-u }
YAML
ports s <<'YAML'
  - { name: vm-g, af_packet: vm-g }
  - { name: vm-m, af_packet: vm-m }
  - { name: vm-d, af_packet: vm-d }
  - { name: vm-v, af_packet: vm-v }
YAML
configure_pair
start_pair

# is_at HOST ADDRESS PLACE [BY]: the host has learned that the address is there.
is_at() {
    ctl "$1" mapping list -o json | jq -e --arg address "$2" --arg host "$3" --arg by "${4:-}" \
        '.[] | select(.address == $address and .host == $host and .origin == "learned"
                      and ($by == "" or .learned.by == $by))' >/dev/null
}
everywhere() { is_at r "$1" "$2" && is_at s "$1" "$2"; }
nowhere() { ! is_at r "$1" "$2" && ! is_at s "$1" "$2"; }

check "nobody knows L before it speaks" eval '! is_at r 10.0.0.50 r && ! is_at s 10.0.0.50 r'
in_ns l ping -qnc 1 -W 1 10.0.0.2 >"$LAB_DIR/first" 2>&1
check "L's first packet takes its address" ping_all l 10.0.0.2 3
check "both hosts have learned it" eventually 5 everywhere 10.0.0.50 r
check "G of the other host pings it" ping_all g 10.0.0.50 3
check "M of the other host is learned, too" eval 'in_ns m ping -qnc 1 -W 1 10.0.0.2; ping_all m 10.0.0.2 3 && eventually 5 everywhere 10.0.0.60 s'
check "two that are learned ping each other" ping_all l 10.0.0.60 3

ip_in l addr add 10.0.0.51/24 dev eth0
ip_in l addr add 10.0.0.52/24 dev eth0
check "L takes a second address" eval \
    'in_ns l ping -qnc 2 -i 0.2 -W 1 -I 10.0.0.51 10.0.0.3 && eventually 5 everywhere 10.0.0.51 r'
check "but no third" fails in_ns l ping -qnc 2 -i 0.2 -W 1 -I 10.0.0.52 10.0.0.3
takes() { send m "Ether(src='02:00:00:00:00:1b', dst=BCAST)/ARP(op=1, hwsrc='02:00:00:00:00:1b', psrc='$1', pdst='$1')" 1; }
for address in 10.0.0.1 10.0.0.3 10.0.0.50 10.0.0.255 10.0.0.0 10.0.1.9; do
    takes "$address"
done
check "M takes neither a router's, nor another's, nor nobody's" dropped s spoofed-arp 6
check "L answers when asked whether it is there" eval 'sleep 6; everywhere 10.0.0.50 r'
ip_in l addr del 10.0.0.51/24 dev eth0
ip_in l addr del 10.0.0.52/24 dev eth0
check "what it does not have any more is forgotten everywhere" eventually 12 nowhere 10.0.0.51 r
check "and free: it can take another" eval \
    'ip_in l addr add 10.0.0.53/24 dev eth0 && in_ns l ping -qnc 3 -i 0.2 -W 1 -I 10.0.0.53 10.0.0.3 &&
     eventually 5 everywhere 10.0.0.53 r'

# A tenant's own DHCP server, on host S, and its clients on both.
ip netns exec "$(ns d)" dnsmasq --keep-in-foreground --conf-file=/dev/null --port=0 --interface=eth0 \
    --bind-interfaces --dhcp-range=10.0.0.100,10.0.0.150,2m --dhcp-authoritative --no-ping \
    --dhcp-leasefile="$LAB_DIR/leases" --pid-file= --log-facility=- >>"$LAB_DIR/d.log" 2>&1 &
client() {
    LEASES="$LAB_DIR/$1.leases" ip netns exec "$(ns "$1")" \
        udhcpc -f -R -i eth0 -s "$LAB_TOOLS/lease.sh" -t 8 -T 1 >>"$LAB_DIR/$1.log" 2>&1 &
    echo $! >"$LAB_DIR/$1.pid"
}
address() { ip_in "$1" -j addr show dev eth0 | jq -r '.[].addr_info[]? | select(.family == "inet") | .local'; }
bound() { eventually 20 grep -qs '^bound' "$LAB_DIR/$1.leases"; }
client u
client v
check "U on the other host is bound by the tenant's server" bound u
check "V on the server's host is, too" bound v
check "U's lease is learned on its host" eventually 5 is_at r "$(address u)" r dhcp
check "and known on both" eventually 5 everywhere "$(address u)" r
check "so is V's" eventually 5 everywhere "$(address v)" s
check "they ping each other, and those that are drawn" eval \
    'ping_all u "$(address v)" 3 && ping_all v "$(address u)" 3 && ping_all u 10.0.0.2 2 && ping_all g "$(address u)" 2'
leased=$(address u)
ip_in u addr add 10.0.0.151/24 dev eth0
check "U may send from no other address" eval '! in_ns u ping -qnc 2 -i 0.2 -W 1 -I 10.0.0.151 10.0.0.2'
kill "$(cat "$LAB_DIR/u.pid")"
check "what U gives back is forgotten everywhere" eventually 10 nowhere "$leased" r
assert_books_balance r
assert_books_balance s
lab_end
