#!/usr/bin/python3
"""How long nothing came through.

    blackout.py serve            port 7007, UDP and TCP: everything comes back at once
    blackout.py probe ADDRESS    a datagram every millisecond, and a line to and fro on one TCP
                                 connection every ten; at the start, and at each SIGUSR1, one line
                                 of JSON about the time since the one before

In a line: the longest time between two answers, of datagrams and on the connection, in
milliseconds; how many there were; and what became of the connection, if it has ended.
"""
import json
import signal
import socket
import sys
import threading
import time

PORT = 7007
LINE = b"%063d\n"
# Longer than any blackout worth the name; TCP itself tries for longer.
PATIENCE = 60


def serve():
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("", PORT))
    tcp = socket.create_server(("", PORT))
    threading.Thread(target=serve_streams, args=(tcp,), daemon=True).start()
    while True:
        datagram, peer = udp.recvfrom(2048)
        udp.sendto(datagram, peer)


def serve_streams(tcp):
    while True:
        stream, _ = tcp.accept()
        threading.Thread(target=serve_stream, args=(stream,), daemon=True).start()


def serve_stream(stream):
    with stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while part := stream.recv(1 << 16):
            stream.sendall(part)


class Answers:
    """When answers came: the longest wait, and how many."""

    def __init__(self):
        self.lock = threading.Lock()
        self.last = time.monotonic()
        self.longest = 0.0
        self.count = 0

    def one(self):
        now = time.monotonic()
        with self.lock:
            self.longest = max(self.longest, now - self.last)
            self.last = now
            self.count += 1

    def report(self):
        with self.lock:
            waiting = time.monotonic() - self.last
            report = round(1e3 * max(self.longest, waiting), 1), self.count
            self.longest, self.count = 0.0, 0
        return report


def ask_by_datagrams(address, answers):
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.connect((address, PORT))

    def listen():
        while True:
            try:
                udp.recv(2048)
            except OSError:  # What an ICMP error says shows as a gap.
                continue
            answers.one()

    threading.Thread(target=listen, daemon=True).start()
    while True:
        try:
            udp.send(b"?")
        except OSError:
            pass
        time.sleep(0.001)


def ask_by_stream(stream, answers, ended):
    number = 0
    try:
        while True:
            number += 1
            stream.sendall(LINE % number)
            answer = b""
            while len(answer) < len(LINE % number):
                part = stream.recv(1 << 16)
                if not part:
                    raise ConnectionError("closed by the peer")
                answer += part
            if answer != LINE % number:
                raise ConnectionError(f"{answer!r} came back for {number}")
            answers.one()
            time.sleep(0.01)
    except OSError as error:
        ended.append(str(error))


def probe(address):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    stream = socket.create_connection((address, PORT), timeout=PATIENCE)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    datagrams, lines, ended = Answers(), Answers(), []
    for asking in ((ask_by_datagrams, address, datagrams), (ask_by_stream, stream, lines, ended)):
        threading.Thread(target=asking[0], args=asking[1:], daemon=True).start()
    while True:
        (udp_gap, udp), (tcp_gap, tcp) = datagrams.report(), lines.report()
        print(
            json.dumps(
                {
                    "udp_gap_ms": udp_gap,
                    "udp": udp,
                    "tcp_gap_ms": tcp_gap,
                    "tcp": tcp,
                    "tcp_ended": ended[0] if ended else None,
                }
            ),
            flush=True,
        )
        signal.sigwait({signal.SIGUSR1})


def main():
    if sys.argv[1] == "serve":
        serve()
    probe(sys.argv[2])


if __name__ == "__main__":
    sys.exit(main())
