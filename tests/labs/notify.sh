#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "A service manager is told when packets are forwarded, and when the end begins"

make_ns r
topology net <<'YAML'
network: z
segments: [{ name: lan, id: 0x00a001, subnet: 10.0.0.0/24 }]
nodes:
  - { name: a, host: r, port: vm-a, segment: lan, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
YAML
configure r "$(core 0)" net.yaml <<'YAML'
substrate: { locator: "fd00:0:0:a::/64", ports: [uplink0], address: "fd00:0:0:ff::a/64", mtu: 1600 }
ports:
  - { name: uplink0, memory: true }
  - { name: vm-a, memory: true }
YAML

# systemd's part: a datagram socket that writes down what it is told.
"$PYTHON" - "$LAB_DIR/notify" >"$LAB_DIR/told" <<'PYTHON' &
import socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
while True:
    print(manager.recv(4096).decode().strip(), flush=True)
PYTHON
manager=$!
check "the service manager listens" eventually 10 test -S "$LAB_DIR/notify"

# same_count PATTERN COUNT: so often the service manager was told.
same_count() { same "$(grep -c "$1" "$LAB_DIR/told")" "$2"; }

export NOTIFY_SOCKET=$LAB_DIR/notify
need "the vswitch answers" start r
check "it has said that it is ready" eventually 5 grep -q '^READY=1' "$LAB_DIR/told"
check "and nothing of an end" fails grep -q STOPPING "$LAB_DIR/told"
first=$(pid_of r)
launch r --take-over
unset NOTIFY_SOCKET
wait "$first"
check "another one takes over" same "$?" 0
need "and answers" eventually 20 ctl r status
check "the service manager was told whom to watch now" grep -q "^MAINPID=$(pid_of r)" "$LAB_DIR/told"
check "and, again, that it is ready" eventually 5 same_count '^READY=1' 2
check "and still nothing of an end" fails grep -q STOPPING "$LAB_DIR/told"
assert_books_balance r
stop r
check "SIGTERM ends it with status 0" same "$?" 0
check "it has said that it was stopping" eventually 5 grep -q '^STOPPING=1' "$LAB_DIR/told"
kill "$manager"
lab_end
