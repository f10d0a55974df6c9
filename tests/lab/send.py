#!/usr/bin/python3
"""Sends frames as they are: no kernel adds, corrects or refuses anything.

    send.py INTERFACE FRAME [COUNT [PER-SECOND]]

FRAME is a scapy expression, e.g. 'Ether(dst=BCAST)/ARP(pdst="10.0.0.3")', or
`hex:` and octets.
"""
import logging
import socket
import sys
import time

# That a crafted frame has no route is no news.
logging.getLogger("scapy.runtime").setLevel(logging.ERROR)

from scapy.all import *  # noqa: E402, F403  (FRAME may name any layer)

BCAST = "ff:ff:ff:ff:ff:ff"


def main():
    interface, text = sys.argv[1], sys.argv[2]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    if text.startswith("hex:"):
        frame = bytes.fromhex(text[4:])
    else:
        frame = raw(eval("(" + text + ")"))  # noqa: F405  (our own labs' words)
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sender.bind((interface, 0))
    rate = int(sys.argv[4]) if len(sys.argv) > 4 else None
    begun = time.monotonic()
    for number in range(count):
        sender.send(frame)
        if rate and number % 50 == 0:
            time.sleep(max(0, begun + number / rate - time.monotonic()))


if __name__ == "__main__":
    main()
