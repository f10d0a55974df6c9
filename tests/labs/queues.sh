#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "Two workers, two queues on each port: every flow arrives whole, in order, once"

make_ns r
node a r 02:00:00:00:00:0a 10.0.0.2/24
node g r 02:00:00:00:00:0b 10.0.0.3/24

topology net <<'YAML'
network: z
segments: [{ name: lan, id: 0x00a001, subnet: 10.0.0.0/24 }]
nodes:
  - { name: a, host: r, port: vm-a, segment: lan, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: g, host: r, port: vm-g, segment: lan, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
YAML
if ((${#CORES[@]} < 2)); then
    echo "  (one core only: one worker serves both queues)"
fi
cores=$(printf '%s\n' "$(core 0)" "$(core 1)" | sort -u | paste -sd,)
configure r "$cores" net.yaml <<'YAML'
substrate: { locator: "fd00:0:0:a::/64", ports: [uplink0], address: "fd00:0:0:ff::a/64", mtu: 1600 }
ports:
  - { name: uplink0, memory: true }
  - { name: vm-a, af_packet: vm-a, queues: 2 }
  - { name: vm-g, af_packet: vm-g, queues: 2 }
YAML
need "the vswitch answers" start r
check "its workers share four queues of the two ports" same \
    "$(ctl r -o json status | jq '[.workers[].queues[] | select(.port != "uplink0")] | length')" 4
check "a pings g" ping_all a 10.0.0.3 20

# 50 flows of 20 datagrams: each datagram says flow and place.
capture at-g g eth0 udp
check "50 flows leave" in_ns a "$PYTHON" -c '
import socket, time
sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(50)]
for place in range(20):
    for flow, s in enumerate(sockets):
        s.sendto(b"flow %d place %d" % (flow, place), ("10.0.0.3", 9))
    time.sleep(0.01)
'
captured at-g -A | grep -o 'flow [0-9]* place [0-9]*' >"$LAB_DIR/arrived"
check "every datagram arrives, once" same \
    "$(wc -l <"$LAB_DIR/arrived") $(sort -u "$LAB_DIR/arrived" | wc -l)" "1000 1000"
check "and each flow in order" same \
    "$(awk '$4 != seen[$2] { wrong++ } { seen[$2] = $4 + 1 } END { print wrong + 0 }' "$LAB_DIR/arrived")" 0
check "both workers have worked" same \
    "$(ctl r -o json status | jq '[.workers[] | .polls > .idle_polls] | all')" true
assert_books_balance r
lab_end
