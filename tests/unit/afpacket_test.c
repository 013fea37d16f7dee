/* Frames through packet sockets, in a network namespace of the test's own. TCP over them: tap_test.c.
 *
 *     link on v0  ===  veth pair  ===  link on v1
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <tern/device.h>
#include <tern/loop.h>

#include "base/bytes.h"
#include "link/netdev.h"
#include "support/netns.h"
#include "support/veth.h"
#include "wire/checksum.h"
#include "wire/ip.h"

enum { ROUNDS = 4000, BATCH = 64, LEAST = 60 };

static bool ring; /* every test is run twice */

static struct tern_link *open_end(const char *name, bool plain)
{
	const struct tern_afpacket settings = { .name = name, .plain = plain, .up = true, .ring = ring };
	struct tern_link	  *link;

	assert_int_equal(tern_afpacket_create(&link, &settings, tern_allocator_default()), 0);
	return link;
}

static size_t send_bytes(struct tern_link *link, const uint8_t *bytes, uint32_t n, unsigned times)
{
	tern_packet  packet = { .part[0] = { .at = bytes, .n = n }, .n_parts = 1, .len = n };
	tern_packet *batch[BATCH];

	for (unsigned i = 0; i < times; i++)
		batch[i] = &packet;
	return link->ops->send(link, batch, times, 0);
}

/* What comes within a moment: at most room. */
static size_t receive(struct tern_link *link, tern_packet *batch[], size_t room)
{
	struct pollfd look = { .fd = link->ops->fd(link), .events = POLLIN };

	for (int i = 0; i < ROUNDS; i++) {
		const size_t n = link->ops->receive(link, batch, room, 0);
		if (n > 0)
			return n;
		(void)poll(&look, 1, 5);
	}
	return 0;
}

static void fill(uint8_t *frame, uint16_t type, uint8_t seed)
{
	for (unsigned i = 0; i < LEAST; i++)
		frame[i] = (uint8_t)(i + seed);
	memcpy(frame, "\x02\x77\x77\x77\x77\x01\x02\x88\x88\x88\x88\x02", 12); /* to a station that is not there */
	put16(frame + 12, type);
}

/* What is sent before is lost: an interface has its queue some moments after its carrier. */
static void await_path(struct tern_link *from, struct tern_link *to)
{
	struct pollfd look = { .fd = to->ops->fd(to), .events = POLLIN };
	uint8_t	      frame[LEAST];
	tern_packet  *batch[BATCH];
	bool	      came = false;

	fill(frame, 0x88b6, 0);
	for (int i = 0; i < ROUNDS && !came; i++) {
		(void)send_bytes(from, frame, LEAST, 1);
		(void)poll(&look, 1, 5);
		came = to->ops->receive(to, batch, BATCH, 0) > 0;
	}
	assert_true(came);
	while (poll(&look, 1, ring ? 50 : 5) > 0) /* a block may be closed late */
		(void)to->ops->receive(to, batch, BATCH, 0);
}

static void open_both(struct tern_link *end[2])
{
	assert_true(veth_make("v0", "v1"));
	end[0] = open_end("v0", true);
	end[1] = open_end("v1", true);
	await_path(end[0], end[1]);
	await_path(end[1], end[0]);
}

static void close_both(struct tern_link *end[2])
{
	end[0]->ops->close(end[0]);
	end[1]->ops->close(end[1]);
	veth_delete("v0");
}

static void a_frame_passes_whoever_it_is_for(void **state)
{
	struct tern_link *end[2];
	uint8_t		  frame[LEAST];
	tern_packet	 *batch[BATCH];

	(void)state;
	open_both(end);
	assert_int_equal(end[0]->config.mtu, 1500);
	assert_true(end[0]->config.ethernet && !end[0]->config.gso && !end[0]->config.checksum_offload);
	fill(frame, 0x88b5, 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(send_bytes(end[i], frame, LEAST, 1), 1);
		assert_int_equal(receive(end[1 - i], batch, BATCH), 1);
		assert_int_equal(batch[0]->len, LEAST);
		assert_memory_equal(batch[0]->part[0].at, frame, LEAST);
	}
	/* Not what this end sent itself. */
	assert_int_equal(end[0]->ops->receive(end[0], batch, BATCH, 0), 0);
	assert_int_equal(end[1]->ops->receive(end[1], batch, BATCH, 0), 0);
	close_both(end);
}

static void batches_come_whole_and_in_order(void **state)
{
	struct tern_link	*end[2];
	static uint8_t		 frames[BATCH][LEAST];
	tern_packet		 packet[BATCH], *batch[BATCH];
	struct tern_device_stats before[2], stats;
	unsigned		 seen = 0;

	(void)state;
	open_both(end);
	tern_device_stats(end[0], &before[0]);
	tern_device_stats(end[1], &before[1]);
	for (unsigned i = 0; i < BATCH; i++) {
		fill(frames[i], 0x88b5, (uint8_t)i);
		packet[i] = (tern_packet){ .n_parts = 2, .len = LEAST };
		packet[i].part[0] = (struct tern_packet_part){ .at = frames[i], .n = 14 };
		packet[i].part[1] = (struct tern_packet_part){ .at = frames[i] + 14, .n = LEAST - 14 };
		batch[i] = &packet[i];
	}
	assert_int_equal(end[0]->ops->send(end[0], batch, BATCH, 0), BATCH);
	while (seen < BATCH) {
		const size_t n = receive(end[1], batch, 7);
		assert_in_range(n, 1, 7);
		for (size_t i = 0; i < n; i++)
			assert_memory_equal(batch[i]->part[0].at, frames[seen++], LEAST);
		/* What was read and not handed out yet needs no descriptor to become readable. */
		if (seen % 32 != 0 && !ring) /* blocks end at other places */
			assert_true(end[1]->ops->deadline(end[1]) == INT64_MIN);
	}
	assert_true(end[1]->ops->deadline(end[1]) == TERN_NEVER);
	tern_device_stats(end[0], &stats);
	assert_int_equal(stats.packets_out - before[0].packets_out, BATCH);
	assert_int_equal(stats.bytes_out - before[0].bytes_out, BATCH * LEAST);
	tern_device_stats(end[1], &stats);
	assert_int_equal(stats.packets_in - before[1].packets_in, BATCH);
	assert_int_equal(stats.bytes_in - before[1].bytes_in, BATCH * LEAST);
	assert_int_equal(stats.dropped_in, 0);
	close_both(end);
}

static void a_vlan_tag_passes(void **state)
{
	static const uint16_t types[] = { 0x8100, 0x88a8 };
	struct tern_link     *end[2];
	uint8_t		      frame[LEAST];
	tern_packet	     *batch[BATCH];

	(void)state;
	open_both(end);
	for (int i = 0; i < 2; i++) {
		fill(frame, types[i], 1);
		put16(frame + 14, 0x6005); /* priority 3, VLAN 5 */
		put16(frame + 16, 0x88b5);
		assert_int_equal(send_bytes(end[0], frame, LEAST, 1), 1);
		assert_int_equal(receive(end[1], batch, BATCH), 1);
		assert_int_equal(batch[0]->len, LEAST);
		assert_memory_equal(batch[0]->part[0].at, frame, LEAST);
	}
	close_both(end);
}

/* A program's datagrams, to everybody on v0: the kernel leaves their sums to the device, and of n octets above 1000 the
 * cutting too. */
static void send_datagrams(uint8_t first, size_t n)
{
	const struct tern_addr	 addr = { .b = { [10] = 0xff, [11] = 0xff, 10, 66, 66, 1 } };
	const struct sockaddr_in all = { .sin_family = AF_INET, .sin_port = htons(9),
					 .sin_addr.s_addr = htonl(0x0a4242ff) };
	static uint8_t		 text[3000];
	const int		 fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = 1000, on = 1;

	for (size_t i = 0; i < n; i++)
		text[i] = (uint8_t)(first + i / 1000);
	assert_int_equal(netdev_add_address("v0", &addr, 24), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size), 0);
	assert_int_equal(sendto(fd, text, n, 0, (const struct sockaddr *)&all, sizeof all), n);
	close(fd);
}

/* What the system itself sends there is no frame that arrives. */
static void what_the_system_sends_is_not_seen(void **state)
{
	struct tern_link *end[2];
	tern_packet	 *batch[BATCH];

	(void)state;
	open_both(end);
	send_datagrams(0, 1000);
	assert_int_equal(receive(end[1], batch, BATCH), 1);
	assert_int_equal(end[0]->ops->receive(end[0], batch, BATCH, 0), 0);
	close_both(end);
}

static bool is_promiscuous(const char *name)
{
	char  line[512], command[64];
	bool  is = false;
	FILE *out;

	(void)snprintf(command, sizeof command, "ip -d link show %s", name);
	out = popen(command, "r");
	assert_non_null(out);
	while (fgets(line, sizeof line, out))
		is |= strstr(line, "promiscuity 1 ") != NULL;
	assert_int_equal(pclose(out), 0);
	return is;
}

static void it_is_promiscuous_as_long_as_it_is_open(void **state)
{
	(void)state;
	assert_true(veth_make("v0", "v1"));
	struct tern_link *const link = open_end("v0", true);
	assert_true(is_promiscuous("v0"));
	link->ops->close(link);
	assert_false(is_promiscuous("v0"));
	veth_delete("v0");
}

static void joined_datagrams_come_one_by_one(void **state)
{
	(void)state;
	for (int plain = 0; plain < 2; plain++) {
		tern_packet *batch[BATCH];
		unsigned     seen = 0;

		assert_true(veth_make("v0", "v1"));
		struct tern_link *const link = open_end("v1", plain), *const other = open_end("v0", true);
		await_path(other, link);
		other->ops->close(other);
		send_datagrams(0, 3000);
		send_datagrams(3, 1000);
		while (seen < 4) {
			const size_t n = receive(link, batch, BATCH);
			assert_true(n > 0);
			for (size_t i = 0; i < n; i++) {
				const uint8_t *const at = batch[i]->part[0].at;
				struct ip_header     ip;
				if (batch[i]->len < 42 || get16(at + 12) != 0x0800)
					continue;
				assert_int_equal(batch[i]->len, 14 + 20 + 8 + 1000);
				assert_int_equal(ip_wire_parse(&ip, at + 14, batch[i]->len - 14), IP_PARSED);
				assert_int_equal(ip.payload_len, 1008);
				assert_int_equal(ip.payload[8], seen++);
				uint32_t sum = checksum_pseudo(&ip.src, &ip.dst, 17, 1008);
				sum = checksum_add(sum, ip.payload, 1008);
				assert_true(plain ? checksum_is_right(sum) : batch[i]->checksum_offload);
			}
		}
		link->ops->close(link);
		veth_delete("v0");
	}
}

static void a_device_that_is_down_loses_and_comes_back(void **state)
{
	struct tern_link	*end[2];
	struct tern_device_stats stats;
	uint8_t			 frame[LEAST];
	tern_packet		*batch[BATCH];

	(void)state;
	open_both(end);
	fill(frame, 0x88b5, 1);
	assert_int_equal(netdev_down("v0"), 0);
	assert_int_equal(end[0]->ops->receive(end[0], batch, BATCH, 0), 0);
	assert_int_equal(send_bytes(end[0], frame, LEAST, 3), 3);
	tern_device_stats(end[0], &stats);
	assert_int_equal(stats.dropped_out, 3);
	assert_int_equal(tern_device_error(end[0]), 0);
	assert_int_equal(netdev_up("v0"), 0);
	await_path(end[0], end[1]);
	assert_int_equal(send_bytes(end[0], frame, LEAST, 1), 1);
	assert_int_equal(receive(end[1], batch, BATCH), 1);
	close_both(end);
}

static void too_long_is_refused_and_what_follows_is_not(void **state)
{
	static uint8_t		 frame[2000];
	struct tern_link	*end[2];
	struct tern_device_stats before, stats;
	tern_packet		*batch[BATCH];
	tern_packet		 packet[3];

	(void)state;
	open_both(end);
	tern_device_stats(end[0], &before);
	fill(frame, 0x88b5, 1);
	for (unsigned i = 0; i < 3; i++) {
		const uint32_t n = i == 1 ? 2000 : LEAST;
		packet[i] = (tern_packet){ .part[0] = { .at = frame, .n = n }, .n_parts = 1, .len = n };
		batch[i] = &packet[i];
	}
	assert_int_equal(end[0]->ops->send(end[0], batch, 3, 0), 3);
	tern_device_stats(end[0], &stats);
	assert_int_equal(stats.packets_out - before.packets_out, 2);
	assert_int_equal(stats.dropped_out, 1);
	size_t came = receive(end[1], batch, BATCH);
	if (came == 1) /* the ring's block was closed between the two */
		came += receive(end[1], batch, BATCH);
	assert_int_equal(came, 2);
	close_both(end);
}

static void a_device_that_is_gone_ends_the_link(void **state)
{
	struct tern_link *end[2];
	uint8_t		  frame[LEAST];
	tern_packet	 *batch[BATCH];

	(void)state;
	open_both(end);
	fill(frame, 0x88b5, 1);
	veth_delete("v0");
	assert_int_equal(end[0]->ops->receive(end[0], batch, BATCH, 0), 0);
	assert_int_equal(tern_device_error(end[0]), -ENODEV);
	assert_int_equal(end[0]->ops->fd(end[0]), -1);
	assert_int_equal(send_bytes(end[1], frame, LEAST, 2), 2);
	assert_int_equal(tern_device_error(end[1]), -ENODEV);
	close_both(end);
}

static void wrong_settings_are_named(void **state)
{
	const struct {
		struct tern_afpacket settings;
		int		     error;
	} cases[] = {
		{ { .name = "nobody" }, -ENODEV },
		{ { .name = "lo" }, -ENODEV }, /* no Ethernet */
		{ { .name = NULL }, -EINVAL },
		{ { .name = "a-name-of-16-by." }, -EINVAL },
		{ { .name = "v0", .mtu = 67 }, -EINVAL },
		{ { .name = "v0", .mtu = 65522 }, -EINVAL },
		{ { .name = "v0", .mac = { 1, 2, 3, 4, 5, 6 } }, -EINVAL }, /* a group's */
		{ { .name = "v0", .netns = "/nowhere" }, -ENOENT },
		{ { .name = "v0", .netns = "/dev/null" }, -EINVAL },
	};
	struct tern_link *link;

	(void)state;
	assert_true(veth_make("v0", "v1"));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(tern_afpacket_create(&link, &cases[i].settings, tern_allocator_default()),
				 cases[i].error);
	assert_int_equal(tern_afpacket_create(&link, NULL, tern_allocator_default()), -EINVAL);
	veth_delete("v0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_passes_whoever_it_is_for),
		cmocka_unit_test(batches_come_whole_and_in_order),
		cmocka_unit_test(a_vlan_tag_passes),
		cmocka_unit_test(what_the_system_sends_is_not_seen),
		cmocka_unit_test(it_is_promiscuous_as_long_as_it_is_open),
		cmocka_unit_test(joined_datagrams_come_one_by_one),
		cmocka_unit_test(a_device_that_is_down_loses_and_comes_back),
		cmocka_unit_test(too_long_is_refused_and_what_follows_is_not),
		cmocka_unit_test(a_device_that_is_gone_ends_the_link),
		cmocka_unit_test(wrong_settings_are_named),
	};
	const char *why;

	if (!netns_enter(&why)) {
		printf("skipped: %s\n", why);
		return 77;
	}
	if (!veth_make("v0", "v1")) {
		printf("skipped: no veth pair can be made here\n");
		return 77;
	}
	veth_delete("v0");
	const int failed = cmocka_run_group_tests_name("messages", tests, NULL, NULL);
	ring = true;
	return failed + cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
