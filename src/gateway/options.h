/* What `tern gateway` is asked for: filled by tool/gateway_options.c, read by every room, never changed
 * after it.
 */
#ifndef GATEWAY_OPTIONS_H
#define GATEWAY_OPTIONS_H

#include "gateway/filter.h"
#include "gateway/forward.h"

#include <tern/link.h>
#include <tern/settings.h>

enum { GATEWAY_ERROR = 256, GATEWAY_FORWARDS = 64 };

enum gateway_guest_kind {
	GUEST_COMMAND, /* -- COMMAND [ARG...] in namespaces of its own */
	GUEST_ATTACH,  /* --attach PID */
	GUEST_NETNS,   /* --netns PATH */
	GUEST_FD,      /* --fd N: a TAP (or TUN) descriptor */
	GUEST_QEMU,    /* --qemu PATH, --qemu-dgram PATH */
};

enum gateway_colour { GATEWAY_COLOUR_AUTO, GATEWAY_COLOUR_ALWAYS, GATEWAY_COLOUR_NEVER };

struct gateway_options {
	enum gateway_guest_kind guest;
	char *const	       *command; /* COMMAND: ended by NULL */
	long			pid;	 /* ATTACH */
	const char	       *netns;	 /* NETNS */
	int			fd;	 /* FD */
	const char	       *qemu;	 /* QEMU: path of the UNIX socket */
	bool			qemu_dgram;
	int			ready_fd, exit_fd; /* -1: none */
	const char	       *control;	   /* path, or NULL */
	uint64_t		history;	   /* bytes for what connections did lately; 0: none is kept */

	struct tern_addr network;  /* --cidr: 10.0.2.0, mapped; .2 gateway, .3 DNS, .100 guest (QEMU: .15) */
	unsigned	 bits;	   /* 24; 8 to 28 */
	uint32_t	 mtu;	   /* 65520 (QEMU: 1500) */
	bool		 tun;	   /* --tun: a TUN device, no Ethernet */
	bool		 plain;	   /* --plain: no offloads; so where the link is impaired */
	bool		 no_ipv6;  /* also where the host has none: gateway.ipv6 is what counts */
	bool		 no_host_loopback, no_dns;
	bool		 no_dhcp;   /* neither DHCP, DHCPv6 nor router advertisements (QEMU, FD) */
	const char	*boot_file; /* that DHCP names, or NULL; 1 to 255 octets */
	bool		 no_sandbox; /* keep privileges (debugging) */
	tern_time	 linger;     /* 10 s */
	tern_time		keepalive;	   /* 600 s of silence, then probes; 0: none */
	tern_time		user_timeout;	   /* RFC 9293 3.9.1.1; 0: none but R2 */

	struct forward forwards[GATEWAY_FORWARDS];
	unsigned       n_forwards;
	struct filter  filter;

	struct tern_config settings; /* --set: what tern's TCP begins with */

	uint32_t flows_max;	/* all kinds together; 16384 */
	uint32_t half_open_max; /* SYNs of the guest's that wait for their onward connect; 1024 */
	uint64_t memory;	/* bytes for tern's buffers; 256 MiB */

	bool		    watch, watch_all, ascii;
	enum gateway_colour colour;
	unsigned	    columns; /* 0: the terminal's */
	const char	   *json, *pcap; /* files, or NULL; "-" is standard output */
	const char	   *record;	 /* file, or NULL */
	const char	   *called;	 /* the command line, as a recording keeps it; or NULL */
	bool		    stats;	 /* counters on stderr at the end */
	bool		    impaired;	 /* any of --delay ... was given */
	struct tern_impair  impair;	 /* both directions alike */
	const char	   *cc;

	bool help;
};

#endif
