#!/usr/bin/python3
"""An interface for what a link's frames are marked with, in user space: for kernels
without 802.1Q devices, and for what Linux has no devices for.

    vlan_tap.py TRUNK MARKS TAP

MARKS is what is on the frames, from the outside in: `100` (an 802.1Q tag),
`label:1000` (an MPLS label), `0x88a8:300` (a provider's tag), `0x88a8:300/100`,
`0x88a8:300/label:1000`; `bare`: nothing, and no tag.

Makes the tap device TAP: what arrives on TRUNK with these marks comes out of TAP
without them, and what is sent to TAP leaves TRUNK with them. A label stands before
IPv4 alone; ARP has none. Runs until it is killed; the tap goes with it.
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
MPLS = b"\x88\x47"
IPV4, ARP = b"\x08\x00", b"\x08\x06"
TAGS = (b"\x81\x00", b"\x88\xa8")
LONGEST_FRAME = 65536
SOL_PACKET, PACKET_AUXDATA = 263, 8


def marks(text):
    """The tags as octets, from the outside in, and the label."""
    tags, label = b"", None
    if text == "bare":
        return tags, label
    for part in text.split("/"):
        kind, _, number = part.rpartition(":")
        if kind == "label":
            label = int(number)
        else:
            tags += struct.pack("!HH", int(kind or str(ETH_P_8021Q), 0), int(number))
    return tags, label


def tagged_only(vlan):
    """A classic BPF program: accept frames whose first tag has this VLAN id."""
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


def open_trunk(name, tags):
    # Protocol 0: nothing is queued before the filter is in place.
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    if tags:
        attach_filter(sock, tagged_only(struct.unpack("!H", tags[2:4])[0] & 0x0FFF))
    packet_ignore_outgoing, so_rcvbufforce = 23, 33
    sock.setsockopt(SOL_PACKET, packet_ignore_outgoing, 1)
    sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
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


def with_first_tag(frame, messages):
    """The frame with the tag that the kernel has taken off it."""
    for level, kind, data in messages:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA) and len(data) >= 20:
            status, _, _, _, _, control, tpid = struct.unpack("IIIHHHH", data[:20])
            if status & 0x10:  # TP_STATUS_VLAN_VALID
                tag = struct.pack("!HH", tpid if status & 0x40 else ETH_P_8021Q, control)
                return frame[:12] + tag + frame[12:]
    return frame


def bare(frame, tags, label):
    """The frame without its marks; nothing if those are others."""
    at = 12
    for tag in range(0, len(tags), 4):
        kind, control = struct.unpack("!HH", frame[at:at + 4])
        if (kind, control & 0x0FFF) != struct.unpack("!HH", tags[tag:tag + 4]):
            return None
        at += 4
    if label is not None:
        if frame[at:at + 2] == MPLS:
            entry = struct.unpack("!I", frame[at + 2:at + 6])[0]
            same = entry >> 12 == label and entry & 0x100
            return frame[:12] + IPV4 + frame[at + 6:] if same else None
        return frame[:12] + frame[at:] if frame[at:at + 2] == ARP else None
    is_tagged = frame[at:at + 2] in TAGS
    return None if is_tagged and not tags else frame[:12] + frame[at:]


def marked(frame, tags, label):
    if label is not None and frame[12:14] == IPV4:
        entry = struct.pack("!I", label << 12 | 0x100 | frame[22])
        return frame[:12] + tags + MPLS + entry + frame[14:]
    return frame[:12] + tags + frame[12:]


def trunk_to_tap(trunk, tap, tags, label):
    while True:
        try:
            frame, messages, _, _ = trunk.recvmsg(LONGEST_FRAME, 64)
        except OSError:  # The link went down; it may come back.
            continue
        frame = bare(with_first_tag(frame, messages), tags, label)
        if frame:
            lossy(os.write, tap, frame)


def tap_to_trunk(tap, trunk, tags, label):
    while True:
        lossy(trunk.send, marked(os.read(tap, LONGEST_FRAME), tags, label))


def main():
    trunk_name, (tags, label), tap_name = sys.argv[1], marks(sys.argv[2]), sys.argv[3]
    trunk, tap = open_trunk(trunk_name, tags), open_tap(tap_name)
    # One process per direction: they share nothing but the two devices.
    if os.fork() == 0:
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        trunk_to_tap(trunk, tap, tags, label)
    tap_to_trunk(tap, trunk, tags, label)


if __name__ == "__main__":
    main()
