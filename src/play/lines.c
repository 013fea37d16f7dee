/* What a playground tells: the timeline's lines, with what was done to segments on their way between them. */
#include "play/play.h"

#include "watch/jsonl.h"
#include "watch/text.h"

#include <inttypes.h>

enum { HEX = 2 * PATH_HEADERS };

static size_t touch_line(char to[JSONL_LINE], const struct play *play, const struct play_touch *touch)
{
	const char *const fate = touch->verb == PLAY_DROP ? "dropped" : touch->verb == PLAY_HOLD ? "held" : "released";
	struct text out;

	text_init(&out, to, JSONL_LINE);
	text_format(&out, "{\"v\":1,\"t\":%" PRId64 ",\"host\":\"%s\",\"conn\":%" PRIu32 ",\"ev\":\"fate\"", touch->now,
		    play->timeline.name[touch->host], touch->conn);
	text_format(&out, ",\"n\":%" PRIu32 ",\"fate\":\"%s\"", touch->n, fate);
	if (touch->arrives == TERN_NEVER)
		text_put(&out, ",\"arrives\":null}\n");
	else
		text_format(&out, ",\"arrives\":%" PRId64 "}\n", touch->arrives);
	return out.n;
}

/* Before its closing brace: the headers as on the wire. */
static size_t with_headers(char *to, size_t n, const struct play *play, const struct timeline_line *line)
{
	static const char digits[] = "0123456789abcdef";
	const struct play_side *const at = &play->side[line->host];
	struct text out;
	char hex[HEX + 1];

	if (line->kind != TIMELINE_SENT || line->nth == 0 || line->nth > at->n_headers)
		return n;
	const struct play_headers *const headers = &at->headers[line->nth - 1];
	for (size_t i = 0; i < headers->n; i++) {
		hex[2 * i] = digits[headers->bytes[i] >> 4];
		hex[2 * i + 1] = digits[headers->bytes[i] & 15];
	}
	hex[2 * headers->n] = 0;
	text_init(&out, to + n - 2, JSONL_LINE - n + 2);
	text_format(&out, ",\"hdr\":\"%s\"}\n", hex);
	return n - 2 + out.n;
}

size_t play_lines(struct play *play, char *to, size_t size)
{
	const struct timeline *const timeline = &play->timeline;
	size_t n = 0;

	for (; size - n >= JSONL_LINE; play->told_lines++) {
		for (; play->told_touches < play->n_touches && size - n >= JSONL_LINE; play->told_touches++) {
			const struct play_touch *const touch = &play->touches[play->told_touches];
			if (touch->line > play->told_lines)
				break;
			n += touch_line(to + n, play, touch);
		}
		if (play->told_lines == timeline->n || size - n < JSONL_LINE)
			break;
		n += with_headers(to + n, jsonl_line(to + n, timeline, play->told_lines), play,
				  &timeline->lines[play->told_lines]);
	}
	return n;
}

static void put_time(struct text *out, const char *name, tern_time t)
{
	if (t == TERN_NEVER)
		text_format(out, ",\"%s\":null", name);
	else
		text_format(out, ",\"%s\":%" PRId64, name, t);
}

static const char *controller_of(const struct play_program *program, const struct tern_status *status)
{
	if (status->congestion_control)
		return status->congestion_control;
	return program->controller ? program->controller : play_controllers[0];
}

static void put_number(struct text *out, const char *name, uint64_t n)
{
	text_format(out, ",\"%s\":%" PRIu64, name, n);
}

static void put_truth(struct text *out, const char *name, bool is)
{
	text_format(out, ",\"%s\":%s", name, is ? "true" : "false");
}

static void put_path(struct text *out, const struct path_settings *set)
{
	text_format(out, ",\"path\":{\"delay\":%" PRId64, set->delay);
	put_time(out, "jitter", set->jitter);
	put_number(out, "loss", set->loss);
	put_number(out, "duplicate", set->duplicate);
	put_number(out, "corrupt", set->corrupt);
	put_number(out, "reorder", set->reorder);
	put_number(out, "rate", set->rate);
	put_number(out, "limit", set->limit ? set->limit : PATH_LIMIT);
	text_put(out, "}");
}

static void put_side(struct text *out, const struct play *play, unsigned side)
{
	const struct play_program *const program = &play->side[side].program;
	struct tern_status status;
	const enum tern_state state = play_state(play, side, &status);

	text_format(out, "{\"state\":\"%s\",\"cc\":\"%s\"", tern_state_name(state), controller_of(program, &status));
	put_truth(out, "listens", program->listens);
	put_truth(out, "connected", program->has_socket);
	put_truth(out, "reads", program->reads);
	put_truth(out, "ending", program->ends != PLAY_NOTHING || status.fin_queued || status.fin_sent);
	put_truth(out, "garbled", program->garbled);
	put_truth(out, "nodelay", program->nodelay);
	put_number(out, "left", program->left);
	put_number(out, "sent", program->sent);
	put_number(out, "received", program->received);
	put_number(out, "unread", status.unread);
	put_number(out, "unsent", status.unsent);
	put_number(out, "unacked", status.unacked);
	put_number(out, "cwnd", status.cwnd);
	put_number(out, "ssthresh", status.ssthresh);
	put_number(out, "in_flight", status.in_flight);
	put_time(out, "srtt", status.srtt);
	put_time(out, "rto", status.rto);
	put_path(out, &play->side[side].path.set);
	text_put(out, "}");
}

size_t play_status(const struct play *play, char *to, size_t size)
{
	static const char *const checks[] = { "unknown", "identical", "different" };
	const struct play_share *const share = &play->share;
	struct text out;

	text_init(&out, to, size);
	text_format(&out, "{\"now\":%" PRId64 ",\"check\":\"%s\"", play->now, checks[play->check]);
	put_time(&out, "next", play_next(play));
	put_time(&out, "to", share->has_to && !play->branched ? share->to : TERN_NEVER);
	put_number(&out, "packets", play->packets);
	put_number(&out, "lines", play->timeline.n);
	put_number(&out, "actions", play->done);
	put_number(&out, "coming", share->n - play->done);
	put_number(&out, "seed", share->seed);
	put_number(&out, "ip", share->ip);
	put_number(&out, "mtu", share->mtu);
	put_number(&out, "sack", share->sack);
	put_number(&out, "ts", share->ts);
	put_number(&out, "ecn", share->ecn);
	put_number(&out, "buffer", share->buffer);
	put_number(&out, "msl", share->msl);
	text_format(&out, ",\"problem\":%s%s%s", play->problem ? "\"" : "", play->problem ? play->problem : "null",
		    play->problem ? "\"" : "");
	text_put(&out, ",\"ends\":[");
	put_side(&out, play, 0);
	text_put(&out, ",");
	put_side(&out, play, 1);
	text_put(&out, "]}");
	return out.n;
}
