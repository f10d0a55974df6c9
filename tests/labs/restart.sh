#!/usr/bin/env bash
# RESTART_MAPPINGS=1000000 for the figures; by default few, to be quick.
. "$(dirname "$0")/../lab/lab.sh"
mappings=${RESTART_MAPPINGS:-20000}
lab_begin "A restart that nodes do not notice, planned or not, with $mappings mappings loaded"

pair
node a r 02:00:00:00:00:0a 10.0.0.2/24
node g s 02:00:00:00:00:0b 10.0.0.3/24
node c r 02:00:00:00:00:0c 10.0.0.4/24

topology net <<'YAML'
network: z
segments:
  - { name: lan, id: 0x00a001, subnet: 10.0.0.0/24 }
  - { name: wide, id: 0x00a002, subnet: 172.16.0.0/12 }
nodes:
  - { name: a, host: r, port: vm-a, segment: lan, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: g, host: s, port: vm-g, segment: lan, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
YAML
ports r <<<'  - { name: vm-a, af_packet: vm-a }'
ports s <<<'  - { name: vm-g, af_packet: vm-g }'
configure_pair
cat >>"$LAB_DIR/r.yaml" <<YAML
state: state
tables: { mappings: $((mappings + mappings / 4 + 100000)) }
YAML
start_pair

# What the configuration does not say, so that only the state can bring it back.
{
    cat "$LAB_DIR/net.yaml"
    echo '  - { name: c, host: r, port: vm-c, segment: lan, address: 10.0.0.4, mac: "02:00:00:00:00:0c" }'
} >"$LAB_DIR/applied.yaml"
need "a port is added" ctl r port add vm-c --af-packet vm-c
need "a node on it is drawn" ctl r apply -f "$LAB_DIR/applied.yaml"
seq 0 $((mappings - 1)) | awk '{ printf "0x00a002 172.%d.%d.%d fd00:0:0:b::/64 02:01:00:%02x:%02x:%02x\n",
    16 + int($1 / 65536), int($1 / 256) % 256, $1 % 256, int($1 / 65536), int($1 / 256) % 256, $1 % 256 }' \
    >"$LAB_DIR/mappings.txt"
need "mappings are loaded" ctl r mapping load --quiet "$LAB_DIR/mappings.txt"

mapping_count() { ctl r -o json table list | jq '.[] | select(.name == "mappings") | .used'; }
# arp ADDRESS: the MAC that node a is told, asked anew.
arp() {
    ip_in a neigh flush to "$1"
    in_ns a ping -n -c 1 -W 2 "$1" >/dev/null
    ip_in a -j neigh show to "$1" | jq -r '.[].lladdr'
}
loaded=$(mapping_count)
check "all of them" same "$loaded" $((mappings + 3))
macs="$(arp 10.0.0.3) $(arp 10.0.0.4)"
check "a is told the MACs of g and c" same "$macs" "02:00:00:00:00:0b 02:00:00:00:00:0c"

ip netns exec "$(ns g)" "$PYTHON" "$LAB_TOOLS/blackout.py" serve >>"$LAB_DIR/g.log" 2>&1 &
eventually 5 listens g 7007 || give_up "no server on node g"
ip netns exec "$(ns a)" "$PYTHON" "$LAB_TOOLS/blackout.py" probe 10.0.0.3 >"$LAB_DIR/probe" 2>>"$LAB_DIR/a.log" &
probe=$!
eventually 10 test -s "$LAB_DIR/probe" || give_up "no connection from node a to node g"

# since: what the probe has seen since the last time.
since() {
    local lines
    lines=$(wc -l <"$LAB_DIR/probe")
    kill -USR1 "$probe"
    eventually 5 eval "((\$(wc -l <'$LAB_DIR/probe') > $lines))"
    tail -n 1 "$LAB_DIR/probe"
}
get() { jq -r ".$2" <<<"$1"; }
now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }
# goes_on: answers come, and the connection lives.
goes_on() {
    since >/dev/null
    sleep 0.5
    local seen
    seen=$(since)
    echo "$seen"
    (($(get "$seen" udp) > 0 && $(get "$seen" tcp) > 0)) && [[ $(get "$seen" tcp_ended) == null ]]
}

# before: traffic passes, and what was seen of it until now is forgotten.
before() {
    need "traffic goes to and fro" eventually 10 goes_on
    printf '    without a restart, the longest wait for an answer was %s ms\n' \
        "$(get "$(since)" udp_gap_ms)"
}

# after WHAT FIGURE WORDS: what nodes saw of it, and what must be there.
after() {
    local what=$1 figure=$2 words=$3 seen
    sleep 3
    seen=$(since)
    printf '    %s: blackout %s ms, %s of the %d ms asked with 1 000 000 mappings\n' "$what" \
        "$(get "$seen" udp_gap_ms)" "$(jq -n "$(get "$seen" udp_gap_ms) / $figure * 100 | round / 100")" "$figure"
    printf '    %s, TCP stood still for %s ms\n' "$words" "$(get "$seen" tcp_gap_ms)"
    check "$what: datagrams pass, and the TCP connection goes on" eventually 20 goes_on
    check "$what: a is told the same MACs" same "$(arp 10.0.0.3) $(arp 10.0.0.4)" "$macs"
    check "$what: the mappings are back" same "$(mapping_count)" "$loaded"
    check "$what: the applied topology and the added port are back" ping_all a 10.0.0.4 3
    assert_books_balance r s
}

# restarted WHAT SIGNAL FIGURE: r ends by SIGNAL and starts again under traffic.
restarted() {
    local what=$1 signal=$2 figure=$3 start ended
    before
    start=$(now_ms)
    stop r "$signal" 2>/dev/null
    ended=$(($(now_ms) - start))
    start=$(now_ms)
    launch r
    until ctl r status >/dev/null 2>&1 || is_gone r; do sleep 0.01; done
    start=$(($(now_ms) - start))
    need "$what: it answers again" ctl r status
    after "$what" "$figure" "ended after $ended ms, its socket answered $start ms after the start"
}

# taken_over FIGURE: another vswitch takes over from r under traffic.
taken_over() {
    local what="vswitch --take-over" figure=$1 start first
    before
    first=$(pid_of r)
    start=$(now_ms)
    launch r --take-over
    wait "$first"
    check "$what: the first one ends with status 0" same "$?" 0
    start=$(($(now_ms) - start))
    need "$what: the second one answers" eventually 20 ctl r status
    check "$what: it is another process" same "$(ctl r -o json status | jq .pid)" "$(pid_of r)"
    after "$what" "$figure" "the first one was gone $start ms after the second one's start"
}

taken_over 500
restarted "SIGTERM, then a start" TERM 2000
restarted "kill -9, then a start" KILL 2000
lab_end
