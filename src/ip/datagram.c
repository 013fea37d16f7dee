#include "ip/datagram.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "wire/tuple.h"

void *datagram_take(struct ip_reassembly *r, size_t size)
{
	void *const block = mem_get(r->mem, size, 0, MEM_ORDINARY);

	if (block != NULL)
		r->used += size;
	return block;
}

void datagram_give(struct ip_reassembly *r, void *block, size_t size)
{
	if (block == NULL)
		return;
	mem_put(r->mem, block, size);
	r->used -= size;
}

static void charge(struct ip_reassembly *r, struct ip_datagram *d, size_t size)
{
	d->charged += size;
	r->tables->account[d->account_at].charged += size;
}

static size_t piece_size(const struct ip_piece *piece)
{
	return sizeof *piece + piece->header + piece->len;
}

void datagram_empty(struct ip_reassembly *r, struct ip_datagram *d)
{
	for (struct ip_piece *piece = d->first, *next; piece != NULL; piece = next) {
		next = piece->next;
		datagram_give(r, piece, piece_size(piece));
	}
	d->first = d->last = NULL;
	d->n_pieces = 0;
	d->held = 0;
}

void datagram_unlink(struct ip_reassembly *r, struct ip_datagram *d)
{
	struct ip_account *const account = &r->tables->account[d->account_at];
	struct ip_datagram     **at = &r->tables->chain[d->chain_at];

	while (*at != d)
		at = &(*at)->chain;
	*at = d->chain;
	*(d->older != NULL ? &d->older->newer : &r->oldest) = d->newer;
	*(d->newer != NULL ? &d->newer->older : &r->newest) = d->older;
	*(d->account_older != NULL ? &d->account_older->account_newer : &account->oldest) = d->account_newer;
	*(d->account_newer != NULL ? &d->account_newer->account_older : &account->newest) = d->account_older;
	account->charged -= d->charged;
	account->n--;
	r->n--;
}

static void datagram_free(struct ip_reassembly *r, struct ip_datagram *d)
{
	datagram_empty(r, d);
	datagram_give(r, d, sizeof *d);
}

void datagram_remove(struct ip_reassembly *r, struct ip_datagram *d)
{
	datagram_unlink(r, d);
	datagram_free(r, d);
}

void datagram_settle(struct ip_reassembly *r)
{
	if (r->parting != NULL)
		datagram_free(r, r->parting);
	r->parting = NULL;
	datagram_give(r, r->whole, r->whole_size);
	r->whole = NULL;
	r->whole_size = 0;
}

static void give_up(struct ip_reassembly *r, struct ip_datagram *d)
{
	if (!d->discarded)
		r->given_up++;
	datagram_remove(r, d);
}

/* Each was paid for by the fragments that made it: constant work for a fragment, on average. */
bool datagram_make_room(struct ip_reassembly *r, size_t bytes, uint32_t records,
			const struct ip_datagram *spared)
{
	while (r->used + bytes > r->limit || r->n + records > IP_REASSEMBLY_DATAGRAMS) {
		struct ip_datagram *const oldest = r->oldest;
		struct ip_datagram *const victim =
			oldest != NULL && oldest == spared ? oldest->newer : oldest;

		if (victim == NULL)
			return false;
		give_up(r, victim);
	}
	return true;
}

/* The same within one source's share. */
static bool make_share(struct ip_reassembly *r, struct ip_account *account, size_t bytes, uint32_t records,
		       const struct ip_datagram *spared)
{
	const size_t share = min_size(r->limit, r->limit / IP_REASSEMBLY_SHARES > DATAGRAM_SHARE_FLOOR
							? r->limit / IP_REASSEMBLY_SHARES
							: DATAGRAM_SHARE_FLOOR);

	while (account->charged + bytes > share ||
	       account->n + records > IP_REASSEMBLY_DATAGRAMS / IP_REASSEMBLY_SHARES) {
		struct ip_datagram *const oldest = account->oldest;
		struct ip_datagram *const victim =
			oldest != NULL && oldest == spared ? oldest->account_newer : oldest;

		if (victim == NULL)
			return false;
		give_up(r, victim);
	}
	return true;
}

bool datagram_tables(struct ip_reassembly *r)
{
	if (r->tables == NULL && r->used + sizeof *r->tables <= r->limit)
		r->tables = datagram_take(r, sizeof *r->tables);
	return r->tables != NULL;
}

/* ---- finding, making, filling ---- */

static uint16_t chain_of(const struct ip_reassembly *r, const struct ip_header *ip, uint32_t zone)
{
	const struct {
		struct tern_addr src, dst;
		uint32_t	 id, zone;
	} name = { ip->src, ip->dst, ip->id, zone };

	return (uint16_t)(siphash13(&r->key, &name, sizeof name) % DATAGRAM_CHAINS);
}

/* Whoever has one IPv6 address has its /64. */
static uint16_t account_of(const struct ip_reassembly *r, const struct tern_addr *src, uint32_t zone)
{
	struct {
		struct tern_addr src;
		uint32_t	 zone;
	} name = { *src, zone };

	if (!addr_is_v4(src))
		memset(name.src.b + 8, 0, 8);
	return (uint16_t)(siphash13(&r->key, &name, sizeof name) % DATAGRAM_ACCOUNTS);
}

static bool is_of(const struct ip_datagram *d, const struct ip_header *ip, uint32_t zone)
{
	return d->id == ip->id && d->zone == zone && d->version == ip->version &&
	       (ip->version == 6 || d->protocol == ip->protocol) && addr_equal(&d->src, &ip->src) &&
	       addr_equal(&d->dst, &ip->dst);
}

struct ip_datagram *datagram_find(const struct ip_reassembly *r, const struct ip_header *ip, uint32_t zone)
{
	struct ip_datagram *d = r->tables->chain[chain_of(r, ip, zone)];

	while (d != NULL && !is_of(d, ip, zone))
		d = d->chain;
	return d;
}

struct ip_datagram *datagram_make(struct ip_reassembly *r, const struct ip_header *ip, uint32_t zone,
				  tern_time now)
{
	const uint16_t		 chain_at = chain_of(r, ip, zone);
	const uint16_t		 account_at = account_of(r, &ip->src, zone);
	struct ip_account *const account = &r->tables->account[account_at];

	if (!make_share(r, account, sizeof(struct ip_datagram), 1, NULL) ||
	    !datagram_make_room(r, sizeof(struct ip_datagram), 1, NULL))
		return NULL;
	struct ip_datagram *const d = datagram_take(r, sizeof *d);
	if (d == NULL)
		return NULL;
	*d = (struct ip_datagram){
		.src = ip->src,
		.dst = ip->dst,
		.zone = zone,
		.id = ip->id,
		.version = ip->version,
		.protocol = ip->version == 4 ? ip->protocol : 0,
		.chain_at = chain_at,
		.account_at = account_at,
		.until = now < TERN_NEVER - r->timeout ? now + r->timeout : TERN_NEVER,
		.chain = r->tables->chain[chain_at],
		.older = r->newest,
		.account_older = account->newest,
	};
	r->tables->chain[chain_at] = d;
	*(r->newest != NULL ? &r->newest->newer : &r->oldest) = d;
	r->newest = d;
	*(account->newest != NULL ? &account->newest->account_newer : &account->oldest) = d;
	account->newest = d;
	account->n++;
	r->n++;
	charge(r, d, sizeof *d);
	return d;
}

bool datagram_insert(struct ip_reassembly *r, struct ip_datagram *d, const struct ip_header *ip,
		     struct ip_piece *before)
{
	const uint32_t header = ip->fragment_offset == 0 ? ip->header_len : 0;
	const size_t   size = sizeof(struct ip_piece) + header + ip->payload_len;

	if (!make_share(r, &r->tables->account[d->account_at], size, 0, d) ||
	    !datagram_make_room(r, size, 0, d))
		return false;
	struct ip_piece *const piece = datagram_take(r, size);
	if (piece == NULL)
		return false;
	charge(r, d, size);
	*piece = (struct ip_piece){ .header = header, .offset = ip->fragment_offset, .len = ip->payload_len };
	memcpy(piece->bytes, ip->payload - header, header + ip->payload_len);

	struct ip_piece **const at = before != NULL ? &before->next : &d->first;
	piece->next = *at;
	*at = piece;
	if (piece->next == NULL)
		d->last = piece;
	d->n_pieces++;
	d->held += piece->len;
	d->end = max_u32(d->end, piece->offset + piece->len);
	d->has_end |= !ip->more_fragments;
	d->ecn_seen = (uint8_t)(d->ecn_seen | 1u << (ip->traffic_class & 3));
	if (header != 0) {
		d->next_at = ip->fragment_named_at;
		d->unfragmentable = ip->unfragmentable_len;
	}
	return true;
}

/* ---- looking on ---- */

static void datagram_check(const struct ip_reassembly *r, const struct ip_datagram *d)
{
	size_t	 charged = sizeof *d;
	uint32_t n = 0, held = 0, end = 0;

	for (const struct ip_piece *piece = d->first; piece != NULL; piece = piece->next, n++) {
		tern_assert(piece->offset >= end && piece->len > 0);
		tern_assert((piece->next == NULL) == (piece == d->last));
		end = piece->offset + piece->len;
		held += piece->len;
		charged += piece_size(piece);
	}
	tern_assert(n == d->n_pieces && n <= IP_REASSEMBLY_FRAGMENTS && held == d->held &&
		    charged == d->charged);
	tern_assert(d->discarded ? n == 0 : n > 0 && end == d->end && (!d->has_end || held < end));
	tern_assert(d->newer == NULL || d->newer->until >= d->until);
	tern_assert(d->chain_at < DATAGRAM_CHAINS && r->tables->account[d->account_at].n > 0);
}

void ip_reassembly_check(const struct ip_reassembly *r)
{
	size_t	 used = r->whole_size, in_accounts = 0;
	uint32_t n = 0, n_accounts = 0;

	for (const struct ip_datagram *d = r->oldest; d != NULL; d = d->newer, n++) {
		datagram_check(r, d);
		used += d->charged;
	}
	if (r->parting != NULL)
		used += r->parting->charged;
	if (r->tables != NULL)
		used += sizeof *r->tables;
	for (size_t i = 0; r->tables != NULL && i < DATAGRAM_ACCOUNTS; i++) {
		in_accounts += r->tables->account[i].charged;
		n_accounts += r->tables->account[i].n;
	}
	used -= r->tables != NULL ? sizeof *r->tables : 0;
	tern_assert(in_accounts == used - r->whole_size - (r->parting != NULL ? r->parting->charged : 0));
	tern_assert(r->used == used + (r->tables != NULL ? sizeof *r->tables : 0));
	tern_assert(r->used <= r->limit && n == r->n && n == n_accounts && n <= IP_REASSEMBLY_DATAGRAMS);
}
