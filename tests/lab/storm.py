#!/usr/bin/python3
"""Frames that nobody sane would send.

    storm.py INTERFACE DESTINATION-MAC COUNT [SEED]

In turn: noise; a good frame cut short; a good frame with some octets changed.
The same seed sends the same frames.
"""
import random
import socket
import sys
import time

# What the labs' nodes and routers send, headers at their most fragile.
IPV4 = bytes.fromhex(
    "02000000000b 02000000000a 0800 45000054000140004001 26a5 0a000002 0a000003"
    "0800f7ff00000000".replace(" ", "")
) + bytes(56)
ARP = bytes.fromhex(
    "ffffffffffff 02000000000a 0806 0001 0800 06 04 0001"
    "02000000000a 0a000002 000000000000 0a000003".replace(" ", "")
)
IPV6 = bytes.fromhex(
    "02000000000a 02000000000b 86dd 64000000 0040 3a 40"
    "fd0000000000000b 0000a001 0a000003 fd0000000000000a 0000a001 0a000002"
    "80000000 00010001".replace(" ", "")
) + bytes(56)
SOLICITATION = bytes.fromhex(
    "3333ff00000a 02000000000b 86dd 60000000 0020 3a ff"
    "fd000000000000ff0000000000000001 ff0200000000000000000001ff00000a"
    "87000000 00000000 fd000000000000ff000000000000000a 0101 02000000000b".replace(" ", "")
)


def frames(destination, rng):
    good = [IPV4, ARP, IPV6, SOLICITATION]
    while True:
        yield destination + rng.randbytes(rng.randint(8, 200))
        frame = rng.choice(good)
        yield destination + frame[6 : rng.randint(14, len(frame))]
        damaged = bytearray(destination + frame[6:])
        for _ in range(rng.randint(1, 4)):
            damaged[rng.randrange(12, len(damaged))] = rng.randrange(256)
        yield bytes(damaged)


def main():
    interface, destination, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    rng = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sender.bind((interface, 0))
    storm = frames(bytes.fromhex(destination.replace(":", "")), rng)
    for number in range(count):
        sender.send(next(storm))
        if number % 50 == 0:  # Nobody's queue need overflow.
            time.sleep(0.005)


if __name__ == "__main__":
    main()
