#!/usr/bin/env python3
"""`tern wire` between two hosts of Linux (wire_world.py): delay, loss, rate, order and marks as they are asked for."""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import wire_world as world
from wire_world import ADDRESS, LIMIT, TERN, Wire, await_true

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "support"))
from pcapng import INBOUND, packets  # noqa: E402

PORT = 20007
HEADERS = 14 + 20 + 8       # of a datagram on the wire
BUSY = 3.0                  # ms by which one of many may be late
TRIES = 5                   # of what a loaded machine may spoil


def received(receiver, quiet, most=1 << 30):
    """(data, ancillary) of the datagrams that come, until there are none for a while or it is so many."""
    receiver.settimeout(quiet)
    came = []
    with contextlib.suppress(TimeoutError):
        while len(came) < most:
            came.append(receiver.recvmsg(2000, 100)[:2])
    return came


def number_of(datagram):
    return struct.unpack("!I", datagram[0][:4])[0]


def send_numbered(sender, to, n, size=100, pause=0.0):
    for i in range(1, n + 1):
        sender.sendto(struct.pack("!I", i) + bytes(size - 4), to)
        if pause and i % 20 == 0:
            time.sleep(pause)


def make_room(receiver):
    """For what comes while a busy machine does not run its reader."""
    with contextlib.suppress(OSError):
        receiver.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)     # SO_RCVBUFFORCE: not bounded by net.core.rmem_max


def due(there):
    """How many frames leave a wire that has these counters."""
    gone = sum(there[fate] for fate in ("lost", "dropped", "queue-full", "too-big"))
    return there["frames"] - gone + there["duplicated"]


def fates(path):
    """(octets, number, fate, when it came, when it is to leave or None) of each frame from red, in ns of the wire's clock."""
    for when, direction, frame, comment in packets(path):
        if direction == INBOUND:
            number, fate, held = re.fullmatch(r"1:(\d+) ([a-z-]+)(?:, held ([\d.]+) ms)?", comment).groups()
            yield len(frame), int(number), fate, when, when + round(float(held) * 1e6) if held else None


class Hosts(unittest.TestCase):
    def setUp(self):
        world.make_hosts()
        self.addCleanup(world.remove_hosts)

    def send_once(self, wire, n, size, pause, from_host):
        """n datagrams of size octets of payload; those that come, once the wire has nothing left."""
        to_host, side = ("blue", 0) if from_host == "red" else ("red", 1)
        with world.socket_in(from_host) as sender, world.socket_in(to_host, port=PORT) as receiver:
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, self.tos)
            receiver.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
            make_room(receiver)
            sending = threading.Thread(target=send_numbered, args=(sender, (ADDRESS[to_host], PORT), n, size, pause))
            sending.start()
            came, until = [], time.monotonic() + 5
            while sending.is_alive() or time.monotonic() < until:
                came += received(receiver, 0.05)
                if sending.is_alive():
                    until = time.monotonic() + 5
                    continue
                there = wire.counters_now()[side]
                if there["frames"] >= n and there["device"]["out"] == due(there):
                    return came + received(receiver, 2, there["device"]["out"] - len(came))
            return came

    tos = 0

    def exchange(self, n, *options, size=100, pause=0.0, from_host="red"):
        """What came of n datagrams, and the wire's counters both ways: of those that it never had, and of those that were lost
        behind it, where the machine is busy, nothing is known. Then it is tried again; a wire that loses them does so again."""
        for _ in range(TRIES):
            with Wire(*options) as wire:
                came = self.send_once(wire, n, size, pause, from_host)
                counters = wire.counters()
            there = counters[0 if from_host == "red" else 1]
            if (there["frames"], there["device"]["out"]) == (n, len(came)):
                break
        return came, counters

    def send_through(self, n, *options, **more):
        """The numbers of those that came, and the counters."""
        came, counters = self.exchange(n, *options, **more)
        return [number_of(datagram) for datagram in came], counters

    def fates_of(self, n, *options, **more):
        """What fates() yields of n datagrams that the wire had."""
        with tempfile.NamedTemporaryFile(suffix=".pcapng") as file:
            came, counters = self.exchange(n, "--pcap", file.name, *options, **more)
            return list(fates(file.name)), came, counters


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
        """None takes less; and one in many no more, however late a loaded machine makes the others."""
        for options, least in ((("--delay", "20ms"), 40), (("--delay", "1:5ms", "--delay", "2:10ms"), 15), ((), 0)):
            with self.subTest(options=options):
                times = []
                while not times or min(times) > least + BUSY:
                    self.assertLess(len(times), TRIES * 20, min(times, default=0))
                    times += self.round_trips(20, *options)
                self.assertGreaterEqual(min(times), least)

    def test_jitter_spreads(self):
        """By the wire's own clock, whose times the round trips show to be kept: 10 ms +/- 8 ms, in order."""
        found, came, _ = self.fates_of(600, "--delay", "1:10ms", "--jitter", "1:8ms", pause=0.02)
        self.assertEqual([number_of(datagram) for datagram in came], list(range(1, 601)))
        before, held = 0, []
        for _, _, _, when, leaves in found:
            self.assertGreaterEqual(leaves, when + 2e6)
            self.assertLessEqual(leaves, max(before, when + 18e6) + 1000)     # "held" is in us
            before = leaves
            held.append(leaves - when)
        self.assertGreater(max(held) - min(held), 6e6)
        self.assertLess(min(held), 10e6)

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

    def test_the_same_seed_gives_each_frame_the_same_fate(self):
        runs = [self.send_through(600, "--loss", "20%", "--seed", seed, pause=0.001)[0] for seed in ("5", "5", "6")]
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
        numbers, (there, _) = self.send_through(1000, "--reorder", "5%", "--reorder-by", "4", "--reorder-delay", "1s", "--delay", "2ms",
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
        """What the receiver counted, and the wire."""
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
            return json.loads(client.stdout)["end"]["sum_received"], wire.counters()

    def most_in_half_a_second(self, frames, rate):
        """How much of the rate was used in the half second in which it was used most."""
        most, first, octets = 0, 0, 0
        for size, through in frames:
            octets += size
            while through - frames[first][1] > 0.5e9:
                most = max(most, octets - frames[first][0])
                octets -= frames[first][0]
                first += 1
        return most * 8 / (rate / 2)

    def test_tcp_gets_the_rate(self):
        """By the wire's own clock frames leave at the rate, never faster; and TCP fills it, if the machine gives it the time."""
        rate, delay, most = 40e6, 5_000_000, []
        while not most or most[-1] < 0.95:
            self.assertLess(len(most), TRIES, f"of the rate was used at most {most}")
            with tempfile.NamedTemporaryFile(suffix=".pcapng") as file:
                received, (there, _) = self.iperf("--rate", "40mbit", "--delay", "5ms", "--limit-bytes", "200000",
                                                  "--pcap", file.name, seconds=2)
                frames = list(fates(file.name))
            self.assertEqual((len([one for one in frames if one[4]]), there["lost"]), (there["delivered"], 0))
            served = [(size, when, leaves - delay) for size, _, _, when, leaves in frames if leaves]
            for (_, _, before), (size, came, through) in zip(served, served[1:]):
                self.assertAlmostEqual(through, max(came, before) + round(size * 8e9 / rate), delta=2000)  # "held" is in us
            self.assertGreater(received["bytes"], 0)
            self.assertLessEqual(received["bytes"] / sum(size for size, *_ in served), 1448 / 1514)
            most.append(self.most_in_half_a_second([(size, through) for size, _, through in served], rate))

    def test_long_segments_are_cut_to_frames(self):
        """The kernel leaves the cutting of segments and all checksums to the device: that is, to us."""
        received, (there, _) = self.iperf(seconds=1)
        self.assertGreater(received["bytes"], 1e6)
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
        """100 datagrams, 100 ms for each of them: the queue takes its limit and no more, of those that come first."""
        frame = HEADERS + 958
        for options in (("--limit", "20"), ("--limit-bytes", str(20 * frame))):
            with self.subTest(options=options), tempfile.NamedTemporaryFile(suffix=".pcapng") as file:
                with Wire("--rate", "1:80kbit", "--pcap", file.name, *options) as wire, world.socket_in("red") as sender:
                    send_numbered(sender, (ADDRESS["blue"], PORT), 100, 958)
                    self.assertTrue(await_true(lambda wire=wire: wire.counters_now()[0]["frames"] == 100))
                    there = wire.counters()[0]
                leaving, full = [], 0
                for _, _, fate, when, leaves in fates(file.name):
                    has_room = sum(one > when for one in leaving) < 20
                    self.assertEqual(fate, "delivered" if has_room else "queue-full")
                    full += not has_room
                    leaving += [leaves] if has_room else []
                self.assertEqual((there["delivered"], there["queue-full"]), (len(leaving), full))
                self.assertGreater(full, 0, "it took 8 seconds to send them")

    def test_what_waits_takes_its_time(self):
        """20 frames of 10 ms, and one before them: never less, and a run of several without more."""
        took = []
        while not took or took[-1] > 0.23:
            self.assertLess(len(took), TRIES, took)
            with Wire("--rate", "1:800kbit"), world.socket_in("red") as sender, \
                    world.socket_in("blue", port=PORT) as receiver:
                began = time.monotonic()
                send_numbered(sender, (ADDRESS["blue"], PORT), 21, 1000 - HEADERS)
                self.assertEqual(len(received(receiver, LIMIT, 21)), 21)
                took.append(time.monotonic() - began)
            self.assertGreaterEqual(took[-1], 0.21)

class Harm(Hosts):
    def test_a_flipped_bit_is_found_by_the_receiver(self):
        """Where checksums are left to the device, a bit flipped before they are made would pass as right."""
        text = random.Random(1).randbytes(1000)
        with Wire("--corrupt", "1:100%") as wire, world.socket_in("red") as sender, \
                world.socket_in("blue", port=PORT) as receiver:
            make_room(receiver)
            came = []
            for i in range(1, 201):
                sender.sendto(text, (ADDRESS["blue"], PORT))
                if i % 20 == 0:     # wrong ones too take room in the receiver's buffer until it looks
                    came += received(receiver, 0.02)
            self.assertTrue(await_true(lambda: wire.counters_now()[0]["frames"] == 200))
            self.assertEqual([data for data, _ in came + received(receiver, 0.2) if data != text], [])
            there = wire.counters()[0]
            self.assertEqual((there["corrupted"], there["device"]["out"]), (200, 200))
        with world.inside("blue"), open("/proc/thread-self/net/snmp", encoding="ascii") as file:
            titles, values = [line.split() for line in file if line.startswith("Udp:")]
        self.assertGreater(int(values[titles.index("InCsumErrors")]), 150)

    def marks(self, tos, *options):
        """The ECN bits of what blue gets of 20 datagrams with those in theirs, the fates, and the counters."""
        self.tos = tos
        found, came, counters = self.fates_of(20, *options, size=1000 - HEADERS)
        return [ancillary[0][2][0] & 3 for _, ancillary in came], found, counters[0]

    def test_ecn_marks_what_would_be_lost(self):
        bits, _, counters = self.marks(2, "--loss", "100%", "--ecn")
        self.assertEqual((bits, counters["marked"], counters["lost"]), ([3] * 20, 20, 0))
        bits, _, counters = self.marks(0, "--loss", "100%", "--ecn")
        self.assertEqual((bits, counters["marked"], counters["lost"]), ([], 0, 20))

    def test_what_waits_long_is_marked(self):
        """20 frames, 10 ms each: those with more than 100 ms in front of them, by the wire's own clock."""
        for _ in range(TRIES):
            bits, found, _ = self.marks(2, "--rate", "800kbit", "--ce-threshold", "100ms")
            waits = [before - when for (*_, before), (_, _, _, when, _) in zip(found, found[1:])]
            marked = [fate == "marked" for _, _, fate, _, _ in found]
            self.assertEqual(marked[1:], [wait > 100e6 for wait in waits])
            self.assertEqual([3 if mark else 2 for mark in marked], bits)
            if not marked[0] and marked[-1]:
                return
        self.fail("20 datagrams are not sent within 100 ms")

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
            self.assertTrue(await_true(lambda: len(wire.lines()) == 2))
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
