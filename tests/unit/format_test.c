/* record/format.c: what is written is read again; what is cut short or unknown is told from a call. */
#include "record/format.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void crc_is_that_of_zlib(void **state)
{
	(void)state;
	assert_int_equal(record_crc((const uint8_t *)"123456789", 9), 0xcbf43926u);
	assert_int_equal(record_crc((const uint8_t *)"", 0), 0);
}

/* A few calls that between them use every kind of field. */
static void calls_come_again(void **state)
{
	static const struct tern_open open = { .remote = { .addr = { { 1, 2, 3 } }, .zone = 7, .port = 80 },
					       .local = { .addr = { { 9 } }, .port = 40000 },
					       .cookie = UINT64_C(0x1122334455667788) };
	static const struct tern_listen listen = { .local = { .port = 80 }, .backlog = 12, .any = true, .cookie = 5 };
	static const struct tern_addr prefix = { { 10 } }, hop = { { 11 } };
	const struct tern_record_call calls[] = {
		{ .op = TERN_RECORD_CONNECT, .data = &open },
		{ .op = TERN_RECORD_LISTEN, .data = &listen },
		{ .op = TERN_RECORD_ADD_ROUTE, .a = 1, .b = 24, .data = &prefix, .more = &hop },
		{ .op = TERN_RECORD_SEND, .socket = { 3, 4 }, .a = 1, .data = "hello", .n = 5 },
		{ .op = TERN_RECORD_OPTION_SET, .socket = { 3, 4 }, .a = 2, .b = -1 },
		{ .op = TERN_RECORD_ADVANCE, .now = INT64_C(1) << 40 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		struct record_buffer buffer = { .at = NULL };
		struct record_call record;
		record_put_call(&buffer, 5, &calls[i]);
		assert_false(buffer.failed);
		assert_true(record_get_call(&record, buffer.at, buffer.n));
		assert_int_equal(record.host, 5);
		assert_int_equal(record.call.op, calls[i].op);
		assert_int_equal(record.call.now, calls[i].now);
		assert_int_equal(record.call.a, calls[i].a);
		assert_int_equal(record.call.b, calls[i].b);
		assert_int_equal(record.call.socket.index, calls[i].socket.index);
		assert_int_equal(record.call.socket.generation, calls[i].socket.generation);
		if (calls[i].op == TERN_RECORD_CONNECT)
			assert_memory_equal(&record.u.open.remote.addr, &open.remote.addr, 16);
		if (calls[i].op == TERN_RECORD_CONNECT)
			assert_true(record.u.open.cookie == open.cookie && record.u.open.local.port == 40000);
		if (calls[i].op == TERN_RECORD_LISTEN)
			assert_true(record.u.listen.any && !record.u.listen.ask && record.u.listen.backlog == 12);
		if (calls[i].op == TERN_RECORD_ADD_ROUTE)
			assert_memory_equal(record.call.more, &hop, sizeof hop);
		if (calls[i].op == TERN_RECORD_SEND)
			assert_memory_equal(record.call.data, "hello", 5);
		free(buffer.at);
	}
}

static void short_bodies_are_no_calls(void **state)
{
	static const struct tern_open open = { .remote = { .port = 80 } };
	const struct tern_record_call call = { .op = TERN_RECORD_CONNECT, .data = &open };
	struct record_buffer buffer = { .at = NULL };
	struct record_call record;
	(void)state;
	record_put_call(&buffer, 0, &call);
	for (size_t n = 0; n < buffer.n; n++)
		assert_false(record_get_call(&record, buffer.at, n));
	buffer.at[0] = 199; /* no such kind */
	assert_false(record_get_call(&record, buffer.at, buffer.n));
	buffer.at[0] = 0;
	assert_false(record_get_call(&record, buffer.at, buffer.n));
	free(buffer.at);
}

static void packets_come_again(void **state)
{
	tern_packet one = { .part = { { .at = (const uint8_t *)"head", .n = 4 },
				      { .at = (const uint8_t *)"text", .n = 4 } },
			    .n_parts = 2,
			    .len = 8,
			    .link = 3,
			    .id = 99,
			    .mark = 7,
			    .gso_size = 1448 };
	tern_packet *const batch[] = { &one, &one };
	const struct tern_record_call call = { .op = TERN_RECORD_OUTPUT_MADE, .data = batch, .n = 2 };
	struct record_buffer buffer = { .at = NULL };
	struct record_call record;
	tern_packet again;
	(void)state;
	record_put_call(&buffer, 1, &call);
	assert_true(record_get_call(&record, buffer.at, buffer.n));
	assert_int_equal(record.call.n, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(record_get_packet(&record.rest, &again));
		assert_int_equal(again.len, 8);
		assert_memory_equal(again.part[0].at, "headtext", 8);
		assert_true(again.id == 99 && again.mark == 7 && again.link == 3 && again.gso_size == 1448);
	}
	assert_false(record_get_packet(&record.rest, &again));
	free(buffer.at);
}

static void settings_come_again(void **state)
{
	struct tern_config config, again;
	struct record_buffer buffer = { .at = NULL };
	struct record_call record;
	char name[64], cc[64];
	(void)state;
	tern_config_default(&config);
	for (unsigned i = 0; i < sizeof config.secret; i++)
		config.secret[i] = (uint8_t)(i * 7);
	config.msl = 5;
	config.no_sack = true;
	config.port_high = 50001;
	config.memory_limit = 12345678;
	config.congestion_control = "reno";
	record_put_create(&buffer, 2, &config, "client", 42);
	assert_true(record_get_call(&record, buffer.at, buffer.n));
	assert_int_equal(record.kind, RECORD_CREATE);
	assert_int_equal(record.call.now, 42);
	assert_true(record_get_create(&record, &again, name, cc));
	assert_string_equal(name, "client");
	assert_string_equal(again.congestion_control, "reno");
	assert_memory_equal(again.secret, config.secret, sizeof config.secret);
	assert_true(again.msl == 5 && again.no_sack && !again.no_timestamps && again.port_high == 50001);
	assert_true(again.memory_limit == 12345678 && again.rto_min == config.rto_min);
	free(buffer.at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_is_that_of_zlib),	    cmocka_unit_test(calls_come_again),
		cmocka_unit_test(short_bodies_are_no_calls), cmocka_unit_test(packets_come_again),
		cmocka_unit_test(settings_come_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
