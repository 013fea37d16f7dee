#include "script/stage.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 32, STUCK = 10000 };

bool stage_fail(struct stage *stage, unsigned line, const char *format, ...)
{
	va_list arguments;
	int	n;

	if (stage->error[0])
		return false;
	n = snprintf(stage->error, sizeof stage->error, "%s:%u: ", stage->script->file, line);
	va_start(arguments, format);
	if (n > 0 && n < SCRIPT_ERROR)
		vsnprintf(stage->error + n, sizeof stage->error - (size_t)n, format, arguments);
	va_end(arguments);
	return false;
}

void stage_warn(struct stage *stage, unsigned line, const char *format, ...)
{
	va_list arguments;

	stage->warnings++;
	if (stage->quiet)
		return;
	fprintf(stderr, "%s:%u: warning: ", stage->script->file, line);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

/* ---- the host ---- */

static bool add_addresses(struct stage *stage)
{
	const struct tern_link_config link = { .mtu = stage->mtu };
	const unsigned		      bits = stage->v6 ? 64 : 24;
	struct tern_addr	      any = stage->local;

	memset(any.b + (stage->v6 ? 0 : 12), 0, stage->v6 ? 16 : 4);
	return tern_host_add_link(stage->host, &link, &stage->link) == 0 &&
	       tern_host_add_address(stage->host, stage->link, &stage->local, bits) == 0 &&
	       tern_host_add_route(stage->host, &any, 0, stage->link, NULL) == 0;
}

bool stage_open(struct stage *stage, const struct script *script)
{
	int error;

	stage->script = script;
	stage->last = &stage->first;
	stage->under_test = -1;
	for (unsigned i = 0; i < STAGE_SOCKETS; i++)
		stage->waiting[i].ends = TERN_NEVER;
	error = tern_host_create(&stage->host, &stage->config, 0);
	if (error != 0)
		return stage_fail(stage, 1, "no host can be made with these settings: %s",
				  tern_strerror(error));
	return add_addresses(stage) || stage_fail(stage, 1, "the addresses of this script cannot be used");
}

void stage_close(struct stage *stage)
{
	while (stage->first) {
		struct left *const next = stage->first->next;

		free(stage->first);
		stage->first = next;
	}
	if (stage->host)
		tern_host_destroy(stage->host);
	stage->host = NULL;
}

/* ---- time ---- */

static void keep(struct stage *stage, const tern_packet *packet)
{
	struct left *const left = malloc(sizeof *left + packet->len);
	uint32_t	   n = 0;

	if (!left) {
		stage_fail(stage, 1, "no memory");
		return;
	}
	*left = (struct left){ .at = stage->now, .n = packet->len };
	for (unsigned i = 0; i < packet->n_parts; i++) {
		memcpy(left->bytes + n, packet->part[i].at, packet->part[i].n);
		n += packet->part[i].n;
	}
	*stage->last = left;
	stage->last = &left->next;
}

void stage_collect(struct stage *stage)
{
	tern_packet *batch[BATCH];
	size_t	     n;

	while ((n = tern_host_output(stage->host, batch, BATCH, stage->now)) > 0) {
		for (size_t i = 0; i < n; i++) {
			keep(stage, batch[i]);
			tern_packet_done(batch[i]);
		}
	}
}

/* Everything that can happen at this moment does. */
static bool settle(struct stage *stage)
{
	struct tern_event event;

	stage_collect(stage);
	while (tern_host_event(stage->host, &event))
		;
	for (unsigned i = 0; i < STAGE_SOCKETS; i++)
		if (stage->waiting[i].event && call_again(stage, &stage->waiting[i]))
			stage->waiting[i] = (struct waiting){ .ends = TERN_NEVER };
	stage_collect(stage);
	return stage->error[0] == '\0';
}

static tern_time next_moment(const struct stage *stage)
{
	tern_time at = tern_host_deadline(stage->host);

	for (unsigned i = 0; i < STAGE_SOCKETS; i++)
		if (stage->waiting[i].event && stage->waiting[i].ends < at)
			at = stage->waiting[i].ends;
	return at;
}

/* One moment further. False: `until` is reached. */
static bool step(struct stage *stage, tern_time until)
{
	const tern_time at = next_moment(stage);

	if (at > until) {
		stage->now = until > stage->now ? until : stage->now;
		tern_host_advance(stage->host, stage->now);
		settle(stage);
		return false;
	}
	stage->now = at > stage->now ? at : stage->now;
	tern_host_advance(stage->host, stage->now);
	return settle(stage);
}

bool stage_run(struct stage *stage, tern_time until)
{
	unsigned  stuck = 0;
	tern_time before = stage->now;

	if (!settle(stage))
		return false;
	while (step(stage, until)) {
		stuck = stage->now > before ? 0 : stuck + 1;
		before = stage->now;
		if (stuck > STUCK)
			return stage_fail(stage, 1,
					  "the host has something due at %.6f s, and nothing comes of it",
					  (double)stage->now / 1e9);
	}
	return stage->error[0] == '\0';
}

bool stage_await_packet(struct stage *stage, tern_time until)
{
	settle(stage);
	for (unsigned turns = 0; !stage->first && turns < STUCK && step(stage, until); turns++)
		;
	return stage->first && stage->error[0] == '\0';
}

/* ---- flows ---- */

static struct flow *new_flow(struct stage *stage)
{
	struct flow *const flow =
		&stage->flow[stage->n_flows < STAGE_FLOWS ? stage->n_flows++ : STAGE_FLOWS - 1];

	*flow = (struct flow){ .local = 0 };
	stage->current = flow;
	return flow;
}

struct flow *stage_flow_of(struct stage *stage, uint16_t local, uint16_t remote)
{
	struct flow *flow;

	for (unsigned i = stage->n_flows; i-- > 0;)
		if (stage->flow[i].local == local && stage->flow[i].remote == remote)
			return &stage->flow[i];
	flow = new_flow(stage);
	flow->local = local;
	flow->remote = remote;
	return flow;
}

/* The port of the newest listener: where a SYN without ports goes. */
static uint16_t listening_port(const struct stage *stage)
{
	for (unsigned i = STAGE_SOCKETS; i-- > 0;)
		if (stage->socket[i].kind == SOCKET_LISTENS)
			return stage->socket[i].local.port;
	return STAGE_LOCAL_PORT;
}

struct flow *stage_flow(struct stage *stage, const struct script_packet *packet)
{
	const uint16_t local = packet->inbound ? packet->dst_port : packet->src_port;
	const uint16_t remote = packet->inbound ? packet->src_port : packet->dst_port;
	struct flow   *flow;

	if (local == 0) {
		if (stage->current || !packet->inbound)
			return stage->current;
		flow = new_flow(stage);
		flow->local = listening_port(stage);
		flow->remote = STAGE_REMOTE_PORT;
		return flow;
	}
	for (unsigned i = stage->n_flows; i-- > 0;) {
		flow = &stage->flow[i];
		if (flow->script_local == local && flow->script_remote == remote)
			return flow;
	}
	/* The first time that the script names the ports of a flow that the host opened. */
	for (unsigned i = stage->n_flows; i-- > 0;) {
		flow = &stage->flow[i];
		if (flow->script_local != 0 || flow->remote != remote)
			continue;
		flow->script_local = local;
		flow->script_remote = remote;
		return flow;
	}
	if (!packet->inbound)
		return NULL;
	flow = new_flow(stage);
	flow->script_local = flow->local = local;
	flow->script_remote = flow->remote = remote;
	return flow;
}
