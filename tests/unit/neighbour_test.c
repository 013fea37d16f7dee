/* The neighbour cache: each state of RFC 4861 7.3, who is believed, and the bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ip/neighbour.h"
#include "unit/allocator.h"
#include "wire/tuple.h"

struct rig {
	struct test_allocator memory;
	struct tern_allocator allocator;
	struct mem	      mem;
	struct neighbours     cache;
	struct tern_packet    packet[64];
	tern_time	      now;
};

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 0xa }, mac_b[6] = { 2, 0, 0, 0, 0, 0xb };

static void begin(struct rig *rig)
{
	const struct siphash_key key = { 0 };

	memset(rig, 0, sizeof *rig);
	rig->allocator = test_allocator(&rig->memory);
	mem_init(&rig->mem, &rig->allocator, 1 << 20, 0);
	neighbours_init(&rig->cache, &rig->mem, &key, 40);
	assert_int_equal(neighbours_start(&rig->cache), 0);
	rig->now = 1000 * TERN_SECOND;
}

static unsigned drain(struct packet_list *list)
{
	unsigned n = 0;

	while (packet_pop(list))
		n++;
	return n;
}

static void end(struct rig *rig)
{
	neighbours_clear(&rig->cache);
	(void)drain(&rig->cache.given_up);
	neighbours_check(&rig->cache);
	neighbours_done(&rig->cache);
	assert_int_equal(rig->memory.blocks, 0);
	assert_int_equal(rig->mem.used, 0);
}

static struct tern_addr at(uint32_t last)
{
	return addr_v4(0x0a000000 + last);
}

static enum neighbour_way send_to(struct rig *rig, uint32_t last, unsigned packet)
{
	const struct tern_addr addr = at(last);

	return neighbour_send(&rig->cache, 0, &addr, &rig->packet[packet], rig->now);
}

static bool answered(struct rig *rig, uint32_t last, const uint8_t *mac)
{
	const struct tern_addr addr = at(last);

	return neighbour_answered(&rig->cache, 0, &addr, mac, rig->now);
}

static void heard(struct rig *rig, uint32_t last, const uint8_t *mac)
{
	const struct tern_addr addr = at(last);

	neighbour_heard(&rig->cache, 0, &addr, mac, rig->now);
}

static enum neighbour_state state_of(struct rig *rig, uint32_t last)
{
	const struct tern_addr addr = at(last);

	return neighbour_state_of(&rig->cache, 0, &addr, rig->now);
}

/* Questions that are due; the last one is in *question. */
static unsigned questions(struct rig *rig, struct neighbour_question *question)
{
	unsigned n = 0;

	while (neighbour_ask(&rig->cache, rig->now, question))
		n++;
	return n;
}

/* A neighbour that we asked for and that answered. */
static void meet(struct rig *rig, uint32_t last, const uint8_t *mac)
{
	struct neighbour_question question;

	assert_int_equal(send_to(rig, last, 63), NEIGHBOUR_WAITS);
	assert_int_equal(questions(rig, &question), 1);
	assert_true(answered(rig, last, mac));
	assert_int_equal(drain(&rig->cache.released), 1);
}

static void a_question_and_its_answer(void **state)
{
	struct neighbour_question question;
	struct rig		  rig;

	(void)state;
	begin(&rig);
	assert_int_equal(neighbours_deadline(&rig.cache), TERN_NEVER);
	assert_int_equal(send_to(&rig, 1, 0), NEIGHBOUR_WAITS);
	assert_int_equal(state_of(&rig, 1), NEIGHBOUR_STATE_INCOMPLETE);
	assert_int_equal(questions(&rig, &question), 1);
	assert_false(question.unicast);
	assert_int_equal(neighbours_deadline(&rig.cache), rig.now + NEIGHBOUR_RETRANS);
	assert_int_equal(send_to(&rig, 1, 1), NEIGHBOUR_WAITS);
	assert_int_equal(questions(&rig, &question), 0); /* RFC 1122 2.3.2.1: once a second */
	assert_true(answered(&rig, 1, mac_a));
	assert_ptr_equal(packet_pop(&rig.cache.released), &rig.packet[0]); /* in their order */
	assert_ptr_equal(packet_pop(&rig.cache.released), &rig.packet[1]);
	assert_memory_equal(rig.packet[0].headers, mac_a, 6);
	assert_int_equal(state_of(&rig, 1), NEIGHBOUR_STATE_REACHABLE);
	assert_int_equal(send_to(&rig, 1, 2), NEIGHBOUR_SEND);
	assert_memory_equal(rig.packet[2].headers, mac_a, 6);
	rig.now = neighbours_deadline(&rig.cache); /* the answer left it: one look for nothing */
	assert_int_equal(questions(&rig, &question), 0);
	assert_int_equal(neighbours_deadline(&rig.cache), TERN_NEVER);
	end(&rig);
}

static void nobody_answers(void **state)
{
	struct neighbour_question question;
	struct rig		  rig;

	(void)state;
	begin(&rig);
	for (unsigned i = 0; i < NEIGHBOUR_WAITING + 2; i++) /* the newest wait */
		assert_int_equal(send_to(&rig, 1, i), NEIGHBOUR_WAITS);
	assert_int_equal(drain(&rig.cache.given_up), 2);
	neighbours_check(&rig.cache);
	for (unsigned i = 0; i < NEIGHBOUR_PROBES; i++) {
		assert_int_equal(questions(&rig, &question), 1);
		rig.now = neighbours_deadline(&rig.cache);
	}
	assert_int_equal(questions(&rig, &question), 0);
	assert_int_equal(state_of(&rig, 1), NEIGHBOUR_STATE_FAILED);
	assert_int_equal(drain(&rig.cache.unreachable), NEIGHBOUR_WAITING);
	assert_int_equal(neighbours_deadline(&rig.cache), TERN_NEVER);
	assert_int_equal(send_to(&rig, 1, 0), NEIGHBOUR_DROP);
	assert_false(answered(&rig, 1, mac_a)); /* too late: nobody asks any more */
	rig.now += NEIGHBOUR_FAILED;
	assert_int_equal(send_to(&rig, 1, 0), NEIGHBOUR_WAITS);
	assert_int_equal(questions(&rig, &question), 1);
	end(&rig);
}

static void a_neighbour_ages_and_is_probed(void **state)
{
	struct neighbour_question question;
	struct rig		  rig;

	(void)state;
	begin(&rig);
	meet(&rig, 1, mac_a);
	rig.now += NEIGHBOUR_REACHABLE;
	assert_int_equal(state_of(&rig, 1), NEIGHBOUR_STATE_STALE);
	assert_int_equal(send_to(&rig, 1, 0), NEIGHBOUR_SEND);
	assert_int_equal(state_of(&rig, 1), NEIGHBOUR_STATE_DELAY);
	assert_int_equal(questions(&rig, &question), 0);
	rig.now += NEIGHBOUR_DELAY;
	assert_int_equal(neighbours_deadline(&rig.cache), rig.now);
	assert_int_equal(questions(&rig, &question), 1);
	assert_int_equal(state_of(&rig, 1), NEIGHBOUR_STATE_PROBE);
	assert_true(question.unicast);
	assert_memory_equal(question.mac, mac_a, 6);
	assert_false(answered(&rig, 1, mac_b)); /* another than who was asked */
	assert_true(answered(&rig, 1, NULL));	/* an advertisement without the option will do */
	assert_int_equal(state_of(&rig, 1), NEIGHBOUR_STATE_REACHABLE);

	rig.now += NEIGHBOUR_REACHABLE;
	assert_int_equal(send_to(&rig, 1, 0), NEIGHBOUR_SEND);
	rig.now += NEIGHBOUR_DELAY;
	for (unsigned i = 0; i < NEIGHBOUR_PROBES; i++) {
		assert_int_equal(questions(&rig, &question), 1);
		assert_int_equal(send_to(&rig, 1, 0), NEIGHBOUR_SEND); /* meanwhile it is used */
		rig.now += NEIGHBOUR_RETRANS;
	}
	assert_int_equal(questions(&rig, &question), 0);
	assert_int_equal(state_of(&rig, 1), NEIGHBOUR_STATE_NONE);
	assert_int_equal(send_to(&rig, 1, 0), NEIGHBOUR_WAITS); /* everybody is asked anew */
	assert_int_equal(questions(&rig, &question), 1);
	assert_false(question.unicast);
	assert_true(answered(&rig, 1, mac_b));
	assert_int_equal(drain(&rig.cache.released), 1);
	rig.now += NEIGHBOUR_REACHABLE + NEIGHBOUR_AGE + 1;
	assert_int_equal(state_of(&rig, 1), NEIGHBOUR_STATE_NONE);
	assert_int_equal(send_to(&rig, 1, 0), NEIGHBOUR_WAITS);
	end(&rig);
}

static void unasked_answers_change_nothing(void **state)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	assert_false(answered(&rig, 1, mac_a));
	assert_int_equal(neighbours_count(&rig.cache), 0);
	assert_int_equal(send_to(&rig, 2, 0), NEIGHBOUR_WAITS);
	assert_false(answered(&rig, 2, mac_b)); /* INCOMPLETE, and not asked yet */
	assert_int_equal(state_of(&rig, 2), NEIGHBOUR_STATE_INCOMPLETE);
	neighbours_clear(&rig.cache);
	assert_int_equal(drain(&rig.cache.given_up), 1);
	meet(&rig, 1, mac_a);
	assert_false(answered(&rig, 1, mac_b)); /* REACHABLE */
	assert_int_equal(send_to(&rig, 1, 0), NEIGHBOUR_SEND);
	assert_memory_equal(rig.packet[0].headers, mac_a, 6);
	rig.now += NEIGHBOUR_REACHABLE;
	assert_false(answered(&rig, 1, mac_b)); /* STALE */
	assert_int_equal(send_to(&rig, 1, 0), NEIGHBOUR_SEND);
	assert_false(answered(&rig, 1, mac_b)); /* DELAY */
	assert_int_equal(send_to(&rig, 1, 0), NEIGHBOUR_SEND);
	assert_memory_equal(rig.packet[0].headers, mac_a, 6);
	end(&rig);
}

static void who_asks_tells_its_address(void **state)
{
	struct neighbour_question question;
	struct rig		  rig;

	(void)state;
	begin(&rig);
	heard(&rig, 1, mac_a);
	assert_int_equal(state_of(&rig, 1), NEIGHBOUR_STATE_STALE);
	heard(&rig, 1, mac_b); /* unverified: the last word holds */
	assert_int_equal(send_to(&rig, 1, 0), NEIGHBOUR_SEND);
	assert_memory_equal(rig.packet[0].headers, mac_b, 6);
	assert_int_equal(state_of(&rig, 1), NEIGHBOUR_STATE_DELAY);

	assert_int_equal(send_to(&rig, 2, 1), NEIGHBOUR_WAITS);
	assert_int_equal(questions(&rig, &question), 1);
	heard(&rig, 2, mac_a); /* it asked for us while we asked for it */
	assert_ptr_equal(packet_pop(&rig.cache.released), &rig.packet[1]);
	assert_int_equal(state_of(&rig, 2), NEIGHBOUR_STATE_DELAY);

	meet(&rig, 3, mac_a);
	rig.now += NEIGHBOUR_RETRANS;
	heard(&rig, 3, mac_b); /* verified: the old address is probed, nothing overwritten */
	assert_int_equal(state_of(&rig, 3), NEIGHBOUR_STATE_PROBE);
	assert_int_equal(send_to(&rig, 3, 2), NEIGHBOUR_SEND);
	assert_memory_equal(rig.packet[2].headers, mac_a, 6);
	assert_int_equal(questions(&rig, &question), 1);
	assert_true(answered(&rig, 3, mac_a));
	heard(&rig, 3, mac_b); /* at most one probe a second */
	assert_int_equal(state_of(&rig, 3), NEIGHBOUR_STATE_REACHABLE);
	end(&rig);
}

/* Two packets for two whom nobody knows, before anything was asked: a question for each, at once. */
static void several_are_asked_for_at_once(void **state)
{
	struct neighbour_question question;
	struct rig		  rig;

	(void)state;
	begin(&rig);
	for (uint32_t i = 1; i <= 3; i++) {
		assert_int_equal(send_to(&rig, i, i), NEIGHBOUR_WAITS);
		assert_int_equal(neighbours_deadline(&rig.cache), rig.now);
		neighbours_check(&rig.cache);
	}
	assert_int_equal(questions(&rig, &question), 3);
	assert_int_equal(neighbours_deadline(&rig.cache), rig.now + NEIGHBOUR_RETRANS);
	for (uint32_t i = 1; i <= 3; i++)
		assert_true(answered(&rig, i, mac_a));
	assert_int_equal(drain(&rig.cache.released), 3);
	end(&rig);
}

/* A neighbour that asks for us before our question for it has left: it is asked only if nothing confirms it. */
static void who_spoke_first_is_not_asked(void **state)
{
	struct neighbour_question question;
	struct rig		  rig;

	(void)state;
	begin(&rig);
	assert_int_equal(send_to(&rig, 1, 0), NEIGHBOUR_WAITS);
	heard(&rig, 1, mac_a);
	assert_ptr_equal(packet_pop(&rig.cache.released), &rig.packet[0]);
	assert_int_equal(questions(&rig, &question), 0);
	assert_int_equal(neighbours_deadline(&rig.cache), rig.now + NEIGHBOUR_DELAY);
	rig.now += NEIGHBOUR_DELAY;
	assert_int_equal(questions(&rig, &question), 1);
	assert_true(question.unicast);
	end(&rig);
}

static bool set(struct rig *rig, uint32_t last, const uint8_t *mac)
{
	const struct tern_addr addr = at(last);

	return neighbour_set(&rig->cache, 0, &addr, mac, rig->now);
}

static void a_neighbour_named_by_hand(void **state)
{
	struct neighbour_question question;
	struct rig		  rig;

	(void)state;
	begin(&rig);
	assert_true(set(&rig, 1, mac_a));
	assert_int_equal(send_to(&rig, 1, 0), NEIGHBOUR_SEND);
	assert_memory_equal(rig.packet[0].headers, mac_a, 6);
	assert_true(set(&rig, 1, mac_b)); /* the last word holds */
	assert_int_equal(send_to(&rig, 1, 0), NEIGHBOUR_SEND);
	assert_memory_equal(rig.packet[0].headers, mac_b, 6);

	assert_int_equal(send_to(&rig, 2, 1), NEIGHBOUR_WAITS);
	assert_true(set(&rig, 2, mac_a)); /* what waits goes, and nobody is asked */
	assert_ptr_equal(packet_pop(&rig.cache.released), &rig.packet[1]);
	assert_memory_equal(rig.packet[1].headers, mac_a, 6);
	assert_int_equal(questions(&rig, &question), 0);
	end(&rig);
}

/* RFC 4861 7.3.1: what shows that it got there makes the question needless. */
static void a_confirmation_ends_the_questions(void **state)
{
	const struct tern_addr	  one = at(1), nobody = at(2);
	struct neighbour_question question;
	struct rig		  rig;

	(void)state;
	begin(&rig);
	meet(&rig, 1, mac_a);
	neighbour_confirmed(&rig.cache, 0, &nobody, rig.now);
	assert_int_equal(neighbours_count(&rig.cache), 1);
	for (int probed = 0; probed < 2; probed++) {
		rig.now += NEIGHBOUR_REACHABLE;
		assert_int_equal(send_to(&rig, 1, 0), NEIGHBOUR_SEND);
		if (probed) {
			rig.now += NEIGHBOUR_DELAY;
			assert_int_equal(questions(&rig, &question), 1);
			assert_int_equal(state_of(&rig, 1), NEIGHBOUR_STATE_PROBE);
		}
		neighbour_confirmed(&rig.cache, 0, &one, rig.now);
		assert_int_equal(state_of(&rig, 1), NEIGHBOUR_STATE_REACHABLE);
		assert_false(answered(&rig, 1, mac_a)); /* nobody asks any more */
		rig.now += NEIGHBOUR_DELAY;
		assert_int_equal(questions(&rig, &question), 0);
	}
	end(&rig);
}

/* Who says again and again that it is another cannot keep a probe from failing, nor make it sooner. */
static void a_probe_goes_on_under_contradictions(void **state)
{
	struct neighbour_question question;
	struct rig		  rig;

	(void)state;
	begin(&rig);
	meet(&rig, 1, mac_a);
	rig.now += NEIGHBOUR_RETRANS;
	for (unsigned i = 0; i < NEIGHBOUR_PROBES; i++) {
		heard(&rig, 1, mac_b);
		assert_int_equal(state_of(&rig, 1), NEIGHBOUR_STATE_PROBE);
		assert_int_equal(questions(&rig, &question), 1);
		assert_memory_equal(question.mac, mac_a, 6);
		heard(&rig, 1, mac_b);
		assert_int_equal(questions(&rig, &question), 0);
		rig.now += NEIGHBOUR_RETRANS;
	}
	assert_int_equal(questions(&rig, &question), 0);
	assert_int_equal(state_of(&rig, 1), NEIGHBOUR_STATE_NONE);
	end(&rig);
}

/* Whom nobody could reach speaks: it is there again at once. An answer that names no address tells nothing. */
static void the_unreachable_speaks(void **state)
{
	struct neighbour_question question;
	struct rig		  rig;

	(void)state;
	begin(&rig);
	assert_int_equal(send_to(&rig, 1, 0), NEIGHBOUR_WAITS);
	for (unsigned i = 0; i < NEIGHBOUR_PROBES; i++) {
		assert_int_equal(questions(&rig, &question), 1);
		assert_false(answered(&rig, 1, NULL));
		rig.now += NEIGHBOUR_RETRANS;
	}
	assert_int_equal(questions(&rig, &question), 0);
	assert_int_equal(neighbours_deadline(&rig.cache), 0); /* senders are to be told */
	assert_int_equal(drain(&rig.cache.unreachable), 1);
	assert_int_equal(send_to(&rig, 1, 0), NEIGHBOUR_DROP);
	heard(&rig, 1, mac_a);
	assert_int_equal(send_to(&rig, 1, 0), NEIGHBOUR_SEND);
	assert_memory_equal(rig.packet[0].headers, mac_a, 6);
	end(&rig);
}

/* Every address of a /24, and more, by every unverified way: whom we know stays, reachable and unasked. */
static void a_flood_evicts_no_live_neighbour(void **state)
{
	static struct tern_packet packets[1000];
	struct neighbour_question question;
	struct rig		  rig;

	(void)state;
	begin(&rig);
	meet(&rig, 1, mac_a);
	for (uint32_t i = 2; i < 2000; i++) {
		heard(&rig, i, mac_b);
		assert_false(answered(&rig, i, mac_b));
		neighbours_check(&rig.cache);
	}
	assert_int_equal(neighbours_count(&rig.cache), NEIGHBOURS);
	for (uint32_t i = 2000; i < 3000; i++) { /* segments from forged sources: we ask for each */
		const struct tern_addr addr = at(i);

		(void)neighbour_send(&rig.cache, 0, &addr, &packets[i - 2000], rig.now);
		(void)questions(&rig, &question);
		(void)drain(&rig.cache.given_up);
		neighbours_check(&rig.cache);
	}
	assert_int_equal(neighbours_count(&rig.cache), NEIGHBOURS);
	assert_true(rig.cache.n_waiting <= 40);
	assert_int_equal(state_of(&rig, 1), NEIGHBOUR_STATE_REACHABLE);
	assert_int_equal(send_to(&rig, 1, 62), NEIGHBOUR_SEND);
	end(&rig);
}

static void full_of_live_neighbours(void **state)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	for (uint32_t i = 1; i <= NEIGHBOURS; i++)
		meet(&rig, i, mac_a);
	assert_int_equal(send_to(&rig, 1000, 0), NEIGHBOUR_DROP);
	assert_int_equal(rig.cache.full, 1);
	heard(&rig, 1000, mac_b);
	assert_int_equal(rig.cache.full, 2);
	rig.now += NEIGHBOUR_IDLE;
	heard(&rig, 1000, mac_b); /* idle ones give way to whom we need, not to who says so */
	assert_int_equal(state_of(&rig, 1000), NEIGHBOUR_STATE_NONE);
	assert_int_equal(send_to(&rig, 1000, 0), NEIGHBOUR_WAITS);
	assert_int_equal(neighbours_count(&rig.cache), NEIGHBOURS);
	end(&rig);
}

/* Who gives way when there is no place: who is failed or aged, then the oldest of those who only say so. */
static void the_least_worth_gives_way(void **state)
{
	struct neighbour_question question;
	struct rig		  rig;

	(void)state;
	begin(&rig);
	for (uint32_t i = 1; i <= NEIGHBOURS; i++)
		heard(&rig, i, mac_a);
	rig.now += TERN_SECOND;
	assert_true(set(&rig, NEIGHBOURS, mac_a)); /* where the search begins; it is the youngest now */
	heard(&rig, 1000, mac_b);
	assert_int_equal(state_of(&rig, NEIGHBOURS), NEIGHBOUR_STATE_STALE);
	assert_int_equal(state_of(&rig, 1), NEIGHBOUR_STATE_NONE);
	neighbours_clear(&rig.cache);

	for (uint32_t i = 1; i < NEIGHBOURS; i++)
		meet(&rig, i, mac_a);
	assert_int_equal(send_to(&rig, 500, 0), NEIGHBOUR_WAITS);
	for (unsigned i = 0; i < NEIGHBOUR_PROBES; i++) {
		assert_int_equal(questions(&rig, &question), 1);
		rig.now += NEIGHBOUR_RETRANS;
	}
	assert_int_equal(questions(&rig, &question), 0);
	assert_int_equal(drain(&rig.cache.unreachable), 1);
	heard(&rig, 1000, mac_b); /* in the place of whom nobody could reach */
	assert_int_equal(state_of(&rig, 1000), NEIGHBOUR_STATE_STALE);
	assert_int_equal(state_of(&rig, 500), NEIGHBOUR_STATE_NONE);
	rig.now += NEIGHBOUR_REACHABLE; /* STALE, and not idle for long: nobody has to go for a stranger's word */
	assert_int_equal(send_to(&rig, 1001, 0), NEIGHBOUR_WAITS);
	assert_int_equal(state_of(&rig, 1000), NEIGHBOUR_STATE_NONE);
	heard(&rig, 1002, mac_b);
	assert_int_equal(rig.cache.full, 1);
	rig.now += NEIGHBOUR_AGE; /* now all but the one that is asked for are as if they were not there */
	heard(&rig, 1002, mac_b);
	assert_int_equal(state_of(&rig, 1002), NEIGHBOUR_STATE_STALE);
	assert_int_equal(neighbours_count(&rig.cache), NEIGHBOURS);
	end(&rig);
}

static void links_and_versions_are_told_apart(void **state)
{
	const struct tern_addr    one = at(1);
	struct neighbour_question question;
	struct rig		  rig;

	(void)state;
	begin(&rig);
	meet(&rig, 1, mac_a);
	assert_int_equal(neighbour_send(&rig.cache, 1, &one, &rig.packet[0], rig.now), NEIGHBOUR_WAITS);
	assert_int_equal(questions(&rig, &question), 1);
	assert_int_equal(question.link, 1);
	neighbours_clear(&rig.cache);
	assert_int_equal(drain(&rig.cache.given_up), 1);
	for (uint32_t i = 0; i < 200; i++) { /* so many that they share buckets */
		const struct tern_addr addr = at(i % 100);

		neighbour_heard(&rig.cache, i < 100, &addr, i < 100 ? mac_a : mac_b, rig.now);
	}
	assert_int_equal(neighbours_count(&rig.cache), 200);
	for (uint32_t i = 0; i < 100; i++) {
		const struct tern_addr addr = at(i);

		assert_int_equal(neighbour_state_of(&rig.cache, 2, &addr, rig.now), NEIGHBOUR_STATE_NONE);
		for (uint8_t link = 0; link < 2; link++) {
			assert_int_equal(neighbour_send(&rig.cache, link, &addr, &rig.packet[link], rig.now),
					 NEIGHBOUR_SEND);
			assert_memory_equal(rig.packet[link].headers, link ? mac_a : mac_b, 6);
		}
	}
	end(&rig);
}

static void no_memory_no_cache(void **state)
{
	const struct siphash_key key = { 0 };
	struct rig		 rig;

	(void)state;
	begin(&rig);
	end(&rig);
	mem_init(&rig.mem, &rig.allocator, 100, 0);
	neighbours_init(&rig.cache, &rig.mem, &key, 40);
	assert_int_equal(neighbours_start(&rig.cache), -TERN_ENOMEM);
	assert_int_equal(send_to(&rig, 1, 0), NEIGHBOUR_DROP);
	heard(&rig, 1, mac_a);
	assert_false(answered(&rig, 1, mac_a));
	assert_false(set(&rig, 1, mac_a));
	assert_int_equal(state_of(&rig, 1), NEIGHBOUR_STATE_NONE);
	assert_int_equal(neighbours_count(&rig.cache), 0);
	end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_and_its_answer),
		cmocka_unit_test(nobody_answers),
		cmocka_unit_test(a_neighbour_ages_and_is_probed),
		cmocka_unit_test(unasked_answers_change_nothing),
		cmocka_unit_test(who_asks_tells_its_address),
		cmocka_unit_test(several_are_asked_for_at_once),
		cmocka_unit_test(who_spoke_first_is_not_asked),
		cmocka_unit_test(a_neighbour_named_by_hand),
		cmocka_unit_test(a_confirmation_ends_the_questions),
		cmocka_unit_test(a_probe_goes_on_under_contradictions),
		cmocka_unit_test(the_unreachable_speaks),
		cmocka_unit_test(a_flood_evicts_no_live_neighbour),
		cmocka_unit_test(the_least_worth_gives_way),
		cmocka_unit_test(full_of_live_neighbours),
		cmocka_unit_test(links_and_versions_are_told_apart),
		cmocka_unit_test(no_memory_no_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
