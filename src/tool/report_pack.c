/* tern report: the events as they stand in the page: as lines while they are few, else deflated and in base64, and
 * where even that is more than a page should be, thinned (report_thin.c). */
#include "tool/report.h"
#include "tool/tool.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	PLAIN_MAX = 256 << 10, /* octets of lines that stay lines */
	PAGE_MAX = 1450000,    /* octets of a page */
	ROUNDS = 8,
	LINES_MIN = 2000,
};

void report_base64(FILE *to, const unsigned char *from, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		const unsigned long a = from[i], b = i + 1 < n ? from[i + 1] : 0, c = i + 2 < n ? from[i + 2] : 0;
		const unsigned long bits = a << 16 | b << 8 | c;
		const char four[4] = { digits[bits >> 18 & 63], digits[bits >> 12 & 63],
				       i + 1 < n ? digits[bits >> 6 & 63] : '=', i + 2 < n ? digits[bits & 63] : '=' };

		fwrite(four, 1, sizeof four, to);
	}
}

/* The lines with fewer events in them take their place. */
static int thin(struct report *report, size_t lines, struct report_thinned *thinned)
{
	char	   *text = NULL;
	size_t	    n = 0;
	FILE *const to = open_memstream(&text, &n);

	if (!to)
		return -TERN_ENOMEM;
	const bool whole = report_thin(report->events_text, report->events_n, lines, to, thinned);

	if (fclose(to) != 0 || !whole) {
		free(text);
		return -TERN_ENOMEM;
	}
	free(report->thin_text);
	report->thin_text = text;
	report->thin_n = n;
	return 0;
}

static size_t count_lines(const char *text, size_t n)
{
	size_t lines = 0;

	for (const char *at = text; (at = memchr(at, '\n', n - (size_t)(at - text))) != NULL; at++)
		lines++;
	return lines;
}

static int deflated(struct report *report)
{
	const char *const text = report->thin_text ? report->thin_text : report->events_text;

	free(report->packed);
	report->packed = NULL;
	return report_deflate(text, report->thin_text ? report->thin_n : report->events_n, &report->packed,
			      &report->packed_n);
}

static void say_thinned(const struct report_thinned *thinned)
{
	(void)tool_failed("report",
			  "%zu of %zu events are in the page, %" PRIu64
			  " segments are folded away for good, so that it stays under 1.5 MB (--whole keeps all)",
			  thinned->kept, thinned->lines, thinned->segments);
}

int report_pack(struct report *report, size_t around)
{
	const size_t	      room = around + (64 << 10) < PAGE_MAX ? PAGE_MAX - around : 64 << 10;
	struct report_thinned thinned = { .segments = 0 };
	size_t		      lines = 0;

	if (report->is_plain || report->events_n <= PLAIN_MAX)
		return 0;
	for (unsigned i = 0;; i++) {
		const int error = deflated(report);

		if (error == -TERN_EOPNOTSUPP) {
			(void)tool_failed("report",
					  "the page has %zu bytes of events: this tern was built without zlib",
					  report->events_n);
			return 0;
		}
		if (error != 0)
			return error;
		const size_t size = (report->packed_n + 2) / 3 * 4;

		if (size <= room || report->is_whole || i == ROUNDS || (i > 0 && lines == LINES_MIN))
			break;
		lines = i == 0 ? count_lines(report->events_text, report->events_n) : thinned.kept;
		lines = (size_t)((double)lines * (double)room / (double)size * 0.97);
		lines = lines > LINES_MIN ? lines : LINES_MIN;
		const int failed = thin(report, lines, &thinned);
		if (failed != 0)
			return failed;
	}
	if (thinned.lines > 0)
		say_thinned(&thinned);
	return 0;
}
