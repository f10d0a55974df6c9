#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "The same drawing twice: by Linux bridges and routers, and by two vswitches"

mac_of_node() {
    case $1 in
        a) echo 00:05:02:0b:27:44 ;;
        e) echo 02:00:00:00:5a:05 ;;
        c) echo 02:00:00:00:5a:51 ;;
        h) echo 00:00:7d:a2:34:11 ;;
        g) echo 02:00:00:00:5a:03 ;;
        t) echo 02:00:00:00:5a:06 ;;
    esac
}
address_of_node() {
    case $1 in a) echo 10.0.0.2 ;; e) echo 10.0.0.5 ;; c) echo 10.0.5.1 ;; h) echo 10.1.5.3 ;; esac
}
gateway_of_node() {
    case $1 in a) echo 10.0.0.1 ;; e) echo 10.0.0.254 ;; c) echo 10.0.5.254 ;; h) echo 10.1.5.1 ;; esac
}
segment_of_node() { case $1 in a | e) echo front ;; c) echo back ;; h) echo far ;; esac; }

# A node says everything, however often: no kind of ICMP is limited.
talkative() {
    set_sysctl "$1" net.ipv4.icmp_ratemask=0 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
}
# station NAMESPACE NODE: its address and its way out.
station() {
    talkative "$1"
    ip_in "$1" link set eth0 address "$(mac_of_node "$2")"
    set_sysctl "$1" net.ipv4.conf.eth0.rp_filter=0
    ip_in "$1" addr add "$(address_of_node "$2")/24" dev eth0
    ip_in "$1" route add default via "$(gateway_of_node "$2")"
}

# trunk NAMESPACE NODE: the same for g, whose link has a native VLAN, and for t, whose
# has none. What comes by a VLAN is answered there.
trunk() {
    talkative "$1"
    set_sysctl "$1" net.ipv4.conf.all.arp_ignore=1
    ip_in "$1" link set eth0 address "$(mac_of_node "$2")"
    case $2 in
        g)
            tagged "$1" front 100 10.0.0.3/24
            ip_in "$1" addr add 10.0.5.4/24 dev eth0
            by_source "$1" 10.0.0.3 front 10.0.0.0/24 10.0.0.1 101
            by_source "$1" 10.0.5.4 eth0 10.0.5.0/24 10.0.5.254 102
            ;;
        t)
            tagged "$1" front 100 10.0.0.6/24
            tagged "$1" back 200 10.0.5.6/24
            by_source "$1" 10.0.0.6 front 10.0.0.0/24 10.0.0.254 101
            by_source "$1" 10.0.5.6 back 10.0.5.0/24 10.0.5.254 102
            ;;
    esac
}
# by_source NAMESPACE ADDRESS IF SUBNET GATEWAY TABLE
by_source() {
    set_sysctl "$1" "net.ipv4.conf.$3.rp_filter=0"
    ip_in "$1" route add "$4" dev "$3" src "$2" table "$6"
    ip_in "$1" route add default via "$5" dev "$3" table "$6"
    ip_in "$1" rule add from "$2" table "$6"
}

# Linux's: a bridge per segment in one namespace, and a namespace per router.
make_ns wires lj ll lm la le lc lh lg lt
for segment in front back far middle; do
    ip_in wires link add name "$segment" type bridge mcast_snooping 0
    ip_in wires link set "$segment" up
done
# plug NAMESPACE IF SEGMENT
plug() {
    cable "$1" "$2" wires "$1-$2"
    ip_in wires link set "$1-$2" master "$3"
}
# leg ROUTER IF SEGMENT MAC ADDRESS/LENGTH
leg() {
    plug "$1" "$2" "$3"
    ip_in "$1" link set "$2" address "$4"
    ip_in "$1" addr add "$5" dev "$2"
    set_sysctl "$1" "net.ipv4.conf.$2.rp_filter=0" "net.ipv4.conf.$2.send_redirects=0"
}
for name in lj ll lm; do
    talkative "$name"
    set_sysctl "$name" net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 \
        net.ipv4.conf.default.send_redirects=0
done
leg lj front front 00:01:42:09:88:73 10.0.0.1/24
leg ll far far 00:01:42:cd:11:01 10.1.5.1/24
leg ll middle middle 02:00:00:00:fd:01 10.9.0.1/30
leg lm front front 02:00:00:00:fe:01 10.0.0.254/24
leg lm back back 02:00:00:00:fe:02 10.0.5.254/24
leg lm middle middle 02:00:00:00:fd:02 10.9.0.2/30
# The link between J and L has no addresses of its own: each lends it one.
cable lj to-l ll to-j
ip_in lj addr add 10.0.0.1/32 dev to-l
ip_in ll addr add 10.1.5.1/32 dev to-j
set_sysctl lj net.ipv4.conf.to-l.rp_filter=0
set_sysctl ll net.ipv4.conf.to-j.rp_filter=0
ip_in lj route add 10.1.5.0/24 via 10.1.5.1 dev to-l onlink
ip_in lj route add 10.0.5.0/24 via 10.0.0.254
ip_in lj route add 10.9.0.0/30 via 10.0.0.254
ip_in ll route add 10.0.0.0/24 via 10.0.0.1 dev to-j onlink
ip_in ll route add 10.0.5.0/24 via 10.9.0.2
ip_in lm route add 10.1.5.0/24 via 10.9.0.1
for name in a e c h; do
    plug "l$name" eth0 "$(segment_of_node "$name")"
    station "l$name" "$name"
done

# What Linux has no devices for here: a bridge's ports by tag.
# tagged_plug NODE MARKS SEGMENT
tagged_plug() {
    in_ns wires "$LAB_TOOLS/vlan_tap.py" "l$1-eth0" "$2" "$1-$3" >>"$LAB_DIR/wires.log" 2>&1 &
    eventually 10 ip_in wires link show "$1-$3" >/dev/null || give_up "no port for $2 of $1"
    ip_in wires link set "$1-$3" master "$3" up
}
for name in g t; do
    cable "l$name" eth0 wires "l$name-eth0"
    trunk "l$name" "$name"
    tagged_plug "$name" 100 front
done
tagged_plug g bare back
tagged_plug t 200 back

# The vswitches'.
pair
node a r "$(mac_of_node a)"
node e s "$(mac_of_node e)"
node c r "$(mac_of_node c)"
node h s "$(mac_of_node h)"
for name in a e c h; do station "$name" "$name"; done
node g s "$(mac_of_node g)"
node t r "$(mac_of_node t)"
for name in g t; do trunk "$name" "$name"; done
# No more than the bridges of the one above do the vswitches snoop.
topology net <<'YAML'
network: z
segments:
  - { name: front, id: 0x00a001, subnet: 10.0.0.0/24, vlan: 100, multicast: { snooping: false } }
  - { name: back, id: 0x00a002, subnet: 10.0.5.0/24, vlan: 200, multicast: { snooping: false } }
  - { name: far, id: 0x00a003, subnet: 10.1.5.0/24, multicast: { snooping: false } }
  - { name: middle, id: 0x00a004, subnet: 10.9.0.0/30, multicast: { snooping: false } }
routers:
  - name: j
    interfaces: [{ segment: front, address: 10.0.0.1, mac: "00:01:42:09:88:73" }]
    routes:
      - { to: 10.1.5.0/24, via: l }
      - { to: 10.0.5.0/24, via: 10.0.0.254 }
      - { to: 10.9.0.0/30, via: m }
  - name: l
    interfaces:
      - { segment: far, address: 10.1.5.1, mac: "00:01:42:cd:11:01" }
      - { segment: middle, address: 10.9.0.1, mac: "02:00:00:00:fd:01" }
    routes:
      - { to: 10.0.0.0/24, via: j }
      - { to: 10.0.5.0/24, via: 10.9.0.2 }
  - name: m
    interfaces:
      - { segment: front, address: 10.0.0.254, mac: "02:00:00:00:fe:01" }
      - { segment: back, address: 10.0.5.254, mac: "02:00:00:00:fe:02" }
      - { segment: middle, address: 10.9.0.2, mac: "02:00:00:00:fd:02" }
    routes: [{ to: 10.1.5.0/24, via: 10.9.0.1 }]
nodes:
  - { name: a, host: r, port: vm-a, segment: front, address: 10.0.0.2, mac: "00:05:02:0b:27:44" }
  - { name: e, host: s, port: vm-e, segment: front, address: 10.0.0.5, mac: "02:00:00:00:5a:05" }
  - { name: c, host: r, port: vm-c, segment: back, address: 10.0.5.1, mac: "02:00:00:00:5a:51" }
  - { name: h, host: s, port: vm-h, segment: far, address: 10.1.5.3, mac: "00:00:7d:a2:34:11" }
  - name: g
    host: s
    port: vm-g
    mac: "02:00:00:00:5a:03"
    link: { trunk: [front], native: back }
    interfaces: [{ segment: front, address: 10.0.0.3 }, { segment: back, address: 10.0.5.4 }]
  - name: t
    host: r
    port: vm-t
    mac: "02:00:00:00:5a:06"
    link: { trunk: [front, back] }
    interfaces: [{ segment: front, address: 10.0.0.6 }, { segment: back, address: 10.0.5.6 }]
YAML
ports r <<'YAML'
  - { name: vm-a, af_packet: vm-a }
  - { name: vm-c, af_packet: vm-c }
  - { name: vm-t, af_packet: vm-t }
YAML
ports s <<'YAML'
  - { name: vm-e, af_packet: vm-e }
  - { name: vm-h, af_packet: vm-h }
  - { name: vm-g, af_packet: vm-g }
YAML
configure_pair
start_pair

# Both know their neighbours before it begins: from each interface to all others.
all_addresses="10.0.0.2 10.0.0.5 10.0.5.1 10.1.5.3 10.0.0.3 10.0.5.4 10.0.0.6 10.0.5.6"
own_addresses() {
    case $1 in g) echo 10.0.0.3 10.0.5.4 ;; t) echo 10.0.0.6 10.0.5.6 ;; *) address_of_node "$1" ;; esac
}
reaches_all() {
    local from to
    for from in $(own_addresses "$2"); do
        for to in $all_addresses; do
            [[ " $(own_addresses "$2") " == *" $to "* ]] || ping_all "$1" "$to" 1 -I "$from" || return
        done
    done
}
for name in a e c h g t; do
    check "Linux: $name reaches all others" eventually 5 reaches_all "l$name" "$name"
    check "$name reaches all others" eventually 5 reaches_all "$name" "$name"
done

mkdir "$LAB_DIR/linux" "$LAB_DIR/vswitch"
for name in a e c h g t; do
    capture "linux/$name" "l$name" eth0 -Q in ip or arp or vlan
    capture "vswitch/$name" "$name" eth0 -Q in ip or arp or vlan
done
# sends PREFIX NODE STATION...: all that they send, at once.
senders=()
sends() {
    local in=$1 station
    shift
    for station in "$@"; do
        ip netns exec "$(ns "$in")" "$PYTHON" "$LAB_TOOLS/likeness.py" send "$station" eth0 \
            >>"$LAB_DIR/$in.log" 2>&1 &
        senders+=($!)
    done
}
for prefix in '' l; do
    for name in a e c h; do sends "$prefix$name" "$name"; done
    sends "${prefix}g" gf gb
    sends "${prefix}t" tf tb
done
wait "${senders[@]}"
# Linux's routers look for who is not there for some seconds.
sleep 5
for name in a e c h g t; do
    captured "linux/$name" >/dev/null
    captured "vswitch/$name" >/dev/null
done
alike() {
    local found status
    found=$("$PYTHON" "$LAB_TOOLS/likeness.py" compare "$LAB_DIR/vswitch" "$LAB_DIR/linux")
    status=$?
    DETAIL=$(tail -n 1 <<<"$found")
    echo "$found"
    [[ -z ${LIKENESS_KEEP:-} ]] || cp -r "$LAB_DIR/linux" "$LAB_DIR/vswitch" "$LIKENESS_KEEP"
    return "$status"
}
check "what arrives is the same, frame for frame" alike
assert_books_balance r s
lab_end
