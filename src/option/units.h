/* Numbers with units, as tc(8) reads them. Each is false where the whole text is not such a number or
 * is out of its range; *to is left alone then.
 */
#ifndef OPTION_UNITS_H
#define OPTION_UNITS_H

#include <tern/types.h>

bool units_number(const char *text, uint64_t low, uint64_t high, uint64_t *to);
/* s, sec, secs, ms, msec, msecs, us, usec, usecs, ns ...; a bare number is microseconds. At most an hour. */
bool units_time(const char *text, tern_time *to);
/* "3%" or "3": a share of 0 to 1. */
bool units_share(const char *text, double *to);
/* bit, kbit, mbit, gbit, tbit and kibit ...; bps, kbps ... are bytes; a bare number is bits. To bytes per
 * second, at least 1. */
bool units_rate(const char *text, uint64_t *to);
/* "250000", "256k", "64M", "2G": bytes, by 1024 (case does not count). */
bool units_bytes(const char *text, uint64_t low, uint64_t high, uint64_t *to);

#endif
