/* --allow and --deny: what the guest may reach. Pure.
 *
 * The first rule that matches decides, in the order of the command line; where none does, everything is
 * allowed, unless there is an --allow: then nothing else is. Addresses are those that the guest uses (its
 * gateway 10.0.2.2, not 127.0.0.1). The gateway's DNS address, DHCP and neighbour discovery are no matter of
 * the filter.
 */
#ifndef GATEWAY_FILTER_H
#define GATEWAY_FILTER_H

#include <tern/types.h>

enum { FILTER_RULES = 128 };

struct filter_rule {
	struct tern_addr prefix;
	unsigned	 bits; /* of the family */
	uint16_t	 low, high; /* ports; 0 to 65535 where none was named */
	bool		 any;	    /* "*": both families, every address */
	bool		 allow;
};

struct filter {
	struct filter_rule rule[FILTER_RULES];
	unsigned	   n;
	bool		   has_allow;
};

/* "192.0.2.0/24", "192.0.2.1:443", "[2001:db8::]/32:80-90", "*:53". 0; -TERN_EINVAL: not such a text, or bits
 * set beyond the prefix; -TERN_ENOMEM: FILTER_RULES are there already. */
int filter_add(struct filter *filter, bool allow, const char *text);

/* port: 0 for what has none (echo), which rules about ports do not match. */
bool filter_allows(const struct filter *filter, const struct tern_addr *addr, uint16_t port);

#endif
