#!/usr/bin/python3
"""Frames in capture files, one scapy expression per line of standard input.

    frames.py write FILE     makes a capture of these frames
    frames.py compare FILE   the capture has these frames, in this order
"""
import logging
import sys

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)

from scapy.all import *  # noqa: E402, F403  (a frame may name any layer)

BCAST = "ff:ff:ff:ff:ff:ff"


def main():
    verb, file = sys.argv[1:]
    lines = [line.strip() for line in sys.stdin]
    wanted = [Ether(raw(eval(line))) for line in lines if line]  # noqa: F405
    if verb == "write":
        wrpcap(file, wanted)  # noqa: F405
        return 0
    found = [Ether(raw(frame)) for frame in rdpcap(file)]  # noqa: F405
    for number in range(max(len(found), len(wanted))):
        pair = [frames[number] if number < len(frames) else None for frames in (found, wanted)]
        if None not in pair and raw(pair[0]) == raw(pair[1]):  # noqa: F405
            continue
        print(f"frame {number + 1} differs")
        for name, frame in zip(("found ", "wanted"), pair):
            print(f"  {name} {'nothing' if frame is None else frame.summary()}")
            print(f"         {'' if frame is None else raw(frame).hex()}")  # noqa: F405
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
