#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "Broadcasts and multicasts: everybody in the segment hears them once, nobody else does"

pair
node a r 02:00:00:00:00:0a 10.0.0.2/24
node e r 02:00:00:00:00:0e 10.0.0.5/24
node c r 02:00:00:00:00:0c 10.0.5.1/24
node b r 02:00:00:00:00:bb 10.0.0.9/24
node g s 02:00:00:00:00:0b 10.0.5.4/24
node h s 02:00:00:00:00:1b 10.0.0.7/24
tagged g front 100 10.0.0.3/24
# Some systems answer pings to everyone.
for name in a e g h c b; do
    set_sysctl "$name" net.ipv4.icmp_echo_ignore_broadcasts=0
    ip_in "$name" route add 224.0.0.0/4 dev "$([[ $name == g ]] && echo front || echo eth0)"
done

topology z <<'YAML'
network: z
segments:
  - { name: front, id: 0x00a001, subnet: 10.0.0.0/24, vlan: 100 }
  - { name: back, id: 0x00a002, subnet: 10.0.5.0/24, vlan: 200 }
nodes:
  - { name: a, host: r, port: vm-a, segment: front, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: e, host: r, port: vm-e, segment: front, address: 10.0.0.5, mac: "02:00:00:00:00:0e" }
  - { name: c, host: r, port: vm-c, segment: back, address: 10.0.5.1, mac: "02:00:00:00:00:0c" }
  - name: g
    host: s
    port: vm-g
    mac: "02:00:00:00:00:0b"
    link: { trunk: [front], native: back }
    interfaces: [{ segment: front, address: 10.0.0.3 }, { segment: back, address: 10.0.5.4 }]
  - { name: h, host: s, port: vm-h, segment: front, address: 10.0.0.7, mac: "02:00:00:00:00:1b" }
YAML
topology y <<'YAML'
network: y
segments:
  - { name: lan, id: 0x00b001, subnet: 10.0.0.0/24 }
nodes:
  - { name: b, host: r, port: vm-b, segment: lan, address: 10.0.0.9, mac: "02:00:00:00:00:bb" }
YAML
cat "$LAB_DIR/z.yaml" >"$LAB_DIR/net.yaml"
printf -- '---\n' >>"$LAB_DIR/net.yaml"
cat "$LAB_DIR/y.yaml" >>"$LAB_DIR/net.yaml"
ports r <<'YAML'
  - { name: vm-a, af_packet: vm-a }
  - { name: vm-e, af_packet: vm-e }
  - { name: vm-c, af_packet: vm-c }
  - { name: vm-b, af_packet: vm-b }
YAML
ports s <<'YAML'
  - { name: vm-g, af_packet: vm-g }
  - { name: vm-h, af_packet: vm-h }
YAML
configure_pair
start_pair

# listeners ADDRESS: all nodes listen for some seconds.
listeners() {
    local name
    listening=()
    for name in a e g h c b; do
        ip netns exec "$(ns "$name")" "$PYTHON" "$LAB_TOOLS/group.py" listen "$1" 4 >"$LAB_DIR/$name.heard" 2>>"$LAB_DIR/$name.log" &
        listening+=($!)
    done
    for name in a e g h c b; do
        eventually 5 grep -qs ready "$LAB_DIR/$name.heard" || give_up "node $name does not listen"
    done
}
# heard NODE FROM TTL TEXT: how many different such datagrams, and how many at all.
heard() {
    awk -v from="$2" -v ttl="$3" -v text="$4" \
        '$1 == from && $2 == ttl && $3 == text { all++; if (!seen[$4]++) once++ }
         END { print once + 0, all + 0 }' "$LAB_DIR/$1.heard"
}
talk() { in_ns "$1" "$PYTHON" "$LAB_TOOLS/group.py" talk "$2" "$3" "$4"; }

for address in 239.7.7.7 224.0.0.251 10.0.0.255; do
    ttl=7
    [[ $address == 10.* ]] && ttl=64
    listeners "$address"
    talk a "$address" 200 from-a
    talk g "$address" 200 from-g
    wait "${listening[@]}"
    for name in e h; do
        check "$address: $name hears A and G, each once" \
            same "$(heard "$name" 10.0.0.2 $ttl from-a) $(heard "$name" 10.0.0.3 $ttl from-g)" "200 200 200 200"
    done
    check "$address: A hears G, behind a trunk on the other host" same "$(heard a 10.0.0.3 $ttl from-g)" "200 200"
    check "$address: G hears A" same "$(heard g 10.0.0.2 $ttl from-a)" "200 200"
    check "$address: neither another segment nor another tenant hears a thing" \
        same "$(grep -c from "$LAB_DIR/c.heard") $(grep -c from "$LAB_DIR/b.heard")" "0 0"
done

# pinged NODE ADDRESS: who answers; the node itself does, too.
pinged() {
    in_ns "$1" ping -n -b -c 2 -W 2 "$2" 2>/dev/null |
        sed -n 's/.*bytes from \([0-9.]*\):.*/\1/p' | sort -u | xargs
}
everyone="10.0.0.2 10.0.0.3 10.0.0.5 10.0.0.7"
check "A pings everyone" same "$(pinged a 10.0.0.255)" "$everyone"
check "H pings the group of all systems" same "$(pinged h 224.0.0.1)" "$everyone"
long=$(printf 'x%.0s' {1..1800})
listeners 239.7.7.7
talk g 239.7.7.7 20 "$long"
wait "${listening[@]}"
check "in fragments, on both hosts" \
    same "$(heard a 10.0.0.3 7 "$long") $(heard h 10.0.0.3 7 "$long")" "20 20 20 20"
assert_books_balance r s
lab_end
