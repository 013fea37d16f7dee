"""A VM's network card, by hand: frames over QEMU's two socket protocols, and just enough of ARP, neighbour discovery,
DHCP, DHCPv6 and TCP above them to try `tern gateway --qemu` without QEMU."""

import os
import socket
import struct
import time

ALL = b"\xff" * 6
LIMIT = 30      # seconds to wait for one frame


def checksum(data):
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def pack4(text):
    return socket.inet_pton(socket.AF_INET, text)


def pack6(text):
    return socket.inet_pton(socket.AF_INET6, text)


def is_v6(text):
    return ":" in text


def packed(text):
    return pack6(text) if is_v6(text) else pack4(text)


def group_mac(address):
    return b"\x33\x33" + pack6(address)[12:]


def link_local(mac):
    return socket.inet_ntop(socket.AF_INET6, b"\xfe\x80" + bytes(6) + interface_id(mac))


def interface_id(mac):
    """Modified EUI-64 (RFC 4291, appendix A)."""
    return bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]


class Stream:
    """-netdev stream: four octets of length, big-endian, before each frame."""

    def __init__(self, path, _directory):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.have = b""

    def send(self, frame):
        self.socket.sendall(struct.pack("!I", len(frame)) + frame)

    def receive(self, seconds):
        until = time.monotonic() + seconds
        while True:
            if len(self.have) >= 4:
                n = struct.unpack("!I", self.have[:4])[0]
                if len(self.have) >= 4 + n:
                    frame, self.have = self.have[4:4 + n], self.have[4 + n:]
                    return frame
            left = until - time.monotonic()
            if left <= 0:
                return None
            self.socket.settimeout(left)
            try:
                more = self.socket.recv(65536)
            except socket.timeout:
                return None
            if not more:
                return None
            self.have += more

    def close(self):
        self.socket.close()


class Datagrams:
    """-netdev dgram: a datagram is a frame."""

    def __init__(self, path, directory):
        self.own = f"{directory}/vm-{os.getpid()}-{time.monotonic_ns()}.sock"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.own)
        self.peer = path

    def send(self, frame):
        self.socket.sendto(frame, self.peer)

    def receive(self, seconds):
        self.socket.settimeout(max(seconds, 0.001))
        try:
            return self.socket.recv(65536)
        except socket.timeout:
            return None

    def close(self):
        self.socket.close()
        os.unlink(self.own)


class Device:
    """A network device of this namespace, past the kernel's own protocols: what a bridged VM would do with a TAP."""

    def __init__(self, name):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))     # ETH_P_ALL
        self.socket.bind((name, 0))

    def send(self, frame):
        self.socket.send(frame)

    def receive(self, seconds):
        until = time.monotonic() + seconds
        while True:
            self.socket.settimeout(max(until - time.monotonic(), 0.001))
            try:
                frame, sender = self.socket.recvfrom(65536)
            except socket.timeout:
                return None
            if sender[2] != socket.PACKET_OUTGOING:
                return frame

    def close(self):
        self.socket.close()


class Packet:
    """One that arrived: addresses as text, what follows the IP header, and UDP's ports where it is that."""

    def __init__(self, frame):
        self.dst_mac, self.src_mac, self.type = frame[:6], frame[6:12], struct.unpack("!H", frame[12:14])[0]
        body = frame[14:]
        self.protocol, self.payload, self.ports = None, body, None
        if self.type == 0x0800:
            length, self.ttl, self.protocol = struct.unpack("!H", body[2:4])[0], body[8], body[9]
            assert checksum(body[:20]) == 0, "a bad header checksum"
            self.src, self.dst = (socket.inet_ntop(socket.AF_INET, body[i:i + 4]) for i in (12, 16))
            self.payload = body[20:length]
        elif self.type == 0x86dd:
            length, self.protocol, self.ttl = struct.unpack("!HBB", body[4:8])
            self.src, self.dst = (socket.inet_ntop(socket.AF_INET6, body[i:i + 16]) for i in (8, 24))
            self.payload = body[40:40 + length]
        if self.protocol in (6, 17, 58):
            pseudo = packed(self.src) + packed(self.dst) + struct.pack("!II", len(self.payload), self.protocol)
            assert checksum(pseudo + self.payload) == 0, f"a bad checksum of protocol {self.protocol}"
        if self.protocol == 17:
            self.ports = struct.unpack("!HH", self.payload[:4])
            self.payload = self.payload[8:]


class Card:
    """The VM: answers for its addresses, and hands every packet to whoever waits for it."""

    def __init__(self, link, mac):
        self.link, self.mac = link, mac
        self.addresses = [link_local(mac)]
        self.macs = {}

    def close(self):
        self.link.close()

    # ---- out

    def send_ip(self, dst_mac, src, dst, protocol, payload, ttl=64):
        if protocol in (6, 17, 58):
            at = {6: 16, 17: 6, 58: 2}[protocol]
            pseudo = packed(src) + packed(dst) + struct.pack("!II", len(payload), protocol)
            payload = payload[:at] + struct.pack("!H", checksum(pseudo + payload)) + payload[at + 2:]
        if is_v6(dst):
            header = struct.pack("!IHBB", 6 << 28, len(payload), protocol, ttl) + pack6(src) + pack6(dst)
        else:
            header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, ttl, protocol, 0, pack4(src),
                                 pack4(dst))
            header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
        kind = b"\x86\xdd" if is_v6(dst) else b"\x08\x00"
        self.link.send(dst_mac + self.mac + kind + header + payload)

    def send_udp(self, dst_mac, src, dst, ports, data):
        self.send_ip(dst_mac, src, dst, 17, struct.pack("!HHHH", *ports, 8 + len(data), 0) + data)

    # ---- in

    def await_packet(self, wanted, seconds=LIMIT):
        """The next packet for which wanted() is true; None: none came. ARP and neighbour solicitations for our
        addresses are answered meanwhile."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            frame = self.link.receive(until - time.monotonic())
            if frame is None:
                return None
            packet = Packet(frame)
            if wanted(packet):
                return packet
            self.serve(packet)
        return None

    def serve(self, packet):
        body = packet.payload
        if packet.type == 0x0806 and body[6:8] == b"\0\1":
            asked = socket.inet_ntop(socket.AF_INET, body[24:28])
            if asked in self.addresses:
                self.link.send(packet.src_mac + self.mac + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, 2) +
                               self.mac + pack4(asked) + body[8:18])
        elif packet.protocol == 58 and body[0] == 135:
            asked = socket.inet_ntop(socket.AF_INET6, body[8:24])
            if asked in self.addresses:
                answer = struct.pack("!BBHI", 136, 0, 0, 0x60000000) + pack6(asked) + b"\2\1" + self.mac
                self.send_ip(packet.src_mac, asked, packet.src, 58, answer, 255)

    def mac_of(self, address, own):
        """By ARP or neighbour discovery, asked as `own`."""
        if address in self.macs:
            return self.macs[address]
        if is_v6(address):
            group = socket.inet_ntop(socket.AF_INET6, pack6("ff02::1:ff00:0")[:13] + pack6(address)[13:])
            asking = struct.pack("!BBHI", 135, 0, 0, 0) + pack6(address) + b"\1\1" + self.mac
            self.send_ip(group_mac(group), own, group, 58, asking, 255)
            answer = self.await_packet(lambda p: p.protocol == 58 and p.payload[0] == 136 and
                                       p.payload[8:24] == pack6(address))
            found = answer and answer.payload[26:32]
        else:
            self.link.send(ALL + self.mac + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, 1) + self.mac +
                           pack4(own) + bytes(6) + pack4(address))
            answer = self.await_packet(lambda p: p.type == 0x0806 and p.payload[6:8] == b"\0\2" and
                                       p.payload[14:18] == pack4(address))
            found = answer and answer.payload[8:14]
        assert found, f"nobody answers for {address}"
        self.macs[address] = found
        return found

    # ---- protocols

    def fetch(self, own, address, port, request):
        """One TCP connection: sends the request, and returns what came until the FIN."""
        gateway = self.mac_of(address, own)
        local, seq = 40000 + port % 1000, 1000

        def send(flags, data=b""):
            head = struct.pack("!HHIIBBHHH", local, port, seq, ack, 0x50, flags, 65535, 0, 0)
            self.send_ip(gateway, own, address, 6, head + data)

        def receive():
            packet = self.await_packet(lambda p: p.protocol == 6 and p.src == address and
                                       p.payload[:4] == struct.pack("!HH", port, local))
            assert packet, "TCP fell silent"
            theirs, acked, offset, flags = struct.unpack("!IIBB", packet.payload[4:14])
            return theirs, acked, flags, packet.payload[(offset >> 4) * 4:]

        ack, got = 0, b""
        send(2)
        theirs, acked, flags, _ = receive()
        assert flags == 0x12 and acked == seq + 1, f"not a SYN-ACK: flags {flags:#x}"
        seq, ack = seq + 1, theirs + 1
        send(0x18, request)
        seq += len(request)
        while True:
            theirs, acked, flags, data = receive()
            assert not flags & 4, "reset"
            if theirs != ack:
                continue
            got, ack = got + data, ack + len(data)
            if flags & 1:
                ack += 1
                send(0x11)
                seq += 1
                return got
            if data:
                send(0x10)

    def dhcp(self, kind, options=b"", ciaddr="0.0.0.0", broadcast=True, src="0.0.0.0", dst="255.255.255.255",
             dst_mac=ALL, xid=0x1234, wait=LIMIT):
        """Sends one message; the answer as (packet, dictionary) or None."""
        head = struct.pack("!BBBBIHH4s12s", 1, 1, 6, 0, xid, 0, 0x8000 if broadcast else 0, pack4(ciaddr), bytes(12))
        message = head + self.mac + bytes(10 + 192) + b"\x63\x82\x53\x63" + bytes([53, 1, kind]) + options + b"\xff"
        self.send_udp(dst_mac, src, dst, (68, 67), message)
        packet = self.await_packet(lambda p: p.ports == (67, 68) and p.payload[4:8] == struct.pack("!I", xid), wait)
        return packet and (packet, dhcp_read(packet.payload))

    def solicit_router(self):
        self.send_ip(group_mac("ff02::2"), self.addresses[0], "ff02::2", 58,
                     struct.pack("!BBHI", 133, 0, 0, 0) + b"\1\1" + self.mac, 255)
        return self.await_advertisement()

    def await_advertisement(self, seconds=LIMIT):
        return self.await_packet(lambda p: p.protocol == 58 and p.payload[0] == 134, seconds)


def dhcp_read(message):
    """Option numbers with their octets (several of one number joined), and the address that is given."""
    found = {"yiaddr": socket.inet_ntop(socket.AF_INET, message[16:20]),
             "file": message[108:236].split(b"\0")[0].decode()}
    at = 240
    while message[at] != 255:
        if message[at] == 0:
            at += 1
            continue
        found[message[at]] = found.get(message[at], b"") + message[at + 2:at + 2 + message[at + 1]]
        at += 2 + message[at + 1]
    return found


def nd_options(payload):
    """Of a router advertisement: option types with all their octets."""
    found, at = {}, 16
    while at < len(payload):
        length = payload[at + 1] * 8
        assert length, "an option of length 0"
        found[payload[at]] = payload[at:at + length]
        at += length
    return found


def dhcp6_options(payload):
    found, at = {}, 4
    while at < len(payload):
        kind, length = struct.unpack("!HH", payload[at:at + 4])
        found[kind] = payload[at + 4:at + 4 + length]
        at += 4 + length
    return found


def names(wire):
    """Of a domain list, its padding aside."""
    found, labels, at = [], [], 0
    while at < len(wire):
        n = wire[at]
        if n:
            labels.append(wire[at + 1:at + 1 + n].decode())
        elif labels:
            found.append(".".join(labels))
            labels = []
        at += 1 + n
    return found
