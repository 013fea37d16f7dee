/* What tern (link/dpdk.c) and its plug-in for DPDK (src/dpdk/, tern-dpdk.so) say to each other: frames in bursts, and
 * nothing of either's own but packets as tern/packet.h has them. The plug-in is opened at run time, so that tern needs
 * DPDK neither to be built nor to be run.
 */
#ifndef LINK_DPDK_DOOR_H
#define LINK_DPDK_DOOR_H

#include <stddef.h>
#include <tern/packet.h>

enum {
	DPDK_DOOR_VERSION = 1,
	DPDK_BURST = 64, /* frames of a call at most */
	DPDK_WHY = 768, /* bytes of a reason, with its final zero: a path and what is wrong with it */
};

struct dpdk_port;

struct dpdk_wish {
	const char *device; /* devargs: "net_tap0,iface=dtap0", "0000:03:00.0" */
	const char *eal;    /* words of the EAL with blanks between them; NULL: none */
	uint32_t    mtu;    /* 0: the device's */
	uint8_t	    mac[6]; /* all zero: the device's */
	bool	    plain;  /* no offloads */
};

struct dpdk_about {
	uint32_t mtu;
	uint8_t	 mac[6];
	bool	 makes_sums; /* of TCP and UDP, over IPv4 and IPv6 */
	bool	 shares_mac; /* the device's address is an interface of the system's too */
};

struct dpdk_frame {
	const uint8_t *at;
	uint32_t       n;
	bool	       good; /* the device has checked the transport's sum */
};

struct dpdk_door {
	uint32_t version;
	size_t	 packet_size; /* of a tern_packet, as the plug-in was built with */
	/* 0; or -E... with the reason in why[DPDK_WHY]. */
	int (*open)(struct dpdk_port **port, const struct dpdk_wish *wish, struct dpdk_about *about, char *why);
	/* Frames that have come, at most DPDK_BURST; they stay until the next call. lost: counts those that were not
	 * to be handed out. */
	size_t (*receive)(struct dpdk_port *port, struct dpdk_frame frames[], size_t room, uint64_t *lost);
	/* How many from the front, none longer than the MTU and a tagged header, the device has taken; their bytes are
	 * copied, and those of the others will be again. */
	size_t (*send)(struct dpdk_port *port, tern_packet *const batch[], size_t n);
	/* Whether the device has a far end now: what it does not take without is lost, not late. */
	bool (*is_up)(struct dpdk_port *port);
	void (*close)(struct dpdk_port *port);
};

/* The one name that the plug-in shows. */
const struct dpdk_door *tern_dpdk_door(void);

#endif
