/* --so_flags. */
#include "packetdrill/adaptor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD = 256, MTU_LEAST = 68, MTU_MOST = 65535, MTU = 1500 };

struct state {
	struct sockets_setup *setup;
	bool		      has_local, has_remote;
	struct tern_addr      remote;
};

static bool is_v6(const struct tern_addr *addr)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(addr->b, mapped, sizeof mapped) != 0;
}

static bool take_address(struct tern_addr *to, bool *has, const char *name, const char *value, char *error)
{
	*has = tern_addr_parse(to, value) == 0;
	if (!*has)
		snprintf(error, FLAGS_ERROR, "%.16s: '%.64s' is no address", name, value);
	return *has;
}

static bool take_mtu(struct sockets_setup *setup, const char *value, char *error)
{
	char	  *end;
	const long n = strtol(value, &end, 10);

	if (end == value || *end != '\0' || n < MTU_LEAST || n > MTU_MOST) {
		snprintf(error, FLAGS_ERROR, "mtu: '%.64s' is not a whole number from %d to %d", value,
			 MTU_LEAST, MTU_MOST);
		return false;
	}
	setup->mtu = (uint32_t)n;
	return true;
}

static bool take(struct state *state, const char *name, const char *value, char *error)
{
	char why[TERN_SETTING_ERROR];

	if (strcmp(name, "local") == 0)
		return take_address(&state->setup->local, &state->has_local, name, value, error);
	if (strcmp(name, "remote") == 0)
		return take_address(&state->remote, &state->has_remote, name, value, error);
	if (strcmp(name, "mtu") == 0)
		return take_mtu(state->setup, value, error);
	if ((strcmp(name, "profile") == 0 ? tern_profile_set(&state->setup->config, value, why)
					  : tern_setting_set(&state->setup->config, name, value, why)) == 0)
		return true;
	snprintf(error, FLAGS_ERROR, "%s", why);
	return false;
}

/* The addresses belong together; what was not said is what the tool has by default. */
static bool complete(struct state *state, char *error)
{
	const bool v6 = state->has_local    ? is_v6(&state->setup->local)
			: state->has_remote ? is_v6(&state->remote)
					    : false;
	char	   why[TERN_SETTING_ERROR];

	state->setup->take_any = !state->has_local;
	if (!state->has_local)
		(void)tern_addr_parse(&state->setup->local, v6 ? "fd3d:fa7b:d17d::1" : "192.168.0.1");
	if (state->has_remote && is_v6(&state->remote) != v6) {
		snprintf(error, FLAGS_ERROR, "local and remote are of different versions of IP");
		return false;
	}
	if (tern_settings_check(&state->setup->config, why) == 0)
		return true;
	snprintf(error, FLAGS_ERROR, "%s", why);
	return false;
}

bool flags_parse(const char *flags, struct sockets_setup *setup, char error[FLAGS_ERROR])
{
	struct state state = { .setup = setup };
	char	     word[WORD], *equals;

	tern_config_default(&setup->config);
	setup->config.allocator = *tern_allocator_default();
	setup->config.secret[0] = 1;
	setup->mtu = MTU;
	for (const char *at = flags ? flags : "", *next; *at; at = next) {
		const size_t n = strcspn(at, ",");

		next = at + n + (at[n] == ',');
		if (n == 0)
			continue;
		snprintf(word, sizeof word, "%.*s", (int)n, at);
		equals = strchr(word, '=');
		if (!equals || n >= sizeof word) {
			snprintf(error, FLAGS_ERROR, "'%.64s' is not NAME=VALUE", word);
			return false;
		}
		*equals = '\0';
		if (!take(&state, word, equals + 1, error))
			return false;
	}
	return complete(&state, error);
}
