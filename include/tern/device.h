/* tern/device.h - links to devices: a TUN or TAP device, the frames of an interface, a VM's network card, a card
 * by DPDK.
 * Everything here makes system calls; the links themselves are as tern/link.h describes them.
 *
 * Errors of the system come back as they are, negated (-EPERM, -EBUSY, -ENODEV ...): the numbers of
 * tern/types.h are the same ones.
 *
 * The settings of a link that is made here stand in link->config, and may be changed until it is
 * added to a host or loop (a gateway sets what it answers for there).
 */
#ifndef TERN_DEVICE_H
#define TERN_DEVICE_H

#include <tern/link.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { TERN_DEVICE_NAME = 16 }; /* bytes of an interface's name with its final zero */

/* ---- TUN (IP packets) and TAP (Ethernet frames) ---- */

struct tern_tun {
	/* "tern0", or "tern%d" for the first free number; NULL: "tun%d" or "tap%d". A device of that name
	 * which exists is opened (the user may own it: `ip tuntap add ... user`); else it is made, which asks
	 * for CAP_NET_ADMIN in the namespace's user namespace, and it goes with its last descriptor. */
	const char *name;
	/* Make or open it in this network namespace: "/run/netns/blue", "/proc/1234/ns/net". NULL: in the
	 * calling thread's. */
	const char *netns;
	bool	    tap;
	/* 68 to 65535 (TAP: 65521); set on the device where it may be. 0: as the device has it, and where
	 * that cannot be asked (a descriptor of another namespace's) 1500. */
	uint32_t mtu;
	/* TAP: our own address on the wire, not the interface's. All zero: a random local one (02-...). */
	uint8_t mac[6];
	/* No virtio_net_hdr: every packet whole, every checksum made and checked here. */
	bool plain;
	/* The header, but neither split nor joined: one wire packet at a time, checksums offloaded. */
	bool no_gso;
	/* Datagrams that a program sends joined (UDP_SEGMENT) cross in one read (USO, Linux 6.2); they are
	 * split here, so that a host sees each by itself. */
	bool uso;
	/* One queue of several: the device is made so, or was (else -EINVAL); each further one that opens the same name
	 * gets the next queue (tern/hosts.h). */
	bool multi_queue;
};

/* The descriptor of a device as `settings` say: non-blocking, close-on-exec, MTU set, not brought up.
 * May be handed to another process (SCM_RIGHTS) and adopted there. name: filled with the interface's
 * name where not NULL. Settings NULL: all zero. Or -E...: -ENOENT, -EACCES, -EPERM (no /dev/net/tun, or
 * not for us), -EBUSY (somebody has it), -EINVAL (it exists and is of the other kind, or a setting is
 * out of range). */
int tern_tun_open(const struct tern_tun *settings, char name[TERN_DEVICE_NAME]);

/* A link on a descriptor that tern_tun_open(), or anybody else, opened; it is the link's from here on
 * (not where an error is returned). Whether it is TUN or TAP, and has a virtio_net_hdr of whatever
 * size, is asked of the device; settings.name, netns and tap mean nothing here. Offloads are set as
 * settings say. 0; -EINVAL: a setting out of range, or no TUN/TAP descriptor; -ENOMEM; or -E.... */
int tern_tun_adopt(struct tern_link **link, int fd, const struct tern_tun *settings,
		   const struct tern_allocator *allocator);

/* Both in one. */
int tern_tun_create(struct tern_link **link, const struct tern_tun *settings,
		    const struct tern_allocator *allocator);

/* The interface's name in its own namespace. */
const char *tern_tun_name(const struct tern_link *link);

/* ---- AF_PACKET: the frames of an Ethernet interface that is there, such as an end of a veth pair ---- */

/* All frames that arrive (promiscuous), whoever they are for; not those that this system itself sends there. The
 * system goes on receiving them too: leave such an interface without addresses. Asks for CAP_NET_RAW in the
 * namespace's user namespace. A VLAN tag that the device took out is put back. */
struct tern_afpacket {
	const char *name;
	const char *netns; /* as struct tern_tun has it */
	uint32_t    mtu;   /* 68 to 65521, of a host that uses the link; 0: the interface's */
	uint8_t	    mac[6]; /* of a host that uses the link, not the interface's; all zero: a random local one */
	/* Every frame whole, every checksum made: what a sender on this machine left to the device (checksums, the
	 * cutting of segments and datagrams) is finished here. Without it such frames are handed out joined and
	 * unsummed, saying so (tern/packet.h), and taken likewise; only joined datagrams are cut. */
	bool plain;
	/* Bring the interface up where it is down (asks for CAP_NET_ADMIN), without IPv6 of the system's own. */
	bool up;
	/* Frames come through 32 MiB shared with the system (TPACKET_V3): no call and no copy for them, but one that
	 * comes alone comes up to a millisecond late. */
	bool ring;
};

/* 0; -ENODEV: no such interface, or no Ethernet; -EPERM; -EINVAL: a setting out of range; -ENOMEM; or -E.... */
int tern_afpacket_create(struct tern_link **link, const struct tern_afpacket *settings,
			 const struct tern_allocator *allocator);

/* ---- AF_XDP: the frames of one queue of an Ethernet interface, past the system's own network ---- */

/* All frames of that queue, none of which the system sees any more; without offloads: every sum is made and checked
 * here, and a veth pair's far end must be told not to leave sums to the device (ethtool -K DEV tx off). Zero-copy where
 * the driver can. Asks for CAP_BPF, CAP_NET_ADMIN and CAP_NET_RAW, and for 16 MiB of memory that may be locked. */
struct tern_xdp {
	const char *name;
	const char *netns; /* as struct tern_tun has it */
	uint32_t    queue; /* 0 to 63. An interface with more than one: steer what is ours there, or have but one */
	uint32_t    mtu;   /* 68 to 3820; 0: the interface's, or 3820 where that is less */
	uint8_t	    mac[6]; /* all zero: the interface's */
	bool	    up;	    /* as struct tern_afpacket has it */
};

/* 0; -ENODEV: no such interface, or no Ethernet; -EPERM; -EBUSY: another has the queue, or another program is on the
 * interface; -EINVAL: a setting out of range, or no such queue; -EOPNOTSUPP: before Linux 5.4; -ENOMEM; -ENOBUFS
 * (locked memory); or -E.... */
int tern_xdp_create(struct tern_link **link, const struct tern_xdp *settings, const struct tern_allocator *allocator);

/* ---- DPDK: a network card, or what takes its place, polled past the system ---- */

/* By a plug-in, tern-dpdk.so, which is built where libdpdk's headers are (22.11) and opened when it is asked for. It
 * is looked for in TERN_PLUGIN_DIR where the environment has that, else where tern was installed (lib/tern). Frames
 * come and go by bursts; transport sums are the device's where it makes those of TCP and of UDP. There is no
 * descriptor: the loop asks all the time while something moves, and every 50 us while nothing does. */
struct tern_dpdk {
	/* As DPDK's devargs: "0000:03:00.0", "net_tap0,iface=d0", "net_memif0,role=client". */
	const char *device;
	/* More words for DPDK's environment (EAL), with blanks between them ("-m 256 --file-prefix=x"); NULL: none. The
	 * environment is started once in a process, so they are the first link's. Before them stand --in-memory or
	 * --no-shconf, --no-telemetry, the first core that the process may use, and, where the system has no huge
	 * pages, --no-huge. */
	const char *eal;
	const char *directory; /* of the plug-in; NULL: as above */
	const char *netns;     /* as struct tern_tun has it; the whole environment is then of that namespace */
	uint32_t    mtu;       /* 68 to 9600; 0: the device's */
	uint8_t	    mac[6];    /* all zero: the device's, or a random one where the system has that too (net_tap) */
	bool	    plain;     /* no offloads */
};

/* 0; -ENOENT: no plug-in; -ELIBBAD: one that cannot be opened here; -EALREADY: the environment was started with other
 * words; -EINVAL: a setting out of range; -ENODEV; or -E...: why, where not NULL, is then what there is to say, cut
 * to `room` bytes with its final zero. */
int tern_dpdk_create(struct tern_link **link, const struct tern_dpdk *settings,
		     const struct tern_allocator *allocator, char *why, size_t room);

/* ---- QEMU: -netdev stream and -netdev dgram over UNIX sockets ---- */

/* Ethernet frames, one VM at a time, no offloads (QEMU passes none). Stream: each frame follows its
 * length in 4 bytes, big-endian; a length of 0 or above 65536 + 14 ends the connection, and what is
 * sent while no VM is connected is lost. */
struct tern_qemu {
	/* Stream: listen here for `-netdev stream,id=n,addr.type=unix,addr.path=...` (QEMU's server=off); when
	 * a VM goes, the next may come. Datagram: our own address, QEMU's remote.path. A socket that a dead
	 * process left here is replaced. */
	const char *path;
	/* Stream: connect there instead of listening (QEMU's server=on, path is then NULL). Datagram: QEMU's
	 * local.path; NULL: whoever was heard last. */
	const char *peer;
	bool	    dgram;
	uint32_t    mtu;    /* 68 to 65521; 0: 1500 */
	uint8_t	    mac[6]; /* our own; all zero: a random local one */
};

/* 0; -EADDRINUSE: a live process has the path; -ENAMETOOLONG; -EINVAL: no path, or a setting out of
 * range; -ENOMEM; or -E... of the system. The link's descriptor stays the same while VMs come and go, and is
 * for reading only: it also becomes readable when there is room to send again. Closing the link removes
 * the path. */
int tern_qemu_create(struct tern_link **link, const struct tern_qemu *settings,
		     const struct tern_allocator *allocator);
/* The same over a connected socket that exists, which becomes the link's (not where an error is
 * returned); path and peer mean nothing, when the VM goes it is over (tern_device_error()). */
int tern_qemu_adopt(struct tern_link **link, int fd, const struct tern_qemu *settings,
		    const struct tern_allocator *allocator);

/* ---- all of them ---- */

struct tern_device_stats {
	uint64_t packets_in, bytes_in, packets_out, bytes_out; /* of device packets: a joined one counts once */
	uint64_t dropped_in;  /* malformed: a virtio header that contradicts itself, a runt, a wrong length; AF_PACKET:
			       * also what the system had no more room to keep for us */
	uint64_t dropped_out; /* refused by the system: device down, no VM, too long */
};
/* Of a link made here; others: all zero. */
void tern_device_stats(const struct tern_link *link, struct tern_device_stats *stats);
/* 0 while the link works; -E... once it never will again (device deleted, VM gone from an adopted socket):
 * its fd is -1 then, what is sent is lost. */
int tern_device_error(const struct tern_link *link);

#ifdef __cplusplus
}
#endif

#endif
