#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "A host whose NIC the vswitch has: SSH, pings and floods through its uplink"

# r's uplink is a packet socket, and its kernel behind a tap that the vswitch
# makes; s's uplink is a tap, and its kernel behind a veth that was there before.
make_ns r s
router f
uplink r f ff
uplink s f fe to-f 1500
ip_in s link add wire mtu 1500 type bridge
ip_in s link set to-f master wire
ip_in s link set wire up
node a r 02:00:00:00:00:0a 10.0.0.2/24
node g s 02:00:00:00:00:0b 10.0.0.3/24
ip_in s link add kern0 mtu 1500 type veth peer name host0 mtu 1500
# Segmentation is off, for a tap cannot cut; checksums are left to the port.
in_ns s ethtool -K host0 tso off gso off gro off >/dev/null 2>&1
ip_in s link set kern0 up

topology net <<'YAML'
network: z
segments: [{ name: lan, id: 0x00a001, subnet: 10.0.0.0/24, mtu: 1480 }]
nodes:
  - { name: a, host: r, port: vm-a, segment: lan, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: g, host: s, port: vm-g, segment: lan, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
YAML
configure r "$(core 0)" net.yaml <<'YAML'
substrate:
  locator: fd00:0:0:a::/64
  ports: [uplink0]
  address: fd00:0:0:ff::a/64
  routes: [{ to: "::/0", via: "fd00:0:0:ff::1" }]
  mtu: 1600
  kernel: host0
  kernel-rate: 2000
hosts: [{ name: s, locator: "fd00:0:0:b::/64" }]
ports:
  - { name: uplink0, af_packet: uplink0 }
  - { name: vm-a, af_packet: vm-a }
YAML
configure s "$(core 1)" net.yaml <<'YAML'
substrate:
  locator: fd00:0:0:b::/64
  uplinks:
    - port: uplink0
      address: fd00:0:0:fe::b/64
      routes: [{ to: "::/0", via: "fd00:0:0:fe::1" }]
      mtu: 1500
      kernel: { port: kern }
hosts: [{ name: r, locator: "fd00:0:0:a::/64" }]
ports:
  - { name: uplink0, tap: up0 }
  - { name: kern, af_packet: kern0 }
  - { name: vm-g, af_packet: vm-g }
YAML
need "r's vswitch answers" start r
need "s's vswitch answers" start s
# A bridge joins s's tap and the wire to f: where a tap goes into another
# namespace, its driver takes the link for lost. The bridge's end needs a MAC of
# its own.
ip_in s link set up0 address 02:00:00:00:00:5a master wire || give_up "s has no tap"
ip_in s link set up0 up
ip_in f -6 route add fd00:0:0:a::/64 via fd00:0:0:ff::a
ip_in f -6 route add fd00:0:0:b::/64 via fd00:0:0:fe::b

# port_mac HOST PORT
port_mac() { ctl "$1" -o json port list | jq -r --arg port "$2" '.[] | select(.name == $port) | .mac'; }
# role HOST PORT
role() { ctl "$1" -o json port list | jq -r --arg port "$2" '.[] | select(.name == $port) | .role'; }
# settle HOST NET: the host's kernel is given the uplink's address, and the way out.
settle() {
    set_sysctl "$1" net.ipv6.conf.host0.disable_ipv6=0 net.ipv6.conf.host0.accept_ra=0 &&
        ip_in "$1" link set host0 up &&
        ip_in "$1" -6 addr add "fd00:0:0:$2/64" dev host0 nodad &&
        ip_in "$1" -6 route add default via "fd00:0:0:${2%%::*}::1" dev host0
}
check "r's vswitch has made a tap with its uplink's MAC" same "$(mac_of r host0)" "$(mac_of r uplink0)"
check "with the MTU that a tap can have" same "$(in_ns r cat /sys/class/net/host0/mtu)" 1500
check "and lists it as the kernel's" same "$(role r host0)" kernel
check "s lists its veth so" same "$(role s kern)" kernel
ip_in s link set host0 address "$(port_mac s uplink0)"
need "r's kernel gets r's address" settle r ff::a
need "s's kernel gets s's" settle s fe::b
need "r knows the router" eventually 20 neighbor_known r fd00:0:0:ff::1
need "s knows the router" eventually 20 neighbor_known s fd00:0:0:fe::1

# SSH, with keys of this run.
SSHD=$(command -v sshd) || give_up "sshd is not installed: scripts/install-dependencies"
mkdir -p /run/sshd
for key in host_key client_key; do
    ssh-keygen -q -t ed25519 -N '' -f "$LAB_DIR/$key" || give_up "ssh-keygen makes no key"
done
cat >"$LAB_DIR/sshd_config" <<CONFIG
AddressFamily inet6
HostKey $LAB_DIR/host_key
AuthorizedKeysFile $LAB_DIR/client_key.pub
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PidFile none
CONFIG
for host in r s; do
    ip netns exec "$(ns "$host")" "$SSHD" -D -e -f "$LAB_DIR/sshd_config" >>"$LAB_DIR/sshd-$host.log" 2>&1 &
    eventually 10 listens "$host" 22 || give_up "sshd does not listen on $host"
done
# ssh_to ADDRESS COMMAND: from f.
ssh_to() {
    local address=$1
    shift
    in_ns f timeout 60 ssh -i "$LAB_DIR/client_key" -o BatchMode=yes -o ConnectTimeout=20 \
        -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "root@$address" "$@"
}
# brings ADDRESS: a file there and back by SSH, octet for octet.
brings() {
    head -c 3000000 /dev/urandom >"$LAB_DIR/file"
    ssh_to "$1" cat <"$LAB_DIR/file" >"$LAB_DIR/back" && cmp "$LAB_DIR/file" "$LAB_DIR/back"
}

capture at-r r host0
in_ns a ping -n -i 0.2 -W 2 -c 60 10.0.0.3 >"$LAB_DIR/tenants" 2>&1 &
tenants=$!
check "f logs in to r by SSH" same "$(ssh_to fd00:0:0:ff::a echo "that is r")" "that is r"
check "3 MB there and back by SSH" brings fd00:0:0:ff::a
check "f logs in to s by SSH" same "$(ssh_to fd00:0:0:fe::b echo "that is s")" "that is s"
check "3 MB there and back by SSH" brings fd00:0:0:fe::b
# shellcheck disable=SC2016  # The inner shell's own words.
check "s's kernel logs in to r's, both through their uplinks" \
    in_ns s timeout 20 bash -c 'exec 3<>/dev/tcp/fd00:0:0:ff::a/22 && read -r line <&3 && [[ $line == SSH-2.0-* ]]'
# refused ADDRESS PORT: f's connection is; that nobody answers is not enough.
refused() {
    in_ns f timeout 5 bash -c "exec 3<>/dev/tcp/$1/$2"
    (($? == 1))
}
check "where nobody listens, r's kernel says so at once" refused fd00:0:0:ff::a 23
check "where nobody answers, nobody says so" fails refused fd00:0:0:a::1 22
check "r's kernel pings the router" ping_all r fd00:0:0:ff::1 5
check "s's kernel pings r's" ping_all s fd00:0:0:ff::a 5
check "f pings r: the vswitch answers" ping_all f fd00:0:0:ff::a 10
check "not r's kernel" same "$(counted r Icmp6InEchos)" 0
wait "$tenants"
check "meanwhile no tenant's ping was lost" grep -q ' 0% packet loss' "$LAB_DIR/tenants"

# What is the tenants' stays the tenants'.
tenant=fd00::a:0:a001:a00:2
dropped_before=$(drops r source-not-proven)
check "f cannot reach r's kernel by a tenant's address" \
    fails in_ns f timeout 2 bash -c "exec 3<>/dev/tcp/$tenant/22"
check "which is counted" at_least "$(($(drops r source-not-proven) - dropped_before))" 1
check "nor by segment 0" fails in_ns f timeout 2 bash -c 'exec 3<>/dev/tcp/fd00:0:0:a::1/22'
for source in "$tenant" fd00:0:0:a::1; do
    before=$(drops r kernel-spoofed)
    ip_in r -6 addr add "$source/128" dev host0 nodad
    check "r's kernel cannot send from $source" ping_none r fd00:0:0:ff::1 3 -I "$source"
    ip_in r -6 addr del "$source/128" dev host0
    check "which is counted" at_least "$(($(drops r kernel-spoofed) - before))" 1
done
check "r's kernel has seen nothing for its locator" \
    same "$(captured at-r 'dst net fd00:0:0:a::/64' | wc -l)" 0

# A flood, five times as fast as the kernel is to be given it.
frame="Ether(src='$(mac_of f to-r)', dst='$(mac_of r uplink0)')/IPv6(src='fd00:0:0:ff::1', dst='fd00:0:0:ff::a')/UDP(dport=9)"
taken() { in_ns r cat /sys/class/net/host0/statistics/rx_packets; }
seen=$(taken)
limited=$(drops r kernel-rate-limited)
in_ns a ping -n -i 0.2 -W 2 -c 40 10.0.0.3 >"$LAB_DIR/tenants" 2>&1 &
tenants=$!
begun=$SECONDS
check "f sends 100 000 datagrams to r's address" \
    in_ns f "$PYTHON" "$LAB_TOOLS/send.py" to-r "$frame" 100000 10000
took=$((SECONDS - begun + 1))
seen=$(($(taken) - seen))
check "r's kernel got no more than its 2000 per second" at_least $((took * 2000 + 500)) "$seen"
check "and some" at_least "$seen" 1000
check "what was too much is counted" at_least "$(($(drops r kernel-rate-limited) - limited))" 20000
wait "$tenants"
check "no tenant's ping was lost" grep -q ' 0% packet loss' "$LAB_DIR/tenants"
check "f logs in to r as before" same "$(ssh_to fd00:0:0:ff::a echo "that is r")" "that is r"
assert_books_balance r s
lab_end
