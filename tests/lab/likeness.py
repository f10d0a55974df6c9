#!/usr/bin/python3
"""The same frames into two networks that should be alike.

    likeness.py send NODE INTERFACE   the frames of a node leave it, a hundred a second
    likeness.py compare FIRST SECOND  two folders with NODE.pcap each: what arrived at
                                      the nodes, frame for frame

Every packet has a number of its own, which its answers and the errors about it
have, too: a port, an echo's identifier, or the first two octets. What is
compared is all of a frame but for the identification and what depends on it; and
DF of what a router itself says. Packets that Linux and vswitches treat differently
are sent, too, and must arrive differently: the list is in docs/like-linux.md.
"""
import socket
import struct
import sys
import time

J, L, M = "00:01:42:09:88:73", "00:01:42:cd:11:01", "02:00:00:00:fe:01"
M_BACK, L_LINK, M_LINK = "02:00:00:00:fe:02", "02:00:00:00:fd:01", "02:00:00:00:fd:02"
ALL = "ff:ff:ff:ff:ff:ff"
G_MAC, T_MAC = "02:00:00:00:5a:03", "02:00:00:00:5a:06"


class Station:
    """An interface: MAC, address, gateway's MAC, neighbours; and on which node's wire,
    with which tag, it is."""

    def __init__(self, hardware, address, gateway, neighbours, wire=None, tag=None):
        self.mac, self.address, self.gateway = hardware, address, gateway
        self.neighbours, self.wire, self.tag = neighbours, wire, tag


NODES = {
    "a": Station("00:05:02:0b:27:44", "10.0.0.2", J, ["e", "gf", "tf"]),
    "e": Station("02:00:00:00:5a:05", "10.0.0.5", M, ["a", "gf"]),
    "c": Station("02:00:00:00:5a:51", "10.0.5.1", M_BACK, ["gb", "tb"]),
    "h": Station("00:00:7d:a2:34:11", "10.1.5.3", L, []),
    # g's link is a trunk with a native VLAN, t's one without.
    "gf": Station(G_MAC, "10.0.0.3", J, ["a", "tf"], "g", 100),
    "gb": Station(G_MAC, "10.0.5.4", M_BACK, ["c"], "g"),
    "tf": Station(T_MAC, "10.0.0.6", M, ["a"], "t", 100),
    "tb": Station(T_MAC, "10.0.5.6", M_BACK, ["gb"], "t", 200),
}
ON_R = {"a", "c", "tf", "tb"}
WIRES = {name: station.wire or name for name, station in NODES.items()}
FIRST, EACH = 2000, 6000
ROUTERS = {"10.0.0.1", "10.0.0.254", "10.0.5.254", "10.9.0.1", "10.9.0.2", "10.1.5.1"}
UNKNOWN = ["10.0.0.99", "10.0.5.99", "10.1.5.99"]
NOWHERE = ["10.0.0.255", "10.0.5.255", "10.1.5.255", "127.0.0.1", "255.255.255.255"]
NO_ROUTE = "8.8.8.8"
GROUPS = {"239.1.1.1": "01:00:5e:01:01:01", "224.0.0.251": "01:00:5e:00:00:fb"}
ICMP, TCP, UDP, OTHER = 1, 6, 17, 253
TTLS = [1, 2, 3, 4, 64]


def octets(address):
    return socket.inet_aton(address)


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def total(data):
    if len(data) % 2:
        data += b"\0"
    value = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while value >> 16:
        value = (value & 0xFFFF) + (value >> 16)
    return value


def transport(kind, number, source, destination, size):
    text = bytes(n % 251 for n in range(size))
    pseudo = octets(source) + octets(destination)
    if kind == ICMP:
        head = struct.pack("!BBHHH", 8, 0, 0, number, 1)
        return head[:2] + struct.pack("!H", 0xFFFF ^ total(head + text)) + head[4:] + text
    if kind == UDP:
        head = struct.pack("!HHHH", number, 33434, 8 + size, 0)
        value = 0xFFFF ^ total(pseudo + struct.pack("!HH", 17, 8 + size) + head + text)
        return head[:6] + struct.pack("!H", value or 0xFFFF) + text
    if kind == TCP:
        head = struct.pack("!HHIIBBHHH", number, 4444, number, 0, 0x50, 2, 1000, 0, 0)
        value = 0xFFFF ^ total(pseudo + struct.pack("!HH", 6, 20) + head)
        return head[:16] + struct.pack("!H", value) + head[18:]
    return struct.pack("!H", number) + text


def on_wire(node, to_mac, ether_type, packet):
    """A frame with the tag that the node's link wants."""
    station = NODES[node]
    tag = b"" if station.tag is None else struct.pack("!HH", 0x8100, station.tag)
    return mac(to_mac) + mac(station.mac) + tag + struct.pack("!H", ether_type) + packet


def ipv4(own, to, kind, number, body, ttl=64, tos=0, flags=0, options=b"", wrong=False):
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH4s4s", 0x40 | words, tos, 4 * words + len(body), number, flags,
                       ttl, kind, 0, octets(own), octets(to)) + options
    value = 0xFFFF ^ total(head) ^ (0x0101 if wrong else 0)
    return head[:10] + struct.pack("!H", value) + head[12:] + body


def frame(node, to_mac, to, kind, number, ttl, tos=0, df=False, size=20, options=b"", wrong=False):
    own = NODES[node].address
    body = transport(kind, number, own, to, size)
    flags = 0x4000 if df else 0
    packet = ipv4(own, to, kind, number, body, ttl, tos, flags, options, wrong)
    return on_wire(node, to_mac, 0x0800, packet)


def fragments(node, to_mac, to, kind, number, ttl, sizes, last_first=False):
    """A datagram in pieces of so many octets; its number is its identification, too."""
    own = NODES[node].address
    body = transport(kind, number, own, to, sum(sizes) - 8)
    pieces, at = [], 0
    for size in sizes:
        more = 0x2000 if at + size < len(body) else 0
        packet = ipv4(own, to, kind, number, body[at:at + size], ttl, 0, more | at // 8)
        pieces.append(on_wire(node, to_mac, 0x0800, packet))
        at += size
    return pieces[::-1] if last_first else pieces


def complaint(node, to_mac, to, number, kind, code, ttl=64):
    """An ICMP error from a node about a packet that `to` has sent it."""
    own = NODES[node].address
    quoted = ipv4(to, own, UDP, number, transport(UDP, number, to, own, 20))
    head = struct.pack("!BBHI", kind, code, 0, 1400 if (kind, code) == (3, 4) else 0)
    value = 0xFFFF ^ total(head + quoted)
    body = head[:2] + struct.pack("!H", value) + head[4:] + quoted
    return on_wire(node, to_mac, 0x0800, ipv4(own, to, ICMP, number, body, ttl))


def asks(node, target, sender=None, to_mac=ALL, operation=1):
    station = NODES[node]
    packet = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, operation, mac(station.mac),
                         octets(station.address if sender is None else sender), bytes(6),
                         octets(target))
    return on_wire(node, to_mac, 0x0806, packet)


# IPv4 options: record route would be written to by routers and by nobody else; a
# stream id, padded, and a router alert (RFC 2113) pass as they are.
ALERT, STREAM = bytes([148, 4, 0, 0]), bytes([136, 4, 0, 7])


def frames(node):
    """All that a node sends: number, what is to be told of it, its frames."""
    station = NODES[node]
    own, gateway, neighbours = station.address, station.gateway, station.neighbours
    number = FIRST + EACH * list(NODES).index(node)

    def one(to_mac, to, kind, ttl, **more):
        nonlocal number
        number += 1
        told = f"{node} to {to} at {to_mac}, protocol {kind}, TTL {ttl} {more or ''}"
        return number, told, [frame(node, to_mac, to, kind, number, ttl, **more)]

    def other(what, make, *arguments, **more):
        nonlocal number
        number += 1
        made = make(number) if not arguments else make(*arguments, **more)
        return number, f"{node}: {what}", made if isinstance(made, list) else [made]

    # Of the tagged stations fewer: what the routers do with theirs is known.
    tagged = station.wire is not None
    in_segment = own.rsplit(".", 1)[0] + "."
    all_neighbours = [n for n, s in NODES.items() if n != node and s.address.startswith(in_segment)]
    others = [s.address for n, s in NODES.items() if n != node and n not in all_neighbours]
    if tagged:
        others = others[::2]
    ttls = TTLS[::2] if tagged else TTLS
    for kind in [ICMP, UDP] if tagged else [ICMP, TCP, UDP, OTHER]:
        for ttl in ttls:
            for to in others + sorted(ROUTERS)[::3 if tagged else 1] + [own]:
                yield one(gateway, to, kind, ttl)
            for neighbour in neighbours:
                yield one(NODES[neighbour].mac, NODES[neighbour].address, kind, ttl)
        for to in UNKNOWN + NOWHERE:
            yield one(gateway, to, kind, 64)
            if not tagged:
                yield one(gateway, to, kind, 2)
        for to in [in_segment + "255", "255.255.255.255"]:
            yield one(ALL, to, kind, 64)
        for to, group in GROUPS.items():
            yield one(group, to, kind, 1)
        for to in others:
            yield one(gateway, to, kind, 9, tos=0x28, size=1000)
            yield one(gateway, to, kind, 3, tos=0xB9, df=True, size=1400)
            yield one(gateway, to, kind, 1, tos=0x2A, size=1400)
    there = [(NODES[n].mac, NODES[n].address) for n in neighbours] + [(gateway, others[0])]
    for to_mac, to in there:
        for kind in [ICMP, UDP, OTHER]:
            for sizes, last_first in [([64, 64], False), ([600, 600, 40], True), ([8, 8, 24], False)]:
                yield other(f"fragments {sizes} of protocol {kind} to {to}",
                            lambda n: fragments(node, to_mac, to, kind, n, 9, sizes, last_first))
        for kind, code in [(3, 1), (3, 3), (3, 4), (3, 13), (11, 1), (12, 0)]:
            yield other(f"ICMP {kind}/{code} to {to}",
                        lambda n: complaint(node, to_mac, to, n, kind, code))
        for options in [ALERT, STREAM]:
            yield one(to_mac, to, UDP, 9, options=options)
    # Where the TTL ends at a router: of all pieces of a datagram only the first is
    # complained about; never is a complaint.
    yield other("fragments with TTL 1",
                lambda n: fragments(node, gateway, others[0], UDP, n, 1, [64, 64]))
    yield other("ICMP 3/3 with TTL 1",
                lambda n: complaint(node, gateway, others[0], n, 3, 3, ttl=1))
    yield one(gateway, others[0], UDP, 9, wrong=True)
    for ttl in TTLS[:3]:
        yield one(gateway, NO_ROUTE, UDP, ttl)
    yield from differences(node, neighbours, gateway, others[0], one, other)
    # ARP has no room for a number: each target is asked for once.
    routers_here = [r for r in sorted(ROUTERS) if r.startswith(in_segment)]
    for target in [NODES[n].address for n in all_neighbours] + routers_here:
        yield other(f"who has {target}?", lambda n: asks(node, target))
    for target in [in_segment + "99", others[0], own]:
        yield other(f"who has {target}? (nobody)", lambda n: asks(node, target))
    for target in [NODES[n].address for n in all_neighbours[:1]] + routers_here[:1] + [own]:
        yield other(f"probe for {target}", lambda n: asks(node, target, sender="0.0.0.0"))
    yield other("a reply that nobody asked for", lambda n: asks(node, own, operation=2))
    if neighbours:
        target = NODES[neighbours[0]]
        yield other(f"who has {target.address}? (to it alone)",
                    lambda n: asks(node, target.address, to_mac=target.mac))


DIFFERS = "differs: "


def differences(node, neighbours, gateway, other_segment, one, other):
    """What is not alike, and why: docs/like-linux.md."""
    own = NODES[node].address

    def differs(packet):
        number, told, data = packet
        return number, DIFFERS + told, data

    # A station's number 1 of "this network" is an address like any other to Linux.
    yield differs(one(gateway, "0.0.0.1", UDP, 64))
    if not neighbours:
        return
    there, foreign = NODES[neighbours[0]], "10.77.0.1"
    # What a router sends back into its segment arrives on another host from the
    # sender's MAC.
    returned = one(gateway, there.address, UDP, 9)
    yield returned if (node in ON_R) == (neighbours[0] in ON_R) else differs(returned)
    # A bridge floods what it does not know, and delivers by MAC alone.
    yield differs(one("02:00:00:00:77:77", there.address, UDP, 9))
    yield differs(one(there.mac, other_segment, UDP, 1))
    # Nobody asks a bridge's stations who they are.
    yield differs(other("spoofed source", lambda n: on_wire(node, there.mac, 0x0800, ipv4(
        foreign, there.address, UDP, n, transport(UDP, n, foreign, there.address, 20)))))
    yield differs(other("spoofed ARP", lambda n: asks(node, there.address, sender=foreign)))


def send(node, interface):
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sender.bind((interface, 0))
    for _, told, data in frames(node):
        # Linux says five times that there is no route, then once a second.
        time.sleep(0.3 if f" {NO_ROUTE} " in told else 0.01)
        for one in data:
            sender.send(one)


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack(order + "I", data[at + 8:at + 12])[0]
        yield data[at + 16:at + 16 + length]
        at += 16 + length


def number_of(packet):
    """Of an IPv4 packet, or of the one that an error is about."""
    length = (packet[0] & 15) * 4
    kind, body = packet[9], packet[length:]
    if struct.unpack("!H", packet[6:8])[0] & 0x3FFF:
        return struct.unpack("!H", packet[4:6])[0]
    if len(body) < 8:
        return None
    first, second = struct.unpack("!HH", body[:4])
    if kind == ICMP:
        if body[0] in (0, 8):
            return struct.unpack("!H", body[4:6])[0]
        return number_of(body[8:]) if len(body) >= 28 else None
    if kind == TCP:
        return second if first == 4444 else first
    if kind == UDP:
        return first if second == 33434 else second if first == 33434 else None
    return first if kind == OTHER else None


def without_id(packet):
    return packet[:4] + bytes(2) + packet[6:10] + bytes(2) + packet[12:]


def is_fragment(packet):
    return struct.unpack("!H", packet[6:8])[0] & 0x3FFF != 0


def comparable(packet):
    packet = packet[:struct.unpack("!H", packet[2:4])[0]]
    length = (packet[0] & 15) * 4
    right = total(packet[:length]) == 0xFFFF
    if is_fragment(packet):
        return packet[:10] + bytes(2) + packet[12:], right
    body = packet[length:]
    if packet[9] == ICMP:
        right = right and total(body) == 0xFFFF
        if body[0] not in (0, 8):
            # The checksum covers the identification of what it quotes.
            body = body[:2] + bytes(2) + body[4:8] + without_id(body[8:])
    head = without_id(packet[:length])
    if socket.inet_ntoa(packet[12:16]) in ROUTERS:
        head = head[:6] + bytes(2) + head[8:]
    return head + body, right


def untagged(data):
    """The frame's tag, MACs, ethertype, and what it carries."""
    if data[12:14] == b"\x81\0":
        tag = struct.unpack("!H", data[14:16])[0] & 0x0FFF
        return tag, data[:12], data[16:18], data[18:]
    return None, data[:12], data[12:14], data[14:]


def station_at(wire, tag):
    for name, station in NODES.items():
        if (WIRES[name], station.tag) == (wire, tag):
            return name
    return None


def asked_for():
    """What ARP replies are about: (who asks, the address asked for, the asker's in
    the request) → number."""
    about = {}
    for node in NODES:
        for number, _, data in frames(node):
            _, _, kind, packet = untagged(data[0])
            if kind == b"\x08\x06" and packet[6:8] == b"\0\1":
                about.setdefault((node, packet[24:28], packet[14:18]), number)
    return about


def arrived(folder):
    """Number → (station, frame) → how often."""
    found = {}
    about = asked_for()
    last = FIRST + EACH * len(NODES)
    for wire in sorted(set(WIRES.values())):
        for data in read(f"{folder}/{wire}.pcap"):
            tag, macs, kind, packet = untagged(data)
            name = station_at(wire, tag)
            if name is None:
                # A tag that this wire does not have.
                found.setdefault(0, {})[(f"{wire} with tag {tag}", data, True)] = 1
                continue
            if macs[6:] == mac(NODES[name].mac):
                continue
            if kind == b"\x08\x06":
                # Requests are not flooded: a listed difference. The kernel asks
                # by itself, too, so replies are not counted.
                number = about.get((name, packet[14:18], packet[24:28]))
                if packet[6:8] == b"\0\2" and number is not None:
                    found.setdefault(number, {})[(name, macs + kind + packet[:28], True)] = 1
                continue
            if kind != b"\x08\0":
                continue
            number = number_of(packet)
            if number is None or not FIRST < number < last:
                continue
            what, right = comparable(packet)
            key = (name, macs + kind + what, right)
            of = found.setdefault(number, {})
            of[key] = of.get(key, 0) + 1
    return found


def shown(found):
    lines = []
    for (node, data, right), count in sorted(found.items()):
        packet = data[14:]
        if data[12:14] != b"\x08\0":
            lines.append(f"{count} x at {node} from {data[6:12].hex(':')}: {data[12:].hex()}")
            continue
        ends = f"{socket.inet_ntoa(packet[12:16])} > {socket.inet_ntoa(packet[16:20])}"
        kind = f"protocol {packet[9]}"
        if packet[9] == ICMP:
            kind = f"ICMP {packet[20]}/{packet[21]}"
            if packet[20] not in (0, 8) and len(packet) > 36:
                kind += f", quoting TTL {packet[36]}, {len(packet) - 28} octets"
        lines.append(f"{count} x at {node} from {data[6:12].hex(':')}: {ends} TTL {packet[8]} "
                     f"TOS {packet[1]:#x} flags {packet[6:8].hex()} {kind}{'' if right else ', wrong checksum'}")
    return lines or ["nothing"]


def compare(first, second):
    one, other = arrived(first), arrived(second)
    all_sent = [(0, "frames with a tag of another link")]
    all_sent += [(number, told) for node in NODES for number, told, _ in frames(node)]
    different = expected = 0
    for number, told in all_sent:
        got, wanted = one.get(number, {}), other.get(number, {})
        listed = told.startswith(DIFFERS)
        expected += listed
        if (got == wanted) != listed:
            continue
        different += 1
        if different <= 40:
            print(f"{number}: {told}")
            for name, found in [(first, got), (second, wanted)]:
                for line in shown(found):
                    print(f"    {name.rsplit('/', 1)[-1]}: {line}")
    arrivals = sum(sum(found.values()) for found in other.values())
    print(f"{len(all_sent)} packets, {arrivals} frames arrived, {expected} differ as listed, "
          f"{different} packets differ")
    return 1 if different or arrivals < len(all_sent) // 2 else 0


if __name__ == "__main__":
    if sys.argv[1] == "send":
        send(sys.argv[2], sys.argv[3])
    else:
        sys.exit(compare(sys.argv[2], sys.argv[3]))
