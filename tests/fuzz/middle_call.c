/* What the programs on the two hosts do. */
#include "fuzz/fuzz.h"
#include "fuzz/middle.h"

#include "base/bytes.h"
#include "wire/tuple.h"

#include <tern/pack.h>

enum { CHUNK = 16384, PORT = 80, SENT_MOST = 1 << 20, PACK_MOST = 4 << 20 };

static uint8_t text[CHUNK];

/* Octet `at` of what that host sends. */
static uint8_t octet(unsigned host, uint64_t at)
{
	return (uint8_t)(at * 31 + (at >> 8) * 7 + host * 101);
}

void middle_listen(unsigned host)
{
	const struct tern_listen listen = { .local = { .port = PORT }, .backlog = 4 };

	middle.state.listening[host] =
		tern_listen(middle.state.host[host], &listen, &middle.state.listener[host]) == 0;
}

static void adopt(struct middle_side *side, tern_socket socket)
{
	*side = (struct middle_side){ .open = true, .socket = socket };
}

static void connect_from(unsigned host, struct middle_connection *connection, uint16_t port)
{
	const struct tern_open open = {
		.remote = { .addr = middle.state.addr[1 - host][connection->v6], .port = port ? port : PORT },
		.local = { .port = connection->port },
	};
	tern_socket socket;

	if (tern_connect(middle.state.host[host], &open, &socket) == 0)
		adopt(&connection->side[host], socket);
}

/* Another incarnation, from another port; what is left of the one before is let go. */
static void begin(unsigned host, struct middle_connection *connection, bool both, const uint8_t *op)
{
	for (unsigned i = 0; i < 2; i++)
		if (connection->side[i].open)
			(void)tern_abort(middle.state.host[i], connection->side[i].socket);
	*connection = (struct middle_connection){
		.client = host,
		.port = ++middle.state.next_port,
		.v6 = op[1] & 1,
	};
	connect_from(host, connection, both ? connection->port : 0);
	if (both)
		connect_from(1 - host, connection, connection->port);
}

static void take(unsigned host, tern_socket socket)
{
	struct tern_tuple tuple;

	if (tern_name(middle.state.host[host], socket, &tuple) == 0)
		for (unsigned i = 0; i < MIDDLE_CONNECTIONS; i++) {
			struct middle_connection *const connection = &middle.state.connection[i];

			if (connection->port == tuple.remote_port && connection->client != host &&
			    !connection->side[host].open) {
				adopt(&connection->side[host], socket);
				return;
			}
		}
	(void)tern_abort(middle.state.host[host], socket);
}

void middle_accept(void)
{
	tern_socket socket;

	for (unsigned i = 0; i < 2; i++)
		while (middle.state.listening[i] &&
		       tern_accept(middle.state.host[i], middle.state.listener[i], &socket) == 0)
			take(i, socket);
}

static void send_text(unsigned host, struct middle_side *side, const uint8_t *op)
{
	const size_t n = 1 + get16(op + 2) % CHUNK;

	if (!side->open || side->shut || side->sent > SENT_MOST)
		return;
	for (size_t i = 0; i < n; i++)
		text[i] = octet(host, side->sent + i);
	const ptrdiff_t sent = tern_send(middle.state.host[host], side->socket, text, n, op[1] & 3);
	if (sent > 0)
		side->sent += (size_t)sent;
	else if (sent != -TERN_EAGAIN && sent != -TERN_ENOMEM)
		side->error = true;
}

void middle_read(unsigned host, struct middle_connection *connection, size_t most)
{
	struct middle_side *const side = &connection->side[host];
	ptrdiff_t		  got = -TERN_EAGAIN;

	while (side->open && !side->eof && most > 0 &&
	       (got = tern_receive(middle.state.host[host], side->socket, text,
				   most < CHUNK ? most : CHUNK)) > 0) {
		for (ptrdiff_t i = 0; i < got && !middle.state.hostile; i++)
			if (text[i] != octet(1 - host, side->received + (size_t)i))
				middle_fail("host %u: octet %llu that is received was not sent so", host,
					    (unsigned long long)side->received + (size_t)i);
		side->received += (size_t)got;
		middle.octets += (size_t)got;
		most -= (size_t)got;
	}
	if (!side->open)
		return;
	if (got == 0 && most > 0)
		side->eof = true;
	else if (got < 0 && got != -TERN_EAGAIN)
		side->error = true;
	if (side->received > connection->side[1 - host].sent && connection->side[1 - host].open &&
	    !middle.state.hostile)
		middle_fail("host %u has received %llu octets of %llu", host,
			    (unsigned long long)side->received,
			    (unsigned long long)connection->side[1 - host].sent);
}

static void set_option(unsigned host, const struct middle_side *side, const uint8_t *op)
{
	static const int64_t	      values[] = { 0, 1, 2, 5, 64, 536, 1000, 4096, 65536, -1, 30, 100 };
	static const enum tern_option options[] = {
		TERN_NODELAY,	      TERN_CORK,	TERN_QUICKACK,	    TERN_MAX_SEGMENT,
		TERN_RECEIVE_BUFFER,  TERN_SEND_BUFFER, TERN_SACK_COUNTING, TERN_PACING,
		TERN_MAX_PACING_RATE, TERN_ECN,
	};

	const enum tern_option option = options[op[1] % 10];
	int64_t		       value = values[op[2] % 12];

	if (option == TERN_MAX_PACING_RATE && value > 0)
		value *= 100000; /* some octets a second would take longer than anybody waits */
	(void)tern_option_set(middle.state.host[host], side->socket, option, value);
}

static void repack(unsigned host, struct middle_side *side)
{
	static uint8_t	record[PACK_MOST];
	const ptrdiff_t n = tern_pack_out(middle.state.host[host], side->socket, record, sizeof record);

	if (n < 0 || (size_t)n > sizeof record)
		return;
	const int result = tern_unpack(middle.state.host[host], record, (size_t)n, &side->socket);
	if (result != 0 && result != -TERN_ENOMEM)
		middle_fail("a connection is not read back: %s", tern_strerror(result));
	side->error |= result != 0;
	side->open &= result == 0;
}

static void let_go(unsigned host, struct middle_connection *connection, bool abort)
{
	struct middle_side *const side = &connection->side[host];

	if (abort)
		(void)tern_abort(middle.state.host[host], side->socket);
	else
		(void)tern_close(middle.state.host[host], side->socket);
	connection->let_go = true; /* the other's text may be answered with RST from now on */
	side->open = false;
}

void middle_call(unsigned kind, unsigned host, struct middle_connection *connection, const uint8_t *op)
{
	struct middle_side *const side = &connection->side[host];

	if (kind == MIDDLE_CONNECT || kind == MIDDLE_BOTH_CONNECT) {
		begin(host, connection, kind == MIDDLE_BOTH_CONNECT, op);
		return;
	}
	if (kind == MIDDLE_LISTEN) {
		if (!middle.state.listening[host]) {
			middle_listen(host);
			return;
		}
		(void)tern_close(middle.state.host[host], middle.state.listener[host]);
		middle.state.listening[host] = false;
		return;
	}
	if (!side->open)
		return;
	switch (kind) {
	case MIDDLE_SEND: send_text(host, side, op); break;
	case MIDDLE_RECEIVE: middle_read(host, connection, 1 + get16(op + 2) % CHUNK); break;
	case MIDDLE_SHUTDOWN:
		(void)tern_shutdown(middle.state.host[host], side->socket);
		side->shut = true;
		break;
	case MIDDLE_OPTION: set_option(host, side, op); break;
	case MIDDLE_REPACK: repack(host, side); break;
	default: let_go(host, connection, kind == MIDDLE_ABORT); break;
	}
}
