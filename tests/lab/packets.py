#!/usr/bin/python3
"""Packets, sent as they are and compared to the octet.

    packets.py send INTERFACE          the frames of standard input leave it
    packets.py compare SENT RECEIVED   two captures have the same, in the same order

Standard input has a scapy expression per line; each is a frame or a list of
frames. `compare` allows one difference: the id of an unfragmented datagram, and
the header checksum that goes with it, which must be right. Where DF is clear no
two such datagrams of one source, destination and protocol have the same id.
"""
import difflib
import logging
import random  # noqa: F401  (for the frames)
import socket
import sys

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)

from scapy.all import *  # noqa: E402, F403  (a frame may name any layer)

BCAST = "ff:ff:ff:ff:ff:ff"
ETHERNET, LENGTH, ID, FLAGS, CHECKSUM = 14, 16, 18, 20, 24
DF, MORE_OR_OFFSET = 0x4000, 0x3FFF


def send(interface):
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sender.bind((interface, 0))
    for line in sys.stdin:
        if not line.strip():
            continue
        frames = eval(line)  # noqa: F405  (our own labs' words)
        for frame in frames if isinstance(frames, list) else [frames]:
            sender.send(raw(frame))  # noqa: F405
    return 0


def compare(sent, received):
    faults = []
    frames = read(sent)
    wanted = [comparable(frame) for frame in frames]
    # What went raw has kept its id.
    kept, made = {identity(frame) for frame in frames}, set()
    found = []
    for frame in read(received):
        found.append(comparable(frame))
        if not is_whole(frame):
            continue
        if one_sum(header(frame)) != 0xFFFF:
            faults.append(f"wrong header checksum: {told(frame)}")
        key = identity(frame)
        if not flags(frame) & DF and key not in kept and key in made:
            faults.append(f"an id for the second time: {told(frame)}")
        made.add(key)
    steps = difflib.SequenceMatcher(None, wanted, found, autojunk=False).get_opcodes()
    for step, i, j, k, l in steps:
        if step != "equal":
            faults += [f"only sent, packet {n + 1}: {told(wanted[n])}" for n in range(i, j)]
            faults += [f"only received, packet {n + 1}: {told(found[n])}" for n in range(k, l)]
    for fault in faults[:6]:
        print(fault)
    print(f"{len(wanted)} sent, {len(found)} received, {len(faults)} differences")
    return 0 if wanted and not faults else 1


def read(file):
    return [frame for frame, _ in RawPcapReader(file)]  # noqa: F405


def comparable(frame):
    """The frame without what a switch may change, and without padding."""
    if not is_ipv4(frame):
        return frame
    frame = bytearray(frame[: ETHERNET + number(frame, LENGTH)])
    if is_whole(frame):
        frame[ID : ID + 2] = frame[CHECKSUM : CHECKSUM + 2] = bytes(2)
    return bytes(frame)


def is_ipv4(frame):
    return frame[12:14] == b"\x08\x00" and len(frame) >= 34


def is_whole(frame):
    return is_ipv4(frame) and not flags(frame) & MORE_OR_OFFSET


def flags(frame):
    return number(frame, FLAGS)


def number(frame, at):
    return int.from_bytes(frame[at : at + 2], "big")


def header(frame):
    return frame[ETHERNET : ETHERNET + 4 * (frame[ETHERNET] & 0xF)]


def identity(frame):
    """Id, protocol, source and destination."""
    return bytes(frame[ID : ID + 2] + frame[23:24] + frame[26:34])


def one_sum(octets):
    total = sum(number(octets, at) for at in range(0, len(octets), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def told(frame):
    return f"{Ether(bytes(frame)).summary()} {bytes(frame[:80]).hex()}"  # noqa: F405


def main():
    verb, *arguments = sys.argv[1:]
    return {"send": send, "compare": compare}[verb](*arguments)


if __name__ == "__main__":
    sys.exit(main())
