#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <tern/link.h>
#include <tern/loop.h>

#include "base/bytes.h"
#include "wire/ip.h"
#include "wire/tuple.h"

#define MS TERN_MILLISECOND

enum { MOST = 4096 };

static size_t out; /* bytes not given back */

static void *counted_alloc(void *context, size_t size, size_t align)
{
	(void)context;
	out += size;
	return tern_allocator_default()->alloc(NULL, size, align);
}

static void counted_free(void *context, void *block, size_t size)
{
	(void)context;
	out -= size;
	tern_allocator_default()->free(NULL, block, size);
}

static const struct tern_allocator counted = { counted_alloc, counted_free, NULL };

/* An impaired end, its far end, what was told and what arrived when. */
struct world {
	struct tern_link *near, *far;
	unsigned	  n_told, n_got;
	enum tern_fate	  fate[MOST];
	tern_time	  arrives[MOST];
	struct {
		uint64_t  mark;
		tern_time at;
		uint32_t  len;
		unsigned  flipped; /* bits that differ from what was sent */
	} got[MOST];
};

static struct world world;

static void tell(void *context, uint64_t n, const tern_packet *packet, enum tern_fate fate, tern_time arrives)
{
	struct world *w = context;

	assert_int_equal(n, w->n_told + 1);
	assert_int_equal(packet->mark, n);
	w->fate[w->n_told] = fate;
	w->arrives[w->n_told++] = arrives;
}

static void start(struct tern_impair settings)
{
	const struct tern_link_config config = { .mtu = 1500, .gso = true, .checksum_offload = true };
	struct tern_link	     *end[2];

	memset(&world, 0, sizeof world);
	settings.fate = tell;
	settings.context = &world;
	assert_int_equal(tern_pair_create(end, &config, &counted), 0);
	assert_int_equal(tern_impair_create(&world.near, end[0], &settings, &counted), 0);
	world.far = end[1];
	assert_int_equal(world.near->config.mtu, 1500);
	assert_false(world.near->config.gso || world.near->config.checksum_offload);
}

static void stop(void)
{
	world.near->ops->close(world.near);
	world.far->ops->close(world.far);
	assert_int_equal(out, 0);
}

/* Bytes that tell which packet they are of. */
static void fill(uint8_t *to, uint64_t mark, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		to[i] = (uint8_t)(mark * 131 + i);
}

static void send(unsigned n, uint32_t len, tern_time now)
{
	static uint8_t bytes[1500];

	while (n--) {
		fill(bytes, world.n_told + 1, len);
		tern_packet  packet = { .part[0] = { .at = bytes, .n = len }, .n_parts = 1, .len = len };
		tern_packet *one = &packet;
		assert_int_equal(world.near->ops->send(world.near, &one, 1, now), 1);
		memset(bytes, 0xee, sizeof bytes); /* what is held must be a copy */
	}
}

static void collect(tern_time now)
{
	tern_packet *batch[64];
	uint8_t	     expected[1500];
	size_t	     n;

	assert_int_equal(world.near->ops->receive(world.near, batch, 64, now), 0);
	while ((n = world.far->ops->receive(world.far, batch, 64, now)) > 0) {
		for (size_t i = 0; i < n; i++, world.n_got++) {
			assert_in_range(world.n_got, 0, MOST - 1);
			world.got[world.n_got].mark = batch[i]->mark;
			world.got[world.n_got].at = now;
			world.got[world.n_got].len = batch[i]->len;
			fill(expected, batch[i]->mark, batch[i]->len);
			for (uint32_t k = 0; k < batch[i]->len; k++)
				world.got[world.n_got].flipped +=
					(unsigned)__builtin_popcount(expected[k] ^ batch[i]->part[0].at[k]);
		}
	}
}

/* Lives from deadline to deadline, as a loop does. */
static tern_time run(tern_time now)
{
	for (;;) {
		collect(now);
		const tern_time at = world.near->ops->deadline(world.near);
		if (at == TERN_NEVER)
			return now;
		assert_true(at > now);
		now = at;
	}
}

static void nothing_set_lets_all_pass_at_once(void **state)
{
	(void)state;
	start((struct tern_impair){ 0 });
	send(10, 100, 5);
	collect(5);
	assert_int_equal(world.n_got, 10);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(world.got[i].mark, i + 1);
		assert_int_equal(world.got[i].flipped, 0);
		assert_int_equal(world.fate[i], TERN_FATE_DELIVERED);
		assert_int_equal(world.arrives[i], 5);
	}
	stop();
}

static void delay_is_exact(void **state)
{
	(void)state;
	start((struct tern_impair){ .delay = 40 * MS });
	send(1, 100, 0);
	send(1, 100, 3 * MS);
	collect(40 * MS - 1);
	assert_int_equal(world.n_got, 0);
	assert_int_equal(world.near->ops->deadline(world.near), 40 * MS);
	run(40 * MS - 1);
	assert_int_equal(world.n_got, 2);
	assert_int_equal(world.got[0].at, 40 * MS);
	assert_int_equal(world.got[1].at, 43 * MS);
	assert_int_equal(world.arrives[1], 43 * MS);
	stop();
}

static void a_clock_may_start_below_zero(void **state)
{
	(void)state;
	start((struct tern_impair){ .delay = MS, .rate = 1000000 });
	send(1, 1000, -100 * MS);
	assert_int_equal(run(-100 * MS), -98 * MS);
	assert_int_equal(world.n_got, 1);
	stop();
}

static void jitter_spreads_and_keeps_the_order(void **state)
{
	tern_time least = TERN_NEVER, most = 0;

	(void)state;
	start((struct tern_impair){ .delay = 20 * MS, .jitter = 10 * MS, .seed = 3 });
	for (unsigned i = 0; i < 1000; i++)
		send(1, 60, i * 50 * MS);
	run(0);
	assert_int_equal(world.n_got, 1000);
	for (unsigned i = 0; i < 1000; i++) {
		const tern_time took = world.arrives[i] - i * 50 * MS;
		assert_int_equal(world.got[i].mark, i + 1);
		assert_in_range(took, 10 * MS, 30 * MS);
		least = took < least ? took : least;
		most = took > most ? took : most;
	}
	assert_true(least < 11 * MS && most > 29 * MS);
	stop();

	/* Close together, with more jitter than delay. */
	start((struct tern_impair){ .delay = 5 * MS, .jitter = 10 * MS, .seed = 3 });
	for (unsigned i = 0; i < 1000; i++)
		send(1, 60, i * MS / 10);
	run(100 * MS);
	assert_int_equal(world.n_got, 1000);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(world.got[i].mark, i + 1);
	for (unsigned i = 1; i < 1000; i++) /* and what was foretold of it */
		assert_true(world.arrives[i] >= world.arrives[i - 1]);
	stop();
}

static unsigned count(enum tern_fate fate)
{
	unsigned n = 0;

	for (unsigned i = 0; i < world.n_told; i++)
		n += world.fate[i] == fate;
	return n;
}

static void loss_takes_its_share(void **state)
{
	unsigned k = 0;

	(void)state;
	start((struct tern_impair){ .loss = 0.25, .seed = 11 });
	for (unsigned i = 0; i < 40; i++) {
		send(100, 60, i);
		collect(i);
	}
	assert_in_range(count(TERN_FATE_LOST), 900, 1100);
	assert_int_equal(count(TERN_FATE_LOST) + count(TERN_FATE_DELIVERED), 4000);
	for (unsigned i = 0; i < 4000; i++) {
		assert_true(world.fate[i] == TERN_FATE_LOST ? world.arrives[i] == TERN_NEVER
							    : world.got[k].mark == i + 1);
		k += world.fate[i] == TERN_FATE_DELIVERED;
	}
	assert_int_equal(k, world.n_got);
	stop();

	start((struct tern_impair){ .loss = 1 });
	send(1000, 60, 0);
	assert_int_equal(count(TERN_FATE_LOST), 1000);
	stop();
}

static void bursts_lose_in_a_row(void **state)
{
	unsigned runs = 0, lost;

	(void)state;
	start((struct tern_impair){ .burst_enter = 0.02, .burst_leave = 0.25, .seed = 2 });
	for (unsigned i = 0; i < 40; i++) {
		send(100, 60, i);
		collect(i);
	}
	lost = count(TERN_FATE_LOST);
	for (unsigned i = 1; i < 4000; i++)
		runs += world.fate[i] == TERN_FATE_LOST && world.fate[i - 1] != TERN_FATE_LOST;
	assert_in_range(lost, 200, 450);	 /* 0.02 / (0.02 + 0.25) = 7.4 % */
	assert_in_range(lost, 3 * runs, 5 * runs); /* 1 / 0.25 each */
	stop();
}

static void numbers_are_dropped_exactly(void **state)
{
	static const uint64_t drop[] = { 1, 3, 4, 9, 100 };

	(void)state;
	start((struct tern_impair){ .drop = drop, .n_drop = 5 });
	send(10, 60, 0);
	collect(0);
	assert_int_equal(count(TERN_FATE_DROPPED), 4);
	assert_int_equal(world.n_got, 6);
	assert_int_equal(world.got[0].mark, 2);
	assert_int_equal(world.got[1].mark, 5);
	assert_int_equal(world.got[5].mark, 10);
	stop();
}

static void the_rate_serves_one_after_the_other(void **state)
{
	(void)state;
	/* 3 bytes a second: 1000 octets take 333.333... s; the thirds are not lost. */
	start((struct tern_impair){ .rate = 3, .delay = MS });
	send(3, 1000, 0);
	run(0);
	assert_int_equal(world.got[0].at, 333333333333 + MS);
	assert_int_equal(world.got[1].at, 666666666666 + MS);
	assert_int_equal(world.got[2].at, 1000 * TERN_SECOND + MS);
	/* Idle time is not saved up. */
	send(1, 1500, 5000 * TERN_SECOND);
	run(5000 * TERN_SECOND);
	assert_int_equal(world.got[3].at, 5500 * TERN_SECOND + MS);
	stop();
}

static void the_limit_counts_what_waits_for_the_rate(void **state)
{
	(void)state;
	start((struct tern_impair){ .rate = 1000000, .limit = 5, .delay = 10 * TERN_SECOND });
	send(8, 1000, 0);
	assert_int_equal(count(TERN_FATE_QUEUE_FULL), 3);
	send(2, 1000, 2 * MS); /* two are through: on their way, and no longer waiting */
	assert_int_equal(count(TERN_FATE_QUEUE_FULL), 3);
	send(1, 1000, 2 * MS);
	assert_int_equal(count(TERN_FATE_QUEUE_FULL), 4);
	run(2 * MS);
	assert_int_equal(world.n_got, 7);
	stop();
}

static void what_is_larger_than_the_mtu_vanishes(void **state)
{
	(void)state;
	start((struct tern_impair){ .mtu = 1000 });
	send(1, 1000, 0);
	send(1, 1001, 0);
	send(1, 100, 0);
	run(0);
	assert_int_equal(world.n_got, 2);
	assert_int_equal(world.got[1].mark, 3);
	assert_int_equal(world.fate[1], TERN_FATE_TOO_BIG);
	assert_int_equal(world.arrives[1], TERN_NEVER);
	stop();
}

static void the_limit_in_bytes_counts_what_waits_for_the_rate(void **state)
{
	(void)state;
	start((struct tern_impair){ .rate = 1000, .limit_bytes = 350 });
	send(5, 100, 0);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(world.fate[i], i < 3 ? TERN_FATE_DELIVERED : TERN_FATE_QUEUE_FULL);
	send(1, 50, 0); /* the tail is dropped, not what still fits */
	assert_int_equal(world.fate[5], TERN_FATE_DELIVERED);
	send(1, 1, 0);
	assert_int_equal(world.fate[6], TERN_FATE_QUEUE_FULL);
	send(1, 100, 100 * MS); /* one is served */
	assert_int_equal(world.fate[7], TERN_FATE_DELIVERED);
	stop();
	start((struct tern_impair){ .rate = 1000, .limit_bytes = 1 << 20 }); /* nor does netem's 1000 count then */
	send(1500, 100, 0);
	assert_int_equal(world.fate[1499], TERN_FATE_DELIVERED);
	stop();
	start((struct tern_impair){ .rate = 1000, .limit_bytes = 1 << 20, .limit = 2 });
	send(3, 100, 0);
	assert_int_equal(world.fate[2], TERN_FATE_QUEUE_FULL);
	stop();
}

/* A packet of 60 bytes with these ECN bits: not ECT, ECT(1), ECT(0), CE (RFC 3168 5). */
static void send_ip(bool v6, uint8_t ecn, tern_time now)
{
	const struct ip_header head = {
		.version = v6 ? 6 : 4, .src = addr_v4(0x0a000001), .dst = addr_v4(0x0a000002), .ttl = 64,
		.protocol = 17, .traffic_class = (uint8_t)(0xb8 | ecn), .flow_label = 0xabcde,
	};
	uint8_t	     bytes[100] = { 0 };
	const size_t n = ip_wire_emit(bytes, &head, 40) + 40;
	tern_packet  packet = { .part[0] = { .at = bytes, .n = (uint32_t)n }, .n_parts = 1, .len = (uint32_t)n };
	tern_packet *one = &packet;

	assert_int_equal(world.near->ops->send(world.near, &one, 1, now), 1);
}

/* The ECN bits of the one that arrives at `now`; its header is right. */
static uint8_t receive_ip(bool v6, tern_time now)
{
	tern_packet	*batch[2];
	struct ip_header ip;

	assert_int_equal(world.near->ops->receive(world.near, batch, 1, now), 0);
	assert_int_equal(world.far->ops->receive(world.far, batch, 2, now), 1);
	const uint8_t *const at = batch[0]->part[0].at;
	if (!v6) {
		assert_int_equal(ip_wire_parse(&ip, at, batch[0]->len), IP_PARSED);
		assert_int_equal(ip.traffic_class >> 2, 0xb8 >> 2);
		return ip.traffic_class & 3;
	}
	assert_int_equal(get32(at) & ~UINT32_C(0x00300000), 0x6b8abcde);
	return at[1] >> 4 & 3;
}

static void with_ecn_what_chance_would_take_is_marked(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++)
		for (uint8_t ecn = 0; ecn < 4; ecn++) {
			start((struct tern_impair){ .loss = 1, .ecn = true });
			send_ip(v6, ecn, 0);
			assert_int_equal(world.fate[0], ecn == 0 ? TERN_FATE_LOST : TERN_FATE_MARKED);
			if (ecn != 0)
				assert_int_equal(receive_ip(v6, 0), 3);
			stop();
		}
	start((struct tern_impair){ .ecn = true }); /* and nothing else is */
	send_ip(false, 2, 0);
	assert_int_equal(receive_ip(false, 0), 2);
	assert_int_equal(world.fate[0], TERN_FATE_DELIVERED);
	stop();
}

static void what_waits_longer_than_the_threshold_is_marked(void **state)
{
	const tern_time now = 50 * TERN_SECOND;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		const unsigned n = v6 ? 80 : 60; /* bytes: as many ms at this rate */

		start((struct tern_impair){ .rate = 1000, .ce_threshold = (tern_time)n * MS });
		for (uint8_t i = 0; i < 4; i++)
			send_ip(v6, i == 3 ? 0 : 1, now); /* those in front of it take 0, n, 2n, 3n ms */
		assert_int_equal(world.fate[0], TERN_FATE_DELIVERED);
		assert_int_equal(world.fate[1], TERN_FATE_DELIVERED);
		assert_int_equal(world.fate[2], TERN_FATE_MARKED);
		assert_int_equal(world.fate[3], TERN_FATE_DELIVERED); /* not ECN-capable */
		for (unsigned i = 1; i <= 4; i++)
			assert_int_equal(receive_ip(v6, now + (tern_time)(n * i) * MS), i == 3 ? 3 : i == 4 ? 0 : 1);
		stop();
	}
}

static void without_a_rate_delay_holds_many_but_not_all(void **state)
{
	(void)state;
	start((struct tern_impair){ .delay = TERN_SECOND, .limit = 1 });
	send(4000, 60, 0);
	assert_int_equal(count(TERN_FATE_QUEUE_FULL), 0);
	stop(); /* and what is held goes with the link */
}

static void corruption_flips_one_bit(void **state)
{
	(void)state;
	start((struct tern_impair){ .corrupt = 0.5, .seed = 5 });
	send(1000, 60, 0);
	collect(0);
	assert_int_equal(world.n_got, 1000);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(world.got[i].flipped, world.fate[i] == TERN_FATE_CORRUPTED);
	assert_in_range(count(TERN_FATE_CORRUPTED), 400, 600);
	stop();
}

static void a_duplicate_follows_its_original(void **state)
{
	unsigned at = 0;

	(void)state;
	start((struct tern_impair){ .duplicate = 0.3, .delay = MS, .seed = 8 });
	send(1000, 60, 0);
	run(0);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(world.got[at++].mark, i + 1);
		if (world.fate[i] == TERN_FATE_DUPLICATED)
			assert_int_equal(world.got[at++].mark, i + 1);
	}
	assert_int_equal(at, world.n_got);
	assert_in_range(count(TERN_FATE_DUPLICATED), 240, 360);
	stop();
}

static void the_reordered_lets_others_pass(void **state)
{
	uint64_t seen[MOST] = { 0 };
	unsigned late = 0;

	(void)state;
	start((struct tern_impair){
		.reorder = 0.1, .reorder_by = 2, .reorder_delay = TERN_SECOND, .seed = 4 });
	for (unsigned i = 0; i < 1000; i++) {
		send(1, 60, i * MS);
		collect(i * MS);
	}
	run(1000 * MS);
	assert_int_equal(world.n_got, 1000);
	for (unsigned i = 0; i < 1000; i++) {
		const uint64_t mark = world.got[i].mark;
		assert_int_equal(seen[mark]++, 0);
		if (world.fate[mark - 1] != TERN_FATE_REORDERED)
			continue;
		late++;
		/* Exactly two that came later, and kept their place, went before it. */
		unsigned passed = 0;
		for (unsigned k = 0; k < i; k++)
			passed += world.got[k].mark > mark
				&& world.fate[world.got[k].mark - 1] != TERN_FATE_REORDERED;
		assert_true(passed == 2 || (mark > 990 && passed < 2));
		assert_true(world.got[i].at <= world.arrives[mark - 1]);
	}
	assert_int_equal(late, count(TERN_FATE_REORDERED));
	assert_in_range(late, 60, 140);
	stop();
}

static void the_reordered_does_not_wait_for_ever(void **state)
{
	(void)state;
	start((struct tern_impair){ .reorder = 1, .delay = 5 * MS });
	send(3, 60, 0);
	assert_int_equal(run(0), 15 * MS); /* the default of 10 ms beyond the delay */
	assert_int_equal(world.n_got, 3);
	assert_int_equal(world.got[0].mark, 1);
	assert_int_equal(world.arrives[0], 15 * MS);
	stop();
}

/* The same seed gives the same loss, whatever else is set. */
static void one_setting_does_not_shift_another(void **state)
{
	static const uint64_t drop[] = { 7 };
	enum tern_fate	      alone[1000];

	(void)state;
	start((struct tern_impair){ .loss = 0.2, .seed = 77 });
	send(1000, 60, 0);
	memcpy(alone, world.fate, sizeof alone);
	stop();
	start((struct tern_impair){ .loss = 0.2, .seed = 77, .duplicate = 0.5, .corrupt = 0.5, .jitter = MS,
		.reorder = 0.3, .drop = drop, .n_drop = 1, .rate = 1000000000 });
	send(1000, 60, 0);
	for (unsigned i = 0; i < 1000; i++)
		if (world.fate[i] != TERN_FATE_DROPPED)
			assert_int_equal(world.fate[i] == TERN_FATE_LOST, alone[i] == TERN_FATE_LOST);
	stop();
	start((struct tern_impair){ .loss = 0.2, .seed = 78 });
	send(1000, 60, 0);
	assert_memory_not_equal(alone, world.fate, sizeof alone);
	stop();
}

static void settings_can_change_under_way(void **state)
{
	struct tern_impair settings = { .delay = 100 * MS, .rate = 1000, .fate = tell, .context = &world };

	(void)state;
	start(settings);
	send(2, 1000, 0); /* through the rate at 1 and 2 s */
	settings.rate = 0;
	settings.delay = 0;
	assert_int_equal(tern_impair_set(world.near, &settings), 0);
	send(1, 1000, 0); /* overtakes none of them */
	settings.loss = 1;
	assert_int_equal(tern_impair_set(world.near, &settings), 0);
	send(1, 1000, 0);
	run(0);
	assert_int_equal(world.n_got, 3);
	assert_int_equal(world.got[2].mark, 3);
	assert_int_equal(world.fate[3], TERN_FATE_LOST);
	settings.loss = 1.5;
	assert_int_equal(tern_impair_set(world.near, &settings), -TERN_EINVAL);
	assert_int_equal(tern_impair_set(world.far, &settings), -TERN_EINVAL);
	stop();
}

/* More at one moment than the link below has room for: kept, not lost, and in order. */
static void a_full_link_below_is_waited_for(void **state)
{
	struct tern_impair settings = { .duplicate = 1, .delay = MS };
	tern_packet	  *batch[64];
	uint64_t	   n = 0;
	size_t		   got;

	(void)state;
	start(settings);
	send(4000, 60, 0);
	assert_int_equal(world.near->ops->receive(world.near, batch, 64, MS), 0);
	for (unsigned round = 0; round < 200; round++) {
		world.near->ops->receive(world.near, batch, 64, MS);
		got = world.far->ops->receive(world.far, batch, 64, MS);
		for (size_t i = 0; i < got; i++, n++)
			assert_int_equal(batch[i]->mark, n / 2 + 1);
	}
	assert_int_equal(n, 8000);
	assert_int_equal(world.near->ops->deadline(world.near), TERN_NEVER);
	stop();
}

static void bad_settings_are_refused(void **state)
{
	static const uint64_t	      unsorted[] = { 3, 2 };
	const struct tern_link_config config = { .mtu = 1500 };
	const struct tern_impair      good = { 0 }, bad[] = {
		     { .loss = -0.1 },	      { .loss = 1.1 },	     { .loss = __builtin_nan("") },
		     { .corrupt = 2 },	      { .reorder = 2 },	     { .duplicate = 2 },
		     { .burst_enter = 2 },    { .burst_leave = -1 }, { .burst_loss = 3 },
		     { .delay = -1 },	      { .jitter = -1 },	     { .reorder_delay = -1 },
		     { .delay = TERN_NEVER }, { .n_drop = 1 },	     { .drop = unsorted, .n_drop = 2 },
	};
	struct tern_link *end[2], *link;

	(void)state;
	assert_int_equal(tern_pair_create(end, &config, &counted), 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(tern_impair_create(&link, end[0], &bad[i], &counted), -TERN_EINVAL);
	assert_int_equal(tern_impair_create(&link, end[0], &good, NULL), -TERN_EINVAL);
	assert_int_equal(tern_impair_create(&link, NULL, &good, &counted), -TERN_EINVAL);
	end[0]->ops->close(end[0]);
	end[1]->ops->close(end[1]);
	assert_int_equal(out, 0);
}

/* Everything at once, one filter on another: nothing but the lost is missing, nothing leaks. */
static void filters_stack(void **state)
{
	struct tern_impair settings = { .delay = 3 * MS, .jitter = 2 * MS, .reorder = 0.2, .duplicate = 0.2,
		.corrupt = 0.1, .rate = 500000, .limit = 50, .seed = 1 };
	struct tern_link  *upper;

	(void)state;
	start(settings);
	settings.seed = 2;
	assert_int_equal(tern_impair_create(&upper, world.near, &settings, &counted), 0);
	for (unsigned i = 0; i < 1000; i++) {
		uint8_t	     bytes[200] = { 0 };
		tern_packet  packet = { .part[0] = { .at = bytes, .n = 200 }, .n_parts = 1, .len = 200 },
			    *one = &packet;
		tern_packet *got[64];

		assert_int_equal(upper->ops->send(upper, &one, 1, i * MS), 1);
		assert_int_equal(upper->ops->receive(upper, got, 64, i * MS), 0);
		assert_true(upper->ops->deadline(upper) > i * MS);
		world.n_got += (unsigned)world.far->ops->receive(world.far, got, 64, i * MS);
	}
	assert_in_range(world.n_got, 1000, 1700);
	assert_int_equal(upper->ops->fd(upper), -1);
	upper->ops->close(upper);
	world.far->ops->close(world.far);
	assert_int_equal(out, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_set_lets_all_pass_at_once),
		cmocka_unit_test(delay_is_exact),
		cmocka_unit_test(a_clock_may_start_below_zero),
		cmocka_unit_test(jitter_spreads_and_keeps_the_order),
		cmocka_unit_test(loss_takes_its_share),
		cmocka_unit_test(bursts_lose_in_a_row),
		cmocka_unit_test(numbers_are_dropped_exactly),
		cmocka_unit_test(the_rate_serves_one_after_the_other),
		cmocka_unit_test(the_limit_counts_what_waits_for_the_rate),
		cmocka_unit_test(what_is_larger_than_the_mtu_vanishes),
		cmocka_unit_test(the_limit_in_bytes_counts_what_waits_for_the_rate),
		cmocka_unit_test(with_ecn_what_chance_would_take_is_marked),
		cmocka_unit_test(what_waits_longer_than_the_threshold_is_marked),
		cmocka_unit_test(without_a_rate_delay_holds_many_but_not_all),
		cmocka_unit_test(corruption_flips_one_bit),
		cmocka_unit_test(a_duplicate_follows_its_original),
		cmocka_unit_test(the_reordered_lets_others_pass),
		cmocka_unit_test(the_reordered_does_not_wait_for_ever),
		cmocka_unit_test(one_setting_does_not_shift_another),
		cmocka_unit_test(settings_can_change_under_way),
		cmocka_unit_test(a_full_link_below_is_waited_for),
		cmocka_unit_test(bad_settings_are_refused),
		cmocka_unit_test(filters_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
