#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "The same drawing twice: by Linux bridges and routers, and by two vswitches"

mac_of_node() {
    case $1 in
        a) echo 00:05:02:0b:27:44 ;;
        e) echo 02:00:00:00:5a:05 ;;
        c) echo 02:00:00:00:5a:51 ;;
        h) echo 00:00:7d:a2:34:11 ;;
    esac
}
address_of_node() {
    case $1 in a) echo 10.0.0.2 ;; e) echo 10.0.0.5 ;; c) echo 10.0.5.1 ;; h) echo 10.1.5.3 ;; esac
}
gateway_of_node() {
    case $1 in a) echo 10.0.0.1 ;; e) echo 10.0.0.254 ;; c) echo 10.0.5.254 ;; h) echo 10.1.5.1 ;; esac
}
segment_of_node() { case $1 in a | e) echo front ;; c) echo back ;; h) echo far ;; esac; }

# A node says everything, however often.
talkative() {
    set_sysctl "$1" net.ipv4.icmp_ratelimit=0 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
}
# station NAMESPACE NODE: its address and its way out.
station() {
    talkative "$1"
    ip_in "$1" link set eth0 address "$(mac_of_node "$2")"
    set_sysctl "$1" net.ipv4.conf.eth0.rp_filter=0
    ip_in "$1" addr add "$(address_of_node "$2")/24" dev eth0
    ip_in "$1" route add default via "$(gateway_of_node "$2")"
}

# Linux's: a bridge per segment in one namespace, and a namespace per router.
make_ns wires lj ll lm la le lc lh
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

# The vswitches'.
pair
node a r "$(mac_of_node a)"
node e s "$(mac_of_node e)"
node c r "$(mac_of_node c)"
node h s "$(mac_of_node h)"
for name in a e c h; do station "$name" "$name"; done
topology net <<'YAML'
network: z
segments:
  - { name: front, id: 0x00a001, subnet: 10.0.0.0/24 }
  - { name: back, id: 0x00a002, subnet: 10.0.5.0/24 }
  - { name: far, id: 0x00a003, subnet: 10.1.5.0/24 }
  - { name: middle, id: 0x00a004, subnet: 10.9.0.0/30 }
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
YAML
ports r <<'YAML'
  - { name: vm-a, af_packet: vm-a }
  - { name: vm-c, af_packet: vm-c }
YAML
ports s <<'YAML'
  - { name: vm-e, af_packet: vm-e }
  - { name: vm-h, af_packet: vm-h }
YAML
configure_pair
start_pair

# Both know their neighbours before it begins.
for prefix in l ''; do
    for name in a e c h; do
        for other in a e c h; do
            [[ $name == "$other" ]] || check "${prefix:+Linux: }$name reaches $other" \
                ping_all "$prefix$name" "$(address_of_node "$other")" 1
        done
    done
done

mkdir "$LAB_DIR/linux" "$LAB_DIR/vswitch"
for name in a e c h; do
    capture "linux/$name" "l$name" eth0 -Q in ip
    capture "vswitch/$name" "$name" eth0 -Q in ip
done
senders=()
for name in a e c h; do
    for prefix in l ''; do
        ip netns exec "$(ns "$prefix$name")" "$PYTHON" "$LAB_TOOLS/likeness.py" send "$name" eth0 \
            >>"$LAB_DIR/$prefix$name.log" 2>&1 &
        senders+=($!)
    done
done
wait "${senders[@]}"
# Linux's routers look for who is not there for some seconds.
sleep 5
for name in a e c h; do
    captured "linux/$name" >/dev/null
    captured "vswitch/$name" >/dev/null
done
alike() {
    local found status
    found=$("$PYTHON" "$LAB_TOOLS/likeness.py" compare "$LAB_DIR/vswitch" "$LAB_DIR/linux")
    status=$?
    DETAIL=$(tail -n 1 <<<"$found")
    echo "$found"
    return "$status"
}
check "what arrives is the same, frame for frame" alike
assert_books_balance r s
lab_end
