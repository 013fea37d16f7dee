/* --history: what is kept of connections lately (watch/history.h), and {"do":"history"}, which tells it. */
#include "gateway/control_answer.h"
#include "gateway/gateway.h"
#include "watch/history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

int gateway_history_open(struct gateway *gateway)
{
	struct siphash_key key;

	if (gateway->options->history == 0)
		return 0;
	if (getrandom(&key, sizeof key, 0) != sizeof key)
		return -errno;
	gateway->history = history_new((size_t)gateway->options->history, &key);
	return gateway->history ? 0 : -TERN_ENOMEM;
}

void gateway_history_done(struct gateway *gateway)
{
	history_delete(gateway->history);
	gateway->history = NULL;
}

static void tell_count(const struct gateway *gateway, tern_time origin, struct control_text *to)
{
	struct history_told told;

	history_count(gateway->history, &told);
	control_tell(to,
		     "{\"now\":%" PRId64 ",\"connections\":%" PRIu32 ",\"events\":%" PRIu64
		     ",\"left_out\":%" PRIu64 ",\"forgotten\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n",
		     tern_loop_now(gateway->loop) - origin, told.connections, told.events, told.left_out,
		     told.forgotten, gateway->options->history);
}

void control_history(struct gateway *gateway, const char *request, struct control_text *to)
{
	tern_time origin = 0;
	char	 *text = NULL;
	size_t	  n = 0;

	(void)request;
	if (!gateway->history) {
		control_tell(to, "{\"ok\":false,\"error\":\"this gateway keeps no history: start it with "
				 "--history 4M\"}\n");
		return;
	}
	FILE *const file = open_memstream(&text, &n);
	const bool  whole = file && history_tell(gateway->history, "guest", "tern", file, &origin);

	if ((file && fclose(file) != 0) || !whole || !control_append(to, text, n)) {
		free(text);
		control_tell(to, "{\"ok\":false,\"error\":\"no memory to tell it\"}\n");
		return;
	}
	free(text);
	tell_count(gateway, origin, to);
	control_succeeded(to);
}
