/* attacks: CVE-2018-5390, FreeBSD-SA-18:08, CVE-2019-11478, CVE-2019-5599, CVE-2018-5391, Hash collision, ND/ARP cache
 * flood, ACK flood on cookies: what one packet costs, in instructions as callgrind counts them, from its arrival to the
 * last octet of what it made the host send (timers included). For each kind of support/hostile.c, a hundred are
 * counted after a hundred of them have come, and a hundred again after 5,000 (--long: 100,000).
 *
 * Asked: none costs more than four times what a full segment of text in order does, and none costs more the more of
 * them there were.
 *
 * The program runs itself under valgrind (--count LATE [KIND]): only cost_measured() is collected. To see where the
 * instructions of a kind go, run it so by hand and read callgrind_annotate. */
#include "../bench/callgrind.h"
#include "support/figure.h"
#include "support/hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNTED = 100, EARLY = 100, LATE = 5000, LATE_LONG = 100000, MOST_TIMES = 4, KINDS_MOST = 64 };
/* What it costs that a table is full and who must go is looked for, and that by then, a second later, what was answered
 * is sent again: SYN-ACKs, and questions for neighbours. */
static const double FLAT = 2;

/* ---- what is counted ---- */

__attribute__((noinline)) void cost_measured(tern_packet *const batch[], tern_time now);
__attribute__((noinline)) void cost_done(void);

/* The packet arrives, and whatever it makes the host send leaves. */
static inline __attribute__((always_inline)) void serve(tern_packet *const batch[], tern_time now)
{
	tern_host *const host = hostile_foe.host;
	tern_packet	*out[32];

	tern_host_input(host, batch, 1, now);
	if (tern_host_deadline(host) <= now)
		tern_host_advance(host, now);
	for (size_t n; (n = tern_host_output(host, out, 32, now)) > 0;)
		for (size_t i = 0; i < n; i++)
			tern_packet_done(out[i]);
}

void cost_measured(tern_packet *const batch[], tern_time now)
{
	serve(batch, now);
}

void cost_done(void) /* callgrind writes a file when it returns */
{
	__asm__ volatile("");
}

static void send_plain(const struct hostile_kind *kind, uint32_t i, bool counted)
{
	static uint8_t bytes[FOE_PACKET];
	tern_packet    in = { .n_parts = 1, .link = hostile_foe.link };
	tern_packet   *batch[] = { &in };

	in.len = (uint32_t)kind->make(i, bytes);
	in.part[0].at = hostile_foe.page_end - in.len;
	in.part[0].n = in.len;
	memcpy(hostile_foe.page_end - in.len, bytes, in.len);
	hostile_foe.now += 10 * TERN_MICROSECOND;
	if (counted)
		cost_measured(batch, hostile_foe.now);
	else
		serve(batch, hostile_foe.now);
	if (kind->after)
		kind->after();
}

/* name: of the one kind to count; NULL: all */
static int count(uint32_t late, const char *name)
{
	for (unsigned k = 0; k < hostile_n; k++) {
		const struct hostile_kind *const kind = &hostile_kinds[k];
		uint32_t			 i = 0;

		if (name && strcmp(name, kind->name) != 0)
			continue;
		hostile_open(kind);
		while (i < EARLY)
			send_plain(kind, i++, false);
		while (i < EARLY + COUNTED)
			send_plain(kind, i++, true);
		cost_done();
		while (i < late)
			send_plain(kind, i++, false);
		while (i < late + COUNTED)
			send_plain(kind, i++, true);
		cost_done();
		hostile_close();
	}
	return 0;
}

/* ---- who counts ---- */

static void report(struct callgrind *run, const char *late)
{
	double	 early[KINDS_MOST] = { 0 }, after[KINDS_MOST] = { 0 };
	unsigned dearest = 1, steepest = 1;

	for (unsigned k = 0; k < hostile_n && k < KINDS_MOST; k++) {
		early[k] = callgrind_next(run).all / COUNTED;
		after[k] = callgrind_next(run).all / COUNTED;
		figure_note("%-36s %7.0f instructions, %7.0f after %s: %.2f of text in order",
			    hostile_kinds[k].name, early[k], after[k], late, after[k] / early[0]);
		dearest = k > 0 && after[k] > after[dearest] ? k : dearest;
		steepest = k > 0 && after[k] / early[k] > after[steepest] / early[steepest] ? k : steepest;
	}
	figure(after[dearest] <= MOST_TIMES * early[0],
	       "the dearest, %s, costs %.2f times text in order (asked: %d)", hostile_kinds[dearest].name,
	       after[dearest] / early[0], MOST_TIMES);
	figure(after[steepest] <= FLAT * early[steepest],
	       "the steepest, %s, costs %.2f times as much after %s as after %d (asked: flat, which is %.1f here)",
	       hostile_kinds[steepest].name, after[steepest] / early[steepest], late, EARLY, FLAT);
}

int main(int argc, char **argv)
{
	struct callgrind run;
	char		 late[20];

	if ((argc == 3 || argc == 4) && strcmp(argv[1], "--count") == 0)
		return count((uint32_t)strtoul(argv[2], NULL, 10), argc == 4 ? argv[3] : NULL);
	snprintf(late, sizeof late, "%d", figure_begin(argc, argv) ? LATE_LONG : LATE);
	if (!callgrind_can()) {
		printf("skipped: no valgrind that could count instructions here\n");
		return 77;
	}
	const char *const arguments[] = { "--count", late, NULL };

	callgrind_run(&run, "cost_measured", "cost_done", arguments);
	report(&run, late);
	callgrind_end(&run);
	return figure_end();
}
