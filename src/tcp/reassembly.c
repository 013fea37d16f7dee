#include "tcp/reassembly.h"
#include "base/assert.h"
#include "base/bytes.h"

/* The first range that ends at or after `at`: the first that could touch it. */
static uint16_t find_touching(const struct reassembly *set, seq_t at)
{
	uint16_t low = 0, high = set->n;

	while (low < high) {
		const uint16_t middle = (uint16_t)(low + (high - low) / 2);

		if (seq_lt(set->ranges[middle].right, at))
			low = (uint16_t)(middle + 1);
		else
			high = middle;
	}
	return low;
}

bool reassembly_gap(const struct reassembly *set, seq_t left, seq_t right, seq_t *gap_left, seq_t *gap_right)
{
	for (uint16_t i = find_touching(set, left); i < set->n; i++) {
		const struct reassembly_range *const range = &set->ranges[i];

		if (seq_le(right, range->left))
			break;
		if (seq_lt(left, range->left)) {
			right = range->left;
			break;
		}
		left = seq_max(left, range->right);
		if (seq_le(right, left))
			return false;
	}
	*gap_left = left;
	*gap_right = right;
	return seq_lt(left, right);
}

static bool touches(const struct reassembly *set, uint16_t i, seq_t left, seq_t right)
{
	return i < set->n && seq_le(set->ranges[i].left, right) && seq_le(left, set->ranges[i].right);
}

static bool grow(struct reassembly *set, struct mem *mem)
{
	const uint16_t room = set->room ? (uint16_t)(set->room * 2) : 8;
	struct reassembly_range *ranges;

	if (set->n >= REASSEMBLY_RANGES_MAX)
		return false;
	ranges = mem_get(mem, room * sizeof *ranges, 0, MEM_ORDINARY);
	if (!ranges)
		return false;
	if (set->ranges) {
		memcpy(ranges, set->ranges, set->n * sizeof *ranges);
		mem_put(mem, set->ranges, set->room * sizeof *ranges);
	}
	set->ranges = ranges;
	set->room = room;
	return true;
}

bool reassembly_has_room(struct reassembly *set, struct mem *mem, seq_t left, seq_t right)
{
	return touches(set, find_touching(set, left), left, right) || set->n < set->room || grow(set, mem);
}

static const struct reassembly_range *range_of(const struct reassembly *set, seq_t at)
{
	const uint16_t i = find_touching(set, seq_add(at, 1));

	if (i < set->n && seq_le(set->ranges[i].left, at))
		return &set->ranges[i];
	return NULL;
}

/* The range that holds `at` came last; each range is remembered once, so that one that grows long drives
 * no other out (RFC 2018 4: then the most recently reported ones). */
static void note_recent(struct reassembly *set, seq_t at)
{
	const struct reassembly_range *const newest = range_of(set, at);
	uint8_t n = 0;
	seq_t kept[REASSEMBLY_RECENT];

	kept[n++] = at;
	for (uint8_t i = 0; i < set->n_recent && n < REASSEMBLY_RECENT; i++) {
		const struct reassembly_range *const range = range_of(set, set->recent[i]);

		if (range && range != newest)
			kept[n++] = set->recent[i];
	}
	memcpy(set->recent, kept, n * sizeof *kept);
	set->n_recent = n;
}

bool reassembly_add(struct reassembly *set, struct mem *mem, seq_t left, seq_t right)
{
	const uint16_t at = find_touching(set, left);
	uint16_t last = at;

	tern_assert(seq_lt(left, right));
	if (!touches(set, at, left, right)) {
		if (set->n >= set->room && !grow(set, mem))
			return false;
		memmove(&set->ranges[at + 1], &set->ranges[at], (size_t)(set->n - at) * sizeof *set->ranges);
		set->ranges[at] = (struct reassembly_range){ left, right };
		set->n++;
		note_recent(set, left);
		return true;
	}
	while (touches(set, (uint16_t)(last + 1), left, right))
		last++;
	set->ranges[at].left = seq_min(left, set->ranges[at].left);
	set->ranges[at].right = seq_max(right, set->ranges[last].right);
	memmove(&set->ranges[at + 1], &set->ranges[last + 1], (size_t)(set->n - last - 1) * sizeof *set->ranges);
	set->n = (uint16_t)(set->n - (last - at));
	note_recent(set, left);
	return true;
}

void reassembly_came_again(struct reassembly *set, seq_t at)
{
	if (range_of(set, at))
		note_recent(set, at);
}

seq_t reassembly_advance(struct reassembly *set, seq_t nxt)
{
	uint16_t passed = 0;

	while (passed < set->n && seq_le(set->ranges[passed].left, nxt)) {
		nxt = seq_max(nxt, set->ranges[passed].right);
		passed++;
	}
	set->n = (uint16_t)(set->n - passed);
	memmove(set->ranges, set->ranges + passed, set->n * sizeof *set->ranges);
	return nxt;
}

static bool is_listed(const struct tern_sack_block *blocks, size_t n, uint32_t left)
{
	for (size_t i = 0; i < n; i++)
		if (blocks[i].left == left)
			return true;
	return false;
}

size_t reassembly_blocks(const struct reassembly *set, struct tern_sack_block *blocks, size_t room)
{
	size_t n = 0;

	for (uint8_t i = 0; i < set->n_recent && n < room; i++) {
		const struct reassembly_range *const range = range_of(set, set->recent[i]);

		if (range && !is_listed(blocks, n, range->left.v))
			blocks[n++] = (struct tern_sack_block){ range->left.v, range->right.v };
	}
	for (uint16_t i = 0; i < set->n && n < room && i < REASSEMBLY_RECENT; i++)
		if (!is_listed(blocks, n, set->ranges[i].left.v))
			blocks[n++] = (struct tern_sack_block){ set->ranges[i].left.v, set->ranges[i].right.v };
	return n;
}

uint32_t reassembly_octets(const struct reassembly *set)
{
	uint32_t octets = 0;

	for (uint16_t i = 0; i < set->n; i++)
		octets += seq_sub(set->ranges[i].right, set->ranges[i].left);
	return octets;
}

void reassembly_release(struct reassembly *set, struct mem *mem)
{
	if (set->ranges)
		mem_put(mem, set->ranges, set->room * sizeof *set->ranges);
	*set = (struct reassembly){ 0 };
}

bool reassembly_is_sound(const struct reassembly *set, seq_t nxt, seq_t edge)
{
	seq_t at = nxt;

	if (set->n > set->room || set->n > REASSEMBLY_RANGES_MAX)
		return false;
	for (uint16_t i = 0; i < set->n; i++) {
		if (!seq_lt(at, set->ranges[i].left) || !seq_lt(set->ranges[i].left, set->ranges[i].right))
			return false;
		at = set->ranges[i].right;
	}
	return set->n == 0 || seq_le(at, edge);
}
