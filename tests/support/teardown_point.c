#include "support/teardown_point.h"

#include "host/internal.h"
#include "support/sim_world.h"

#include <stdio.h>
#include <string.h>

/* ---- telling ---- */

static const char *const action_names[] = {
	"send", "shutdown",  "close",	 "abort", "close-listener", "deliver",
	"lose", "duplicate", "put-last", "late",  "time",	    "end",
};

_Noreturn void search_fail(const struct search *search, const char *what)
{
	fprintf(stderr, "\n%s: the way here:", search->job->name);
	for (unsigned i = 0; i < search->depth; i++)
		fprintf(stderr, " %s(%c)", action_names[search->frames[i]->taken.kind],
			search->frames[i]->taken.host ? 'B' : 'A');
	for (unsigned i = 0; i < HOSTS; i++) {
		const struct party *const p = &search->point.party[i];

		fprintf(stderr,
			"\n  %c: open %d let go %d fin %d aborted %d early %d eof %d error %d sent %u received %u",
			i ? 'B' : 'A', p->open, p->let_go, p->fin_called, p->aborted, p->early, p->eof,
			p->error, p->sent, p->received);
	}
	world_fail("%s", what);
}

void search_need(const struct search *search, bool holds, const char *what)
{
	if (!holds)
		search_fail(search, what);
}

/* ---- the hosts ---- */

static unsigned hot(size_t size, struct arena_range range[ARENA_HOT])
{
	/* So many records of each kind a path of this length can come by. */
	enum { SOME = 10 };

	if (size == sizeof(struct tern_host)) {
		range[0] = (struct arena_range){ 0, offsetof(struct tern_host, replies) };
		range[1].at = offsetof(struct tern_host, reply_first);
		range[1].n = size - range[1].at;
		return 2;
	}
	if (size == TCB_CHUNK_BYTES) {
		const size_t cold = TCB_CHUNK_HEAD + TCB_PER_CHUNK * sizeof(struct tcb);

		range[0] = (struct arena_range){ 0, TCB_CHUNK_HEAD + SOME * sizeof(struct tcb) };
		range[1] = (struct arena_range){ cold, SOME * sizeof(struct tcb_cold) };
		return 2;
	}
	if (size == HALF_CHUNK * sizeof(struct half_open)) {
		range[0].n = SOME * sizeof(struct half_open);
		return 1;
	}
	if (size == (TIME_WAIT_CHUNK + 1) * 64u) {
		range[0].n = (SOME + 1) * 64u;
		return 1;
	}
	if (size > 2 * TCB_CHUNK_HEAD * 64) { /* buffers for ICMP: at rest nobody looks at them */
		range[0].n = 0;
		return 1;
	}
	return 0;
}

void search_make_host(struct search *search, unsigned i)
{
	static const char *const v4[] = { "10.0.0.1", "10.0.0.2" }, *const v6[] = { "fd00::1", "fd00::2" };
	const struct tern_link_config link = { .mtu = 1500 };
	struct tern_config	      config;

	tern_config_default(&config);
	memset(config.secret, (int)(i + 1), sizeof config.secret);
	search->arena[i].hot = hot;
	arena_clear(&search->arena[i]);
	config.allocator = arena_allocator(&search->arena[i]);
	search->sink[i] = (struct tally_sink){ &search->result->tally, i ? "B" : "A", false, 0 };
	config.watcher = tally_watcher(&search->sink[i]);
	config.no_timestamps = !search->job->timestamps;
	config.packets = 8;
	search_need(search, tern_host_create(&search->host[i], &config, 0) == 0, "tern_host_create");
	search_need(search, tern_host_add_link(search->host[i], &link, &search->link[i]) == 0,
		    "tern_host_add_link");
	tern_addr_parse(&search->addr[i], search->job->v6 ? v6[i] : v4[i]);
	search_need(search,
		    tern_host_add_address(search->host[i], search->link[i], &search->addr[i],
					  search->job->v6 ? 64 : 24) == 0,
		    "tern_host_add_address");
}

/* ---- what the programs do by themselves: accept, read, see errors ---- */

static uint8_t octet(unsigned host, uint32_t at)
{
	return (uint8_t)(at * 7 + host * 100 + 1);
}

static void let_go(struct search *search, unsigned i)
{
	struct party *const p = &search->point.party[i];

	p->open = false;
	p->let_go = true;
	p->let_go_at = search->point.let_go_at = search->point.now;
	if (!p->fin_called)
		p->fin_at = search->point.now;
}

static void program_reads(struct search *search, unsigned i)
{
	struct party *const p = &search->point.party[i], *const peer = &search->point.party[1 - i];
	uint8_t	  buffer[64];
	ptrdiff_t n;

	while (p->open && !p->eof &&
	       (n = tern_receive(search->host[i], p->socket, buffer, sizeof buffer)) != -TERN_EAGAIN) {
		for (ptrdiff_t k = 0; k < n; k++)
			search_need(search, buffer[k] == octet(1 - i, p->received++), "a wrong octet");
		search_need(search, p->received <= peer->sent, "more octets than were sent");
		if (n == 0) {
			search_need(search, peer->fin_called, "an end of the stream that nobody made");
			search_need(search, p->received == peer->sent,
				    "octets lost before the end of the stream");
			p->eof = true;
		} else if (n < 0) {
			p->error = (int)n;
			search_need(search, tern_close(search->host[i], p->socket) == 0,
				    "close after an error");
			let_go(search, i);
		}
	}
	/* After the end of the stream an error shows in readiness alone. */
	if (p->open && p->eof && tern_ready(search->host[i], p->socket) & TERN_ERROR) {
		p->error = tern_socket_error(search->host[i], p->socket);
		search_need(search, tern_close(search->host[i], p->socket) == 0, "close after an error");
		let_go(search, i);
	}
}

static void flush(struct search *search, unsigned i)
{
	struct point *const point = &search->point;
	tern_packet	   *packet;

	while (tern_host_output(search->host[i], &packet, 1, point->now) == 1) {
		search_need(search, point->n[i] < WIRE_MAX && packet->len <= WIRE_BYTES,
			    "a packet too many or too long");
		struct wire_packet *const copy = &point->wire[i][point->n[i]++];

		copy->len = 0;
		for (unsigned k = 0; k < packet->n_parts; k++) {
			memcpy(copy->bytes + copy->len, packet->part[k].at, packet->part[k].n);
			copy->len = (uint16_t)(copy->len + packet->part[k].n);
		}
		tern_packet_done(packet);
	}
}

void search_settle(struct search *search)
{
	for (unsigned i = 0; i < HOSTS; i++) {
		struct party *const p = &search->point.party[i];
		struct tern_event   event;
		tern_socket	    socket;

		while (tern_host_event(search->host[i], &event))
			;
		while (p->listens && tern_accept(search->host[i], p->listener, &socket) == 0) {
			if (p->open || p->let_go) {
				/* In no time at all a new incarnation has the ISN of the old one, whose ACK
				 * then completes it (RFC 9293 3.4.1 counts on a clock that runs). */
				search_need(search, tern_abort(search->host[i], socket) == 0, "tern_abort");
				p->aborted = true;
				continue;
			}
			p->socket = socket;
			p->open = true;
			(void)tern_option_set(search->host[i], socket, TERN_NODELAY, 1);
		}
		program_reads(search, i);
		flush(search, i);
		tern_host_check(search->host[i]);
	}
}

/* ---- actions ---- */

tern_time search_deadline(const struct search *search)
{
	const tern_time a = tern_host_deadline(search->host[0]), b = tern_host_deadline(search->host[1]);

	return a < b ? a : b;
}

static void drop_first(struct point *point, unsigned i)
{
	memmove(&point->wire[i][0], &point->wire[i][1], --point->n[i] * sizeof point->wire[i][0]);
}

static void put_last(struct search *search, unsigned i, const struct wire_packet *packet)
{
	search_need(search, search->point.n[i] < WIRE_MAX, "too many packets");
	search->point.wire[i][search->point.n[i]++] = *packet;
}

/* To the other host. */
static void deliver(struct search *search, unsigned from, const struct wire_packet *packet)
{
	struct tern_packet in = { .n_parts = 1, .len = packet->len, .link = search->link[1 - from] };
	tern_packet	  *batch[1] = { &in };

	in.part[0].at = packet->bytes;
	in.part[0].n = packet->len;
	tern_host_input(search->host[1 - from], batch, 1, search->point.now);
}

/* Events that somebody could have seen. */
static uint64_t happened(const struct search *search)
{
	const struct tally *const tally = &search->result->tally;
	uint64_t		  n = tally->segments_tx;

	for (unsigned i = 0; i < TERN_TIMERS; i++)
		n += tally->timers[i];
	for (unsigned i = 0; i < TERN_STATES; i++)
		n += tally->states[i];
	return n;
}

/* To the next moment at which something happens: timing wheels have stops of their own on the way. */
static void pass_time(struct search *search)
{
	struct point *const point = &search->point;
	const uint64_t	    before = happened(search);
	tern_time	    at;

	while (happened(search) == before && (at = search_deadline(search)) != TERN_NEVER) {
		point->now = at > point->now ? at : point->now;
		for (unsigned i = 0; i < HOSTS; i++) {
			tern_host_advance(search->host[i], point->now);
			flush(search, i);
		}
	}
}

static void close_party(struct search *search, unsigned i)
{
	struct party *const p = &search->point.party[i];

	struct tern_status status;

	p->early = !p->eof;
	/* CLOSE in SYN-SENT deletes the connection and what was queued (RFC 9293 3.10.4). */
	search_need(search, tern_status(search->host[i], p->socket, &status) == 0, "tern_status");
	p->refused |= status.state == TERN_STATE_SYN_SENT;
	search_need(search, tern_close(search->host[i], p->socket) == 0, "tern_close");
	let_go(search, i);
	p->fin_called = true;
}

static void call(struct search *search, const struct action *action)
{
	const unsigned	    i = action->host;
	struct party *const p = &search->point.party[i];
	tern_host *const    host = search->host[i];
	uint8_t		    text[64];

	p->calls_left--;
	switch (action->kind) {
	case ACT_SEND:
		for (uint32_t k = 0; k < search->job->send; k++)
			text[k] = octet(i, p->sent + k);
		search_need(search,
			    tern_send(host, p->socket, text, search->job->send, 0) ==
				    (ptrdiff_t)search->job->send,
			    "tern_send");
		p->sent += search->job->send;
		break;
	case ACT_SHUTDOWN:
		search_need(search, tern_shutdown(host, p->socket) == 0, "tern_shutdown");
		p->fin_called = true;
		p->fin_at = search->point.now;
		break;
	case ACT_CLOSE: close_party(search, i); break;
	case ACT_ABORT:
		p->aborted = true;
		search_need(search, tern_abort(host, p->socket) == 0, "tern_abort");
		let_go(search, i);
		break;
	default:
		search_need(search, tern_close(host, p->listener) == 0, "tern_close of a listener");
		p->listens = false;
		p->refused = true;
	}
}

/* Nothing happens by itself any more. */
static void end(struct search *search)
{
	for (unsigned i = 0; i < HOSTS; i++) {
		struct party *const p = &search->point.party[i];

		if (p->open) {
			close_party(search, i);
			return;
		}
	}
	for (unsigned i = 0; i < HOSTS; i++) {
		struct party *const p = &search->point.party[i];

		if (p->listens)
			search_need(search, tern_close(search->host[i], p->listener) == 0,
				    "tern_close of a listener");
		p->listens = false;
	}
}

void search_act(struct search *search, const struct action *action)
{
	struct point *const	 point = &search->point;
	const struct wire_packet first = point->wire[action->host][0];

	search->result->actions++;
	switch (action->kind) {
	case ACT_DELIVER:
		drop_first(point, action->host);
		deliver(search, action->host, &first);
		break;
	case ACT_DUPLICATE:
		drop_first(point, action->host);
		put_last(search, action->host, &first);
		deliver(search, action->host, &first);
		break;
	case ACT_PUT_LAST:
		drop_first(point, action->host);
		put_last(search, action->host, &first);
		break;
	case ACT_LOSE: drop_first(point, action->host); break;
	case ACT_LATE:
	case ACT_TIME: pass_time(search); break;
	case ACT_END: end(search); break;
	default: call(search, action);
	}
	if (action->kind >= ACT_LOSE && action->kind <= ACT_LATE)
		point->faults_left--;
	search_settle(search);
}
