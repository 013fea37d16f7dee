/* -p [ADDR:]HOSTPORT:GUESTPORT[/tcp|/udp]: connections and datagrams from outside, into the guest.
 *
 * The guest sees them come from the gateway's address (10.0.2.2, fd00::2). IPv6 hosts are written in brackets.
 * Without ADDR: 127.0.0.1, and ::1 too where there is IPv6.
 */
#ifndef GATEWAY_FORWARD_H
#define GATEWAY_FORWARD_H

#include <tern/types.h>

struct gateway;

struct forward {
	struct tern_addr addr; /* of the host; meaningless where !has_addr */
	bool		 has_addr;
	bool		 udp;
	uint16_t	 host_port, guest_port; /* host_port 0: any free one (forward_listing tells) */
};

/* 0 or -TERN_EINVAL. Pure. */
int forward_parse(struct forward *forward, const char *text);
/* As forward_parse() reads it. Returns to. */
char *forward_format(char to[80], const struct forward *forward);

/* While the gateway runs: 0, or -E… of the system (-EADDRINUSE, -EACCES) or -TERN_ENOMEM. *id (may be NULL)
 * names it. UDP ones are handed to udp_forward_open(). */
int forward_add(struct gateway *gateway, const struct forward *forward, uint32_t *id);
/* -TERN_ENOENT: no such. Its connections live on. */
int forward_remove(struct gateway *gateway, uint32_t id);
/* The forwards there are, from *cursor = 0 on; host_port is the real one. False: no more. */
bool forward_each(const struct gateway *gateway, uint32_t *cursor, struct forward *forward, uint32_t *id);
void forward_done(struct gateway *gateway);

#endif
