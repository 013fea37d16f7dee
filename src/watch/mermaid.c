#include "watch/picture.h"

#include <string.h>

/* A ';' ends a statement there and a '#' begins a reference; angle brackets would be markup. */
static void put_text(FILE *to, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '#': fputs("#35;", to); break;
		case ';': fputs("#59;", to); break;
		case '<': fputs("#lt;", to); break;
		case '>': fputs("#gt;", to); break;
		case '\n':
		case '\r': fputc(' ', to); break;
		default: fputc(*text, to);
		}
	}
}

static void put_note(FILE *to, const char *where, const char *text)
{
	fprintf(to, "    Note %s: ", where);
	put_text(to, text);
	fputc('\n', to);
}

static const char *beside(unsigned host)
{
	return host == 0 ? "left of A" : "right of B";
}

static void put_sent(FILE *to, struct picture *picture, const struct plan_item *item)
{
	const char *const lost = label_lost(picture->timeline, item->line);
	const bool	  gone = lost && strcmp(lost, label_in_flight) != 0;
	char		  words[PICTURE_WORDS];

	picture_sent(picture, words, item);
	fprintf(to, "    %s: %.3f s, ", item->host == 0 ? (gone ? "A-xB" : "A->>B") : (gone ? "B-xA" : "B->>A"),
		(double)(item->t - picture->start) / 1e9);
	put_text(to, words);
	if (lost) {
		fputs(", ", to);
		put_text(to, lost);
	}
	fputc('\n', to);
}

static void put_item(FILE *to, struct picture *picture, const struct plan_item *item)
{
	char words[PICTURE_WORDS] = "";

	switch (item->kind) {
	case PLAN_SENT: put_sent(to, picture, item); break;
	case PLAN_ARRIVED: label_arrived(words, &picture->timeline->lines[item->line]); break;
	case PLAN_LOCAL: label_local(words, picture->timeline, item->line); break;
	case PLAN_FOLD:
		picture_fold(words, item);
		put_note(to, "over A,B", words);
		words[0] = 0;
		break;
	default: break;
	}
	if (words[0])
		put_note(to, item->host == 0 ? "right of A" : "left of B", words);
	if (!item->has_state)
		return;
	picture_state(picture, words, item);
	put_note(to, beside(item->host), words);
}

static void put_head(FILE *to, const struct picture *picture)
{
	enum tern_state state;
	char		end[56];

	fputs("sequenceDiagram\n    accTitle: ", to);
	put_text(to, picture->options->title);
	fputc('\n', to);
	for (unsigned host = 0; host < TIMELINE_HOSTS; host++) {
		picture_endpoint(picture->timeline, host, end);
		fprintf(to, "    participant %c as ", host == 0 ? 'A' : 'B');
		put_text(to, picture->timeline->name[host]);
		fputc(' ', to);
		put_text(to, end);
		fputc('\n', to);
	}
	for (unsigned host = 0; host < TIMELINE_HOSTS; host++)
		if (picture_first_state(picture->timeline, host, &state))
			put_note(to, beside(host), tern_state_name(state));
}

int mermaid_write(FILE *to, const struct timeline *timeline, const struct ladder_svg_options *options)
{
	struct picture picture;
	char	       words[PICTURE_WORDS], span[24];

	if (!picture_begin(&picture, timeline, options))
		return -TERN_ENOMEM;
	put_head(to, &picture);
	for (size_t i = 0; i < picture.plan.n; i++) {
		const tern_time silence = picture_silence(&picture, i);

		if (picture.cut_to > 0 && i == picture.cut_from) {
			picture_cut(&picture, words);
			put_note(to, "over A,B", words);
			i = picture.cut_to;
		} else if (silence > 0) {
			(void)snprintf(words, sizeof words, "… %s in which nothing is seen", label_span(span, silence));
			put_note(to, "over A,B", words);
		}
		put_item(to, &picture, &picture.plan.items[i]);
	}
	picture_done(&picture);
	return 0;
}
