/* gateway/flow.c: the table of flows. */
#include "gateway/gateway.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { FLOWS = 200 };

static struct gateway gateway;

static int set_up(void **state)
{
	(void)state;
	gateway = (struct gateway){ .options = NULL };
	assert_int_equal(tern_loop_create(&gateway.loop, TERN_CLOCK_VIRTUAL), 0);
	return flow_table_init(&gateway.flows, FLOWS);
}

static int tear_down(void **state)
{
	(void)state;
	flow_table_done(&gateway.flows);
	tern_loop_destroy(gateway.loop);
	return 0;
}

static void flows_are_bounded_and_counted(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FLOWS; i++)
		assert_non_null(flow_new(&gateway, i % 2 ? FLOW_TCP : FLOW_UDP, sizeof(struct flow)));
	assert_null(flow_new(&gateway, FLOW_TCP, sizeof(struct flow)));
	assert_int_equal(gateway.stats.flows_refused, 1);
	assert_int_equal(gateway.flows.n, FLOWS);
	assert_int_equal(gateway.flows.of[FLOW_TCP], FLOWS / 2);
	assert_int_equal(gateway.flows.most, FLOWS);
}

static void an_id_is_never_anothers(void **state)
{
	struct flow *const first = flow_new(&gateway, FLOW_TCP, sizeof(struct flow));
	const uint32_t	   index = first->index, generation = first->generation;

	(void)state;
	assert_ptr_equal(flow_find(&gateway.flows, index, generation), first);
	flow_free(&gateway, first);
	assert_null(flow_find(&gateway.flows, index, generation));
	struct flow *const next = flow_new(&gateway, FLOW_TCP, sizeof(struct flow));
	assert_int_equal(next->index, index);
	assert_int_not_equal(next->generation, generation);
	assert_null(flow_find(&gateway.flows, index, generation));
	assert_int_equal(next->number, 2);
	assert_null(flow_find(&gateway.flows, FLOWS * 10, 1));
}

/* A generation has 24 bits in a cookie, and 0 is none's. */
static void generations_go_round(void **state)
{
	struct flow *flow = flow_new(&gateway, FLOW_TCP, sizeof(struct flow));

	(void)state;
	gateway.flows.generations[flow->index] = 0xffffff;
	flow_free(&gateway, flow);
	flow = flow_new(&gateway, FLOW_TCP, sizeof(struct flow));
	assert_int_equal(flow->generation, 1);
}

static void each_is_listed_once(void **state)
{
	struct flow *flow[10], *seen;
	uint32_t     cursor = 0;
	unsigned     n = 0;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		flow[i] = flow_new(&gateway, FLOW_ECHO, sizeof(struct flow));
	flow_free(&gateway, flow[3]);
	while ((seen = flow_each(&gateway.flows, &cursor)) != NULL) {
		n++;
		flow_free(&gateway, seen);
	}
	assert_int_equal(n, 9);
	assert_int_equal(gateway.flows.n, 0);
	assert_int_equal(gateway.flows.of[FLOW_ECHO], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(flows_are_bounded_and_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_id_is_never_anothers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(generations_go_round, set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_is_listed_once, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
