"""Namespaces of one's own (unshare(2), setns(2)), as root or through a user namespace: for the tests and the
measurements that want a network, mounts, or a /run/netns that nobody else sees. They go with the last process in them.

What the system refuses is raised as OSError.
"""

import contextlib
import ctypes
import os

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH = 4096, 16384, 1 << 18, 2

libc = ctypes.CDLL(None, use_errno=True)


def call(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def unshare(flags):
    """With CLONE_NEWUSER: a user namespace whose root we are, and the others with it."""
    uid, gid = os.geteuid(), os.getegid()
    call(libc.unshare(flags), "unshare")
    if flags & CLONE_NEWUSER:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)


def make(flags):
    """As who we are, or else through a user namespace."""
    try:
        unshare(flags)
    except OSError:
        unshare(CLONE_NEWUSER | flags)


def mount(source, target, kind=None, flags=0, data=None):
    source, there, kind, data = (None if part is None else part.encode() for part in (source, target, kind, data))
    call(libc.mount(source, there, kind, flags, data), target)


def make_network_and_mounts():
    """A network of our own, and mounts that nobody else sees."""
    make(CLONE_NEWNET | CLONE_NEWNS)
    mount(None, "/", None, MS_REC | MS_PRIVATE)


def make_netns_folder(name):
    """An empty /run, and so a /run/netns, for `ip netns add`."""
    mount(name, "/run", "tmpfs", 0, "mode=755")


@contextlib.contextmanager
def inside(name):
    """This thread in the network namespace of that name."""
    with open("/proc/thread-self/ns/net", "rb") as home, open(f"/run/netns/{name}", "rb") as there:
        call(libc.setns(there.fileno(), CLONE_NEWNET), "setns")
        try:
            yield
        finally:
            call(libc.setns(home.fileno(), CLONE_NEWNET), "setns")
