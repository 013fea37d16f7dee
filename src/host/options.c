/* Names of options (tern/options.h). */
#include "base/bytes.h"

#include <tern/options.h>

static const char *const names[TERN_OPTIONS] = {
	[TERN_NODELAY] = "nodelay",
	[TERN_CORK] = "cork",
	[TERN_QUICKACK] = "quickack",
	[TERN_KEEPALIVE] = "keepalive",
	[TERN_KEEPALIVE_IDLE] = "keepalive_idle",
	[TERN_KEEPALIVE_INTERVAL] = "keepalive_interval",
	[TERN_KEEPALIVE_PROBES] = "keepalive_probes",
	[TERN_USER_TIMEOUT] = "user_timeout",
	[TERN_R2] = "r2",
	[TERN_MAX_SEGMENT] = "max_segment",
	[TERN_RECEIVE_BUFFER] = "receive_buffer",
	[TERN_SEND_BUFFER] = "send_buffer",
	[TERN_TRAFFIC_CLASS] = "traffic_class",
	[TERN_TTL] = "ttl",
	[TERN_LINGER] = "linger",
	[TERN_URGENT_INLINE] = "urgent_inline",
	[TERN_ERROR_REPORTS] = "error_reports",
	[TERN_KEEPALIVE_GARBAGE] = "keepalive_garbage",
	[TERN_SACK_COUNTING] = "sack_counting",
	[TERN_PACING] = "pacing",
	[TERN_MAX_PACING_RATE] = "max_pacing_rate",
	[TERN_ECN] = "ecn",
};

static bool same(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return *a == *b;
}

int tern_option_by_name(const char *name)
{
	for (int i = 0; i < TERN_OPTIONS; i++)
		if (same(name, names[i]))
			return i;
	return -TERN_ENOENT;
}

const char *tern_option_name(enum tern_option option)
{
	return (unsigned)option < TERN_OPTIONS ? names[option] : NULL;
}
