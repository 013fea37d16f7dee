#include "wire/dhcp6.h"

enum {
	HEAD = 4,	 /* of a message */
	OPTION_HEAD = 4, /* code and length */
	DUID_LL = 3,
	HARDWARE_ETHERNET = 1,
	DUID_LEAST = 3,

	OPTION_CLIENT = 1,
	OPTION_SERVER = 2,
	OPTION_IA_NA = 3,
	OPTION_IA_TA = 4,
	OPTION_WANTED = 6,
	OPTION_DNS = 23,
	OPTION_SEARCH = 24,
	OPTION_IA_PD = 25,
	OPTION_REFRESH_TIME = 32,
};

void dhcp6_duid_ll(uint8_t duid[DHCP6_DUID_LL], const uint8_t mac[ETHERNET_ADDRESS])
{
	put16(duid, DUID_LL);
	put16(duid + 2, HARDWARE_ETHERNET);
	memcpy(duid + 4, mac, ETHERNET_ADDRESS);
}

/* ---- in ---- */

struct reader {
	struct dhcp6_request *request;
	const uint8_t	     *duid;
	size_t		      n_duid;
	bool		      has_wanted;
};

static enum dhcp6_verdict take_wanted(struct reader *r, const uint8_t *p, size_t n)
{
	if (n % 2 != 0)
		return DHCP6_MALFORMED;
	r->has_wanted = true;
	for (size_t i = 0; i < n; i += 2) {
		r->request->wants_dns |= get16(p + i) == OPTION_DNS;
		r->request->wants_search |= get16(p + i) == OPTION_SEARCH;
		r->request->wants_refresh_time |= get16(p + i) == OPTION_REFRESH_TIME;
	}
	return DHCP6_TAKEN;
}

static enum dhcp6_verdict take_client(struct reader *r, const uint8_t *p, size_t n)
{
	if (n < DUID_LEAST || n > DHCP6_DUID_MOST)
		return DHCP6_MALFORMED;
	memcpy(r->request->client, p, n);
	r->request->n_client = (uint16_t)n;
	return DHCP6_TAKEN;
}

static enum dhcp6_verdict take_option(struct reader *r, uint16_t option, const uint8_t *p, size_t n)
{
	switch (option) {
	case OPTION_CLIENT:
		return take_client(r, p, n);
	case OPTION_SERVER:
		return n == r->n_duid && memcmp(p, r->duid, n) == 0 ? DHCP6_TAKEN : DHCP6_NOT_OURS;
	case OPTION_IA_NA:
	case OPTION_IA_TA:
	case OPTION_IA_PD:
		return DHCP6_NOT_OURS;
	case OPTION_WANTED:
		return take_wanted(r, p, n);
	default:
		return DHCP6_TAKEN;
	}
}

enum dhcp6_verdict dhcp6_parse(struct dhcp6_request *request, const uint8_t *p, size_t len, const uint8_t *duid,
			       size_t n_duid)
{
	struct reader	   r = { .request = request, .duid = duid, .n_duid = n_duid };
	enum dhcp6_verdict verdict = DHCP6_TAKEN;

	*request = (struct dhcp6_request){ .transaction = 0 };
	if (len < HEAD)
		return DHCP6_MALFORMED;
	if (p[0] != DHCP6_INFORMATION_REQUEST)
		return DHCP6_NOT_OURS;
	request->transaction = get32(p) & 0xffffff;
	for (size_t at = HEAD; at < len && verdict == DHCP6_TAKEN;) {
		if (len - at < OPTION_HEAD || len - at - OPTION_HEAD < get16(p + at + 2))
			return DHCP6_MALFORMED;
		const size_t n = get16(p + at + 2);

		verdict = take_option(&r, get16(p + at), p + at + OPTION_HEAD, n);
		at += OPTION_HEAD + n;
	}
	if (!r.has_wanted)
		request->wants_dns = request->wants_search = request->wants_refresh_time = true;
	return verdict;
}

/* ---- out ---- */

struct writer {
	uint8_t *p;
	size_t	 at, room;
};

static bool add(struct writer *w, uint16_t option, const void *data, size_t n)
{
	if (w->at + OPTION_HEAD + n > w->room)
		return false;
	put16(w->p + w->at, option);
	put16(w->p + w->at + 2, (uint16_t)n);
	memcpy(w->p + w->at + OPTION_HEAD, data, n);
	w->at += OPTION_HEAD + n;
	return true;
}

static void add_search(struct writer *w, const struct domains *search)
{
	const size_t left = w->room - w->at;
	const size_t n = left > OPTION_HEAD ? domains_fit(search, left - OPTION_HEAD) : 0;

	if (n > 0)
		(void)add(w, OPTION_SEARCH, search->bytes, n);
}

size_t dhcp6_emit(uint8_t *p, size_t room, const struct dhcp6_reply *reply, const struct dhcp6_request *to)
{
	struct writer w = { .p = p, .at = HEAD, .room = room };
	uint8_t	      seconds[4];

	if (room < HEAD)
		return 0;
	put32(p, (uint32_t)DHCP6_REPLY << 24 | to->transaction);
	put32(seconds, reply->refresh_time);
	if ((to->n_client > 0 && !add(&w, OPTION_CLIENT, to->client, to->n_client)) ||
	    !add(&w, OPTION_SERVER, reply->duid, reply->n_duid) ||
	    (to->wants_dns && reply->dns && !add(&w, OPTION_DNS, reply->dns->b, sizeof reply->dns->b)) ||
	    (to->wants_refresh_time && !add(&w, OPTION_REFRESH_TIME, seconds, sizeof seconds)))
		return 0;
	if (to->wants_search && reply->search)
		add_search(&w, reply->search);
	return w.at;
}
