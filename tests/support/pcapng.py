"""Reads the pcapng files that tern writes (one section, one interface, nanoseconds)."""

import struct

INBOUND, OUTBOUND = 1, 2


def blocks(data):
    """(type, body) of each block; every length stands at both ends."""
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("=II", data, at)
        assert struct.unpack_from("=I", data, at + length - 4)[0] == length
        yield kind, data[at + 8:at + length - 4]
        at += length


def options(body):
    at, found = 0, {}
    while at < len(body):
        code, n = struct.unpack_from("=HH", body, at)
        if code == 0:
            break
        found[code] = body[at + 4:at + 4 + n]
        at += 4 + (n + 3) // 4 * 4
    return found


def packets(path):
    """(nanoseconds, direction, bytes, comment) of each packet of a file."""
    with open(path, "rb") as file:
        data = file.read()
    for kind, body in blocks(data):
        if kind == 6:
            _, high, low, n, whole = struct.unpack_from("=IIIII", body)
            assert n == whole
            option = options(body[20 + (n + 3) // 4 * 4:])
            direction, = struct.unpack("=I", option[2])
            yield high << 32 | low, direction, body[20:20 + n], option.get(1, b"").decode()
