/* Settings: the options at a script's head, and sysctl in backticks, whose names the library's table knows
 * (tern/settings.h).
 */
#include "script/stage.h"

#include <tern/settings.h>

#include <stdlib.h>
#include <string.h>

enum { WORD = 256, MTU_LEAST = 68, MTU_MOST = 65535 };

/* ---- commands ---- */

/* One word that may be name=value or name="a b c". Where the next begins. */
static const char *one_sysctl(struct stage *stage, const char *at, unsigned line)
{
	char   word[WORD], error[TERN_SETTING_ERROR], *equals;
	size_t n = 0;
	char   quote = '\0';

	for (; *at && (quote || !strchr(" \t\n;", *at)); at++) {
		if (quote ? *at == quote : *at == '"' || *at == '\'')
			quote = quote ? '\0' : *at;
		else if (n + 1 < sizeof word)
			word[n++] = *at;
	}
	word[n] = '\0';
	equals = strchr(word, '=');
	if (!equals)
		return at;
	*equals = '\0';
	if (tern_setting_set(&stage->config, word, equals + 1, error) == 0)
		(void)(stage_note_setting(stage, word, equals + 1) || stage_fail(stage, line, "too many settings"));
	else
		stage_warn(stage, line, "sysctl: %s: left as it is", error);
	return at;
}

void settings_command(struct stage *stage, const char *command, unsigned line)
{
	const char *at = command;

	while (*at) {
		at += strspn(at, " \t\n;");
		if (strncmp(at, "sysctl", 6) == 0) {
			for (at += 6; *at && *at != '\n' && *at != ';'; at += strspn(at, " \t"))
				at = *at == ' ' || *at == '\t' ? at + strspn(at, " \t")
							       : one_sysctl(stage, at, line);
		} else if (*at) {
			const size_t n = strcspn(at, "\n;");

			stage_warn(stage, line, "command '%.*s' is passed over", (int)n, at);
			at += n;
		}
	}
}

/* ---- options at the head ---- */

/* A whole number within bounds, and nothing else. */
static bool set_number(struct stage *stage, unsigned line, const char *name, const char *value, long least, long most,
		       long *to)
{
	char *end;

	*to = strtol(value, &end, 10);
	return (end != value && *end == '\0' && *to >= least && *to <= most) ||
	       stage_fail(stage, line, "--%s: '%s' is not a whole number from %ld to %ld", name, value, least, most);
}

static bool set_address(struct tern_addr *addr, const char *value)
{
	return tern_addr_parse(addr, value) == 0;
}

/* The command line's goes before the script's own. */
static bool set_profile(struct stage *stage, const char *value, unsigned line)
{
	char error[TERN_SETTING_ERROR];

	if (stage->has_profile)
		return true;
	if (tern_profile_set(&stage->config, value, error) != 0)
		return stage_fail(stage, line, "--profile: %s", error);
	return stage_note_setting(stage, "profile", value) || stage_fail(stage, line, "too many settings");
}

bool settings_option(struct stage *stage, const char *name, const char *value, unsigned line, bool *known)
{
	static const char *const passed_over[] = {
		"define",      "init_scripts",	"bind_port",	      "connect_port",	   "gateway_ip",
		"netmask_ip",  "speed",		"persistent_tun_dev", "tcp_ts_tick_usecs", "non_fatal",
		"timeout_sec", "wire_protocol", "ip_version",	      "verbose",	   "mss",
	};

	long number;

	*known = true;
	if (strcmp(name, "tolerance_usecs") == 0) {
		if (!set_number(stage, line, name, value, 0, SCRIPT_SECONDS, &number))
			return false;
		stage->tolerance = number * TERN_MICROSECOND;
	} else if (strcmp(name, "mtu") == 0) {
		if (!set_number(stage, line, name, value, MTU_LEAST, MTU_MOST, &number))
			return false;
		stage->mtu = (uint32_t)number;
	} else if (strcmp(name, "profile") == 0)
		return set_profile(stage, value, line);
	else if (strcmp(name, "local_ip") == 0)
		return set_address(&stage->local, value) ||
		       stage_fail(stage, line, "--local_ip: '%s' is no address", value);
	else if (strcmp(name, "remote_ip") == 0)
		return set_address(&stage->remote, value) ||
		       stage_fail(stage, line, "--remote_ip: '%s' is no address", value);
	else {
		*known = false;
		for (size_t i = 0; i < sizeof passed_over / sizeof *passed_over; i++)
			*known = *known || strcmp(name, passed_over[i]) == 0;
		if (!*known)
			return stage_fail(stage, line, "there is no option '--%s'", name);
	}
	return true;
}
