#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "Start, stop, and start again after the worst"

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
configure r "$(core 0)" net.yaml <<'YAML'
substrate: { locator: "fd00:0:0:a::/64", ports: [uplink0], address: "fd00:0:0:ff::a/64", mtu: 1600 }
ports:
  - { name: uplink0, memory: true }
  - { name: vm-a, af_packet: vm-a }
  - { name: vm-g, af_packet: vm-g }
YAML
socket=$(socket_of r)

need "it starts" start r
check "it forwards" ping_all a 10.0.0.3
check "its socket is a socket, and not everyone's" same "$(stat -c '%F %a' "$socket")" "socket 660"

first=$(pid_of r)
launch r
second=$!
finished() { ! kill -0 "$second" 2>/dev/null; }
check "a second one on the same socket gives up" eventually 30 finished
wait "$second"
check "with a failure" same "$?" 1
check "and says why" grep -q "$socket" "$LAB_DIR/r.log"
echo "$first" >"$LAB_DIR/r.pid"
check "the first has not noticed" ping_all a 10.0.0.3
assert_books_balance r

# SIGTERM under traffic: drained, then gone.
ip netns exec "$(ns a)" ping -q -i 0.01 -c 500 -W 1 10.0.0.3 >/dev/null 2>&1 &
traffic=$!
sleep 0.5
stop r
check "SIGTERM ends it with status 0" same "$?" 0
check "the socket is gone" fails test -e "$socket"
ctl r status >/dev/null 2>&1
check "vswitchctl says so: status 3" same "$?" 3
kill "$traffic"
wait "$traffic" 2>/dev/null

need "it starts again" start r
check "it forwards again" ping_all a 10.0.0.3
assert_books_balance r

stop r KILL 2>/dev/null
check "kill -9 leaves its socket behind" test -S "$socket"
need "it starts over what was left" start r
check "it forwards again" ping_all a 10.0.0.3
assert_books_balance r
stop r INT
check "SIGINT ends it with status 0, too" same "$?" 0
lab_end
