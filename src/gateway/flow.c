#include "gateway/gateway.h"

#include <stdlib.h>

const char *flow_kind_name(enum flow_kind kind)
{
	static const char *const names[FLOW_KINDS] = { "tcp", "udp", "echo", "dns" };

	return (unsigned)kind < FLOW_KINDS ? names[kind] : "?";
}

int flow_table_init(struct flow_table *table, uint32_t max)
{
	*table = (struct flow_table){ .max = max };
	return max > 0 ? 0 : -TERN_EINVAL;
}

void flow_table_done(struct flow_table *table)
{
	for (uint32_t i = 0; i < table->room; i++)
		free(table->at[i]);
	free(table->at);
	free(table->generations);
	free(table->free);
	*table = (struct flow_table){ .max = table->max };
}

/* Twice the room; the new indices are free, the lowest on top. */
static bool grow(struct flow_table *table)
{
	const uint32_t	    room = table->room ? 2 * table->room : 64;
	struct flow **const at = realloc(table->at, room * sizeof *at);

	if (at)
		table->at = at;
	uint32_t *const generations = at ? realloc(table->generations, room * sizeof *generations) : NULL;
	if (generations)
		table->generations = generations;
	uint32_t *const stack = generations ? realloc(table->free, room * sizeof *stack) : NULL;
	if (!stack)
		return false;
	table->free = stack;
	for (uint32_t i = room; i-- > table->room;) {
		at[i] = NULL;
		generations[i] = 0;
		stack[table->n_free++] = i;
	}
	table->room = room;
	return true;
}

void *flow_new(struct gateway *gateway, enum flow_kind kind, size_t size)
{
	struct flow_table *const table = &gateway->flows;
	struct flow		*flow = NULL;

	if (table->n < table->max && (table->n_free > 0 || grow(table)))
		flow = calloc(1, size);
	if (!flow) {
		gateway->stats.flows_refused++;
		return NULL;
	}
	flow->kind = kind;
	flow->index = table->free[--table->n_free];
	/* Cookies carry 24 bits of it; 0 is none's. */
	flow->generation = (table->generations[flow->index] + 1) & 0xffffff;
	flow->generation += flow->generation == 0;
	table->generations[flow->index] = flow->generation;
	flow->number = ++table->begun;
	flow->since = flow->active = tern_loop_now(gateway->loop);
	table->at[flow->index] = flow;
	table->of[kind]++;
	if (++table->n > table->most)
		table->most = table->n;
	return flow;
}

void flow_free(struct gateway *gateway, struct flow *flow)
{
	struct flow_table *const table = &gateway->flows;

	table->at[flow->index] = NULL;
	table->free[table->n_free++] = flow->index;
	table->of[flow->kind]--;
	table->n--;
	free(flow);
}

struct flow *flow_find(const struct flow_table *table, uint32_t index, uint32_t generation)
{
	struct flow *const flow = index < table->room ? table->at[index] : NULL;

	return flow && flow->generation == generation ? flow : NULL;
}

struct flow *flow_each(const struct flow_table *table, uint32_t *cursor)
{
	while (*cursor < table->room) {
		struct flow *const flow = table->at[(*cursor)++];

		if (flow)
			return flow;
	}
	return NULL;
}
