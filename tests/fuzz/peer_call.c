/* What the program on the host does. A record's bytes, beside its first: 1 and 2 choose, 8 to 11 are a number. */
#include "fuzz/fuzz.h"
#include "fuzz/peer.h"

#include "base/bytes.h"
#include "wire/tuple.h"

#include <stdlib.h>
#include <tern/datagram.h>
#include <tern/pack.h>

enum { CHUNK = 16384, QUEUED_MOST = 1 << 20, PACK_MOST = 4 << 20 };

static uint8_t text[CHUNK];

static tern_host *host(void)
{
	return peer.state.host;
}

static uint32_t number(const uint8_t *op)
{
	return get32(op + 8);
}

/* ---- opening ---- */

static void adopt(struct peer_flow *flow, tern_socket socket)
{
	struct tern_status status;

	if (tern_status(host(), socket, &status) == 0)
		flow->iss = status.iss; /* of several SYN-ACKs with cookies, the one that was answered */
	flow->open = true;
	flow->socket = socket;
	flow->sent = flow->received = 0;
	flow->garbage = false;
}

static void connect_to(struct peer_flow *flow, const uint8_t *op)
{
	struct tern_open open = {
		.remote = { .addr = peer.state.remote[flow->v6], .port = flow->remote },
		.local = { .port = op[1] & 1 ? 80 : 0 },
	};
	struct tern_tuple tuple;
	tern_socket	  socket;

	if (flow->open || tern_connect(host(), &open, &socket) != 0)
		return;
	adopt(flow, socket);
	flow->knows = false;
	if (tern_name(host(), socket, &tuple) == 0)
		flow->local = tuple.local_port;
}

/* Which of the flows it is; none: a connection that they know nothing of. */
static void take(tern_socket socket)
{
	struct tern_tuple tuple;

	if (tern_name(host(), socket, &tuple) == 0)
		for (unsigned i = 0; i < PEER_FLOWS; i++) {
			struct peer_flow *const flow = &peer.state.flow[i];

			if (flow->v6 == !addr_is_v4(&tuple.remote) && flow->remote == tuple.remote_port &&
			    !flow->open && tuple.local_port == flow->local) {
				adopt(flow, socket);
				return;
			}
		}
	(void)tern_abort(host(), socket);
}

static void accept_all(void)
{
	tern_socket socket;

	for (unsigned i = 0; i < PEER_LISTENERS; i++)
		while (peer.state.listening[i] && tern_accept(host(), peer.state.listener[i], &socket) == 0)
			take(socket);
}

static void listener(const uint8_t *op)
{
	const unsigned i = op[1] % PEER_LISTENERS;

	if (!peer.state.listening[i]) {
		peer_listen(i);
		return;
	}
	(void)tern_close(host(), peer.state.listener[i]);
	peer.state.listening[i] = false;
}

static void listener_connects(struct peer_flow *flow, const uint8_t *op)
{
	const unsigned		   i = op[1] % PEER_LISTENERS;
	const struct tern_endpoint remote = { .addr = peer.state.remote[flow->v6], .port = flow->remote };
	tern_socket		   socket;

	if (!peer.state.listening[i] || flow->open ||
	    tern_listener_connect(host(), peer.state.listener[i], &remote, &socket) != 0)
		return;
	peer.state.listening[i] = false;
	adopt(flow, socket);
	flow->knows = false;
	flow->local = (uint16_t)(80 + i);
}

/* ---- text ---- */

static void released(void *context, const void *from, size_t n)
{
	(void)context;
	(void)n;
	peer.owned--;
	free((void *)(uintptr_t)from);
}

static void send_owned(struct peer_flow *flow, size_t n, unsigned flags)
{
	uint8_t *const own = malloc(n);

	if (!own)
		return;
	memcpy(own, text, n);
	peer.owned++;
	const ptrdiff_t sent = tern_send_owned(host(), flow->socket, own, n, flags, released, NULL);
	if (sent < 0) {
		peer.owned--;
		free(own);
	} else {
		flow->sent += (size_t)sent;
	}
}

static void send_text(struct peer_flow *flow, const uint8_t *op)
{
	size_t	       n = op[1] & 0x80 ? number(op) % CHUNK : 1 + (op[1] & 0x7fu) * 100u;
	const unsigned flags = op[2] & 7;

	for (size_t i = 0; i < n; i++)
		text[i] = peer_host_octet((uint32_t)(flow->sent + i));
	/* What was taken is not to leave before it is counted: nothing does, for the host is only asked later. */
	if (op[2] & 8 && n > 0) {
		send_owned(flow, n, flags);
		return;
	}
	const ptrdiff_t sent = tern_send(host(), flow->socket, text, n, flags);
	if (sent > (ptrdiff_t)n)
		peer_fail("%td octets taken of %zu", sent, n);
	if (sent > 0)
		flow->sent += (size_t)sent;
}

static void check_received(struct peer_flow *flow, const uint8_t *at, size_t n)
{
	struct tern_status status;

	if (peer.unchecked || tern_status(host(), flow->socket, &status) != 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (at[i] != peer_octet(status.irs + 1 + (uint32_t)(flow->received + i)))
			peer_fail("octet %llu that the program receives is not what was sent",
				  (unsigned long long)(flow->received + i));
	flow->received += n;
}

static ptrdiff_t receive(struct peer_flow *flow, size_t n, bool looks)
{
	const uint8_t *at = text;
	ptrdiff_t      got;

	if (looks)
		got = tern_peek(host(), flow->socket, 0, &at);
	else
		got = tern_receive(host(), flow->socket, text, n < CHUNK ? n : CHUNK);
	if (got <= 0)
		return got;
	if (!looks && (size_t)got > n)
		peer_fail("%td octets received, %zu asked for", got, n);
	check_received(flow, at, (size_t)got);
	if (looks && tern_consume(host(), flow->socket, (size_t)got) != 0)
		peer_fail("what was seen cannot be taken");
	return got;
}

void peer_read_all(struct peer_flow *flow)
{
	while (flow->open && receive(flow, CHUNK, false) > 0)
		;
}

/* ---- settings ---- */

static void set_option(struct peer_flow *flow, const uint8_t *op)
{
	static const int64_t   values[] = { 0,	 1,    2,    3,	    5,	10, 64,	 100,
					    536, 1000, 4096, 65536, -1, 30, 255, 1000000 };
	const enum tern_option option =
		(enum tern_option)(op[1] % (TERN_OPTIONS + 1)); /* one that is none, too */
	const int64_t	  value = op[2] & 0x80 ? (int32_t)number(op) : values[op[2] & 15];
	int64_t		  got;
	const tern_socket socket = op[2] & 0x40 ? peer.state.listener[0] : flow->socket;

	if (tern_option_set(host(), socket, option, value) == 0 && option == TERN_KEEPALIVE_GARBAGE && value)
		for (unsigned i = 0; i < PEER_FLOWS; i++)
			peer.state.flow[i].garbage = true;
	(void)tern_option_get(host(), socket, option, &got);
}

static void set_controller(struct peer_flow *flow, const uint8_t *op)
{
	static const char *const names[] = { "reno", "cubic", "bbr", "dctcp", "prague", "none" };

	(void)tern_set_congestion_control(host(), flow->socket, names[op[1] % 6]);
}

/* Out and in again: nothing may change that can be seen. */
static void repack(struct peer_flow *flow)
{
	static uint8_t	   record[PACK_MOST];
	struct tern_status before, after;

	if (tern_status(host(), flow->socket, &before) != 0)
		return;
	const ptrdiff_t n = tern_pack_out(host(), flow->socket, record, sizeof record);
	if (n < 0 || (size_t)n > sizeof record)
		return;
	const int result = tern_unpack(host(), record, (size_t)n, &flow->socket);
	/* No memory; or only text unread was left of it, and another incarnation has its ports already (RFC 6191). */
	if (result == -TERN_ENOMEM || (result == -TERN_EADDRINUSE && before.state == TERN_STATE_TIME_WAIT)) {
		flow->open = false;
		return;
	}
	if (result != 0 || tern_status(host(), flow->socket, &after) != 0)
		peer_fail("a connection in %s is not read back: %s", tern_state_name(before.state),
			  tern_strerror(result));
	if (before.state != after.state || before.snd_nxt != after.snd_nxt ||
	    before.rcv_nxt != after.rcv_nxt || before.unread != after.unread ||
	    before.unsent != after.unsent || before.unacked != after.unacked)
		peer_fail("a connection in %s is another when read back", tern_state_name(before.state));
}

/* Whatever only looks may be asked at any time. */
static void look(struct peer_flow *flow, const uint8_t *op)
{
	struct tern_event    event;
	struct tern_entry    entry;
	struct tern_status   status;
	struct tern_datagram datagram;
	tern_socket	     socket;
	uint64_t	     cursor = 0;

	for (unsigned i = 0; i < 64 && tern_host_event(host(), &event); i++)
		;
	for (unsigned i = 0; i < 4096 && tern_host_each(host(), &cursor, &socket); i++)
		(void)tern_status(host(), socket, &status);
	cursor = 0;
	for (unsigned i = 0; i < 4096 && tern_host_each_entry(host(), &cursor, &entry); i++)
		;
	while (tern_datagram_receive(host(), peer.state.datagrams, &datagram) == 0)
		if (op[1] & 1)
			(void)tern_datagram_refuse(host(), peer.state.datagrams,
						   (enum tern_unreachable)(op[2] % 5), number(op));
	while (tern_datagram_receive(host(), peer.state.echo, &datagram) == 0)
		;
	(void)tern_ready(host(), flow->socket);
	(void)tern_socket_error(host(), flow->socket);
	if (op[1] & 2)
		tern_host_trim(host());
	if (op[1] & 4)
		(void)tern_host_set_link_mtu(host(), peer.state.link,
					     peer.state.mtu = 1280 + number(op) % 1500);
}

static void again(const uint8_t *op)
{
	const struct peer_packet *const kept = &peer.state.kept[op[1] % PEER_KEPT];
	static struct peer_packet	copy;

	copy = *kept;
	if (copy.n > 0)
		peer_input(copy.bytes, copy.n);
}

static void send_datagram(const struct peer_flow *flow, const uint8_t *op)
{
	const struct tern_datagram datagram = {
		.remote = { .addr = peer.state.remote[flow->v6], .port = flow->remote },
		.data = text,
		.n = number(op) % 4000,
		.dont_fragment = op[2] & 1,
	};

	(void)tern_datagram_send(host(), op[2] & 2 ? peer.state.echo : peer.state.datagrams, &datagram);
}

/* Calls that end a flow's handle, or half of it. */
static void end(unsigned kind, struct peer_flow *flow)
{
	switch (kind) {
	case PEER_SHUTDOWN: (void)tern_shutdown(host(), flow->socket); break;
	case PEER_SHUTDOWN_RECEIVE: (void)tern_shutdown_receive(host(), flow->socket); break;
	case PEER_CLOSE:
		(void)tern_close(host(), flow->socket);
		flow->open = false;
		break;
	default: (void)tern_abort(host(), flow->socket); flow->open = false;
	}
}

static void pass(unsigned kind, const uint8_t *op)
{
	const tern_time next = tern_host_deadline(host());

	if (kind == PEER_PASS)
		peer_advance(peer.state.now + (1 + op[1]) * TERN_MILLISECOND);
	else if (kind == PEER_LONG)
		peer_advance(peer.state.now + (1 + op[1]) * TERN_SECOND);
	else if (next != TERN_NEVER)
		peer_advance(next);
}

void peer_call(unsigned kind, struct peer_flow *flow, const uint8_t *op)
{
	switch (kind) {
	case PEER_CONNECT: connect_to(flow, op); break;
	case PEER_ACCEPT: accept_all(); break;
	case PEER_SEND: send_text(flow, op); break;
	case PEER_RECEIVE: (void)receive(flow, number(op) % CHUNK, op[1] & 1); break;
	case PEER_OPTION: set_option(flow, op); break;
	case PEER_CONTROLLER: set_controller(flow, op); break;
	case PEER_NEXT:
	case PEER_PASS:
	case PEER_LONG: pass(kind, op); break;
	case PEER_ICMP: peer_icmp(flow, op); break;
	case PEER_REPACK: repack(flow); break;
	case PEER_LISTEN: listener(op); break;
	case PEER_LISTENER_CONNECT: listener_connects(flow, op); break;
	case PEER_DATAGRAM:
		if (op[1] & 2)
			send_datagram(flow, op);
		else
			peer_datagram(flow, op);
		break;
	case PEER_LOOK: look(flow, op); break;
	case PEER_AGAIN: again(op); break;
	default: end(kind, flow);
	}
}
