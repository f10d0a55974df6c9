#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "vswitchctl: what it shows is what was configured; what goes wrong has a word and a code"

make_ns r
node a r 02:00:00:00:00:0a 10.0.0.2/24

topology net <<'YAML'
network: z
entity: Z
segments: [{ name: lan, id: 0x00a001, subnet: 10.0.0.0/24, vlan: 100 }]
nodes:
  - { name: a, host: r, port: vm-a, segment: lan, address: 10.0.0.2, mac: "02:00:00:00:00:0a" }
  - { name: g, host: s, segment: lan, address: 10.0.0.3, mac: "02:00:00:00:00:0b" }
YAML
configure r "$(core 0)" net.yaml <<'YAML'
substrate: { locator: "fd00:0:0:a::/64", ports: [uplink0], address: "fd00:0:0:ff::a/64", mtu: 1600, routes: [{ to: "::/0", via: "fd00:0:0:ff::1" }] }
hosts: [{ name: s, locator: "fd00:0:0:b::/64" }]
ports:
  - { name: uplink0, memory: true }
  - { name: vm-a, af_packet: vm-a }
YAML
# asked CODE WORD ARGUMENTS...: vswitchctl ends with CODE, and says WORD on stderr.
asked() {
    local code=$1 word=$2 said
    shift 2
    said=$(ctl r "$@" 2>&1 >/dev/null)
    local got=$?
    echo "status $got, said: $said"
    [[ $got == "$code" && $said == *"$word"* ]]
}
check "no daemon: status 3, and the socket named" asked 3 "$(socket_of r)" status
need "the vswitch answers" start r

json() { ctl r -o json "$@" | jq -r "$filter"; }
filter='[.host, .locator] | join(" ")'
check "status" same "$(json status)" "r fd00:0:0:a::/64"
filter='map(.name) | join(" ")'
check "port list" same "$(json port list)" "uplink0 vm-a"
filter='map([.node, .port, .segment.name, .mac] | join(" ")) | join(" ")'
check "interface list" same "$(json interface list)" "a vm-a lan 02:00:00:00:00:0a"
filter='map([.address, .host] | join(" ")) | join(", ")'
check "mapping list" same "$(json mapping list)" "10.0.0.2 r, 10.0.0.3 s"
filter='length'
check "neighbor list" same "$(json neighbor list | tail -n 1)" "$(ctl r neighbor list | tail -n +2 | wc -l)"
filter='[.host, .segment.name, .owner.name] | join(" ")'
check "address decode" same "$(json address decode fd00::b:0:a001:a00:3)" "s lan g"
check "address encode" same \
    "$(ctl r address encode --locator fd00:0:0:b::/64 --segment 0x00a001 --address 10.0.0.3)" fd00::b:0:a001:a00:3
send a "Ether(src='02:00:00:00:00:99', dst=BCAST)/ARP()" 3
check "counter list shows drops" dropped r unknown-mac 3 vm-a
filter='map(select(.name == "unknown-mac")) | map(.remedy != null and .unit == "packets") | all'
check "each with its unit and remedy" same "$(json counter list --drops)" true
for verb in status "port list" "interface list" "mapping list" "neighbor list" "counter list" "uplink list" books; do
    # shellcheck disable=SC2086  # The verb's words are arguments.
    check "$verb: a closed pipe is no error" eval "ctl r $verb | true; same \${PIPESTATUS[0]} 0"
done
check "an unknown verb is wrong usage: status 2" asked 2 frobnicate frobnicate
check "a port that is not there: status 1" asked 1 nowhere counter list --port nowhere
check "an address that is none: status 2" asked 2 fd00::zz address decode fd00::zz
check "an address under no locator: status 1" asked 1 fe80::1 address decode fe80::1
check "several clients at once" eval 'for n in 1 2 3 4 5 6 7 8; do ctl r status & pids+=($!); done; wait "${pids[@]}"'

sed 's/mtu: 1600/mtu: 1500/' "$LAB_DIR/r.yaml" >"$LAB_DIR/wrong.yaml"
in_ns r "$VSWITCH" --config "$LAB_DIR/wrong.yaml" --check >"$LAB_DIR/said" 2>&1
check "--check refuses a wrong configuration: status 1" same "$?" 1
check "and names file, line and remedy" eval 'grep -q "wrong.yaml:[0-9]*:[0-9]*: " "$LAB_DIR/said" && grep -q remedy "$LAB_DIR/said"'
assert_books_balance r
lab_end
