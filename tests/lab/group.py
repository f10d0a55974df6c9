#!/usr/bin/python3
"""Datagrams to many.

group.py listen ADDRESS SECONDS   joins a group (or hears broadcasts) on port 5353
                                  and prints a line for each datagram: source, TTL,
                                  text
group.py talk ADDRESS COUNT TEXT  sends so many, numbered, a millisecond apart
"""

import socket
import struct
import sys
import time

PORT = 5353
# Linux's number: the module has no name for it.
IP_RECVTTL = 12


def is_group(address):
    return 224 <= int(address.split(".")[0]) < 240


def listen(address, seconds):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
    sock.bind(("", PORT))
    if is_group(address):
        for _, interface in socket.if_nameindex():
            if interface != "lo":
                index = socket.if_nametoindex(interface)
                request = struct.pack("4s4si", socket.inet_aton(address), bytes(4), index)
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
    print("ready", flush=True)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            data, controls, _, source = sock.recvmsg(2048, 64)
        except TimeoutError:
            break
        ttl = next(struct.unpack("i", value)[0] for _, kind, value in controls if kind == socket.IP_TTL)
        print(source[0], ttl, data.decode(), flush=True)


def talk(address, count, text):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 7)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
    for number in range(count):
        sock.sendto(f"{text} {number}".encode(), (address, PORT))
        time.sleep(0.001)


if __name__ == "__main__":
    if sys.argv[1] == "listen":
        listen(sys.argv[2], float(sys.argv[3]))
    else:
        talk(sys.argv[2], int(sys.argv[3]), sys.argv[4])
