/* Frames through AF_XDP sockets, in a network namespace of the test's own. TCP over them: interop/perf_test.py.
 *
 *     link on v0  ===  veth pair  ===  link on v1
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <tern/device.h>
#include <tern/loop.h>

#include "base/bytes.h"
#include "link/netdev.h"
#include "support/netns.h"
#include "support/veth.h"

enum { ROUNDS = 4000, BATCH = 64, LEAST = 60, AROUND = 5000, AGAIN = 40 };

static const uint32_t TRIAL = 0xffffffff; /* the seed of frames that try whether there is a way */
static unsigned	      trials;		  /* of them that came */

static int open_on(const char *name, struct tern_link **link)
{
	return tern_xdp_create(link, &(struct tern_xdp){ .name = name, .up = true }, tern_allocator_default());
}

static size_t send_bytes(struct tern_link *link, const uint8_t *bytes, uint32_t n)
{
	tern_packet  packet = { .n_parts = 2, .len = n };
	tern_packet *batch[] = { &packet };

	packet.part[0] = (struct tern_packet_part){ .at = bytes, .n = 14 };
	packet.part[1] = (struct tern_packet_part){ .at = bytes + 14, .n = n - 14 };
	return link->ops->send(link, batch, 1, 0);
}

/* What comes at once, but for trials, which may come late. */
static size_t look(struct tern_link *link, tern_packet *batch[], size_t room)
{
	const size_t came = link->ops->receive(link, batch, room, 0);
	size_t	     n = 0;

	for (size_t i = 0; i < came; i++) {
		if (get32(batch[i]->part[0].at + 14) == TRIAL)
			trials++;
		else
			batch[n++] = batch[i];
	}
	return n;
}

/* What comes within a moment: at most room. */
static size_t receive(struct tern_link *link, tern_packet *batch[], size_t room)
{
	struct pollfd ready = { .fd = link->ops->fd(link), .events = POLLIN };

	for (int i = 0; i < ROUNDS; i++) {
		const size_t n = look(link, batch, room);
		if (n > 0)
			return n;
		(void)poll(&ready, 1, 5);
	}
	return 0;
}

static void fill(uint8_t *frame, uint32_t n, uint32_t seed)
{
	for (unsigned i = 0; i < n; i++)
		frame[i] = (uint8_t)(i + seed);
	memcpy(frame, "\x02\x77\x77\x77\x77\x01\x02\x88\x88\x88\x88\x02\x88\xb5", 14);
	put32(frame + 14, seed);
}

static void open_both(struct tern_link *end[2])
{
	uint8_t	     frame[LEAST];
	tern_packet *batch[BATCH];

	assert_true(veth_make("v0", "v1"));
	assert_int_equal(open_on("v0", &end[0]), 0);
	assert_int_equal(open_on("v1", &end[1]), 0);
	/* What is sent before an interface has its queue is lost. */
	for (int i = 0; i < 2; i++) {
		struct tern_link *const to = end[1 - i];
		struct pollfd		ready = { .fd = to->ops->fd(to), .events = POLLIN };
		const unsigned		before = trials;
		fill(frame, LEAST, TRIAL);
		for (int k = 0; k < ROUNDS && trials == before; k++) {
			(void)send_bytes(end[i], frame, LEAST);
			(void)poll(&ready, 1, 5);
			assert_int_equal(look(to, batch, BATCH), 0);
		}
		assert_true(trials > before);
	}
}

static void close_both(struct tern_link *end[2])
{
	end[0]->ops->close(end[0]);
	end[1]->ops->close(end[1]);
	veth_delete("v0");
}

static void frames_pass_both_ways(void **state)
{
	struct tern_link *end[2];
	uint8_t		  frame[1514], mac[6];
	tern_packet	 *batch[BATCH];

	(void)state;
	open_both(end);
	assert_int_equal(netdev_get_mac("v1", mac), 0);
	assert_memory_equal(end[1]->config.mac, mac, 6);
	assert_int_equal(end[0]->config.mtu, 1500);
	assert_true(end[0]->config.ethernet && !end[0]->config.gso && !end[0]->config.checksum_offload);
	for (uint32_t i = 0; i < 4; i++) {
		const uint32_t n = i < 2 ? LEAST : sizeof frame;
		fill(frame, n, i);
		assert_int_equal(send_bytes(end[i & 1], frame, n), 1);
		assert_int_equal(receive(end[1 - (i & 1)], batch, BATCH), 1);
		assert_int_equal(batch[0]->len, n);
		assert_memory_equal(batch[0]->part[0].at, frame, n);
		assert_int_equal(((uintptr_t)batch[0]->part[0].at + 14) % 4, 0); /* the IP header */
	}
	assert_int_equal(look(end[0], batch, BATCH), 0);
	close_both(end);
}

/* More than there are chunks, so that each ring goes round, and in order. */
static void rings_go_round(void **state)
{
	struct tern_link	*end[2];
	struct tern_device_stats before[2], after[2];
	uint8_t			 frame[LEAST];
	tern_packet		*batch[BATCH];

	(void)state;
	open_both(end);
	const unsigned trials_before = trials;
	for (int i = 0; i < 2; i++)
		tern_device_stats(end[i], &before[i]);
	for (uint32_t sent = 0, seen = 0; seen < AROUND;) {
		for (int i = 0; i < 20 && sent < AROUND; i++) {
			fill(frame, LEAST, sent);
			if (send_bytes(end[0], frame, LEAST) == 0)
				break;
			sent++;
		}
		const size_t n = receive(end[1], batch, BATCH);
		assert_true(n > 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(get32(batch[i]->part[0].at + 14), seen++);
	}
	for (int i = 0; i < 2; i++)
		tern_device_stats(end[i], &after[i]);
	assert_int_equal(after[0].packets_out - before[0].packets_out, AROUND);
	const unsigned late = trials - trials_before;
	assert_int_equal(after[1].packets_in - before[1].packets_in, AROUND + late);
	assert_int_equal(after[1].bytes_in - before[1].bytes_in, (AROUND + late) * LEAST);
	assert_int_equal(after[0].dropped_out + after[1].dropped_in, 0);
	close_both(end);
}

static void too_long_is_refused(void **state)
{
	static uint8_t		 frame[4096];
	struct tern_link	*end[2];
	struct tern_device_stats stats;
	tern_packet		*batch[BATCH];

	(void)state;
	open_both(end);
	fill(frame, sizeof frame, 1);
	assert_int_equal(send_bytes(end[0], frame, sizeof frame), 1);
	tern_device_stats(end[0], &stats);
	assert_int_equal(stats.dropped_out, 1);
	assert_int_equal(send_bytes(end[0], frame, LEAST), 1);
	assert_int_equal(receive(end[1], batch, BATCH), 1);
	assert_int_equal(batch[0]->len, LEAST);
	close_both(end);
}

/* A queue is free again when the system has cleared up, in its own time: on a busy machine, seconds. */
static int open_again(const char *name, struct tern_link **link)
{
	int error = -EBUSY;

	for (int i = 0; i < AGAIN && error == -EBUSY; i++)
		error = open_on(name, link);
	return error;
}

static void a_queue_has_one_owner(void **state)
{
	struct tern_link *end[2], *other;

	(void)state;
	open_both(end);
	assert_int_equal(open_on("v0", &other), -EBUSY);
	end[0]->ops->close(end[0]);
	assert_int_equal(open_again("v0", &end[0]), 0); /* all of it was given back */
	close_both(end);
}

static void a_device_that_is_gone_ends_the_link(void **state)
{
	struct tern_link *end[2];
	tern_packet	 *batch[BATCH];
	uint8_t		  frame[LEAST];

	(void)state;
	open_both(end);
	veth_delete("v0");
	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < ROUNDS && tern_device_error(end[i]) == 0; k++) {
			assert_int_equal(look(end[i], batch, BATCH), 0);
			(void)poll(NULL, 0, 5);
		}
		assert_int_equal(tern_device_error(end[i]), -ENODEV);
		assert_int_equal(end[i]->ops->fd(end[i]), -1);
		fill(frame, LEAST, 1);
		assert_int_equal(send_bytes(end[i], frame, LEAST), 1); /* lost */
	}
	close_both(end);
}

static void wrong_settings_are_named(void **state)
{
	const struct {
		struct tern_xdp settings;
		int		error;
	} cases[] = {
		{ { .name = "nobody" }, -ENODEV },
		{ { .name = "lo" }, -ENODEV }, /* no Ethernet */
		{ { .name = NULL }, -EINVAL },
		{ { .name = "a-name-of-16-by." }, -EINVAL },
		{ { .name = "v0", .mtu = 67 }, -EINVAL },
		{ { .name = "v0", .mtu = 3821 }, -EINVAL },
		{ { .name = "v0", .queue = 64 }, -EINVAL },
		{ { .name = "v0", .queue = 63, .up = true }, -EINVAL }, /* it has no such queue */
		{ { .name = "v0", .mac = { 1, 2, 3, 4, 5, 6 } }, -EINVAL }, /* a group's */
		{ { .name = "v0", .netns = "/nowhere" }, -ENOENT },
	};
	struct tern_link *link;

	(void)state;
	assert_true(veth_make("v0", "v1"));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(tern_xdp_create(&link, &cases[i].settings, tern_allocator_default()), cases[i].error);
	assert_int_equal(tern_xdp_create(&link, NULL, tern_allocator_default()), -EINVAL);
	veth_delete("v0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_pass_both_ways), cmocka_unit_test(rings_go_round),
		cmocka_unit_test(too_long_is_refused),	 cmocka_unit_test(a_queue_has_one_owner),
		cmocka_unit_test(a_device_that_is_gone_ends_the_link), cmocka_unit_test(wrong_settings_are_named),
	};
	struct tern_link *link;
	const char	 *why;

	if (!netns_enter(&why)) {
		printf("skipped: %s\n", why);
		return 77;
	}
	if (!veth_make("v0", "v1")) {
		printf("skipped: no veth pair can be made here\n");
		return 77;
	}
	const int error = open_on("v0", &link);
	if (error == 0)
		link->ops->close(link);
	veth_delete("v0");
	if (error != 0) {
		printf("skipped: no AF_XDP socket can be had here (%s)\n", strerror(-error));
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
