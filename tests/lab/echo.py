#!/usr/bin/python3
"""Bytes there and back.

    echo.py serve                         port 7, TCP and UDP: everything comes back
    echo.py udp ADDRESS LENGTH COUNT LOST COUNT random datagrams, of which LOST may be lost
    echo.py udp-segmented ADDRESS LENGTH SEGMENT
                                          LENGTH random bytes, given to the kernel at once
                                          and sent in datagrams of SEGMENT bytes
    echo.py tcp ADDRESS LENGTH            a stream of random bytes; it comes back when it has ended

The last line says how long it took.
"""
import os
import socket
import sys
import threading
import time

PORT = 7
LONGEST_DATAGRAM = 65507


def serve():
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    udp.bind(("", PORT))
    tcp = socket.create_server(("", PORT))
    threading.Thread(target=serve_streams, args=(tcp,), daemon=True).start()
    while True:
        datagram, peer = udp.recvfrom(LONGEST_DATAGRAM)
        udp.sendto(datagram, peer)


def serve_streams(tcp):
    while True:
        stream, _ = tcp.accept()
        threading.Thread(target=serve_stream, args=(stream,), daemon=True).start()


def serve_stream(stream):
    with stream:
        stream.sendall(until_end(stream))


def until_end(stream):
    parts = []
    while part := stream.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def udp(address, length, count="1", lost="0"):
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    peer.settimeout(2)
    peer.connect((address, PORT))
    back = 0
    for _ in range(int(count)):
        datagram = os.urandom(int(length))
        peer.send(datagram)
        try:
            answer = peer.recv(LONGEST_DATAGRAM)
        except TimeoutError:
            continue
        if answer != datagram:
            sys.exit(f"{len(answer)} bytes came back, and not those that were sent")
        back += 1
    print(f"{back} of {count} came back")
    return back >= int(count) - int(lost)


def udp_segmented(address, length, segment):
    segment, udp_segment = int(segment), 103
    wanted = os.urandom(int(length))
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.settimeout(2)
    peer.connect((address, PORT))
    peer.setsockopt(socket.IPPROTO_UDP, udp_segment, segment)
    peer.send(wanted)
    peer.setsockopt(socket.IPPROTO_UDP, udp_segment, 0)
    back = []
    try:
        for _ in range(0, len(wanted), segment):
            back.append(peer.recv(LONGEST_DATAGRAM))
    except TimeoutError:
        pass
    print(f"{len(back)} datagrams came back")
    return b"".join(back) == wanted and {len(part) for part in back} == {segment}


def tcp(address, length):
    stream = socket.create_connection((address, PORT), timeout=30)
    wanted = os.urandom(int(length))
    stream.sendall(wanted)
    stream.shutdown(socket.SHUT_WR)
    found = until_end(stream)
    print(f"{len(found)} bytes came back")
    return found == wanted


def main():
    verb, *arguments = sys.argv[1:]
    if verb == "serve":
        serve()
    start = time.monotonic()
    good = {"udp": udp, "udp-segmented": udp_segmented, "tcp": tcp}[verb](*arguments)
    print(f"{time.monotonic() - start:.2f} s")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
