/* The ring between two threads: what goes in comes out, in order, whole, until the reader lets go of it. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "link/ring.h"

enum { TAKE = 16 };

static struct ring ring;
static uint8_t	   text[70000];

static int setup(void **state)
{
	*state = aligned_alloc(RING_LINE, RING_LEAST);
	if (!*state)
		return -1;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (uint8_t)(i * 11 + i / 251);
	ring_init(&ring, *state, RING_LEAST);
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* In two parts, as a host makes them. */
static bool put(uint32_t n, uint64_t mark)
{
	tern_packet packet = { .len = n, .mark = mark, .link = 3, .gso_size = 9, .gso_headers = 8, .csum_start = 7,
			       .csum_offset = 6, .checksum_offload = true, .n_parts = 2 };

	packet.part[0] = (struct tern_packet_part){ .at = text, .n = n / 3 };
	packet.part[1] = (struct tern_packet_part){ .at = text + n / 3, .n = n - n / 3 };
	return ring_put(&ring, &packet);
}

static size_t take(tern_packet packet[TAKE], size_t room)
{
	tern_packet *packets[TAKE];

	for (size_t i = 0; i < TAKE; i++)
		packets[i] = &packet[i];
	return ring_take(&ring, packets, room);
}

static void a_packet_keeps_all_that_describes_it(void **state)
{
	static tern_packet packet[TAKE];

	(void)state;
	assert_false(ring_has(&ring));
	assert_int_equal(take(packet, TAKE), 0);
	assert_true(put(1000, 42));
	assert_true(ring_has(&ring));
	assert_int_equal(take(packet, TAKE), 1);
	assert_int_equal(packet[0].len, 1000);
	assert_int_equal(packet[0].n_parts, 1);
	assert_int_equal(packet[0].part[0].n, 1000);
	assert_memory_equal(packet[0].part[0].at, text, 1000);
	assert_int_equal(packet[0].mark, 42);
	assert_int_equal(packet[0].link, 3);
	assert_int_equal(packet[0].gso_size, 9);
	assert_int_equal(packet[0].gso_headers, 8);
	assert_int_equal(packet[0].csum_start, 7);
	assert_int_equal(packet[0].csum_offset, 6);
	assert_true(packet[0].checksum_offload);
	assert_null(packet[0].host);
	assert_false(ring_has(&ring));
	ring_let_go(&ring);
}

/* Sizes of every kind, so that packets end everywhere before the end of the ring, and at it. */
static void it_goes_round(void **state)
{
	static tern_packet packet[TAKE];
	uint64_t	   in = 0, out = 0;
	uint32_t	   size = 0;

	(void)state;
	while (out < 20000) {
		while (put(size, in)) {
			in++;
			size = (size * 7 + 41) % 3001 + (in % 97 == 0 ? 62000 : 0);
		}
		assert_true(in > out); /* whatever lies where, one packet fits */
		const size_t n = take(packet, 1 + in % TAKE);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(packet[i].mark, out++);
			assert_memory_equal(packet[i].part[0].at, text, packet[i].len);
		}
		ring_let_go(&ring);
	}
}

static void what_is_lent_is_not_written_over(void **state)
{
	static tern_packet packet[TAKE];
	uint64_t	   n = 0;

	(void)state;
	assert_true(put(60000, 0));
	assert_int_equal(take(packet, 1), 1);
	while (put(5000, ++n))
		assert_true(n < 1000);
	assert_memory_equal(packet[0].part[0].at, text, 60000);
	ring_let_go(&ring);
	assert_true(put(5000, n));
	assert_false(put(sizeof text, 0)); /* longer than any packet */
}

static void *write_all(void *context)
{
	const uint64_t *const n = context;

	for (uint64_t i = 0; i < *n;)
		if (put((uint32_t)(i * 13 % 2000), i))
			i++;
		else
			sched_yield();
	return NULL;
}

static void two_threads_see_the_same(void **state)
{
	static tern_packet packet[TAKE];
	uint64_t	   n = 50000, out = 0;
	pthread_t	   writer;

	(void)state;
	assert_int_equal(pthread_create(&writer, NULL, write_all, &n), 0);
	while (out < n) {
		const size_t got = take(packet, TAKE);

		for (size_t i = 0; i < got; i++, out++) {
			assert_int_equal(packet[i].mark, out);
			assert_int_equal(packet[i].len, out * 13 % 2000);
			assert_memory_equal(packet[i].part[0].at, text, packet[i].len);
		}
		ring_let_go(&ring);
		if (got == 0)
			sched_yield();
	}
	assert_int_equal(pthread_join(writer, NULL), 0);
}

static void a_bell_is_taken_once(void **state)
{
	struct bell bell = { .armed = false };

	(void)state;
	assert_false(bell_take(&bell)); /* nobody sleeps */
	assert_true(bell_arm(&bell));
	assert_false(bell_arm(&bell)); /* still */
	assert_true(bell_take(&bell));
	assert_false(bell_take(&bell)); /* one wakes */
	assert_false(bell_disarm(&bell)); /* and it is heard of */
	assert_true(bell_arm(&bell));
	assert_true(bell_disarm(&bell));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_packet_keeps_all_that_describes_it, setup, teardown),
		cmocka_unit_test_setup_teardown(it_goes_round, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_lent_is_not_written_over, setup, teardown),
		cmocka_unit_test_setup_teardown(two_threads_see_the_same, setup, teardown),
		cmocka_unit_test(a_bell_is_taken_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
