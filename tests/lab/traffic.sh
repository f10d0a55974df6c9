# Bytes there and back, compared; and how fast. Sourced by lab.sh.

# echo_server NODE: what is sent to its port 7, TCP or UDP, comes back.
echo_server() {
    ip netns exec "$(ns "$1")" "$PYTHON" "$LAB_TOOLS/echo.py" serve >>"$LAB_DIR/$1.log" 2>&1 &
    eventually 5 listens "$1" 7 || give_up "no echo server on node $1"
}

listens() { in_ns "$1" ss -Hltn "sport = :$2" | grep -q .; }

# echoed NODE HOW ADDRESS LENGTH [MORE]: so many random bytes go there and come
# back as they were. HOW: tcp; udp, of whose MORE datagrams as many may be lost as
# a fifth word says; udp-segmented, in datagrams of MORE bytes.
echoed() {
    local node=$1 answer status
    shift
    answer=$(in_ns "$node" timeout 40 "$PYTHON" "$LAB_TOOLS/echo.py" "$@" 2>&1)
    status=$?
    DETAIL=$(tail -n 1 <<<"$answer")
    echo "$answer"
    return "$status"
}

# throughput CLIENT SERVER ADDRESS [OPTIONS...]: iperf3 for two seconds; what it
# measured is printed, and that it is more than nothing is checked. Datagrams at
# more than --bitrate 5M may be lost in a slow server's own buffer.
throughput() {
    local client=$1 server=$2 address=$3 report pid status
    shift 3
    ip netns exec "$(ns "$server")" iperf3 --server --one-off --bind "$address" >"$LAB_DIR/iperf3.server" 2>&1 &
    pid=$!
    eventually 5 listens "$server" 5201
    report=$(in_ns "$client" timeout 20 iperf3 --json --time 2 --client "$address" "$@")
    status=$?
    # Without a client the server would wait for ever.
    ((status == 0)) || { kill "$pid" 2>/dev/null; echo "$report"; }
    wait "$pid" 2>/dev/null
    ((status == 0)) || return
    DETAIL=$(jq -r '.end | (.sum_received // .sum) as $got | .sum as $sum
        | "\($got.bits_per_second / 1e6 | round) Mbit/s received"
        + if .sum_sent.retransmits then ", \(.sum_sent.retransmits) retransmitted" else "" end
        + if $sum.lost_percent then ", \($sum.lost_percent * 100 | round / 100) % lost" else "" end' \
        <<<"$report")
    jq -e '.end | (.sum_received // .sum).bits_per_second > 1e6 and ((.sum.lost_percent // 0) < 2)' \
        >/dev/null <<<"$report"
}

# offloads NODE on|off [IF]: checksums, segmentation and its reverse left to a NIC.
offloads() {
    in_ns "$1" ethtool -K "${3:-eth0}" tx "$2" rx "$2" tso "$2" gso "$2" gro "$2"
}

# counted NODE COUNTER...: the kernel's counters there (nstat), summed.
counted() {
    local node=$1
    shift
    in_ns "$node" nstat -asz "$@" | awk '!/^#/ { sum += $2 } END { print sum + 0 }'
}

# checksum_errors NODE: packets that its kernel has refused for a wrong checksum.
checksum_errors() { counted "$1" TcpInCsumErrors UdpInCsumErrors IcmpInCsumErrors UdpLiteInCsumErrors IpExtInCsumErrors; }
