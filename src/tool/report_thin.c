/* tern report: a page has to stay small whatever was recorded. Where the events are too many, the longest-winded are
 * left out: timers that were set and stopped first, then text and its acknowledgement where all went well, of which an
 * even sample stays so that the plots keep their shape, then trouble beyond what a page can hold. What begins and ends
 * the page, each change of state and each SYN, FIN and RST stay. In the place of segments that are left out stands an
 * event "folded" that counts them: the page shows it as such, and so does tern report on standard error.
 *
 * It works on the lines themselves, since every source has them. What stands in a string cannot look like a member: a
 * quote within it is escaped.
 */
#include "tool/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum weight { WEIGHT_NEVER, WEIGHT_TROUBLE, WEIGHT_PLAIN, WEIGHT_IDLE, WEIGHTS }; /* NEVER: is left out last */

struct line {
	const char *at;
	uint32_t    n;
	uint32_t    conn;
	uint32_t    sent; /* of an arrival: its sending's index + 1; of a sending 0 */
	uint8_t	    weight;
	bool	    is_tx, is_kept, is_again, is_lost;
	uint32_t    octets;
};

/* What was left out of one connection since its last line that stays. */
struct run {
	uint32_t conn, segments, again, lost;
	uint64_t octets;
	int64_t	 from, until;
};

struct thinning {
	struct line *lines;
	size_t	     n;
	uint32_t    *sending; /* by (conn, number) */
	size_t	     slots;   /* a power of two */
	struct run   runs[256];
};

/* ---- reading ---- */

/* Where a member's value begins; NULL: there is no such member. */
static const char *member(const struct line *line, const char *name)
{
	const char *const at = memmem(line->at, line->n, name, strlen(name));

	return at ? at + strlen(name) : NULL;
}

static bool has(const struct line *line, const char *text)
{
	return member(line, text) != NULL;
}

static int64_t number(const struct line *line, const char *name)
{
	const char *const at = member(line, name);

	return at ? strtoll(at, NULL, 10) : 0; /* the text ends in a zero */
}

static bool has_flag(const struct line *line, const char *flags)
{
	const char *const at = member(line, "\"flags\":\"");
	const char *const end = at ? memchr(at, '"', line->n - (size_t)(at - line->at)) : NULL;

	for (const char *p = at; end && p < end; p++)
		if (strchr(flags, *p))
			return true;
	return false;
}

static enum weight weigh_segment(struct line *line)
{
	line->is_tx = has(line, "\"dir\":\"tx\"");
	line->octets = (uint32_t)number(line, "\"len\":");
	if (has_flag(line, "SFR"))
		return WEIGHT_NEVER;
	if (!line->is_tx) {
		const bool is_odd = has(line, "\"verdict\":\"") && !has(line, "\"verdict\":\"accepted\"");

		return is_odd || has(line, "\"late\":true") ? WEIGHT_TROUBLE : WEIGHT_PLAIN;
	}
	const bool is_odd = has(line, "\"fate\":\"") && !has(line, "\"fate\":\"delivered\"");

	line->is_again = has(line, "\"again_of\":");
	line->is_lost = is_odd && has(line, "\"arrives\":null");
	return is_odd || line->is_again || has(line, "\"probe\":true") || has_flag(line, "U") ? WEIGHT_TROUBLE
											     : WEIGHT_PLAIN;
}

static enum weight weigh(struct line *line)
{
	static const char *const small[] = { "note", "congestion", "retransmit", "drop", "fate", "icmp" };
	char			 is[32];

	if (has(line, "\"ev\":\"segment\""))
		return weigh_segment(line);
	if (has(line, "\"ev\":\"timer\""))
		return has(line, "\"action\":\"fired\"") ? WEIGHT_TROUBLE : WEIGHT_IDLE;
	for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
		(void)snprintf(is, sizeof is, "\"ev\":\"%s\"", small[i]);
		if (has(line, is))
			return WEIGHT_TROUBLE;
	}
	return WEIGHT_NEVER;
}

/* ---- arrivals go with their sendings ---- */

static size_t slot_of(const struct thinning *thinning, uint64_t conn, uint64_t n)
{
	const uint64_t mixed = (conn << 40 ^ n) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(mixed >> 20) & (thinning->slots - 1);
}

static void join(struct thinning *thinning, uint32_t i)
{
	struct line *const line = &thinning->lines[i];
	const int64_t	   n = number(line, "\"n\":");

	if (n <= 0)
		return;
	for (size_t at = slot_of(thinning, line->conn, (uint64_t)n);; at = (at + 1) & (thinning->slots - 1)) {
		const uint32_t there = thinning->sending[at];

		if (there == 0) {
			if (line->is_tx)
				thinning->sending[at] = i + 1;
			return;
		}
		const struct line *const sent = &thinning->lines[there - 1];
		if (sent->conn != line->conn || number(sent, "\"n\":") != n)
			continue;
		if (!line->is_tx)
			line->sent = there;
		return;
	}
}

static bool read_lines(struct thinning *thinning, const char *text, size_t n)
{
	size_t count = 1;

	for (const char *at = text; (at = memchr(at, '\n', n - (size_t)(at - text))) != NULL; at++)
		count++;
	for (thinning->slots = 16; thinning->slots < 2 * count;)
		thinning->slots *= 2;
	thinning->lines = calloc(count, sizeof *thinning->lines);
	thinning->sending = calloc(thinning->slots, sizeof *thinning->sending);
	if (!thinning->lines || !thinning->sending || count > UINT32_MAX / 2)
		return false;
	for (const char *at = text, *const end = text + n; at < end;) {
		const char *const newline = memchr(at, '\n', (size_t)(end - at));
		const size_t	  length = newline ? (size_t)(newline - at) : (size_t)(end - at);
		struct line	 *line = &thinning->lines[thinning->n];

		*line = (struct line){ .at = at, .n = (uint32_t)length };
		line->conn = (uint32_t)number(line, "\"conn\":");
		line->weight = (uint8_t)weigh(line);
		if (has(line, "\"ev\":\"segment\""))
			join(thinning, (uint32_t)thinning->n);
		thinning->n++;
		at += length + 1;
	}
	return true;
}

/* ---- choosing ---- */

static bool is_free(const struct line *line, enum weight weight)
{
	return line->weight == weight && !line->is_kept && !line->sent;
}

/* Keeps at most `room` of the lines of a weight that are not kept yet, evenly; an arrival is counted to its sending. */
static size_t keep_some(struct thinning *thinning, enum weight weight, size_t room)
{
	size_t wanted = 0, seen = 0, kept = 0;

	for (size_t i = 0; i < thinning->n; i++)
		wanted += is_free(&thinning->lines[i], weight);
	if (wanted == 0 || room == 0)
		return 0;
	for (size_t i = 0; i < thinning->n; i++) {
		struct line *const line = &thinning->lines[i];

		if (!is_free(line, weight))
			continue;
		seen++;
		if (wanted > room && seen * room / wanted == (seen - 1) * room / wanted)
			continue;
		line->is_kept = true;
		kept++;
	}
	return kept;
}

static void choose(struct thinning *thinning, size_t room)
{
	const size_t edge = room / 8;
	size_t	     left = room - 2 * edge;

	for (size_t i = 0; i < thinning->n; i++)
		thinning->lines[i].is_kept = i < edge || i + edge >= thinning->n;
	left -= keep_some(thinning, WEIGHT_NEVER, left);
	const size_t trouble = keep_some(thinning, WEIGHT_TROUBLE, left / 3); /* half of them have an arrival */
	left -= 2 * trouble < left ? 2 * trouble : left;
	(void)keep_some(thinning, WEIGHT_PLAIN, left / 2);
	for (size_t i = 0; i < thinning->n; i++)
		if (thinning->lines[i].sent)
			thinning->lines[i].is_kept = thinning->lines[thinning->lines[i].sent - 1].is_kept;
}

/* ---- writing ---- */

static void flush(struct run *run, FILE *to)
{
	if (run->segments > 0)
		fprintf(to,
			"{\"v\":1,\"t\":%" PRId64 ",\"host\":\"\",\"conn\":%" PRIu32
			",\"ev\":\"folded\",\"until\":%" PRId64 ",\"segments\":%" PRIu32 ",\"octets\":%" PRIu64
			",\"again\":%" PRIu32 ",\"lost\":%" PRIu32 "}\n",
			run->from, run->conn, run->until, run->segments, run->octets, run->again, run->lost);
	run->segments = 0;
}

static void leave_out(struct thinning *thinning, const struct line *line, FILE *to)
{
	struct run *const run = &thinning->runs[line->conn % 256];
	const int64_t	  t = number(line, "\"t\":");

	if (!line->is_tx)
		return;
	if (run->conn != line->conn)
		flush(run, to);
	if (run->segments == 0)
		*run = (struct run){ .conn = line->conn, .from = t };
	run->segments++;
	run->octets += line->octets;
	run->again += line->is_again;
	run->lost += line->is_lost;
	run->until = t;
}

bool report_thin(const char *text, size_t n, size_t room, FILE *to, struct report_thinned *thinned)
{
	static struct thinning thinning;
	bool		       whole;

	thinning = (struct thinning){ .n = 0 };
	*thinned = (struct report_thinned){ .segments = 0 };
	whole = read_lines(&thinning, text, n);
	if (whole)
		choose(&thinning, room);
	for (size_t i = 0; whole && i < thinning.n; i++) {
		const struct line *const line = &thinning.lines[i];

		if (!line->is_kept) {
			thinned->segments += line->is_tx;
			leave_out(&thinning, line, to);
			continue;
		}
		if (thinning.runs[line->conn % 256].conn == line->conn)
			flush(&thinning.runs[line->conn % 256], to);
		fwrite(line->at, 1, line->n, to);
		fputc('\n', to);
		thinned->kept++;
	}
	for (size_t i = 0; i < 256; i++)
		flush(&thinning.runs[i], to);
	thinned->lines = thinning.n;
	free(thinning.lines);
	free(thinning.sending);
	return whole;
}
