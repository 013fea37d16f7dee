/* tern nc: what its command line says, and the device that it asks for. */
#ifndef TOOL_NC_H
#define TOOL_NC_H

#include <stdio.h>
#include <tern/tern.h>

enum { NC_ADDRESSES = 4 };

struct nc_prefix {
	struct tern_addr addr;
	unsigned	 bits;
};

struct nc_options {
	bool		   help, listen, shutdown_at_end, verbose, watch, tap, plain, no_gso, impaired;
	bool		   has_gateway[2];
	const char	  *dev, *netns;
	uint32_t	   mtu;
	enum tern_ecn	   ecn;
	struct nc_prefix   address[NC_ADDRESSES], system[NC_ADDRESSES]; /* ours, and those of the device's other end */
	unsigned	   n_addresses, n_system;
	struct tern_addr   gateway[2]; /* IPv4, IPv6 */
	struct tern_addr   remote;
	uint16_t	   port;
	tern_time	   timeout; /* to connect, or for a caller; TERN_NEVER */
	tern_time	   settle;  /* how long to stay for what is still in an impaired link */
	struct tern_impair impair;
};

/* False: what is wrong stands in why. */
bool nc_options_parse(struct nc_options *options, int n, char *const arguments[], char *why, size_t why_room);
void nc_help(FILE *to);

/* Opens or makes the device, and brings it up where addresses for the system's end were given. */
bool nc_open_device(const struct nc_options *options, struct tern_link **link, char *why, size_t why_room);

/* What to do where a device cannot be had: "...: mend" for an error of tern_tun_open(). */
const char *nc_device_mend(int error);

#endif
