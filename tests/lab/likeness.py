#!/usr/bin/python3
"""The same frames into two networks that should be alike.

    likeness.py send NODE INTERFACE   the frames of a node leave it, a hundred a second
    likeness.py compare FIRST SECOND  two folders with NODE.pcap each: what arrived at
                                      the nodes, frame for frame

Every packet has a number of its own, which its answers and the errors about it
have, too: a port, an echo's identifier, or the first two octets. What is
compared is all of a frame but for the identification and what depends on it; and
DF of what a router itself says.
"""
import socket
import struct
import sys
import time

J, L, M = "00:01:42:09:88:73", "00:01:42:cd:11:01", "02:00:00:00:fe:01"
M_BACK, L_LINK, M_LINK = "02:00:00:00:fe:02", "02:00:00:00:fd:01", "02:00:00:00:fd:02"
ALL = "ff:ff:ff:ff:ff:ff"
# MAC, address, gateway's MAC, neighbours.
NODES = {
    "a": ("00:05:02:0b:27:44", "10.0.0.2", J, ["e"]),
    "e": ("02:00:00:00:5a:05", "10.0.0.5", M, ["a"]),
    "c": ("02:00:00:00:5a:51", "10.0.5.1", M_BACK, []),
    "h": ("00:00:7d:a2:34:11", "10.1.5.3", L, []),
}
ROUTERS = {"10.0.0.1", "10.0.0.254", "10.0.5.254", "10.9.0.1", "10.9.0.2", "10.1.5.1"}
UNKNOWN = ["10.0.0.99", "10.0.5.99", "10.1.5.99"]
NOWHERE = ["10.0.0.255", "10.0.5.255", "10.1.5.255", "127.0.0.1", "0.0.0.1", "255.255.255.255"]
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


def frame(node, to_mac, to, kind, number, ttl, tos=0, df=False, size=20):
    own_mac, own, _, _ = NODES[node]
    body = transport(kind, number, own, to, size)
    head = struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + len(body), number, 0x4000 if df else 0,
                       ttl, kind, 0, octets(own), octets(to))
    head = head[:10] + struct.pack("!H", 0xFFFF ^ total(head)) + head[12:]
    return mac(to_mac) + mac(own_mac) + b"\x08\0" + head + body


def frames(node):
    """All that a node sends, with what is to be told of each."""
    _, own, gateway, neighbours = NODES[node]
    number = 2000 + 10000 * sorted(NODES).index(node)

    def one(to_mac, to, kind, ttl, **more):
        nonlocal number
        number += 1
        told = f"{node} to {to} at {to_mac}, protocol {kind}, TTL {ttl} {more or ''}"
        return number, told, frame(node, to_mac, to, kind, number, ttl, **more)

    # Not alike, and known: what a router sends back into its segment to another
    # host arrives there from the sender's MAC, as if it had not been routed.
    others = [address for name, (_, address, _, _) in NODES.items() if name not in [node, *neighbours]]
    for kind in [ICMP, TCP, UDP, OTHER]:
        for ttl in TTLS:
            for to in others + sorted(ROUTERS) + [own]:
                yield one(gateway, to, kind, ttl)
            for neighbour in neighbours:
                yield one(NODES[neighbour][0], NODES[neighbour][1], kind, ttl)
        for to in UNKNOWN + NOWHERE:
            yield one(gateway, to, kind, 64)
            yield one(gateway, to, kind, 2)
        broadcast = own.rsplit(".", 1)[0] + ".255"
        for to in [broadcast, "255.255.255.255"]:
            yield one(ALL, to, kind, 64)
        for to, group in GROUPS.items():
            yield one(group, to, kind, 1)
        for to in others:
            yield one(gateway, to, kind, 9, tos=0x28, size=1000)
            yield one(gateway, to, kind, 3, tos=0xB9, df=True, size=1400)
            yield one(gateway, to, kind, 1, tos=0x2A, size=1400)
    for ttl in TTLS[:3]:
        yield one(gateway, NO_ROUTE, UDP, ttl)


def send(node, interface):
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sender.bind((interface, 0))
    for _, _, data in frames(node):
        # Linux says that there is no route to a node that has heard no error for
        # a second.
        time.sleep(1.5 if data[30:34] == octets(NO_ROUTE) else 0.01)
        sender.send(data)


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
        return first if second == 33434 else None
    return first if kind == OTHER else None


def without_id(packet):
    return packet[:4] + bytes(2) + packet[6:10] + bytes(2) + packet[12:]


def comparable(data):
    packet = data[14:]
    packet = packet[:struct.unpack("!H", packet[2:4])[0]]
    right = total(packet[:(packet[0] & 15) * 4]) == 0xFFFF
    body = packet[20:]
    if packet[9] == ICMP:
        right = right and total(body) == 0xFFFF
        if body[0] not in (0, 8):
            # The checksum covers the identification of what it quotes.
            body = body[:2] + bytes(2) + body[4:8] + without_id(body[8:])
    head = without_id(packet[:20])
    if socket.inet_ntoa(packet[12:16]) in ROUTERS:
        head = head[:6] + bytes(2) + head[8:]
    return data[:14] + head + body, right


def arrived(folder):
    """Number → (node, frame) → how often."""
    found = {}
    for node in NODES:
        for data in read(f"{folder}/{node}.pcap"):
            if data[12:14] != b"\x08\0" or data[6:12] == mac(NODES[node][0]):
                continue
            number = number_of(data[14:])
            if number is None or not 2000 < number < 2000 + 10000 * len(NODES):
                continue
            what, right = comparable(data)
            key = (node, what, right)
            of = found.setdefault(number, {})
            of[key] = of.get(key, 0) + 1
    return found


def shown(found):
    lines = []
    for (node, data, right), count in sorted(found.items()):
        packet = data[14:]
        ends = f"{socket.inet_ntoa(packet[12:16])} > {socket.inet_ntoa(packet[16:20])}"
        kind = f"protocol {packet[9]}"
        if packet[9] == ICMP:
            kind = f"ICMP {packet[20]}/{packet[21]}"
            if packet[20] not in (0, 8):
                kind += f", quoting TTL {packet[36]}, {len(packet) - 28} octets"
        lines.append(f"{count} x at {node} from {data[6:12].hex(':')}: {ends} TTL {packet[8]} "
                     f"TOS {packet[1]:#x} {kind}{'' if right else ', wrong checksum'}")
    return lines or ["nothing"]


def compare(first, second):
    one, other = arrived(first), arrived(second)
    all_sent = [(number, told) for node in NODES for number, told, _ in frames(node)]
    different = 0
    for number, told in all_sent:
        got, wanted = one.get(number, {}), other.get(number, {})
        if got == wanted:
            continue
        different += 1
        if different <= 40:
            print(f"{number}: {told}")
            for name, found in [(first, got), (second, wanted)]:
                for line in shown(found):
                    print(f"    {name.rsplit('/', 1)[-1]}: {line}")
    arrivals = sum(sum(found.values()) for found in other.values())
    print(f"{len(all_sent)} packets, {arrivals} frames arrived, {different} packets differ")
    return 1 if different or arrivals < len(all_sent) // 2 else 0


if __name__ == "__main__":
    if sys.argv[1] == "send":
        send(sys.argv[2], sys.argv[3])
    else:
        sys.exit(compare(sys.argv[2], sys.argv[3]))
