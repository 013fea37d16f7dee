/* Numbers with units, as tc(8) reads them. */
#include "option/units.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	double	    factor;
};

bool units_number(const char *text, uint64_t low, uint64_t high, uint64_t *to)
{
	uint64_t value = 0;
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		const unsigned digit = (unsigned)(*text - '0');
		if (value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (value < low || value > high)
		return false;
	*to = value;
	return true;
}

/* A decimal number without sign, exponent or hexadecimal, then a unit of the list (case does not count). */
static bool with_unit(const char *text, const struct unit units[], double *to)
{
	const size_t n = strspn(text, "0123456789.");
	char digits[32];
	if (n == 0 || n >= sizeof digits)
		return false;
	memcpy(digits, text, n);
	digits[n] = '\0';
	char *end;
	const double value = strtod(digits, &end);
	if (*end != '\0' || !isfinite(value))
		return false;
	for (; units->name != NULL; units++)
		if (strcasecmp(units->name, text + n) == 0) {
			*to = value * units->factor;
			return true;
		}
	return false;
}

bool units_time(const char *text, tern_time *to)
{
	static const struct unit units[] = {
		{ "s", 1e9 },  { "sec", 1e9 },	{ "secs", 1e9 }, { "ms", 1e6 },	 { "msec", 1e6 }, { "msecs", 1e6 },
		{ "us", 1e3 }, { "usec", 1e3 }, { "usecs", 1e3 }, { "", 1e3 }, { "ns", 1 }, { "nsec", 1 },
		{ "nsecs", 1 }, { NULL, 0 },
	};
	double value;
	if (!with_unit(text, units, &value) || value > 3600e9)
		return false;
	*to = (tern_time)(value + 0.5);
	return true;
}

bool units_share(const char *text, double *to)
{
	static const struct unit units[] = { { "%", 0.01 }, { "", 0.01 }, { NULL, 0 } };
	double value;
	if (!with_unit(text, units, &value) || value > 1)
		return false;
	*to = value;
	return true;
}

bool units_rate(const char *text, uint64_t *to)
{
	static const struct unit units[] = {
		{ "", 0.125 },	      { "bit", 0.125 },	      { "kbit", 125e0 },       { "mbit", 125e3 },
		{ "gbit", 125e6 },    { "tbit", 125e9 },      { "kibit", 128e0 },      { "mibit", 131072e0 },
		{ "gibit", 134217728e0 }, { "tibit", 137438953472e0 }, { "bps", 1 },	       { "kbps", 1e3 },
		{ "mbps", 1e6 },      { "gbps", 1e9 },	      { "tbps", 1e12 },	       { "kibps", 1024e0 },
		{ "mibps", 1048576e0 }, { "gibps", 1073741824e0 }, { NULL, 0 },
	};
	double value;
	if (!with_unit(text, units, &value) || value < 1 || value > 1e15)
		return false;
	*to = (uint64_t)(value + 0.5);
	return true;
}

bool units_bytes(const char *text, uint64_t low, uint64_t high, uint64_t *to)
{
	static const char suffixes[] = "kmg";
	const size_t n = strspn(text, "0123456789");
	const char *const suffix = text[n] != '\0' ? strchr(suffixes, tolower((unsigned char)text[n])) : NULL;
	const unsigned shift = suffix != NULL ? 10 * (unsigned)(suffix - suffixes + 1) : 0;
	char digits[24];
	uint64_t value;
	if (n == 0 || n >= sizeof digits || (text[n] != '\0' && (suffix == NULL || text[n + 1] != '\0')))
		return false;
	memcpy(digits, text, n);
	digits[n] = '\0';
	if (!units_number(digits, 0, UINT64_MAX >> shift, &value) || value << shift < low || value << shift > high)
		return false;
	*to = value << shift;
	return true;
}
