/* tern report: what is shown where scripts are off, of events that came as lines: one row each, of what a reader would
 * look for first. A ladder needs to know what belongs together, which lines of another program's need not tell; this
 * needs only the line itself. */
#include "tool/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct field {
	const char *at;
	int	    n;
};

struct row {
	const char *at;
	size_t	    n;
};

/* A member's value, without quotes; what is escaped in it stays so. Empty: there is none. */
static struct field member(const struct row *row, const char *name)
{
	char	      key[32];
	const int     length = snprintf(key, sizeof key, "\"%s\":", name);
	const char   *at = memmem(row->at, row->n, key, (size_t)length);
	const char   *end = row->at + row->n, *p;

	if (!at)
		return (struct field){ "", 0 };
	at += length;
	if (at < end && *at == '"') {
		for (p = ++at; p < end && *p != '"'; p++)
			p += *p == '\\' && p + 1 < end;
	} else {
		for (p = at; p < end && *p != ',' && *p != '}'; p++)
			continue;
	}
	return (struct field){ at, p - at < 200 ? (int)(p - at) : 200 };
}

static bool is(struct field field, const char *text)
{
	return field.n == (int)strlen(text) && memcmp(field.at, text, (size_t)field.n) == 0;
}

static void put(FILE *to, const char *before, struct field field)
{
	if (field.n > 0 && !is(field, "null"))
		fprintf(to, "%s%.*s", before, field.n, field.at);
}

static void put_segment(FILE *to, const struct row *row)
{
	const struct field flags = member(row, "flags"), fate = member(row, "fate"), verdict = member(row, "verdict");
	const struct field rseq = member(row, "rseq"), rack = member(row, "rack");

	fputs(is(member(row, "dir"), "tx") ? " --> " : " <-- ", to);
	put(to, "n ", member(row, "n"));
	put(to, " flags ", flags);
	put(to, " seq ", rseq.n > 0 && !is(rseq, "null") ? rseq : member(row, "seq"));
	put(to, " len ", member(row, "len"));
	if (memchr(flags.at, 'A', (size_t)flags.n))
		put(to, " ack ", rack.n > 0 && !is(rack, "null") ? rack : member(row, "ack"));
	put(to, " win ", member(row, "wnd"));
	put(to, " again of ", member(row, "again_of"));
	if (!is(fate, "delivered"))
		put(to, " ", fate);
	if (!is(verdict, "accepted"))
		put(to, " ", verdict);
}

static void put_other(FILE *to, const struct row *row, struct field ev)
{
	static const char *const told[] = { "reason", "timer",  "action", "event", "note",   "value",
					    "call",   "verdict", "state" };

	if (is(ev, "folded")) {
		put(to, "     ", member(row, "segments"));
		put(to, " segments, ", member(row, "octets"));
		fputs(" octets are not kept", to);
		return;
	}
	fprintf(to, "     %.*s", ev.n, ev.at);
	put(to, " ", member(row, "from"));
	put(to, " -> ", member(row, "to"));
	for (size_t i = 0; i < sizeof told / sizeof *told; i++)
		put(to, " ", member(row, told[i]));
	put(to, ": ", is(ev, "status") ? member(row, "say") : (struct field){ "", 0 });
}

/* "#2 10.0.0.1:5000 > 10.0.0.2:80", of ["10.0.0.1:5000","10.0.0.2:80"]. */
static void put_ends(FILE *to, const struct row *row)
{
	const char *const first = memmem(row->at, row->n, "\"ends\":[\"", 9);
	const char *const end = row->at + row->n, *const from = first ? first + 9 : end;
	const char *const middle = memmem(from, (size_t)(end - from), "\",\"", 3);
	const char *const last = middle ? memchr(middle + 3, '"', (size_t)(end - middle - 3)) : NULL;

	put(to, "#", member(row, "conn"));
	if (last)
		fprintf(to, " %.*s > %.*s", (int)(middle - from), from, (int)(last - middle - 3), middle + 3);
	fputc('\n', to);
}

static void put_row(FILE *to, const struct row *row)
{
	const struct field ev = member(row, "ev"), t = member(row, "t"), host = member(row, "host");
	char		   time[24] = "0";

	if (ev.n == 0 || is(ev, "series") || (is(ev, "timer") && !is(member(row, "action"), "fired")))
		return;
	if (is(ev, "connection")) {
		put_ends(to, row);
		return;
	}
	if (t.n < (int)sizeof time) {
		memcpy(time, t.at, (size_t)t.n);
		time[t.n] = '\0';
	}
	fprintf(to, "%12.6f #%-3.*s %-7.*s", (double)strtoll(time, NULL, 10) / 1e9, member(row, "conn").n,
		member(row, "conn").at, host.n, host.at);
	if (is(ev, "segment"))
		put_segment(to, row);
	else
		put_other(to, row, ev);
	fputc('\n', to);
}

void report_plainly(struct report *report, const char *text, size_t n)
{
	for (const char *at = text, *const end = text + n; at < end;) {
		const char *const newline = memchr(at, '\n', (size_t)(end - at));
		const struct row  row = { at, newline ? (size_t)(newline - at) : (size_t)(end - at) };

		put_row(report->ladder, &row);
		at += row.n + 1;
	}
}
