#!/bin/bash
# What a DHCP client runs when it has learned something: udhcpc (its first
# argument says what) and dhclient (the variable reason does). Sets the
# interface as it was told, and adds a line to the file LEASES. Nothing else of
# the machine is touched: namespaces share its files.
set -u
: "${interface:?set by the client}" "${LEASES:?set by the lab}"

event=${1:-${reason:-}}
address=${ip:-${new_ip_address:-}}
mask=${subnet:-${new_subnet_mask:-}}
size=${mtu:-${new_interface_mtu:-}}
routers=${router:-${new_routers:-}}
servers=${dns:-${new_domain_name_servers:-}}
name=${domain:-${new_domain_name:-}}
time=${lease:-${new_dhcp_lease_time:-}}
server=${serverid:-${new_dhcp_server_identifier:-}}

# The octets of option 121, which dhclient gives as they are: as udhcpc does.
classless() {
    local length network i
    while (($# > 4)); do
        length=$1 network=
        shift
        for i in 1 2 3 4; do
            if ((i * 8 < length + 8)); then
                network+=.$1
                shift
            else
                network+=.0
            fi
        done
        printf '%s/%s %s.%s.%s.%s ' "${network#.}" "$length" "$1" "$2" "$3" "$4"
        shift 4
    done
}
read -ra routes <<<"${staticroutes:-$(classless ${new_rfc3442_classless_static_routes:-})}"

configure() {
    [[ -z $size ]] || ip link set "$interface" mtu "$size"
    ip addr replace "$address/$mask" dev "$interface"
    local at
    for ((at = 0; at + 1 < ${#routes[@]}; at += 2)); do
        ip route replace "${routes[at]}" via "${routes[at + 1]}"
    done
    # RFC 3442: only who was told no routes heeds this.
    if ((${#routes[@]} == 0)) && [[ -n $routers ]]; then
        ip route replace default via "${routers%% *}"
    fi
}

case $event in
    deconfig | PREINIT | EXPIRE | RELEASE)
        ip link set "$interface" up
        ip addr flush dev "$interface"
        ;;
    bound | renew | BOUND | RENEW | REBIND | REBOOT) configure ;;
esac
echo "$event $address mtu $size dns $servers domain $name lease $time from $server routes ${routes[*]}" >>"$LEASES"
