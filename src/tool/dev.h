/* The device that a command's host speaks through: its words on the command line, its making, and its place in a host.
 * For tern nc and tern perf; like them, those that come take the words from here.
 */
#ifndef TOOL_DEV_H
#define TOOL_DEV_H

#include "option/line.h"

#include <tern/tern.h>

enum { DEV_ADDRESSES = 4 };

enum dev_kind { DEV_TUN, DEV_TAP, DEV_PACKET, DEV_RING, DEV_XDP, DEV_DPDK };

struct dev_prefix {
	struct tern_addr addr;
	unsigned	 bits;
};

struct dev_options {
	enum dev_kind	  kind;
	const char	 *name, *netns; /* name NULL: the first free one */
	bool		  plain, no_gso, has_gateway[2];
	uint32_t	  mtu;
	struct dev_prefix address[DEV_ADDRESSES], system[DEV_ADDRESSES]; /* ours, and those of the device's other end */
	unsigned	  n_addresses, n_system;
	struct tern_addr  gateway[2]; /* IPv4, IPv6 */
};

/* Their ids, beyond those of any command's own words and of netem's. */
enum dev_word {
	DEV_FIRST = 2000,
	DEV_DEV = DEV_FIRST, DEV_TAP_WORD, DEV_NETNS, DEV_ADDRESS, DEV_SYSTEM, DEV_GATEWAY, DEV_MTU, DEV_NO_GSO,
	DEV_PLAIN,
	DEV_END,
};
enum { DEV_WORDS = DEV_END - DEV_FIRST };

extern const struct option_word dev_words[DEV_WORDS]; /* in the order of enum dev_word */

static inline bool dev_has(int id)
{
	return id >= DEV_FIRST && id < DEV_END;
}

/* False: what is wrong stands in line->why. */
bool dev_take(const struct option_line *line, int id, const char *value, struct dev_options *options);
/* After the last word: whether they go together; the addresses that were not given are filled in. */
bool dev_settle(const struct option_line *line, struct dev_options *options);

/* Opens or makes the device, and brings it up where addresses for the system's end were given. */
bool dev_open(const struct dev_options *options, struct tern_link **link, char *why, size_t room);

/* A worse network over *link, which that stands for from then on. 0 or -TERN_E...: *link is then as it was. */
int dev_impair(struct tern_link **link, const struct tern_impair *impair);

/* The link becomes the loop's, the host has its addresses and routes there. 0 or -TERN_E...; the link is then closed
 * where the loop did not take it. */
int dev_join(const struct dev_options *options, tern_loop *loop, tern_host *host, struct tern_link *link);

/* "192.0.2.1", or a name that the system knows. */
bool dev_resolve(const struct option_line *line, const char *name, struct tern_addr *to);

#endif
