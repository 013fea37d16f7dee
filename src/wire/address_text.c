/* Addresses as people write them: dotted quads, and IPv6 as in RFC 4291 2.2, printed as in RFC 5952.
 *
 * Strict: the whole text is the address. No spaces, no zone, no prefix length; a dotted quad has four
 * decimal numbers without leading zeros (which some readers take for octal). A mapped address prints as
 * the IPv4 address it is.
 */
#include <tern/types.h>

#include "base/bytes.h"
#include "wire/tuple.h"

/* Digits of *text as a number of at most `digits` digits; advances *text. -1: none, or too many. */
static int number(const char **text, unsigned base, unsigned digits)
{
	unsigned value = 0, n = 0;

	for (;; n++) {
		const char c = (*text)[n];
		unsigned   digit;

		if (c >= '0' && c <= '9')
			digit = (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (unsigned)(c - 'a') + 10;
		else if (c >= 'A' && c <= 'F')
			digit = (unsigned)(c - 'A') + 10;
		else
			break;
		if (digit >= base)
			break;
		if (n == digits)
			return -1;
		value = value * base + digit;
	}
	*text += n;
	return n ? (int)value : -1;
}

/* A dotted quad that ends the text. */
static bool parse_v4(const char *text, uint8_t to[4])
{
	for (unsigned i = 0; i < 4; i++) {
		if (i && *text++ != '.')
			return false;
		const bool leading_zero = text[0] == '0' && text[1] >= '0' && text[1] <= '9';
		const int  value = number(&text, 10, 3);
		if (leading_zero || value < 0 || value > 255)
			return false;
		to[i] = (uint8_t)value;
	}
	return *text == '\0';
}

/* Groups of hex digits, "::" once in place of one or more groups of zeros, a dotted quad in place of the
 * last two. */
static bool parse_v6(const char *text, uint8_t to[16])
{
	unsigned n = 0, gap = 0; /* bytes so far; where "::" stood */
	bool	 have_gap = false;

	if (text[0] == ':' && text[1] != ':')
		return false;
	while (*text) {
		if (text[0] == ':' && text[1] == ':') {
			if (have_gap)
				return false;
			have_gap = true;
			gap = n;
			text += 2;
			if (!*text)
				break;
		} else if (n && *text++ != ':') {
			return false;
		}
		const char *start = text;
		const int   value = number(&text, 16, 4);
		if (*text == '.') {
			if (n > 12 || !parse_v4(start, to + n))
				return false;
			n += 4;
			break;
		}
		if (value < 0 || n == 16)
			return false;
		put16(to + n, (uint16_t)value);
		n += 2;
	}
	if (!have_gap)
		return n == 16;
	if (n > 14)
		return false;
	memmove(to + 16 - (n - gap), to + gap, n - gap);
	memset(to + gap, 0, 16 - n);
	return true;
}

int tern_addr_parse(struct tern_addr *addr, const char *text)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct tern_addr     found;

	if (parse_v4(text, found.b + 12))
		memcpy(found.b, mapped, sizeof mapped);
	else if (!parse_v6(text, found.b))
		return -TERN_EINVAL;
	*addr = found;
	return 0;
}

static char *put_decimal(char *to, unsigned value)
{
	if (value >= 100)
		*to++ = (char)('0' + value / 100);
	if (value >= 10)
		*to++ = (char)('0' + value / 10 % 10);
	*to++ = (char)('0' + value % 10);
	return to;
}

static char *put_hex(char *to, unsigned value)
{
	for (unsigned shift = 12; shift; shift -= 4)
		if (value >> shift)
			*to++ = "0123456789abcdef"[value >> shift & 15];
	*to++ = "0123456789abcdef"[value & 15];
	return to;
}

/* The longest run of two or more zero groups, the first of equals (RFC 5952 4.2): its first group, and
 * the one after it in *end. Both 8 where there is none. */
static unsigned zero_run(const struct tern_addr *addr, unsigned *end)
{
	unsigned best = 8, length = 1;

	*end = 8;
	for (unsigned i = 0, run = 0; i < 8; i++) {
		run = get16(addr->b + 2 * i) ? 0 : run + 1;
		if (run > length) {
			length = run;
			best = i + 1 - run;
			*end = i + 1;
		}
	}
	return best;
}

char *tern_addr_format(const struct tern_addr *addr, char to[46])
{
	char *at = to;

	if (addr_is_v4(addr)) {
		for (unsigned i = 12; i < 16; i++) {
			if (i > 12)
				*at++ = '.';
			at = put_decimal(at, addr->b[i]);
		}
		*at = '\0';
		return to;
	}
	unsigned       end;
	const unsigned start = zero_run(addr, &end);
	for (unsigned i = 0; i < 8; i++) {
		if (i == start) {
			*at++ = ':';
			*at++ = ':';
			i = end - 1;
			continue;
		}
		if (i && i != end)
			*at++ = ':';
		at = put_hex(at, get16(addr->b + 2 * i));
	}
	*at = '\0';
	return to;
}
