/* A script from its file to its end. */
#include "script/stage.h"

#include <tern/settings.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 16 << 20, OK = 0, NOT_AS_EXPECTED = 1, UNREADABLE = 2 };

static char *read_file(const char *file, char error[SCRIPT_ERROR])
{
	FILE *const from = strcmp(file, "-") == 0 ? stdin : fopen(file, "r");
	size_t	    n = 0, room = 65536;
	char	   *text = malloc(room);

	if (!from || !text) {
		snprintf(error, SCRIPT_ERROR, "%s: %s", file, strerror(errno));
		if (from && from != stdin)
			fclose(from);
		free(text);
		return NULL;
	}
	for (;;) {
		n += fread(text + n, 1, room - n - 1, from);
		if (n + 1 < room)
			break;
		char *const more = room < MOST ? realloc(text, 2 * room) : NULL;

		if (!more)
			break;
		text = more;
		room *= 2;
	}
	const bool good = !ferror(from) && n + 1 < room && !memchr(text, '\0', n);

	if (from != stdin)
		fclose(from);
	text[n] = '\0';
	if (good)
		return text;
	snprintf(error, SCRIPT_ERROR, "%s: not a script", file);
	free(text);
	return NULL;
}

/* ---- settings before the first event ---- */

static void set_defaults(struct stage *stage, const struct script_options *options)
{
	tern_config_default(&stage->config);
	stage->config.allocator = *tern_allocator_default();
	stage->config.secret[0] = 1;
	/* What a window may grow to decides the scale that our SYN offers: 8, whatever the default becomes. */
	stage->config.receive_buffer_max = 8 << 20;
	stage->mtu = options->v6 ? 1520 : 1500; /* an MSS of 1460 either way, so that a script serves both */
	stage->tolerance = 4 * TERN_MILLISECOND;
	stage->strict_segments = options->strict_segments;
	stage->quiet = options->quiet;
	stage->v6 = options->v6;
	stage->so_filename = options->so_filename;
	(void)stage_note_setting(stage, "net.ipv4.tcp_rmem", "4096 262144 8388608");
	(void)tern_addr_parse(&stage->local, stage->v6 ? "fd3d:fa7b:d17d::1" : "192.168.0.1");
	(void)tern_addr_parse(&stage->remote, stage->v6 ? "fd3d:fa7b:d17d:0:8::1" : "192.0.2.1");
}

static bool set_profile(struct stage *stage, const char *profile)
{
	char error[TERN_SETTING_ERROR];

	stage->has_profile = profile != NULL;
	return !profile || (tern_profile_set(&stage->config, profile, error) == 0 &&
			    stage_note_setting(stage, "profile", profile)) ||
	       stage_fail(stage, 1, "%s", error);
}

static bool take_settings(struct stage *stage, const struct script *script)
{
	char error[TERN_SETTING_ERROR];
	bool known;

	for (const struct script_setting *one = script->settings; one; one = one->next)
		if (!settings_option(stage, one->name, one->value, one->line, &known))
			return false;
	if (script->before)
		settings_command(stage, script->before, 1);
	/* What stands in backticks before the first packet or call is set-up as well: the host is not made yet. */
	for (const struct script_event *event = script->events; event && event->kind == EVENT_COMMAND;
	     event = event->next)
		settings_command(stage, event->u.text, event->line);
	return tern_settings_check(&stage->config, error) == 0 || stage_fail(stage, 1, "%s", error);
}

/* ---- events ---- */

/* When it is to happen, absolute; what follows may count from there. */
static void resolve(struct stage *stage, struct script_event *event)
{
	if (event->when == TIME_RELATIVE || event->when == TIME_RELATIVE_RANGE) {
		event->at += stage->before;
		event->until += stage->before;
		if (event->kind == EVENT_CALL && event->u.call.blocks)
			event->u.call.end += stage->before;
	}
}

static bool play_event(struct stage *stage, struct script_event *event)
{
	const bool outbound = event->kind == EVENT_PACKET && !event->u.packet.inbound;
	bool	   good;

	resolve(stage, event);
	if (event->when != TIME_ANY && event->at > SCRIPT_SECONDS * TERN_SECOND)
		return stage_fail(stage, event->line, "the script lasts longer than %d s", SCRIPT_SECONDS);
	if (event->when != TIME_ANY && event->at < stage->before - stage->tolerance)
		return stage_fail(stage, event->line, "time goes back: %.6f after %.6f",
				  (double)event->at / 1e9, (double)stage->before / 1e9);
	if (!outbound && !stage_run(stage, event->at))
		return false;
	switch (event->kind) {
	case EVENT_PACKET: good = outbound ? packet_expect(stage, event) : packet_inject(stage, event); break;
	case EVENT_CALL: good = call_begin(stage, event); break;
	case EVENT_CODE: good = code_run(stage, event); break;
	default:
		if (event != stage->script->events)
			settings_command(stage, event->u.text, event->line);
		good = true; /* the host is made: it has what stood before its first call */
	}
	/* Where the script leaves the time open, what follows counts from when it really was. */
	stage->before = event->when == TIME_ABSOLUTE || event->when == TIME_RELATIVE ? event->at : stage->now;
	return good && stage->error[0] == '\0';
}

/* Calls that still wait are given their time. */
static bool play_end(struct stage *stage)
{
	const struct script_event *event = call_that_waits(stage);

	if (!event)
		return true;
	if (!stage_run(stage, (event->u.call.end > stage->now ? event->u.call.end : stage->now) + stage->tolerance))
		return false;
	event = call_that_waits(stage);
	return !event || stage_fail(stage, event->line, "%s call has not returned by %.6f", event->u.call.name,
				    (double)event->u.call.end / 1e9);
}

static bool play(struct stage *stage, const struct script *script)
{
	if (!stage_open(stage, script))
		return false;
	for (struct script_event *event = script->events; event; event = event->next)
		if (!play_event(stage, event))
			return false;
	return play_end(stage);
}

int script_run_file(const char *file, const struct script_options *options, char error[SCRIPT_ERROR])
{
	static struct stage stage;
	struct script	    script;
	char *const	    text = read_file(file, error);
	bool		    good;

	if (!text || !script_parse(&script, file, text, error))
		return UNREADABLE;
	stage = (struct stage){ .script = &script };
	set_defaults(&stage, options);
	good = set_profile(&stage, options->profile) && take_settings(&stage, &script) &&
	       play(&stage, &script);
	stage_close(&stage);
	good = good && stage.error[0] == '\0';
	snprintf(error, SCRIPT_ERROR, "%s", stage.error);
	script_free(&script);
	return good ? OK : NOT_AS_EXPECTED;
}
