/* A link by DPDK without any: behind the door stands a card made here. With DPDK itself: interop/dpdk_test.py. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <tern/loop.h>

#include "link/dpdk.h"

enum { FRAMES = 200, FRAME = 1514 };

static struct {
	struct dpdk_wish   wish;
	struct dpdk_about  about;
	struct dpdk_frame  in[FRAMES]; /* those that come */
	size_t		   n_in, came;
	uint32_t	   out[FRAMES]; /* lengths of those that were sent */
	size_t		   n_out, most, room; /* most: of one call; room: that the card has */
	bool		   down, closed;
	int		   error;
} card;

static int card_open(struct dpdk_port **port, const struct dpdk_wish *wish, struct dpdk_about *about, char *why)
{
	card.wish = *wish;
	*about = card.about;
	*port = (struct dpdk_port *)(void *)&card;
	if (card.error != 0)
		snprintf(why, DPDK_WHY, "it is asleep");
	return card.error;
}

static size_t card_receive(struct dpdk_port *port, struct dpdk_frame frames[], size_t room, uint64_t *lost)
{
	size_t n = 0;

	assert_ptr_equal(port, &card);
	assert_true(room <= DPDK_BURST);
	for (; n < room && card.came < card.n_in; n++)
		frames[n] = card.in[card.came++];
	*lost += card.n_in == FRAMES;
	return n;
}

static size_t card_send(struct dpdk_port *port, tern_packet *const batch[], size_t n)
{
	size_t took = 0;

	assert_ptr_equal(port, &card);
	assert_in_range(n, 1, DPDK_BURST);
	card.most = n > card.most ? n : card.most;
	for (; took < n && card.n_out < card.room; took++)
		card.out[card.n_out++] = batch[took]->len;
	return took;
}

static bool card_is_up(struct dpdk_port *port)
{
	assert_ptr_equal(port, &card);
	return !card.down;
}

static void card_close(struct dpdk_port *port)
{
	assert_ptr_equal(port, &card);
	card.closed = true;
}

static const struct dpdk_door door = {
	.version = DPDK_DOOR_VERSION, .packet_size = sizeof(tern_packet), .open = card_open, .receive = card_receive,
	.send = card_send, .is_up = card_is_up, .close = card_close,
};

static struct tern_link *open_card(const struct tern_dpdk *settings)
{
	struct tern_link *link;
	char		  why[DPDK_WHY] = "";

	assert_int_equal(dpdk_open(&link, &door, settings, tern_allocator_default(), why), 0);
	return link;
}

static int reset(void **state)
{
	(void)state;
	memset(&card, 0, sizeof card);
	card.about = (struct dpdk_about){ .mtu = 1500, .mac = { 2, 1, 2, 3, 4, 5 } };
	card.room = FRAMES;
	return 0;
}

static void settings_reach_the_card_and_its_own_the_link(void **state)
{
	const struct tern_dpdk plain = { .device = "net_x0,a=b", .eal = "-m 64", .plain = true, .mtu = 1400 };
	struct tern_link      *link = open_card(&plain);

	(void)state;
	assert_string_equal(card.wish.device, "net_x0,a=b");
	assert_string_equal(card.wish.eal, "-m 64");
	assert_int_equal(card.wish.mtu, 1400);
	assert_true(card.wish.plain);
	assert_int_equal(link->config.mtu, 1500); /* what the card says it has */
	assert_true(link->config.ethernet && !link->config.checksum_offload && !link->config.gso);
	assert_memory_equal(link->config.mac, card.about.mac, 6);
	assert_int_equal(link->ops->fd(link), -1);
	link->ops->close(link);
	assert_true(card.closed);

	card.about.makes_sums = card.about.shares_mac = true;
	link = open_card(&(struct tern_dpdk){ .device = "net_x0" });
	assert_true(link->config.checksum_offload);
	assert_memory_not_equal(link->config.mac, card.about.mac, 6);
	assert_int_equal(link->config.mac[0] & 3, 2);
	link->ops->close(link);

	card.about.shares_mac = false;
	link = open_card(&(struct tern_dpdk){ .device = "net_x0", .mac = { 2, 9, 9, 9, 9, 9 } });
	assert_memory_equal(card.wish.mac, "\2\11\11\11\11\11", 6);
	assert_memory_equal(link->config.mac, "\2\11\11\11\11\11", 6);
	link->ops->close(link);
}

static void frames_come_in_bursts_and_are_counted(void **state)
{
	static uint8_t	  bytes[FRAMES][60];
	struct tern_link *link = open_card(&(struct tern_dpdk){ .device = "net_x0" });
	struct tern_device_stats stats;
	tern_packet	 *batch[FRAMES];
	size_t		  n, all = 0;

	(void)state;
	for (; card.n_in < 150; card.n_in++)
		card.in[card.n_in] = (struct dpdk_frame){ bytes[card.n_in], 60, .good = card.n_in % 2 };
	while ((n = link->ops->receive(link, batch, FRAMES, 0)) > 0)
		for (size_t i = 0; i < n; i++, all++) {
			assert_ptr_equal(batch[i]->part[0].at, bytes[all]);
			assert_int_equal(batch[i]->len, 60);
			assert_int_equal(batch[i]->checksum_offload, all % 2);
		}
	assert_int_equal(all, 150);
	card.n_in = FRAMES; /* something was lost */
	card.came = FRAMES;
	assert_int_equal(link->ops->receive(link, batch, FRAMES, 0), 0);
	tern_device_stats(link, &stats);
	assert_int_equal(stats.packets_in, 150);
	assert_int_equal(stats.bytes_in, 150 * 60);
	assert_int_equal(stats.dropped_in, 1);
	link->ops->close(link);
}

static void what_the_card_has_no_room_for_waits_and_what_it_cannot_have_is_lost(void **state)
{
	static const uint8_t	 bytes[FRAME + 10];
	struct tern_link	*link = open_card(&(struct tern_dpdk){ .device = "net_x0" });
	struct tern_device_stats stats;
	tern_packet		 packet[FRAMES] = { 0 };
	tern_packet		*batch[FRAMES];

	(void)state;
	for (unsigned i = 0; i < FRAMES; i++) {
		packet[i].len = i == 70 ? FRAME + 5 : 60 + i;
		packet[i].part[0] = (struct tern_packet_part){ .at = bytes, .n = packet[i].len };
		packet[i].n_parts = 1;
		batch[i] = &packet[i];
	}
	card.room = 100;
	assert_int_equal(link->ops->send(link, batch, 150, 0), 101);
	assert_int_equal(card.most, DPDK_BURST);
	assert_int_equal(card.n_out, 100);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(card.out[i], 60 + i + (i >= 70));
	assert_int_equal(link->ops->send(link, batch + 101, 49, 0), 0);
	card.down = true;
	assert_int_equal(link->ops->send(link, batch + 101, 49, 0), 49);
	tern_device_stats(link, &stats);
	assert_int_equal(stats.packets_out, 100);
	assert_int_equal(stats.dropped_out, 1 + 49);
	link->ops->close(link);
}

/* All the time while something moves; seldom while nothing does. */
static void the_loop_is_asked_back_by_what_moves(void **state)
{
	static const uint8_t bytes[60];
	struct tern_link    *link = open_card(&(struct tern_dpdk){ .device = "net_x0" });
	tern_packet	    *batch[FRAMES], packet = { .n_parts = 1, .len = 60 }, *out[] = { &packet };
	tern_time	     now = TERN_SECOND;

	(void)state;
	packet.part[0] = (struct tern_packet_part){ .at = bytes, .n = 60 };
	assert_int_equal(link->ops->receive(link, batch, FRAMES, now), 0);
	assert_in_range(link->ops->deadline(link) - now, 10 * TERN_MICROSECOND, TERN_MILLISECOND);
	card.in[card.n_in++] = (struct dpdk_frame){ bytes, 60, false };
	now += TERN_SECOND;
	assert_int_equal(link->ops->receive(link, batch, FRAMES, now), 1);
	now += 10 * TERN_MICROSECOND;
	assert_int_equal(link->ops->receive(link, batch, FRAMES, now), 0);
	assert_int_equal(link->ops->deadline(link), now + 1);
	now += TERN_SECOND;
	assert_int_equal(link->ops->receive(link, batch, FRAMES, now), 0);
	assert_true(link->ops->deadline(link) > now + 1);
	assert_int_equal(link->ops->send(link, out, 1, now), 1);
	assert_int_equal(link->ops->deadline(link), now + 1);
	link->ops->close(link);
}

static void what_does_not_open_is_told(void **state)
{
	static const struct {
		struct tern_dpdk settings;
		int		 error;
	} cases[] = {
		{ { .device = NULL }, -EINVAL },
		{ { .device = "" }, -EINVAL },
		{ { .device = "x", .mtu = 67 }, -EINVAL },
		{ { .device = "x", .mtu = 9601 }, -EINVAL },
		{ { .device = "x", .mac = { 1 } }, -EINVAL },
		{ { .device = "x", .directory = "/nowhere" }, -ENOENT },
	};
	struct tern_link *link;
	char		  why[DPDK_WHY], short_[8];

	(void)state;
	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		why[0] = '\0';
		assert_int_equal(tern_dpdk_create(&link, &cases[i].settings, tern_allocator_default(), why, sizeof why),
				 cases[i].error);
		assert_true(strlen(why) > 10);
	}
	assert_non_null(strstr(why, "/nowhere/" DPDK_PLUGIN));
	assert_int_equal(tern_dpdk_create(&link, &cases[5].settings, tern_allocator_default(), short_, sizeof short_),
			 -ENOENT);
	assert_int_equal(strlen(short_), sizeof short_ - 1);
	assert_int_equal(tern_dpdk_create(&link, &cases[5].settings, tern_allocator_default(), NULL, 0), -ENOENT);

	card.error = -ENODEV;
	why[0] = '\0';
	assert_int_equal(dpdk_open(&link, &door, &(struct tern_dpdk){ .device = "x" }, tern_allocator_default(), why),
			 -ENODEV);
	assert_string_equal(why, "it is asleep");
	assert_false(card.closed);
}

/* What lies in its place and is not it. */
static void another_file_of_its_name_is_not_taken(void **state)
{
	char		       directory[] = "/tmp/tern-dpdk-XXXXXX", path[64], why[DPDK_WHY] = "";
	const struct dpdk_door *found = NULL;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/%s", directory, DPDK_PLUGIN);
	FILE *const file = fopen(path, "w");
	assert_non_null(file);
	fputs("no shared object\n", file);
	fclose(file);
	assert_int_equal(setenv("TERN_PLUGIN_DIR", directory, 1), 0);
	assert_int_equal(dpdk_find(NULL, &found, why), -ELIBBAD);
	assert_non_null(strstr(why, path));
	assert_null(found);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(dpdk_find(NULL, &found, why), -ENOENT);
	assert_non_null(strstr(why, path));
	assert_int_equal(rmdir(directory), 0);
	assert_int_equal(unsetenv("TERN_PLUGIN_DIR"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(settings_reach_the_card_and_its_own_the_link, reset),
		cmocka_unit_test_setup(frames_come_in_bursts_and_are_counted, reset),
		cmocka_unit_test_setup(what_the_card_has_no_room_for_waits_and_what_it_cannot_have_is_lost, reset),
		cmocka_unit_test_setup(the_loop_is_asked_back_by_what_moves, reset),
		cmocka_unit_test_setup(what_does_not_open_is_told, reset),
		cmocka_unit_test(another_file_of_its_name_is_not_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
