#include "gateway/filter.h"

#include <stdlib.h>
#include <string.h>

#include "wire/tuple.h"

enum { ADDRESS = 46 };

/* Digits alone, up to `most`. NULL: none, or too many. */
static const char *number(const char *text, unsigned most, unsigned *to)
{
	unsigned n = 0;
	bool	 any = false;

	for (; *text >= '0' && *text <= '9'; text++) {
		n = n * 10 + (unsigned)(*text - '0');
		if (n > most)
			return NULL;
		any = true;
	}
	*to = n;
	return any ? text : NULL;
}

/* ":443", ":80-90" or nothing, up to the end. */
static bool parse_ports(struct filter_rule *rule, const char *text)
{
	unsigned low, high;

	rule->low = 0;
	rule->high = UINT16_MAX;
	if (*text == '\0')
		return true;
	if (*text != ':' || (text = number(text + 1, UINT16_MAX, &low)) == NULL)
		return false;
	high = low;
	if (*text == '-' && (text = number(text + 1, UINT16_MAX, &high)) == NULL)
		return false;
	rule->low = (uint16_t)low;
	rule->high = (uint16_t)high;
	return *text == '\0' && low > 0 && low <= high;
}

static bool has_bits_beyond(const struct filter_rule *rule)
{
	const unsigned from = rule->bits + (addr_is_v4(&rule->prefix) ? 96 : 0);

	for (unsigned i = from; i < 128; i++)
		if (rule->prefix.b[i / 8] & 0x80 >> i % 8)
			return true;
	return false;
}

/* "192.0.2.0/24", "[2001:db8::]/32", "2001:db8::/32" (no port after that one). */
static bool parse_prefix(struct filter_rule *rule, const char **text)
{
	const char *at = *text, *end;
	char	    address[ADDRESS];

	if (*at == '[') {
		end = strchr(++at, ']');
	} else {
		end = at + strcspn(at, "/:");
		if (*end == ':' && strchr(end + 1, ':') != NULL)
			end = at + strcspn(at, "/");
	}
	if (end == NULL || end == at || (size_t)(end - at) >= sizeof address)
		return false;
	memcpy(address, at, (size_t)(end - at));
	address[end - at] = '\0';
	if (tern_addr_parse(&rule->prefix, address) != 0)
		return false;
	if (*end == ']')
		end++;
	const unsigned most = addr_is_v4(&rule->prefix) ? 32 : 128;

	rule->bits = most;
	if (*end == '/' && (end = number(end + 1, most, &rule->bits)) == NULL)
		return false;
	*text = end;
	return !has_bits_beyond(rule);
}

int filter_add(struct filter *filter, bool allow, const char *text)
{
	struct filter_rule rule = { .allow = allow };

	if (filter->n == FILTER_RULES)
		return -TERN_ENOMEM;
	if (*text == '*') {
		rule.any = true;
		text++;
	} else if (!parse_prefix(&rule, &text)) {
		return -TERN_EINVAL;
	}
	if (!parse_ports(&rule, text))
		return -TERN_EINVAL;
	filter->rule[filter->n++] = rule;
	filter->has_allow |= allow;
	return 0;
}

static bool matches(const struct filter_rule *rule, const struct tern_addr *addr, uint16_t port)
{
	if (port < rule->low || port > rule->high)
		return false;
	if (rule->any)
		return true;
	/* ::/0 as a prefix holds IPv4 too; as a rule it is about IPv6. */
	return addr_is_v4(&rule->prefix) == addr_is_v4(addr) && addr_in_prefix(addr, &rule->prefix, rule->bits);
}

bool filter_allows(const struct filter *filter, const struct tern_addr *addr, uint16_t port)
{
	for (unsigned i = 0; i < filter->n; i++)
		if (matches(&filter->rule[i], addr, port))
			return filter->rule[i].allow;
	return !filter->has_allow;
}
