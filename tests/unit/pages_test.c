#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "base/pages.h"
#include "base/siphash.h"
#include "unit/allocator.h"

struct fixture {
	struct test_allocator host;
	struct mem	      mem;
	struct pages_pool     pool;
};

static void begin(struct fixture *f, size_t limit, size_t reserve)
{
	const struct tern_allocator allocator = test_allocator(&f->host);

	mem_init(&f->mem, &allocator, limit, reserve);
	pages_pool_init(&f->pool, &f->mem);
}

static void end(struct fixture *f)
{
	pages_pool_trim(&f->pool);
	pages_pool_done(&f->pool);
	assert_int_equal(f->mem.used, 0);
	assert_int_equal(f->host.blocks, 0);
	assert_false(f->host.broken);
}

static void a_little_traffic_is_one_store_and_one_page(void **state)
{
	struct fixture f;
	const uint8_t *at;

	(void)state;
	begin(&f, 1 << 20, 0);
	struct pages *s = pages_new(&f.pool, 0xfffffff0, MEM_ORDINARY);
	const size_t empty = f.mem.used;
	assert_int_equal(pages_bytes(s), empty);
	assert_int_equal(pages_peek(s, 0xfffffff0, 10, &at), 0);
	assert_int_equal(pages_write(&f.pool, s, 0xfffffff0, (const uint8_t *)"hello", 5, MEM_ORDINARY), 5);
	assert_int_equal(f.mem.used, empty + PAGE_BYTES);
	assert_int_equal(pages_bytes(s), f.mem.used);
	assert_int_equal(f.host.calls, 2);
	assert_int_equal(pages_peek(s, 0xfffffff0, 5, &at), 5);
	assert_memory_equal(at, "hello", 5);
	assert_int_equal(pages_peek(s, 0xfffffff2, 1000, &at), 14); /* to the end of the page */
	assert_memory_equal(at, "llo", 3);
	pages_free(&f.pool, s);
	end(&f);
}

static void a_far_byte_commits_one_page_and_a_ring(void **state)
{
	struct fixture f;
	const uint8_t *at;
	const uint32_t far = (1u << 30) - 1;

	(void)state;
	begin(&f, 64 << 20, 0);
	struct pages *s = pages_new(&f.pool, 0x12345678, MEM_ORDINARY);
	assert_int_equal(pages_write(&f.pool, s, 0x12345678, (const uint8_t *)"a", 1, MEM_ORDINARY), 1);
	assert_int_equal(pages_write(&f.pool, s, 0x12345678 + far, (const uint8_t *)"z", 1, MEM_ORDINARY), 1);
	assert_in_range(pages_bytes(s), 2 * PAGE_BYTES, 2 * PAGE_BYTES + (1 << 19) * sizeof(void *) + 200);
	assert_int_equal(pages_peek(s, 0x12345678 + far, 1, &at), 1);
	assert_int_equal(*at, 'z');
	assert_int_equal(pages_peek(s, 0x12345678, 1, &at), 1);
	assert_int_equal(*at, 'a');
	assert_int_equal(pages_peek(s, 0x12345678 + 8192, 1, &at), 0);
	assert_int_equal(pages_peek(s, 0x12345677, 1, &at), 0);
	pages_release(&f.pool, s, 0x12345678 + far);
	assert_int_equal(pages_peek(s, 0x12345678 + far, 1, &at), 1);
	assert_int_equal(*at, 'z');
	pages_release(&f.pool, s, 0x12345678 + (1u << 30) + 5000);
	assert_int_equal(pages_peek(s, 0x12345678 + far, 1, &at), 0);
	pages_free(&f.pool, s);
	end(&f);
}

static void release_gives_back_whole_pages_passed(void **state)
{
	struct fixture	     f;
	static const uint8_t zero[4 * PAGE_BYTES];

	(void)state;
	begin(&f, 1 << 20, 0);
	struct pages *s = pages_new(&f.pool, 100, MEM_ORDINARY);
	const size_t  empty = pages_bytes(s);
	assert_int_equal(pages_write(&f.pool, s, 100, zero, 3 * PAGE_BYTES, MEM_ORDINARY), 3 * PAGE_BYTES);
	assert_int_equal(pages_bytes(s), empty + 4 * PAGE_BYTES);
	pages_release(&f.pool, s, 4095);
	assert_int_equal(pages_bytes(s), empty + 4 * PAGE_BYTES);
	pages_release(&f.pool, s, 4096);
	assert_int_equal(pages_bytes(s), empty + 3 * PAGE_BYTES);
	pages_release(&f.pool, s, 3 * 4096 - 1);
	assert_int_equal(pages_bytes(s), empty + 2 * PAGE_BYTES);
	pages_release(&f.pool, s, 100 + 3 * PAGE_BYTES);
	assert_int_equal(pages_bytes(s), empty + PAGE_BYTES);
	pages_free(&f.pool, s);
	end(&f);
}

static void cut_frees_pages_wholly_beyond(void **state)
{
	struct fixture	     f;
	static const uint8_t zero[8 * PAGE_BYTES];
	const uint8_t	    *at;

	(void)state;
	begin(&f, 1 << 20, 0);
	struct pages *s = pages_new(&f.pool, 100, MEM_ORDINARY);
	const size_t  empty = pages_bytes(s);
	assert_int_equal(pages_write(&f.pool, s, 100, zero, 3 * PAGE_BYTES, MEM_ORDINARY), 3 * PAGE_BYTES);
	pages_cut(&f.pool, s, 8193);
	assert_int_equal(pages_bytes(s), empty + 3 * PAGE_BYTES);
	pages_cut(&f.pool, s, 8192);
	assert_int_equal(pages_bytes(s), empty + 2 * PAGE_BYTES);
	assert_int_equal(pages_peek(s, 8191, 1, &at), 1);
	assert_int_equal(pages_peek(s, 8192, 1, &at), 0);
	pages_cut(&f.pool, s, 100);
	assert_int_equal(pages_bytes(s), empty + PAGE_BYTES); /* the base's own page is not wholly beyond */
	pages_free(&f.pool, s);
	end(&f);
}

/* The budget ends in the midst of a write: what was put is put, and the reserve lets the rest in. */
static void a_write_ends_where_memory_ends(void **state)
{
	struct fixture f;
	static uint8_t text[4 * PAGE_BYTES];
	const uint8_t *at;

	(void)state;
	memset(text, 7, sizeof text);
	begin(&f, 4 * PAGE_BYTES + 1000, 2 * PAGE_BYTES);
	struct pages *s = pages_new(&f.pool, 1000, MEM_ORDINARY);
	assert_int_equal(pages_write(&f.pool, s, 1000, text, sizeof text, MEM_ORDINARY),
			 2 * PAGE_BYTES - 1000);
	assert_int_equal(pages_peek(s, PAGE_BYTES, 1, &at), 1);
	assert_int_equal(*at, 7);
	assert_int_equal(pages_peek(s, 2 * PAGE_BYTES, 1, &at), 0);
	assert_int_equal(pages_write(&f.pool, s, 2 * PAGE_BYTES, text, 5000, MEM_RESERVED), 5000);
	assert_int_equal(pages_write(&f.pool, s, 4 * PAGE_BYTES, text, 1, MEM_RESERVED),
			 0); /* a ring, and a page */
	pages_free(&f.pool, s);
	end(&f);
}

/* A ring that grows while its first page is not at its first place. */
static void growth_keeps_every_page_in_its_place(void **state)
{
	static uint8_t text[7 * PAGE_BYTES];

	(void)state;
	for (uint32_t first = 0; first < 16; first++) {
		struct fixture f;
		const uint8_t *at;
		const uint32_t base = first * PAGE_BYTES;

		for (size_t i = 0; i < sizeof text; i++)
			text[i] = (uint8_t)(i / PAGE_BYTES + 1);
		begin(&f, 1 << 20, 0);
		struct pages *s = pages_new(&f.pool, base, MEM_ORDINARY);
		for (uint32_t n = 0; n < sizeof text; n += PAGE_BYTES)
			assert_int_equal(
				pages_write(&f.pool, s, base + n, text + n, PAGE_BYTES, MEM_ORDINARY),
				PAGE_BYTES);
		for (uint32_t i = 0; i < 7; i++) {
			assert_int_equal(pages_peek(s, base + i * PAGE_BYTES, 1, &at), 1);
			assert_int_equal(*at, i + 1);
		}
		pages_free(&f.pool, s);
		end(&f);
	}
}

/* What may take from the reserve may grow its ring from it. */
static void a_ring_grows_from_the_reserve(void **state)
{
	struct fixture f;
	const size_t   limit = 4 * PAGE_BYTES;

	(void)state;
	begin(&f, limit, limit);
	struct pages *s = pages_new(&f.pool, 0, MEM_RESERVED);
	assert_int_equal(pages_write(&f.pool, s, 9 * PAGE_BYTES, (const uint8_t *)"x", 1, MEM_ORDINARY), 0);
	assert_int_equal(pages_write(&f.pool, s, 9 * PAGE_BYTES, (const uint8_t *)"x", 1, MEM_RESERVED), 1);
	pages_free(&f.pool, s);
	end(&f);
}

static void every_allocation_may_fail(void **state)
{
	static uint8_t text[10 * PAGE_BYTES];

	(void)state;
	for (size_t fail = 1; fail <= 14; fail++) {
		struct fixture f;

		begin(&f, 1 << 20, 0);
		f.host.fail_at = fail;
		struct pages *s = pages_new(&f.pool, 4000, MEM_ORDINARY);
		if (s) {
			const size_t put = pages_write(&f.pool, s, 4000, text, sizeof text, MEM_ORDINARY);
			assert_int_equal(put < sizeof text, f.mem.failed > 0);
			assert_int_equal(pages_write(&f.pool, s, 4000 + (uint32_t)put, text,
						     sizeof text - put, MEM_ORDINARY),
					 sizeof text - put);
			pages_free(&f.pool, s);
		}
		end(&f);
	}
}

enum { WORLD = 1 << 18 };

/* Random writes, releases and cuts against a flat array, over the wrap of offsets. */
static void agrees_with_a_flat_array(void **state)
{
	static uint8_t flat[WORLD], known[WORLD], text[9000];
	struct fixture f;
	uint64_t       seed = 6;
	const uint32_t origin = 0u - WORLD / 2;
	uint32_t       base = 0;

	(void)state;
	memset(known, 0, sizeof known);
	begin(&f, 8 << 20, 0);
	struct pages *s = pages_new(&f.pool, origin, MEM_ORDINARY);
	while (base < WORLD - 10000) {
		const uint32_t kind = splitmix64(&seed) % 16;
		const uint32_t n = (uint32_t)(splitmix64(&seed) % sizeof text);
		uint32_t       at = base + (uint32_t)(splitmix64(&seed) % 40000);

		if (at > WORLD - n)
			at = WORLD - n;
		if (kind < 12) {
			for (size_t i = 0; i < n; i++)
				text[i] = (uint8_t)splitmix64(&seed);
			assert_int_equal(pages_write(&f.pool, s, origin + at, text, n, MEM_ORDINARY), n);
			memcpy(flat + at, text, n);
			memset(known + at, 1, n);
		} else if (kind < 14) {
			base += n / 8;
			pages_release(&f.pool, s, origin + base);
		} else if (kind == 14) {
			pages_cut(&f.pool, s, origin + at);
			memset(known + at, 0, WORLD - at);
		}
		for (uint32_t i = base; i < base + 60000 && i < WORLD;) {
			const uint8_t *piece;
			const size_t   got = pages_peek(s, origin + i, 5000, &piece);

			assert_in_range(got, known[i], PAGE_BYTES);
			for (uint32_t k = 0; k < got && i + k < WORLD; k++)
				if (known[i + k] && flat[i + k] != piece[k])
					fail();
			i += got ? (uint32_t)got : 1;
		}
	}
	pages_free(&f.pool, s);
	end(&f);
}

/* The same places as pages_write() gives, and the sum of all, however pages cut it; and of what found memory. */
static void writing_may_sum(void **state)
{
	static uint8_t from[3 * PAGE_BYTES];
	struct fixture f;
	const uint8_t *at;
	uint32_t       sum;

	(void)state;
	for (size_t i = 0; i < sizeof from; i++)
		from[i] = (uint8_t)(i * 7 + i / 256);
	begin(&f, 1 << 20, 0);
	for (uint32_t base = PAGE_BYTES - 5; base < PAGE_BYTES + 2; base++) {
		struct pages *s = pages_new(&f.pool, base, MEM_ORDINARY);
		size_t	      seen = 0;

		sum = 77;
		assert_int_equal(pages_write_sum(&f.pool, s, base, from, 9001, MEM_ORDINARY, &sum), 9001);
		assert_int_equal(sum_fold16(sum), sum_fold16(sum_add(77, from, 9001)));
		for (size_t n; seen < 9001; seen += n) {
			n = pages_peek(s, base + (uint32_t)seen, 9001 - seen, &at);
			assert_true(n > 0);
			assert_memory_equal(at, from + seen, n);
		}
		pages_free(&f.pool, s);
	}
	end(&f);
	begin(&f, 2 * PAGE_BYTES, 0); /* one page and the store */
	struct pages *s = pages_new(&f.pool, 0, MEM_ORDINARY);
	sum = 0;
	assert_int_equal(pages_write_sum(&f.pool, s, 1, from, 5000, MEM_ORDINARY, &sum), PAGE_BYTES - 1);
	pages_free(&f.pool, s);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writing_may_sum),
		cmocka_unit_test(a_little_traffic_is_one_store_and_one_page),
		cmocka_unit_test(a_far_byte_commits_one_page_and_a_ring),
		cmocka_unit_test(release_gives_back_whole_pages_passed),
		cmocka_unit_test(cut_frees_pages_wholly_beyond),
		cmocka_unit_test(a_write_ends_where_memory_ends),
		cmocka_unit_test(growth_keeps_every_page_in_its_place),
		cmocka_unit_test(a_ring_grows_from_the_reserve),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(agrees_with_a_flat_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
