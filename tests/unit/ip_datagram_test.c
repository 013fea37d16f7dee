#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "unit/ip_fragments.h"
#include "base/siphash.h"
#include "ip/datagram.h"

/* attacks: CVE-2018-5391 (FragmentSmack) */
static void tiny_pieces_are_bounded(void **state)
{
	struct fixture f;
	uint64_t       random = 5;

	(void)state;
	begin(&f);
	for (unsigned i = 0; i < 70; i++) { /* every second place of one datagram, from the end */
		const enum ip_reassembly_result result =
			ADD(&f, .offset = 16 * (70 - i), .len = 8, .more = true, .src = 9);

		assert_int_equal(result, i < 64	   ? IP_REASSEMBLY_HELD
					 : i == 64 ? IP_REASSEMBLY_TOO_MANY
						   : IP_REASSEMBLY_LATE);
	}
	for (unsigned i = 0; i < 300000; i++) {
		const uint64_t x = splitmix64(&random);

		ADD(&f, .offset = 8 * (x & 0x1ff), .len = 8, .more = true, .src = (x >> 16) % 20,
		    .id = (x >> 24) % 500);
		assert_true(f.r.used <= IP_REASSEMBLY_BYTES && f.mem.used == f.r.used);
		if (i % 10000 == 0)
			ip_reassembly_check(&f.r);
	}
	end(&f);
}

/* The same bytes from somebody else. */
static enum ip_reassembly_result add_from(struct fixture *f, struct ip_header *ip, unsigned src, unsigned id)
{
	ip->src = address(4, src + 1);
	ip->id = id;
	return ip_reassembly_add(&f->r, ip, 0, f->now, &f->out);
}

/* attacks: Rose/New Dawn */
static void half_datagrams_of_many_do_not_lock_out_one(void **state)
{
	struct fixture	 f;
	struct ip_header first, last;
	unsigned	 served = 0, tried = 0;
	size_t		 peak = 0;
	uint8_t		*p = make(&(struct bit){ .len = 32, .more = true }, &first);
	uint8_t		*q = make(&(struct bit){ .offset = 65464, .len = 8 }, &last);

	(void)state;
	begin(&f);
	for (unsigned i = 0; i < 1000000; i++) {
		f.now += TERN_MICROSECOND;
		add_from(&f, &first, 100 + i % 10000, i);
		add_from(&f, &last, 100 + i % 10000, i);
		if (i % 100 == 0) { /* while ten of the others' come between its fragments */
			tried++;
			ADD(&f, .len = 1480, .more = true, .id = i);
		}
		if (i % 100 == 10)
			served += ADD(&f, .offset = 1480, .len = 100, .id = i - 10) == IP_REASSEMBLY_COMPLETE;
		peak = f.mem.used > peak ? f.mem.used : peak;
	}
	assert_true(served * 100 >= tried * 99);
	assert_true(peak <= IP_REASSEMBLY_BYTES);
	assert_true(f.r.n <= IP_REASSEMBLY_DATAGRAMS);
	test_free(p);
	test_free(q);
	end(&f);
}

/* attacks: Rose/New Dawn: one source, in IPv6 from wherever in its /64. */
static void floods_from_one_source(unsigned version, unsigned len)
{
	struct fixture	 f;
	struct ip_header ip;
	uint8_t		*p = make(&(struct bit){ .version = version, .len = len, .more = true }, &ip);

	begin(&f);
	ADD(&f, .version = version, .len = 8, .more = true, .src = 7);
	for (ip.id = 1; ip.id < 10000; ip.id++) {
		if (version == 6)
			put32(ip.src.b + 12, ip.id);
		ip_reassembly_add(&f.r, &ip, 0, 0, &f.out);
	}
	ip_reassembly_check(&f.r);
	assert_true(f.r.n <= 1 + IP_REASSEMBLY_DATAGRAMS / IP_REASSEMBLY_SHARES);
	assert_true(f.r.used <= IP_REASSEMBLY_BYTES / IP_REASSEMBLY_SHARES + (64 << 10));
	assert_true(f.r.given_up > 0);
	assert_int_equal(ADD(&f, .version = version, .offset = 8, .len = 1, .src = 7),
			 IP_REASSEMBLY_COMPLETE);
	test_free(p);
	end(&f);
}

static void one_source_cannot_take_all(void **state)
{
	(void)state;
	for (unsigned version = 4; version <= 6; version += 2)
		for (unsigned len = 8; len <= 32008; len += 16000)
			floods_from_one_source(version, len);
}

static void each_allocation_may_fail(void **state)
{
	struct fixture f;
	bool	       failed = true;

	(void)state;
	for (size_t n = 1; failed; n++) {
		begin(&f);
		f.host.fail_at = n;
		failed = false;
		for (unsigned i = 0; i < 3; i++) {
			const enum ip_reassembly_result result =
				ADD(&f, .offset = 1480 * i, .len = 1480, .more = i < 2);

			failed |= result == IP_REASSEMBLY_NO_MEMORY;
			ip_reassembly_check(&f.r);
			if (!failed)
				assert_int_equal(result, i < 2 ? IP_REASSEMBLY_HELD : IP_REASSEMBLY_COMPLETE);
		}
		assert_true(failed == (f.host.calls >= n));
		/* The next datagram is none the worse. */
		f.host.fail_at = 0;
		ADD(&f, .id = 1, .len = 8, .more = true);
		assert_int_equal(ADD(&f, .id = 1, .offset = 8, .len = 8), IP_REASSEMBLY_COMPLETE);
		end(&f);
	}
}

static void a_small_budget_keeps_its_bound(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t limit = 0; limit < 60000; limit += 250) {
		begin_with(&f, 16 * limit);
		for (unsigned i = 0; i < 60; i++) {
			ADD(&f, .id = i % 7, .offset = 1480 * (i / 7), .len = 1480, .more = true);
			ADD(&f, .id = 1000 + i, .len = 16, .more = true);
			ADD(&f, .id = 1000 + i, .offset = 16, .len = 16);
			ip_reassembly_check(&f.r);
			assert_true(f.mem.used <= limit);
		}
		end(&f);
	}
}

/* Room for the tables, and for little or nothing behind them: no datagram begins, and nothing is lost count of. */
static void tables_fit_and_no_datagram_does(void **state)
{
	const size_t   tables = sizeof(struct ip_reassembly_tables);
	struct fixture f;

	(void)state;
	for (size_t more = 0, held = 0; more < 512; more += 4) {
		begin(&f);
		f.r.limit = tables + more;
		const enum ip_reassembly_result first = ADD(&f, .len = 8, .more = true);

		ip_reassembly_check(&f.r);
		if (first == IP_REASSEMBLY_HELD)
			held++;
		else
			assert_int_equal(first, IP_REASSEMBLY_NO_MEMORY);
		assert_true((first == IP_REASSEMBLY_HELD) == (held > 0)); /* more room is never worse */
		assert_true(more > 0 ? more < 500 || held > 0 : f.r.n == 0);
		end(&f);
	}
}

static void an_empty_room_gives_its_tables_back(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	assert_int_equal(f.mem.used, 0);
	ADD(&f, .len = 8, .more = true);
	ip_reassembly_trim(&f.r);
	assert_true(f.mem.used > 0);
	assert_int_equal(ADD(&f, .offset = 8, .len = 8), IP_REASSEMBLY_COMPLETE);
	ip_reassembly_trim(&f.r);
	assert_int_equal(f.mem.used, 0);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tiny_pieces_are_bounded),
		cmocka_unit_test(half_datagrams_of_many_do_not_lock_out_one),
		cmocka_unit_test(one_source_cannot_take_all),
		cmocka_unit_test(each_allocation_may_fail),
		cmocka_unit_test(a_small_budget_keeps_its_bound),
		cmocka_unit_test(tables_fit_and_no_datagram_does),
		cmocka_unit_test(an_empty_room_gives_its_tables_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
