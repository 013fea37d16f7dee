#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "base/siphash.h"
#include "base/slices.h"
#include "unit/allocator.h"

struct fixture {
	struct test_allocator host;
	struct mem	      mem;
	struct slices_pool    pool;
};

static void begin(struct fixture *f, size_t limit)
{
	const struct tern_allocator allocator = test_allocator(&f->host);

	mem_init(&f->mem, &allocator, limit, 0);
	slices_pool_init(&f->pool, &f->mem);
}

static void end(struct fixture *f)
{
	slices_pool_trim(&f->pool);
	slices_pool_done(&f->pool);
	assert_int_equal(f->mem.used, 0);
	assert_int_equal(f->host.blocks, 0);
	assert_false(f->host.broken);
}

/* The byte at a stream offset: so that any piece of a stream can be checked by itself. */
static uint8_t byte_at(uint32_t offset)
{
	return (uint8_t)(offset * 2654435761u >> 24);
}

static void fill(uint8_t *p, uint32_t offset, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = byte_at(offset + (uint32_t)i);
}

static void check(const uint8_t *p, uint32_t offset, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != byte_at(offset + (uint32_t)i))
			fail_msg("byte at %u", offset + (uint32_t)i);
}

struct released {
	unsigned    calls;
	const void *from;
	size_t	    n;
};

static void on_release(void *context, const void *from, size_t n)
{
	struct released *r = context;

	r->calls++;
	r->from = from;
	r->n = n;
}

static void a_small_write_takes_a_small_block(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 1 << 20);
	struct slices *s = slices_new(&f.pool, 5);
	const size_t empty = slices_bytes(s);
	assert_int_equal(f.mem.used, empty);
	assert_int_equal(slices_copy(&f.pool, s, "abc", 3), 3);
	assert_int_equal(slices_bytes(s), empty + SLICE_BLOCK_SMALL);
	assert_int_equal(slices_copy(&f.pool, s, "def", 3), 3);
	assert_int_equal(slices_bytes(s), empty + SLICE_BLOCK_SMALL); /* the same block */
	assert_int_equal(slices_base(s), 5);
	assert_int_equal(slices_end(s), 11);
	slices_release(&f.pool, s, 11);
	assert_int_equal(slices_bytes(s), empty);
	static uint8_t much[2000];
	assert_int_equal(slices_copy(&f.pool, s, much, sizeof much), sizeof much);
	assert_int_equal(slices_bytes(s), empty + SLICE_BLOCK);
	slices_free(&f.pool, s);
	end(&f);
}

static void owned_memory_is_released_once_after_ack_and_last_packet(void **state)
{
	struct fixture	  f;
	struct released	  r = { 0 };
	struct slice_part part[2];
	const char	  text[] = "owned text";
	uint32_t	  got;

	(void)state;
	begin(&f, 1 << 20);
	struct slices *s = slices_new(&f.pool, 0xfffffffb);
	assert_int_equal(slices_own(&f.pool, s, text, 10, on_release, &r), 0);
	assert_int_equal(slices_gather(s, 0xfffffffd, 100, part, 2, &got), 1);
	assert_int_equal(got, 8);
	assert_ptr_equal(part[0].at, text + 2); /* no copy */
	slices_release(&f.pool, s, 4);
	assert_int_equal(r.calls, 0);
	slices_release(&f.pool, s, 5);
	assert_int_equal(r.calls, 0); /* a packet points at it */
	slice_put(&f.pool, part[0].slice);
	assert_int_equal(r.calls, 1);
	assert_ptr_equal(r.from, text);
	assert_int_equal(r.n, 10);

	assert_int_equal(slices_own(&f.pool, s, text, 10, on_release, &r), 0);
	assert_int_equal(slices_own(&f.pool, s, text, 10, NULL, NULL), 0);
	slices_free(&f.pool, s);
	assert_int_equal(r.calls, 2);
	end(&f);
}

static void owning_nothing_or_too_much_is_refused(void **state)
{
	struct fixture	f;
	struct released r = { 0 };

	(void)state;
	begin(&f, 1 << 20);
	struct slices *s = slices_new(&f.pool, 0);
	assert_int_equal(slices_own(&f.pool, s, "", 0, on_release, &r), -TERN_EINVAL);
	assert_int_equal(slices_own(&f.pool, s, "", (size_t)SLICES_MAX + 1, on_release, &r), -TERN_ENOMEM);
	assert_int_equal(slices_own(&f.pool, s, "", SLICES_MAX, on_release, &r), 0); /* never read here */
	assert_int_equal(slices_own(&f.pool, s, "", 1, on_release, &r), -TERN_ENOMEM);
	assert_int_equal(slices_copy(&f.pool, s, "x", 1), 0);
	assert_int_equal(slices_end(s), SLICES_MAX);
	assert_int_equal(r.calls, 0);
	slices_free(&f.pool, s);
	assert_int_equal(r.calls, 1);
	end(&f);
}

static void a_packet_keeps_copied_bytes_beyond_the_store(void **state)
{
	struct fixture	  f;
	struct slice_part part;
	uint32_t	  got;

	(void)state;
	begin(&f, 1 << 20);
	struct slices *s = slices_new(&f.pool, 0);
	assert_int_equal(slices_copy(&f.pool, s, "first", 5), 5);
	assert_int_equal(slices_gather(s, 0, 5, &part, 1, &got), 1);
	assert_int_equal(slices_copy(&f.pool, s, "second", 6), 6);
	slices_free(&f.pool, s);
	assert_memory_equal(part.at, "first", 5);
	assert_int_equal(part.n, 5);
	slice_put(&f.pool, part.slice);
	end(&f);
}

static void gather_stops_where_room_or_bytes_end(void **state)
{
	struct fixture	  f;
	struct slice_part part[3];
	uint32_t	  got;

	(void)state;
	begin(&f, 1 << 20);
	struct slices *s = slices_new(&f.pool, 100);
	assert_int_equal(slices_gather(s, 100, 10, part, 3, &got), 0);
	assert_int_equal(got, 0);
	assert_int_equal(slices_own(&f.pool, s, "aa", 2, NULL, NULL), 0);
	assert_int_equal(slices_own(&f.pool, s, "bbb", 3, NULL, NULL), 0);
	assert_int_equal(slices_copy(&f.pool, s, "cccc", 4), 4);
	assert_int_equal(slices_gather(s, 101, 100, part, 2, &got), 2);
	assert_int_equal(got, 4);
	assert_int_equal(part[0].n, 1);
	assert_int_equal(part[1].n, 3);
	for (size_t i = 0; i < 2; i++)
		slice_put(&f.pool, part[i].slice);
	assert_int_equal(slices_gather(s, 101, 5, part, 3, &got), 3);
	assert_int_equal(got, 5);
	assert_int_equal(part[2].n, 1);
	assert_memory_equal(part[2].at, "c", 1);
	for (size_t i = 0; i < 3; i++)
		slice_put(&f.pool, part[i].slice);
	assert_int_equal(slices_gather(s, 109, 5, part, 3, &got), 0);
	assert_int_equal(slices_gather(s, 101, 5, part, 0, &got), 0);
	assert_int_equal(got, 0);
	slices_free(&f.pool, s);
	end(&f);
}

/* The head of a slice that was released serves another store: no cursor of the first may follow it. */
static void a_released_slice_is_forgotten(void **state)
{
	struct fixture	  f;
	struct slice_part part;
	uint32_t	  got;

	(void)state;
	for (int again = 0; again <= 1; again++) {
		begin(&f, 1 << 20);
		struct slices *a = slices_new(&f.pool, 0), *b = slices_new(&f.pool, 15);
		for (int i = 0; i < 3; i++)
			assert_int_equal(slices_own(&f.pool, a, "aaaaaaaaaa", 10, NULL, NULL), 0);
		if (again) {
			assert_int_equal(slices_gather(a, 25, 1, &part, 1, &got), 1);
			slice_put(&f.pool, part.slice);
		}
		assert_int_equal(slices_gather(a, 0, 1, &part, 1, &got), 1);
		slice_put(&f.pool, part.slice);
		slices_release(&f.pool, a, 10);
		assert_int_equal(slices_own(&f.pool, b, "bbbbbbbbbbbbbbbbbbbb", 20, NULL, NULL), 0);
		assert_int_equal(slices_gather(a, 16, 1, &part, 1, &got), 1);
		assert_int_equal(*part.at, 'a');
		slice_put(&f.pool, part.slice);
		slices_free(&f.pool, a);
		slices_free(&f.pool, b);
		end(&f);
	}
}

static void a_copy_ends_where_memory_ends(void **state)
{
	struct fixture f;
	static uint8_t much[100000];

	(void)state;
	begin(&f, 3 * SLICE_BLOCK);
	struct slices *s = slices_new(&f.pool, 0);
	const size_t   put = slices_copy(&f.pool, s, much, sizeof much);
	/* Two large blocks, then small ones as long as they fit. */
	assert_in_range(put, 2 * SLICE_BLOCK + 12 * SLICE_BLOCK_SMALL, 3 * SLICE_BLOCK);
	assert_int_equal(slices_end(s), put);
	slices_release(&f.pool, s, SLICE_BLOCK);
	assert_true(slices_copy(&f.pool, s, much, 100) == 100);
	f.host.fail_all = true;
	while (slices_copy(&f.pool, s, much, 1000) > 0)
		;
	assert_int_equal(slices_own(&f.pool, s, much, 1, on_release, NULL), -TERN_ENOMEM);
	slices_free(&f.pool, s);
	slices_pool_trim(&f.pool);
	f.host.fail_all = false;
	end(&f);
}

enum { STREAM = 1 << 20, PARTS = 6 };

struct world {
	struct fixture	  f;
	struct slices	 *s;
	uint64_t	  seed;
	uint32_t	  base, next, end; /* una, nxt, written */
	struct slice_part held[64];
	uint32_t	  held_at[64];
	size_t		  n_held;
	uint8_t		 *stream; /* owned memory comes out of this */
	uint32_t	  origin;
	uint64_t	  owned, released;
};

static void count_release(void *context, const void *from, size_t n)
{
	struct world *w = context;

	check(from, w->origin + (uint32_t)((const uint8_t *)from - w->stream), n);
	w->released += n;
}

static void write_some(struct world *w)
{
	const uint32_t r = (uint32_t)splitmix64(&w->seed);
	size_t	       n = splitmix64(&w->seed) % (r % 8 == 0 ? 40000 : 600);

	if (n > STREAM - (w->end - w->origin))
		n = STREAM - (w->end - w->origin);
	const uint8_t *from = w->stream + (w->end - w->origin);
	if (r & 0x100) {
		w->end += (uint32_t)slices_copy(&w->f.pool, w->s, from, n);
	} else if (n > 0) {
		assert_int_equal(slices_own(&w->f.pool, w->s, from, n, count_release, w), 0);
		w->end += (uint32_t)n;
		w->owned += n;
	}
	assert_int_equal(slices_end(w->s), w->end);
}

/* Takes parts at offset and keeps some of them for later. */
static void send_from(struct world *w, uint32_t offset, uint32_t n)
{
	struct slice_part part[PARTS];
	uint32_t	  got, sum = 0;
	const size_t	  parts = slices_gather(w->s, offset, n, part, PARTS, &got);

	assert_in_range(parts, 0, PARTS);
	for (size_t i = 0; i < parts; i++) {
		assert_int_not_equal(part[i].n, 0);
		check(part[i].at, offset + sum, part[i].n);
		if (w->n_held < 64 && splitmix64(&w->seed) % 4 == 0) {
			w->held_at[w->n_held] = offset + sum;
			w->held[w->n_held++] = part[i];
		} else {
			slice_put(&w->f.pool, part[i].slice);
		}
		sum += part[i].n;
	}
	assert_int_equal(sum, got);
	assert_true(got == (n < w->end - offset ? n : w->end - offset) || parts == PARTS);
	if (offset == w->next)
		w->next += got;
}

static void let_go(struct world *w)
{
	if (w->n_held == 0)
		return;
	const size_t i = splitmix64(&w->seed) % w->n_held;

	check(w->held[i].at, w->held_at[i], w->held[i].n);
	slice_put(&w->f.pool, w->held[i].slice);
	w->held[i] = w->held[--w->n_held];
	w->held_at[i] = w->held_at[w->n_held];
}

/* Writing, sending, resending, acknowledging and finishing packets in any order, over the wrap. */
static void random_life(void **state)
{
	static uint8_t stream[STREAM], out[3000];
	struct world   w = { .seed = 9, .stream = stream, .origin = 0u - STREAM / 2 };

	(void)state;
	fill(stream, w.origin, STREAM);
	begin(&w.f, 64 << 20);
	w.base = w.next = w.end = w.origin;
	w.s = slices_new(&w.f.pool, w.origin);
	while (w.base != w.origin + STREAM) {
		const uint32_t r = (uint32_t)splitmix64(&w.seed) % 16;

		if (r < 3) {
			write_some(&w);
		} else if (r < 8) {
			send_from(&w, w.next, 1460);
		} else if (r < 10) {
			send_from(&w, w.base + (uint32_t)(splitmix64(&w.seed) % (w.end - w.base + 1)), 1460);
		} else if (r < 11) {
			send_from(&w, w.base, 20000);
		} else if (r < 13 && w.next != w.base) {
			w.base += (uint32_t)(splitmix64(&w.seed) % (w.next - w.base + 1));
			slices_release(&w.f.pool, w.s, w.base);
			assert_int_equal(slices_base(w.s), w.base);
		} else if (r < 14) {
			const uint32_t n = (uint32_t)(splitmix64(&w.seed) % sizeof out);
			const uint32_t most = n < w.end - w.base ? n : w.end - w.base;

			slices_read(w.s, w.end - most, out, most);
			check(out, w.end - most, most);
		} else {
			let_go(&w);
		}
	}
	while (w.n_held > 0)
		let_go(&w);
	assert_int_equal(w.released, w.owned);
	slices_free(&w.f.pool, w.s);
	end(&w.f);
}

/* Sending runs on at the end of a long list while retransmission runs along its front: if either walked
 * from the head each time, this would take minutes. */
static void two_walks_over_a_long_list_are_linear(void **state)
{
	enum { MANY = 600000 };
	static uint8_t stream[MANY];
	struct fixture f;

	(void)state;
	fill(stream, 0, MANY);
	begin(&f, 256 << 20);
	struct slices *s = slices_new(&f.pool, 0);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(slices_own(&f.pool, s, stream + i, 1, NULL, NULL), 0);
	for (uint32_t i = 0; i < MANY / 2; i++) {
		const uint32_t	  offset[2] = { MANY / 2 + i, i };
		struct slice_part part;
		uint32_t	  got;

		for (size_t k = 0; k < 2; k++) {
			assert_int_equal(slices_gather(s, offset[k], 1, &part, 1, &got), 1);
			assert_int_equal(*part.at, byte_at(offset[k]));
			slice_put(&f.pool, part.slice);
		}
	}
	for (uint32_t i = 0; i < MANY; i++) { /* and so is reading it, piece by piece */
		uint8_t octet;

		slices_read(s, i, &octet, 1);
		assert_int_equal(octet, byte_at(i));
	}
	slices_release(&f.pool, s, MANY);
	slices_free(&f.pool, s);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_write_takes_a_small_block),
		cmocka_unit_test(owned_memory_is_released_once_after_ack_and_last_packet),
		cmocka_unit_test(owning_nothing_or_too_much_is_refused),
		cmocka_unit_test(a_packet_keeps_copied_bytes_beyond_the_store),
		cmocka_unit_test(gather_stops_where_room_or_bytes_end),
		cmocka_unit_test(a_released_slice_is_forgotten),
		cmocka_unit_test(a_copy_ends_where_memory_ends),
		cmocka_unit_test(random_life),
		cmocka_unit_test(two_walks_over_a_long_list_are_linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
