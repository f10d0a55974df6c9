# A lab: machines as network namespaces, real vswitch processes, real tools.
# Sourced by scripts/demo and by each of tests/labs/*.sh:
#
#   . "$(dirname "$0")/../lab/lab.sh"
#   lab_begin "what this lab shows"
#   …
#   lab_end
#
# This file: a run's name and directory, its checks and their totals, cleanup.
# net.sh: namespaces, links, nodes, the router. host.sh: vswitch processes.
# pair.sh: two hosts and a router between them. sizes.sh: packets at and beyond
# a limit. traffic.sh: bytes there and back, and how fast.
set -uo pipefail

PATH=$PATH:/usr/sbin:/sbin
LAB_TOOLS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPOSITORY=$(cd "$LAB_TOOLS/../.." && pwd)
TARGET=${CARGO_TARGET_DIR:-$REPOSITORY/target}
VSWITCH=${VSWITCH:-$TARGET/release/vswitch}
VSWITCHCTL=${VSWITCHCTL:-$TARGET/release/vswitchctl}
# Debian's own: the one that python3-scapy was installed for.
PYTHON=/usr/bin/python3

passed=0
failed=0
# What a check found: printed behind its line, then forgotten.
DETAIL=

. "$LAB_TOOLS/net.sh"
. "$LAB_TOOLS/host.sh"
. "$LAB_TOOLS/pair.sh"
. "$LAB_TOOLS/sizes.sh"
. "$LAB_TOOLS/traffic.sh"

# lab_begin TITLE [KIND]: names this run, makes its directory, and sees to it
# that nothing of it stays.
lab_begin() {
    ((EUID == 0)) || give_up "network namespaces need root"
    LAB_DIR=$(mktemp -d "${TMPDIR:-/tmp}/vswitch-${2:-lab}.XXXXXX") || give_up "no temporary directory"
    RUN=${LAB_DIR##*.}
    trap lab_cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    printf '%s\n' "$1"
}

# lab_end: totals as the last line; status 0 if everything was as it should be.
lab_end() {
    if ((failed > 0)); then
        show_logs
    fi
    printf '%d passed, %d failed\n' "$passed" "$failed"
    ((failed == 0))
    exit
}

# give_up WHY: the lab cannot go on; what was not tried counts as one failure.
give_up() {
    printf '  ✗ %s\n' "$1"
    failed=$((failed + 1))
    [[ -z ${LAB_DIR:-} ]] || show_logs
    printf '%d passed, %d failed\n' "$passed" "$failed"
    exit 1
}

# check WHAT COMMAND...: runs it and says whether it was so.
check() {
    local what=$1
    shift
    DETAIL=
    if "$@" >"$LAB_DIR/output" 2>&1; then
        passed=$((passed + 1))
        printf '  ✓ %s%s\n' "$what" "${DETAIL:+: $DETAIL}"
        return 0
    fi
    failed=$((failed + 1))
    printf '  ✗ %s%s\n' "$what" "${DETAIL:+: $DETAIL}"
    printf '      command: %s\n' "$*"
    tail -n 30 "$LAB_DIR/output" | sed 's/^/      /'
    return 1
}

# need WHAT COMMAND...: a check without which the rest makes no sense.
need() {
    check "$@" || give_up "the rest cannot be tried"
}

# same FOUND WANTED: for checks of a value.
same() {
    [[ $1 == "$2" ]] && return
    DETAIL="found \"$1\", not \"$2\""
    return 1
}

# at_least FOUND WANTED: the same for numbers.
at_least() {
    DETAIL="$1"
    (($1 >= $2)) && return
    DETAIL="found $1, not at least $2"
    return 1
}

# fails COMMAND...: for checks of what must not succeed.
fails() {
    ! "$@"
}

# eventually SECONDS COMMAND...: tries until it is so.
eventually() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || { "$@"; return; }
        sleep 0.1
    done
}

show_logs() {
    local log
    for log in "$LAB_DIR"/*.log; do
        [[ -s $log ]] || continue
        printf '  --- last lines of %s\n' "${log##*/}"
        tail -n 15 "$log" | sed 's/^/      /'
    done
    local host
    for host in "$LAB_DIR"/*.pid; do
        [[ -s $host && $host != *.tcpdump.pid ]] || continue
        host=$(basename "$host" .pid)
        printf '  --- what %s has dropped\n' "$host"
        ctl "$host" counter list --drops 2>&1 | sed 's/^/      /'
    done
}

lab_cleanup() {
    local status=$?
    trap '' INT TERM HUP
    remove_namespaces "$RUN"
    # What was started outside of the namespaces.
    jobs -p | xargs -r kill 2>/dev/null
    rm -rf "$LAB_DIR"
    exit "$status"
}
