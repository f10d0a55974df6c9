#!/usr/bin/python3
"""An 802.1Q interface in user space, for kernels without 802.1Q devices.

    vlan_tap.py TRUNK VLAN TAP

Makes the tap device TAP: what arrives on TRUNK with the tag VLAN comes out of
TAP without it, and what is sent to TAP leaves TRUNK with it. Runs until it is
killed; the tap goes with it.
"""
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys

ETH_P_ALL = 0x0003
ETH_P_8021Q = 0x8100
LONGEST_FRAME = 65536


def tagged_only(vlan):
    """A classic BPF program: accept frames that carry this VLAN id."""
    # The kernel keeps the tag beside the frame; these offsets read it there.
    tag_present, tag = 0xFFFFF000 + 48, 0xFFFFF000 + 44
    program = [
        (0x20, 0, 0, tag_present),  # ld the "has a tag" mark
        (0x15, 4, 0, 0),  # none: refuse
        (0x20, 0, 0, tag),  # ld the tag
        (0x54, 0, 0, 0x0FFF),  # and: its VLAN id
        (0x15, 0, 1, vlan),  # another one: refuse
        (0x06, 0, 0, LONGEST_FRAME),  # accept
        (0x06, 0, 0, 0),  # refuse
    ]
    return [struct.pack("HBBI", *step) for step in program]


def attach_filter(sock, steps):
    code = ctypes.create_string_buffer(b"".join(steps))
    so_attach_filter = 26
    fprog = struct.pack("HL", len(steps), ctypes.addressof(code))
    sock.setsockopt(socket.SOL_SOCKET, so_attach_filter, fprog)


def open_trunk(name, vlan):
    # Protocol 0: nothing is queued before the filter is in place.
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    attach_filter(sock, tagged_only(vlan))
    sol_packet, packet_ignore_outgoing, so_rcvbufforce = 263, 23, 33
    sock.setsockopt(sol_packet, packet_ignore_outgoing, 1)
    sock.setsockopt(socket.SOL_SOCKET, so_rcvbufforce, 8 << 20)
    sock.bind((name, ETH_P_ALL))
    return sock


def open_tap(name):
    tunsetiff, iff_tap, iff_no_pi = 0x400454CA, 0x0002, 0x1000
    tap = os.open("/dev/net/tun", os.O_RDWR)
    request = struct.pack("16sH22x", name.encode(), iff_tap | iff_no_pi)
    fcntl.ioctl(tap, tunsetiff, request)
    return tap


def lossy(send, *what):
    """A full queue or a device that is down loses frames, as on any link."""
    try:
        send(*what)
    except OSError:
        pass


def trunk_to_tap(trunk, tap):
    frame = memoryview(bytearray(LONGEST_FRAME))
    while True:
        try:
            length = trunk.recv_into(frame)
        except OSError:  # The link went down; it may come back.
            continue
        lossy(os.write, tap, frame[:length])


def tap_to_trunk(tap, trunk, vlan):
    tag = struct.pack("!HH", ETH_P_8021Q, vlan)
    while True:
        frame = os.read(tap, LONGEST_FRAME)
        lossy(trunk.send, frame[:12] + tag + frame[12:])


def main():
    trunk_name, vlan, tap_name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    trunk, tap = open_trunk(trunk_name, vlan), open_tap(tap_name)
    # One process per direction: they share nothing but the two devices.
    if os.fork() == 0:
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        trunk_to_tap(trunk, tap)
    tap_to_trunk(tap, trunk, vlan)


if __name__ == "__main__":
    main()
