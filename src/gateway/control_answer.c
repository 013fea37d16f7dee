/* What is asked over --control, and what is answered (gateway/control.h). Nothing that is told needs escaping: names
 * and addresses are our own, and errors are our own words.
 */
#include "gateway/control_answer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/chunk.h"

/* ---- reading ---- */

static const char *skip_space(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

/* A string at its opening quote. The octet after its closing one; NULL: none, or no room. Control characters
 * and \u are refused: nothing that can be asked for has any. */
static const char *read_string(const char *at, char *to, size_t room)
{
	size_t n = 0;

	for (at++; *at != '"'; at++) {
		if (*at == '\\' && strchr("\"\\/", at[1]) && at[1])
			at++;
		else if ((unsigned char)*at < 0x20 || *at == '\\')
			return NULL;
		if (n + 1 >= room)
			return NULL;
		to[n++] = *at;
	}
	to[n] = '\0';
	return at + 1;
}

static const char *read_value(const char *at, char *to, size_t room)
{
	static const char *const words[] = { "true", "false", "null" };
	size_t			 n = strspn(at, "-0123456789");

	if (*at == '"')
		return read_string(at, to, room);
	for (size_t i = 0; i < sizeof words / sizeof words[0] && n == 0; i++)
		if (strncmp(at, words[i], strlen(words[i])) == 0)
			n = strlen(words[i]);
	if (n == 0 || n >= room)
		return NULL;
	memcpy(to, at, n);
	to[n] = '\0';
	return at + n;
}

int control_field(const char *object, const char *name, char *to, size_t room)
{
	char	    key[32], value[CONTROL_LINE];
	bool	    found = false;
	const char *at = skip_space(object);

	if (*at != '{')
		return -TERN_EINVAL;
	do {
		at = skip_space(at + 1);
		if (*at != '"' || (at = read_string(at, key, sizeof key)) == NULL)
			return -TERN_EINVAL;
		at = skip_space(at);
		if (*at != ':' || (at = read_value(skip_space(at + 1), value, sizeof value)) == NULL)
			return -TERN_EINVAL;
		if (strcmp(key, name) == 0) {
			const size_t n = strlen(value);

			if (n >= room)
				return -TERN_EINVAL;
			memcpy(to, value, n + 1);
			found = true;
		}
		at = skip_space(at);
	} while (*at == ',');
	if (*at != '}' || *skip_space(at + 1) != '\0')
		return -TERN_EINVAL;
	return found ? 0 : -TERN_ENOENT;
}

/* ---- telling ---- */

void control_tell(struct control_text *to, const char *format, ...)
{
	va_list arguments;

	if (to->room - to->n < CONTROL_PIECE) {
		const size_t room = to->room ? 2 * to->room : 2 * CONTROL_PIECE;
		char *const  at = to->lost ? NULL : realloc(to->at, room);

		if (!at) {
			to->lost = true;
			return;
		}
		to->at = at;
		to->room = room;
	}
	va_start(arguments, format);
	const int n = vsnprintf(to->at + to->n, CONTROL_PIECE, format, arguments);
	va_end(arguments);
	to->n += n > 0 && n < CONTROL_PIECE ? (size_t)n : 0;
}

bool control_append(struct control_text *to, const char *text, size_t n)
{
	if (to->lost)
		return false;
	if (to->room - to->n < n) {
		char *const at = realloc(to->at, to->n + n + CONTROL_PIECE);

		if (!at)
			return false;
		to->at = at;
		to->room = to->n + n + CONTROL_PIECE;
	}
	memcpy(to->at + to->n, text, n);
	to->n += n;
	return true;
}

void control_tell_limits(struct control_text *to, const struct tern_status *status)
{
	control_tell(to, ",\"delivery_rate_app_limited\":%s,\"busy_ms\":%" PRId64 ",\"rwnd_limited_ms\":%" PRId64
			 ",\"sndbuf_limited_ms\":%" PRId64,
		     status->delivery_rate_app_limited ? "true" : "false", status->busy_time / TERN_MILLISECOND,
		     status->rwnd_limited / TERN_MILLISECOND, status->sndbuf_limited / TERN_MILLISECOND);
}

/* What the sending to the guest is like, and what its time goes to. */
static void tell_status(const struct tern_status *status, struct control_text *to)
{
	control_tell(to, ",\"srtt_us\":%" PRId64 ",\"cwnd\":%" PRIu32 ",\"retransmits\":%" PRIu32
			 ",\"delivery_rate\":%" PRIu64,
		     status->srtt / TERN_MICROSECOND, status->cwnd, status->retransmits_total, status->delivery_rate);
	control_tell_limits(to, status);
}

static void tell_flow(const struct gateway *gateway, const struct flow *flow, struct control_text *to)
{
	const tern_time now = tern_loop_now(gateway->loop);
	char		guest[46], local[46], onward[46];
	struct tern_status status;

	control_tell(to, "{\"id\":%" PRIu64 ",\"kind\":\"%s\",\"inbound\":%s,\"guest\":\"%s\",\"guest_port\":%u,"
			 "\"to\":\"%s\",\"to_port\":%u,\"onward\":\"%s\",\"onward_port\":%u,",
		     flow->number, flow_kind_name(flow->kind), flow->inbound ? "true" : "false",
		     tern_addr_format(&flow->tuple.remote, guest), flow->tuple.remote_port,
		     tern_addr_format(&flow->tuple.local, local), flow->tuple.local_port,
		     tern_addr_format(&flow->onward.addr, onward), flow->onward.port);
	control_tell(to, "\"state\":\"%s\",\"age_ms\":%" PRId64 ",\"idle_ms\":%" PRId64 ",\"up\":%" PRIu64
			 ",\"down\":%" PRIu64,
		     flow->kind == FLOW_TCP ? relay_tcp_state(gateway, flow)
					    : flow->down ? "answered" : "unanswered",
		     (now - flow->since) / TERN_MILLISECOND, (now - flow->active) / TERN_MILLISECOND, flow->up,
		     flow->down);
	if (flow->kind == FLOW_TCP && relay_tcp_status(gateway, flow, &status))
		tell_status(&status, to);
	control_tell(to, "}\n");
}

static void tell_forward(const struct forward *forward, uint32_t id, struct control_text *to)
{
	char text[80];

	control_tell(to, "{\"id\":%" PRIu32 ",\"forward\":\"%s\"}\n", id, forward_format(text, forward));
}

void control_succeeded(struct control_text *to)
{
	control_tell(to, "{\"ok\":true}\n");
}

static void failed(struct control_text *to, const char *why)
{
	control_tell(to, "{\"ok\":false,\"error\":\"%s\"}\n", why);
}

/* ---- what can be asked ---- */

static void list_flows(struct gateway *gateway, const char *request, struct control_text *to)
{
	const struct flow *flow;
	uint32_t	   cursor = 0;

	(void)request;
	while ((flow = flow_each(&gateway->flows, &cursor)) != NULL)
		tell_flow(gateway, flow, to);
	control_succeeded(to);
}

static void list_forwards(struct gateway *gateway, const char *request, struct control_text *to)
{
	struct forward forward;
	uint32_t       cursor = 0, id;

	(void)request;
	while (forward_each(gateway, &cursor, &forward, &id))
		tell_forward(&forward, id, to);
	control_succeeded(to);
}

static void tell_counter(struct control_text *to, const char *name, uint64_t value)
{
	control_tell(to, "{\"name\":\"%s\",\"value\":%" PRIu64 "}\n", name, value);
}

/* The gateway's own counters, what it holds now, and what its host counts. */
static void list_stats(struct gateway *gateway, const char *request, struct control_text *to)
{
	const struct chunks *const chunks = gateway->tcp.chunks;
	struct tern_stats	   stats;
	const char		  *name;
	uint64_t		   value;

	(void)request;
	for (size_t i = 0; gateway_stats_at(&gateway->stats, i, &name, &value); i++)
		tell_counter(to, name, value);
	tell_counter(to, "flows", gateway->flows.n);
	tell_counter(to, "flows_most", gateway->flows.most);
	tell_counter(to, "chunks_lent", chunks ? chunks->n - chunks->n_free : 0);
	tern_host_stats(gateway->host, &stats);
	for (size_t i = 0; tern_stats_at(&stats, i, &name, &value); i++)
		tell_counter(to, name, value);
	control_succeeded(to);
}

static void add_forward(struct gateway *gateway, const char *request, struct control_text *to)
{
	char	       text[80];
	struct forward forward, each;
	uint32_t       id, cursor = 0, its;

	if (control_field(request, "forward", text, sizeof text) != 0 || forward_parse(&forward, text) != 0) {
		failed(to, "forward is [ADDR:]HOSTPORT:GUESTPORT[/udp]");
		return;
	}
	const int error = forward_add(gateway, &forward, &id);
	if (error) {
		failed(to, strerror(-error));
		return;
	}
	while (forward_each(gateway, &cursor, &each, &its))
		if (its == id)
			tell_forward(&each, its, to); /* with the port that it got */
	control_succeeded(to);
}

static void remove_forward(struct gateway *gateway, const char *request, struct control_text *to)
{
	char  text[16], *end;
	const int	    error = control_field(request, "id", text, sizeof text);
	const unsigned long id = error ? 0 : strtoul(text, &end, 10);

	if (error || *end != '\0' || text[0] == '-' || id > UINT32_MAX)
		failed(to, "id is the number of a forward");
	else if (forward_remove(gateway, (uint32_t)id) != 0)
		failed(to, "there is no such forward");
	else
		control_succeeded(to);
}

void control_answer(struct gateway *gateway, const char *request, struct control_text *to)
{
	static const struct {
		const char *name;
		void (*answer)(struct gateway *gateway, const char *request, struct control_text *to);
	} known[] = {
		{ "flows", list_flows },   { "forwards", list_forwards },   { "stats", list_stats },
		{ "sockets", control_sockets }, { "add", add_forward },	   { "remove", remove_forward },
		{ "history", control_history },
	};
	char	  what[32];
	const int error = control_field(request, "do", what, sizeof what);

	if (error) {
		failed(to, error == -TERN_ENOENT ? "there is no do" : "a request is one flat JSON object");
		return;
	}
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (strcmp(what, known[i].name) == 0) {
			known[i].answer(gateway, request, to);
			return;
		}
	}
	failed(to, "do is flows, sockets, history, forwards, stats, add or remove");
}
