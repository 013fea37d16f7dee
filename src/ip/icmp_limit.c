#include "ip/icmp_limit.h"

#include "base/bytes.h"
#include "wire/tuple.h"

static const tern_time cost = TERN_SECOND / ICMP_LIMIT_RATE;

/* For so long a prefix keeps its bucket. Somebody who searches for a prefix of his own that shares a
 * bucket with his victim's has to start again. */
static const tern_time epoch = 16 * TERN_SECOND;

/* Uniform in [from, to). */
static tern_time random_between(struct icmp_bucket *bucket, tern_time from, tern_time to)
{
	return from + (tern_time)(splitmix64(&bucket->random) % (uint64_t)(to - from));
}

static tern_time random_capacity(struct icmp_bucket *bucket)
{
	return random_between(bucket, ICMP_LIMIT_BURST / 2 * cost, ICMP_LIMIT_BURST * cost);
}

void icmp_limit_init(struct icmp_limit *limit, const struct siphash_key *key, uint64_t seed)
{
	*limit = (struct icmp_limit){ .key = *key, .seed = seed };
}

static uint64_t name_of(const struct icmp_limit *limit, const struct tern_addr *dst, tern_time now)
{
	uint8_t name[24] = { 0 };

	memcpy(name, dst->b, addr_is_v4(dst) ? 15 : 8);
	put64(name + 16, (uint64_t)(now / epoch));
	return siphash13(&limit->key, name, sizeof name) | 1;
}

/* Whatever it held it would hold again: it may become another's, and gives no more than before. */
static bool is_idle(const struct icmp_bucket *bucket, tern_time now)
{
	return bucket->name == 0 || (now > bucket->filled && now - bucket->filled >= ICMP_LIMIT_BURST * cost);
}

static struct icmp_bucket *bucket_of(struct icmp_limit *limit, uint64_t name, tern_time now)
{
	struct icmp_bucket *const ways =
		&limit->bucket[(name >> 32) % (ICMP_LIMIT_BUCKETS / ICMP_LIMIT_WAYS) * ICMP_LIMIT_WAYS];
	struct icmp_bucket *idle = NULL;

	for (unsigned i = 0; i < ICMP_LIMIT_WAYS; i++) {
		if (ways[i].name == name)
			return &ways[i];
		if (!idle && is_idle(&ways[i], now))
			idle = &ways[i];
	}
	if (!idle)
		return &ways[(name >> 1) % ICMP_LIMIT_WAYS];
	/* Chance that nobody else has drawn from. */
	const struct {
		uint64_t  name, seed;
		tern_time now;
	} begins = { name, limit->seed, now };
	*idle = (struct icmp_bucket){ .name = name,
				      .random = siphash13(&limit->key, &begins, sizeof begins),
				      .filled = now };
	idle->credit = random_capacity(idle);
	return idle;
}

bool icmp_limit_take(struct icmp_limit *limit, const struct tern_addr *dst, tern_time now)
{
	struct icmp_bucket *const bucket = bucket_of(limit, name_of(limit, dst, now), now);
	const tern_time		  capacity = random_capacity(bucket);
	const tern_time		  passed = max_i64(now, bucket->filled) - bucket->filled;

	if (passed > 0) {
		/* capped first: the sum of two long times would overflow */
		const tern_time credit = bucket->credit + min_i64(passed, ICMP_LIMIT_BURST * cost);

		bucket->credit = min_i64(credit, capacity);
		bucket->filled = now;
	}
	const tern_time price = random_between(bucket, cost, cost + cost / 2);
	if (bucket->credit < price)
		return false;
	bucket->credit -= price;
	return true;
}

/* ---- what may be answered ---- */

/* ICMP that asks or answers; everything else, unknown types too, counts as an error. */
static bool is_icmp_v4_query(uint8_t type)
{
	return type == 0 || type == 8 || (type >= 13 && type <= 18);
}

/* RFC 4443 2.1: errors are below 128. RFC 4443 2.4 (e.2): nor a redirect (137). */
static bool is_icmp_v6_query(uint8_t type)
{
	return type >= 128 && type != 137;
}

/* In a first fragment of IPv6 what comes next may be one more extension header, and behind it an ICMP
 * error: not looked for, not answered. */
static bool hides_its_protocol(const struct ip_header *ip)
{
	enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, AUTHENTICATION = 51, DESTINATION = 60 };

	return ip->is_fragment && ip->version == 6 &&
	       (ip->protocol == HOP_BY_HOP || ip->protocol == ROUTING || ip->protocol == FRAGMENT ||
		ip->protocol == AUTHENTICATION || ip->protocol == DESTINATION);
}

static bool is_one_host(const struct routes *routes, uint32_t zone, const struct tern_addr *addr)
{
	const enum route_kind kind = route_kind_of(routes, zone, addr);

	return kind == ROUTE_OTHER || kind == ROUTE_OWN || kind == ROUTE_OWN_LOOPBACK;
}

bool icmp_may_answer(const struct routes *routes, const struct ip_header *ip)
{
	if (ip->is_fragment && ip->fragment_offset != 0)
		return false;
	if (!is_one_host(routes, ip->zone, &ip->src) || !is_one_host(routes, ip->zone, &ip->dst))
		return false;
	if (ip->version == 4 && ip->protocol == IPPROTO_ICMP4)
		return ip->payload_len > 0 && is_icmp_v4_query(ip->payload[0]);
	if (ip->version == 6 && ip->protocol == IPPROTO_ICMP6)
		return ip->payload_len > 0 && is_icmp_v6_query(ip->payload[0]);
	return !hides_its_protocol(ip);
}
