/* A server under a SYN flood and, through a network that loses, doubles and reorders, honest clients of a host of
 * their own: every one of them must get its text across, cookies or not (DESIGN section 2, row 4). */
#include "unit/bare_listener.h"

enum { CLIENTS = 60, TEXT = 4000, WIRE = 4096, PACKET = 1500 };

static uint64_t random_state;

static uint32_t any(uint32_t n)
{
	return (uint32_t)(splitmix64(&random_state) % n);
}

/* Packets under way, each with the time it arrives. */
static struct {
	uint8_t	  bytes[PACKET];
	uint32_t  len;
	tern_time at;
	bool	  to_server;
} wire[WIRE];

static tern_host	    *clients;
static struct test_allocator client_memory;

static void put_on_wire(const tern_packet *packet, bool to_server)
{
	for (unsigned copies = any(100) < 90 ? 1 + (any(20) == 0) : 0; copies > 0; copies--) {
		uint32_t n = 0, i = any(WIRE);

		while (wire[i].len != 0)
			i = (i + 1) % WIRE;
		for (unsigned part = 0; part < packet->n_parts; part++) {
			memcpy(wire[i].bytes + n, packet->part[part].at, packet->part[part].n);
			n += packet->part[part].n;
		}
		wire[i].len = n;
		wire[i].to_server = to_server;
		wire[i].at = b.now + (tern_time)(1 + any(30)) * TERN_MILLISECOND;
	}
}

static void from_host(tern_host *host, bool to_server)
{
	tern_packet *out[1];

	while (tern_host_output(host, out, 1, b.now) == 1) {
		/* What answers the flood goes nowhere. */
		if (to_server || get32(out[0]->part[0].at + 16) == BARE_PEER)
			put_on_wire(out[0], to_server);
		tern_packet_done(out[0]);
	}
}

static void arrive(void)
{
	for (unsigned i = 0; i < WIRE; i++) {
		if (wire[i].len == 0 || wire[i].at > b.now)
			continue;
		struct tern_packet packet = { .part = { { wire[i].bytes, wire[i].len, NULL } },
					      .len = wire[i].len,
					      .n_parts = 1 };
		tern_packet	  *batch[1] = { &packet };

		tern_host_input(wire[i].to_server ? b.host : clients, batch, 1, b.now);
		wire[i].len = 0;
	}
}

static void flood_some(void)
{
	for (unsigned i = 0; i < 8; i++) {
		const struct tern_addr src = addr_v4(0x0b000000 + any(1 << 20)), dst = addr_v4(BARE_HOST);
		struct tcp_segment     syn = a_syn();

		syn.src_port = (uint16_t)any(65536);
		syn.dst_port = 80;
		syn.seq = seq(any(UINT32_MAX));
		/* Some guess at cookies as well. */
		if (any(4) == 0)
			syn = (struct tcp_segment){ .src_port = syn.src_port,
						    .dst_port = 80,
						    .flags = TCP_ACK,
						    .seq = syn.seq,
						    .ack = seq(any(UINT32_MAX)) };
		bare_send_to(&b, &src, &dst, &syn);
	}
}

static void begin_clients(bool timestamps)
{
	struct tern_config	client;
	struct tern_link_config link = { .mtu = 1500 };
	const struct tern_addr	own = addr_v4(BARE_PEER);
	uint8_t			number;

	tern_config_default(&client);
	client.allocator = test_allocator(&client_memory);
	client.no_timestamps = !timestamps;
	memset(client.secret, 9, sizeof client.secret);
	assert_int_equal(tern_host_create(&clients, &client, b.now), 0);
	assert_int_equal(tern_host_add_link(clients, &link, &number), 0);
	assert_int_equal(tern_host_add_address(clients, number, &own, 8), 0);
}

struct got {
	tern_socket socket;
	unsigned    bytes;
	bool	    ended;
};

/* The server reads what is there; number of connections that have come to their end. */
static unsigned serve(struct got got[], unsigned *n)
{
	unsigned ended = 0;

	while (*n < CLIENTS && tern_accept(b.host, listener, &got[*n].socket) == 0)
		(*n)++;
	for (unsigned i = 0; i < *n; i++) {
		uint8_t	  text[512];
		ptrdiff_t bytes;

		while (!got[i].ended &&
		       (bytes = tern_receive(b.host, got[i].socket, text, sizeof text)) != -TERN_EAGAIN) {
			assert_true(bytes >= 0);
			for (ptrdiff_t j = 0; j < bytes; j++)
				assert_int_equal(text[j], (uint8_t)(got[i].bytes + (unsigned)j));
			got[i].bytes += (unsigned)bytes;
			got[i].ended = bytes == 0;
			if (got[i].ended)
				assert_int_equal(tern_close(b.host, got[i].socket), 0);
		}
		ended += got[i].ended;
	}
	return ended;
}

static void one_client(void)
{
	const struct tern_open open = { .remote = { .addr = addr_v4(BARE_HOST), .port = 80 } };
	static uint8_t	       text[TEXT];
	tern_socket	       socket;

	for (unsigned i = 0; i < TEXT; i++)
		text[i] = (uint8_t)i;
	assert_int_equal(tern_connect(clients, &open, &socket), 0);
	assert_int_equal(tern_send(clients, socket, text, TEXT, 0), TEXT);
	assert_int_equal(tern_shutdown(clients, socket),
			 0); /* CLOSE in SYN-SENT would delete it (RFC 9293 3.10.4) */
}

static void run(uint64_t seed, bool timestamps)
{
	struct got got[CLIENTS];
	unsigned   n = 0, opened = 0, ended = 0;

	random_state = seed;
	memset(got, 0, sizeof got);
	for (unsigned i = 0; i < WIRE; i++)
		wire[i].len = 0;
	begin();
	config.watcher.event = NULL;
	bare_begin(&b, &config, false);
	listen_on(&(struct tern_listen){ .local = { .port = 80 }, .backlog = 16 });
	begin_clients(timestamps);
	for (unsigned ms = 0; ended < CLIENTS && ms < 120000; ms++) {
		b.now += TERN_MILLISECOND;
		tern_host_advance(b.host, b.now);
		tern_host_advance(clients, b.now);
		if (ms % 10 == 0)
			flood_some();
		if (ms % 20 == 0 && ms > 100 && opened < CLIENTS) {
			one_client();
			opened++;
		}
		from_host(clients, true);
		from_host(b.host, false);
		arrive();
		if (ms % 5 == 0)
			ended = serve(got, &n);
	}
	if (ended != CLIENTS)
		fail_msg("seed %d: %u of %u came through", (int)seed, ended, CLIENTS);
	for (unsigned i = 0; i < CLIENTS; i++)
		assert_int_equal(got[i].bytes, TEXT);
	assert_true(bare_stats(&b).SyncookiesRecv > CLIENTS / 2);
	tern_host_check(clients);
	tern_host_destroy(clients);
	assert_int_equal(client_memory.blocks, 0);
	bare_end(&b);
}

static void honest_clients_with_timestamps(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++)
		run(seed, true);
}

static void honest_clients_without(void **state)
{
	(void)state;
	for (uint64_t seed = 11; seed <= 14; seed++)
		run(seed, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(honest_clients_with_timestamps),
		cmocka_unit_test(honest_clients_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
