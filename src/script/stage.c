#include "script/engine.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

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

bool stage_note_setting(struct stage *stage, const char *name, const char *value)
{
	const size_t n = strlen(stage->so_flags);
	const int    more = snprintf(stage->so_flags + n, sizeof stage->so_flags - n, ",%s=%s", name, value);

	return more > 0 && n + (size_t)more < sizeof stage->so_flags;
}

bool stage_open(struct stage *stage, const struct script *script)
{
	char local[46], remote[46], rest[STAGE_FLAGS];

	stage->script = script;
	stage->engine = stage->so_filename ? &engine_so : &engine_direct;
	stage->last = &stage->first;
	stage->under_test = -1;
	for (unsigned i = 0; i < STAGE_FDS; i++)
		stage->fd[i].script = -1;
	memcpy(rest, stage->so_flags, sizeof rest);
	snprintf(stage->so_flags, sizeof stage->so_flags, "local=%s,remote=%s,mtu=%u%.3800s",
		 tern_addr_format(&stage->local, local), tern_addr_format(&stage->remote, remote), stage->mtu,
		 rest);
	return stage->engine->open(stage);
}

void stage_close(struct stage *stage)
{
	while (stage->first) {
		struct sockets_left *const next = stage->first->next;

		free(stage->first);
		stage->first = next;
	}
	if (stage->engine)
		stage->engine->close(stage);
	arena_free(stage->arena);
	stage->arena = NULL;
}

/* ---- time ---- */

void stage_keep(struct stage *stage, struct sockets_left *left)
{
	left->next = NULL;
	*stage->last = left;
	stage->last = &left->next;
}

bool stage_run(struct stage *stage, tern_time until)
{
	if (!stage->engine->run(stage, until))
		return false;
	call_look(stage);
	return stage->error[0] == '\0';
}

bool stage_await_packet(struct stage *stage, tern_time until)
{
	if (!stage->first)
		stage->engine->await(stage, until);
	call_look(stage);
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
	return stage->listening != 0 ? stage->listening : STAGE_LOCAL_PORT;
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
