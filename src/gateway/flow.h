/* The table of flows: what is relayed at this moment, of whatever kind. It bounds their number, names each by
 * an id that is never another's, and lists them for --control.
 *
 * A relay's own struct begins with a struct flow. The id goes into tern_listen/tern_connect/datagram cookies
 * (gateway_cookie()), never a pointer: events may come after the flow has gone.
 */
#ifndef GATEWAY_FLOW_H
#define GATEWAY_FLOW_H

#include <tern/types.h>

struct gateway;

enum flow_kind { FLOW_TCP, FLOW_UDP, FLOW_ECHO, FLOW_DNS, FLOW_KINDS };
const char *flow_kind_name(enum flow_kind kind); /* "tcp" */

struct flow {
	enum flow_kind	  kind;
	bool		  inbound; /* by a forward */
	uint32_t	  index, generation;
	uint64_t	  number; /* from 1, in the order of their beginning */
	struct tern_tuple tuple;  /* as tern sees it: remote is the guest */
	struct tern_endpoint onward; /* whom the host's socket talks to */
	tern_time	  since, active; /* began; octets went across last */
	uint64_t	  up, down; /* octets from the guest, to the guest */
};

struct flow_table {
	struct flow **at;
	uint32_t     *generations;
	uint32_t     *free; /* a stack of indices */
	uint32_t      room, n, n_free, max;
	uint32_t      of[FLOW_KINDS]; /* how many there are */
	uint64_t      begun, most;    /* ever; at once */
};

/* max: as --flows and the descriptors allow. 0 or -TERN_ENOMEM. */
int  flow_table_init(struct flow_table *table, uint32_t max);
void flow_table_done(struct flow_table *table);

/* A zeroed block of `size` bytes (>= sizeof(struct flow)) that begins with its flow, or NULL: the limit is
 * reached (counted: gateway stats.flows_refused) or no memory. */
void *flow_new(struct gateway *gateway, enum flow_kind kind, size_t size);
void  flow_free(struct gateway *gateway, struct flow *flow); /* the block too */

/* NULL: gone. */
struct flow *flow_find(const struct flow_table *table, uint32_t index, uint32_t generation);
/* Every flow, from *cursor = 0 on; NULL: no more. Flows may go in between. */
struct flow *flow_each(const struct flow_table *table, uint32_t *cursor);

#endif
