/* A path that reorders and loses nothing: what of it does the sender take for loss? Two hosts in virtual time, a
 * bottleneck, and behind it some packets take up to just under half a round trip longer than the others. The
 * goal: after the first second less than one segment in a thousand goes again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/two_hosts.h"

enum { FLYING = 512, SIZE = 1600, PIECE = 16384 };

static const tern_time round_trip = 40 * TERN_MILLISECOND;
static const int64_t octets_a_second = 20 * 1000000 / 8;

struct flying {
	tern_time at;
	uint64_t  n; /* ties go by the order of leaving */
	uint32_t  len;
	uint8_t	  to;
	bool	  used;
	uint8_t	  bytes[SIZE];
};

struct path {
	struct two_hosts hosts;
	struct flying	 flying[FLYING];
	unsigned  percent;  /* of the packets that take longer */
	tern_time longer;   /* at most so much */
	tern_time free_at;  /* when the bottleneck has let the last one through */
	uint64_t  random, n, delivered;
};

static struct path world;

static uint32_t chance(struct path *p, uint32_t below)
{
	p->random = p->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(p->random >> 33) % below;
}

/* Every packet goes on the path instead of straight to the other host. */
static bool take(struct two_hosts *w, int from, const uint8_t *packet, size_t len)
{
	struct path *const p = w->context;
	struct flying *free = NULL;

	for (unsigned i = 0; i < FLYING && !free; i++)
		free = p->flying[(p->n + i) % FLYING].used ? NULL : &p->flying[(p->n + i) % FLYING];
	assert_non_null(free);
	assert_true(len <= SIZE);
	*free = (struct flying){ .n = p->n++, .len = (uint32_t)len, .to = !from, .used = true };
	memcpy(free->bytes, packet, len);
	free->at = w->now;
	if (from == 0) {
		p->free_at = (p->free_at > w->now ? p->free_at : w->now) +
			     (tern_time)len * TERN_SECOND / octets_a_second;
		free->at = p->free_at;
		if (chance(p, 100) < p->percent)
			free->at += chance(p, (uint32_t)(p->longer / 1000)) * (tern_time)1000;
	}
	free->at += round_trip / 2;
	return true;
}

static struct flying *first(struct path *p)
{
	struct flying *first = NULL;

	for (unsigned i = 0; i < FLYING; i++) {
		struct flying *const f = &p->flying[i];

		if (f->used && (!first || f->at < first->at || (f->at == first->at && f->n < first->n)))
			first = f;
	}
	return first;
}

static void programs(struct path *p, tern_socket from, tern_socket to)
{
	static uint8_t piece[PIECE];
	ptrdiff_t n;

	while (tern_send(p->hosts.host[0], from, piece, PIECE, 0) > 0)
		;
	while ((n = tern_receive(p->hosts.host[1], to, piece, PIECE)) > 0)
		p->delivered += (uint64_t)n;
}

static void go_on_until(struct path *p, tern_socket from, tern_socket to, tern_time end)
{
	struct two_hosts *const w = &p->hosts;

	while (w->now < end) {
		tern_time at = end;

		programs(p, from, to);
		for (int i = 0; i < 2; i++)
			while (two_carry(w, i, 64))
				;
		struct flying *const next = first(p);

		for (int i = 0; i < 2; i++)
			at = tern_host_deadline(w->host[i]) < at ? tern_host_deadline(w->host[i]) : at;
		if (next && next->at <= at) {
			w->now = next->at;
			two_inject(w, next->to, next->bytes, next->len, false);
			next->used = false;
		} else {
			w->now = at > w->now ? at : w->now;
			for (int i = 0; i < 2; i++)
				tern_host_advance(w->host[i], w->now);
		}
	}
	tern_host_check(w->host[0]);
}

struct outcome {
	uint64_t sent, again, octets;
};

static struct outcome counts(const struct path *p)
{
	struct tern_stats stats;

	tern_host_stats(p->hosts.host[0], &stats);
	return (struct outcome){ stats.OutSegs, stats.RetransSegs, p->delivered };
}

/* Ten seconds, of which the first does not count. */
static struct outcome run(unsigned percent, tern_time longer, bool timestamps, const char *controller)
{
	struct path *const p = &world;
	struct two_hosts *const w = &p->hosts;
	struct outcome before, after;
	tern_socket from, to, listener;
	tern_time began;

	memset(p, 0, sizeof *p);
	two_defaults(w);
	for (int i = 0; i < 2; i++) {
		w->config[i].no_timestamps = !timestamps;
		w->config[i].congestion_control = controller;
		/* Twice what the path holds: the queue stays bounded. */
		w->config[i].receive_buffer = w->config[i].receive_buffer_max = 200000;
	}
	two_begin(w);
	w->lose = take;
	w->context = p;
	p->percent = percent;
	p->longer = longer;
	began = p->free_at = w->now;
	listener = two_listen(w, 1, 80);
	from = two_connect(w, 0, 80, false);
	go_on_until(p, from, from, began + 2 * round_trip);
	assert_int_equal(tern_accept(w->host[1], listener, &to), 0);
	go_on_until(p, from, to, began + TERN_SECOND);
	before = counts(p);
	go_on_until(p, from, to, began + 10 * TERN_SECOND);
	after = counts(p);
	w->lose = NULL;
	two_end(w);
	return (struct outcome){ after.sent - before.sent, after.again - before.again, after.octets - before.octets };
}

static void judge(unsigned percent, tern_time longer, bool timestamps, const char *controller)
{
	const struct outcome got = run(percent, longer, timestamps, controller);
	const uint64_t could = 9 * (uint64_t)octets_a_second;

	print_message("%2u %% up to %4.1f ms longer, %s%s: %llu of %llu again, %llu %% of the rate\n", percent,
		      (double)longer / 1e6, controller, timestamps ? ", timestamps" : "",
		      (unsigned long long)got.again, (unsigned long long)got.sent,
		      (unsigned long long)(got.octets * 100 / could));
	assert_true(got.sent > 10000);
	assert_true(got.again * 1000 < got.sent);
	assert_true(got.octets * 100 > could * 85);
}

static void paths_that_reorder(const char *controller)
{
	static const unsigned percents[] = { 1, 10, 50 };
	const tern_time longers[] = { round_trip / 8, round_trip / 4, round_trip / 2 - TERN_MILLISECOND };

	for (unsigned i = 0; i < 9; i++) {
		judge(percents[i / 3], longers[i % 3], true, controller);
		judge(percents[i / 3], longers[i % 3], false, controller);
	}
}

static void reno_takes_reordering_for_what_it_is(void **state)
{
	(void)state;
	paths_that_reorder("reno");
}

static void cubic_takes_reordering_for_what_it_is(void **state)
{
	(void)state;
	paths_that_reorder("cubic");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reno_takes_reordering_for_what_it_is),
		cmocka_unit_test(cubic_takes_reordering_for_what_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
