#!/usr/bin/env python3
"""tern-bench goodput --real: tern's TCP beside Linux's over the same bad wire, in real time.

    red: Linux 10.9.0.1, tern 10.9.0.3 on r0  ===  tern wire  ===  b0: Linux 10.9.0.2, tern 10.9.0.4 :blue

Both hosts of a side stand on one end of a veth pair, tern through AF_PACKET with a station address of its own. Each
transfer has a wire of its own, with the seed of its round: Linux to Linux, tern to Linux and Linux to tern meet the same
fates frame by frame. No offloads anywhere; buffers of the same limits at all ends. The wire's buffer is one
bandwidth-delay product; loss and reordering befall the direction of the text.

What is counted is text that the receiver's program could read within the span (a hundred round trips, at least ten
seconds), which begins with its connection. The ratio to Linux is taken seed by seed; its interval is Student's, of the
logarithms. A cell has passed where the interval's lower end is at least 0.95.
"""

import argparse
import contextlib
import ctypes
import fcntl
import json
import math
import os
import select
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "tools"))
import namespaces  # noqa: E402
from namespaces import inside  # noqa: E402

TCP_CONGESTION = 13
RATE = 100_000_000              # bits per second
PORT = 5001
RECEIVE_MAX, SEND_MAX = 8 << 20, 4 << 20
LINUX = {"red": "10.9.0.1", "blue": "10.9.0.2"}
TERN = {"red": "10.9.0.3", "blue": "10.9.0.4"}
DEVICE = {"red": "r0", "blue": "b0"}
HARMS = {"no loss": [], "1 % loss": ["--loss", "1:1%"], "3 % loss": ["--loss", "1:3%"],
         "1 % reordered": ["--reorder", "1:1%", "--reorder-by", "1:20"]}
RTTS = (20, 100)                # ms
CONTROLLERS = ("reno", "cubic")
PAIRS = ("linux-linux", "tern-linux", "linux-tern")
WANTED = 0.95
# ETHTOOL_S*: receive and transmit checksums, scatter-gather, TSO, GSO, GRO
ETHTOOL_OFF = (0x15, 0x17, 0x19, 0x1f, 0x24, 0x2c)
SIOCETHTOOL = 0x8946
# Student's t at 97.5 %, by degrees of freedom.
T = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262, 14: 2.145, 19: 2.093}


class NoController(Exception):
    """tern has none of that name."""


def fail(why):
    print(f"tern-bench: goodput --real: {why}", file=sys.stderr)
    sys.exit(1)


def run(*words):
    subprocess.run(words, check=True, timeout=20, capture_output=True)


# --- the world: namespaces of our own, which go with this process -----------------------------------------------------

def sysctl(name, value):
    with open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
        file.write(str(value))


def enter():
    try:
        namespaces.make_network_and_mounts()
        namespaces.make_netns_folder("tern-bench")
    except OSError as error:
        fail(f"network namespaces are not permitted here ({error})")


def offloads_off(device):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for command in ETHTOOL_OFF:
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            request = struct.pack("16sP", device.encode(), ctypes.addressof(value))
            try:
                fcntl.ioctl(any_socket, SIOCETHTOOL, request.ljust(40, b"\0"))
            except OSError as error:
                print(f"{device}: offload {command:#x} stays ({error})", file=sys.stderr)


def make_side(name, peer):
    run("ip", "netns", "add", name)
    run("ip", "link", "add", peer, "type", "veth", "peer", "name", DEVICE[name])
    run("ip", "link", "set", DEVICE[name], "netns", name)
    sysctl(f"ipv6/conf/{peer}/disable_ipv6", 1)
    run("ip", "link", "set", peer, "up")
    offloads_off(peer)
    with inside(name):
        sysctl("ipv6/conf/all/disable_ipv6", 1)
        sysctl("ipv4/tcp_no_metrics_save", 1)
        sysctl("ipv4/tcp_rmem", f"4096 131072 {RECEIVE_MAX}")
        sysctl("ipv4/tcp_wmem", f"4096 16384 {SEND_MAX}")
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "set", DEVICE[name], "up")
        run("ip", "addr", "add", f"{LINUX[name]}/24", "dev", DEVICE[name])
        offloads_off(DEVICE[name])


# --- ends -------------------------------------------------------------------------------------------------------------

def socket_in(name):
    with inside(name):
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.settimeout(20)
    return made


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class LinuxSink:
    """Counts what comes within the span, by the second, from the moment of the connection on."""

    def __init__(self, port, span):
        self.span, self.marks, self.bytes, self.error = span, [], 0, None
        self.listener = socket_in("blue")
        self.listener.bind((LINUX["blue"], port))
        self.listener.listen(1)
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()
        self.address = LINUX["blue"]

    def work(self):
        try:
            connection = self.listener.accept()[0]
            began, second = time.monotonic(), 1
            buffer = bytearray(1 << 18)
            while (left := began + self.span - time.monotonic()) > 0:
                connection.settimeout(left)
                try:
                    n = connection.recv_into(buffer)
                except TimeoutError:
                    break
                if n == 0:
                    break
                while time.monotonic() >= began + second and second <= self.span:
                    self.marks.append(self.bytes)
                    second += 1
                self.bytes += n
            reset(connection)
        except OSError as error:
            self.error = error

    def result(self):
        self.thread.join(self.span + 30)
        self.listener.close()
        if self.error or self.thread.is_alive():
            raise OSError(f"Linux's receiver: {self.error or 'it hangs'}")
        return self.bytes


class LinuxSender:
    def __init__(self, address, port, controller, span):
        self.socket = socket_in("red")
        self.socket.setsockopt(socket.IPPROTO_TCP, TCP_CONGESTION, controller.encode())
        self.end = time.monotonic() + span + 20
        self.thread = threading.Thread(target=self.work, args=((address, port),), daemon=True)
        self.thread.start()

    def work(self, to):
        text = bytes(1 << 17)
        with contextlib.suppress(OSError):      # the receiver lets go
            self.socket.connect(to)
            while time.monotonic() < self.end:
                self.socket.sendall(text)

    def result(self):
        self.thread.join(30)
        self.socket.close()


class TernEnd:
    """A process of tern-bench with tern's end: send or sink."""

    def __init__(self, options, role, name, peer, port, controller, span):
        self.address, self.span = TERN[name], span
        self.process = subprocess.Popen(
            [*options.first, "nsenter", f"--net=/run/netns/{name}", options.bench, "--goodput-end", role, DEVICE[name],
             f"{TERN[name]}/24", peer, str(port), controller, str(span), str(RECEIVE_MAX), str(SEND_MAX)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        options.children.append(self.process)
        if not select.select([self.process.stdout], [], [], 20)[0] or self.process.stdout.readline() != "ready\n":
            self.result()

    def result(self):
        try:
            out, error = self.process.communicate(timeout=self.span + 40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, error = self.process.communicate()
        if self.process.returncode == 3:
            raise NoController
        if self.process.returncode != 0:
            raise OSError(f"tern's end: {error.strip() or self.process.returncode}")
        return json.loads(out.splitlines()[-1])["bytes"]


@contextlib.contextmanager
def wire(options, span, *arguments):
    ready, told = os.pipe()
    process = subprocess.Popen([options.tern, "wire", "r1", "b1", "--json", "--for", f"{span + 60}s", "--ready-fd",
                                str(told), *options.realtime, *arguments], pass_fds=(told,), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    options.children.append(process)
    os.close(told)
    try:
        if not select.select([ready], [], [], 20)[0] or os.read(ready, 1) == b"":
            process.kill()
            raise OSError(f"tern wire did not begin: {process.communicate()[1].strip()}")
        yield
    finally:
        os.close(ready)
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=10)
        process.kill()


def path(rtt, seed, *harm):
    """The options of a wire of this round-trip time with a buffer of one bandwidth-delay product."""
    product = RATE // 8 * rtt // 1000
    late = ["--reorder-delay", f"1:{rtt // 4 + 1}ms"] if "--reorder" in harm else []
    return ["--delay", f"{rtt / 2}ms", "--rate", "100mbit", "--limit-bytes", str(product), "--seed", str(seed),
            *harm, *late]


def transfer(options, pair, controller, span, wire_options):
    """Mbit/s of text."""
    sender, receiver = pair.split("-")
    options.port += 1
    port = options.port
    with wire(options, span, *wire_options):
        if receiver == "linux":
            sink = LinuxSink(port, span)
        else:
            sink = TernEnd(options, "sink", "blue", LINUX["red"], port, controller, span)
        if sender == "linux":
            source = LinuxSender(sink.address, port, controller, span)
        else:
            source = TernEnd(options, "send", "red", sink.address, port, controller, span)
        try:
            received = sink.result()
        except OSError:
            source.result()     # if that has failed, it is the reason
            raise
        source.result()
    return received * 8 / span / 1e6


# --- goodput ----------------------------------------------------------------------------------------------------------

def student(n):
    """Half of the 95 % interval of a mean of n, in standard errors."""
    return next(value for freedom, value in sorted(T.items(), reverse=True) if freedom <= n - 1)


def ratio_of(samples, beside):
    """Their ratio seed by seed: the mean of its logarithm, and the 95 % interval (None of one seed alone)."""
    logs = [math.log(max(one, 1e-6) / max(other, 1e-6)) for one, other in zip(samples, beside)]
    mean, n = statistics.fmean(logs), len(logs)
    if n < 2:
        return math.exp(mean), None
    off = student(n) * statistics.stdev(logs) / math.sqrt(n)
    return math.exp(mean), [math.exp(mean - off), math.exp(mean + off)]


def summary(samples):
    return {"median": round(statistics.median(samples), 3), "low": round(min(samples), 3),
            "high": round(max(samples), 3)}


def cell_rows(controller, harm, rtt, samples, version):
    linux = samples["linux-linux"]
    for pair in PAIRS[1:]:
        if pair not in samples:
            continue
        ratio, interval = ratio_of(samples[pair], linux)
        own = summary(samples[pair])
        yield {"workload": "goodput-real", "metric": f"{pair.replace('-', ' to ')}, {controller}, {harm}, {rtt} ms",
               "unit": "Mbit/s", "tern": own["median"], "low": own["low"], "high": own["high"],
               "peers": {f"linux-{controller}": {"version": version, **summary(linux), "ratio": round(ratio, 4),
                                                 "interval": interval and [round(end, 4) for end in interval]}},
               "passed": interval is not None and interval[0] >= WANTED, "seeds": len(linux),
               "target": round(WANTED * statistics.median(linux), 3), "better": "higher"}


def show(row):
    peer = next(iter(row["peers"].values()))
    interval = "one seed" if peer["interval"] is None else "{:.3f} to {:.3f}".format(*peer["interval"])
    verdict = "" if peer["interval"] is None else "passed" if row["passed"] else "short"
    print(f"{row['metric']:<48} {row['tern']:8.2f} {peer['median']:8.2f}  {peer['ratio']:6.3f}  {interval:<16} {verdict}",
          flush=True)


def one_cell(options, controller, harm, rtt):
    span = options.seconds or max(10, rtt * 100 // 1000)
    samples = {}
    for seed in range(1, options.seeds + 1):
        for pair in PAIRS:
            if options.missing & {controller} and pair != PAIRS[0]:
                continue
            try:
                rate = transfer(options, pair, controller, span, path(rtt, seed, *HARMS[harm]))
            except NoController:
                print(f"tern has no {controller}", file=sys.stderr)
                options.missing.add(controller)
                continue
            samples.setdefault(pair, []).append(rate)
            if options.verbose:
                print(f"  {pair} {controller} {harm} {rtt} ms, seed {seed}: {rate:.2f} Mbit/s", file=sys.stderr)
    return samples


def goodput(options):
    version = os.uname().release
    if not options.json:
        print(f"{'100 Mbit/s, buffer of one bandwidth-delay product':<48} {'Mbit/s':>8} {'Linux':>8}  "
              f"{'ratio':>6}  {'95 % interval':<16}")
    rows = []
    for controller in options.cc:
        for harm in options.harm:
            for rtt in options.rtt:
                if controller in options.missing:
                    continue
                for row in cell_rows(controller, harm, rtt, one_cell(options, controller, harm, rtt), version):
                    rows.append(row)
                    if not options.json:
                        show(row)
    return rows


# --- fairness ---------------------------------------------------------------------------------------------------------

FAIR_RTT, FAIR_SKIP, FAIR_SPAN = 40, 10, 60


def shares(options, controller, seed):
    """tern's share of what both carried from the tenth second on, Linux first at odd seeds."""
    span = options.seconds or FAIR_SPAN
    skip = min(FAIR_SKIP, span // 3)
    options.port += 2
    ports = {"linux": options.port - 1, "tern": options.port}
    with wire(options, span, *path(FAIR_RTT, seed)):
        sinks = {who: LinuxSink(port, span) for who, port in ports.items()}
        sources = []
        for who in ("linux", "tern") if seed % 2 else ("tern", "linux"):
            if who == "linux":
                sources.append(LinuxSender(LINUX["blue"], ports[who], controller, span))
            else:
                sources.append(TernEnd(options, "send", "red", LINUX["blue"], ports[who], controller, span))
        carried = {who: sink.result() - (sink.marks[skip - 1] if 0 < skip <= len(sink.marks) else 0)
                   for who, sink in sinks.items()}
        for source in sources:
            with contextlib.suppress(OSError):
                source.result()
    return carried["tern"] / max(1, sum(carried.values())), sum(carried.values()) * 8 / (span - skip) / 1e6


def mean_of(shares_found):
    """The mean, and its 95 % interval (None of one alone). Two flows of one kind do not halve the bottleneck in any one
    minute: a share is as wide as the few epochs of CUBIC that fit into it."""
    mean, n = statistics.fmean(shares_found), len(shares_found)
    if n < 2:
        return mean, None
    off = student(n) * statistics.stdev(shares_found) / math.sqrt(n)
    return mean, [mean - off, mean + off]


def fairness(options):
    rows = []
    for controller in options.cc:
        try:
            found = [shares(options, controller, seed) for seed in range(1, options.seeds + 1)]
        except NoController:
            print(f"tern has no {controller}", file=sys.stderr)
            continue
        of_tern, both = summary([share for share, _ in found]), statistics.median(total for _, total in found)
        mean, interval = mean_of([share for share, _ in found])
        passed = interval is not None and interval[0] >= 0.4 and interval[1] <= 0.6
        rows.append({"workload": "fairness-real", "metric": f"tern's share beside Linux, {controller}, {FAIR_RTT} ms",
                     "unit": "of 1", "tern": of_tern["median"], "low": of_tern["low"], "high": of_tern["high"],
                     "mean": round(mean, 4), "interval": interval and [round(end, 4) for end in interval],
                     "peers": {f"linux-{controller}": {"version": os.uname().release,
                                                       **summary([1 - share for share, _ in found])}},
                     "passed": passed, "seeds": options.seeds, "target": 0.4, "better": "higher"})
        if not options.json:
            spread = "one run" if interval is None else "95 % {:.3f} to {:.3f}".format(*interval)
            print(f"{controller}: tern's share {mean:.3f} ({spread}; runs {of_tern['low']:.3f} to {of_tern['high']:.3f}), "
                  f"{both:.1f} Mbit/s both together: {'passed' if passed else 'not within 0.4 to 0.6'}", flush=True)
    return rows


# --- the command line -------------------------------------------------------------------------------------------------

def a_few(known):
    def parse(text):
        named = text.split(",")
        if unknown := [one for one in named if one not in map(str, known)]:
            raise argparse.ArgumentTypeError(f"'{unknown[0]}' is none of {', '.join(map(str, known))}")
        return [one for one in known if str(one) in named]
    return parse


def command_line(arguments):
    parser = argparse.ArgumentParser(prog="tern-bench goodput --real", description=__doc__.split("\n\n", 1)[1],
                                     formatter_class=argparse.RawDescriptionHelpFormatter, epilog="""examples:
  tern-bench goodput --real --seeds 2
  tern-bench goodput --real --cc reno --harm '1 % loss' --rtt 20
  tern-bench goodput --real --fairness --cc cubic --json""")
    parser.add_argument("--real", action="store_true", help="what this is")
    parser.add_argument("--json", action="store_true", help="an array of rows, as the other workloads print them")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="rounds of each cell (5)")
    parser.add_argument("--seconds", type=int, metavar="N",
                        help="of each transfer, instead of 100 round trips and at least 10 s: to see that it works")
    parser.add_argument("--cc", type=a_few(CONTROLLERS), default=list(CONTROLLERS), help="reno,cubic")
    parser.add_argument("--rtt", type=a_few(RTTS), default=list(RTTS), help="20,100 (ms)")
    parser.add_argument("--harm", type=a_few(HARMS), default=list(HARMS), help=",".join(HARMS).replace("%", "%%"))
    parser.add_argument("--fairness", action="store_true",
                        help="tern's flow and Linux's on one bottleneck instead: each is to get 0.4 to 0.6 of it, "
                             "the whole 95 %% interval of the mean over the seeds")
    parser.add_argument("--verbose", action="store_true", help="each transfer, on standard error")
    options = parser.parse_args(arguments)
    if options.seeds < 1 or (options.seconds is not None and options.seconds < 1):
        parser.error("--seeds and --seconds are 1 at least")
    return options


def may_run_first():
    """Only root of the machine may run before all others: a namespace's may not."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, *before)
    except PermissionError:
        return False
    return True


def end(children):
    for child in children:
        if child.poll() is None:
            child.kill()
            child.wait()


def main():
    bench, *arguments = sys.argv[1:]
    options = command_line(arguments)
    options.bench, options.tern = os.path.abspath(bench), os.path.join(os.path.dirname(os.path.abspath(bench)), "tern")
    options.port, options.children, options.missing = PORT, [], set()
    for tool in ("ip", "nsenter", "chrt"):
        if not shutil.which(tool):
            fail(f"{tool} is missing")
    with open("/proc/sys/net/ipv4/tcp_available_congestion_control", encoding="ascii") as file:
        known = file.read().split()
    if lacking := [one for one in options.cc if one not in known]:
        fail(f"Linux has no {lacking[0]} here (modprobe tcp_{lacking[0]})")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    enter()
    # As the kernel's TCP does, tern's ends and the wire run before ordinary processes.
    options.first = ["chrt", "-f", "1"] if may_run_first() else []
    options.realtime = ["--realtime"] if options.first else []
    try:
        for name, peer in (("red", "r1"), ("blue", "b1")):
            make_side(name, peer)
        rows = fairness(options) if options.fairness else goodput(options)
    except (OSError, subprocess.SubprocessError) as error:
        fail(error)
    finally:
        end(options.children)
    if options.json:
        json.dump(rows, sys.stdout, indent=1)
        print()


if __name__ == "__main__":
    main()
