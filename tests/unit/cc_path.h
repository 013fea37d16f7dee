/* A path for controllers, without connections: one bottleneck before which packets queue, in virtual time.
 *
 *	sender --pace--> [ buffer | rate ] --> receiver --ACK of each packet--> sender
 *
 * Deterministic: the same path and the same controller give the same run. The sender keeps the books that
 * draft-ietf-ccwg-bbr-06 4.1 has (delivery-rate samples), declares a packet lost when the third one sent
 * after it is acknowledged, and sends at most cwnd, each packet no sooner than pacing_rate allows. What
 * was lost is not sent again but made up for by new text: the controller cannot tell. */
#ifndef UNIT_CC_PATH_H
#define UNIT_CC_PATH_H

#include "tcp/congestion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { PATH_PACKETS = 1 << 16 };
enum { PATH_REORDERING = 3 };

struct path_packet {
	tern_time sent_at, arrives_at; /* the ACK; TERN_NEVER: dropped */
	tern_time first_sent_at, delivered_at;
	uint64_t  delivered, lost;
	uint32_t  tx_in_flight;
	bool	  app_limited, gone;   /* acknowledged or declared lost */
};

struct path {
	/* What the test sets. */
	uint64_t  rate;		/* of the bottleneck, bytes per second */
	tern_time rtt;		/* without a queue */
	uint64_t  buffer;	/* bytes before the bottleneck */
	uint32_t  drop_percent; /* of packets, at random */
	uint32_t  mark_above;	/* a queue of more is marked, bytes; 0: never */
	bool	  app_paused;	/* nothing more to send */
	uint64_t  app_rate;	/* the program writes so much a second; 0: there is always more */
	bool	  no_sack;

	/* What it reads. */
	tern_time now;
	uint64_t  delivered, lost, sent;
	uint64_t  queue_peak;
	uint32_t  in_flight;
	bool	  in_recovery;

	struct tern_cc cc;
	uint64_t  state[TERN_CC_STATE_WORDS];
	struct path_packet packets[PATH_PACKETS];
	uint32_t  first, next;	/* not yet gone; to be sent: index modulo PATH_PACKETS */
	uint32_t  scanned;	/* everything before was judged lost or not */
	uint32_t  recover;	/* recovery ends when what was sent before this is acknowledged, and */
	uint32_t  repaired;	/* this, the last packet sent in place of such a one */
	tern_time bottleneck_free_at, may_send_at, last_sent_at;
	tern_time first_sent_at, delivered_at;
	tern_time srtt, min_rtt, echoed_at, app_since;
	uint64_t  app_limited_until, app_sent, round_until;
	uint64_t  random;
	bool	  marked;
};

static inline struct path_packet *path_packet(struct path *path, uint32_t index)
{
	return &path->packets[index % PATH_PACKETS];
}

static inline uint32_t path_random(struct path *path)
{
	path->random = path->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(path->random >> 33);
}

static inline uint64_t path_bdp(const struct path *path)
{
	return path->rate * (uint64_t)path->rtt / (uint64_t)TERN_SECOND;
}

static inline uint64_t path_queue(const struct path *path)
{
	const tern_time busy = path->bottleneck_free_at - path->now;

	return busy > 0 ? path->rate * (uint64_t)busy / (uint64_t)TERN_SECOND : 0;
}

static inline void path_begin(struct path *path, const struct tern_cc_ops *ops)
{
	path->cc = (struct tern_cc){
		.ops = ops,
		.state = path->state,
		.cwnd = 14480,
		.ssthresh = TERN_CC_NO_SSTHRESH,
		.mss = 1448,
	};
	path->now = TERN_SECOND; /* zero has no meaning */
	path->random = 1;
	path->app_since = path->now;
	ops->init(&path->cc);
}

static inline bool path_has_text(const struct path *path)
{
	if (path->app_paused)
		return false;
	return path->app_rate == 0 ||
	       path->app_sent + path->cc.mss <=
		       path->app_rate * (uint64_t)(path->now - path->app_since) / (uint64_t)TERN_SECOND;
}

static inline void path_send(struct path *path)
{
	struct path_packet *const p = path_packet(path, path->next++);
	const uint64_t size = path->cc.mss, queue = path_queue(path);

	if (path->in_flight == 0) {
		const struct tern_cc_restart restart = {
			.now = path->now, .idle = path->now - path->last_sent_at, .rto = TERN_SECOND,
			.restart_window = 14480, .app_limited = path->app_limited_until > 0,
		};

		if (path->sent > 0 && path->cc.ops->restart)
			path->cc.ops->restart(&path->cc, &restart);
		path->first_sent_at = path->delivered_at = path->now;
	}
	path->in_flight += (uint32_t)size;
	path->sent += size;
	path->app_sent += size;
	*p = (struct path_packet){
		.sent_at = path->now, .first_sent_at = path->first_sent_at, .delivered_at = path->delivered_at,
		.delivered = path->delivered, .lost = path->lost, .tx_in_flight = path->in_flight,
		.app_limited = path->app_limited_until > 0, .arrives_at = TERN_NEVER,
	};
	path->last_sent_at = path->now;
	if (path->cc.pacing_rate > 0) {
		const uint64_t gap = size * (uint64_t)TERN_SECOND / path->cc.pacing_rate;

		path->may_send_at = (path->may_send_at > path->now ? path->may_send_at : path->now) + (tern_time)gap;
	}
	if (queue + size > path->buffer || path_random(path) % 10000 < 100 * path->drop_percent)
		return;
	if (queue + size > path->queue_peak)
		path->queue_peak = queue + size;
	path->marked |= path->mark_above > 0 && queue > path->mark_above;
	if (path->bottleneck_free_at < path->now)
		path->bottleneck_free_at = path->now;
	path->bottleneck_free_at += (tern_time)(size * (uint64_t)TERN_SECOND / path->rate);
	p->arrives_at = path->bottleneck_free_at + path->rtt;
}

static inline bool path_has_room(const struct path *path)
{
	return path->in_flight + path->cc.mss <= path->cc.cwnd && path->next - path->first < PATH_PACKETS - 1;
}

static inline uint32_t path_declare_lost(struct path *path, uint32_t before)
{
	uint32_t bytes = 0;

	for (; (int32_t)(before - path->scanned) > 0; path->scanned++) {
		struct path_packet *const p = path_packet(path, path->scanned);

		if (p->gone)
			continue;
		p->gone = true;
		bytes += path->cc.mss;
		path->in_flight -= path->cc.mss;
		path->lost += path->cc.mss;
		if (!path->in_recovery || (int32_t)(path->scanned - path->recover) < 0)
			path->repaired = path->next;

		const struct tern_cc_lost lost = {
			.now = path->now, .len = path->cc.mss, .tx_in_flight = p->tx_in_flight,
			.lost_since = path->lost - p->lost, .delivered_total = path->delivered,
			.delivered_at_send = p->delivered, .app_limited = p->app_limited,
		};

		cc_lost(&path->cc, &lost);
	}
	if (bytes > 0 && !path->in_recovery) {
		const struct tern_cc_loss loss = { .now = path->now, .in_flight = path->in_flight + bytes,
						   .delivered_total = path->delivered };

		cc_loss(&path->cc, &loss);
		path->in_recovery = true;
		path->recover = path->next;
	}
	return bytes;
}

static inline void path_echo(struct path *path)
{
	const struct tern_cc_loss mark = { .now = path->now, .in_flight = path->in_flight,
					   .delivered_total = path->delivered };

	if (!path->marked || path->now - path->echoed_at < path->rtt)
		return;
	path->marked = false;
	path->echoed_at = path->now;
	cc_ecn_echo(&path->cc, &mark);
}

/* The ACK of the packet at index (4.1.2.3). */
static inline void path_ack(struct path *path, uint32_t index)
{
	struct path_packet *const p = path_packet(path, index);
	const tern_time rtt = path->now - p->sent_at, send_elapsed = p->sent_at - p->first_sent_at,
			ack_elapsed = path->now - p->delivered_at;
	struct tern_cc_ack ack = {
		.now = path->now, .rtt = rtt, .acked = path->cc.mss, .delivered = path->cc.mss,
		.in_flight_before = path->in_flight, .prior_delivered = p->delivered,
		.tx_in_flight = p->tx_in_flight, .app_limited = p->app_limited, .no_sack = path->no_sack,
		.cwnd_limited = !path_has_room(path),
	};

	p->gone = true;
	path->in_flight -= path->cc.mss;
	path->delivered += path->cc.mss;
	path->first_sent_at = p->sent_at;
	path->delivered_at = path->now;
	if (path->app_limited_until > 0 && path->delivered > path->app_limited_until)
		path->app_limited_until = 0;
	path->srtt = path->srtt ? path->srtt + (rtt - path->srtt) / 8 : rtt;
	path->min_rtt = path->min_rtt && path->min_rtt < rtt ? path->min_rtt : rtt;
	ack.round_start = p->delivered >= path->round_until;
	if (ack.round_start)
		path->round_until = path->delivered;

	ack.lost = path_declare_lost(path, index - (PATH_REORDERING - 1));
	ack.in_flight = path->in_flight;
	ack.delivered_total = path->delivered;
	ack.srtt = path->srtt;
	ack.min_rtt = path->min_rtt;
	ack.interval = send_elapsed > ack_elapsed ? send_elapsed : ack_elapsed;
	ack.delivered_in_interval = (uint32_t)(path->delivered - p->delivered);
	ack.lost_in_interval = (uint32_t)(path->lost - p->lost);
	if (ack.interval >= path->min_rtt)
		ack.rate = ack.delivered_in_interval * (uint64_t)TERN_SECOND / (uint64_t)ack.interval;
	if (path->in_recovery && (int32_t)(index - path->recover) >= 0 &&
	    (int32_t)(index - path->repaired) >= 0) {
		path->in_recovery = false;
		cc_recovered(&path->cc, path->in_flight);
	}
	ack.in_recovery = path->in_recovery;
	path->cc.ops->ack(&path->cc, &ack);
	path_echo(path);
}

/* The oldest packet whose ACK is still to come, or path->next. */
static inline uint32_t path_next_ack(struct path *path)
{
	while (path->first != path->next && path_packet(path, path->first)->gone)
		path->first++;

	uint32_t index = path->first;

	while (index != path->next &&
	       (path_packet(path, index)->gone || path_packet(path, index)->arrives_at == TERN_NEVER))
		index++;
	return index;
}

/* All of it was dropped: the timer. */
static inline void path_time_out(struct path *path)
{
	const struct tern_cc_loss loss = { .now = path->now, .in_flight = path->in_flight,
					   .delivered_total = path->delivered };

	path->in_recovery = true; /* so that no loss() comes of it */
	path->recover = path->next;
	path_declare_lost(path, path->next);
	cc_rto(&path->cc, &loss, true);
}

/* Runs the path for so long; each(path, context) after every event, where given. */
static inline void path_run(struct path *path, tern_time span, void (*each)(struct path *, void *), void *context)
{
	const tern_time until = path->now + span;

	while (path->now < until) {
		const uint32_t index = path_next_ack(path);
		const tern_time ack_at = index == path->next ? TERN_NEVER : path_packet(path, index)->arrives_at;
		tern_time send_at = TERN_NEVER;

		if (path_has_room(path)) {
			send_at = path->may_send_at > path->now ? path->may_send_at : path->now;
			if (!path_has_text(path) && send_at <= path->now) {
				path->app_limited_until = path->delivered + path->in_flight;
				if (path->app_limited_until == 0)
					path->app_limited_until = 1;
				send_at = path->app_paused ? TERN_NEVER : path->now + TERN_MILLISECOND;
			}
		}
		if (ack_at == TERN_NEVER && path->in_flight > 0 && send_at == TERN_NEVER) {
			path->now += TERN_SECOND;
			path_time_out(path);
			continue;
		}
		const tern_time at = ack_at <= send_at ? ack_at : send_at;

		if (at >= until) {
			path->now = until;
			break;
		}
		path->now = at;
		if (at == ack_at)
			path_ack(path, index);
		else if (path_has_text(path))
			path_send(path);
		if (each)
			each(path, context);
	}
}

#endif
