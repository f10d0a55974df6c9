#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "Multicast: who has joined a group hears it, on three hosts; nobody and no host else does"

make_ns r s t
router f
n=1
for host in r s t; do
    locator=$(printf '%x' $((9 + n)))
    uplink "$host" f "$((20 + n))"
    ip_in f -6 route add "fd00:0:0:$locator::/64" via "fd00:0:0:$((20 + n))::$locator"
    n=$((n + 1))
done
node a r 02:00:00:00:00:0a 10.0.0.2/24
node e r 02:00:00:00:00:0e 10.0.0.5/24
node g s 02:00:00:00:00:0b 10.0.0.3/24
node h s 02:00:00:00:00:1b 10.0.0.7/24
node m t 02:00:00:00:00:0d 10.0.0.9/24
for name in a e g h m; do
    ip_in "$name" route add 224.0.0.0/4 dev eth0
done
# A member of the old kind.
set_sysctl h net.ipv4.conf.all.force_igmp_version=2

topology z <<'YAML'
network: z
segments:
  - name: front
    id: 0x00a001
    subnet: 10.0.0.0/24
    multicast: { query-interval: 4s, withhold: 239.66.0.0/16 }
routers:
  - { name: j, interfaces: [{ segment: front, address: 10.0.0.1 }] }
nodes:
  - { name: a, host: r, port: vm-a, segment: front, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: e, host: r, port: vm-e, segment: front, address: 10.0.0.5, mac: "02:00:00:00:00:0e" }
  - { name: g, host: s, port: vm-g, segment: front, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
  - { name: h, host: s, port: vm-h, segment: front, address: 10.0.0.7, mac: "02:00:00:00:00:1b" }
  - { name: m, host: t, port: vm-m, segment: front, address: 10.0.0.9, mac: "02:00:00:00:00:0d" }
YAML

# host NAME LOCATOR NET CORE NODE...
host() {
    local name=$1 locator=$2 net=$3 core=$4 other node
    shift 4
    {
        cat <<YAML
substrate:
  locator: fd00:0:0:$locator::/64
  ports: [uplink0]
  address: fd00:0:0:$net::$locator/64
  routes: [{ to: "::/0", via: "fd00:0:0:$net::1" }]
  mtu: 1600
hosts:
YAML
        for other in r:a s:b t:c; do
            [[ $other == "$name:"* ]] ||
                printf '  - { name: %s, locator: "fd00:0:0:%s::/64" }\n' "${other%:*}" "${other#*:}"
        done
        printf 'ports:\n  - { name: uplink0, af_packet: uplink0 }\n'
        for node in "$@"; do
            printf '  - { name: vm-%s, af_packet: vm-%s }\n' "$node" "$node"
        done
    } | configure "$name" "$(core "$core")" z.yaml
}
host r a 21 0 a e
host s b 22 1 g h
host t c 23 0 m
for name in r s t; do
    need "$name's vswitch answers" start "$name"
done

# members HOST FILTER: how many rows of its list are so.
members() { ctl "$1" group list -o json | jq "map(select($2)) | length"; }
lists() { [[ $(members "$1" "$2") == "${3:-1}" ]]; }
# join NODE GROUP [FILTER...]: a member, until `leave NODE GROUP`.
join() {
    local file="$LAB_DIR/$1-$2"
    ip netns exec "$(ns "$1")" "$PYTHON" "$LAB_TOOLS/member.py" eth0 "${@:2}" >"$file.heard" 2>>"$LAB_DIR/$1.log" &
    echo $! >"$file.pid"
    eventually 5 grep -qs ready "$file.heard" || give_up "node $1 does not join $2"
}
leave() { kill "$(cat "$LAB_DIR/$1-$2.pid")"; }
talk() { in_ns "$1" "$PYTHON" "$LAB_TOOLS/group.py" talk "$2" "$3" "$4"; }
# heard NODE GROUP TEXT: how many different such datagrams, and how many at all.
heard() {
    awk -v text="$3" '$2 == text { all++; if (!seen[$3]++) once++ } END { print once + 0, all + 0 }' \
        "$LAB_DIR/$1-$2.heard"
}
hears() { [[ $(heard "$1" "$2" "$3") == "$4 $4" ]]; }

for name in r s t; do
    need "$name has asked its nodes and the other hosts" \
        eventually 15 lists "$name" '.known_by == "new" or (.known_by == "host" and .group == null)' 0
done

echo "a group with members of both versions"
join g 239.7.7.7
join h 239.7.7.7
join e 239.7.7.7
check "s knows a member of version 3" eventually 5 lists s '.group == "239.7.7.7" and .node == "g" and .known_by == "igmpv3"'
check "s knows a member of version 2" eventually 5 lists s '.group == "239.7.7.7" and .node == "h" and .known_by == "igmpv2"'
check "r knows that s has some, and t none" eventually 5 lists r '.group == "239.7.7.7" and .host == "s"'
check "t knows, too, that r and s have some" eventually 5 lists t '.group == "239.7.7.7"' 2
capture to-t t uplink0 'ip6 and dst net fd00:0:0:c::/64'
capture to-s s uplink0 'ip6 and dst net fd00:0:0:b::/64 and ip6[6] = 17'
capture on-m m eth0 'udp'
talk a 239.7.7.7 200 from-a
for name in e g h; do
    check "$name hears A, each datagram once" eventually 5 hears "$name" 239.7.7.7 from-a 200
done
check "one copy crosses the fabric to s, for both of its members" \
    same "$(captured to-s | wc -l)" 200
check "no copy crosses it to t, which has no members" \
    same "$(captured to-t 'ip6[6] = 17' | wc -l)" 0
check "and M, who has not joined, hears nothing" same "$(captured on-m | wc -l)" 0

echo "leaving"
capture asked h eth0 'igmp'
leave h 239.7.7.7
check "h is forgotten within seconds" eventually 8 lists s '.group == "239.7.7.7" and .node == "h"' 0
check "after it was asked whether anybody is left" \
    at_least "$(captured asked | grep -c 'igmp query.*gaddr 239.7.7.7')" 1
leave g 239.7.7.7
check "with the last member of s, r forgets s" eventually 8 lists r '.group == "239.7.7.7" and .host == "s"' 0
capture to-s s uplink0 'ip6 and dst net fd00:0:0:b::/64 and ip6[6] = 17'
talk a 239.7.7.7 50 again
check "e still hears A" eventually 5 hears e 239.7.7.7 again 50
check "to s nothing crosses the fabric any more" same "$(captured to-s | wc -l)" 0

echo "sources"
join m 232.1.1.1 only 10.0.0.2
check "t knows whom M listens to" \
    eventually 5 lists t '.group == "232.1.1.1" and .filter == "only" and .sources == ["10.0.0.2"]'
check "and r that t has a member" eventually 5 lists r '.group == "232.1.1.1" and .host == "t"'
capture on-m m eth0 'udp'
talk a 232.1.1.1 50 from-a
talk e 232.1.1.1 50 from-e
check "M hears A" eventually 5 hears m 232.1.1.1 from-a 50
check "E's packets do not even reach M's wire" same "$(captured on-m 'src 10.0.0.5' | wc -l)" 0

echo "what is everybody's, and nobody's"
capture on-m m eth0 'udp'
join g 224.0.0.251
talk a 224.0.0.251 50 mdns
check "mDNS reaches its listener" eventually 5 hears g 224.0.0.251 mdns 50
check "and everybody else's wire: groups of one link always do" same "$(captured on-m | wc -l)" 50
join g 239.66.1.1
talk a 239.66.1.1 50 secret
check "a withheld group reaches nobody" dropped r group-withheld 50 vm-a
check "also not its would-be member" same "$(heard g 239.66.1.1 secret)" "0 0"

echo "a receiver and a sender that know nothing of all this"
ip netns exec "$(ns m)" iperf -s -u -B 239.9.9.9%eth0 -i 1 >"$LAB_DIR/iperf.out" 2>&1 &
check "t knows iperf's group" eventually 5 lists t '.group == "239.9.9.9" and .node == "m"'
check "r, too" eventually 5 lists r '.group == "239.9.9.9" and .host == "t"'
in_ns a iperf -c 239.9.9.9 -u -T 4 -t 2 -b 2M >/dev/null 2>&1
check "iperf counts what it received, none lost" \
    eventually 5 grep -Eq ' 0/ *[1-9][0-9]+ \(0%\)' "$LAB_DIR/iperf.out"

echo "a vswitch that starts again"
join h 239.7.7.7
check "r knows of the member on s" eventually 8 lists r '.group == "239.7.7.7" and .host == "s"'
stop r
need "r's vswitch answers again" start r
check "r asks, and knows it again" eventually 10 lists r '.group == "239.7.7.7" and .host == "s"'
check "and its own" eventually 10 lists r '.group == "239.7.7.7" and .node == "e"'
talk a 239.7.7.7 50 anew
check "h hears A again" eventually 5 hears h 239.7.7.7 anew 50
assert_books_balance r s t
lab_end
