#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "DHCP, as real clients see it: addresses, routes, renewal; and servers that nobody asked for"

make_ns r
node a r 02:00:00:00:00:0a
node d r 02:00:00:00:00:0d
node g r 02:00:00:00:00:03 10.0.0.3/24
node t r 02:00:00:00:00:07
node h r 02:00:00:00:00:0e 10.1.5.3/24
node m r 02:00:00:00:00:11 10.0.7.1/24
node n r 02:00:00:00:00:12 10.0.7.2/24
ip_in h route add default via 10.1.5.1
for vlan in 100:front 200:back; do
    tagged t "${vlan#*:}" "${vlan%:*}" 192.0.2.1/32
done

topology net <<'YAML'
network: z
segments:
  - name: front
    id: 0x00a001
    subnet: 10.0.0.0/24
    vlan: 100
    mtu: 1400
    dhcp:
      dns: [10.0.0.53, 10.0.0.54]
      domain: z.example.org
      lease: 20s
      routes: [{ to: 10.9.0.0/16, via: 10.0.0.3 }]
  - { name: back, id: 0x00a002, subnet: 10.0.5.0/24, vlan: 200, dhcp: { lease: 10s } }
  - { name: far, id: 0x00a003, subnet: 10.1.5.0/24 }
  - { name: own, id: 0x00a004, subnet: 10.0.7.0/24 }
routers:
  - { name: j, interfaces: [{ segment: front, address: 10.0.0.1 }, { segment: far, address: 10.1.5.1 }] }
nodes:
  - { name: a, host: r, port: vm-a, segment: front, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: d, host: r, port: vm-d, segment: front, address: 10.0.0.4, mac: "02:00:00:00:00:0d" }
  - { name: g, host: r, port: vm-g, segment: front, address: 10.0.0.3, mac: "02:00:00:00:00:03" }
  - { name: h, host: r, port: vm-h, segment: far, address: 10.1.5.3, mac: "02:00:00:00:00:0e" }
  - { name: m, host: r, port: vm-m, segment: own, address: 10.0.7.1, mac: "02:00:00:00:00:11", dhcp-server: true }
  - { name: n, host: r, port: vm-n, segment: own, address: 10.0.7.2, mac: "02:00:00:00:00:12" }
  - name: t
    host: r
    port: vm-t
    mac: "02:00:00:00:00:07"
    link: { trunk: [front, back] }
    interfaces: [{ segment: front, address: 10.0.0.7 }, { segment: back, address: 10.0.5.7 }]
YAML
configure r "$(core 0)" net.yaml <<'YAML'
substrate: { locator: "fd00:0:0:a::/64", ports: [uplink0], address: "fd00:0:0:ff::a/64", mtu: 1600 }
ports:
  - { name: uplink0, memory: true }
  - { name: vm-a, af_packet: vm-a }
  - { name: vm-d, af_packet: vm-d }
  - { name: vm-g, af_packet: vm-g }
  - { name: vm-h, af_packet: vm-h }
  - { name: vm-m, af_packet: vm-m }
  - { name: vm-n, af_packet: vm-n }
  - { name: vm-t, af_packet: vm-t }
YAML
need "the vswitch answers" start r

# udhcpc_in NODE IF: a client of busybox's; its process id goes to NODE-IF.pid.
udhcpc_in() {
    LEASES="$LAB_DIR/$1-$2.leases" ip netns exec "$(ns "$1")" \
        udhcpc -f -i "$2" -s "$LAB_TOOLS/lease.sh" -O mtu -O staticroutes -t 5 -T 1 \
        >>"$LAB_DIR/$1-$2.log" 2>&1 &
    echo $! >"$LAB_DIR/$1-$2.pid"
}

# dhclient_in NODE: one of ISC's, on eth0.
cat >"$LAB_DIR/dhclient.conf" <<'CONF'
option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;
request subnet-mask, broadcast-address, routers, domain-name, domain-name-servers,
    interface-mtu, rfc3442-classless-static-routes;
timeout 10;
initial-interval 1;
CONF
dhclient_in() {
    ip netns exec "$(ns "$1")" dhclient -4 -d -cf "$LAB_DIR/dhclient.conf" \
        -lf "$LAB_DIR/$1.lease" -pf "$LAB_DIR/$1.dhclient" -sf "$LAB_TOOLS/lease.sh" \
        -e "LEASES=$LAB_DIR/$1-eth0.leases" eth0 >>"$LAB_DIR/$1-eth0.log" 2>&1 &
    echo $! >"$LAB_DIR/$1-eth0.pid"
}

# heard NODE IF PATTERN: the client has been told such.
heard() { eventually 20 grep -qE "$3" "$LAB_DIR/$1-$2.leases"; }
# events NODE IF PATTERN: how many times.
events() { grep -cE "$3" "$LAB_DIR/$1-$2.leases"; }
# interface NODE IF: its address and MTU, as the kernel has them.
interface() {
    ip_in "$1" -j addr show dev "$2" |
        jq -r '.[] | select(.ifname == $name) | "\([.addr_info[] | "\(.local)/\(.prefixlen)"] | join(" ")) \(.mtu)"' --arg name "$2"
}
route() { ip_in "$1" route get "$2" | sed -n 's/.* via \([0-9.]*\) .*/\1/p'; }

capture at-a a eth0 udp port 67
capture at-t t eth0 udp port 67 or vlan and udp port 67
udhcpc_in a eth0
check "udhcpc on an access link is bound" heard a eth0 '^bound 10\.0\.0\.2 '
check "it has its address and its MTU" same "$(interface a eth0)" "10.0.0.2/24 1400"
check "its name servers, domain and lease" heard a eth0 \
    ' dns 10\.0\.0\.53 10\.0\.0\.54 domain z\.example\.org lease 20 from 10\.0\.0\.1 '
check "the route that is drawn" same "$(route a 10.9.1.1)" 10.0.0.3
check "the default route" same "$(route a 10.1.5.3)" 10.0.0.1
check "it reaches H behind the router" ping_all a 10.1.5.3 3

dhclient_in d
check "dhclient is bound" heard d eth0 '^BOUND 10\.0\.0\.4 '
check "it has its address and its MTU" same "$(interface d eth0)" "10.0.0.4/24 1400"
check "its name servers and domain" heard d eth0 ' dns 10\.0\.0\.53 10\.0\.0\.54 domain z\.example\.org '
check "the routes" same "$(route d 10.9.1.1) $(route d 10.1.5.3)" "10.0.0.3 10.0.0.1"
check "it reaches H behind the router" ping_all d 10.1.5.3 3

ip_in t addr flush dev front
ip_in t addr flush dev back
udhcpc_in t front
check "udhcpc on a trunk is bound in front" heard t front '^bound 10\.0\.0\.7 '
udhcpc_in t back
check "and in back" heard t back '^bound 10\.0\.5\.7 .* lease 10 from 192\.0\.0\.8 '
check "it has both" same "$(interface t front) $(interface t back)" "10.0.0.7/24 1400 10.0.5.7/24 1500"
check "it pings A by its tag" ping_all t 10.0.0.2 3

# By unicast to the router, when told to; by themselves, before the lease ends.
renewals=$(events a eth0 '^renew ')
kill -USR1 "$(cat "$LAB_DIR/a-eth0.pid")"
renewed() { (($(events a eth0 '^renew ') > $1)); }
check "udhcpc renews when told to" eventually 20 renewed "$renewals"
check "dhclient renews by itself" heard d eth0 '^(RENEW|REBIND) 10\.0\.0\.4 '
check "without a router udhcpc comes again before its lease ends" \
    heard t back '^renew 10\.0\.5\.7 '
check "no client was ever refused" fails grep -hE '^(nak|leasefail|EXPIRE|FAIL|TIMEOUT)' "$LAB_DIR"/*.leases
check "A was answered to its address" at_least \
    "$(captured at-a 'src 10.0.0.1 and dst 10.0.0.2 and udp src port 67' | wc -l)" 3
check "the checksums are right, as another reads them" \
    eval '[[ $(captured at-a -vv "udp src port 67") == *"udp sum ok"* && $(captured at-a -vv) != *"bad udp"* ]]'
check "T saw its answers with the tags of its link" \
    eval '(($(captured at-t "vlan 100 and src 10.0.0.1" | wc -l) >= 2 && $(captured at-t "vlan 200" | wc -l) >= 2))'

# udhcpc gives its address back.
kill -USR2 "$(cat "$LAB_DIR/t-front.pid")"
check "a release is heard" eventually 10 fails grep -q 10.0.0.7 <(interface t front)

# rogue NODE ADDRESS RANGE: dnsmasq, answering clients there.
rogue() {
    ip netns exec "$(ns "$1")" dnsmasq --no-daemon --conf-file=/dev/null --port=0 --user=root \
        --pid-file="$LAB_DIR/$1.dnsmasq" --interface=eth0 --bind-interfaces --dhcp-authoritative \
        --dhcp-range="$2,static" --dhcp-leasefile="$LAB_DIR/$1.dnsmasq-leases" \
        >>"$LAB_DIR/$1.log" 2>&1 &
    eventually 10 grep -q 'DHCP, static leases' "$LAB_DIR/$1.log" || give_up "dnsmasq does not start"
}
# informs MAC FROM TO-MAC TO: a client that asks a server it knows.
informs() {
    printf "%s" "Ether(src='$1', dst='$3')/IP(src='$2', dst='$4')/UDP(sport=68, dport=67)/BOOTP(op=1, \
xid=7, ciaddr='$2', chaddr=bytes.fromhex('${1//:/}'))/DHCP(options=[('message-type', 'inform'), 'end'])"
}
rogue g 10.0.0.0
send a "$(informs 02:00:00:00:00:0a 10.0.0.2 02:00:00:00:00:03 10.0.0.3)" 3
check "a rogue dnsmasq hears who asks it" eventually 10 grep -q 'DHCPACK' "$LAB_DIR/g.log"
check "its answers are dropped and counted" dropped r dhcp-not-authorised 3 vm-g
offer="Ether(src='02:00:00:00:00:03', dst='02:00:00:00:00:0a')/IP(src='10.0.0.3', dst='10.0.0.2')/UDP(sport=67, \
dport=68)/BOOTP(op=2, yiaddr='10.0.0.99')/DHCP(options=[('message-type', 'offer'), 'end'])"
send g "$offer" 2
check "so are offers that nobody asked for" dropped r dhcp-not-authorised 5 vm-g

rogue m 10.0.7.0
capture at-n n eth0 udp dst port 68
send n "$(informs 02:00:00:00:00:12 10.0.7.2 02:00:00:00:00:11 10.0.7.1)" 3
check "a server that is drawn as one is asked" eventually 10 grep -q 'DHCPACK' "$LAB_DIR/m.log"
check "and answers" same "$(captured at-n 'src 10.0.7.1' | wc -l)" 3
check "nothing of it was dropped" same "$(drops r dhcp-not-authorised vm-m)" 0

discover="Ether(src='02:00:00:00:00:12', dst=BCAST)/IP(src='0.0.0.0', dst='255.255.255.255')/UDP(sport=68, dport=67)"
capture at-m m eth0 udp dst port 67 and src host 0.0.0.0
send n "$discover/BOOTP(op=1, chaddr=bytes.fromhex('020000000012'))/DHCP(options=[('message-type', 'discover'), 'end'])" 2
check "it hears broadcasts, too" same "$(captured at-m | wc -l)" 2
sends() {
    send a "${discover//:12/:0a}/$2" 2
    check "$1: $3" dropped r "$3" 2 vm-a
}
sends "another's hardware address" \
    "BOOTP(op=1, chaddr=bytes.fromhex('020000000003'))/DHCP(options=[('message-type', 'discover'), 'end'])" dhcp-spoofed
sends "no message at all" "Raw(b'x' * 300)" dhcp-malformed
assert_books_balance r
lab_end
