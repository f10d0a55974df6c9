# The usual place: hosts r and s, and between them the router f, which knows
# nothing but IPv6. Sourced by lab.sh.

# pair [MTU]: these three and their wires.
pair() {
    make_ns r s
    router f
    uplink r f ff uplink0 "${1:-1600}"
    uplink s f fe uplink0 "${1:-1600}"
    ip_in f -6 route add fd00:0:0:a::/64 via fd00:0:0:ff::a
    ip_in f -6 route add fd00:0:0:b::/64 via fd00:0:0:fe::b
}

# configure_pair [MTU]: r.yaml and s.yaml, for the network net.yaml. The ports of
# their nodes are in the files r.ports and s.ports, which the lab writes with
# `ports`.
configure_pair() {
    configure_host r a ff s b 0 "${1:-1600}"
    configure_host s b fe r a 1 "${1:-1600}"
}

# configure_host NAME LOCATOR NET OTHER OTHER-LOCATOR CORE MTU
configure_host() {
    configure "$1" "$(core "$6")" net.yaml <<YAML
substrate:
  locator: fd00:0:0:$2::/64
  ports: [uplink0]
  address: fd00:0:0:$3::$2/64
  routes: [{ to: "::/0", via: "fd00:0:0:$3::1" }]
  mtu: $7
hosts: [{ name: $4, locator: "fd00:0:0:$5::/64" }]
ports:
  - { name: uplink0, af_packet: uplink0 }
$(cat "$LAB_DIR/$1.ports")
YAML
}

# ports HOST <<YAML: those of its nodes.
ports() { cat >"$LAB_DIR/$1.ports"; }

# start_pair: both vswitches run, and know their way to the router.
start_pair() {
    need "r's vswitch answers" start r
    need "s's vswitch answers" start s
    need "r knows the router" eventually 10 neighbor_known r fd00:0:0:ff::1
    need "s knows the router" eventually 10 neighbor_known s fd00:0:0:fe::1
}
