/* Settings: profiles, the options at a script's head, and sysctl's names. One table says what each name means.
 */
#include "script/stage.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum unit {
	UNIT_BYTE,
	UNIT_U32,
	UNIT_SECONDS,
	UNIT_MS,
	UNIT_OFF /* a switch that says what is off */,
	UNIT_IGNORED
};

static const struct {
	const char *name;
	enum unit   unit;
	size_t	    at; /* in struct tern_config */
} sysctls[] = {
	{ "tcp_timestamps", UNIT_OFF, offsetof(struct tern_config, no_timestamps) },
	{ "tcp_sack", UNIT_OFF, offsetof(struct tern_config, no_sack) },
	{ "tcp_window_scaling", UNIT_OFF, offsetof(struct tern_config, no_window_scale) },
	{ "tcp_syncookies", UNIT_OFF, offsetof(struct tern_config, no_syn_cookies) },
	{ "tcp_reordering", UNIT_BYTE, offsetof(struct tern_config, dup_ack_threshold) },
	{ "tcp_synack_retries", UNIT_BYTE, offsetof(struct tern_config, syn_ack_retries) },
	{ "tcp_keepalive_time", UNIT_SECONDS, offsetof(struct tern_config, keepalive_idle) },
	{ "tcp_keepalive_intvl", UNIT_SECONDS, offsetof(struct tern_config, keepalive_interval) },
	{ "tcp_keepalive_probes", UNIT_BYTE, offsetof(struct tern_config, keepalive_probes) },
	{ "tcp_fin_timeout", UNIT_SECONDS, offsetof(struct tern_config, orphan_timeout) },
	{ "tcp_rto_min_us", UNIT_IGNORED, 0 },
	{ "tern.msl_ms", UNIT_MS, offsetof(struct tern_config, msl) },
	{ "tern.rto_initial_ms", UNIT_MS, offsetof(struct tern_config, rto_initial) },
	{ "tern.rto_min_ms", UNIT_MS, offsetof(struct tern_config, rto_min) },
	{ "tern.rto_max_ms", UNIT_MS, offsetof(struct tern_config, rto_max) },
	{ "tern.delayed_ack_ms", UNIT_MS, offsetof(struct tern_config, delayed_ack) },
	{ "tern.r2_s", UNIT_SECONDS, offsetof(struct tern_config, r2) },
	{ "tern.r2_syn_s", UNIT_SECONDS, offsetof(struct tern_config, r2_syn) },
	{ "tern.initial_window", UNIT_BYTE, offsetof(struct tern_config, initial_window) },
	{ "tern.challenge_acks", UNIT_BYTE, offsetof(struct tern_config, challenge_acks) },
	{ "tern.receive_buffer", UNIT_U32, offsetof(struct tern_config, receive_buffer) },
	{ "tern.receive_buffer_max", UNIT_U32, offsetof(struct tern_config, receive_buffer_max) },
	{ "tern.send_buffer_max", UNIT_U32, offsetof(struct tern_config, send_buffer_max) },
	{ "tern.mss_floor", UNIT_U32, offsetof(struct tern_config, mss_floor) },
	{ "tern.delayed_ack", UNIT_OFF, offsetof(struct tern_config, no_delayed_ack) },
};

/* "net.ipv4.tcp_sack" is "tcp_sack". */
static const char *last_part(const char *name)
{
	static const char *const before[] = { "net.ipv4.", "net.ipv6.", "net.core.", "/proc/sys/net/ipv4/" };

	for (size_t i = 0; i < sizeof before / sizeof *before; i++)
		if (strncmp(name, before[i], strlen(before[i])) == 0)
			return name + strlen(before[i]);
	return name;
}

/* "4096 131072 6291456": the second is what a socket begins with, the third what it may grow to. */
static bool set_buffers(struct tern_config *config, bool receive, const char *value)
{
	unsigned long least, first, most;

	if (sscanf(value, "%lu %lu %lu", &least, &first, &most) != 3 || first > most || most > UINT32_MAX / 2)
		return false;
	if (receive)
		config->receive_buffer = (uint32_t)first;
	*(receive ? &config->receive_buffer_max : &config->send_buffer_max) = (uint32_t)most;
	return true;
}

bool settings_sysctl(struct stage *stage, const char *name, const char *value)
{
	const char *const part = last_part(name);
	char *const	  config = (char *)&stage->config;
	char		 *end;
	const long	  n = strtol(value, &end, 0);

	if (strcmp(part, "tcp_rmem") == 0 || strcmp(part, "tcp_wmem") == 0)
		return set_buffers(&stage->config, part[4] == 'r', value);
	if (end == value || *end != '\0' || n < 0)
		return false;
	for (size_t i = 0; i < sizeof sysctls / sizeof *sysctls; i++) {
		char *const at = config + sysctls[i].at;

		if (strcmp(sysctls[i].name, part) != 0)
			continue;
		switch (sysctls[i].unit) {
		case UNIT_BYTE: *(uint8_t *)at = (uint8_t)n; return n <= UINT8_MAX;
		case UNIT_U32: *(uint32_t *)at = (uint32_t)n; return true;
		case UNIT_SECONDS: *(tern_time *)at = n * TERN_SECOND; return true;
		case UNIT_MS: *(tern_time *)at = n * TERN_MILLISECOND; return true;
		case UNIT_OFF: *(bool *)at = n == 0; return true;
		case UNIT_IGNORED: return true;
		}
	}
	return false;
}

/* ---- commands ---- */

/* One word that may be name=value or name="a b c". Where the next begins. */
static const char *one_sysctl(struct stage *stage, const char *at, unsigned line)
{
	char   word[256], *equals;
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
	if (!settings_sysctl(stage, word, equals + 1))
		stage_warn(stage, line, "sysctl %s=%s is not understood: left as it is", word, equals + 1);
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

static bool set_address(struct tern_addr *addr, const char *value)
{
	return tern_addr_parse(addr, value) == 0;
}

bool settings_option(struct stage *stage, const char *name, const char *value, unsigned line, bool *known)
{
	static const char *const passed_over[] = {
		"define",      "init_scripts",	"bind_port",	      "connect_port",	   "gateway_ip",
		"netmask_ip",  "speed",		"persistent_tun_dev", "tcp_ts_tick_usecs", "non_fatal",
		"timeout_sec", "wire_protocol", "ip_version",	      "verbose",	   "mss",
	};

	*known = true;
	if (strcmp(name, "tolerance_usecs") == 0)
		stage->tolerance = strtol(value, NULL, 10) * TERN_MICROSECOND;
	else if (strcmp(name, "mtu") == 0)
		stage->mtu = (uint32_t)strtoul(value, NULL, 10);
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
