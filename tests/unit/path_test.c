/* The way between the hosts of a playground: what enters leaves as its settings and hands say, and nothing leaks. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "play/path.h"

#include <tern/loop.h>

#include <string.h>

enum { LEN = 100 };

static const tern_time MS = TERN_MILLISECOND;

static struct path path;
static unsigned fates[TERN_FATE_TOO_BIG + 1];
static enum tern_fate last_fate;
static tern_time last_arrives;
static unsigned heard; /* bytes told of */
static long blocks;

static void *take(void *context, size_t size, size_t align)
{
	blocks++;
	return tern_allocator_default()->alloc(context, size, align);
}

static void give(void *context, void *block, size_t size)
{
	blocks--;
	tern_allocator_default()->free(context, block, size);
}

static void on_fate(void *context, uint64_t n, const tern_packet *packet, enum tern_fate fate, tern_time arrives)
{
	assert_ptr_equal(context, &path);
	assert_int_equal(n, path.n);
	assert_int_equal(packet->len, LEN);
	fates[fate]++;
	last_fate = fate;
	last_arrives = arrives;
}

static void on_sent(void *context, uint64_t n, const uint8_t *bytes, uint32_t len)
{
	assert_ptr_equal(context, &path);
	assert_int_equal(bytes[0], (uint8_t)n);
	heard += len;
}

static int begin(void **state)
{
	static const struct tern_allocator allocator = { take, give, NULL };

	(void)state;
	memset(fates, 0, sizeof fates);
	heard = 0;
	blocks = 0;
	path_init(&path, &allocator, 1500, 7);
	path.fate = on_fate;
	path.sent = on_sent;
	path.context = &path;
	return 0;
}

static int end(void **state)
{
	(void)state;
	path_done(&path);
	return blocks != 0;
}

/* Number n of the path, in two parts, its first byte n. */
static void send_one(tern_time now)
{
	uint8_t bytes[LEN];
	tern_packet packet = { .n_parts = 2, .len = LEN };

	memset(bytes, 0x5a, sizeof bytes);
	bytes[0] = (uint8_t)(path.n + 1);
	packet.part[0] = (struct tern_packet_part){ .at = bytes, .n = 40 };
	packet.part[1] = (struct tern_packet_part){ .at = bytes + 40, .n = LEN - 40 };
	path_send(&path, &packet, now);
}

/* The marks of what has arrived. */
static size_t arrivals(tern_time now, uint64_t marks[64])
{
	tern_packet *batch[64];
	const size_t n = path_receive(&path, batch, 64, now);

	for (size_t i = 0; i < n; i++)
		marks[i] = batch[i]->mark;
	return n;
}

static void delays(void **state)
{
	uint64_t marks[64];
	tern_packet *batch[4];

	(void)state;
	path.set.delay = 20 * MS;
	assert_int_equal(path_deadline(&path), TERN_NEVER);
	send_one(5);
	send_one(6);
	assert_int_equal(last_arrives, 20 * MS + 6);
	assert_int_equal(path_deadline(&path), 20 * MS + 5);
	assert_int_equal(arrivals(20 * MS + 4, marks), 0);
	assert_int_equal(path_receive(&path, batch, 4, 20 * MS + 5), 1);
	assert_int_equal(batch[0]->mark, 1);
	assert_int_equal(batch[0]->len, LEN);
	assert_int_equal(batch[0]->n_parts, 1);
	assert_int_equal(batch[0]->part[0].at[0], 1);
	assert_int_equal(batch[0]->part[0].at[LEN - 1], 0x5a);
	assert_int_equal(heard, 2 * LEN);
	assert_int_equal(fates[TERN_FATE_DELIVERED], 2);
	/* A shorter delay overtakes nothing. */
	path.set.delay = 0;
	send_one(7);
	assert_int_equal(last_arrives, 20 * MS + 6);
	assert_int_equal(arrivals(20 * MS + 6, marks), 2);
	assert_int_equal(marks[0], 2);
	assert_int_equal(marks[1], 3);
}

static void keeps_to_the_rate_and_its_queue(void **state)
{
	uint64_t marks[64];

	(void)state;
	path.set.rate = 100000; /* a packet a millisecond */
	path.set.limit = 3;
	for (unsigned i = 0; i < 5; i++)
		send_one(0);
	assert_int_equal(fates[TERN_FATE_DELIVERED], 3);
	assert_int_equal(fates[TERN_FATE_QUEUE_FULL], 2);
	assert_int_equal(arrivals(1 * MS - 1, marks), 0);
	assert_int_equal(arrivals(1 * MS, marks), 1);
	send_one(1 * MS); /* one place is free */
	assert_int_equal(last_fate, TERN_FATE_DELIVERED);
	assert_int_equal(last_arrives, 4 * MS);
	send_one(1 * MS);
	assert_int_equal(last_fate, TERN_FATE_QUEUE_FULL);
	assert_int_equal(last_arrives, TERN_NEVER);
	assert_int_equal(arrivals(4 * MS, marks), 3);
	assert_int_equal(marks[2], 6);
}

static void never_holds_more_than_its_bound(void **state)
{
	(void)state;
	path.set.delay = 1000 * MS;
	for (unsigned i = 0; i < PATH_PACKETS + 10; i++)
		send_one(0);
	assert_int_equal(fates[TERN_FATE_DELIVERED], PATH_PACKETS);
	assert_int_equal(fates[TERN_FATE_QUEUE_FULL], 10);
}

static void loses_duplicates_corrupts_and_reorders_by_its_shares(void **state)
{
	uint64_t marks[64];
	unsigned arrived = 0, overtaken = 0;
	uint64_t highest = 0;

	(void)state;
	path.set = (struct path_settings){ .loss = 1000, .duplicate = 1000, .corrupt = 1000, .reorder = 1000 };
	for (unsigned i = 0; i < 10000; i++) {
		send_one(i * MS);
		for (size_t n = arrivals(i * MS, marks); n > 0; n = arrivals(i * MS, marks))
			for (size_t k = 0; k < n; k++, arrived++) {
				overtaken += marks[k] < highest;
				highest = marks[k] > highest ? marks[k] : highest;
			}
	}
	/* A tenth each, of what the ones before it left: six standard deviations. */
	assert_in_range(fates[TERN_FATE_LOST], 1000 - 180, 1000 + 180);
	assert_in_range(fates[TERN_FATE_CORRUPTED], 900 - 180, 900 + 180);
	assert_in_range(fates[TERN_FATE_DUPLICATED], 810 - 180, 810 + 180);
	assert_in_range(fates[TERN_FATE_REORDERED], 729 - 180, 729 + 180);
	assert_in_range(arrived, 9000 + 900 - 360, 9000 + 900 + 360);
	assert_in_range(overtaken, 600, 1400);
}

static void shares_of_none_and_all(void **state)
{
	(void)state;
	path.set.loss = PATH_SHARE;
	for (unsigned i = 0; i < 1000; i++)
		send_one(0);
	assert_int_equal(fates[TERN_FATE_LOST], 1000);
	path.set.loss = 0;
	for (unsigned i = 0; i < 1000; i++)
		send_one(0);
	assert_int_equal(fates[TERN_FATE_DELIVERED], 1000);
}

static void flips_one_bit(void **state)
{
	tern_packet *batch[1];
	unsigned flipped = 0;

	(void)state;
	path.set.corrupt = PATH_SHARE;
	send_one(0);
	assert_int_equal(path_receive(&path, batch, 1, 0), 1);
	for (unsigned i = 0; i < LEN; i++)
		for (uint8_t x = batch[0]->part[0].at[i] ^ (i == 0 ? 1 : 0x5a); x; x = (uint8_t)(x & (x - 1)))
			flipped++;
	assert_int_equal(flipped, 1);
}

/* What is drawn for a packet does not hang on what befell those before it. */
static void one_setting_does_not_shift_another(void **state)
{
	bool lost[200];

	for (unsigned i = 0; i < 200; i++) {
		path.set.loss = 3000;
		send_one(0);
		lost[i] = last_fate == TERN_FATE_LOST;
	}
	(void)end(state);
	(void)begin(state);
	path.set = (struct path_settings){ .loss = 3000, .duplicate = 5000, .jitter = MS, .corrupt = 5000, .rate = 5 };
	for (unsigned i = 0; i < 200; i++) {
		send_one(0);
		assert_int_equal(last_fate == TERN_FATE_LOST, lost[i]);
	}
}

static void jitter_alone_overtakes_nothing(void **state)
{
	uint64_t marks[64], next = 1;
	tern_time at[300], least = TERN_NEVER, most = 0;

	(void)state;
	path.set = (struct path_settings){ .delay = 10 * MS, .jitter = 4 * MS };
	for (unsigned i = 0; i < 300; i++) {
		send_one(i * 20 * MS);
		at[i] = last_arrives - (tern_time)i * 20 * MS;
		least = at[i] < least ? at[i] : least;
		most = at[i] > most ? at[i] : most;
	}
	assert_in_range(least, 6 * MS, 6 * MS + MS / 4);
	assert_in_range(most, 14 * MS - MS / 4, 14 * MS);
	for (unsigned i = 0; i < 10; i++)
		send_one(300 * 20 * MS);
	for (size_t n = arrivals(TERN_NEVER - 1, marks); n > 0; n = arrivals(TERN_NEVER - 1, marks))
		for (size_t k = 0; k < n; k++)
			assert_int_equal(marks[k], next++);
	assert_int_equal(next, 311);
}

static void drops_holds_and_releases_by_number(void **state)
{
	uint64_t marks[64];
	bool held = true;

	(void)state;
	path.set.delay = 10 * MS;
	for (unsigned i = 0; i < 4; i++)
		send_one(i);
	assert_true(path_is_under_way(&path, 2, &held));
	assert_false(held);
	path_drop(&path, 2);
	assert_false(path_is_under_way(&path, 2, &held));
	path_hold(&path, 1);
	assert_true(path_is_under_way(&path, 1, &held));
	assert_true(held);
	path_hold(&path, 3);
	path_drop(&path, 3); /* held or not */
	assert_int_equal(arrivals(10 * MS + 5, marks), 1);
	assert_int_equal(marks[0], 4);
	assert_int_equal(path_deadline(&path), TERN_NEVER);
	path_release(&path, 1, 12 * MS);
	assert_int_equal(path_deadline(&path), 12 * MS);
	assert_int_equal(arrivals(12 * MS, marks), 1);
	assert_int_equal(marks[0], 1);
	assert_false(path_is_under_way(&path, 1, &held));
}

static void takes_both_copies(void **state)
{
	uint64_t marks[64];
	bool held;

	(void)state;
	path.set.delay = 10 * MS;
	path.set.duplicate = PATH_SHARE;
	send_one(0);
	send_one(0);
	path_drop(&path, 1);
	path_hold(&path, 2);
	assert_true(path_is_under_way(&path, 2, &held));
	assert_int_equal(arrivals(20 * MS, marks), 0);
	path_release(&path, 2, 30 * MS);
	assert_int_equal(arrivals(30 * MS, marks), 2);
	assert_int_equal(marks[0] + marks[1], 4);
	send_one(40 * MS);
	path_hold(&path, 3); /* what is still held at the end is let go of */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(delays, begin, end),
		cmocka_unit_test_setup_teardown(keeps_to_the_rate_and_its_queue, begin, end),
		cmocka_unit_test_setup_teardown(never_holds_more_than_its_bound, begin, end),
		cmocka_unit_test_setup_teardown(loses_duplicates_corrupts_and_reorders_by_its_shares, begin, end),
		cmocka_unit_test_setup_teardown(shares_of_none_and_all, begin, end),
		cmocka_unit_test_setup_teardown(flips_one_bit, begin, end),
		cmocka_unit_test_setup_teardown(one_setting_does_not_shift_another, begin, end),
		cmocka_unit_test_setup_teardown(jitter_alone_overtakes_nothing, begin, end),
		cmocka_unit_test_setup_teardown(drops_holds_and_releases_by_number, begin, end),
		cmocka_unit_test_setup_teardown(takes_both_copies, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
