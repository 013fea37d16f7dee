/* Answers that need no block: resets, ACKs of TIME-WAIT, SYN-ACKs of half-open entries and cookies, ICMP.
 * They wait in a ring that stands from the host's creation; output drains it first. So an answer
 * allocates nothing, and who sends faster than the link takes loses answers, not memory.
 *
 * An ICMP message that fits no bounce of the host (a large echo) has memory of its own, HOST_BOUNCES of
 * them at most.
 */
#include "host/internal.h"

struct bounce *bounce_get(struct tern_host *host, size_t size)
{
	struct bounce *bounce = host->free_bounces;

	if (size <= HOST_BOUNCE_BYTES) {
		if (bounce)
			host->free_bounces = bounce->next;
		return bounce;
	}
	return bounce_own(host, size);
}

struct bounce *bounce_own(struct tern_host *host, size_t size)
{
	struct bounce *bounce;

	if (size <= HOST_BOUNCE_BYTES)
		size = HOST_BOUNCE_BYTES + 1; /* by its size it is known for what it is */
	bounce = mem_get(&host->mem, sizeof *bounce + size, 0, MEM_ORDINARY);
	if (bounce)
		bounce->size = size;
	return bounce;
}

void bounce_put(struct tern_host *host, struct bounce *bounce)
{
	if (!bounce)
		return;
	if (bounce->size > HOST_BOUNCE_BYTES) {
		mem_put(&host->mem, bounce, sizeof *bounce + bounce->size);
		return;
	}
	bounce->next = host->free_bounces;
	host->free_bounces = bounce;
}

struct reply *reply_add(struct tern_host *host)
{
	if (host->n_replies == HOST_REPLIES) {
		host->env.stats.TernReplyOverflow++;
		return NULL;
	}
	return &host->replies[(host->reply_first + host->n_replies++) % HOST_REPLIES];
}

void reply_segment(struct tern_host *host, const struct tern_tuple *tuple, enum tcp_state state,
		   const struct tcp_segment *seg, uint8_t traffic_class, bool retransmitted)
{
	struct reply *const reply = reply_add(host);

	if (!reply)
		return;
	*reply = (struct reply){
		.kind = REPLY_SEGMENT,
		.state = state,
		.tuple = *tuple,
		.seg = *seg,
		.traffic_class = traffic_class,
		.retransmitted = retransmitted,
	};
	reply->seg.src_port = tuple->local_port;
	reply->seg.dst_port = tuple->remote_port;
	reply->seg.text = NULL;
	reply->seg.text_len = 0;
}

void reply_reset(struct tern_host *host, const struct tern_tuple *tuple, enum tcp_state state,
		 const struct tcp_segment *seg)
{
	struct tcp_segment reset = { .flags = 0 };

	if (seg->flags & TCP_RST)
		return;
	emit_reset_for(&reset, seg);
	reply_segment(host, tuple, state, &reset, 0, false);
}

void reply_icmp(struct tern_host *host, uint32_t zone, const struct tern_addr *src, const struct tern_addr *dst,
		struct bounce *bounce, uint32_t len, uint8_t traffic_class)
{
	struct reply *const reply = host->n_icmp < HOST_BOUNCES ? reply_add(host) : NULL;

	if (!reply) {
		bounce_put(host, bounce);
		return;
	}
	*reply = (struct reply){
		.kind = REPLY_ICMP,
		.tuple = { .local = *src, .remote = *dst, .zone = zone },
		.bounce = bounce,
		.bounce_len = len,
		.traffic_class = traffic_class,
	};
	host->n_icmp++;
}

bool reply_take(struct tern_host *host, struct reply *reply)
{
	if (host->n_replies == 0)
		return false;
	*reply = host->replies[host->reply_first];
	host->reply_first = (host->reply_first + 1) % HOST_REPLIES;
	host->n_replies--;
	host->n_icmp -= reply->kind == REPLY_ICMP;
	return true;
}
