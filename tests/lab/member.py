#!/usr/bin/python3
"""A member of a group, as its kernel is told to be.

member.py INTERFACE GROUP [only|but SOURCE...]  joins, and prints a line for each
                                  datagram to port 5353: its source and text; leaves
                                  when it ends (TERM)
"""

import signal
import socket
import struct
import sys

PORT = 5353
# Linux's numbers: the module has no names for them.
IP_BLOCK_SOURCE = 38
IP_ADD_SOURCE_MEMBERSHIP = 39


def main():
    interface, group, *sources = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.bind((group, PORT))
    index = socket.if_nametoindex(interface)
    address = socket.inet_aton(group)
    if not sources or sources[0] == "but":
        request = struct.pack("4s4si", address, bytes(4), index)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
    # A source's membership names the interface by its address.
    own = socket.inet_aton(own_address(interface))
    option = IP_ADD_SOURCE_MEMBERSHIP if sources[:1] == ["only"] else IP_BLOCK_SOURCE
    for source in sources[1:]:
        sock.setsockopt(socket.IPPROTO_IP, option, address + own + socket.inet_aton(source))
    print("ready", flush=True)
    while True:
        data, source = sock.recvfrom(2048)
        print(source[0], data.decode(), flush=True)


def own_address(interface):
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        # SIOCGIFADDR
        reply = fcntl.ioctl(sock, 0x8915, struct.pack("16s16x", interface.encode()))
    return socket.inet_ntoa(reply[20:24])


if __name__ == "__main__":
    main()
