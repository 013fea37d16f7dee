#!/usr/bin/env python3
"""`tern gateway --qemu`: a VM is told its addresses, and reaches the host's loopback.

    VM: 10.0.2.15, fd00::/64 by its card  ===  UNIX socket  ===  tern gateway  ---  sockets of the host: 127.0.0.1, ::1

The VM is this test, which speaks both of QEMU's socket protocols (vm.py); and, where QEMU and iPXE are installed, a
real one that boots from nothing but its card's ROM: DHCP, then the file that DHCP names, by HTTP.
"""

import contextlib
import fcntl
import glob
import http.server
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import unittest

import vm
from gateway_world import LIMIT, TcpServer, World, await_true

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "support"))
from pcapng import OUTBOUND, packets  # noqa: E402

WORLD = World()
MAC = bytes.fromhex("525400123456")
OTHER_MAC = bytes.fromhex("525400abcdef")
LINKS = (("--qemu", vm.Stream), ("--qemu-dgram", vm.Datagrams))
SEARCH = ["example.test", "corp.test"]      # of WORLD's resolv.conf
TUNSETIFF, IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x400454CA, 2, 0x1000, 0x4000
ROM = "efi-virtio.rom"          # QEMU's own choice for its virtio-net card
ROMS = ("/usr/lib/ipxe/qemu", "/usr/share/qemu", "/usr/share/ipxe/qemu")


def answer_once(connection):
    request = connection.recv(1000)
    connection.sendall(b"you said " + request)


class Gateway:
    """`tern gateway --qemu PATH` (or --fd N), until the block ends."""

    def __init__(self, option="--qemu", options=(), fd=None):
        self.path = f"{WORLD.work}/vm-{option.strip('-')}.sock" if fd is None else str(fd)
        read, write = os.pipe()
        command = [WORLD.tern, "gateway", option, self.path, "--ready-fd", str(write), "--stats", *options]
        self.process = subprocess.Popen(command, cwd=WORLD.work, stderr=subprocess.PIPE, text=True,
                                        pass_fds=(write,) if fd is None else (write, fd))
        os.close(write)
        with os.fdopen(read, "rb") as ready:
            self.ready = ready.read(1)
        self.errors = None

    def __enter__(self):
        return self

    def end(self):
        """Its exit code; what it said is in self.errors, its counters in self.stats."""
        self.process.send_signal(signal.SIGTERM)
        self.errors = self.process.communicate(timeout=LIMIT)[1]
        self.stats = dict(line.rsplit(" ", 1) for line in self.errors.splitlines() if line.count(" ") == 1)
        return self.process.returncode

    def __exit__(self, *error):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(LIMIT)
        self.process.stderr.close()


@contextlib.contextmanager
def plugged(gateway, kind, mac=MAC):
    card = vm.Card(kind(gateway.path, WORLD.work), mac)
    try:
        yield card
    finally:
        card.close()


class Lease(unittest.TestCase):
    def check_settings(self, found):
        self.assertEqual(found[54], vm.pack4("10.0.2.2"))
        self.assertEqual(found[1], vm.pack4("255.255.255.0"))
        self.assertEqual(found[3], vm.pack4("10.0.2.2"))
        self.assertEqual(found[6], vm.pack4("10.0.2.3"))
        self.assertEqual(found[26], (1500).to_bytes(2, "big"))
        self.assertEqual(vm.names(found[119]), SEARCH)

    def test_the_whole_exchange_over_both_protocols(self):
        for option, kind in LINKS:
            with self.subTest(option), Gateway(option) as gateway, plugged(gateway, kind) as card:
                packet, offer = card.dhcp(1)
                self.assertEqual((offer[53], offer["yiaddr"]), (b"\2", "10.0.2.15"))
                self.assertEqual((packet.src, packet.dst, packet.dst_mac), ("10.0.2.2", "255.255.255.255", vm.ALL))
                self.check_settings(offer)
                wanted = bytes([50, 4]) + vm.pack4("10.0.2.15")
                packet, ack = card.dhcp(3, wanted + bytes([54, 4]) + offer[54], xid=7)
                self.assertEqual((ack[53], ack["yiaddr"]), (b"\5", "10.0.2.15"))
                self.assertEqual(ack[51], (86400).to_bytes(4, "big"))
                self.check_settings(ack)
                card.addresses.append("10.0.2.15")
                _, renewed = card.dhcp(3, ciaddr="10.0.2.15", src="10.0.2.15", dst="10.0.2.2",
                                       dst_mac=card.mac_of("10.0.2.2", "10.0.2.15"), xid=8)
                self.assertEqual((renewed[53], renewed["yiaddr"]), (b"\5", "10.0.2.15"))
                with TcpServer(answer_once) as server:
                    self.assertEqual(card.fetch("10.0.2.15", "10.0.2.2", server.port, b"hello"), b"you said hello")
                self.assertEqual(gateway.end(), 128 + signal.SIGTERM)
                self.assertEqual([gateway.stats[name] for name in ("dhcp_offers", "dhcp_acks", "tcp_opened")],
                                 ["1", "2", "1"])

    def test_unicast_before_there_is_an_address(self):
        with Gateway() as gateway, plugged(gateway, vm.Stream) as card:
            packet, offer = card.dhcp(1, broadcast=False)
            self.assertEqual((packet.dst, packet.dst_mac, offer["yiaddr"]), ("10.0.2.15", MAC, "10.0.2.15"))

    def test_an_address_of_another_network_is_refused(self):
        with Gateway() as gateway, plugged(gateway, vm.Stream) as card:
            for broadcast in (True, False):
                packet, nak = card.dhcp(3, bytes([50, 4]) + vm.pack4("192.168.1.5"), broadcast=broadcast)
                self.assertEqual((nak[53], nak["yiaddr"], packet.dst), (b"\6", "0.0.0.0", "255.255.255.255"))
                self.assertNotIn(51, nak)

    def test_inform(self):
        with Gateway() as gateway, plugged(gateway, vm.Stream) as card:
            card.addresses.append("10.0.2.77")
            packet, ack = card.dhcp(8, ciaddr="10.0.2.77", src="10.0.2.77")
            self.assertEqual((ack[53], ack["yiaddr"], packet.dst), (b"\5", "0.0.0.0", "10.0.2.77"))
            self.check_settings(ack)
            self.assertNotIn(51, ack)

    def test_what_is_not_answered(self):
        with Gateway() as gateway, plugged(gateway, vm.Stream) as card:
            for kind, options in ((4, b""), (7, b""), (2, b""), (3, bytes([54, 4, 10, 0, 2, 99, 50, 4, 10, 0, 2, 15])),
                                  (1, b"\x3d\xff"), (3, b"")):
                self.assertIsNone(card.dhcp(kind, options, wait=0.2), (kind, options))
            for n in (0, 1, 239, 240, 241):
                card.send_udp(vm.ALL, "0.0.0.0", "255.255.255.255", (68, 67), b"\1" * n)
            self.assertIsNotNone(card.dhcp(1))      # and it serves on
            self.assertEqual(gateway.end(), 128 + signal.SIGTERM)
            self.assertEqual(gateway.stats["dhcp_dropped"], "8")

    def test_a_machine_in_place_of_another(self):
        with Gateway() as gateway:
            for mac in (MAC, OTHER_MAC):
                with plugged(gateway, vm.Stream, mac) as card:
                    _, ack = card.dhcp(3, bytes([50, 4]) + vm.pack4("10.0.2.15"), broadcast=False)
                    self.assertEqual((ack[53], ack["yiaddr"]), (b"\5", "10.0.2.15"))
                    card.addresses.append("10.0.2.15")
                    with TcpServer(answer_once) as server:
                        self.assertEqual(card.fetch("10.0.2.15", "10.0.2.2", server.port, b"me"), b"you said me")

    def test_boot_file(self):
        with Gateway(options=("--bootfile", "http://10.0.2.2/x")) as gateway, plugged(gateway, vm.Stream) as card:
            _, offer = card.dhcp(1)
            self.assertEqual((offer["file"], offer[67]), ("http://10.0.2.2/x", b"http://10.0.2.2/x"))

    def test_no_dhcp(self):
        with Gateway(options=("--no-dhcp",)) as gateway, plugged(gateway, vm.Stream) as card:
            self.assertIsNone(card.dhcp(1, wait=0.3))
            self.assertIsNone(self.advertisement_within(card, 0.8))
            card.addresses.append("10.0.2.15")
            with TcpServer(answer_once) as server:
                self.assertEqual(card.fetch("10.0.2.15", "10.0.2.2", server.port, b"static"), b"you said static")

    @staticmethod
    def advertisement_within(card, seconds):
        card.send_ip(vm.group_mac("ff02::2"), card.addresses[0], "ff02::2", 58, b"\x85" + bytes(7), 255)
        return card.await_advertisement(seconds)


@unittest.skipUnless(WORLD.has_ipv6, "this machine has no IPv6")
class Six(unittest.TestCase):
    def check_advertisement(self, packet):
        self.assertEqual((packet.dst, packet.dst_mac, packet.ttl), ("ff02::1", vm.group_mac("ff02::1"), 255))
        self.assertTrue(packet.src.startswith("fe80::"))
        self.assertEqual(packet.payload[4:8], b"\x40\x40" + (1800).to_bytes(2, "big"))  # hops, O, lifetime
        options = vm.nd_options(packet.payload)
        self.assertEqual(options[1][2:8], packet.src_mac)
        self.assertEqual(options[3][2:4], b"\x40\xc0")                                  # /64, on link, autonomous
        self.assertEqual(options[3][16:], vm.pack6("fd00::"))
        self.assertEqual(options[5][4:], (1500).to_bytes(4, "big"))
        self.assertEqual(options[25][8:], vm.pack6("fd00::3"))
        self.assertEqual(vm.names(options[31][8:]), SEARCH)

    def test_over_both_protocols(self):
        for option, kind in LINKS:
            with self.subTest(option), Gateway(option) as gateway, plugged(gateway, kind) as card:
                advertisement = card.solicit_router()
                self.check_advertisement(advertisement)
                own = socket.inet_ntop(socket.AF_INET6, vm.pack6("fd00::")[:8] + vm.interface_id(MAC))
                card.addresses.append(own)

                duid = b"\0\3\0\1" + MAC
                card.send_udp(vm.group_mac("ff02::1:2"), card.addresses[0], "ff02::1:2", (546, 547),
                              b"\x0b\1\2\3" + b"\0\1\0\x0a" + duid + b"\0\6\0\4\0\x17\0\x18")
                reply = card.await_packet(lambda p: p.ports == (547, 546))
                self.assertEqual((reply.payload[:4], reply.src, reply.dst),
                                 (b"\7\1\2\3", advertisement.src, card.addresses[0]))
                options = vm.dhcp6_options(reply.payload)
                self.assertEqual((options[1], options[23]), (duid, vm.pack6("fd00::3")))
                self.assertEqual(vm.names(options[24]), SEARCH)

                with TcpServer(answer_once, 6) as server:
                    self.assertEqual(card.fetch(own, "fd00::2", server.port, b"six"), b"you said six")
                self.assertEqual(gateway.end(), 128 + signal.SIGTERM)
                self.assertEqual(gateway.stats["dhcp6_replies"], "1")
                last = advertisement
                while last.payload[6:8] != b"\0\0":
                    last = card.await_advertisement()
                    self.assertIsNotNone(last, "the router went without a word")

    def test_answers_are_apart(self):
        """RFC 4861 6.2.6: never two to everybody within three seconds, however many ask."""
        capture = f"{WORLD.work}/advertisements.pcapng"
        with Gateway(options=("--pcap", capture)) as gateway, plugged(gateway, vm.Stream) as card:
            self.assertIsNotNone(card.solicit_router())
            for _ in range(50):
                card.send_ip(vm.group_mac("ff02::2"), "::", "ff02::2", 58, b"\x85" + bytes(7), 255)
            self.assertIsNotNone(card.await_advertisement())
            self.assertIsNone(card.await_advertisement(0.5))
            self.assertEqual(gateway.end(), 128 + signal.SIGTERM)
        # The third, without a lifetime, is its farewell (RFC 4861 6.2.5).
        sent = [when for when, direction, frame, _ in packets(capture) if direction == OUTBOUND and frame[54:55] == b"\x86"]
        self.assertGreaterEqual(len(sent), 2)
        self.assertGreaterEqual(sent[1] - sent[0], 3e9)
        self.assertLess(sent[1] - sent[0], 30e9)

    def test_no_ipv6(self):
        with Gateway(options=("--no-ipv6",)) as gateway, plugged(gateway, vm.Stream) as card:
            self.assertIsNotNone(card.dhcp(1))
            self.assertIsNone(Lease.advertisement_within(card, 0.8))


class Tap(unittest.TestCase):
    """What is behind a TAP device that was handed over is told its addresses too; --no-dhcp keeps still."""

    def test_fd(self):
        if os.geteuid() != 0:
            self.skipTest("the device is made in the host's namespace, which is not this user's to change")
        for options, answered in (((), True), (("--no-dhcp",), False)):
            device = os.open("/dev/net/tun", os.O_RDWR)
            self.addCleanup(os.close, device)
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"vm0", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
            if WORLD.has_ipv6:      # the kernel is not the guest here
                with open("/proc/sys/net/ipv6/conf/vm0/disable_ipv6", "w", encoding="ascii") as file:
                    file.write("1")
            subprocess.run(["ip", "link", "set", "vm0", "up", "mtu", "1500"], check=True)
            with Gateway("--fd", ("--mtu", "1500", *options), device), \
                 contextlib.closing(vm.Card(vm.Device("vm0"), MAC)) as card:
                found = card.dhcp(1, wait=LIMIT if answered else 0.5)
                self.assertEqual(found and found[1]["yiaddr"], "10.0.2.100" if answered else None)
                if WORLD.has_ipv6:
                    self.assertEqual(Lease.advertisement_within(card, LIMIT if answered else 0.8) is not None, answered)
            self.doCleanups()


class Requests(http.server.BaseHTTPRequestHandler):
    seen = []

    def do_GET(self):
        self.seen.append((self.path, self.headers.get("User-Agent", "")))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"#!ipxe\nexit\n")

    def log_message(self, *arguments):
        pass


class Real(unittest.TestCase):
    def test_qemu_boots_from_its_card(self):
        qemu = shutil.which("qemu-system-x86_64")
        rom = next((path for place in ROMS for path in glob.glob(f"{place}/{ROM}")), None)
        if not qemu or not rom:
            self.skipTest("qemu-system-x86_64 is not installed" if not qemu else f"iPXE's {ROM} is not installed")
        server = http.server.HTTPServer(("127.0.0.1", 0), Requests)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://10.0.2.2:{server.server_address[1]}/boot.ipxe"
        with Gateway(options=("--bootfile", url)) as gateway:
            machine = subprocess.Popen(
                [qemu, "-nodefaults", "-no-user-config", "-machine", "pc,accel=tcg", "-m", "64", "-display", "none",
                 "-device", f"virtio-net-pci,netdev=n,bootindex=1",
                 "-netdev", f"stream,id=n,server=off,addr.type=unix,addr.path={gateway.path}"],
                cwd=WORLD.work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            try:
                asked = await_true(lambda: Requests.seen or machine.poll() is not None, 250)
            finally:
                machine.kill()
                said = machine.communicate(timeout=LIMIT)[0]
            if "Invalid parameter type" in said or "stream" in said:
                self.skipTest(f"this QEMU has no -netdev stream over a UNIX socket: {said.strip()}")
            self.assertTrue(asked and Requests.seen, f"QEMU: {said}")
            self.assertEqual(Requests.seen[0][0], "/boot.ipxe")
            self.assertIn("iPXE", Requests.seen[0][1])
            self.assertEqual(gateway.end(), 128 + signal.SIGTERM)
            self.assertEqual((gateway.stats["dhcp_acks"], gateway.stats["tcp_opened"]), ("1", "1"))
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
