/* state.c: the edges of RFC 9293 3.10, against figure 5 and what the steps say beyond it. */
#include "unit/tcp_rig.h"

/* Every arrow of RFC 9293 figure 5. */
static void figure_5_every_arrow_is_an_edge(struct rig *r)
{
	static const struct {
		enum tcp_state from, to;
		enum tern_why  why;
	} arrows[] = {
		{ CLOSED, LISTEN, TERN_WHY_OPEN_PASSIVE },
		{ CLOSED, SYN_SENT, TERN_WHY_OPEN_ACTIVE },
		{ LISTEN, CLOSED, TERN_WHY_CLOSE_CALLED },
		{ LISTEN, SYN_RECEIVED, TERN_WHY_SYN_ARRIVED },
		{ LISTEN, SYN_SENT, TERN_WHY_OPEN_ACTIVE },
		{ SYN_SENT, CLOSED, TERN_WHY_CLOSE_CALLED },
		{ SYN_SENT, SYN_RECEIVED, TERN_WHY_SYN_ARRIVED },
		{ SYN_SENT, ESTABLISHED, TERN_WHY_SYN_ACK_ARRIVED },
		{ SYN_RECEIVED, ESTABLISHED, TERN_WHY_OUR_SYN_ACKED },
		{ SYN_RECEIVED, FIN_WAIT_1, TERN_WHY_CLOSE_CALLED },
		{ SYN_RECEIVED, LISTEN, TERN_WHY_RST_ARRIVED }, /* note 1: MUST-11 */
		{ ESTABLISHED, FIN_WAIT_1, TERN_WHY_CLOSE_CALLED },
		{ ESTABLISHED, CLOSE_WAIT, TERN_WHY_FIN_ARRIVED },
		{ FIN_WAIT_1, FIN_WAIT_2, TERN_WHY_OUR_FIN_ACKED },
		{ FIN_WAIT_1, CLOSING, TERN_WHY_FIN_ARRIVED },
		{ FIN_WAIT_1, TIME_WAIT, TERN_WHY_FIN_AND_ACK_ARRIVED }, /* note 2 */
		{ CLOSE_WAIT, LAST_ACK, TERN_WHY_CLOSE_CALLED },
		{ FIN_WAIT_2, TIME_WAIT, TERN_WHY_FIN_ARRIVED },
		{ LAST_ACK, CLOSED, TERN_WHY_OUR_FIN_ACKED },
		{ CLOSING, TIME_WAIT, TERN_WHY_OUR_FIN_ACKED },
		{ TIME_WAIT, CLOSED, TERN_WHY_TWO_MSL },
	};

	(void)r;
	for (size_t i = 0; i < sizeof arrows / sizeof *arrows; i++)
		assert_non_null(state_edge(arrows[i].from, arrows[i].to, arrows[i].why));
}

/* "RST anywhere", ABORT in every state that has a block, R2 wherever something can be in flight. */
static void every_state_ends_by_reset_and_abort(struct rig *r)
{
	(void)r;
	for (int state = SYN_RECEIVED; state < TIME_WAIT; state++) {
		assert_non_null(state_edge((enum tcp_state)state, CLOSED, TERN_WHY_RST_ARRIVED));
		assert_non_null(state_edge((enum tcp_state)state, CLOSED, TERN_WHY_ABORT_CALLED));
		if (state != FIN_WAIT_2) {
			assert_non_null(state_edge((enum tcp_state)state, CLOSED, TERN_WHY_R2));
			assert_non_null(state_edge((enum tcp_state)state, CLOSED, TERN_WHY_USER_TIMEOUT));
		}
	}
	assert_non_null(state_edge(SYN_SENT, CLOSED, TERN_WHY_REFUSED));
}

static void no_edge_leads_back_or_past(struct rig *r)
{
	static const struct {
		enum tcp_state from, to;
	} never[] = {
		{ ESTABLISHED, SYN_SENT },  { ESTABLISHED, LISTEN }, { ESTABLISHED, TIME_WAIT },
		{ CLOSE_WAIT, TIME_WAIT },  { LAST_ACK, TIME_WAIT }, { FIN_WAIT_2, FIN_WAIT_1 },
		{ FIN_WAIT_2, CLOSING },    { CLOSED, ESTABLISHED }, { SYN_SENT, CLOSE_WAIT },
		{ TIME_WAIT, ESTABLISHED }, { CLOSING, LAST_ACK },   { SYN_SENT, LISTEN },
	};

	(void)r;
	for (size_t i = 0; i < sizeof never / sizeof *never; i++)
		for (int why = 0; why < TERN_WHYS; why++)
			assert_null(state_edge(never[i].from, never[i].to, (enum tern_why)why));
}

static void every_edge_is_found_once_and_has_its_clause(struct rig *r)
{
	size_t			      n;
	const struct tern_edge *const edges = tern_edges(&n);

	(void)r;
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(
			state_edge((enum tcp_state)edges[i].from, (enum tcp_state)edges[i].to, edges[i].why),
			&edges[i]);
		assert_int_equal(strncmp(edges[i].clause, "RFC 9293 3.", 11), 0);
		assert_int_not_equal(edges[i].from, edges[i].to);
	}
}

/* Every state but CLOSED is reached, and left. */
static void every_state_is_reached_and_left(struct rig *r)
{
	bool   reached[TERN_STATES] = { [CLOSED] = true }, left[TERN_STATES] = { false };
	size_t n;
	const struct tern_edge *const edges = tern_edges(&n);

	(void)r;
	for (size_t i = 0; i < n; i++) {
		reached[edges[i].to] = true;
		left[edges[i].from] = true;
	}
	for (int state = 0; state < TERN_STATES; state++)
		assert_true(reached[state] && left[state]);
}

static void states_say_what_may_flow(struct rig *r)
{
	static const struct {
		enum tcp_state state;
		bool	       synchronized, receives, sends;
	} table[] = {
		{ CLOSED, false, false, false },   { LISTEN, false, false, false },
		{ SYN_SENT, false, false, true },  { SYN_RECEIVED, false, false, true },
		{ ESTABLISHED, true, true, true }, { FIN_WAIT_1, true, true, false },
		{ FIN_WAIT_2, true, true, false }, { CLOSE_WAIT, true, false, true },
		{ CLOSING, true, false, false },   { LAST_ACK, true, false, false },
		{ TIME_WAIT, true, false, false },
	};

	(void)r;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		assert_int_equal(state_is_synchronized(table[i].state), table[i].synchronized);
		assert_int_equal(state_receives(table[i].state), table[i].receives);
		assert_int_equal(state_sends(table[i].state), table[i].sends);
	}
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(figure_5_every_arrow_is_an_edge), CASE(every_state_ends_by_reset_and_abort),
		CASE(no_edge_leads_back_or_past),      CASE(every_edge_is_found_once_and_has_its_clause),
		CASE(every_state_is_reached_and_left), CASE(states_say_what_may_flow),
	};

	return RIG_RUN("state", cases);
}
