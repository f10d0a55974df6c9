#!/usr/bin/env bash
. "$(dirname "$0")/../lab/lab.sh"
lab_begin "SNMP, as net-snmp's tools see it: logical routers asked from two hosts, near and two hops away"

pair
node a r 00:05:02:0b:27:44 10.0.0.2/24
node h s 00:00:7d:a2:34:11 10.1.5.3/24
node b r 02:00:00:00:00:0b 10.0.0.2/24
ip_in a route add default via 10.0.0.1
ip_in h route add default via 10.1.5.1
ip_in b route add default via 10.0.0.1

topology net <<'YAML'
network: z
entity: Z
snmp: { community: z-asks, contact: "noc@z.example", location: "rack 7" }
segments:
  - { name: front, id: 0x00a001, subnet: 10.0.0.0/24, mtu: 1400 }
  - { name: far, id: 0x00a003, subnet: 10.1.5.0/24, mtu: 1400 }
  - { name: link, id: 0x00a004, subnet: 10.9.0.0/30 }
switches: [{ name: sw, segment: front, address: 10.0.0.250 }, { name: quiet, segment: link }]
routers:
  - name: j
    interfaces:
      - { segment: front, address: 10.0.0.1, mac: 00:01:42:09:88:73 }
      - { segment: link, address: 10.9.0.1 }
    routes: [{ to: 10.1.5.0/24, via: l }, { to: 10.7.0.0/16, via: l }]
  - name: l
    interfaces:
      - { segment: far, address: 10.1.5.1, mac: 00:01:42:cd:11:01 }
      - { segment: link, address: 10.9.0.2 }
    routes: [{ to: 10.0.0.0/24, via: j }]
nodes:
  - { name: a, host: r, port: vm-a, segment: front, address: 10.0.0.2, mac: 00:05:02:0b:27:44 }
  - { name: h, host: s, port: vm-h, segment: far, address: 10.1.5.3, mac: 00:00:7d:a2:34:11 }
---
network: y
entity: Y
segments: [{ name: lan, id: 0x00b001, subnet: 10.0.0.0/24 }]
routers: [{ name: j, interfaces: [{ segment: lan, address: 10.0.0.1 }] }]
nodes: [{ name: b, host: r, port: vm-b, segment: lan, address: 10.0.0.2, mac: "02:00:00:00:00:0b" }]
YAML
ports r <<'YAML'
  - { name: vm-a, af_packet: vm-a }
  - { name: vm-b, af_packet: vm-b }
YAML
ports s <<'YAML'
  - { name: vm-h, af_packet: vm-h }
YAML
configure_pair
start_pair

# What the tools would keep in /var.
export SNMP_PERSISTENT_DIR=$LAB_DIR/net-snmp
mkdir -p "$SNMP_PERSISTENT_DIR/cert_indexes"

# asks NODE TOOL TO OBJECTS [OPTIONS]: names without MIB files, values without types.
asks() {
    local node=$1 tool=$2 to=$3
    shift 3
    MIBS='' in_ns "$node" "$tool" -v 2c -c "${COMMUNITY:-z-asks}" -t 1 -r 2 -On "${OPTIONS:--Oqv}" "$to" "$@"
}
# value NODE ROUTER OBJECT: of one object.
value() { asks "$1" snmpget "$2" "$3" | tr -d '"'; }

front=40961 link=40964
sysName=1.3.6.1.2.1.1.5.0 hc_in=1.3.6.1.2.1.31.1.1.1.7
hc_out=1.3.6.1.2.1.31.1.1.1.11 hc_out_octets=1.3.6.1.2.1.31.1.1.1.10 if_table=1.3.6.1.2.1.2.2

check "A asks J who it is, and on which host" same "$(value a 10.0.0.1 "$sysName")" j@r
check "H asks the same router, two hops away, and hears its own host" same "$(value h 10.0.0.1 "$sysName")" j@s
check "J's other address answers, too" same "$(value a 10.9.0.1 "$sysName")" j@r
check "A asks L, a hop behind J" same "$(value a 10.1.5.1 "$sysName")" l@r
check "contact and location are the network's" same \
    "$(value a 10.0.0.1 1.3.6.1.2.1.1.4.0) $(value a 10.0.0.1 1.3.6.1.2.1.1.6.0)" "noc@z.example rack 7"

check "an interface for each leg, its number the segment's" same \
    "$(asks a snmpwalk 10.0.0.1 "$if_table.1.1" | tr '\n' ' ')" "$front $link "
check "ifName is the segment's name" same \
    "$(asks a snmpwalk 10.0.0.1 1.3.6.1.2.1.31.1.1.1.1 | tr -d '"' | tr '\n' ' ')" "front link "
check "the route table: its segments, and its routes by L" same \
    "$(asks a snmpwalk 10.0.0.1 1.3.6.1.2.1.4.24.4.1.4 | tr '\n' ' ')" "0.0.0.0 10.9.0.2 10.9.0.2 0.0.0.0 "
objects() { OPTIONS=-Oq asks "$1" "$2" "$3" .1 "${@:4}" | awk '{ print $1 }'; }
check "one walk and one in bulk meet the same objects, each once, in order" \
    same "$(objects a snmpbulkwalk 10.0.0.1)" "$(objects a snmpwalk 10.0.0.1)"
said() { OPTIONS=-Oq asks a "$@" 2>&1; }
check "and end at the end" grep -q 'No more variables left' <(said snmpgetnext 10.0.0.1 1.4)
check "an object that is none" grep -q 'No Such Object' <(said snmpget 10.0.0.1 1.3.6.1.2.1.1.99.0)
check "an interface that is none" grep -q 'No Such Instance' <(said snmpget 10.0.0.1 "$if_table.1.1.7")
check "there are a hundred objects, at least" at_least "$(objects a snmpbulkwalk 10.0.0.1 | wc -l)" 100
# A table as snmptable shows it: Debian has no MIB files, so here is as much of one.
mkdir -p "$LAB_DIR/mibs"
column() {
    printf '%s OBJECT-TYPE SYNTAX %s MAX-ACCESS %s STATUS current DESCRIPTION "" %s ::= { %s }\n' \
        "$1" "$2" "${4:-read-only}" "${5:-}" "$3"
}
{
    echo 'LAB-MIB DEFINITIONS ::= BEGIN'
    echo 'interfaces OBJECT IDENTIFIER ::= { iso org(3) dod(6) internet(1) mgmt(2) mib-2(1) 2 }'
    column ifTable 'SEQUENCE OF IfEntry' 'interfaces 2' not-accessible
    column ifEntry IfEntry 'ifTable 1' not-accessible 'INDEX { ifIndex }'
    echo 'IfEntry ::= SEQUENCE { ifIndex INTEGER, ifMtu INTEGER, ifOperStatus INTEGER }'
    column ifIndex INTEGER 'ifEntry 1'
    column ifMtu INTEGER 'ifEntry 4'
    column ifOperStatus INTEGER 'ifEntry 8'
    echo END
} >"$LAB_DIR/mibs/LAB-MIB.txt"
table() { in_ns a snmptable -v 2c -c z-asks -m LAB-MIB -M "$LAB_DIR/mibs" -CH -Cf ' ' 10.0.0.1 "$1" | grep "^[0-9]"; }
check "snmptable shows the interfaces" same "$(table ifTable | tr '\n' ' ')" "$front 1400 1 $link 1500 1 "

# Counters: the pings, and nothing else but the questions themselves.
counts() { value a 10.0.0.1 "$hc_in.$front"; }
before=$(counts)
after=$(counts)
check "a question is a packet" same "$((after - before))" 1
before=$(value a 10.0.0.1 "$hc_in.$link")
far_out=$(value a 10.1.5.1 "$hc_out_octets.40963")
out=$(value a 10.0.0.1 "$hc_out.$link")
there=$(value h 10.0.0.1 "$hc_in.$link")
front_in=$(counts)
check "A pings H 50 times" in_ns a ping -n -q -c 50 -i 0.002 -W 2 -s 100 10.1.5.3
check "J has taken 50 in on front" same "$(($(counts) - front_in - 1))" 50
check "and sent 50 out on link" same "$(($(value a 10.0.0.1 "$hc_out.$link") - out))" 50
check "L has sent their octets on far: 142 each" \
    same "$(($(value a 10.1.5.1 "$hc_out_octets.40963") - far_out))" 7100
check "their answers are the other host's to count, but for two of L's own" \
    same "$(value a 10.0.0.1 "$hc_in.$link")" "$((before + 2))"
check "where J has taken 50 in on link" same "$(($(value h 10.0.0.1 "$hc_in.$link") - there - 1))" 50
shown() { ctl r -o json router show j --network z | jq -r ".legs[] | select(.segment.name == \"front\") | .counters.$1"; }
asked=$(counts)
check "router show has the same counts" same "$(shown in_packets)" "$asked"

# The switch of front.
check "the switch answers A's pings" ping_all a 10.0.0.250 3
check "and H's, two routers away" same "$(in_ns h ping -n -c 1 -W 2 10.0.0.250 | sed -n 's/.*ttl=\([0-9]*\).*/\1/p')" 62
check "it tells A who it is" same "$(value a 10.0.0.250 "$sysName")" sw@r
check "and H" same "$(value h 10.0.0.250 "$sysName")" sw@s
check "its one interface on r is A's" same "$(asks a snmpwalk 10.0.0.250 1.3.6.1.2.1.31.1.1.1.1 | tr -d '"')" a
check "none is on s" same "$(value h 10.0.0.250 1.3.6.1.2.1.17.1.2.0)" 0
check "it knows A's MAC, and J's" same \
    "$(asks a snmpbulkwalk 10.0.0.250 1.3.6.1.2.1.17.4.3.1.2 | sort | tr '\n' ' ')" "0 1 "
of_a=$(asks a snmpwalk 10.0.0.250 "$if_table.1.1")
a_sent=$(value a 10.0.0.250 "$hc_in.$of_a")
check "A sends 20 more" in_ns a ping -n -q -c 20 -i 0.002 -W 2 10.0.0.250
# Perhaps A asks by ARP in between.
check "which its port counts" at_least "$(($(value a 10.0.0.250 "$hc_in.$of_a") - a_sent))" 21
check "switch show counts them, too" at_least "$(ctl r -o json switch show sw | jq '.ports[0].in_packets')" "$((a_sent + 20))"
silent() { in_ns a timeout 2 bash -c 'exec 3<>/dev/tcp/10.0.0.250/22'; }
check "nothing else of it is answered" fails silent
check "which is counted" at_least "$(drops r switch-silent)" 1

# What is not answered.
refused() { ! COMMUNITY=$1 asks a snmpget 10.0.0.1 "$sysName" >/dev/null 2>&1; }
check "another community is met with silence" refused z-asks-not
check "which is counted" at_least "$(drops r snmp-wrong-community)" 1
v1() { ! MIBS='' in_ns a snmpget -v 1 -c z-asks -t 1 -r 0 10.0.0.1 "$sysName" >/dev/null 2>&1; }
check "so is version 1" v1
check "by a reason of its own" dropped r snmp-wrong-version 1
closed() { [[ $(in_ns b snmpget -v 2c -c z-asks -t 2 -r 0 10.0.0.1 "$sysName" 2>&1) != *j@* && $(drops r snmp-wrong-community) == "$1" ]]; }
check "a network without snmp does not listen" closed "$(drops r snmp-wrong-community)"
set_refused() { OPTIONS=-Oq asks a snmpset 10.0.0.1 "$sysName" s x 2>&1; }
check "nothing can be set" grep -q notWritable <(set_refused)
secret() { grep -r z-asks "$LAB_DIR"/*.log; }
check "no log has the community" same "$(secret)" ""
assert_books_balance r s
lab_end
