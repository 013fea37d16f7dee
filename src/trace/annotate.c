#include "trace/annotate.h"

#include "trace/file_inner.h"
#include "watch/label.h"
#include "watch/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is said ---- */

bool trace_comments_init(struct trace_comments *comments)
{
	*comments = (struct trace_comments){ .index = tmpfile(), .text = tmpfile() };
	if (comments->index && comments->text)
		return true;
	trace_comments_done(comments);
	return false;
}

void trace_comments_done(struct trace_comments *comments)
{
	if (comments->index)
		(void)fclose(comments->index);
	if (comments->text)
		(void)fclose(comments->text);
	comments->index = comments->text = NULL;
}

static void put(struct trace_comments *comments, uint64_t packet, const char *comment)
{
	const off_t    at = ftello(comments->text);
	const uint64_t place = (uint64_t)at + 1;

	comments->n++;
	if (at < 0 || fwrite(comment, strlen(comment) + 1, 1, comments->text) != 1 ||
	    fseeko(comments->index, (off_t)(packet * sizeof place), SEEK_SET) != 0 ||
	    fwrite(&place, sizeof place, 1, comments->index) != 1)
		comments->failed = true;
}

/* "" where there is none. */
static const char *get(struct trace_comments *comments, uint64_t packet, char to[TRACE_COMMENT])
{
	uint64_t place = 0;

	to[0] = 0;
	if (fseeko(comments->index, (off_t)(packet * sizeof place), SEEK_SET) != 0 ||
	    fread(&place, sizeof place, 1, comments->index) != 1 || place == 0)
		return to;
	if (fseeko(comments->text, (off_t)(place - 1), SEEK_SET) != 0)
		return to;
	const size_t n = fread(to, 1, TRACE_COMMENT - 1, comments->text);

	to[n] = 0;
	return to;
}

/* A comment being put together: what was said of the segment, then of what it brought. */
struct saying {
	struct trace_comments *comments;
	struct text	       text;
	char		       words[TRACE_COMMENT];
	uint64_t	       packet; /* 0: none yet */
	bool		       is_worth;
};

static void say(struct saying *saying, const char *words)
{
	text_put(&saying->text, saying->is_worth ? "; " : " ");
	text_put(&saying->text, words);
	saying->is_worth = true;
}

static void finish(struct saying *saying)
{
	if (saying->packet != 0 && saying->is_worth)
		put(saying->comments, saying->packet, saying->words);
	saying->packet = 0;
	saying->is_worth = false;
}

/* What the ladder writes on the arrow beyond the segment's own fields. */
static void say_sent(struct saying *saying, const struct trace_flow *flow, const struct timeline *timeline,
		     size_t i)
{
	const struct timeline_line *const line = &timeline->lines[i];
	struct label_before		  before[TIMELINE_HOSTS] = { { .conn = 0 } };
	struct label			  label;
	char				  words[64];

	finish(saying);
	saying->packet = flow->story->steps[line->event.u.segment.id - 1].segment.packet;
	text_init(&saying->text, saying->words, sizeof saying->words);
	text_format(&saying->text, "tern #%" PRIu32 ", segment %" PRIu32 " of %s:", flow->number, line->n,
		    timeline->name[line->host]);
	if (role_step(line->role) != 0) {
		(void)snprintf(words, sizeof words, "segment %u of the seven", role_step(line->role));
		say(saying, words);
	}
	label_sent(&label, timeline, i, false, before);
	for (unsigned k = 0; k < label.n; k++)
		if (strstr(label.token[k], "retransmission") || strstr(label.token[k], "probe") ||
		    strstr(label.token[k], "keep-alive") || strstr(label.token[k], "duplicate"))
			say(saying, label.token[k]);
	if (line->has_fate && line->fate == TERN_FATE_LOST)
		say(saying, "lost beyond the capture");
}

static void say_state(struct saying *saying, const struct timeline *timeline,
		      const struct timeline_line *line)
{
	const char *const basis = line->event.basis == TERN_BASIS_OBSERVED   ? ""
				  : line->event.basis == TERN_BASIS_INFERRED ? " (inferred)"
									     : " (unseen)";
	char		  words[96];

	(void)snprintf(words, sizeof words, "%s: %s to %s%s", timeline->name[line->host],
		       tern_state_name(line->event.u.state.from), tern_state_name(line->event.u.state.to),
		       basis);
	say(saying, words);
}

void trace_comments_take(struct trace_comments *comments, const struct trace_flow *flow,
			 const struct timeline *timeline)
{
	struct saying saying = { .comments = comments };
	char	      words[LABEL_TEXT];
	long	      change = TIMELINE_NONE; /* told before the segment that it belongs to */

	for (size_t i = 0; i < timeline->n; i++) {
		const struct timeline_line *const line = &timeline->lines[i];

		if (line->kind == TIMELINE_SENT) {
			say_sent(&saying, flow, timeline, i);
			if (change != TIMELINE_NONE)
				say_state(&saying, timeline, &timeline->lines[change]);
			change = TIMELINE_NONE;
		} else if (line->kind == TIMELINE_STATE) {
			const bool before = i + 1 < timeline->n &&
					    timeline->lines[i + 1].host == line->host &&
					    (timeline->lines[i + 1].kind == TIMELINE_SENT ||
					     timeline->lines[i + 1].kind == TIMELINE_RETRANSMIT);

			if (before)
				change = (long)i;
			else if (saying.packet != 0)
				say_state(&saying, timeline, line);
		} else if (line->kind == TIMELINE_NOTE && saying.packet != 0) {
			say(&saying, label_local(words, timeline, i));
		}
	}
	finish(&saying);
}

/* ---- writing ---- */

enum {
	BLOCK_OLD_PACKET = 2,
	BLOCK_SIMPLE_PACKET = 3,
	BLOCK_PACKET = 6,
	OPTION_COMMENT = 1,
	OPTION_RESOLUTION = 9
};

struct copying {
	struct trace_comments	*comments;
	const struct trace_file *file; /* for its byte order */
	FILE			*to;
};

static void put16(const struct copying *copying, uint16_t v)
{
	const uint16_t turned = (uint16_t)(copying->file->swapped ? (v >> 8 | v << 8) & 0xffff : v);

	(void)fwrite(&turned, sizeof turned, 1, copying->to);
}

static void put32(const struct copying *copying, uint32_t v)
{
	const uint32_t turned =
		copying->file->swapped ? v >> 24 | (v >> 8 & 0xff00) | (v << 8 & 0xff0000) | v << 24 : v;

	(void)fwrite(&turned, sizeof turned, 1, copying->to);
}

static void put_padded(const struct copying *copying, const void *bytes, size_t n)
{
	static const char zero[4];

	(void)fwrite(bytes, 1, n, copying->to);
	(void)fwrite(zero, 1, (4 - n % 4) % 4, copying->to);
}

static size_t comment_size(size_t n)
{
	return 4 + (n + 3) / 4 * 4;
}

static void put_comment(const struct copying *copying, const char *comment, size_t n)
{
	put16(copying, OPTION_COMMENT);
	put16(copying, (uint16_t)n);
	put_padded(copying, comment, n);
}

/* A block of a pcapng file, as it stands there; packet 0: it holds none. */
static void copy_block(void *context, const uint8_t *block, size_t n, uint64_t packet)
{
	const struct copying *const copying = context;
	const uint32_t		    type = file_u32(copying->file, block);
	char			    comment[TRACE_COMMENT] = "";
	size_t			    options = n - 4; /* where they begin */

	if (packet != 0)
		(void)get(copying->comments, packet, comment);
	if (comment[0] && type == BLOCK_SIMPLE_PACKET)
		copying->comments->unwritten++;
	if (!comment[0] || (type != BLOCK_PACKET && type != BLOCK_OLD_PACKET)) {
		(void)fwrite(block, 1, n, copying->to);
		return;
	}
	const size_t captured = file_u32(copying->file, block + 20), length = strlen(comment);
	const bool   has_options = 28 + (captured + 3) / 4 * 4 < n - 4;

	if (has_options)
		options = 28 + (captured + 3) / 4 * 4;
	const uint32_t whole = (uint32_t)(n + comment_size(length) + (has_options ? 0 : 4));

	put32(copying, type);
	put32(copying, whole);
	(void)fwrite(block + 8, 1, options - 8, copying->to);
	put_comment(copying, comment, length);
	if (has_options)
		(void)fwrite(block + options, 1, n - 4 - options, copying->to);
	else
		put32(copying, 0); /* opt_endofopt */
	put32(copying, whole);
}

static void begin_ng(const struct copying *copying)
{
	const struct trace_file *const file = copying->file;
	const uint8_t		       resolution = file->nanoseconds ? 9 : 6;

	put32(copying, 0x0a0d0d0a);
	put32(copying, 28);
	put32(copying, 0x1a2b3c4d);
	put16(copying, 1);
	put16(copying, 0);
	put32(copying, UINT32_MAX);
	put32(copying, UINT32_MAX);
	put32(copying, 28);

	put32(copying, 1);
	put32(copying, 32);
	put16(copying, file->link);
	put16(copying, 0);
	put32(copying, file->snaplen);
	put16(copying, OPTION_RESOLUTION);
	put16(copying, 1);
	put_padded(copying, &resolution, 1);
	put32(copying, 0);
	put32(copying, 32);
}

static void put_packet(const struct copying *copying, const struct trace_packet *packet)
{
	const uint64_t ticks = (uint64_t)packet->at / (copying->file->nanoseconds ? 1 : 1000);
	char	       comment[TRACE_COMMENT];
	const size_t   length = strlen(get(copying->comments, packet->number, comment));
	const uint32_t whole =
		(uint32_t)(32 + ((size_t)packet->n + 3) / 4 * 4 + (length ? comment_size(length) + 4 : 0));

	put32(copying, BLOCK_PACKET);
	put32(copying, whole);
	put32(copying, 0);
	put32(copying, (uint32_t)(ticks >> 32));
	put32(copying, (uint32_t)ticks);
	put32(copying, packet->n);
	put32(copying, packet->len);
	put_padded(copying, packet->bytes, packet->n);
	if (length) {
		put_comment(copying, comment, length);
		put32(copying, 0);
	}
	put32(copying, whole);
}

/* ---- the door ---- */

static bool wrong(char why[TRACE_WHY], const char *text)
{
	(void)snprintf(why, TRACE_WHY, "%s", text);
	return false;
}

bool trace_annotate(struct trace_comments *comments, const char *from, const char *to, char why[TRACE_WHY])
{
	struct trace_file   file;
	struct trace_packet packet;
	struct copying	    copying = { .comments = comments, .file = &file };
	enum trace_read	    read;

	if (comments->failed)
		return wrong(why, "no room for what is to be said (in TMPDIR)");
	if (!trace_file_open(&file, from))
		return wrong(why, file.why);
	copying.to = fopen(to, "wbe");
	if (!copying.to) {
		trace_file_close(&file);
		return wrong(why, strerror(errno));
	}
	(void)fflush(comments->index);
	(void)fflush(comments->text);
	if (file.is_ng) {
		file.block = copy_block;
		file.block_context = &copying;
	} else {
		begin_ng(&copying);
	}
	do {
		read = trace_file_next(&file, &packet);
		if (read == TRACE_PACKET && !file.is_ng)
			put_packet(&copying, &packet);
	} while (read == TRACE_PACKET || read == TRACE_GAP);
	const bool failed = ferror(copying.to) != 0;

	trace_file_close(&file);
	if (fclose(copying.to) != 0 || failed)
		return wrong(why, errno ? strerror(errno) : "it could not be written");
	return read == TRACE_END || wrong(why, file.why);
}
