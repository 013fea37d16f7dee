/* reassembly.c: the ranges beyond RCV.NXT, and the SACK blocks made of them (RFC 2018, RFC 2883). */
#include "unit/tcp_rig.h"

struct bench {
	struct rig	 *r;
	struct reassembly set;
	uint32_t	  nxt; /* relative to IRS */
};

static seq_t at(const struct bench *b, uint32_t n)
{
	return seq(b->r->irs + n);
}

static void is_sound(const struct bench *b)
{
	assert_true(reassembly_is_sound(&b->set, at(b, b->nxt), at(b, b->nxt + (1u << 29))));
}

static void add(struct bench *b, uint32_t left, uint32_t right)
{
	assert_true(reassembly_add(&b->set, &b->r->mem, at(b, left), at(b, right)));
	is_sound(b);
}

/* Pairs up to a 0. */
static void holds(const struct bench *b, const uint32_t *edges)
{
	uint16_t n = 0;

	for (; edges[2 * n] != 0; n++) {
		assert_true(n < b->set.n);
		assert_int_equal(b->set.ranges[n].left.v, at(b, edges[2 * n]).v);
		assert_int_equal(b->set.ranges[n].right.v, at(b, edges[2 * n + 1]).v);
	}
	assert_int_equal(b->set.n, n);
}

static void blocks_are(const struct bench *b, size_t room, const uint32_t *edges)
{
	struct tern_sack_block blocks[TCP_SACK_BLOCKS];
	const size_t	       n = reassembly_blocks(&b->set, blocks, room);
	size_t		       i = 0;

	for (; edges[2 * i] != 0; i++) {
		assert_true(i < n);
		assert_int_equal(blocks[i].left, at(b, edges[2 * i]).v);
		assert_int_equal(blocks[i].right, at(b, edges[2 * i + 1]).v);
	}
	assert_int_equal(n, i);
}

static void begin(struct bench *b, struct rig *r)
{
	*b = (struct bench){ .r = r, .nxt = 1 };
}

static void done(struct bench *b)
{
	reassembly_release(&b->set, &b->r->mem);
}

/* Two ranges stand: [100, 200) and [300, 400). */
static void added_range_joins_what_it_touches(struct rig *r)
{
	static const struct {
		uint32_t left, right, edges[8];
	} table[] = {
		{ 50, 90, { 50, 90, 100, 200, 300, 400 } },
		{ 50, 100, { 50, 200, 300, 400 } },
		{ 50, 150, { 50, 200, 300, 400 } },
		{ 120, 150, { 100, 200, 300, 400 } },
		{ 200, 210, { 100, 210, 300, 400 } },
		{ 200, 300, { 100, 400 } },
		{ 150, 350, { 100, 400 } },
		{ 50, 500, { 50, 500 } },
		{ 230, 260, { 100, 200, 230, 260, 300, 400 } },
		{ 290, 300, { 100, 200, 290, 400 } },
		{ 400, 500, { 100, 200, 300, 500 } },
		{ 401, 500, { 100, 200, 300, 400, 401, 500 } },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct bench b;

		begin(&b, r);
		add(&b, 100, 200);
		add(&b, 300, 400);
		add(&b, table[i].left, table[i].right);
		holds(&b, table[i].edges);
		done(&b);
	}
}

/* First arrival wins: only what is not here has its place written. */
static void gap_is_the_first_part_not_here(struct rig *r)
{
	static const struct {
		uint32_t left, right, gap_left, gap_right; /* 0, 0: none */
	} table[] = {
		{ 50, 90, 50, 90 },	{ 50, 150, 50, 100 },	{ 50, 250, 50, 100 },
		{ 100, 200, 0, 0 },	{ 120, 180, 0, 0 },	{ 150, 250, 200, 250 },
		{ 150, 350, 200, 300 }, { 350, 450, 400, 450 }, { 400, 450, 400, 450 },
		{ 300, 400, 0, 0 },	{ 199, 201, 200, 201 },
	};
	struct bench b;

	begin(&b, r);
	add(&b, 100, 200);
	add(&b, 300, 400);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		seq_t	   left, right;
		const bool any =
			reassembly_gap(&b.set, at(&b, table[i].left), at(&b, table[i].right), &left, &right);

		assert_int_equal(any, table[i].gap_right != 0);
		if (any) {
			assert_int_equal(left.v, at(&b, table[i].gap_left).v);
			assert_int_equal(right.v, at(&b, table[i].gap_right).v);
		}
	}
	done(&b);
}

static void advance_takes_off_what_is_passed(struct rig *r)
{
	static const struct {
		uint32_t nxt, reached, edges[6];
	} table[] = {
		{ 50, 50, { 100, 200, 300, 400 } }, { 100, 200, { 300, 400 } }, { 150, 200, { 300, 400 } },
		{ 250, 250, { 300, 400 } },	    { 300, 400, { 0 } },	{ 500, 500, { 0 } },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct bench b;

		begin(&b, r);
		add(&b, 100, 200);
		add(&b, 300, 400);
		assert_int_equal(reassembly_advance(&b.set, at(&b, table[i].nxt)).v,
				 at(&b, table[i].reached).v);
		b.nxt = table[i].reached;
		is_sound(&b);
		holds(&b, table[i].edges);
		done(&b);
	}
}

/* RFC 2018 4's second example (segments 5000, 6000 ... of 500 octets, the first lost): one block grows. */
static void first_segment_lost_one_block_grows(struct rig *r)
{
	struct bench b;

	begin(&b, r);
	b.nxt = 5000;
	for (uint32_t right = 6000; right <= 9000; right += 500) {
		add(&b, right - 500, right);
		blocks_are(&b, 3, (const uint32_t[]){ 5500, right, 0 });
	}
	done(&b);
}

/* RFC 2018 5, case 3: the second, fourth, sixth and eighth of eight are lost; the newest block first. */
static void every_second_segment_lost_blocks_come_newest_first(struct rig *r)
{
	struct bench b;

	begin(&b, r);
	b.nxt = 5500;
	add(&b, 6000, 6500);
	blocks_are(&b, 3, (const uint32_t[]){ 6000, 6500, 0 });
	add(&b, 7000, 7500);
	blocks_are(&b, 3, (const uint32_t[]){ 7000, 7500, 6000, 6500, 0 });
	add(&b, 8000, 8500);
	blocks_are(&b, 3, (const uint32_t[]){ 8000, 8500, 7000, 7500, 6000, 6500, 0 });
	/* The fourth packet arrives out of order. */
	add(&b, 6500, 7000);
	blocks_are(&b, 3, (const uint32_t[]){ 6000, 7500, 8000, 8500, 0 });
	/* And the second. */
	assert_int_equal(reassembly_advance(&b.set, at(&b, 6000)).v, at(&b, 7500).v);
	b.nxt = 7500;
	blocks_are(&b, 3, (const uint32_t[]){ 8000, 8500, 0 });
	done(&b);
}

/* RFC 2018 4: after the first come the most recently reported, not the lowest, however often one grew. */
static void one_range_grows_long_the_others_keep_their_order(struct rig *r)
{
	struct bench b;

	begin(&b, r);
	add(&b, 100, 110);
	add(&b, 200, 210);
	add(&b, 300, 310);
	add(&b, 400, 410);
	for (uint32_t right = 510; right <= 600; right += 10)
		add(&b, right - 10, right);
	blocks_are(&b, 4, (const uint32_t[]){ 500, 600, 400, 410, 300, 310, 200, 210, 0 });
	done(&b);
}

static void ranges_end_at_their_bound(struct rig *r)
{
	struct bench b;

	begin(&b, r);
	for (uint32_t i = 0; i < REASSEMBLY_RANGES_MAX; i++)
		add(&b, 10 + i * 10, 15 + i * 10);
	assert_false(reassembly_has_room(&b.set, &r->mem, at(&b, 100000), at(&b, 100001)));
	assert_false(reassembly_add(&b.set, &r->mem, at(&b, 100000), at(&b, 100001)));
	is_sound(&b);
	/* One that joins others always finds room. */
	assert_true(reassembly_has_room(&b.set, &r->mem, at(&b, 15), at(&b, 20)));
	add(&b, 15, 20);
	assert_int_equal(b.set.n, REASSEMBLY_RANGES_MAX - 1);
	assert_int_equal(reassembly_octets(&b.set), 5 * REASSEMBLY_RANGES_MAX + 5);
	done(&b);
}

static void no_memory_changes_nothing(struct rig *r)
{
	struct bench b;

	begin(&b, r);
	r->memory.fail_all = true;
	assert_false(reassembly_add(&b.set, &r->mem, at(&b, 10), at(&b, 20)));
	assert_int_equal(b.set.n, 0);
	r->memory.fail_all = false;
	for (uint32_t i = 0; i < 8; i++)
		add(&b, 10 + i * 10, 15 + i * 10);
	r->memory.fail_all = true;
	assert_false(reassembly_add(&b.set, &r->mem, at(&b, 1000), at(&b, 1001)));
	r->memory.fail_all = false;
	is_sound(&b);
	assert_int_equal(b.set.n, 8);
	done(&b);
}

/* Against a model: a bitmap. */
static void random_ranges_agree_with_a_bitmap(struct rig *r)
{
	static bool  here[2000];
	uint64_t     random = r->iss + 1;
	struct bench b;

	begin(&b, r);
	memset(here, 0, sizeof here);
	for (unsigned turn = 0; turn < 2000; turn++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		const uint32_t left = 2 + (uint32_t)(random >> 33) % 1900,
			       right = left + 1 + (uint32_t)(random >> 20) % 40;
		seq_t	 gap_left, gap_right;
		uint32_t first = left, octets = 0;

		while (first < right && here[first])
			first++;
		assert_int_equal(reassembly_gap(&b.set, at(&b, left), at(&b, right), &gap_left, &gap_right),
				 first < right);
		if (first < right) {
			uint32_t end = first;

			while (end < right && !here[end])
				end++;
			assert_int_equal(gap_left.v, at(&b, first).v);
			assert_int_equal(gap_right.v, at(&b, end).v);
		}
		if (!reassembly_add(&b.set, &r->mem, at(&b, left), at(&b, right)))
			break;
		memset(here + left, true, right - left);
		is_sound(&b);
		for (uint32_t i = 0; i < 2000; i++)
			octets += here[i];
		assert_int_equal(reassembly_octets(&b.set), octets);
	}
	done(&b);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(added_range_joins_what_it_touches),
		CASE(gap_is_the_first_part_not_here),
		CASE(advance_takes_off_what_is_passed),
		CASE(first_segment_lost_one_block_grows),
		CASE(every_second_segment_lost_blocks_come_newest_first),
		CASE(one_range_grows_long_the_others_keep_their_order),
		CASE(ranges_end_at_their_bound),
		CASE(no_memory_changes_nothing),
		CASE(random_ranges_agree_with_a_bitmap),
	};

	return RIG_RUN("reassembly", cases);
}
