/* record/: failed allocations, owned sends and stale handles come again in a replay; forged files do no harm. */
#include "record/format.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tern/tern.h>
#include <unistd.h>

#include <cmocka.h>

static char path[64];

static int make_path(void **state)
{
	(void)state;
	snprintf(path, sizeof path, "/tmp/tern-replay-XXXXXX");
	const int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int drop_path(void **state)
{
	(void)state;
	return unlink(path);
}

/* Fails the n-th allocation. */
struct failing {
	unsigned n, fail;
};

static void *failing_alloc(void *context, size_t size, size_t align)
{
	struct failing *const failing = context;
	const struct tern_allocator *const inner = tern_allocator_default();
	return ++failing->n == failing->fail ? NULL : inner->alloc(inner->context, size, align);
}

static void failing_free(void *context, void *block, size_t size)
{
	const struct tern_allocator *const inner = tern_allocator_default();
	(void)context;
	inner->free(inner->context, block, size);
}

static unsigned released;

static void release(void *context, const void *from, size_t n)
{
	(void)context;
	(void)from;
	(void)n;
	released++;
}

static size_t pass(tern_host *from, tern_host *to, tern_time now)
{
	tern_packet *batch[16];
	const size_t n = tern_host_output(from, batch, 16, now);
	for (size_t i = 0; i < n; i++) {
		uint8_t bytes[2048];
		uint32_t at = 0;
		for (unsigned j = 0; j < batch[i]->n_parts; j++) {
			memcpy(bytes + at, batch[i]->part[j].at, batch[i]->part[j].n);
			at += batch[i]->part[j].n;
		}
		tern_packet flat = { .part = { { .at = bytes, .n = at } }, .len = at, .n_parts = 1 };
		tern_packet *const one[] = { &flat };
		tern_packet_done(batch[i]);
		tern_host_input(to, one, 1, now);
	}
	return n;
}

static void converse(tern_host *host[2], tern_time now)
{
	while (pass(host[0], host[1], now) + pass(host[1], host[0], now) > 0)
		;
}

static const struct tern_addr addr[2] = {
	{ { [10] = 0xff, 0xff, 10, 0, 0, 1 } },
	{ { [10] = 0xff, 0xff, 10, 0, 0, 2 } },
};

static int join(tern_host *host, unsigned i)
{
	uint8_t link;
	const struct tern_link_config config = { .mtu = 1500 };
	const int error = tern_host_add_link(host, &config, &link);
	return error != 0 ? error : tern_host_add_address(host, link, &addr[i], 24);
}

/* A short conversation, recorded, in which the fail-th allocation of the client's fails (0: none). False: no
 * allocation had that number. */
static bool record_run(unsigned fail)
{
	struct failing failing = { .fail = fail };
	struct tern_config config;
	tern_recording *recording;
	tern_host *host[2] = { NULL, NULL };
	tern_socket listener, socket, accepted;
	static const char text[20000];
	uint8_t buffer[4096];

	assert_int_equal(tern_recording_create(&recording, path, "test"), 0);
	tern_config_default(&config);
	int error = tern_recording_host(recording, &host[1], &config, "server", 0);
	assert_int_equal(error, 0);
	config.allocator = (struct tern_allocator){ failing_alloc, failing_free, &failing };
	error = tern_recording_host(recording, &host[0], &config, "client", 0);
	if (error == 0 && join(host[0], 0) == 0 && join(host[1], 1) == 0) {
		const struct tern_listen listen = { .local = { .addr = addr[1], .port = 80 } };
		const struct tern_open open = { .remote = { .addr = addr[1], .port = 80 } };
		assert_int_equal(tern_listen(host[1], &listen, &listener), 0);
		if (tern_connect(host[0], &open, &socket) == 0) {
			converse(host, TERN_MILLISECOND);
			(void)tern_send(host[0], socket, "abc", 3, 0);
			const ptrdiff_t sent = tern_send_owned(host[0], socket, text, sizeof text, 0, release, NULL);
			converse(host, 2 * TERN_MILLISECOND);
			if (tern_accept(host[1], listener, &accepted) == 0) {
				(void)tern_receive(host[1], accepted, buffer, sizeof buffer);
				(void)tern_shutdown(host[1], accepted);
			}
			tern_host_advance(host[0], TERN_SECOND);
			converse(host, TERN_SECOND);
			(void)tern_close(host[0], socket);
			(void)tern_shutdown(host[0], socket); /* stale by now */
			converse(host, 2 * TERN_SECOND);
			(void)sent;
		}
	}
	if (host[0] != NULL && error == 0)
		tern_host_destroy(host[0]);
	tern_host_destroy(host[1]);
	assert_int_equal(tern_recording_close(recording), 0);
	return failing.n >= fail;
}

static void a_run_replays(void **state)
{
	struct tern_replay_result result;
	(void)state;
	released = 0;
	(void)record_run(0);
	assert_int_equal(released, 1);
	assert_int_equal(tern_replay(path, NULL, &result), 0);
	assert_true(result.identical);
	assert_int_equal(result.hosts, 2);
	assert_true(result.packets > 15);
	assert_string_equal(result.command, "test");
}

static void failed_allocations_replay(void **state)
{
	struct tern_replay_result result;
	unsigned fail = 1;
	(void)state;
	while (record_run(fail)) {
		const int error = tern_replay(path, NULL, &result);
		if (error != 0 || !result.identical)
			print_error("allocation %u: %d %s\n", fail, error, result.message);
		assert_int_equal(error, 0);
		assert_true(result.identical);
		fail++;
	}
	assert_true(fail > 5);
}

/* ---- every call ---- */

static tern_socket opened(tern_host *host[2], uint16_t port, tern_socket listener, tern_socket *accepted, tern_time now)
{
	const struct tern_open open = { .remote = { .addr = addr[1], .port = port } };
	tern_socket socket = { 0, 0 };
	assert_int_equal(tern_connect(host[0], &open, &socket), 0);
	converse(host, now);
	assert_int_equal(tern_accept(host[1], listener, accepted), 0);
	return socket;
}

/* Everything on one side that the others do not use. */
static void call_all(tern_host *host[2])
{
	const struct tern_addr extra = { { [10] = 0xff, 0xff, 10, 0, 0, 9 } };
	const struct tern_addr net = { { [10] = 0xff, 0xff, 192, 0, 2, 0 } };
	const struct tern_listen listen = { .local = { .addr = addr[1], .port = 80 } };
	const struct tern_listen ask = { .any = true, .ask = true };
	const struct tern_listen own = { .local = { .addr = addr[0], .port = 4000 } };
	const struct tern_endpoint remote = { .addr = addr[1], .port = 80 };
	const struct tern_open to_ask = { .remote = { .addr = addr[1], .port = 81 } };
	tern_socket listener, asking, asked, mine, socket, accepted, other;
	struct tern_tuple tuple;
	struct tern_event event;
	const uint8_t *at;
	static uint8_t packed[8192];

	assert_int_equal(tern_host_set_link_mtu(host[0], 0, 1400), 0);
	assert_int_equal(tern_host_add_address(host[0], 0, &extra, 24), 0);
	assert_int_equal(tern_host_remove_address(host[0], &extra), 0);
	assert_int_equal(tern_host_add_route(host[0], &net, 24, 0, &addr[1]), 0);
	tern_host_trim(host[0]);
	assert_int_equal(tern_listen(host[1], &listen, &listener), 0);
	assert_int_equal(tern_listen(host[1], &ask, &asking), 0);
	assert_int_equal(tern_listen(host[0], &own, &mine), 0);
	assert_int_equal(tern_listener_connect(host[0], mine, &remote, &other), 0);
	assert_int_equal(tern_connect(host[0], &to_ask, &socket), 0);
	converse(host, 1000);
	assert_int_equal(tern_next_ask(host[1], asking, &asked, &tuple), 0);
	assert_int_equal(tern_answer(host[1], asked, TERN_ANSWER_REFUSE), 0);
	converse(host, 2000);
	assert_int_equal(tern_accept(host[1], listener, &accepted), 0);

	socket = opened(host, 80, listener, &accepted, 3000);
	assert_int_equal(tern_set_cookie(host[0], socket, 12), 0);
	assert_int_equal(tern_option_set(host[0], socket, TERN_NODELAY, 1), 0);
	assert_int_equal(tern_set_congestion_control(host[0], socket, "reno"), 0);
	assert_int_equal(tern_send(host[0], socket, "hello", 5, TERN_SEND_PUSH), 5);
	converse(host, 4000);
	assert_int_equal(tern_peek(host[1], accepted, 1, &at), 4);
	assert_int_equal(tern_consume(host[1], accepted, 2), 0);
	assert_int_equal(tern_receive(host[1], accepted, packed, 3), 3);
	assert_int_equal(tern_receive_post(host[1], accepted, packed, sizeof packed), 0);
	assert_int_equal(tern_send(host[0], socket, "posted", 6, 0), 6);
	converse(host, 4500);
	assert_int_equal(tern_receive_posted(host[1], accepted), 6);
	assert_int_equal(tern_receive_post(host[1], accepted, packed, 3), 0);
	assert_int_equal(tern_receive_unpost(host[1], accepted), 0);
	assert_int_equal(tern_shutdown_receive(host[1], accepted), 0);
	const ptrdiff_t n = tern_pack_out(host[0], socket, packed, sizeof packed);
	assert_in_range(n, 1, sizeof packed);
	assert_int_equal(tern_unpack(host[0], packed, (size_t)n, &socket), 0);
	assert_int_equal(tern_send(host[0], socket, "again", 5, 0), 5);
	converse(host, 5000);
	assert_int_equal(tern_abort(host[0], socket), 0);
	converse(host, 6000);
	while (tern_host_event(host[0], &event))
		;
}

/* Datagrams between the two, and a neighbour that is told. */
static void call_datagrams(tern_host *host[2])
{
	const struct tern_addr group = { { [10] = 0xff, 0xff, 224, 0, 0, 77 } };
	const struct tern_addr near = { { [10] = 0xff, 0xff, 10, 0, 9, 7 } };
	const struct tern_addr own = { { [10] = 0xff, 0xff, 10, 0, 9, 1 } };
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, 7 };
	const struct tern_link_config ethernet = { .mtu = 1500, .ethernet = true, .mac = { 2, 0, 0, 0, 0, 1 } };
	const struct tern_datagram_open at = { .local = { .addr = addr[1], .port = 53 }, .cookie = 9 };
	const struct tern_datagram_open from = { .remote = { .addr = addr[1], .port = 53 } };
	const struct tern_datagram ask = { .data = "question", .n = 8, .ttl = 9, .traffic_class = 0x20 };
	const struct tern_datagram gone = { .local = { .addr = addr[1], .port = 53 },
					    .remote = { .addr = addr[0], .port = 7777 },
					    .n = 40 };
	struct tern_datagram got;
	tern_socket server, client;
	uint8_t link;

	assert_int_equal(tern_host_add_link(host[0], &ethernet, &link), 0);
	assert_int_equal(tern_host_add_address(host[0], link, &own, 24), 0);
	assert_int_equal(tern_host_set_neighbour(host[0], link, &near, mac), 0);
	assert_int_equal(tern_datagram_open(host[1], &at, &server), 0);
	assert_int_equal(tern_datagram_open(host[0], &from, &client), 0);
	assert_int_equal(tern_datagram_join(host[1], server, 0, &group), 0);
	assert_int_equal(tern_datagram_leave(host[1], server, 0, &group), 0);
	assert_int_equal(tern_datagram_send(host[0], client, &ask), 0);
	converse(host, 6100);
	assert_int_equal(tern_datagram_receive(host[1], server, &got), 0);
	assert_int_equal(got.n, 8);
	assert_int_equal(tern_datagram_refuse(host[1], server, TERN_UNREACHABLE_PORT, 0), 0);
	assert_int_equal(tern_datagram_report(host[1], &gone, TERN_UNREACHABLE_HOST, 0), 0);
	converse(host, 6200);
	assert_int_equal(tern_datagram_receive(host[0], client, &got), -TERN_ECONNREFUSED);
	assert_int_equal(tern_datagram_close(host[0], client), 0);
}

static void record_every_call(void)
{
	struct tern_config config;
	tern_recording *recording;
	tern_host *host[2];

	assert_int_equal(tern_recording_create(&recording, path, NULL), 0);
	tern_config_default(&config);
	for (unsigned i = 0; i < 2; i++) {
		config.secret[0] = (uint8_t)i;
		assert_int_equal(tern_recording_host(recording, &host[i], &config, "host", 0), 0);
		assert_int_equal(join(host[i], i), 0);
	}
	call_all(host);
	call_datagrams(host);
	tern_host_advance(host[0], 7000);
	(void)tern_send_owned(host[0], (tern_socket){ 1, 1 }, "x", 1, 0, release, NULL);
	(void)tern_shutdown(host[0], (tern_socket){ 1, 1 });
	(void)tern_close(host[0], (tern_socket){ 1, 1 });
	for (unsigned i = 0; i < 2; i++)
		tern_host_destroy(host[i]);
	assert_int_equal(tern_recording_close(recording), 0);
}

static void every_call_replays(void **state)
{
	struct tern_replay_result result;
	static uint8_t whole[1 << 18];
	bool seen[256] = { false };

	(void)state;
	record_every_call();
	assert_int_equal(tern_replay(path, NULL, &result), 0);
	if (!result.identical)
		print_error("%s\n", result.message);
	assert_true(result.identical);

	FILE *const file = fopen(path, "rb");
	const size_t size = fread(whole, 1, sizeof whole, file);
	fclose(file);
	for (size_t at = 16; at + 8 < size;) {
		seen[whole[at + 8]] = true;
		at += 8 + (whole[at] | (size_t)whole[at + 1] << 8 | (size_t)whole[at + 2] << 16);
	}
	for (unsigned op = 1; op < TERN_RECORD_OPS; op++) {
		if (!seen[op])
			print_error("%s is not in the recording\n", tern_record_op_name((enum tern_record_op)op));
		assert_true(seen[op]);
		assert_string_not_equal(tern_record_op_name((enum tern_record_op)op), "?");
	}
}

/* Random bytes changed, checksums put right: whatever the calls then are, the replay ends by itself. */
static void forge(uint64_t random)
{
	FILE *file = fopen(path, "rb");
	static uint8_t whole[1 << 18], changed[1 << 18];
	const size_t n = fread(whole, 1, sizeof whole, file);
	fclose(file);
	assert_in_range(n, 1000, sizeof whole - 1);
	for (unsigned run = 0; run < 300; run++) {
		struct tern_replay_result result;
		memcpy(changed, whole, n);
		for (size_t at = 16u + whole[12]; at + 8 < n;) { /* behind the command line */
			const size_t body = changed[at] | (size_t)changed[at + 1] << 8 | (size_t)changed[at + 2] << 16;
			uint8_t *const p = changed + at + 8;
			random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
			if ((random >> 33) % 20 == 0)
				p[(random >> 40) % body] ^= (uint8_t)(random >> 17);
			const uint32_t crc = record_crc(p, body);
			for (unsigned i = 0; i < 4; i++)
				changed[at + 4 + i] = (uint8_t)(crc >> 8 * i);
			at += 8 + body;
		}
		file = fopen(path, "wb");
		assert_int_equal(fwrite(changed, 1, n, file), n);
		fclose(file);
		/* Whatever it is refused for, it says what. */
		if (tern_replay(path, NULL, &result) != 0)
			assert_true(result.message[0] != '\0' && !result.identical);
	}
}

static void forged_files_do_no_harm(void **state)
{
	(void)state;
	(void)record_run(0);
	forge(1);
	record_every_call();
	forge(2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_replays),
		cmocka_unit_test(failed_allocations_replay),
		cmocka_unit_test(every_call_replays),
		cmocka_unit_test(forged_files_do_no_harm),
	};
	return cmocka_run_group_tests(tests, make_path, drop_path);
}
