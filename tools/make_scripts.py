#!/usr/bin/env python3
"""Writes tests/script/segments/: every state of RFC 9293 x every kind of segment x where it stands to the
window x what it acknowledges, each a script of its own.

What a script expects comes from the small state machine below. It was written from the text of RFC 9293
3.10.7 with RFC 5961's amendments, not from tern's code: each rule notes the clause that it follows, and the
notes become the script's comment. Where the RFCs leave a choice, or another RFC says better, the rule's note
says CHOICE and why.

    make_scripts.py           write the files (and remove those that no longer belong)
    make_scripts.py --check   say which differ; exit code 1
"""

import os
import sys
import textwrap
from dataclasses import dataclass, field

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "script", "segments")
HEAD = "// Made by tools/make_scripts.py: do not edit.\n"

IRS = 1000
EDGE = IRS + 1 + 16384  # RCV.NXT + RCV.WND: the edge stays, since what is read is less than an MSS (3.8.6.2.2)
PROBE_ACK = 900000  # of no connection here

# Kind of segment: flags as packetdrill writes them, octets of text.
KINDS = {
    "syn": ("S", 0), "syn-ack": ("S.", 0), "ack": (".", 0), "data": ("P.", 10), "fin": ("F", 0),
    "fin-ack": ("F.", 0), "rst": ("R", 0), "rst-ack": ("R.", 0), "syn-fin": ("SF", 0), "none": ("-", 0),
}
POSITIONS = {
    "below": "before the window", "at": "at RCV.NXT", "inside": "inside of the window, after a gap",
    "end": "at the last octet of the window", "above": "just above the window",
}
ACKS = {"old": "an old ACK", "good": "an acceptable ACK", "future": "an ACK of what was never sent"}
WITHOUT_WINDOW = ("closed", "listen", "syn-sent")


@dataclass
class Segment:
    flags: str
    seq: int
    text: int
    ack: int = 0

    def has(self, flag):
        return flag in self.flags

    @property
    def length(self):
        """SEG.LEN counts SYN and FIN (RFC 9293 3.4)."""
        return self.text + self.has("S") + self.has("F")

    def __str__(self):
        ack = f" ack {self.ack}" if self.has(".") else ""
        return f"{self.flags} {self.seq}:{self.seq + self.text}({self.text}){ack} win 65535"


@dataclass
class Tcb:
    """The variables of RFC 9293 3.3.1 that the rules look at."""
    state: str
    snd_una: int = 0
    snd_nxt: int = 0
    rcv_nxt: int = 0
    passive: bool = False
    text_taken: int = 0
    error: str = ""
    replies: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    @property
    def wnd(self):
        return EDGE - self.rcv_nxt

    def note(self, text):
        self.notes.append(text)

    def reply_ack(self):
        self.replies.append(f". {self.snd_nxt}:{self.snd_nxt}(0) ack {self.rcv_nxt}")

    def reply_reset(self, seg):
        """3.5.2 group 1 and 2, 3.10.7.1."""
        if seg.has("."):
            self.replies.append(f"R {seg.ack}:{seg.ack}(0)")
        else:
            self.replies.append(f"R. 0:0(0) ack {seg.seq + seg.length}")

    def reply_syn_ack(self, seg):
        self.rcv_nxt = seg.seq + 1
        self.snd_una, self.snd_nxt = 0, 1
        self.replies.append(f"S. 0:0(0) ack {self.rcv_nxt} <...>")

    def reset(self):
        self.error = {"syn-received": "ECONNREFUSED", "established": "ECONNRESET", "fin-wait-1": "ECONNRESET",
                      "fin-wait-2": "ECONNRESET", "close-wait": "EPIPE"}.get(self.state, "")
        self.state = "listen" if self.state == "syn-received" and self.passive else "closed"


# ---- SEGMENT ARRIVES (RFC 9293 3.10.7) ----

def arrives(tcb, seg):
    {"closed": in_closed, "listen": in_listen, "syn-sent": in_syn_sent,
     "time-wait": in_time_wait}.get(tcb.state, in_others)(tcb, seg)


def in_closed(tcb, seg):
    if seg.has("R"):
        return tcb.note("3.10.7.1: a reset is discarded")
    tcb.note("3.10.7.1: " + ("a reset with SEQ = SEG.ACK" if seg.has(".") else
                             "a reset with SEQ = 0 and ACK = SEG.SEQ + SEG.LEN"))
    return tcb.reply_reset(seg)


def in_listen(tcb, seg):
    if seg.has("R"):
        return tcb.note("3.10.7.2 first: a reset is ignored")
    if seg.has("."):
        tcb.note("3.10.7.2 second: any acknowledgment is bad here, a reset with SEQ = SEG.ACK")
        return tcb.reply_reset(seg)
    if seg.has("S"):
        tcb.note("3.10.7.2 third: SYN-ACK, SYN-RECEIVED")
        if seg.has("F"):
            tcb.note("CHOICE: the FIN is not taken; it comes again with the handshake complete")
        tcb.state, tcb.passive = "syn-received", True
        return tcb.reply_syn_ack(seg)
    return tcb.note("3.10.7.2 fourth: drop")


def in_syn_sent(tcb, seg):
    good = seg.has(".") and tcb.snd_una < seg.ack <= tcb.snd_nxt
    if seg.has(".") and not good:
        if seg.has("R"):
            return tcb.note("3.10.7.3 first: an unacceptable ACK on a reset, drop")
        tcb.note("3.10.7.3 first: an unacceptable ACK, a reset with SEQ = SEG.ACK")
        return tcb.reply_reset(seg)
    if seg.has("R"):
        if not good:
            return tcb.note("3.10.7.3 second: a reset without ACK, drop")
        tcb.note("3.10.7.3 second: the reset acknowledges our SYN, connection refused, CLOSED")
        tcb.error, tcb.state = "ECONNREFUSED", "closed"
        return None
    if not seg.has("S"):
        return tcb.note("3.10.7.3 fifth: neither SYN nor RST, drop")
    if good:
        tcb.note("3.10.7.3 fourth: our SYN is acknowledged, ESTABLISHED, ACK")
        tcb.state, tcb.snd_una, tcb.rcv_nxt = "established", seg.ack, seg.seq + 1
        return tcb.reply_ack()
    tcb.note("3.10.7.3 fourth: both opened at once (MUST-10), SYN-RECEIVED, SYN-ACK")
    if seg.has("F"):
        tcb.note("CHOICE: the FIN is not kept for later; it comes again")
    tcb.state = "syn-received"
    return tcb.reply_syn_ack(seg)


def acceptable(tcb, seg):
    """3.4, table 6, where RCV.WND > 0."""
    first = tcb.rcv_nxt <= seg.seq < tcb.rcv_nxt + tcb.wnd
    if seg.length == 0:
        return first
    return first or tcb.rcv_nxt <= seg.seq + seg.length - 1 < tcb.rcv_nxt + tcb.wnd


def in_time_wait(tcb, seg):
    """Only what the peer's FIN again can be is of interest in this state."""
    if seg.has("R"):
        return tcb.note("RFC 1337 3, fix 1: TIME-WAIT ignores resets (CHOICE against 3.10.7.4 second)")
    if seg.length > 0:
        tcb.note("3.10.7.4: TIME-WAIT acknowledges a FIN that comes again, a SYN (fourth: challenge ACK) and "
                 "text that it does not accept (first)")
        return tcb.reply_ack()
    return tcb.note("3.10.7.4: nothing to acknowledge. CHOICE: no answer even outside of the window (first says "
                    "\"should\"), or two ends in TIME-WAIT could answer each other for ever")


def in_others(tcb, seg):
    if tcb.state == "syn-received" and seg.flags in ("S", "SF") and seg.seq == tcb.rcv_nxt - 1:
        tcb.note("3.8.1, 3.10.7.4 first: the SYN again; the SYN-ACK was lost or is late: again")
        return tcb.reply_syn_ack(seg)
    if not acceptable(tcb, seg):
        if seg.has("R"):
            return tcb.note("3.10.7.4 first: not acceptable, and a reset: drop")
        tcb.note("3.10.7.4 first: not acceptable, ACK, drop")
        return tcb.reply_ack()
    if seg.has("R"):
        return second(tcb, seg)
    if seg.has("S"):
        tcb.note("3.10.7.4 fourth, RFC 5961 4.2: a SYN in the window is challenged, nothing else"
                 + ("; CHOICE: 3.10.7.4 would return to LISTEN, which any blind SYN could then bring about"
                    if tcb.state == "syn-received" and tcb.passive else ""))
        return tcb.reply_ack()
    if not seg.has("."):
        return tcb.note("3.10.7.4 fifth: no ACK, drop")
    return fifth(tcb, seg)


def second(tcb, seg):
    if seg.seq != tcb.rcv_nxt:
        tcb.note("3.10.7.4 second, RFC 5961 3.2: a reset in the window, not at RCV.NXT: challenge ACK, drop")
        return tcb.reply_ack()
    tcb.note("3.10.7.4 second: a reset at RCV.NXT, " +
             ("back to LISTEN" if tcb.state == "syn-received" and tcb.passive else "CLOSED"))
    return tcb.reset()


def fifth(tcb, seg):
    if tcb.state == "syn-received":
        if not tcb.snd_una < seg.ack <= tcb.snd_nxt:
            tcb.note("3.10.7.4 fifth: in SYN-RECEIVED an unacceptable ACK, a reset with SEQ = SEG.ACK")
            return tcb.reply_reset(seg)
        tcb.note("3.10.7.4 fifth: our SYN is acknowledged, ESTABLISHED")
        tcb.state = "established"
    if seg.ack > tcb.snd_nxt:
        tcb.note("3.10.7.4 fifth: it acknowledges what was not sent: ACK, drop")
        return tcb.reply_ack()
    if seg.ack <= tcb.snd_una:
        tcb.note("3.10.7.4 fifth: an ACK that says nothing new is ignored; the segment is not")
    fin_acked = tcb.state in ("fin-wait-1", "closing", "last-ack") and seg.ack == tcb.snd_nxt
    tcb.snd_una = max(tcb.snd_una, seg.ack)
    if fin_acked:
        tcb.state = {"fin-wait-1": "fin-wait-2", "closing": "time-wait", "last-ack": "closed"}[tcb.state]
        tcb.note(f"3.10.7.4 fifth: our FIN is acknowledged, {tcb.state.upper()}")
    if tcb.state in ("time-wait", "closed"):
        if seg.length:
            tcb.note("CHOICE: nothing else of it counts")
            if tcb.state == "time-wait":
                after_fin(tcb, seg)
        return None
    return seventh(tcb, seg)


def after_fin(tcb, seg):
    """Text or FIN beyond the peer's FIN."""
    if seg.text:
        tcb.note("3.10.7.4 seventh: the peer has sent FIN, its text is ignored. CHOICE: and answered with an ACK")
        tcb.reply_ack()
    elif seg.has("F"):
        tcb.note("3.10.7.4 eighth: remain. CHOICE: RCV.NXT does not pass a second FIN")


def seventh(tcb, seg):
    if tcb.state in ("close-wait", "closing", "last-ack"):
        return after_fin(tcb, seg)
    if seg.seq != tcb.rcv_nxt:
        if seg.length:
            tcb.note("3.10.7.4 (SHLD-31): held until the gap is filled; RFC 5681 4.2: ACK at once")
            tcb.reply_ack()
        else:
            tcb.note("3.10.7.4 seventh and eighth: neither text nor FIN")
        return None
    if seg.text:
        tcb.note("3.10.7.4 seventh: the text is taken, and acknowledged within 0.5 s (3.8.6.3, MUST-40)")
        tcb.rcv_nxt += seg.text
        tcb.text_taken = seg.text
        tcb.reply_ack()
    elif seg.has("F"):
        tcb.rcv_nxt += 1
        tcb.state = {"established": "close-wait", "fin-wait-1": "closing", "fin-wait-2": "time-wait"}[tcb.state]
        tcb.note(f"3.10.7.4 eighth: RCV.NXT passes the FIN, ACK, {tcb.state.upper()}")
        tcb.reply_ack()
    else:
        tcb.note("3.10.7.4 seventh and eighth: neither text nor FIN")
    return None


# ---- how each state is reached ----

SOCKET = """\
`sysctl -q net.ipv4.tcp_rmem="4096 16384 16384"`
 0.000 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0.000 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
"""
CONNECT = SOCKET + """\
+0.000 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0.000 > S 0:0(0) <...>
"""
LISTEN = SOCKET + """\
+0.000 bind(3, ..., ...) = 0
+0.000 listen(3, 1) = 0
"""
OPEN = CONNECT + """\
+0.050 < S. 1000:1000(0) ack 1 win 65535 <mss 1460>
+0.000 > . 1:1(0) ack 1001
+0.000 write(3, ..., 1000) = 1000
+0.000 > P. 1:1001(1000) ack 1001
+0.050 < P. 1001:1501(500) ack 1001 win 65535
+0.000 > . 1001:1001(0) ack 1501
+0.000 read(3, ..., 1000) = 500
"""
WRITE = """\
+0.000 write(3, ..., 500) = 500
+0.000 > P. 1001:1501(500) ack {0} win {1}
"""
FINISH = """\
+0.000 shutdown(3, SHUT_WR) = 0
+0.000 > F. 1001:1001(0) ack {0} win {1}
"""
TEXT_ENDS = """\
+0.000 < F. 1501:1501(0) ack {0} win 65535
+0.000 > . {0}:{0}(0) ack 1502
"""
FIN_WAIT_1 = OPEN + FINISH.format(1501, EDGE - 1501)
FIN_WAIT_2 = FIN_WAIT_1 + "+0.050 < . 1501:1501(0) ack 1002 win 65535\n"


def stages():
    """State: how it is reached, and the variables there."""
    close_wait = OPEN + TEXT_ENDS.format(1001)
    return {
        "closed": ("", Tcb("closed")),
        "listen": (LISTEN, Tcb("listen", passive=True)),
        "syn-sent": (CONNECT, Tcb("syn-sent", 0, 1)),
        "syn-received": (LISTEN + "+0.000 < S 1000:1000(0) win 65535 <mss 1460>\n"
                         "+0.000 > S. 0:0(0) ack 1001 win 16384 <...>\n",
                         Tcb("syn-received", 0, 1, IRS + 1, passive=True)),
        "syn-received-active": (CONNECT + "+0.050 < S 1000:1000(0) win 65535 <mss 1460>\n"
                                "+0.000 > S. 0:0(0) ack 1001 win 16384 <...>\n",
                                Tcb("syn-received", 0, 1, IRS + 1)),
        "established": (OPEN + WRITE.format(1501, EDGE - 1501), Tcb("established", 1001, 1501, 1501)),
        "fin-wait-1": (FIN_WAIT_1, Tcb("fin-wait-1", 1001, 1002, 1501)),
        "fin-wait-2": (FIN_WAIT_2, Tcb("fin-wait-2", 1002, 1002, 1501)),
        "close-wait": (close_wait + WRITE.format(1502, EDGE - 1502), Tcb("close-wait", 1001, 1501, 1502)),
        "closing": (FIN_WAIT_1 + "+0.000 < F. 1501:1501(0) ack 1001 win 65535\n+0.000 > . 1002:1002(0) ack 1502\n",
                    Tcb("closing", 1001, 1002, 1502)),
        "last-ack": (close_wait + FINISH.format(1502, EDGE - 1502), Tcb("last-ack", 1001, 1002, 1502)),
        "time-wait": (FIN_WAIT_2 + TEXT_ENDS.format(1002), Tcb("time-wait", 1002, 1002, 1502)),
    }


# ---- one script ----

def segment(tcb, kind, position, ack):
    flags, text = KINDS[kind]
    below = 1 if "F" in flags else 500 if kind != "syn" or tcb.state != "syn-received" else 1
    seq = {"below": tcb.rcv_nxt - below, "at": tcb.rcv_nxt, "inside": tcb.rcv_nxt + 100,
           "end": tcb.rcv_nxt + tcb.wnd - 1, "above": tcb.rcv_nxt + tcb.wnd, "": 5000}[position]
    old = 0 if tcb.snd_nxt <= 1 else tcb.snd_una - 500
    number = {"old": old, "good": tcb.snd_nxt, "future": tcb.snd_nxt + 1, "": 7000}[ack]
    return Segment(flags, seq, text, number)


def checks(tcb):
    """What shows that the state is the one expected, and that nothing else has left."""
    lines = []
    if tcb.text_taken and not tcb.passive:
        lines.append(f"+0.000 read(3, ..., 1000) = {tcb.text_taken}")
    if tcb.passive and tcb.state != "listen":
        lines.append("+0.000 accept(3, ..., ...) = " +
                     ("-1 EAGAIN (Resource temporarily unavailable)" if tcb.state == "syn-received" else "4"))
        if tcb.text_taken:
            lines.append(f"+0.000 read(4, ..., 1000) = {tcb.text_taken}")
    if tcb.error and not tcb.passive:
        lines.append(f"+0.000 read(3, ..., 1000) = -1 {tcb.error} (error)")
    names = {"syn-sent": "SYN_SENT", "established": "ESTABLISHED", "fin-wait-1": "FIN_WAIT1",
             "fin-wait-2": "FIN_WAIT2", "close-wait": "CLOSE_WAIT", "closing": "CLOSING", "last-ack": "LAST_ACK", "time-wait": "TIME_WAIT"}
    if tcb.state in names:
        lines.append(f"+0.000 %{{ assert tcpi_state == TCP_{names[tcb.state]}, tcpi_state }}%")
    seq = tcb.rcv_nxt - 1 if tcb.rcv_nxt else 5000
    probe = Segment("P.", seq, 1, PROBE_ACK)
    after = Tcb(tcb.state, tcb.snd_una, tcb.snd_nxt, tcb.rcv_nxt, passive=tcb.passive)
    arrives(after, probe)
    lines.append(f"// In {tcb.state.upper()} an old octet is answered so:")
    lines.append(f"+0.000 < {probe}")
    lines += [f"+0.000 > {reply}" for reply in after.replies]
    if tcb.state == "listen":
        lines += ["+0.000 < S 9000:9000(0) win 65535 <mss 1460>", "+0.000 > S. 0:0(0) ack 9001 <...>"]
    return lines


def script(state, kind, position, ack):
    reached, tcb = stages()[state]
    seg = segment(tcb, kind, position, ack)
    title = f"{state.upper().replace('-ACTIVE', ' (active)')}: {kind.upper()}"
    where = [text for text in (POSITIONS.get(position), ACKS.get(ack)) if text]
    arrives(tcb, seg)
    lines = [HEAD.rstrip(), f"// {', '.join([title] + where)}."]
    for note in tcb.notes:
        lines += textwrap.wrap(("RFC 9293 " if note[0].isdigit() else "") + note + ".", 108,
                               initial_indent="// ", subsequent_indent="//   ")
    window = " <mss 1460>" if "S" in seg.flags else ""
    lines += reached.splitlines() + ["// The segment."]
    lines.append(("+0.050" if reached else " 0.000") + f" < {seg}{window}")
    for reply in tcb.replies:
        lines.append(("+0~+0.5" if tcb.text_taken else "+0.000") + f" > {reply}")
    return "\n".join(lines + checks(tcb)) + "\n"


def combinations():
    for state in stages():
        for kind, (flags, _) in KINDS.items():
            for position in [""] if state in WITHOUT_WINDOW else POSITIONS:
                for ack in ACKS if "." in flags and state not in ("closed", "listen") else [""]:
                    name = "_".join(part for part in (kind, position, ack) if part)
                    yield os.path.join(state, name + ".pkt"), script(state, kind, position, ack)


def present():
    for folder, _, files in os.walk(FOLDER):
        for file in files:
            path = os.path.join(folder, file)
            with open(path, encoding="utf-8") as of:
                yield os.path.relpath(path, FOLDER), of.read()


def main():
    wanted, here = dict(combinations()), dict(present())
    wrong = sorted(name for name in wanted.keys() | here.keys() if wanted.get(name) != here.get(name))
    if "--check" in sys.argv[1:]:
        for name in wrong:
            print(f"{name}: not what tools/make_scripts.py makes", file=sys.stderr)
        return 1 if wrong else 0
    for name in wrong:
        path = os.path.join(FOLDER, name)
        if name not in wanted:
            os.remove(path)
            continue
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as to:
            to.write(wanted[name])
    print(f"{len(wanted)} scripts, {len(wrong)} written or removed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
