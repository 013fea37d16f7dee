/* The drawing: letter by letter for one connection, and what must hold for any. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/siphash.h"
#include "support/hand.h"
#include "watch/ladder.h"
#include "watch/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENT, SERVER };

static char *draw(const struct timeline *timeline, const struct ladder_options *options)
{
	char  *text = NULL;
	size_t n = 0;
	FILE  *to = open_memstream(&text, &n);

	assert_non_null(to);
	assert_int_equal(ladder_write(to, timeline, options), 0);
	fclose(to);
	return text;
}

static void check(const struct hand *hand, const struct ladder_options *options, const char *expected)
{
	char *text = draw(&hand->timeline, options);

	if (strcmp(text, expected) != 0) {
		fprintf(stderr, "drawn:\n%s\nexpected:\n%s", text, expected);
		fail();
	}
	free(text);
}

static void whole_connection(struct hand *hand)
{
	hand_begin(hand);
	hand_open(hand);
	hand_talk(hand);
	hand_close(hand);
}

static void a_connection_in_80_columns(void **state)
{
	struct hand hand;

	(void)state;
	whole_connection(&hand);
	check(&hand, &(struct ladder_options){ .columns = 80 },
	      "                  client                                       server\n"
	      "seconds       10.0.0.1:40000                                 10.0.0.2:80\n"
	      "              CLOSED ┃                                            ┃ LISTEN\n"
	      "  0.000              ● connect()                                  ┃\n"
	      "            SYN-SENT ┠─1─ SYN seq 0 win 65535 mss 1460 ────╮      ┃\n"
	      "  0.010              ┃     wscale 7 sack-ok ts             ╰─────►┨ SYN-RECEIVED\n"
	      "                     ┃      ╭─── SYN+ACK seq 0 ack 1 win 65535 ─2─┨\n"
	      "  0.020  ESTABLISHED ┠◄─────╯    mss 1460 wscale 7 sack-ok ts     ┃\n"
	      "                     ┠─3─ ACK seq 1 ack 1 win 65535 ───────╮      ┃\n"
	      "  0.030              ┃                                     ╰─────►┨ ESTABLISHED\n"
	      "                     ● send 300                                   ┃\n"
	      "                     ┠─4─ PSH+ACK seq 1 ack 1 len 300 ─────╮      ┃\n"
	      "  0.040              ┃     win 65535                       ╰─────►┨\n"
	      "                     ┃                                  send 1000 ●\n"
	      "                     ┃      ╭── PSH+ACK seq 1 ack 301 len 1000 ─5─┨\n"
	      "  0.050              ┠◄─────╯                       win 65535     ┃\n"
	      "                     ┠─6─ ACK seq 301 ack 1001 win 65535 ──╮      ┃\n"
	      "  0.060              ┃                                     ╰─────►┨\n"
	      "                     ● close()                                    ┃\n"
	      "          FIN-WAIT-1 ┠─7─ FIN+ACK seq 301 ack 1001 ────────╮      ┃\n"
	      "  0.070              ┃     win 65535                       ╰─────►┨ CLOSE-WAIT\n"
	      "                     ┃      ╭── ACK seq 1001 ack 302 win 65535 ─8─┨\n"
	      "  0.080   FIN-WAIT-2 ┠◄─────╯                                     ┃\n"
	      "  0.130              ┃                                    close() ●\n"
	      "                     ┃      ╭──────── FIN+ACK seq 1001 ack 302 ─9─┨ LAST-ACK\n"
	      "  0.140    TIME-WAIT ┠◄─────╯                       win 65535     ┃\n"
	      "                     ● 2MSL timer set: 60 s                       ┃\n"
	      "                     ┠─10─ ACK seq 302 ack 1002 win 65535 ─╮      ┃\n"
	      "  0.150              ┃                                     ╰─────►┨ CLOSED\n"
	      " 60.140       CLOSED ● 2MSL timer ends                            ┃\n");
	hand_end(&hand);
}

static void a_connection_in_ascii_and_72_columns(void **state)
{
	struct hand hand;

	(void)state;
	whole_connection(&hand);
	check(&hand, &(struct ladder_options){ .columns = 1, .ascii = true },
	      "                  client                               server\n"
	      "seconds       10.0.0.1:40000                         10.0.0.2:80\n"
	      "              CLOSED |                                    | LISTEN\n"
	      "  0.000              * connect()                          |\n"
	      "            SYN-SENT +-1- SYN seq 0 win 65535 -----.      |\n"
	      "                     |     mss 1460 wscale 7       :      |\n"
	      "  0.010              |     sack-ok ts              '----->+ SYN-RECEIVED\n"
	      "                     |      .----- SYN+ACK seq 0 ack 1 -2-+\n"
	      "                     |      :      win 65535 mss 1460     |\n"
	      "  0.020  ESTABLISHED +<-----'     wscale 7 sack-ok ts     |\n"
	      "                     +-3- ACK seq 1 ack 1 ---------.      |\n"
	      "  0.030              |     win 65535               '----->+ ESTABLISHED\n"
	      "                     * send 300                           |\n"
	      "                     +-4- PSH+ACK seq 1 ack 1 -----.      |\n"
	      "  0.040              |     len 300 win 65535       '----->+\n"
	      "                     |                          send 1000 *\n"
	      "                     |      .--- PSH+ACK seq 1 ack 301 -5-+\n"
	      "  0.050              +<-----'      len 1000 win 65535     |\n"
	      "                     +-6- ACK seq 301 ack 1001 ----.      |\n"
	      "  0.060              |     win 65535               '----->+\n"
	      "                     * close()                            |\n"
	      "          FIN-WAIT-1 +-7- FIN+ACK seq 301 ---------.      |\n"
	      "  0.070              |     ack 1001 win 65535      '----->+ CLOSE-WAIT\n"
	      "                     |      .---- ACK seq 1001 ack 302 -8-+\n"
	      "  0.080   FIN-WAIT-2 +<-----'               win 65535     |\n"
	      "  0.130              |                            close() *\n"
	      "                     |      .-------- FIN+ACK seq 1001 -9-+ LAST-ACK\n"
	      "  0.140    TIME-WAIT +<-----'       ack 302 win 65535     |\n"
	      "                     * 2MSL timer set: 60 s               |\n"
	      "                     +-10- ACK seq 302 ack 1002 ---.      |\n"
	      "  0.150              |     win 65535               '----->+ CLOSED\n"
	      " 60.140       CLOSED * 2MSL timer ends                    |\n");
	hand_end(&hand);
}

static void overtaking_crosses(void **state)
{
	static const uint32_t order[] = { 0, 2, 1, 3 };
	struct hand hand;
	size_t	    sent[4];

	(void)state;
	hand_begin(&hand);
	hand_open(&hand);
	for (uint32_t i = 0; i < 4; i++)
		sent[i] = hand_send(&hand, CLIENT, TERN_ACK, 1 + 100 * i, 1, 100);
	hand.now += hand.delay;
	for (size_t i = 0; i < 4; i++)
		hand_arrive(&hand, sent[order[i]], i == 1 ? TERN_VERDICT_OUT_OF_ORDER : TERN_VERDICT_ACCEPTED);
	char *text = draw(&hand.timeline, &(struct ladder_options){ .columns = 80 });

	if (!strstr(text, "out of order: held ┊╰┼──6───►┨") || !strstr(text, "late ┊ ╰──5───►┨")) {
		fputs(text, stderr);
		fail();
	}
	free(text);
	hand_end(&hand);
}

static void loss_retransmission_and_copy_have_words(void **state)
{
	static const char *const words[] = {
		"─✗ lost", "● retransmission timer fires", "retransmission of 4", "the link doubles it",
		"copy, duplicate",
	};
	struct hand		hand;
	struct tern_watch_event event;
	size_t			sent;

	(void)state;
	hand_begin(&hand);
	hand_open(&hand);
	event = hand_event(&hand, CLIENT, TERN_WATCH_SEGMENT_TX);
	event.u.segment = (struct tern_watch_segment){
		.id = ++hand.packets[CLIENT], .seq = hand.iss[CLIENT] + 1, .ack = hand.iss[SERVER] + 1, .len = 500,
		.flags = TERN_PSH | TERN_ACK, .wnd = 65535,
	};
	hand_send_as(&hand, CLIENT, &event, TERN_FATE_LOST);
	hand.now += TERN_SECOND;
	hand_timer(&hand, CLIENT, TERN_TIMER_RETRANSMIT, TERN_TIMER_FIRED, 0);
	event.now = hand.now;
	event.u.segment.id = ++hand.packets[CLIENT];
	event.u.segment.retransmitted = true;
	sent = hand_send_as(&hand, CLIENT, &event, TERN_FATE_DUPLICATED);
	hand.now += hand.delay;
	hand_arrive(&hand, sent, TERN_VERDICT_ACCEPTED);
	hand_arrive(&hand, sent, TERN_VERDICT_DUPLICATE);
	char *text = draw(&hand.timeline, &(struct ladder_options){ .columns = 80 });

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strstr(text, words[i]))
			fail_msg("\"%s\" is missing from:\n%s", words[i], text);
	free(text);
	hand_end(&hand);
}

static void bulk_is_folded_unless_all_is_wanted(void **state)
{
	struct hand hand;
	char	   *text;

	(void)state;
	hand_begin(&hand);
	hand_open(&hand);
	for (uint32_t i = 0; i < 40; i++) {
		hand_pass(&hand, CLIENT, TERN_ACK, 1 + 1460 * i, 1, 1460, TERN_VERDICT_ACCEPTED);
		hand_pass(&hand, SERVER, TERN_ACK, 1, 1461 + 1460 * i, 0, TERN_VERDICT_ACCEPTED);
	}
	text = draw(&hand.timeline, &(struct ladder_options){ .columns = 80 });
	assert_non_null(strstr(text, "⋮         … 70 more segments (10-79)         ⋮"));
	assert_null(strstr(text, "─10─"));
	assert_non_null(strstr(text, "─83─"));
	free(text);
	text = draw(&hand.timeline, &(struct ladder_options){ .columns = 80, .all = true });
	assert_null(strstr(text, "more segments"));
	assert_non_null(strstr(text, "─10─"));
	free(text);
	hand_end(&hand);
}

static void without_colour(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from == '\x1b')
			from += strcspn(from, "m");
		else
			*to++ = *from;
	}
	*to = 0;
}

static void colour_adds_nothing_but_colour(void **state)
{
	struct hand hand;
	char	   *plain, *coloured;

	(void)state;
	whole_connection(&hand);
	plain = draw(&hand.timeline, &(struct ladder_options){ .columns = 90 });
	coloured = draw(&hand.timeline, &(struct ladder_options){ .columns = 90, .colour = true });
	assert_null(strchr(plain, '\x1b'));
	assert_non_null(strchr(coloured, '\x1b'));
	without_colour(coloured);
	assert_string_equal(plain, coloured);
	free(plain);
	free(coloured);
	hand_end(&hand);
}

/* ---- any run ---- */

static uint32_t below(uint64_t *seed, uint32_t n)
{
	return (uint32_t)(splitmix64(seed) % n);
}

/* Nonsense that no TCP would do, as long as a watcher could tell it. */
static void nonsense(struct hand *hand, uint64_t *seed, unsigned steps)
{
	size_t sent[64];
	size_t n = 0;

	for (unsigned i = 0; i < steps; i++) {
		const unsigned host = below(seed, 2);

		hand->now += below(seed, 3) ? 0 : below(seed, 2000000000);
		switch (below(seed, 8)) {
		case 0:
		case 1:
		case 2:
			sent[n++ % 64] = hand_send(hand, host, below(seed, 512), below(seed, 100000),
						   below(seed, 100000), below(seed, 2) * below(seed, 70000));
			break;
		case 3:
		case 4:
		case 5:
			if (n > 0)
				hand_arrive(hand, sent[below(seed, n < 64 ? (uint32_t)n : 64)],
					    (enum tern_verdict)below(seed, TERN_VERDICTS));
			break;
		case 6:
			hand_state(hand, host, (enum tern_state)below(seed, TERN_STATES),
				   (enum tern_state)below(seed, TERN_STATES), (enum tern_why)below(seed, TERN_WHYS));
			break;
		default:
			hand_timer(hand, host, (enum tern_timer)below(seed, TERN_TIMERS),
				   (enum tern_timer_action)below(seed, 3), hand->now + below(seed, 1000000000));
			break;
		}
		if (below(seed, 100) == 0)
			hand->port[CLIENT]++;
	}
}

static void check_rows(const char *text, const struct ladder_options *options, uint64_t seed)
{
	for (const char *end; *text; text = end + 1) {
		char row[2048];

		end = strchr(text, '\n');
		assert_non_null(end);
		assert_true((size_t)(end - text) < sizeof row);
		memcpy(row, text, (size_t)(end - text));
		row[end - text] = 0;
		if (text_columns(row) > options->columns)
			fail_msg("seed %llu: wider than %u: %s", (unsigned long long)seed, options->columns, row);
		for (const char *p = row; options->ascii && *p; p++)
			if (*p < 0x20 || *p > 0x7e)
				fail_msg("seed %llu: not ASCII: %s", (unsigned long long)seed, row);
		if (row[0] && row[strlen(row) - 1] == ' ')
			fail_msg("seed %llu: blank at the end: %s", (unsigned long long)seed, row);
	}
}

static void any_run_keeps_to_its_columns(void **state)
{
	(void)state;
	for (uint64_t run = 0; run < 300; run++) {
		uint64_t    seed = run;
		struct hand hand;

		hand_begin(&hand);
		nonsense(&hand, &seed, 1 + below(&seed, 300));
		const struct ladder_options options = {
			.columns = LADDER_COLUMNS_MIN + below(&seed, LADDER_COLUMNS_MAX - LADDER_COLUMNS_MIN + 1),
			.ascii = below(&seed, 2),
			.all = below(&seed, 2),
		};
		char *text = draw(&hand.timeline, &options);

		check_rows(text, &options, run);
		free(text);
		hand_end(&hand);
	}
}

static void nothing_is_drawn_of_nothing(void **state)
{
	struct hand hand;
	char	   *text;

	(void)state;
	hand_begin(&hand);
	text = draw(&hand.timeline, &(struct ladder_options){ .columns = 0 });
	assert_non_null(strstr(text, "client"));
	free(text);
	hand_end(&hand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_in_80_columns),
		cmocka_unit_test(a_connection_in_ascii_and_72_columns),
		cmocka_unit_test(overtaking_crosses),
		cmocka_unit_test(loss_retransmission_and_copy_have_words),
		cmocka_unit_test(bulk_is_folded_unless_all_is_wanted),
		cmocka_unit_test(colour_adds_nothing_but_colour),
		cmocka_unit_test(any_run_keeps_to_its_columns),
		cmocka_unit_test(nothing_is_drawn_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
