#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "Access rules, as real tools meet them: allowed, denied, answered, refused, by the hour"

pair
node a r 02:00:00:00:00:0a 10.0.0.2/24
node k r 02:00:00:00:00:0c 10.0.0.4/24
node g s 02:00:00:00:00:0b 10.0.0.3/24
node h s 02:00:00:00:00:0e 10.1.5.3/24
for node in a k g; do
    ip_in "$node" route add default via 10.0.0.1
done
ip_in h route add default via 10.1.5.1

# drawn RULES: the network, with these.
drawn() {
    cat <<YAML
network: z
segments:
  - { name: front, id: 0x00a001, subnet: 10.0.0.0/24 }
  - { name: far, id: 0x00a003, subnet: 10.1.5.0/24 }
routers:
  - name: j
    interfaces: [{ segment: front, address: 10.0.0.1 }, { segment: far, address: 10.1.5.1 }]
nodes:
  - { name: a, host: r, port: vm-a, segment: front, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: k, host: r, port: vm-k, segment: front, address: 10.0.0.4, mac: "02:00:00:00:00:0c" }
  - { name: g, host: s, port: vm-g, segment: front, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
  - { name: h, host: s, port: vm-h, segment: far, address: 10.1.5.3, mac: "02:00:00:00:00:0e" }
groups: [{ name: clients, members: [a, k] }]
$1
YAML
}
# ruled RULES: both hosts have them.
ruled() {
    drawn "$1" >"$LAB_DIR/next.yaml"
    ctl r apply -f "$LAB_DIR/next.yaml" && ctl s apply -f "$LAB_DIR/next.yaml"
}
drawn "" >"$LAB_DIR/net.yaml"
ports r <<'YAML'
  - { name: vm-a, af_packet: vm-a }
  - { name: vm-k, af_packet: vm-k }
YAML
ports s <<'YAML'
  - { name: vm-g, af_packet: vm-g }
  - { name: vm-h, af_packet: vm-h }
YAML
configure_pair
start_pair
for node in a k g h; do
    echo_server "$node"
done
# says NODE ADDRESS: how a TCP connection to port 7 there ends.
says() {
    in_ns "$1" timeout "${3:-2}" "$PYTHON" - "$2" <<'TRY'
import errno, socket, sys
try:
    socket.create_connection((sys.argv[1], 7), timeout=1).close()
    print("connected")
except TimeoutError:
    print("silence")
except OSError as error:
    print(errno.errorcode[error.errno])
TRY
}
connects() { same "$(says "$1" "$2")" connected; }
silent() { same "$(says "$1" "$2")" silence; }

check "without rules a reaches g and, by j, h" eval 'eventually 5 connects a 10.0.0.3 && connects a 10.1.5.3 && connects h 10.0.0.2'

need "rules are applied" ruled "
rules:
  - { from: clients, to: h, allow: [tcp/7, udp/7] }
  - { from: clients, to: g, allow: icmp/echo }
  - { name: no-tcp-to-k, from: a, to: k, deny: tcp }
  - { from: a, to: k, allow: any }
  - { from: k, to: far, allow: icmp }
"
check "on two hosts: a connects to h, whose answers pass" connects a 10.1.5.3
check "h cannot begin" silent h 10.0.0.2
check "bytes go there and come back" echoed a tcp 10.1.5.3 1000000
check "so do datagrams in fragments, both ways" echoed a udp 10.1.5.3 20000 5
check "a pings g" eventually 3 ping_all a 10.0.0.3
check "g does not ping a" ping_none g 10.0.0.2
check "nothing else gets to g" silent a 10.0.0.3
check "on one host: a pings k, and k cannot ping a" eval 'ping_all a 10.0.0.4 && ping_none k 10.0.0.2'
check "a rule before denies TCP" silent a 10.0.0.4
check "datagrams pass" echoed a udp 10.0.0.4 8000 3
check "k's rule between segments lets it ping h" ping_all k 10.1.5.3
check "what rules refused is counted" eval 'at_least "$(drops r denied-by-rule)" 1 && at_least "$(drops r denied-by-default)" 1 && at_least "$(drops s denied-by-default)" 1'

# What the administrator sees of it.
hits() { ctl r rule list -o json | jq "[.[] | select($1) | .packets] | add // 0"; }
check "rule list says how often each has decided" eval 'at_least "$(hits ".number == 1")" 3 && at_least "$(hits ".kind == \"replies\"")" 3'
flows_of_a() {
    local host
    for host in r s; do
        ctl "$host" flow list -o json |
            jq -e 'any(.from.address == "10.0.0.2" and .to.port == 7 and .protocol == 6)' || return
    done
}
check "flow list shows a's connections, on both hosts" flows_of_a
asked() { ctl r route get --from 10.0.0.2 --to "$1" --protocol tcp --destination-port "$2" || true; }
check "route get names the rule that refuses" eval 'asked 10.0.0.4 22 | grep "refused by rule 3 of network z (no-tcp-to-k): a -> k deny tcp"'
check "and the one that permits" eval 'asked 10.1.5.3 7 | grep "allowed by rule 1 of network z: clients -> h allow tcp/7, udp/7"'
would_change() {
    drawn "rules: []" >"$LAB_DIR/next.yaml"
    ctl r diff -f "$LAB_DIR/next.yaml" || true
}
check "diff tells what changes" eval 'would_change | grep "^- rule no-tcp-to-k.*a -> k deny tcp"'

# Tiny fragments, and TCP's flags written over by a second one (RFC 1858).
before=$(drops r fragment-too-short)
tiny() {
    local to
    to="Ether(dst='$(mac_of_gateway a)', src='02:00:00:00:00:0a')/IP(src='10.0.0.2', dst='10.1.5.3', id=7, proto=6"
    send_all a <<FRAMES
[$to, flags='MF', frag=0)/Raw(bytes(8)), $to, flags=0, frag=1)/Raw(bytes(12))]
FRAMES
}
mac_of_gateway() { ip_in "$1" -j neigh show to 10.0.0.1 | jq -r '.[].lladdr'; }
check "tiny fragments do not get past a rule for ports" eval 'tiny && eventually 3 dropped r fragment-too-short $((before + 2))'

# A connection in which only the far end has something to say.
need "port 8 is allowed, and iperf3's" ruled "
rules:
  - { from: clients, to: h, allow: [tcp/7-8, tcp/5201, udp/9] }
"
check "iperf3 from a to h, and the other way" eval 'throughput a h 10.1.5.3 && throughput a h 10.1.5.3 --reverse'
ip netns exec "$(ns h)" "$PYTHON" - >>"$LAB_DIR/h.log" 2>&1 <<'TICK' &
import socket, time
peer, _ = socket.create_server(("10.1.5.3", 8)).accept()
while True:
    peer.sendall(b"tick\n")
    time.sleep(0.1)
TICK
eventually 5 listens h 8
: >"$LAB_DIR/ticks"
ip netns exec "$(ns a)" "$PYTHON" - >>"$LAB_DIR/ticks" 2>>"$LAB_DIR/a.log" <<'HEAR' &
import os, socket
peer = socket.create_connection(("10.1.5.3", 8))
while os.write(1, peer.recv(100)):
    pass
HEAR
ticks() { wc -l <"$LAB_DIR/ticks"; }
go_on() {
    local before
    before=$(ticks)
    eventually 5 eval "at_least \$(ticks) $((before + 5))"
}
check "a hears what h says on port 8" go_on
check "another rule changes nothing for it" eval 'ruled "
rules:
  - { from: any, to: any, allow: icmp }
  - { from: clients, to: h, allow: [tcp/7-8, udp/9] }
" && go_on'
stop r
need "r's vswitch starts again, and knows no flow" start r
need "with the rules" ruled "
rules:
  - { from: clients, to: h, allow: [tcp/7-8, udp/9] }
"
check "the connection goes on: there is a grace time" eval 'eventually 10 go_on'
refused_by_h() {
    in_ns a timeout 5 "$PYTHON" - <<'TRY'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("10.1.5.3", 9))
s.settimeout(2)
s.send(b"anybody?")
try:
    s.recv(1)
except ConnectionRefusedError:
    raise SystemExit(0)
raise SystemExit(1)
TRY
}
check "h's port unreachable comes back: it quotes a known flow" refused_by_h
stopped() {
    local before
    sleep 0.5
    before=$(ticks)
    sleep 1
    same "$(ticks)" "$before"
}
check "when its rule goes, the connection ends, both ways" eval 'ruled "rules: []" && stopped'

# The hour. One window that is now, one that is not.
# shellcheck disable=SC2034 # As those below.
day=$(date -u +%a | tr '[:upper:]' '[:lower:]')
hour() { date -u -d "$1" +%H:%M; }
# shellcheck disable=SC2034 # The checks below expand these.
open_hours="when: { hours: $(hour '-2 hours')-$(hour '+2 hours') }"
# shellcheck disable=SC2034
closed_hours="when: { hours: $(hour '+3 hours')-$(hour '+5 hours') }"
check "at this hour a may connect" eval 'ruled "rules: [{ from: a, to: h, allow: tcp/7, $open_hours }]" && connects a 10.1.5.3'
check "at another it may not" eval 'ruled "rules: [{ from: a, to: h, allow: tcp/7, $closed_hours }]" && silent a 10.1.5.3'
check "nor on another day" eval 'ruled "rules: [{ from: a, to: h, deny: any, when: { days: $day } }, { from: a, to: h, allow: tcp/7, when: { hours: $(hour "-2 hours")-$(hour "+2 hours") } }]" && silent a 10.1.5.3'

need "refusals are told" ruled "
rules: [{ from: a, to: h, allow: tcp/443 }]
defaults: { refused: reject }
"
capture at-a a eth0 icmp
check "across segments a's connection fails at once" same "$(says a 10.1.5.3)" EHOSTUNREACH
check "inside its segment, too" same "$(says a 10.0.0.3)" EHOSTUNREACH
check "ping says filtered" eval '(in_ns a ping -c 1 -W 1 10.1.5.3 || true) | grep -q "Packet filtered"'
check "router j says so" at_least "$(captured at-a | grep -c '10.0.0.1 > 10.0.0.2: ICMP host 10.* unreachable - admin prohibited')" 3
assert_books_balance r s
lab_end
