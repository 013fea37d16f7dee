#!/usr/bin/env python3
"""`tern wire` between two hosts of Linux (wire_world.py): delay, loss, rate, order and marks as they are asked for."""

import json
import os
import random
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import tempfile
import threading
import time
import unittest

import wire_world as world
from wire_world import ADDRESS, LIMIT, TERN, Wire

PORT = 20007
HEADERS = 14 + 20 + 8       # of a datagram on the wire
BUSY = 3.0                  # ms that a loaded machine may add in the median


def numbers_received(receiver, quiet=1.0):
    """The numbers of the datagrams that come, until there are none for a while."""
    receiver.settimeout(quiet)
    numbers = []
    try:
        while True:
            numbers.append(struct.unpack("!I", receiver.recv(2000)[:4])[0])
    except TimeoutError:
        return numbers


def send_numbered(sender, to, n, size=100, pause=0.0):
    for i in range(1, n + 1):
        sender.sendto(struct.pack("!I", i) + bytes(size - 4), to)
        if pause and i % 20 == 0:
            time.sleep(pause)


def received_other_than(text, receiver):
    receiver.settimeout(0.05)
    other = []
    try:
        while True:
            other += [came for came in [receiver.recv(2000)] if came != text]
    except TimeoutError:
        return other


class Hosts(unittest.TestCase):
    def setUp(self):
        world.make_hosts()
        self.addCleanup(world.remove_hosts)

    def send_through(self, n, *options, size=100, pause=0.0, quiet=1.0, from_host="red"):
        """n datagrams of size octets of payload; the numbers as they come, and the wire's counters both ways."""
        to_host = "blue" if from_host == "red" else "red"
        with Wire(*options) as wire, world.socket_in(from_host) as sender, \
                world.socket_in(to_host, port=PORT) as receiver:
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
            sent = threading.Thread(target=send_numbered, args=(sender, (ADDRESS[to_host], PORT), n, size, pause))
            sent.start()
            numbers = numbers_received(receiver, quiet)
            sent.join()
            return numbers, wire.counters()


class Delay(Hosts):
    def round_trips(self, n, *options):
        """Milliseconds of each of n pings from red to blue."""
        times = []
        with Wire(*options), world.socket_in("red", socket.SOCK_RAW, socket.IPPROTO_ICMP) as ping:
            for i in range(n):
                echo = struct.pack("!BBHHH", 8, 0, 0, 77, i)
                total = sum(struct.unpack("!4H", echo))
                echo = echo[:2] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + echo[4:]
                began = time.monotonic()
                ping.sendto(echo, (ADDRESS["blue"], 0))
                while struct.unpack("!BBHHH", ping.recv(100)[20:28])[0::4] != (0, i):
                    pass
                times.append((time.monotonic() - began) * 1000)
        return times

    def test_a_round_trip_takes_the_delay_of_both_ways(self):
        for options, least in ((("--delay", "20ms"), 40), (("--delay", "1:5ms", "--delay", "2:10ms"), 15), ((), 0)):
            with self.subTest(options=options):
                times = self.round_trips(20, *options)
                self.assertGreaterEqual(min(times), least)
                self.assertLess(statistics.median(times), least + BUSY)

    def test_jitter_spreads(self):
        times = self.round_trips(40, "--delay", "1:10ms", "--jitter", "1:8ms")
        self.assertGreaterEqual(min(times), 2)
        self.assertLess(statistics.median(times), 15 + BUSY)
        self.assertGreater(max(times) - min(times), 6)


class Loss(Hosts):
    N = 3000

    def test_its_share_is_lost_in_the_direction_it_is_for(self):
        numbers, (there, back) = self.send_through(self.N, "--loss", "1:10%", pause=0.001)
        self.assertAlmostEqual(len(numbers), 0.9 * self.N, delta=5 * (self.N * 0.09) ** 0.5)
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual((there["frames"], there["lost"]), (self.N, self.N - len(numbers)))
        self.assertEqual(there["delivered"], len(numbers))
        self.assertEqual(there["bytes"], self.N * (HEADERS + 100))
        self.assertEqual(there["device"], {"in": self.N, "dropped_in": 0, "out": len(numbers), "dropped_out": 0})
        self.assertEqual(back["frames"], 0)
        numbers, (there, back) = self.send_through(500, "--loss", "1:10%", pause=0.001, from_host="blue")
        self.assertEqual((len(numbers), there["frames"], back["lost"]), (500, 0, 0))

    def send_all(self, n, *options):
        """What arrived of n frames that all reached the wire: a busy machine may lose some before."""
        for _ in range(5):
            numbers, (there, _) = self.send_through(n, *options, pause=0.001)
            if there["frames"] == n:
                return numbers
        self.fail("the frames do not even reach the wire")

    def test_the_same_seed_gives_each_frame_the_same_fate(self):
        runs = [self.send_all(600, "--loss", "20%", "--seed", seed) for seed in ("5", "5", "6")]
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0], runs[2])

    def test_frames_are_dropped_by_number(self):
        numbers, (there, _) = self.send_through(10, "--drop", "1:3", "--drop", "1:7", "--drop", "2:1")
        self.assertEqual(numbers, [1, 2, 4, 5, 6, 8, 9, 10])
        self.assertEqual(there["dropped"], 2)

    def test_bursts_lose_in_a_row(self):
        numbers, _ = self.send_through(self.N, "--burst", "1%,20%", pause=0.001)
        lost = sorted(set(range(1, self.N + 1)) - set(numbers))
        runs = sum(1 for n in lost if n - 1 not in lost)
        self.assertGreater(len(lost), 30)
        self.assertGreater(len(lost) / runs, 2.5)       # 1 / 20% is 5; each by itself would be 1.05


class Order(Hosts):
    def test_jitter_alone_keeps_the_order(self):
        numbers, _ = self.send_through(500, "--delay", "5ms", "--jitter", "5ms", pause=0.001)
        self.assertEqual(numbers, list(range(1, 501)))

    def test_reordered_frames_come_late_and_all_come(self):
        numbers, (there, _) = self.send_through(1000, "--reorder", "5%", "--reorder-by", "4", "--delay", "2ms",
                                                pause=0.001)
        self.assertEqual(sorted(numbers), list(range(1, 1001)))
        late = sum(1 for one, other in zip(numbers, numbers[1:]) if one > other)
        self.assertGreater(there["reordered"], 20)
        self.assertGreater(late, there["reordered"] / 2)

    def test_duplicates_come_twice(self):
        numbers, (there, _) = self.send_through(500, "--duplicate", "10%", pause=0.001)
        self.assertEqual(len(numbers), 500 + there["duplicated"])
        self.assertEqual(sorted(set(numbers)), list(range(1, 501)))
        self.assertGreater(there["duplicated"], 20)


class Rate(Hosts):
    def iperf(self, *options, seconds=3, pass_through=()):
        """bits per second that the receiver counted."""
        if not shutil.which("iperf3"):
            self.skipTest("iperf3 is missing")
        with Wire(*options) as wire:
            server = subprocess.Popen(["nsenter", "--net=/run/netns/blue", "iperf3", "-s", "-1", "-B", ADDRESS["blue"],
                                       "--forceflush"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            try:
                while "listening" not in server.stdout.readline():
                    self.assertIsNone(server.poll())
                client = subprocess.run(["nsenter", "--net=/run/netns/red", "iperf3", "-J", "-c", ADDRESS["blue"],
                                         "-t", str(seconds), *pass_through], capture_output=True, text=True,
                                        timeout=seconds + LIMIT, check=True)
            finally:
                server.kill()
                server.communicate()
            return json.loads(client.stdout)["end"]["sum_received"]["bits_per_second"], wire.counters()

    def test_tcp_gets_the_rate(self):
        rate, (there, _) = self.iperf("--rate", "40mbit", "--delay", "5ms", "--limit-bytes", "200000")
        self.assertAlmostEqual(rate / 40e6, 1448 / 1514, delta=0.05)
        self.assertEqual(there["lost"], 0)

    def test_long_segments_are_cut_to_frames(self):
        """The kernel leaves the cutting of segments and all checksums to the device: that is, to us."""
        rate, (there, _) = self.iperf(seconds=1)
        self.assertGreater(rate, 50e6)
        self.assertLessEqual(there["bytes"] / there["frames"], 1514)
        self.assertGreater(there["frames"], there["device"]["in"])
        self.assertEqual((there["device"]["dropped_in"], there["device"]["dropped_out"]), (0, 0))
        self.assertEqual(self.failures_of("blue"), 0)

    def failures_of(self, name):
        """Segments with a wrong checksum that the host has seen."""
        with world.inside(name), open("/proc/thread-self/net/snmp", encoding="ascii") as file:
            titles, values = [line.split() for line in file if line.startswith("Tcp:")]
        return int(values[titles.index("InCsumErrors")])

    def test_the_tail_is_dropped(self):
        """100 datagrams at once, 100 ms for each of them: the queue takes its limit and no more."""
        frame = HEADERS + 958
        for options in (("--limit", "20"), ("--limit-bytes", str(20 * frame))):
            with self.subTest(options=options):
                numbers, (there, _) = self.send_through(100, "--rate", "1:80kbit", *options, size=958, quiet=1.0)
                self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
                self.assertIn(len(numbers), (20, 21))
                self.assertEqual(there["queue-full"], 100 - len(numbers))

    def test_what_waits_takes_its_time(self):
        with Wire("--rate", "1:800kbit"), world.socket_in("red") as sender, \
                world.socket_in("blue", port=PORT) as receiver:
            send_numbered(sender, (ADDRESS["blue"], PORT), 21, 1000 - HEADERS)
            times = []
            for _ in range(21):
                receiver.recv(2000)
                times.append(time.monotonic())
        self.assertAlmostEqual(times[-1] - times[0], 0.2, delta=0.02)       # 20 frames of 10 ms


class Harm(Hosts):
    def test_a_flipped_bit_is_found_by_the_receiver(self):
        """Where checksums are left to the device, a bit flipped before they are made would pass as right."""
        text = random.Random(1).randbytes(1000)
        with Wire("--corrupt", "1:100%") as wire, world.socket_in("red") as sender, \
                world.socket_in("blue", port=PORT) as receiver:
            wrong = []
            for i in range(1, 201):
                sender.sendto(text, (ADDRESS["blue"], PORT))
                if i % 20 == 0:     # wrong ones too take room in the receiver's buffer until it looks
                    wrong += received_other_than(text, receiver)
            self.assertEqual(wrong, [])
            self.assertEqual(wire.counters()[0]["corrupted"], 200)
        with world.inside("blue"), open("/proc/thread-self/net/snmp", encoding="ascii") as file:
            titles, values = [line.split() for line in file if line.startswith("Udp:")]
        self.assertGreater(int(values[titles.index("InCsumErrors")]), 150)

    def marks(self, tos, *options):
        """The ECN bits of what blue gets of 20 datagrams, and the counters."""
        bits = []
        with Wire(*options) as wire, world.socket_in("red") as sender, \
                world.socket_in("blue", port=PORT) as receiver:
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
            receiver.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
            send_numbered(sender, (ADDRESS["blue"], PORT), 20, 1000 - HEADERS)
            receiver.settimeout(0.5)
            try:
                while True:
                    bits.append(receiver.recvmsg(2000, 100)[1][0][2][0] & 3)
            except TimeoutError:
                return bits, wire.counters()[0]

    def test_ecn_marks_what_would_be_lost(self):
        bits, counters = self.marks(2, "--loss", "100%", "--ecn")
        self.assertEqual((bits, counters["marked"], counters["lost"]), ([3] * 20, 20, 0))
        bits, counters = self.marks(0, "--loss", "100%", "--ecn")
        self.assertEqual((bits, counters["marked"], counters["lost"]), ([], 0, 20))

    def test_what_waits_long_is_marked(self):
        """20 frames at once, 1 ms each: those with more than 10 ms in front of them."""
        bits, _ = self.marks(2, "--rate", "8mbit", "--ce-threshold", "10ms")
        self.assertEqual(bits, sorted(bits))
        self.assertIn(bits.count(3), (7, 8, 9))


class Tap(unittest.TestCase):
    def test_two_tap_devices(self):
        if not os.path.exists("/dev/net/tun"):
            self.skipTest("there is no /dev/net/tun")
        self.addCleanup(world.remove_hosts)
        for name in ("red", "blue"):
            world.run("ip", "netns", "add", name)
        with Wire("--delay", "5ms", devices=("tap:t0@red", "tap:t1@/run/netns/blue")) as wire:
            for name, device in (("red", "t0"), ("blue", "t1")):
                with world.inside(name):
                    world.run("ip", "link", "set", device, "address", world.MAC[name])
                world.dress(name, device)
            with world.socket_in("red", socket.SOCK_STREAM, port=PORT) as listener, \
                    world.socket_in("blue", socket.SOCK_STREAM) as client:
                listener.listen()
                began = time.monotonic()
                client.connect((ADDRESS["red"], PORT))
                self.assertGreaterEqual(time.monotonic() - began, 0.01)
                client.sendall(b"x" * 200_000)
                client.shutdown(socket.SHUT_WR)
                got = 0
                with listener.accept()[0] as peer:
                    while piece := peer.recv(1 << 16):
                        got += len(piece)
                self.assertEqual(got, 200_000)
            self.assertGreater(wire.counters()[1]["frames"], 130)


class Command(Hosts):
    def tern(self, *arguments):
        return subprocess.run([TERN, "wire", *arguments], capture_output=True, text=True, timeout=LIMIT, check=False)

    def test_what_is_wrong_is_named(self):
        for arguments, code, word in ((("r1",), 2, "two devices"), (("r1", "b1", "x"), 2, "one device too many"),
                                      (("r1", "b1", "--los", "1%"), 2, "--los"),
                                      (("r1", "b1", "--loss", "101%"), 2, "101%"),
                                      (("r1", "b1", "--loss", "3:1%"), 2, "3:1%"),
                                      (("r1", "b1", "--delay"), 2, "--delay wants"),
                                      (("r1", "b1", "--drop", "5", "--drop", "4"), 2, "does not rise"),
                                      (("r1", "b1", "--burst", "1%"), 2, "two or three"),
                                      (("r1", "b1", "--limit-bytes", "4x"), 2, "4x"),
                                      (("r1", "b1", "--pcap", "/nowhere/x"), 2, "/nowhere/x"),
                                      (("r1@", "b1"), 2, "r1@"), (("a-name-of-16-by.", "b1"), 2, "a-name"),
                                      (("r1", "nobody"), 1, "nobody"), (("r1", "lo"), 1, "lo"),
                                      (("r1@nowhere", "b1"), 1, "nowhere")):
            with self.subTest(arguments=arguments):
                done = self.tern(*arguments, *(("--for", "1ms") if code == 1 else ()))
                self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
                self.assertIn(word, done.stderr)
                self.assertTrue(done.stderr.startswith("tern: wire: "), done.stderr)

    def test_it_ends_by_itself(self):
        began = time.monotonic()
        done = self.tern("r1", "b1", "--for", "300ms")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, "r1 -> b1: 0 frames, 0 bytes\nb1 -> r1: 0 frames, 0 bytes\n")
        self.assertGreaterEqual(time.monotonic() - began, 0.3)

    def test_it_tells_under_way(self):
        with Wire() as wire, world.socket_in("red") as sender, world.socket_in("blue", port=PORT) as receiver:
            sender.sendto(b"one", (ADDRESS["blue"], PORT))
            receiver.recv(100)
            wire.process.send_signal(signal.SIGUSR1)
            until = time.monotonic() + LIMIT
            while len(wire.lines()) < 2 and time.monotonic() < until:
                time.sleep(0.01)
            self.assertEqual([line["frames"] for line in wire.lines()], [1, 0])
            sender.sendto(b"two", (ADDRESS["blue"], PORT))
            receiver.recv(100)
            self.assertEqual([line["frames"] for line in wire.counters()], [2, 0])

    def test_it_sleeps_while_nothing_is_due(self):
        """No busy waiting: neither for frames, nor for one that is held for long."""
        with Wire("--delay", "3s") as wire, world.socket_in("red") as sender:
            sender.sendto(b"one", (ADDRESS["blue"], PORT))
            time.sleep(1)
            with open(f"/proc/{wire.process.pid}/stat", encoding="ascii") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            ticks = int(fields[11]) + int(fields[12])
        self.assertLess(ticks / os.sysconf("SC_CLK_TCK"), 0.2)

    def test_a_device_that_goes_ends_it(self):
        with Wire() as wire:
            world.run("ip", "link", "del", "b1")
            self.assertEqual(wire.process.wait(LIMIT), 1)
            self.assertIn("a device is gone", wire.said())

    def test_a_capture_has_each_frame_and_its_fate(self):
        with tempfile.NamedTemporaryFile(suffix=".pcapng") as file:
            self.send_through(5, "--drop", "1:2", "--delay", "1:3ms", "--pcap", file.name)
            data = file.read()
        self.assertEqual(data.count(b"1:2 dropped"), 1)
        self.assertEqual(data.count(b"delivered, held 3.000 ms"), 4)
        if shutil.which("tcpdump") and not world.inside_user_namespace():      # it wants to become another user
            with tempfile.NamedTemporaryFile(suffix=".pcapng") as file:
                file.write(data)
                file.flush()
                read = subprocess.run(["tcpdump", "-nr", file.name, "udp"], capture_output=True, text=True,
                                      timeout=LIMIT, check=True).stdout
            self.assertEqual(read.count(f"> {ADDRESS['blue']}.{PORT}: UDP, length 100"), 5)


if __name__ == "__main__":
    world.enter()
    unittest.main()
