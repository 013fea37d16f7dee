/* One side of a flow failed: it becomes a reset on the other, behind the octets that came before it. An RST overtakes
 * what still waits on this machine, which it could not on a direct connection, so it is held back until the
 * other side has been sent everything; where that takes no more, it goes after RESET_PATIENCE all the same.
 */
#include "gateway/relay_tcp.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

static const tern_time RESET_PATIENCE = TERN_SECOND, LOOK_AGAIN = TERN_MILLISECOND;

void tcp_flow_reset_guest(struct tcp_flow *flow)
{
	(void)tern_abort(flow->gateway->host, flow->socket);
	tcp_flow_forget(flow);
}

/* Whether everything that the server sent has gone out to the guest. */
static bool is_drained_to_guest(struct tcp_flow *flow)
{
	struct tern_status status;

	if (flow->n_rest > 0)
		return false;
	return tern_status(flow->gateway->host, flow->socket, &status) != 0 || status.unsent == 0;
}

static bool is_drained_to_server(const struct tcp_flow *flow)
{
	int left = 0;

	return ioctl(flow->fd, SIOCOUTQNSD, &left) != 0 || left == 0;
}

void tcp_flow_server_failed(struct tcp_flow *flow)
{
	flow->gateway->stats.tcp_reset_by_server++;
	tcp_flow_close_server(flow, true);
	flow->phase = TCP_RESET_GUEST;
	flow->give_up = tern_loop_now(flow->gateway->loop) + RESET_PATIENCE;
	if (is_drained_to_guest(flow))
		tcp_flow_reset_guest(flow);
	else
		tcp_flow_wait(flow, LOOK_AGAIN);
}

static void reset_server(struct tcp_flow *flow)
{
	tcp_flow_close_server(flow, true);
	tcp_flow_forget(flow);
}

void tcp_flow_guest_failed(struct tcp_flow *flow)
{
	flow->gateway->stats.tcp_reset_by_guest++;
	(void)tern_close(flow->gateway->host, flow->socket);
	flow->phase = TCP_RESET_SERVER;
	flow->give_up = tern_loop_now(flow->gateway->loop) + RESET_PATIENCE;
	tcp_flow_watch(flow, 0);
	if (is_drained_to_server(flow))
		reset_server(flow);
	else
		tcp_flow_wait(flow, LOOK_AGAIN);
}

void tcp_fail_look_again(struct tcp_flow *flow, tern_time now)
{
	struct flow_table *const flows = &flow->gateway->flows;
	const uint32_t		 index = flow->flow.index, generation = flow->flow.generation;
	const bool		 to_guest = flow->phase == TCP_RESET_GUEST;

	if (to_guest && !tcp_flow_flush_rest(flow) && !flow_find(flows, index, generation))
		return; /* the guest failed too */
	if (now >= flow->give_up || (to_guest ? is_drained_to_guest(flow) : is_drained_to_server(flow))) {
		if (to_guest)
			tcp_flow_reset_guest(flow);
		else
			reset_server(flow);
		return;
	}
	tcp_flow_wait(flow, LOOK_AGAIN);
}
